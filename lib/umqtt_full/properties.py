"""MQTT 5 properties (2.2.2): encode, check and decode the block that many packets carry.

A block is its own length, then identifiers with their values. `where` says what it belongs to: the
packet type, which is the packet's first byte >> 4, or 0 for the will. Received blocks are checked
in place without the heap; a dict of them is made only for who reads it.
"""

from micropython import const

from .errors import ProtocolError
from .packet import check_range, encode_length
from .topic import encode_text, encode_topic, is_topic, valid_utf8

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import Any

_IN_WILL = const(1)  # 1 << where
_IN_CONNECT = const(0x2)
_IN_CONNACK = const(0x4)
_IN_PUBLISH = const(0x8)
_IN_ACKS = const(0xF0)
_IN_SUBSCRIBE = const(0x100)
_IN_SUBACK = const(0x200)
_IN_UNSUBSCRIBE = const(0x400)
_IN_UNSUBACK = const(0x800)
_IN_DISCONNECT = const(0x4000)
_IN_AUTH = const(0x8000)
_IN_ANSWERS = const(0x4 | 0xF0 | 0x200 | 0x800 | 0x4000 | 0x8000)

_AS_BIT = const(0)  # one byte, 0 or 1
_AS_U16 = const(1)  # two bytes
_AS_SOME16 = const(2)  # two bytes, not 0
_AS_U32 = const(3)  # four bytes
_AS_SOME32 = const(4)  # four bytes, not 0
_AS_VARIABLE = const(5)  # Variable Byte Integer, not 0
_AS_TEXT = const(6)
_AS_BINARY = const(7)
_AS_PAIR = const(8)

_ALIAS = const(0x23)
_MALFORMED = const(0x81)
_WRONG = const(0x82)
_ALIAS_INVALID = const(0x94)
_SUBSCRIPTION_ID = const(0x0B)  # Subscription Identifier: a PUBLISH may carry several
_RESPONSE = const(0x08)
_USER = const(0x26)

# identifier, name, type, where it may stand (table 2-4)
_TABLE = (
    (0x01, "payload_format_indicator", _AS_BIT, _IN_PUBLISH | _IN_WILL),
    (0x02, "message_expiry_interval", _AS_U32, _IN_PUBLISH | _IN_WILL),
    (0x03, "content_type", _AS_TEXT, _IN_PUBLISH | _IN_WILL),
    (0x08, "response_topic", _AS_TEXT, _IN_PUBLISH | _IN_WILL),
    (0x09, "correlation_data", _AS_BINARY, _IN_PUBLISH | _IN_WILL),
    (0x0B, "subscription_identifier", _AS_VARIABLE, _IN_PUBLISH | _IN_SUBSCRIBE),
    (0x11, "session_expiry_interval", _AS_U32, _IN_CONNECT | _IN_CONNACK | _IN_DISCONNECT),
    (0x12, "assigned_client_identifier", _AS_TEXT, _IN_CONNACK),
    (0x13, "server_keep_alive", _AS_U16, _IN_CONNACK),
    (0x15, "authentication_method", _AS_TEXT, _IN_CONNECT | _IN_CONNACK | _IN_AUTH),
    (0x16, "authentication_data", _AS_BINARY, _IN_CONNECT | _IN_CONNACK | _IN_AUTH),
    (0x17, "request_problem_information", _AS_BIT, _IN_CONNECT),
    (0x18, "will_delay_interval", _AS_U32, _IN_WILL),
    (0x19, "request_response_information", _AS_BIT, _IN_CONNECT),
    (0x1A, "response_information", _AS_TEXT, _IN_CONNACK),
    (0x1C, "server_reference", _AS_TEXT, _IN_CONNACK | _IN_DISCONNECT),
    (0x1F, "reason_string", _AS_TEXT, _IN_ANSWERS),
    (0x21, "receive_maximum", _AS_SOME16, _IN_CONNECT | _IN_CONNACK),
    (0x22, "topic_alias_maximum", _AS_U16, _IN_CONNECT | _IN_CONNACK),
    (0x23, "topic_alias", _AS_SOME16, _IN_PUBLISH),
    (0x24, "maximum_qos", _AS_BIT, _IN_CONNACK),
    (0x25, "retain_available", _AS_BIT, _IN_CONNACK),
    (0x26, "user_property", _AS_PAIR, 0xCFFF),
    (0x27, "maximum_packet_size", _AS_SOME32, _IN_CONNECT | _IN_CONNACK),
    (0x28, "wildcard_subscription_available", _AS_BIT, _IN_CONNACK),
    (0x29, "subscription_identifier_available", _AS_BIT, _IN_CONNACK),
    (0x2A, "shared_subscription_available", _AS_BIT, _IN_CONNACK),
)
_ROWS = {row[0]: i for i, row in enumerate(_TABLE)}
# shortest value and longest number of each type
_LEAST = b"\1\2\2\4\4\1\2\2\4"
_MOST = (1, 65535, 65535, 0xFFFFFFFF, 0xFFFFFFFF, 268435455)


