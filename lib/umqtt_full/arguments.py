"""What a client is made with: checked once, and let go, for the heap is for what stays.

What goes into packets is checked where they are encoded. Here is the rest, which would only be
tripped over later, in the midst of a connection.
"""

import sys

from micropython import const

from .packet import check_call, check_range
from .session import Session
from .topic import encode_text

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import Any

    from .link import Link

_TICKS = const(0x3FFFFFFF)
_BUFFER = const(16777215)
_TIMES = (("timeout_ms", 0), ("connect_timeout_ms", 1), ("backoff_ms", 1), ("backoff_max_ms", 1))
_TLS = "ca cert key server_hostname insecure_no_verification psk"
_FIVE = (
    "clean_start session_expiry_interval properties topic_aliases check_payload_format "
    "accept_session authentication fallback"
)


def prepare(
    link: "Link",
    version: int,
    tls: "Any",
    websocket: str | None,
    store: "Any",
    options: "dict[str, Any]",
) -> "type[Session]":
    """Check them, set what dials, and return the session's class; `options` are left to that.

    ValueError names what is not allowed.
    """
    if link.connect_timeout_ms is None:
        link.connect_timeout_ms = 10000 if tls else 5000
    _check(link, store, options)
    for name in _TLS.split():
        if name in options and not options[name]:
            del options[name]
    if tls or any([name in options for name in _TLS.split()]):
        from .tls import explain, secure

        link._dial = secure(link._dial, tls, options)
        link._explain = explain
    if websocket is not None:
        from .ws import upgrade

        link._dial = upgrade(link._dial, websocket)
    link.port = link.port or ((443 if tls else 80) if websocket else 8883 if tls else 1883)
    session = _session(version, options)
    if sys.implementation.name != "cpython":  # which has memory, and takes long to collect it
        sys.modules["umqtt_full"].__dict__.pop("arguments", None)
        sys.modules.pop("umqtt_full.arguments", None)
    return session


def _check(link: "Any", store: "Any", options: "dict[str, Any]") -> None:
    if not isinstance(link.host, (str, bytes)) or not link.host:
        raise ValueError("host must be a name or an address, not " + repr(link.host))
    check_range("port", link.port, 0, 65535)
    for name, least in _TIMES:
        check_range(name, getattr(link, name), least, _TICKS)
    if options.get("ping_timeout_ms") is not None:
        check_range("ping_timeout_ms", options["ping_timeout_ms"], 1, _TICKS)
    check_range("rx_size", options.get("rx_size", 1024), 16, _BUFFER)
    check_call("dial", link._dial)
    for name in ("ready", "network"):
        if getattr(link, "_" + name, None) is not None:
            check_call(name, getattr(link, "_" + name))
    if store is not None and not hasattr(store, "load"):
        raise ValueError("store must be a Store, not " + repr(store))


def _session(version: int, options: "dict[str, Any]") -> "type[Session]":
    if type(version) is not int or version not in (4, 5):
        raise ValueError("version must be 4 (MQTT 3.1.1) or 5, not " + repr(version))
    if version == 4:
        for name in _FIVE.split():
            if name in options:
                raise ValueError(name + ": for version=5 only")
        return Session
    value = options.get("topic_aliases", 0)
    if not isinstance(value, (int, list, tuple)):
        raise ValueError(
            "topic_aliases must be 0 to 65535 or a list of topics, not " + repr(value)
        )
    value = options.get("fallback", False)
    if value not in (True, False):
        raise ValueError("fallback must be True or False, not " + repr(value))
    if options.get("authentication") is not None:
        _check_hook(options["authentication"])
    import umqtt_full

    return umqtt_full.Session5


def _check_hook(value: "Any") -> None:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError("authentication must be (method, hook), not " + repr(value))
    encode_text(value[0], "the method of authentication")
    check_call("the hook of authentication", value[1])
