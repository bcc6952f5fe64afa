"""Makes a failing history short: fewer decisions, simpler ones, the usual configuration."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from .engine import DEFAULTS
from .guard import run_guarded
from .history import History, Step

_MOST = 1500  # runs


def sort_of(failure: tuple[str, str] | None) -> str:
    """What a failure is, without its numbers."""
    return (
        "" if failure is None else failure[0] + " " + re.sub(r"[\d.]+|\[.*\]|\(.*", "", failure[1])
    )


class Shrinker:
    """Searches for a smaller history that fails in the same way."""

    def __init__(self, history: History, fails: Callable[[History], str]) -> None:
        self.best = history
        self._fails = fails
        self._wanted = fails(history)
        self._left = _MOST

    def _try(self, **changes: Any) -> bool:
        history = {**self.best, **changes}
        if self._left <= 0 or self._fails(history) != self._wanted:
            self._left -= 1
            return False
        self._left -= 1
        self.best = history
        return True

    def shrink(self) -> History:
        """The smallest that was found."""
        if not self._wanted:
            return self.best
        before = None
        while before != self.best and self._left > 0:
            before = self.best
            self._fewer()
            self._simpler()
            self._usual()
        return self.best

    def _fewer(self) -> None:
        """Leave out runs of steps, long ones first."""
        size = max(1, len(self.best["steps"]) // 2)
        while size:
            at = 0
            while at < len(self.best["steps"]):
                steps = self.best["steps"]
                if not self._try(steps=steps[:at] + steps[at + size :]):
                    at += size
            size //= 2

    def _simpler(self) -> None:
        """Smaller numbers, no delays, no tasks."""
        for at in range(len(self.best["steps"])):
            for step in simpler(self.best["steps"][at]):
                steps = self.best["steps"]
                self._try(steps=[*steps[:at], step, *steps[at + 1 :]])

    def _usual(self) -> None:
        for name, value in self.best["config"].items():
            usual = DEFAULTS[name]
            if value != usual and name != "front":
                self._try(config={**self.best["config"], name: usual})


def simpler(step: Step) -> Iterator[Step]:
    """Steps that say nearly the same."""
    if step[0] in ("in", "cancel"):
        yield step[2]
    if step[0] == "task":
        yield step[1]
    for at in range(1, len(step)):
        value = step[at]
        if isinstance(value, bool):
            smaller: tuple[Any, ...] = (False,) if value else ()
        elif isinstance(value, int):
            least = int(step[1] == "room")  # a network that takes nothing is none
            some = (least, 1, value // 2, value - 1)
            smaller = tuple(dict.fromkeys(n for n in some if least <= n < value))
        elif isinstance(value, list) and len(value) > 1 and step[0] == "subscribe":
            smaller = tuple([one] for one in value)
        else:
            smaller = ()
        for one in smaller:
            yield [*step[:at], one, *step[at + 1 :]]


def failure_of(history: History) -> str:
    """How a history fails; nothing if it does not."""
    return sort_of(run_guarded(history).world.failure)


def written(history: History) -> str:
    """A history as text, a step a line, that `--replay` reads."""
    config = {k: v for k, v in history["config"].items() if DEFAULTS[k] != v}
    steps = ",\n  ".join(json.dumps(step) for step in history["steps"])
    return (
        f'{{"seed": {history["seed"]}, "config": {json.dumps(config)}, "steps": [\n  {steps}\n]}}'
    )
