"""Ends a history that computes for ever: such a loop never asks for the time."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

from .engine import Simulation, run
from .history import History
from .world import Broken

_CPU_S = 10.0


def _stop(_number: int, frame: FrameType | None) -> Any:
    place = f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else "?"
    raise Broken("computes for ever, at " + place)


def run_guarded(history: History) -> Simulation:
    """Play a history; a loop without end is a failure of it."""
    before = signal.signal(signal.SIGVTALRM, _stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, _CPU_S, 1.0)
    try:
        return run(history)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
