"""What CPython lacks of MicroPython, in one place; a board never loads this file."""

import asyncio
import inspect
import io
import select
import socket
import ssl
import sys
import time
import types
from collections.abc import Coroutine, Generator, Iterator
from typing import Any

_TICKS_MASK = 0x3FFFFFFF
# the last for a socket that was given a timeout
_WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError, TimeoutError)
_IN = 1
_OUT = 4


def install() -> None:
    """Make `from micropython import const` work."""
    if "micropython" not in sys.modules:
        module = types.ModuleType("micropython")
        module.const = lambda value: value  # type: ignore[attr-defined]
        sys.modules["micropython"] = module


def put(
    buf: bytearray, off: int, src: bytes | bytearray | memoryview | str, n: int, end: int
) -> int:
    """Do what `packet.put` does, with a slice."""
    data = src.encode() if isinstance(src, str) else src
    buf[off : off + n] = memoryview(data)[:n]
    return off + n


def is_ascii(text: str, buf: bytearray, off: int, end: int) -> bool:
    """Do what `packet.is_ascii` does, with a method that MicroPython lacks."""
    return text.isascii() and "\0" not in text


def ticks_ms() -> int:
    """Milliseconds of a monotonic clock, wrapping as MicroPython's do."""
    return int(time.monotonic() * 1000) & _TICKS_MASK


def sleep_ms(ms: int) -> None:
    """Sleep for `ms` milliseconds."""
    time.sleep(ms / 1000)


def print_exception(exc: BaseException) -> None:
    """Print a traceback, as MicroPython's `sys.print_exception` does."""
    sys.excepthook(type(exc), exc, exc.__traceback__)


def collect() -> None:
    """Do nothing: there is memory, and it would take long."""


class Stream:
    """A non-blocking socket, or SSLSocket, with MicroPython's stream methods, and its own.

    `pending()`, if there is one, tells how many bytes TLS has read ahead, of which `select` knows
    nothing. `wants` is the one event that a blocked write waits for, or 0 for the usual.
    """

    wants = 0

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.pending = getattr(sock, "pending", None)

    def fileno(self) -> int:
        """Return the descriptor, for `select`."""
        return self.sock.fileno()

    def readinto(self, buf: bytearray, n: int = 0) -> int | None:
        """Read at most `n` bytes (0: as many as fit) to the start of `buf`; return how many.

        0: the end of the stream. None: it would block.
        """
        try:
            return self.sock.recv_into(buf, n)
        except _WOULD_BLOCK:
            return None

    def read(self, n: int = 4096) -> bytes | None:
        """Return at most `n` bytes, b"" at the end of the stream; None: it would block."""
        try:
            return self.sock.recv(n)
        except _WOULD_BLOCK:
            return None

    def write(self, buf: Any, off: int = 0, n: int | None = None) -> int | None:
        """Write up to `n` bytes of `buf[off:]`; None when it would block."""
        try:
            return self.sock.send(memoryview(buf)[off : None if n is None else off + n])
        except _WOULD_BLOCK:
            return None

    def __getattr__(self, name: str) -> Any:
        """Give what else a socket has: settimeout, setblocking, setsockopt, and so on."""
        return getattr(self.__dict__["sock"], name)

    def close(self) -> None:
        """Close the socket."""
        self.sock.close()


class Scratch(io.BytesIO):
    """`BytesIO` whose methods take offset and length as MicroPython's do."""

    def write(self, buf: Any, off: int = 0, n: int = -1) -> int:
        """Write `n` bytes of `buf[off:]`."""
        return super().write(memoryview(buf)[off : off + n])

    def readinto(self, buf: Any, n: int = -1) -> int:
        """Read `n` bytes to the start of `buf`."""
        return super().readinto(memoryview(buf)[:n])


def xor(buf: bytearray, i: int, end: int) -> None:
    """Do what `ws.xor` does, at the speed of C."""
    i *= 2
    n = 2 * end - i
    mask = (bytes(buf[i - 4 : i]) * (n // 4 + 1))[:n]
    whole = int.from_bytes(buf[i : i + n], "little") ^ int.from_bytes(mask, "little")
    buf[i : i + n] = whole.to_bytes(n, "little")


class Poll:
    """`select.poll` with `ipoll`; where a system has none, `select.select` behind it."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._stream: Any = None  # what may have bytes that `select` knows nothing of

    def register(self, stream: Any, events: int) -> None:
        """Watch `stream` for `events`."""
        self._poll.register(stream, events)
        self._stream = stream if hasattr(stream, "pending") else None

    def modify(self, stream: Any, events: int) -> None:
        """Change the events that `stream` is watched for."""
        self._poll.modify(stream, events)

    def ipoll(self, timeout_ms: int) -> Iterator[tuple[int, int]]:
        """Wait for an event at most `timeout_ms`."""
        stream = self._stream
        if stream is not None and stream.pending is not None and stream.pending():
            return iter(((0, _IN),))
        return iter(self._poll.poll(timeout_ms))


_waits: "dict[Any, asyncio.Future[None]]" = {}  # of each task that `wake` can have go on


def _finish(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


async def _wait(future: "asyncio.Future[None]") -> None:
    """Wait for a future that `wake` may end."""
    task = asyncio.current_task()
    _waits[task] = future
    try:
        await future
    finally:
        del _waits[task]


def wake(task: Any) -> None:
    """Have a task that waits for a stream or a time go on now.

    Not by `cancel`: that of the loop, as it ends, could come in the same turn, and one
    CancelledError would stand for both.
    """
    if task in _waits:
        _finish(_waits[task])


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
        pending = getattr(self._stream, "pending", None)
        if pending is not None and not self._write and pending():
            yield  # a turn for the others
            return
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
            yield from _wait(future).__await__()
        finally:
            remove(descriptor)


class Event(asyncio.Event):
    """An Event for one loop after the other; asyncio's is bound to the first that waited for it.

    So a client may be made before `asyncio.run`, and be used in several.
    """

    def _get_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()


class _Done(Coroutine[Any, Any, None]):
    """A coroutine that is over, and may be awaited, or be given to a task, any number of times."""

    def __await__(self) -> Generator[Any, None, None]:
        return
        yield  # this makes it a generator

    def send(self, value: Any) -> Any:
        """End the task that runs it."""
        raise StopIteration

    def throw(self, *exc: Any) -> Any:
        """Let what ends the task, such as its cancellation, end it."""
        return super().throw(*exc)

    def close(self) -> None:
        """Do nothing: it is over."""


DONE = _Done()


async def wait_ms(event: asyncio.Event, ms: int) -> bool:
    """Wait for an event at most `ms`; tell whether it came.

    Not by `wait_for`, which before 3.12 may swallow a cancellation.
    """
    waiter = asyncio.ensure_future(event.wait())
    try:
        done, _ = await asyncio.wait((waiter,), timeout=ms / 1000)
    finally:
        waiter.cancel()
    return bool(done)


async def pause_ms(ms: int) -> None:
    """Sleep without blocking the loop; `wake` ends it."""
    if ms <= 0:
        await asyncio.sleep(0)
        return
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    timer = loop.call_later(ms / 1000, _finish, future)
    try:
        await _wait(future)
    finally:
        timer.cancel()


def cancelled(task: "asyncio.Task[Any]") -> bool:
    """Tell whether a task itself was cancelled; before 3.11 that is not known: False."""
    return hasattr(task, "cancelling") and task.cancelling() > 0


def is_async(handler: object) -> bool:
    """Tell whether calling `handler` gives a coroutine."""
    return inspect.iscoroutinefunction(handler)
