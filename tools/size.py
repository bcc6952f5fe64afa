"""What the library takes, against its budget: `python3 -m tools.size`.

Prints tables, compares them with tools/size_budget.json and fails when something has grown past
its budget. `--update` writes a new budget with a little room, `--docs` writes docs/size.md. What
could not be measured fails too, unless this machine never can (frozen code on macOS), or with
`--partial`; the last line says what it was.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tools import command, frozen, measure, smallest, toolchain, workspace
from tools.broker import BrokerError
from tools.measure import Result

BUDGET = workspace.ROOT / "tools" / "size_budget.json"
DOCS = workspace.ROOT / "docs" / "size.md"
_HEADROOM = 102  # per cent
_ROUND = 16  # bytes: MicroPython gives out heap in pieces of this size
Row = tuple[str, ...]
_INTRODUCTION = """\
# What it takes

Made by `make size ARGS=--docs`; do not edit. Bytes of the compiled `.mpy` (mpy-cross -O3), and of
heap on MicroPython's 32-bit unix port. From `.mpy` files all code is loaded into the heap. From a
ROMFS image (MicroPython 1.25) and frozen into the firmware it stays in flash, and the heap has
the objects that it makes: modules, classes, functions.
"""
_SMALLEST = """\
The smallest heap is that of a program that connects, subscribes, publishes at QoS 2
and receives, with tx_size=256, rx_size=128, read_size=64 and window=4 (simple and robust: with
their own sizes). With "reconnect" the broker hangs up in between, and all of it is done again."""
_LOADED = (".mpy", "ROMFS", "frozen")
_SMALLEST_WAYS = (".py", ".mpy", "frozen")
_LABELS = {
    "asyncio": "asyncio itself, which is MicroPython's",
    "session5 adds": "MQTT 5 (session5 and its rooms) adds",
}
# What the design allows, and the smallest heaps of others: what, way, limit.
_LIMITS = (
    ("Smallest heap: Client", "smallest", ".mpy", "Client", 10240),
    ("Smallest heap: AsyncClient", "smallest", ".mpy", "AsyncClient", 14336),
    ("Heap after import: AsyncClient", "loaded", "frozen", "AsyncClient", 2560),
)
_PEERS = (("Smallest heap: umqtt.simple (no QoS 2)", 6144), ("Smallest heap: mqtt_as", 25344))


def module_rows(result: Result) -> Iterator[Row]:
    """A line for each module, in the order in which they are loaded."""
    ordered = [*result.heap, *(name for name in result.mpy if name not in result.heap)]
    for name in ordered:
        yield name, str(result.mpy.get(name, "")), str(result.heap.get(name, "not imported"))


def sum_rows(result: Result) -> Iterator[Row]:
    """A line for each front end, and for what each optional module adds."""
    for label in (measure.ASYNCIO, *result.needs):
        modules = result.needs.get(label, ())
        size = str(sum(result.mpy[name] for name in modules) or "")
        text = label if label.endswith(" adds") else f"{label} and all it needs"
        yield _LABELS.get(label, text), size, *_across(result.loaded, _LOADED, label)


def smallest_rows(result: Result) -> Iterator[Row]:
    """A line for each program."""
    labels = dict.fromkeys(label for sizes in result.smallest.values() for label in sizes)
    for label in labels:
        yield label, *_across(result.smallest, _SMALLEST_WAYS, label)


def limit_rows(result: Result) -> Iterator[Row]:
    """What the design allows and what is reached; a line for each peer."""
    for text, kind, way, label, limit in _LIMITS:
        sizes: dict[str, dict[str, int]] = getattr(result, kind)
        reached = sizes.get(way, {}).get(label)
        if reached is not None:
            verdict = "kept" if reached <= limit else f"{reached / limit:.1f} times as much"
            yield f"{text}, {way}", str(reached), str(limit), verdict
    for text, size in _PEERS:
        yield f"{text}, .mpy", str(size), "", ""


def _across(sizes: Mapping[str, Mapping[str, int]], ways: Sequence[str], label: str) -> list[str]:
    return [str(sizes.get(way, {}).get(label, "")) for way in ways]


def _plain(heads: Row, rows: Sequence[Row]) -> str:
    lines = [heads, *(("  " + row[0], *row[1:]) for row in rows)]
    first, *others = (max(map(len, column)) for column in zip(*lines, strict=True))
    widths = [max(first, 44), *(max(width + 2, 10) for width in others)]
    texts = []
    for name, *cells in lines:
        right = (f"{cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=True))
        texts.append(f"{name:<{widths[0]}}{''.join(right)}".rstrip())
    return "\n".join(texts)


def _markdown(heads: Row, rows: Sequence[Row]) -> str:
    lines = ["| " + " | ".join(line) + " |" for line in (heads, *rows)]
    return "\n".join([lines[0], "|---" + "|---:" * (len(heads) - 1) + "|", *lines[1:]])


def _parts(result: Result) -> list[tuple[Row, list[Row]]]:
    return [
        (("Module", ".mpy", "heap"), list(module_rows(result))),
        (("Together", "size", *_LOADED), list(sum_rows(result))),
        (("Smallest heap that works", *_SMALLEST_WAYS), list(smallest_rows(result))),
        (("Limits", "bytes", "limit", "reached"), list(limit_rows(result))),
    ]


def document(result: Result) -> str:
    """The text of docs/size.md: the same whenever the same is measured."""
    modules, together, programs, limits = (_markdown(*part) for part in _parts(result))
    columns = (
        "Heap after import, with .mpy files, from ROMFS and frozen; `size` is that of the .mpy:"
    )
    parts = [_INTRODUCTION.rstrip(), modules, columns, together, programs, _SMALLEST, limits]
    return "\n\n".join(parts) + "\n"


# ------------------------------------------------------------------ the budget


def measured(result: Result) -> dict[str, dict[str, int]]:
    """What the budget is about: kind, name, bytes."""
    return {
        "mpy": dict(sorted(result.mpy.items())),
        "heap, .mpy": _ours(result.loaded.get(".mpy", {})),
        "heap, frozen": _ours(result.loaded.get("frozen", {})),
        "smallest heap, .mpy": result.smallest.get(".mpy", {}),
        "smallest heap, frozen": result.smallest.get("frozen", {}),
    }


def _ours(sizes: Mapping[str, int]) -> dict[str, int]:
    return {name: size for name, size in sizes.items() if name != measure.ASYNCIO}


def with_headroom(size: int) -> int:
    """The budget for something that takes `size` bytes now."""
    return -(-size * _HEADROOM // (100 * _ROUND)) * _ROUND


def new_budget(result: Result, old: Mapping[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """A budget that fits what was measured, with a little room; what was left out keeps its."""
    found = {}
    for kind, sizes in measured(result).items():
        kept = {n: size for n, size in old.get(kind, {}).items() if _left_out(result, kind, n)}
        found[kind] = {**{n: with_headroom(size) for n, size in sizes.items()}, **kept}
    return found


def _left_out(result: Result, kind: str, name: str) -> bool:
    return name in result.left_out or kind.rpartition(", ")[2] in result.left_out


def over_budget(result: Result, budget: Mapping[str, dict[str, int]]) -> list[str]:
    """What exceeds the budget, has none, or has one without being there."""
    found = []
    for kind, sizes in measured(result).items():
        allowed = budget.get(kind, {})
        for name, size in sizes.items():
            if name not in allowed:
                found.append(f"{name}: {size} bytes of {kind}, and no budget for it")
            elif size > allowed[name]:
                found.append(f"{name}: {size} bytes of {kind}, the budget is {allowed[name]}")
        gone = [name for name in allowed if name not in sizes]
        gone = [name for name in gone if not _left_out(result, kind, name)]
        found += [f"{name}: a budget for {kind}, but nothing measured" for name in gone]
    return found


def _read_budget() -> dict[str, Any]:
    try:
        found = json.loads(BUDGET.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise measure.MeasureError(f"{BUDGET.name} is not valid JSON: {error}") from None
    return found if isinstance(found, dict) else {}


# --------------------------------------------------------------------- measure


def everything(say: Callable[[str], None]) -> Result:
    """Measure all of it; what cannot be measured is among the result's problems."""
    result = Result()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        say("compiling, and measuring the heap after import …")
        measure.imports(result, folder)
        measure.romfs(result, folder)
        micropython = _frozen(result, folder)
        smallest.measure_all(result, smallest.ways(folder, micropython), say)
    return result


