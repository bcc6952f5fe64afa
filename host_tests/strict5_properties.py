"""The properties of MQTT 5.0 (2.2.2) as the referee reads and writes them.

A place is the number of a packet type (1 CONNECT … 15 AUTH), 0 stands for the will. Values are
int, str, bytes; a user property is a list of (name, value), a subscription identifier a list.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from strict_base import Reader, Violation, remaining_length, u16

WILL, CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = range(8)
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, DISCONNECT, AUTH = 8, 9, 10, 11, 14, 15
PLACES = (*range(12), DISCONNECT, AUTH)
_ACKS = (PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK)
_MESSAGE = (WILL, PUBLISH)
_OPENING = (CONNECT, CONNACK)
LONGEST = 268435455  # of a variable byte integer

# number: (name, kind, least, most, where it may stand)
TABLE: dict[int, tuple[str, str, int, int, tuple[int, ...]]] = {
    1: ("payload_format_indicator", "u8", 0, 1, _MESSAGE),
    2: ("message_expiry_interval", "u32", 0, 2**32 - 1, _MESSAGE),
    3: ("content_type", "text", 0, 65535, _MESSAGE),
    8: ("response_topic", "text", 1, 65535, _MESSAGE),
    9: ("correlation_data", "binary", 0, 65535, _MESSAGE),
    11: ("subscription_identifier", "varint", 1, LONGEST, (PUBLISH, SUBSCRIBE)),
    17: ("session_expiry_interval", "u32", 0, 2**32 - 1, (*_OPENING, DISCONNECT)),
    18: ("assigned_client_identifier", "text", 0, 65535, (CONNACK,)),
    19: ("server_keep_alive", "u16", 0, 65535, (CONNACK,)),
    21: ("authentication_method", "text", 0, 65535, (*_OPENING, AUTH)),
    22: ("authentication_data", "binary", 0, 65535, (*_OPENING, AUTH)),
    23: ("request_problem_information", "u8", 0, 1, (CONNECT,)),
    24: ("will_delay_interval", "u32", 0, 2**32 - 1, (WILL,)),
    25: ("request_response_information", "u8", 0, 1, (CONNECT,)),
    26: ("response_information", "text", 0, 65535, (CONNACK,)),
    28: ("server_reference", "text", 0, 65535, (CONNACK, DISCONNECT)),
    31: ("reason_string", "text", 0, 65535, (CONNACK, *_ACKS, DISCONNECT, AUTH)),
    33: ("receive_maximum", "u16", 1, 65535, _OPENING),
    34: ("topic_alias_maximum", "u16", 0, 65535, _OPENING),
    35: ("topic_alias", "u16", 1, 65535, (PUBLISH,)),
    36: ("maximum_qos", "u8", 0, 1, (CONNACK,)),
    37: ("retain_available", "u8", 0, 1, (CONNACK,)),
    38: ("user_property", "pair", 0, 65535, PLACES),
    39: ("maximum_packet_size", "u32", 1, 2**32 - 1, _OPENING),
    40: ("wildcard_subscription_available", "u8", 0, 1, (CONNACK,)),
    41: ("subscription_identifier_available", "u8", 0, 1, (CONNACK,)),
    42: ("shared_subscription_available", "u8", 0, 1, (CONNACK,)),
}
NUMBERS = {row[0]: number for number, row in TABLE.items()}
SIZES = {"u8": 1, "u16": 2, "u32": 4}
REPEATED = {(38, place) for place in PLACES} | {(11, PUBLISH)}
# Which statement a value outside of its range breaks, where it is not plainly U5-4.
_RANGE = {"topic_alias": "MQTT-3.3.2-8"}


def varint(reader: Reader, what: str) -> int:
    """A variable byte integer (1.5.5)."""
    number = 0
    for index in range(4):
        digit = reader.byte(what)
        number |= (digit & 0x7F) << 7 * index
        if not digit & 0x80:
            if index and not digit:
                raise Violation("MQTT-1.5.5-1", f"{what} is padded")
            return number
    raise Violation("U5-1", f"{what} of more than four bytes")


def read(reader: Reader, place: int) -> dict[str, Any]:
    """A property length and its properties, where they stand in `place`."""
    size = varint(reader, "property length")
    inner = Reader(reader.take(size, "properties"), reader.clauses)
    found: dict[str, Any] = {}
    while inner.left():
        number = varint(inner, "property identifier")
        if number not in TABLE:
            raise Violation("U5-2", f"there is no property {number:#x}")
        name, kind, _, _, places = TABLE[number]
        if place not in places:
            _misplaced(name, place)
        if (number, place) in REPEATED:
            found.setdefault(name, []).append(_value(inner, name, kind))
        elif name in found:
            raise Violation("U5-3", f"{name} stands twice")
        else:
            found[name] = _value(inner, name, kind)
    if "authentication_data" in found and "authentication_method" not in found:
        raise Violation("U5-11", "authentication data without a method")
    return found


def _misplaced(name: str, place: int) -> None:
    raise Violation("U5-2", f"{name} does not belong into a packet of type {place}")


def _value(reader: Reader, name: str, kind: str) -> Any:
    if kind == "pair":
        clauses = {**reader.clauses, "utf8": "MQTT-1.5.7-1"}
        pair = Reader(reader.data[reader.at :], clauses)
        value = pair.text(f"name of {name}"), pair.text(f"value of {name}")
        reader.at += pair.at
        return value
    if kind == "text":
        text = reader.text(name)
        if name == "response_topic" and ("+" in text or "#" in text):
            raise Violation("MQTT-3.3.2-14", f"wildcard in the response topic {text!r}")
        if name == "response_topic" and not text:
            raise Violation("MQTT-4.7.3-1", "empty response topic")
        return text
    if kind == "binary":
        return reader.binary(name)
    if kind == "varint":
        number = varint(reader, name)
    else:
        number = int.from_bytes(reader.take(SIZES[kind], name), "big")
    _, _, least, most, _ = TABLE[NUMBERS[name]]
    if not least <= number <= most:
        raise Violation(_RANGE.get(name, "U5-4"), f"{name} is {number}")
    return number


def write(properties: dict[str, Any] | Iterable[tuple[str, Any]] | None) -> bytes:
    """The property length and properties; nothing is checked, so that errors can be sent.

    Pairs instead of a dict may have a name twice; a name may be a number, with its raw bytes.
    """
    pairs = properties.items() if isinstance(properties, dict) else properties or ()
    body = b"".join(_written(name, value) for name, value in pairs)
    return remaining_length(len(body)) + body


def _written(name: Any, value: Any) -> bytes:
    if isinstance(name, int):
        return remaining_length(name) + bytes(value)
    number = NUMBERS[name]
    values = value if isinstance(value, (list, tuple)) and name in _LISTS else [value]
    return b"".join(bytes([number]) + _raw(TABLE[number][1], one) for one in values)


_LISTS = ("user_property", "subscription_identifier")


def _raw(kind: str, value: Any) -> bytes:
    if kind == "pair":
        return _raw("text", value[0]) + _raw("text", value[1])
    if kind in ("text", "binary"):
        data = value.encode() if isinstance(value, str) else bytes(value)
        return u16(len(data)) + data
    if kind == "varint":
        return remaining_length(value)
    return int(value).to_bytes(SIZES[kind], "big")
