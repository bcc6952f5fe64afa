"""Measure what the library takes: bytes of .mpy, and heap after import.

Heap is measured on MicroPython's 32-bit unix port, whose objects are as large as a board's: with
.mpy files in a folder, in a ROMFS image, and with the library frozen into MicroPython.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools import layers, mpy, toolchain, workspace

# Modules that a program starts from, and the name it knows them by.
# MQTT 5 is loaded as one: by session5, and the words of its reason codes when one is printed.
_TOGETHER = set(layers.FIVE) - {"session5", "reason5", "fallback5"}
FRONT_ENDS = {
    "client": "Client",
    "aio": "AsyncClient",
    "simple": "simple",
    "robust": "robust",
}
ASYNCIO = "asyncio"  # MicroPython's own: it is loaded first, and counted by itself
SCRIPTS = Path(__file__).resolve().parent / "heap"
_STEP = 128  # bytes: how finely the smallest heap is found
_REPEATS = 3
_TIMEOUT = 30


class MeasureError(Exception):
    """Something could not be measured; the text says why."""


@dataclass
class Result:
    """All that was measured, in bytes; ways to load the library are .mpy, ROMFS and so on."""

    mpy: dict[str, int] = field(default_factory=dict)  # module -> .mpy
    heap: dict[str, int] = field(default_factory=dict)  # module -> heap after its import
    needs: dict[str, list[str]] = field(default_factory=dict)  # what one starts from -> modules
    loaded: dict[str, dict[str, int]] = field(default_factory=dict)  # way -> that -> heap
    smallest: dict[str, dict[str, int]] = field(default_factory=dict)  # way -> program -> heap
    left_out: dict[str, str] = field(default_factory=dict)  # way or program -> why
    impossible: set[str] = field(default_factory=set)  # … those of them that no repetition helps
    problems: list[str] = field(default_factory=list)


def needed(module: str, library: Path = mpy.LIBRARY) -> list[str]:
    """The modules that importing one of them loads, itself last, each after what it imports."""
    order = ["__init__"]

    def visit(name: str) -> None:
        for one in layers.imports(library / f"{name}.py", layers.LIBRARY):
            loaded = one.sibling and not (one.in_function or one.typing_only or one.cpython_only)
            if loaded and one.module == "__init__":  # the public name Client, which has no import
                visit("client")
            elif loaded and one.module not in order:
                if not (library / f"{one.module}.py").is_file():
                    raise MeasureError(f"{name} imports {one.module}, which does not exist")
                visit(one.module)
        if name not in order:
            order.append(name)

    visit(module)
    return order


def _full_name(module: str) -> str:
    return layers.LIBRARY if module == "__init__" else f"{layers.LIBRARY}.{module}"


def start(micropython: Sequence[str], folder: Path | None) -> list[str]:
    """MicroPython that finds its modules in a folder or in itself, and nowhere else."""
    path = f"{folder}:.frozen" if folder else ".frozen"
    return ["env", f"MICROPYPATH={path}", *micropython]


def heap_of(
    folder: Path,
    modules: Sequence[str],
    micropython: Sequence[str] | None = None,
    image: Path | None = None,
) -> list[int]:
    """The heap that asyncio and each import take, in a fresh process, in this order.

    Modules come from the folder, from a ROMFS image, or are frozen into `micropython`.
    """
    script = folder / "imports.mpy"
    mpy.compile_file(SCRIPTS / "imports.py", script, "imports.py")
    names = [ASYNCIO, *map(_full_name, modules)]
    argv = start(micropython or toolchain.micropython(32), folder)
    argv += ["-m", "imports", *([str(image)] if image else []), *names]
    result = workspace.run(argv, _TIMEOUT, cwd=folder)
    lines = [line.split() for line in result.stdout.splitlines()]
    if result.returncode or [line[0] for line in lines if line] != names:
        raise MeasureError(f"{modules[-1]} cannot be imported:{workspace.tail(result.stdout)}")
    return [int(line[1]) for line in lines]


def imports(result: Result, folder: Path) -> None:
    """Compile the library and measure the heap after import, of front ends and optional rooms."""
    result.mpy = mpy.compile_library(folder)
    for module in result.mpy:
        try:
            if module in FRONT_ENDS:
                result.needs[FRONT_ENDS[module]] = needed(module)
            elif module in layers.OPTIONAL and module not in _TOGETHER:
                before = needed("client")
                more = [name for name in needed(module) if name not in before]
                if more:  # nothing: the client has it anyway
                    result.needs[f"{module} adds"] = more
        except MeasureError as error:
            result.problems.append(str(error))
    loaded(result, ".mpy", lambda modules: heap_of(folder, modules))


def loaded(result: Result, way: str, heaps: Callable[[Sequence[str]], list[int]]) -> None:
    """Measure the heap after import in one way: `heaps` imports modules in that way."""
    found = result.loaded[way] = {}
    for label, modules in result.needs.items():
        before = [] if label in FRONT_ENDS.values() else needed("client")
        try:
            asyncio, *sizes = heaps([*before, *modules])
        except MeasureError as error:
            result.problems.append(f"{way}: {error}")
            continue
        found.setdefault(ASYNCIO, asyncio)
        sizes = sizes[len(before) :]
        found[label] = sum(sizes)
        if way == ".mpy":
            for name, size in zip(modules, sizes, strict=True):
                result.heap.setdefault(name, size)


# ------------------------------------------------------------------------ ROMFS


def make_image(folder: Path, target: Path) -> None:
    """Write all that is in a folder as a ROMFS image, as `mpremote romfs build` does."""
    from mpremote.romfs import make_romfs  # type: ignore[import-untyped]

    with contextlib.redirect_stdout(io.StringIO()):  # it lists what it takes
        target.write_bytes(make_romfs(str(folder), mpy_cross=False))


def romfs(result: Result, folder: Path) -> None:
    """Measure the heap after import from a ROMFS image, whose code runs where it lies."""
    probe = [*toolchain.micropython(32), "-c", "import vfs; vfs.VfsRom"]
    if workspace.run(probe, _TIMEOUT).returncode:
        result.left_out["ROMFS"] = "this MicroPython has none; 1.25 has"
        result.impossible.add("ROMFS")
        return
    root, image = folder / "rom", folder / "modules.romfs"
    mpy.compile_library(root)
    make_image(root, image)
    place = folder / "elsewhere"
    loaded(result, "ROMFS", lambda modules: heap_of(place, modules, image=image))


# ------------------------------------------------------------ the smallest heap


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
