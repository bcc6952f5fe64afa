"""How cost grows: times on MicroPython, drawn in docs/growth.svg."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable

from tools import workspace
from tools.bench.results import Results
from tools.bench.run import DEVICE, Bench, BenchError

HEAP = 64 * 1024 * 1024  # so that collecting does not count


def names() -> dict[str, tuple[tuple[int, ...], str]]:
    """What is measured, the numbers, and what they count; told by the device's side."""
    for place in (str(DEVICE), str(workspace.ROOT / "lib")):
        if place not in sys.path:
            sys.path.append(place)
    importlib.import_module("umqtt_full")  # makes `micropython` importable
    from growth import NAMES  # type: ignore[import-not-found]

    return {name: (numbers, what) for name, (_, numbers, what) in NAMES.items()}


def _once(bench: Bench, results: Results, name: str, n: int) -> None:
    argv = [*bench.argv("micropython64", "growth", HEAP), name, str(n)]
    result = workspace.run(argv, 120)
    for line in result.stdout.splitlines():
        if line.startswith("TOOK "):
            _, took, count = line.split()
            results.set_fact(f"growth: {name}", str(n), "µs", float(took))
            results.set_fact(f"growth: {name}", str(n), "µs each", float(took) / int(count))
            return
    raise BenchError(f"{name} {n}:{workspace.tail(result.stdout, 4)}")


def everything(
    bench: Bench,
    results: Results,
    attempt: Callable[[str, Callable[[], None]], None],
    quick: bool,
) -> None:
    """Fill a table for each thing that grows."""
    for name, (numbers, what) in names().items():
        for n in numbers[:: 2 if quick else 1]:
            attempt(f"growth: {name}, {n} {what}", lambda a=name, b=n: _once(bench, results, a, b))  # type: ignore[misc]
