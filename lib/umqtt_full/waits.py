"""Waiting: for a stream, an event, a while, in which the Pythons differ; for an answer."""

import asyncio
import sys

from micropython import const

from .net import ticks_ms

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import Any

_TICKS = const(0x3FFFFFFF)

if TYPE_CHECKING or sys.implementation.name == "cpython":
    from ._cpython import DONE as DONE
    from ._cpython import Event as Event
    from ._cpython import Readiness as Readiness
    from ._cpython import cancelled as cancelled
    from ._cpython import is_async as is_async
    from ._cpython import pause_ms as pause_ms
    from ._cpython import wait_ms as wait_ms
    from ._cpython import wake as wake
else:
    from asyncio import Event as Event
    from asyncio import core
    from asyncio import sleep_ms as pause_ms  # noqa: F401

    class Readiness:
        """Awaited: until a stream is readable, or with `write` writable. Takes no heap itself."""

        def __init__(self, write: bool) -> None:
            self._write = write
            self._stream: Any = None
            self._stop = StopIteration()

        def __call__(self, stream: "Any") -> "Readiness":
            """Say which stream is awaited."""
            self._stream = stream
            return self

        def __iter__(self) -> "Readiness":
            return self

        def __next__(self) -> None:
            stream = self._stream
            if stream is None:
                self._stop.__traceback__ = None  # it would grow with every raise
                raise self._stop
            self._stream = None
            if self._write:
                core._io_queue.queue_write(stream)
            else:
                core._io_queue.queue_read(stream)

    async def wait_ms(event: "Any", ms: int) -> bool:
        """Wait for an event at most `ms`; tell whether it came."""
        try:
            await asyncio.wait_for_ms(event.wait(), ms)
        except asyncio.TimeoutError:
            return False
        return True

    def wake(task: "Any") -> None:
        """Have a task that waits for a stream or a time go on now.

        What `Task.cancel` does, without the exception.
        """
        if task.done():
            return
        if task.data is core._io_queue:
            core._io_queue.remove(task)
        elif core.ticks_diff(task.ph_key, core.ticks()) > 0:
            core._task_queue.remove(task)
        else:
            return  # it is about to run, or waits for another task
        core._task_queue.push(task)

    def cancelled(task: "Any") -> bool:
        """Tell whether a task itself was cancelled, which is not known here: False."""
        return False

    async def _sample() -> None:
        pass

    DONE = _sample()  # is over when awaited, and each time after that
    _ASYNC = type(_sample)

    def is_async(handler: object) -> bool:
        """Tell whether calling `handler` gives a coroutine (a bound method cannot be told)."""
        return type(handler) is _ASYNC


class Waiter:
    """Somebody who waits for a message to be acknowledged; kept for the next one."""

    def __init__(self) -> None:
        self.packet_id = 0
        self.since = self.timeout_ms = 0
        self.dropped = False
        self.event = Event()

    def left(self) -> int:
        """How many ms its call still has."""
        return self.timeout_ms - (ticks_ms() - self.since & _TICKS)

    def due(self) -> int:
        """End the call if its time is over; return in how many ms to look again."""
        left = self.left()
        if left <= 0:
            self.event.set()
        return max(left, 1)