def wrong(text: str, reason_code: int = _WRONG) -> ProtocolError:
    """Return an error whose `reason_code` the DISCONNECT is to carry."""
    exc = ProtocolError(text)
    exc.reason_code = reason_code
    return exc


# reading


def block_start(buf: bytes | bytearray, i: int, end: int) -> int:
    """Return where the content of the block at `i` begins."""
    start = i
    end = min(end, len(buf))
    while i < end and buf[i] > 127:
        i += 1
    if i >= end or i - start > 3 or (i > start and not buf[i]):
        raise wrong("length of the properties is malformed", _MALFORMED)
    return i + 1


def block_end(buf: bytes | bytearray, i: int, end: int) -> int:
    """Return the offset behind the block that begins at `i`."""
    start = block_start(buf, i, end)
    n = 0
    while start > i:
        start -= 1
        n = n << 7 | buf[start] & 127
    n += block_start(buf, i, end)
    if n > end:
        raise wrong("properties pass the end of the packet", _MALFORMED)
    return n


def _size(buf: bytes | bytearray, kind: int, i: int, end: int) -> int:
    """Return how many bytes the value at `i` takes; more than there are if it is cut."""
    n = _LEAST[kind]
    if i + n > end:
        return end
    if kind == _AS_VARIABLE:
        while i + n < end and n < 4 and buf[i + n - 1] > 127:
            n += 1
        return end if buf[i + n - 1] > 127 or (n > 1 and not buf[i + n - 1]) else n
    if kind >= _AS_TEXT:
        n = 2 + (buf[i] << 8 | buf[i + 1])
    if kind == _AS_PAIR and i + n + 2 <= end:
        n += 2 + (buf[i + n] << 8 | buf[i + n + 1])
    elif kind == _AS_PAIR:
        return end
    return n


def _check_text(buf: bytes | bytearray, i: int, end: int) -> None:
    if not valid_utf8(buf, i, end) or buf.find(b"\0", i, end) >= 0:
        raise wrong("property is not valid UTF-8", _MALFORMED)


def _check_value(buf: bytes | bytearray, row: int, i: int, end: int) -> None:
    """Check the value `buf[i:end]` of the property in row `row`."""
    kind = _TABLE[row][2]
    if kind in (_AS_TEXT, _AS_PAIR):
        n = i + 2 + (buf[i] << 8 | buf[i + 1])
        _check_text(buf, i + 2, n)
        if _TABLE[row][0] == _RESPONSE and not is_topic(buf[i + 2 : n]):
            raise wrong("response_topic is empty or holds a wildcard")  # [MQTT-3.3.2-14]
        if kind == _AS_PAIR:
            _check_text(buf, n + 2, end)
    elif kind == _AS_BIT and buf[i] > 1:
        raise wrong("property " + _TABLE[row][1] + " is neither 0 nor 1")
    elif kind in (_AS_SOME16, _AS_SOME32, _AS_VARIABLE):
        while i < end and not buf[i]:
            i += 1
        if i == end:
            code = _ALIAS_INVALID if _TABLE[row][0] == _ALIAS else _WRONG
            raise wrong("property " + _TABLE[row][1] + " is 0", code)


def check_properties(where: int, buf: bytes | bytearray, i: int, end: int) -> int:
    """Check the block that begins at `i`; return the offset behind it. Needs no heap.

    ProtocolError with `reason_code` 0x81: malformed, or unknown here (2.2.2.2); 0x82: doubled, or
    a value that is not allowed; 0x94: a topic alias of 0.
    """
    stop = block_end(buf, i, end)
    i = block_start(buf, i, end)
    seen = 0
    while i < stop:
        row = _ROWS.get(buf[i], -1)
        if row < 0:
            raise wrong("unknown property " + hex(buf[i]), _MALFORMED)
        if not _TABLE[row][3] & 1 << where:
            raise wrong("property " + _TABLE[row][1] + " may not stand here", _MALFORMED)
        if seen & 1 << row and buf[i] != _USER and (buf[i] != _SUBSCRIPTION_ID or where != 3):
            raise wrong("property " + _TABLE[row][1] + " comes twice")
        seen |= 1 << row
        n = _size(buf, _TABLE[row][2], i + 1, stop)
        if i + 1 + n > stop:
            raise wrong("property passes the end of its block", _MALFORMED)
        _check_value(buf, row, i + 1, i + 1 + n)
        i += 1 + n
    return stop


