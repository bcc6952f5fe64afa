"""umqtt_full: an MQTT client for MicroPython and CPython.

Public names are loaded on first use, so that what a program does not use costs it nothing.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .aio import AsyncClient as AsyncClient
    from .client import Client as Client
    from .errors import LimitError as LimitError
    from .errors import MQTTError as MQTTError
    from .errors import ProtocolError as ProtocolError
    from .errors import ReasonError as ReasonError
    from .packet import Message as Message
    from .packet import Will as Will
    from .store import Store as Store
    from .tls import TLSError as TLSError

if sys.implementation.name == "cpython":
    from ._cpython import install

    install()

_ROOMS = {
    "Client": "client",
    "AsyncClient": "aio",
    "Will": "packet",
    "Message": "packet",
    "MQTTError": "errors",
    "ProtocolError": "errors",
    "ReasonError": "errors",
    "LimitError": "errors",
    "Store": "store",
    "TLSError": "tls",
}


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        if name[0] != "_":
            try:  # MicroPython asks here for submodules too
                return __import__("umqtt_full." + name, None, None, ("*",))
            except ImportError:
                name = "umqtt_full has no " + name
        raise AttributeError(name)
    value = getattr(__import__("umqtt_full." + _ROOMS[name], None, None, ("*",)), name)
    globals()[name] = value
    return value