def _frozen(result: Result, folder: Path) -> list[str]:
    """Measure the frozen library's imports; how to start it, or nothing where it cannot be had."""
    try:
        micropython = frozen.ensure(smallest.texts())
    except toolchain.ToolchainError as error:
        result.left_out["frozen"] = str(error)
        if isinstance(error, toolchain.Unavailable):
            result.impossible.add("frozen")
        return []
    place = folder / "none"
    measure.loaded(result, "frozen", lambda names: measure.heap_of(place, names, micropython))
    return micropython


def _write(path: Path, text: str) -> None:
    name = path.relative_to(workspace.ROOT)
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise measure.MeasureError(f"{name} cannot be written: {error.strerror}") from None
    print(f"wrote {name}")


def _missing(result: Result, partial: bool) -> list[str]:
    """What was left out and need not have been."""
    if partial:
        return []
    left_out = result.left_out.items()
    return [
        f"{what} was not measured (ARGS=--partial allows that): {workspace.tail(why, 1).strip()}"
        for what, why in left_out
        if what not in result.impossible
    ]


def _judge(result: Result, arguments: argparse.Namespace) -> list[str]:
    """Compare with the budget, or write a new one; what is wrong."""
    if result.problems:
        return result.problems
    if arguments.update:
        text = json.dumps(new_budget(result, _read_budget()), indent=2) + "\n"
        _write(BUDGET, text)
    if arguments.docs:
        _write(DOCS, document(result))
    problems = over_budget(result, _read_budget())
    if problems:
        problems.append("if it is worth it, make size ARGS=--update writes a new budget")
    return problems


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, compare; 0 when everything is within its budget."""
    parser = argparse.ArgumentParser(prog="python3 -m tools.size", description=__doc__)
    parser.add_argument("--update", action="store_true", help="write tools/size_budget.json")
    parser.add_argument("--docs", action="store_true", help="write docs/size.md")
    parser.add_argument("--partial", action="store_true", help="some may be left out")
    given = parser.parse_args(arguments)
    left_out: list[str] = []
    try:
        result = everything(workspace.say)
        for heads, rows in _parts(result):
            print(_plain(heads, rows) + "\n")
        for what, why in result.left_out.items():
            print(f"size: left out: {what}: {why}")
        left_out = list(result.left_out)
        problems = [*_judge(result, given), *_missing(result, given.partial)]
    except (toolchain.ToolchainError, measure.MeasureError, BrokerError) as error:
        problems = [str(error)]
    for problem in problems:
        print(f"size: {problem}")
    measured_part = "what was measured" if left_out else "everything"
    total = "FAILED" if problems else f"{measured_part} is within its budget"
    print(f"size: {total}" + (f"; left out: {', '.join(left_out)}" if left_out else ""))
    return 1 if problems else 0


if __name__ == "__main__":
    command.run("size", main)
