"""The MQTT 3.1.1 codec: packets to and from a caller's buffer; no state, no I/O.

`encode_x(buf, off, …)` writes at `off` and returns the offset behind it; the caller has made sure
of the room. `decode_x(…)` reads a whole packet body and raises `ProtocolError` when it breaks a
rule. Packets of the hot path go into buffers that exist; CONNECT, SUBSCRIBE and UNSUBSCRIBE, which
are rare, are returned as bytes of their own.
"""

import sys
from struct import pack_into

from micropython import const

from .errors import ProtocolError
from .topic import encode_text, valid_utf8

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import TypeAlias

    from .upload import Upload
    from .will import Will

    Payload: TypeAlias = "bytes | bytearray | memoryview | str | Upload"

_PUBLISH = const(0x30)
_SUBSCRIBE = const(0x82)
_MAX_REMAINING = const(268435455)
_FORMATS = (
    "16s", "32s", "64s", "128s", "256s", "512s", "1024s", "2048s", "4096s", "8192s", "16384s",
)  # fmt: skip


def put(
    buf: bytearray, off: int, src: bytes | bytearray | memoryview | str, n: int, end: int
) -> int:
    """Copy the first `n` bytes of `src` (a `str`: as UTF-8) to `buf[off:]`; return `off + n`.

    Takes nothing from the heap. May write zeros behind the copy, never at or behind `end`.
    """
    i = 0
    while 16 << i < n:
        i += 1
    if off + (16 << i) <= end and i < 11:
        pack_into(_FORMATS[i], buf, off, src)
    else:
        _put_tight(buf, off, src, n)
    return off + n


def format_of(n: int) -> str:
    """Return the format with which `pack_into` copies `n` bytes; "" if there is none so long."""
    i = 0
    while 16 << i < n:
        i += 1
    return _FORMATS[i] if i < 11 else ""


def _put_tight(
    buf: bytearray, off: int, src: bytes | bytearray | memoryview | str, n: int
) -> None:
    """Copy where there is no room for zeros: the larger part at once, then byte by byte."""
    if isinstance(src, str):
        src = src.encode()
    i = 0
    while i < 10 and 32 << i <= n:
        i += 1
    if 16 << i <= n:
        pack_into(_FORMATS[i], buf, off, src)
        i = 16 << i
    else:
        i = 0
    while i < n:
        buf[off + i] = src[i]
        i += 1


def is_ascii(text: str, buf: bytearray, off: int, end: int) -> bool:
    """Tell whether `text` is as many bytes as characters, and free of U+0000.

    Uses `buf[off:end]` as scratch instead of the heap: where the text is too long for it, or for
    the zeros that `put` writes behind it in one step, the answer is False.
    """
    n = len(text)
    if "\0" in text or off + 2 * n + 16 > end or n > 16383:
        return False
    put(buf, off, text, n + 1, end)
    return not buf[off + n]


if sys.implementation.name == "cpython":
    from ._cpython import is_ascii as is_ascii
    from ._cpython import put as put


def length_size(n: int) -> int:
    """Return how many bytes (1 to 4) the Remaining Length `n` takes (2.2.3)."""
    return 1 if n < 128 else 2 if n < 16384 else 3 if n < 2097152 else 4


def encode_length(buf: bytearray, off: int, n: int) -> int:
    """Write the Remaining Length `n` (0 to 268,435,455) in its shortest form."""
    while n > 127:
        buf[off] = n & 127 | 128
        n >>= 7
        off += 1
    buf[off] = n
    return off + 1


def decode_length(buf: bytearray, off: int) -> int:
    """Return the Remaining Length that begins at `off` and is known to be complete.

    ProtocolError when its last byte is a zero that pads it.
    """
    n = buf[off] & 127
    shift = 0
    while buf[off] > 127:
        off += 1
        shift += 7
        n |= (buf[off] & 127) << shift
    if shift and not buf[off]:
        raise ProtocolError("Remaining Length is padded")
    return n


def body(buf: bytes | bytearray) -> int:
    """Return the offset behind the fixed header of the packet at the start of `buf`."""
    i = 2
    while buf[i - 1] > 127:
        i += 1
    return i


def encode_ack(buf: bytearray, off: int, first: int, packet_id: int) -> int:
    """Write PUBACK, PUBREC, PUBREL or PUBCOMP; `first` is the packet's first byte."""
    pack_into(">BBH", buf, off, first, 2, packet_id)
    return off + 4


