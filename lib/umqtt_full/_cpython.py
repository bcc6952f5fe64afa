"""What CPython lacks of MicroPython, in one place; a board never loads this file."""

import select
import socket
import ssl
import sys
import time
import types
from collections.abc import Iterator
from typing import Any

_TICKS_MASK = 0x3FFFFFFF


def install() -> None:
    """Make `from micropython import const` work."""
    if "micropython" not in sys.modules:
        module = types.ModuleType("micropython")
        module.const = lambda value: value  # type: ignore[attr-defined]
        sys.modules["micropython"] = module


def put(buf: bytearray, off: int, src: bytes | bytearray | str, n: int, end: int) -> int:
    """Do what `packet.put` does, with a slice."""
    data = src.encode() if isinstance(src, str) else src
    buf[off : off + n] = memoryview(data)[:n]
    return off + n


def is_ascii(text: str, buf: bytearray, off: int, end: int) -> bool:
    """Do what `packet.is_ascii` does, with a method that MicroPython lacks."""
    return text.isascii()


def ticks_ms() -> int:
    """Milliseconds of a monotonic clock, wrapping as MicroPython's do."""
    return int(time.monotonic() * 1000) & _TICKS_MASK


def sleep_ms(ms: int) -> None:
    """Sleep for `ms` milliseconds."""
    time.sleep(ms / 1000)


def print_exception(exc: BaseException) -> None:
    """Print a traceback, as MicroPython's `sys.print_exception` does."""
    sys.excepthook(type(exc), exc, exc.__traceback__)


class Stream:
    """A non-blocking socket with MicroPython's stream methods."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def fileno(self) -> int:
        """Return the descriptor, for `select`."""
        return self.sock.fileno()

    def readinto(self, buf: bytearray) -> int | None:
        """Return the bytes read, 0 at the end of the stream, None when it would block."""
        try:
            return self.sock.recv_into(buf)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None

    def write(self, buf: Any, off: int, n: int) -> int | None:
        """Write up to `n` bytes of `buf[off:]`; None when it would block."""
        try:
            return self.sock.send(memoryview(buf)[off : off + n])
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None

    def close(self) -> None:
        """Close the socket."""
        self.sock.close()


class Poll:
    """`select.poll` with `ipoll`; where a system has none, `select.select` behind it."""

    def __init__(self) -> None:
        self._poll = select.poll()

    def register(self, stream: Any, events: int) -> None:
        """Watch `stream` for `events`."""
        self._poll.register(stream, events)

    def modify(self, stream: Any, events: int) -> None:
        """Change the events that `stream` is watched for."""
        self._poll.modify(stream, events)

    def ipoll(self, timeout_ms: int) -> Iterator[tuple[int, int]]:
        """Wait for an event at most `timeout_ms`."""
        return iter(self._poll.poll(timeout_ms))
