"""Return codes in words; loaded only when one is printed."""

from micropython import const

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from .errors import ReasonError

_CONNACK = {
    1: "unacceptable protocol version",
    2: "client identifier rejected",
    3: "server unavailable",
    4: "bad user name or password",
    5: "not authorized",
}


def text(error: "ReasonError") -> str:
    """Say what a reason code means (3.1.1: 3.2.2.3 and 3.9.3; MQTT 5: 2.4)."""
    code = error.reason_code
    if error.properties is not None:
        from .reason5 import words

        return words(code, error.about)
    if code == 0x80:
        return "subscription refused (0x80): " + error.about
    return "connection refused (%d): %s" % (code, _CONNACK.get(code, "unknown return code"))
