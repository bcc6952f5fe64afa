"""Return codes in words; loaded only when one is printed."""

_CONNACK = {
    1: "unacceptable protocol version",
    2: "client identifier rejected",
    3: "server unavailable",
    4: "bad user name or password",
    5: "not authorized",
}


def text(reason_code: int, about: str = "") -> str:
    """Say what `reason_code` means (3.1.1: 3.2.2.3 and 3.9.3); `about` names what was refused."""
    if reason_code == 0x80:
        return "subscription refused (0x80): " + about
    words = _CONNACK.get(reason_code, "unknown return code")
    return "connection refused (" + str(reason_code) + "): " + words
