"""Processes that stop for a moment, as on a computer with too much to do.

A test that needs one process to be quicker than another fails now and then; with
`UMQTT_PAUSE_MS=300 make test` it fails often. Needs Linux (`/proc`).
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

_BETWEEN_S = 0.01
_AT_ONCE = 2  # threads that each stop one process after another


def _parents() -> dict[int, int]:
    """Each process and its parent."""
    found = {}
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError):  # it has ended
            if name.isdigit():
                stat = Path("/proc", name, "stat").read_text(encoding="utf-8", errors="replace")
                found[int(name)] = int(stat.rpartition(")")[2].split()[1])
    return found


def descendants(pid: int) -> list[int]:
    """The processes that this one has started, and those that they have."""
    parents, found, wave = _parents(), [], [pid]
    while wave:
        wave = [child for child, parent in parents.items() if parent in wave]
        found += wave
    return found


def _pause(pid: int, seconds: float, ended: threading.Event) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
        try:
            ended.wait(seconds)
        finally:
            os.kill(pid, signal.SIGCONT)


def _run(root: int, longest_s: float, ended: threading.Event) -> None:
    dice = random.Random()
    while not ended.wait(_BETWEEN_S):
        candidates = descendants(root)
        if candidates:
            _pause(dice.choice(candidates), dice.random() * longest_s, ended)


@contextlib.contextmanager
def pausing(root: int, longest_ms: int) -> Iterator[None]:
    """Stop random descendants of a process for up to so many milliseconds each; 0: none."""
    ended = threading.Event()
    threads = [
        threading.Thread(target=_run, args=(root, longest_ms / 1000, ended), daemon=True)
        for _ in range(_AT_ONCE if longest_ms else 0)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()