def check_range(name: str, value: int, low: int, high: int) -> int:
    """Return `value`; ValueError that names it unless it is an int from `low` to `high`."""
    if not isinstance(value, int) or not low <= value <= high:
        raise ValueError("%s must be %d to %d, not %r" % (name, low, high, value))
    return value


def check_call(name: str, value: object) -> None:
    """Raise ValueError that names it unless `value` can be called."""
    if not callable(value):
        raise ValueError("%s must be a function, not %r" % (name, value))


def check_qos(qos: int) -> int:
    """Return `qos`; ValueError unless it is 0, 1 or 2."""
    return check_range("qos", qos, 0, 2)


def encoded(value: str, what: str) -> bytes:
    """Return a str as UTF-8; ValueError, not one of the codec's, if it holds a surrogate."""
    try:
        return value.encode()
    except UnicodeError:
        from .wrong import text_error

        raise text_error(value, what, False) from None


def binary(value: str | bytes, what: str) -> bytes:
    """Return `value` as bytes (a str: as UTF-8); ValueError if it is no binary data (1.5.6)."""
    if isinstance(value, str):
        value = encoded(value, what)
    elif not isinstance(value, (bytes, bytearray)):
        raise ValueError(what + " must be str or bytes, not " + type(value).__name__)
    if len(value) > 65535:
        raise ValueError(what + " is " + str(len(value)) + " bytes long, at most 65535")
    return bytes(value)


def _field(data: bytes) -> bytes:
    return bytes((len(data) >> 8, len(data) & 255)) + data


def encode_packet(first: int, body: bytes) -> bytes:
    """Return a packet with this first byte and body."""
    head = bytearray(5)
    head[0] = first
    return bytes(head[: encode_length(head, 1, len(body))]) + body


def encode_connect(
    client_id: str | bytes,
    username: str | bytes | None,
    password: str | bytes | None,
    keep_alive: int,
    clean_session: bool,
    will: "Will | None",
    level: int = 4,
    properties: bytes = b"",
    will_properties: bytes = b"",
) -> bytearray:
    """Return a CONNECT packet (3.1); ValueError says what is wrong with an argument.

    `level` 5 is MQTT 5; the properties, encoded with their length, belong to it alone.
    """
    client_id = encode_text(client_id, "client_id")
    if not client_id and not clean_session and level == 4:
        raise ValueError("an empty client_id needs clean_session=True")  # [MQTT-3.1.3-7]
    check_range("keep_alive in seconds", keep_alive, 0, 65535)
    flags = 2 if clean_session else 0
    body = properties + _field(client_id)
    if will is not None:
        if not hasattr(will, "qos"):
            raise ValueError("will must be a Will, not " + type(will).__name__)
        if will.properties and level == 4:
            raise ValueError("properties of a will need version=5")
        flags |= 4 | will.qos << 3 | will.retain << 5
        body += will_properties + _field(will.topic) + _field(will.payload)
    if username is not None:
        flags |= 0x80
        body += _field(encode_text(username, "username"))
    elif password is not None and level == 4:
        raise ValueError("a password needs a username")  # [MQTT-3.1.2-22]
    if password is not None:
        flags |= 0x40
        body += _field(binary(password, "password"))
    head = bytes((level, flags, keep_alive >> 8, keep_alive & 255))
    return bytearray(encode_packet(0x10, b"\0\4MQTT" + head + body))


def set_clean(connect: bytearray, clean_session: bool) -> None:
    """Change Clean Session in a CONNECT packet; ValueError if it has no client id."""
    flags = body(connect) + 7
    if not clean_session and not connect[flags + 3] + connect[flags + 4]:
        raise ValueError("an empty client_id needs clean_session=True")  # [MQTT-3.1.3-7]
    connect[flags] = connect[flags] & ~2 | clean_session << 1


def encode_subscribe(
    first: int, packet_id: int, filters: list[tuple[bytes, int]], properties: bytes = b""
) -> bytes:
    """Return a SUBSCRIBE (`first` 0x82) or UNSUBSCRIBE (0xA2) packet for (filter, options) pairs.

    The options of 3.1.1 are the QoS.
    """
    body = bytes((packet_id >> 8, packet_id & 255)) + properties
    for topic_filter, options in filters:
        body += _field(topic_filter)
        if first == _SUBSCRIBE:
            body += bytes((options,))
    return encode_packet(first, body)


