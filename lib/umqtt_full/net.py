"""Open a TCP connection without blocking, and what the two Pythons call differently."""

import errno
import gc
import select
import socket
import sys

from micropython import const

_TCP = const(6)  # MicroPython's unix port has no names for these
_NODELAY = const(1)
_CORK = const(3)

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import Any

if TYPE_CHECKING or sys.implementation.name == "cpython":
    from ._cpython import Poll as Poll
    from ._cpython import Stream
    from ._cpython import collect as collect
    from ._cpython import print_exception as print_exception
    from ._cpython import sleep_ms as sleep_ms
    from ._cpython import ticks_ms as ticks_ms
else:
    from sys import print_exception as print_exception
    from time import sleep_ms as sleep_ms
    from time import ticks_ms as ticks_ms

    Poll = select.poll
    Stream = None
    collect = gc.collect


def stream_of(sock: "Any") -> "Any":
    """Return the stream of a socket; on MicroPython a socket is one."""
    return sock if Stream is None else Stream(sock)


_known: "dict[tuple[str, int], tuple[int, Any]]" = {}  # where each host was found last


def resolve(host: str, port: int) -> "tuple[int, Any]":
    """Return (family, address) of a host; the last one known when the name cannot be resolved.

    Blocks as long as the port's resolver does: call it only while the network is up.
    """
    try:
        found = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
        best = found[0]
        for entry in found:
            if entry[0] == socket.AF_INET:
                best = entry
                break
        _known[host, port] = (best[0], best[-1])
    except OSError:
        if (host, port) not in _known:
            raise
    return _known[host, port]


def dial(host: str, port: int) -> "Any":
    """Begin to connect and return a non-blocking stream; it is connected when it is writable.

    OSError when the name cannot be resolved or the attempt fails at once.
    """
    family, address = resolve(host, port)
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if hasattr(socket, "TCP_NODELAY") or sys.platform == "darwin":
            sock.setsockopt(_TCP, _NODELAY, 1)
        sock.connect(address)
    except OSError as exc:
        if exc.errno != errno.EINPROGRESS:
            sock.close()
            raise
    return stream_of(sock)


def gatherer(stream: "Any") -> "Any":
    """Return what `cork` takes: the socket behind a stream if the system can cork it, else None.

    A stream that is around another has that in `inner`.
    """
    while hasattr(stream, "inner"):
        stream = stream.inner
    if sys.platform != "linux" or not hasattr(stream, "setsockopt"):
        return None
    try:
        stream.setsockopt(_TCP, _CORK, 0)
    except OSError:  # no TCP
        return None
    return stream


def cork(gatherer: "Any", on: int) -> None:
    """While `on`, have several writes go in full segments, the last one when it ends."""
    if gatherer is not None:
        gatherer.setsockopt(_TCP, _CORK, on)
