"""What the programs of this folder have in common: numbers that are given to them, and Ctrl-C."""

from __future__ import annotations

import argparse
import math
import signal
import sys
from collections.abc import Callable

_LONGEST_S = 7 * 86400.0


def count(text: str) -> int:
    """How many: a whole number from 1 on."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, not {text!r}")
    return value


def number(text: str) -> int:
    """Which: any whole number, as a seed is."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number, not {text!r}") from None


def seconds(text: str) -> float:
    """How long: more than nothing, a week at most."""
    return _span(text, "seconds", 1)


def minutes(text: str) -> float:
    """The same in minutes."""
    return _span(text, "minutes", 60)


def _span(text: str, unit: str, factor: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    most = _LONGEST_S / factor
    if not 0 < value <= most:  # also refuses nan
        raise argparse.ArgumentTypeError(f"must be {unit}, more than 0 and up to {most:.0f}")
    return value


def deaf() -> None:
    """In a process that works for another: Ctrl-C is for the one that began it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def run(name: str, main: Callable[[], int]) -> None:
    """End with the status of `main`; after Ctrl-C with a line that says so, and 130."""
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print(f"{name} interrupted", flush=True)
        sys.exit(130)
