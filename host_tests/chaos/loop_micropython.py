"""MicroPython's asyncio with the time of a world: nothing is ever waited for.

The scheduler is the board's own. Only its clock and its I/O queue are replaced, and it stamps
what is ready at once with the real clock; so virtual time begins far ahead of that, and what is
ready is always due.
"""

import asyncio
import time
from asyncio import core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .world import Conn, World

_AHEAD = 100000000  # ms


class Queue:
    """Stands for asyncio's I/O queue."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self._waiting: list[Any] = []  # (task, stream, events)

    def queue_read(self, stream: "Conn") -> None:
        """The current task waits until it can read."""
        self._enqueue(stream, 1)

    def queue_write(self, stream: "Conn") -> None:
        """The current task waits until it can write."""
        self._enqueue(stream, 4)

    def _enqueue(self, stream: "Conn", events: int) -> None:
        task = core.cur_task
        self._waiting.append((task, stream, events | 24))
        task.data = self

    def remove(self, task: "Any") -> None:
        """A task was cancelled."""
        self._waiting = [entry for entry in self._waiting if entry[0] is not task]

    def _ready(self) -> bool:
        # a closed stream is never ready, as with a poll object that it was taken out of
        found = [e for e in self._waiting if not e[1].closed and e[1].events() & e[2]]
        for entry in found:
            self._waiting.remove(entry)
            core._task_queue.push(entry[0])
        return bool(found)

    def wait_io_event(self, ms: int) -> None:
        """Let time pass until a stream is ready."""
        self.world.advance(ms, self._ready)


class Loop:
    """What belongs to one world."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self._base = time.ticks_add(time.ticks_ms(), _AHEAD - (world.now - world.start))
        asyncio.new_event_loop()
        core.ticks = self.ticks
        core._io_queue = Queue(world)

    def ticks(self) -> int:
        """Milliseconds of the world, ahead of the real ones."""
        return time.ticks_add(self._base, self.world.now - self.world.start)

    def dispose(self) -> None:
        """Forget what is left."""
        asyncio.new_event_loop()


def clock_of(world: "World") -> "Callable[[], int]":
    """What `ticks_ms` is in this loop."""
    return world.ticks


def run_virtually(world: "World", function: "Any", *arguments: "Any") -> "Any":
    """Run a coroutine in the world's loop, which is made at the first call."""
    if world.loop is None:
        world.loop = Loop(world)
    core._exc_context["world"] = world
    asyncio.get_event_loop().set_exception_handler(_report)
    return asyncio.get_event_loop().run_until_complete(function(*arguments))


def _report(_loop: "Any", context: "Any") -> None:
    world = core._exc_context["world"]
    if world.failure is None:
        world.failure = ("I6", "in a task: %r" % (context["exception"],))
