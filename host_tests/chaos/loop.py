"""An asyncio loop on CPython whose time is a world's: nothing is ever waited for."""

import asyncio
import selectors
from collections.abc import Callable, Mapping
from typing import Any

from .world import IN, OUT, World


class Selector(selectors.BaseSelector):
    """Looks at simulated streams; `select` lets virtual time pass."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._keys: dict[int, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Watch a descriptor."""
        number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        key = selectors.SelectorKey(fileobj, number, events, data)
        self._keys[number] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """Watch it no longer."""
        return self._keys.pop(fileobj if isinstance(fileobj, int) else fileobj.fileno())

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Watch it for something else."""
        return self.register(fileobj, events, data)

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        """What is watched of a descriptor."""
        return self._keys[fileobj if isinstance(fileobj, int) else fileobj.fileno()]

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """All that is watched."""
        return self._keys

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Let time pass until a stream is ready."""
        ms = -1 if timeout is None else max(0, -int(-timeout * 1000 // 1)) if timeout > 0 else 0
        found: list[tuple[selectors.SelectorKey, int]] = self.world.advance(ms, self._ready)
        return found

    def _ready(self) -> list[tuple[selectors.SelectorKey, int]]:
        found = []
        for number, key in self._keys.items():
            if number < 1000000:
                continue  # the loop's own
            events = self.world.net.conns[number - 1000001].events()
            seen = (selectors.EVENT_READ if events & ~OUT else 0) | (
                selectors.EVENT_WRITE if events & ~IN else 0
            )
            if seen & key.events:
                found.append((key, seen & key.events))
        return found


class Loop(asyncio.SelectorEventLoop):
    """A loop that reads the world's clock."""

    def __init__(self, world: World) -> None:
        self.world = world
        super().__init__(Selector(world))

    def time(self) -> float:
        """Seconds of the world."""
        return self.world.now / 1000

    def dispose(self) -> None:
        """Close; what was still running is of no interest."""
        for task in asyncio.all_tasks(self):
            task._log_destroy_pending = False  # type: ignore[attr-defined]
        self.close()


def clock_of(world: World) -> Callable[[], int]:
    """What `ticks_ms` is in this loop."""
    return world.ticks


def run_virtually(world: World, function: Any, *arguments: Any) -> Any:
    """Run a coroutine in the world's loop, which is made at the first call."""
    loop = getattr(world, "loop", None)
    if loop is None:
        loop = world.loop = Loop(world)
        loop.set_exception_handler(lambda _loop, context: _report(world, context))
    return loop.run_until_complete(function(*arguments))


def _report(world: World, context: dict[str, Any]) -> None:
    exc = context.get("exception")
    if world.failure is None:
        world.failure = ("I6", f"in a task: {context['message']} {exc!r}")
        world.note(f"FAILED in a task: {exc!r}")
