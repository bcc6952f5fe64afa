"""Rows about size: .mpy bytes, heap after import and connected, the smallest heap that works."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from pathlib import Path

from tools import measure, workspace
from tools.bench import plan
from tools.bench.results import Results
from tools.bench.run import Bench, BenchError, started

_LOWEST, _HIGHEST, _STEP = 1024, 256 * 1024, 256
# What a program imports: its modules, and the module to name.
_MODULES = {
    "umqtt.simple": ("umqtt/__init__", "umqtt/simple"),
    "umqtt.robust": ("umqtt/__init__", "umqtt/simple", "umqtt/robust"),
    "umqtt.simple2": ("umqtt/__init__", "umqtt/simple2"),
    "mqtt_as": ("mqtt_as",),
}
_FRONT_ENDS = {"Client": "client", "AsyncClient": "aio", "umqtt_full.simple": "simple"}
# asyncio is loaded first: it is MicroPython's, and frozen on boards.
_IMPORT = "import gc, asyncio; gc.collect(); a = gc.mem_alloc(); import {}; gc.collect(); "


def _imported(bench: Bench, module: str) -> int:
    """Heap that an import takes, from .mpy, on 32 bits."""
    script = bench.folder / "imported.py"
    script.write_text(_IMPORT.format(module) + "print('TAKES', gc.mem_alloc() - a)\n")
    result = workspace.run(bench.argv("micropython32", "imported"), 30)
    for line in result.stdout.splitlines():
        if line.startswith("TAKES "):
            return int(line.split()[1])
    raise BenchError(f"{module} cannot be imported:{workspace.tail(result.stdout)}")


def modules(subject: str) -> tuple[str, ...]:
    """The .mpy files that a client consists of."""
    if subject in _FRONT_ENDS:
        return tuple(f"umqtt_full/{name}" for name in measure.needed(_FRONT_ENDS[subject]))
    return _MODULES[subject]


def loaded(bench: Bench, results: Results, subject: str) -> None:
    """Flash and heap of the code."""
    names = modules(subject)
    size = sum((bench.folder / f"{name}.mpy").stat().st_size for name in names)
    results.set_fact("size", subject, ".mpy bytes", size)
    heap = _imported(bench, names[-1].replace("/", "."))
    results.set_fact("size", subject, "heap after import", heap)


def connected(bench: Bench, results: Results, subject: str) -> None:
    """Heap of a client that is made and connected, from .mpy, on 32 bits."""
    task = json.dumps(bench.task(plan.Job("micropython32", subject, "pub1", 16)))
    with started(bench.argv("micropython32", "connected"), bench.environment()) as process:
        text, _ = process.communicate(task + "\n", 30)
    for line in text.splitlines():
        if line.startswith("TAKES "):
            results.set_fact("size", subject, "construct + connect", int(line.split()[1]))
            return
    raise BenchError(f"{subject} does not connect:{workspace.tail(text)}")


def smallest(bench: Bench, results: Results, subject: str, sources: bool) -> None:
    """The smallest heap: connects, publishes at QoS 1, receives it; from .mpy or `sources`."""
    module = "tiny_" + _tiny(subject)

    def works(size: int) -> bool:
        argv = bench.argv("micropython32", module, size, sources)
        words = [bench.broker.host, str(bench.broker.port), f"s/{secrets.token_hex(4)}"]
        try:
            result = workspace.run([*argv, *words], 20)
        except workspace.ToolchainError:
            return False
        return result.stdout.endswith("OK\n")

    if not works(_HIGHEST):
        raise BenchError(f"the small program does not run with {_HIGHEST} bytes")
    size = measure.bisect(works, _LOWEST, _HIGHEST, _STEP)
    column = "smallest heap, .py" if sources else "smallest heap"
    results.set_fact("size", subject, column, size)


def _tiny(subject: str) -> str:
    return subject.replace(".", "_").lower()


def everything(
    bench: Bench,
    results: Results,
    chosen: list[plan.Subject],
    attempt: Callable[[str, Callable[[], None]], None],
    quick: bool,
) -> None:
    """Fill the table of sizes."""
    for subject in chosen:
        name = subject.name
        if name not in _MODULES and name not in _FRONT_ENDS:
            continue
        attempt(f"size: {name}", lambda n=name: loaded(bench, results, n))  # type: ignore[misc]
        if not quick and (Path(__file__).parent / "device" / f"tiny_{_tiny(name)}.py").is_file():
            attempt(f"connected: {name}", lambda n=name: connected(bench, results, n))  # type: ignore[misc]
            for sources in (False, True):
                what = f"smallest heap: {name}, {'.py' if sources else '.mpy'}"
                attempt(what, lambda n=name, s=sources: smallest(bench, results, n, s))  # type: ignore[misc]


__all__ = ["connected", "everything", "loaded", "modules", "smallest"]
