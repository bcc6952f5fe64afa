"""What CPython lacks of MicroPython, in one place; a board never loads this file."""

import asyncio
import inspect
import select
import socket
import ssl
import sys
import time
import types
from collections.abc import Generator, Iterator
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


def _finish(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


class Readiness:
    """Awaited: until a stream is readable, or with `write` writable."""

    def __init__(self, write: bool) -> None:
        self._write = write
        self._stream: Any = None

    def __call__(self, stream: Any) -> "Readiness":
        """Say which stream is awaited."""
        self._stream = stream
        return self

    def __await__(self) -> Generator[Any, None, None]:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        descriptor = self._stream.fileno()
        add, remove = (
            (loop.add_writer, loop.remove_writer)
            if self._write
            else (loop.add_reader, loop.remove_reader)
        )
        add(descriptor, _finish, future)
        try:
            yield from future
        finally:
            remove(descriptor)


async def wait_ms(event: asyncio.Event, ms: int) -> bool:
    """Wait for an event at most `ms`; tell whether it came."""
    try:
        await asyncio.wait_for(event.wait(), ms / 1000)
    except asyncio.TimeoutError:
        return False
    return True


async def pause_ms(ms: int) -> None:
    """Sleep without blocking the loop."""
    await asyncio.sleep(ms / 1000)


def uncancel() -> None:
    """A cancellation was an inner signal: take it back."""
    task = asyncio.current_task()
    if task is not None and hasattr(task, "uncancel"):
        task.uncancel()


def is_async(handler: object) -> bool:
    """Tell whether calling `handler` gives a coroutine."""
    return inspect.iscoroutinefunction(handler)
