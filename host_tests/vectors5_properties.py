"""Every property of MQTT 5.0 in every packet of a broker: alone, doubled, out of place, wrong.

Literals and what follows from them; it runs on CPython and MicroPython. A place is the number of
a packet type, 0 stands for the will.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_ACKS = (4, 5, 6, 7, 9, 11)
_ALL = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 15)
_TEXTS = ((b"\x00\x00", ""), (b"\x00\x02\xc3\xa9", "é"))
_BAD_TEXTS = (
    (b"\x00\x01\xff", 0x81), (b"\x00\x01\x00", 0x81), (b"\x00\x03\xed\xa0\x80", 0x81),
    (b"\x00\x02\xc0\x80", 0x81),
)  # fmt: skip
_BITS = ((b"\x00", 0), (b"\x01", 1))
_BAD_BITS = ((b"\x02", 0x82), (b"\xff", 0x82))
_NUMBERS = ((b"\x00\x00", 0), (b"\xff\xff", 65535))
_LONGS = ((b"\x00\x00\x00\x00", 0), (b"\xff\xff\xff\xff", 4294967295))
_BYTES = ((b"\x00\x00", b""), (b"\x00\x02\x00\xff", b"\x00\xff"))

# (identifier, name, places, (bytes, value)…, (bytes, reason code)…)
ROWS = (
    (0x01, "payload_format_indicator", (0, 3), _BITS, _BAD_BITS),
    (0x02, "message_expiry_interval", (0, 3), _LONGS, ()),
    (0x03, "content_type", (0, 3), _TEXTS, _BAD_TEXTS),
    (0x08, "response_topic", (0, 3), ((b"\x00\x03r/t", "r/t"),),
     _BAD_TEXTS + ((b"\x00\x01#", 0x82), (b"\x00\x03r/+", 0x82))),
    (0x09, "correlation_data", (0, 3), _BYTES, ()),
    (0x0B, "subscription_identifier", (3, 8),
     ((b"\x01", 1), (b"\x80\x01", 128), (b"\xff\xff\xff\x7f", 268435455)),
     ((b"\x00", 0x82), (b"\x81\x00", 0x81), (b"\x80\x80\x80\x80\x01", 0x81))),
    (0x11, "session_expiry_interval", (1, 2, 14), _LONGS, ()),
    (0x12, "assigned_client_identifier", (2,), ((b"\x00\x02\xc3\xa9", "é"),), _BAD_TEXTS),
    (0x13, "server_keep_alive", (2,), _NUMBERS, ()),
    (0x15, "authentication_method", (1, 2, 15), ((b"\x00\x01m", "m"),), _BAD_TEXTS),
    (0x16, "authentication_data", (1, 2, 15), _BYTES, ()),
    (0x17, "request_problem_information", (1,), _BITS, _BAD_BITS),
    (0x18, "will_delay_interval", (0,), _LONGS, ()),
    (0x19, "request_response_information", (1,), _BITS, _BAD_BITS),
    (0x1A, "response_information", (2,), _TEXTS, _BAD_TEXTS),
    (0x1C, "server_reference", (2, 14), _TEXTS, _BAD_TEXTS),
    (0x1F, "reason_string", (2,) + _ACKS + (14, 15), _TEXTS, _BAD_TEXTS),
    (0x21, "receive_maximum", (1, 2), ((b"\x00\x01", 1), (b"\xff\xff", 65535)),
     ((b"\x00\x00", 0x82),)),
    (0x22, "topic_alias_maximum", (1, 2), _NUMBERS, ()),
    (0x23, "topic_alias", (3,), ((b"\x00\x01", 1),), ((b"\x00\x00", 0x94),)),
    (0x24, "maximum_qos", (2,), _BITS, _BAD_BITS),
    (0x25, "retain_available", (2,), _BITS, _BAD_BITS),
    (0x26, "user_property", _ALL,
     ((b"\x00\x00\x00\x00", ("", "")), (b"\x00\x01a\x00\x02\xc3\xa9", ("a", "é"))),
     ((b"\x00\x01\xff\x00\x00", 0x81), (b"\x00\x00\x00\x01\xff", 0x81),
      (b"\x00\x01\x00\x00\x00", 0x81), (b"\x00\x00\x00\x01\x00", 0x81))),
    (0x27, "maximum_packet_size", (1, 2),
     ((b"\x00\x00\x01\x00", 256), (b"\xff\xff\xff\xff", 4294967295)),
     ((b"\x00\x00\x00\x00", 0x82),)),
    (0x28, "wildcard_subscription_available", (2,), _BITS, _BAD_BITS),
    (0x29, "subscription_identifier_available", (2,), _BITS, _BAD_BITS),
    (0x2A, "shared_subscription_available", (2,), _BITS, _BAD_BITS),
)  # fmt: skip
UNKNOWN = (0x00, 0x04, 0x0A, 0x0C, 0x10, 0x14, 0x1B, 0x1D, 0x20, 0x2B, 0x7F)
_USER = b"\x26\x00\x01k\x00\x01v"


def block(*parts: bytes) -> bytes:
    """A property length and properties."""
    body = b"".join(parts)
    size = len(body)
    head = b""
    while size > 127:
        head += bytes((size & 127 | 128,))
        size >>= 7
    return head + bytes((size,)) + body


def repeats(identifier: int, place: int) -> bool:
    """Whether a property may stand more than once."""
    return identifier == 0x26 or (identifier == 0x0B and place == 3)


def allowed(row: "Any", place: int) -> "Iterator[tuple[str, bytes, dict[str, Any]]]":
    """(name, block, properties) of what may stand in this place."""
    identifier, name, places, good, _ = row
    if place not in places:
        return
    first = bytes((identifier,))
    many = repeats(identifier, place)
    for raw, value in good:
        yield name + " alone", block(first + raw), {name: [value] if many else value}
        if identifier != 0x26:
            whole = {name: [value] if many else value, "user_property": [("k", "v"), ("k", "v")]}
            yield name + " between", block(_USER, first + raw, _USER), whole
    if many:
        values = [value for _, value in good]
        parts = [first + raw for raw, _ in good]
        yield name + " repeated", block(*(parts + parts)), {name: values + values}


def wrong(row: "Any", place: int) -> "Iterator[tuple[str, bytes, int]]":
    """(name, block, reason code) of what may not stand in this place."""
    identifier, name, places, good, bad = row
    first = bytes((identifier,))
    raw = good[-1][0]
    if place not in places:
        yield name + " out of place", block(first + raw), 0x81
        yield name + " out of place behind", block(_USER, first + raw), 0x81
        return
    if not repeats(identifier, place):
        yield name + " twice", block(first + raw, first + good[0][0]), 0x82
        yield name + " twice apart", block(first + raw, _USER, first + raw), 0x82
    for value, code in bad:
        yield name + " bad value", block(first + value), code
        yield name + " bad value behind", block(_USER, first + value), code
    for size in range(len(raw)):
        yield name + " cut", block(first + raw[:size]), 0x81


def unknown() -> "Iterator[tuple[str, bytes, int]]":
    """(name, block, reason code) of properties that there are not."""
    for identifier in UNKNOWN:
        yield "unknown %d" % identifier, block(bytes((identifier, 0))), 0x81
    yield "identifier of two bytes", block(b"\x81\x01\x00"), 0x81
    yield "identifier padded", block(b"\x81\x00\x01"), 0x81