def find_property(buf: bytes | bytearray, i: int, end: int, identifier: int) -> int:
    """Return where the value of a property begins in the checked content `buf[i:end]`, or -1."""
    while i < end:
        if buf[i] == identifier:
            return i + 1
        i += 1 + _size(buf, _TABLE[_ROWS[buf[i]]][2], i + 1, end)
    return -1


def read_variable(buf: bytes | bytearray, i: int) -> int:
    """Return the Variable Byte Integer at `i`, which is known to be whole."""
    n = shift = 0
    while buf[i] > 127:
        n |= (buf[i] & 127) << shift
        shift += 7
        i += 1
    return n | buf[i] << shift


def _value(buf: bytes | bytearray, kind: int, i: int, end: int) -> "Any":
    if kind == _AS_VARIABLE:
        return read_variable(buf, i)
    if kind < _AS_TEXT:
        n = 0
        while i < end:
            n = n << 8 | buf[i]
            i += 1
        return n
    split = i + 2 + (buf[i] << 8 | buf[i + 1])
    data = bytes(buf[i + 2 : split])
    if kind == _AS_BINARY:
        return data
    if kind == _AS_TEXT:
        return str(data, "utf-8")
    return str(data, "utf-8"), str(bytes(buf[split + 2 : end]), "utf-8")


def decode_properties(where: int, buf: bytes | bytearray, i: int, end: int) -> "dict[str, Any]":
    """Return the checked block that begins at `i` as a dict.

    Numbers are int, text str, `…_data` bytes. `user_property` is a list of (name, value) in the
    order received; `subscription_identifier` of a PUBLISH a list of int.
    """
    found: dict[str, Any] = {}
    end = block_end(buf, i, end)
    i = block_start(buf, i, end)
    while i < end:
        identifier, name, kind, _ = _TABLE[_ROWS[buf[i]]]
        i += 1
        n = _size(buf, kind, i, end)
        value = _value(buf, kind, i, i + n)
        if identifier == _USER or (identifier == _SUBSCRIPTION_ID and where == 3):
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
        i += n
    return found


# writing


def named(properties: "Any") -> "dict[str, Any]":
    """Return properties by name, {} for None; ValueError if they are no dict."""
    if properties is None:
        return {}
    if not isinstance(properties, dict):
        raise ValueError("properties must be a dict, not " + repr(properties))
    return properties


def _encoded(name: str, kind: int, value: "Any") -> bytes:
    if kind < _AS_TEXT:
        most = _MOST[kind]
        check_range(name, value, int(kind in (_AS_SOME16, _AS_SOME32, _AS_VARIABLE)), most)
        if kind == _AS_VARIABLE:
            head = bytearray(4)
            return bytes(head[: encode_length(head, 0, value)])
        n = _LEAST[kind]
        return bytes([value >> 8 * (n - 1 - k) & 255 for k in range(n)])
    if kind == _AS_PAIR:
        if not isinstance(value, (tuple, list)) or len(value) != 2:
            raise ValueError("user_property must be a list of (name, value), not " + repr(value))
        return _encoded(name, _AS_TEXT, value[0]) + _encoded(name, _AS_TEXT, value[1])
    if name == "response_topic":
        data = encode_topic(value, name)
    elif kind == _AS_TEXT:
        data = encode_text(value, name)
    elif isinstance(value, (bytes, bytearray)):
        data = bytes(value)
    else:
        raise ValueError(name + " must be bytes, not " + type(value).__name__)
    if len(data) > 65535:
        raise ValueError(name + " is " + str(len(data)) + " bytes long, at most 65535")
    return bytes((len(data) >> 8, len(data) & 255)) + data


def _row(where: int, name: str) -> "Any":
    allowed = []
    for row in _TABLE:
        if row[3] & 1 << where:
            if row[1] == name:
                return row
            allowed.append(row[1])
    raise ValueError("property %r may not stand here, allowed: %s" % (name, ", ".join(allowed)))


def encode_properties(where: int, properties: "dict[str, Any] | None") -> bytes:
    """Return a block with its length; `user_property` is a list of (name, value).

    ValueError says which property is unknown, not allowed here, or has a wrong value.
    """
    data = b""
    for name, value in named(properties).items():
        identifier, _, kind, _ = _row(where, name)
        if identifier == _USER and not isinstance(value, (list, tuple)):
            raise ValueError("user_property must be a list of (name, value), not " + repr(value))
        for one in value if identifier == _USER else (value,):
            data += bytes((identifier,)) + _encoded(name, kind, one)
    head = bytearray(4)
    return bytes(head[: encode_length(head, 0, len(data))]) + data
