"""Measure what the library takes: bytes of .mpy, heap after import, the smallest heap.

Heap is measured on MicroPython's 32-bit unix port, whose objects are as large as a board's.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools import layers, mpy, toolchain, workspace
from tools.broker import Broker

# Modules that a program starts from, and the name it knows them by.
# MQTT 5 is loaded as one: by session5, and the words of its reason codes when one is printed.
_TOGETHER = set(layers.FIVE) - {"session5", "reason5", "fallback5"}
FRONT_ENDS = {
    "client": "Client",
    "aio": "AsyncClient",
    "simple": "simple",
    "robust": "robust",
}
SCRIPTS = Path(__file__).resolve().parent / "heap"
_STEP = 128  # bytes: how finely the smallest heap is found
_LOWEST, _HIGHEST = 4096, 512 * 1024
_REPEATS = 3
_TIMEOUT = 30


class MeasureError(Exception):
    """Something could not be measured; the text says why."""


@dataclass
class Result:
    """All that was measured, in bytes."""

    mpy: dict[str, int] = field(default_factory=dict)  # module -> .mpy
    heap: dict[str, int] = field(default_factory=dict)  # module -> heap after its import
    needs: dict[str, list[str]] = field(default_factory=dict)  # front end -> its modules
    sums: dict[str, int] = field(default_factory=dict)  # front end -> heap of all it needs
    adds: dict[str, int] = field(default_factory=dict)  # optional module -> heap it adds
    added: dict[str, list[str]] = field(default_factory=dict)  # … and the modules it loads
    smallest: dict[str, int] = field(default_factory=dict)  # how it was loaded -> heap size
    problems: list[str] = field(default_factory=list)


def needed(module: str, library: Path = mpy.LIBRARY) -> list[str]:
    """The modules that importing one of them loads, itself last, each after what it imports."""
    order = ["__init__"]

    def visit(name: str) -> None:
        for one in layers.imports(library / f"{name}.py", layers.LIBRARY):
            loaded = one.sibling and not (one.in_function or one.typing_only or one.cpython_only)
            if loaded and one.module not in order:
                if not (library / f"{one.module}.py").is_file():
                    raise MeasureError(f"{name} imports {one.module}, which does not exist")
                visit(one.module)
        if name not in order:
            order.append(name)

    visit(module)
    return order


def _full_name(module: str) -> str:
    return layers.LIBRARY if module == "__init__" else f"{layers.LIBRARY}.{module}"


def _argv(folder: Path, *options: str) -> list[str]:
    """MicroPython that finds its modules in a folder and nowhere else."""
    return ["env", f"MICROPYPATH={folder}:.frozen", *toolchain.micropython(32), *options]


def heap_of(folder: Path, modules: Sequence[str]) -> list[int]:
    """The heap that each import takes, in a fresh process that imports them in this order."""
    script = folder / "imports.mpy"
    mpy.compile_file(SCRIPTS / "imports.py", script, "imports.py")
    names = [_full_name(module) for module in modules]
    result = workspace.run(_argv(folder, "-m", "imports", *names), _TIMEOUT)
    lines = [line.split() for line in result.stdout.splitlines()]
    if result.returncode or [line[0] for line in lines if line] != names:
        raise MeasureError(f"{modules[-1]} cannot be imported:{workspace.tail(result.stdout)}")
    return [int(line[1]) for line in lines]


def _measure_front_end(result: Result, folder: Path, module: str, label: str) -> None:
    order = needed(module)
    sizes = heap_of(folder, order)
    result.needs[label] = order
    result.sums[label] = sum(sizes)
    for name, size in zip(order, sizes, strict=True):
        result.heap.setdefault(name, size)


def _measure_optional(result: Result, folder: Path, module: str) -> None:
    before = needed("client")
    more = [name for name in needed(module) if name not in before]
    if more:  # nothing: the client has it anyway
        sizes = heap_of(folder, [*before, *more])
        result.adds[module] = sum(sizes[len(before) :])
        result.added[module] = more
        for name, size in zip(more, sizes[len(before) :], strict=True):
            result.heap.setdefault(name, size)


def imports(result: Result, folder: Path) -> None:
    """Compile the library and measure the heap after import, of front ends and optional rooms."""
    result.mpy = mpy.compile_library(folder)
    for module in result.mpy:
        try:
            if module in FRONT_ENDS:
                _measure_front_end(result, folder, module, FRONT_ENDS[module])
            elif module in layers.OPTIONAL and module not in _TOGETHER:
                _measure_optional(result, folder, module)
        except MeasureError as error:
            result.problems.append(str(error))


# ----------------------------------------------------------- the smallest heap


def _works(folder: Path, broker: Broker, size: int) -> str:
    """Run the small node with a heap of `size` bytes; what went wrong, or nothing."""
    topic = f"smallest-heap/{secrets.token_hex(4)}"
    options = ("-X", f"heapsize={size}", "-m", "smallest", broker.host, str(broker.port), topic)
    try:
        result = workspace.run(_argv(folder, *options), _TIMEOUT)
    except workspace.ToolchainError as error:
        return str(error)
    if result.returncode == 0 and result.stdout.endswith("OK\n"):
        return ""
    return workspace.tail(result.stdout, 6) or f" exit status {result.returncode}"


def bisect(works: Callable[[int], bool], lowest: int, highest: int, step: int = _STEP) -> int:
    """The smallest multiple of `step` that works several times in a row.

    `lowest` does not work, `highest` does. Near the border the outcome may hang on when a
    packet arrives, so what was found is repeated, and raised until it holds.
    """
    low, high = lowest // step, -(-highest // step)
    while high - low > 1:
        middle = (low + high) // 2
        if works(middle * step):
            high = middle
        else:
            low = middle
    while not all(works(high * step) for _ in range(_REPEATS)):
        high += 1
        if high * step > 2 * highest:
            raise MeasureError("no heap size works reliably")
    return high * step


def _smallest(folder: Path, broker: Broker) -> int:
    problem = _works(folder, broker, _HIGHEST)
    if problem:
        raise MeasureError(f"the small node does not run even with {_HIGHEST} bytes:{problem}")
    return bisect(lambda size: not _works(folder, broker, size), _LOWEST, _HIGHEST)


def smallest(result: Result, folder: Path) -> None:
    """Find the smallest heap for `Client`, loaded from .mpy and from .py."""
    mpy.compile_file(SCRIPTS / "smallest.py", folder / "smallest.mpy", "smallest.py")
    sources = folder / "py"
    (sources / layers.LIBRARY).mkdir(parents=True)
    shutil.copy(SCRIPTS / "smallest.py", sources)
    for path in mpy.for_boards():
        shutil.copy(path, sources / layers.LIBRARY)
    with Broker() as broker:
        for label, place in (("Client .mpy", folder), ("Client .py", sources)):
            try:
                result.smallest[label] = _smallest(place, broker)
            except MeasureError as error:
                result.problems.append(f"{label}: {error}")


def everything(say: Callable[[str], None]) -> Result:
    """Measure all of it; what cannot be measured is among the result's problems."""
    result = Result()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        say("compiling, and measuring the heap after import …")
        imports(result, folder)
        say("finding the smallest heap, against a real broker …")
        smallest(result, folder)
    return result