class Message:
    """A received PUBLISH, borrowed: valid until the handler it was given to returns.

    `topic` makes a str, `payload` a memoryview (32 bytes of heap) when read; the methods take
    nothing. `offset` and `total` say which piece of the payload this is, in bytes: a message that
    is not streamed has one piece, `offset` 0 and `total` its length.
    """

    shortest = 1  # bytes of a topic; MQTT 5 has an alias instead of one
    invalid = False  # MQTT 5: it says that it is text, and is not

    def __init__(self) -> None:
        self.buf = self.topic_buf = bytearray()
        self.header = self.packet_id = self.offset = self.total = 0
        self.topic_start = self.topic_end = self.start = self.end = 0

    def decode(self, buf: bytearray, i: int, end: int, header: int) -> None:
        """Read the PUBLISH whose body is `buf[i:end]` and whose first byte is `header`.

        The text of the topic is left to `check_topic`, which is not needed for a topic that equals
        a known filter.
        """
        self.buf = self.topic_buf = buf
        self.header = header
        self.topic_start = i + 2
        self.end = end
        i += 2 + (buf[i] << 8 | buf[i + 1] if end - i > 2 else end)
        self.topic_end = i
        if header & 6:
            self.packet_id = buf[i] << 8 | buf[i + 1] if i + 2 <= end else 0
            i += 2
            if header & 6 == 6 or not self.packet_id:
                raise ProtocolError("PUBLISH with QoS 3, or without a packet id")
        elif header & 8:
            raise ProtocolError("PUBLISH with DUP at QoS 0")  # [MQTT-3.3.1-2]
        else:
            self.packet_id = 0
        if i > end or self.topic_end < self.topic_start + self.shortest:
            raise ProtocolError("PUBLISH whose topic is empty or passes the end of the packet")
        self.start = i
        self.offset = 0
        self.total = end - i

    @property
    def topic(self) -> str:
        """The topic name."""
        return str(bytes(self.topic_buf[self.topic_start : self.topic_end]), "utf-8")

    @property
    def payload(self) -> memoryview:
        """The payload, or the piece of it, uncopied; `bytes(message.payload)` keeps it."""
        return memoryview(self.buf)[self.start : self.end]

    @property
    def qos(self) -> int:
        """0, 1 or 2: the level it was delivered with."""
        return self.header >> 1 & 3

    @property
    def retain(self) -> bool:
        """True for a retained message sent because of a new subscription [MQTT-3.3.1-8]."""
        return bool(self.header & 1)

    @property
    def dup(self) -> bool:
        """True if the broker may have sent this packet before."""
        return bool(self.header & 8)

    def topic_is(self, topic: bytes | str) -> bool:
        """Compare the topic in place; bytes are compared without the heap."""
        return _same(self.topic_buf, self.topic_start, self.topic_end, topic)

    def payload_is(self, payload: bytes | str) -> bool:
        """Compare the payload in place; bytes are compared without the heap."""
        return _same(self.buf, self.start, self.end, payload)

    def payload_int(self) -> int:
        """Read the payload as a decimal integer; ValueError if it is none."""
        i = self.start
        negative = i < self.end and self.buf[i] == 0x2D
        if negative:
            i += 1
        if i >= self.end:
            raise ValueError("payload is not an integer")
        n = 0
        while i < self.end:
            if not 0x30 <= self.buf[i] <= 0x39:
                raise ValueError("payload is not an integer")
            n = n * 10 + self.buf[i] - 0x30
            i += 1
        return -n if negative else n

    def copy_into(self, target: bytearray) -> int:
        """Copy the payload to the start of `target`; return its length in bytes.

        ValueError if `target` is too small.
        """
        n = self.end - self.start
        if n > len(target):
            raise ValueError("payload of " + str(n) + " bytes is longer than the buffer")
        i = 0
        while i < n:
            target[i] = self.buf[self.start + i]
            i += 1
        return n


def _same(buf: bytearray, start: int, end: int, value: bytes | str) -> bool:
    if isinstance(value, str):
        value = value.encode()
    return end - start == len(value) and buf.startswith(value, start)


def check_topic(message: Message) -> None:
    """Raise ProtocolError unless the topic received is well-formed [MQTT-1.5.3-1, 3.3.2-2]."""
    buf = message.topic_buf
    i = message.topic_start
    end = message.topic_end
    if not valid_utf8(buf, i, end):
        raise ProtocolError("topic is not valid UTF-8")
    if buf.find(b"\0", i, end) >= 0 or buf.find(b"+", i, end) >= 0 or buf.find(b"#", i, end) >= 0:
        raise ProtocolError("topic holds U+0000 or a wildcard")
