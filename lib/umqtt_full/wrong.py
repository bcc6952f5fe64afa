"""Says what is wrong with a text; loaded only when one is refused."""

from micropython import const

_MAX = const(65535)


def text_error(value: object, what: str, valid: bool) -> ValueError:
    """Return the error for a text, a topic or a topic filter that `topic.encode_text` refuses.

    `valid` tells whether it is well-formed UTF-8.
    """
    if isinstance(value, str):
        try:
            value = value.encode()
        except UnicodeError:
            return ValueError(what + " holds a surrogate, which UTF-8 does not allow")
    if not isinstance(value, (bytes, bytearray)):
        return ValueError(what + " must be str or bytes, not " + type(value).__name__)
    if not valid:
        return ValueError(what + " is not valid UTF-8")
    if b"\0" in value:
        return ValueError(what + " holds the null character U+0000")
    if len(value) > _MAX:
        return ValueError(what + " is " + str(len(value)) + " bytes long, at most 65535")
    if not value:
        return ValueError(what + " is empty, at least one character is needed")
    if what == "topic filter":
        return ValueError("topic filter: " + _about_filter(bytes(value).split(b"/")))
    return ValueError(what + " holds a wildcard (+ or #), which only a filter may")


def kind_error(value: object, what: str) -> ValueError:
    """Return the error for a topic or a payload of the wrong type."""
    kinds = "str, bytes, bytearray, memoryview or Upload" if what == "payload" else "str or bytes"
    kind = type(value).__name__
    if what == "payload" and isinstance(value, memoryview):
        kind = "a memoryview of items that are no bytes"
    return ValueError(what + " must be " + kinds + ", not " + kind)


def option_error(options: "dict[str, object]") -> ValueError:
    """Return the error for what a subscription of MQTT 3.1.1 cannot have."""
    for name in options:
        if name not in ("no_local", "retain_as_published", "retain_handling", "identifier"):
            if name != "properties":
                return ValueError(name + ": there is no such option")
    return ValueError(", ".join(options) + ": for version=5 only")


def _about_filter(levels: list[bytes]) -> str:
    if levels[0] == b"$share" and (len(levels) < 3 or not levels[1] or levels[2:] == [b""]):
        return "$share needs a name and a filter, $share/name/filter"
    if levels[0] == b"$share" and (b"+" in levels[1] or b"#" in levels[1]):
        return "the name behind $share/ has no wildcard"
    if b"#" in levels[:-1] and all([len(level) == 1 or b"#" not in level for level in levels]):
        return "# must be the last level"
    return "+ and # must fill a whole level"
