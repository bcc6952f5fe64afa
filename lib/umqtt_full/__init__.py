"""umqtt_full: an MQTT client for MicroPython and CPython.

Public names are loaded on first use, so that what a program does not use costs it nothing.
"""

import gc
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
    from .session5 import Session5 as Session5
    from .store import Store as Store
    from .tls import TLSError as TLSError
    from .upload import Upload as Upload
    from .will import Will as Will

if sys.implementation.name == "cpython":
    from ._cpython import install

    install()

_ROOMS = {
    "Client": "client",
    "AsyncClient": "aio",
    "Will": "will",
    "Message": "packet",
    "MQTTError": "errors",
    "ProtocolError": "errors",
    "ReasonError": "errors",
    "LimitError": "errors",
    "Store": "store",
    "Upload": "upload",
    "TLSError": "tls",
    "Session5": "session5",
}
# What large rooms stand on, lowest first. MicroPython loads it one by one with a collection
# between, or what loading leaves behind would lie scattered among what stays.
_FLOORS = {
    "link": "errors topic ids packet inbox keep_alive outbox subscriptions session net",
    "client": "link",
    "aio": "link waits messages supervisor",
    "session5": "properties message5 outbox5 subscriptions5 aliases connect5",
}


def _load(room: str) -> None:
    for floor in _FLOORS.get(room, "").split():
        _load(floor)
    __import__("umqtt_full." + room)
    gc.collect()


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        if name[0] != "_":
            try:  # MicroPython asks here for submodules too
                return __import__("umqtt_full." + name, None, None, ("*",))
            except ImportError:
                name = "umqtt_full has no " + name
        raise AttributeError(name)
    if sys.implementation.name != "cpython":
        _load(_ROOMS[name])
    value = getattr(__import__("umqtt_full." + _ROOMS[name], None, None, ("*",)), name)
    globals()[name] = value
    return value
