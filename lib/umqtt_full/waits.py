"""What asyncio of the two Pythons calls differently: waiting for a stream, an event, a while."""

import asyncio
import sys

from micropython import const

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import Any

if TYPE_CHECKING or sys.implementation.name == "cpython":
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

    _ASYNC = type(_sample)

    def is_async(handler: object) -> bool:
        """Tell whether calling `handler` gives a coroutine (a bound method cannot be told)."""
        return type(handler) is _ASYNC
