"""Topic names and topic filters: check them, match them. Works on encoded text, in place."""

from micropython import const

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_MAX = const(65535)


def valid_utf8(buf: bytes | bytearray, i: int, end: int) -> bool:
    """Tell whether `buf[i:end]` is well-formed UTF-8 without surrogates [MQTT-1.5.3-1]."""
    while i < end:
        c = buf[i]
        i += 1
        if c < 0x80:
            continue
        # the second byte rules out overlong forms, surrogates and what lies above U+10FFFF
        if i >= end or not may_follow(c, buf[i]):
            return False
        i += 1
        if c >= 0xE0:
            c = 2 if c >= 0xF0 else 1
            while c:
                if i >= end or buf[i] & 0xC0 != 0x80:
                    return False
                i += 1
                c -= 1
    return True


def may_follow(lead: int, c: int) -> bool:
    """Tell whether `c` may follow the lead byte `lead` (Unicode, table 3-7)."""
    low = 0x80
    high = 0xBF
    if lead == 0xE0:
        low = 0xA0
    elif lead == 0xED:
        high = 0x9F
    elif lead == 0xF0:
        low = 0x90
    elif lead == 0xF4:
        high = 0x8F
    return 0xC2 <= lead <= 0xF4 and low <= c <= high


def encode_text(
    value: str | bytes, what: str, fits: "Callable[[bytes], bool] | None" = None
) -> bytes:
    """Return `value` as UTF-8, or raise ValueError that says what is wrong with `what`.

    The rules of every UTF-8 string: no surrogate [MQTT-1.5.3-1], no U+0000 [MQTT-1.5.3-2], at most
    65,535 bytes (1.5.3). `fits` tells of the bytes whether they keep the rules beyond those.
    """
    data: Any = value
    if isinstance(value, str):
        try:
            data = value.encode()
        except UnicodeError:  # a surrogate
            data = ""
    valid = isinstance(data, (bytes, bytearray)) and valid_utf8(data, 0, len(data))
    if valid and len(data) <= _MAX and b"\0" not in data and (fits is None or fits(data)):
        return bytes(data)
    from .wrong import text_error

    raise text_error(value, what, valid)


def encode_topic(topic: str | bytes, what: str = "topic") -> bytes:
    """Return a topic name as UTF-8; ValueError if empty or with a wildcard [MQTT-3.3.2-2]."""
    return encode_text(topic, what, is_topic)


def encode_filter(topic_filter: str | bytes) -> bytes:
    """Return a topic filter as UTF-8; ValueError on misplaced wildcards [MQTT-4.7.1-2, -3]."""
    return encode_text(topic_filter, "topic filter", _is_filter)


def _is_filter(data: bytes) -> bool:
    levels = data.split(b"/")
    if levels[0] == b"$share":  # it needs a name without wildcards, and a filter
        if len(levels) < 3 or not levels[1] or levels[2:] == [b""]:
            return False
        if b"+" in levels[1] or b"#" in levels[1]:
            return False
    for level in levels:
        if len(level) > 1 and (b"+" in level or b"#" in level):
            return False
    return len(data) > 0 and b"#" not in levels[:-1]


def unshared(topic_filter: bytes) -> bytes:
    """Return the part of a filter that topics are matched with: `$share/group/f` gives `f`."""
    if topic_filter.startswith(b"$share/"):
        return topic_filter.split(b"/", 2)[-1]
    return topic_filter


def matches(topic_filter: bytes, buf: bytes | bytearray, i: int, end: int) -> bool:
    """Tell whether the topic `buf[i:end]` matches the filter (4.7); needs no heap."""
    f = 0
    n = len(topic_filter)
    if i < end and buf[i] == 0x24 and topic_filter[0] != 0x24:
        return False  # no leading wildcard stands for $ [MQTT-4.7.2-1]
    while f < n:
        c = topic_filter[f]
        if c == 0x23:  # '#', also for the parent level
            return True
        if c == 0x2B:  # '+'
            while i < end and buf[i] != 0x2F:
                i += 1
            f += 1
        elif i < end and buf[i] == c:
            i += 1
            f += 1
        else:
            # "a/#" matches "a" too: what is left of the filter is "/#"
            return i == end and f == n - 2 and c == 0x2F and topic_filter[n - 1] == 0x23
    return i == end


def is_topic(value: bytes | bytearray | memoryview | str) -> bool:
    """Tell whether a publish may use `value`: ASCII text without U+0000, or bytes; no heap."""
    if type(value) is memoryview:
        return False
    n = len(value)
    if isinstance(value, str):
        return 0 < n <= _MAX and "+" not in value and "#" not in value
    if not 0 < n <= _MAX or b"+" in value or b"#" in value or b"\0" in value:
        return False
    return valid_utf8(value, 0, n)
