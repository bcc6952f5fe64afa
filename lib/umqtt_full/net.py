"""Open a TCP connection without blocking, and what the two Pythons call differently."""

import errno
import select
import socket
import sys

from micropython import const

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import Any

if TYPE_CHECKING or sys.implementation.name == "cpython":
    from ._cpython import Poll as Poll
    from ._cpython import Stream
    from ._cpython import print_exception as print_exception
    from ._cpython import sleep_ms as sleep_ms
    from ._cpython import ticks_ms as ticks_ms
else:
    from sys import print_exception as print_exception
    from time import sleep_ms as sleep_ms
    from time import ticks_ms as ticks_ms

    Poll = select.poll
    Stream = None


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
        if hasattr(socket, "TCP_NODELAY"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect(address)
    except OSError as exc:
        if exc.errno != errno.EINPROGRESS:
            sock.close()
            raise
    return stream_of(sock)


def prompt(stream: "Any") -> None:
    """A payload follows in a write of its own: it is not to wait until the one before is acked.

    For MicroPython's unix port, which has no name for TCP_NODELAY. It is faster without, as long
    as a packet is one write.
    """
    if not hasattr(socket, "TCP_NODELAY") and sys.platform in ("linux", "darwin"):
        if hasattr(stream, "setsockopt"):
            stream.setsockopt(6, 1, 1)
