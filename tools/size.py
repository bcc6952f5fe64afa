"""What the library takes, against its budget: `python3 -m tools.size`.

Prints a table, compares it with tools/size_budget.json and fails when something has grown past
its budget. `--update` writes a new budget with a little room, `--docs` writes docs/size.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from tools import measure, toolchain, workspace
from tools.broker import BrokerError
from tools.measure import Result

BUDGET = workspace.ROOT / "tools" / "size_budget.json"
DOCS = workspace.ROOT / "docs" / "size.md"
_HEADROOM = 102  # per cent
_ROUND = 16  # bytes: MicroPython gives out heap in pieces of this size
Row = tuple[str, str, str]
_INTRODUCTION = """\
# What it takes

Made by `make size ARGS=--docs`; do not edit. Bytes of the compiled `.mpy` (mpy-cross -O3), and of
heap after import from `.mpy` on MicroPython's 32-bit unix port. Frozen into the firmware, code
stays in flash and takes a fraction of this heap.
"""


_ADDED = {"session5": "MQTT 5 (session5 and its rooms)"}


def module_rows(result: Result) -> Iterator[Row]:
    """A line for each module, in the order in which they are loaded."""
    ordered = [*result.heap, *(name for name in result.mpy if name not in result.heap)]
    for name in ordered:
        yield name, str(result.mpy.get(name, "")), str(result.heap.get(name, "not imported"))


def sum_rows(result: Result) -> Iterator[Row]:
    """A line for each front end, and for what each optional module adds."""
    for label, modules in result.needs.items():
        size = sum(result.mpy[name] for name in modules)
        yield f"{label} and all it needs", str(size), str(result.sums[label])
    for name, heap in result.adds.items():
        size = sum(result.mpy[one] for one in result.added.get(name, [name]))
        yield f"{_ADDED.get(name, name)} adds", str(size), str(heap)


def smallest_rows(result: Result) -> Iterator[Row]:
    """A line for each way to load the library."""
    for label, size in result.smallest.items():
        yield f"{label}", "", str(size)


def _plain(title: str, rows: Sequence[Row]) -> str:
    lines = [f"{title:<30}{'.mpy':>8}{'heap':>10}"]
    return "\n".join([*lines, *(f"  {a:<28}{b:>8}{c:>10}" for a, b, c in rows)])


def _markdown(title: str, rows: Sequence[Row]) -> str:
    lines = [f"| {title} | .mpy | heap |", "|---|---:|---:|"]
    return "\n".join([*lines, *(f"| {a} | {b} | {c} |" for a, b, c in rows)])


def _parts(result: Result) -> list[tuple[str, list[Row]]]:
    return [
        ("Module", list(module_rows(result))),
        ("Together", list(sum_rows(result))),
        ("Smallest heap that works", list(smallest_rows(result))),
    ]


def document(result: Result) -> str:
    """The text of docs/size.md: the same whenever the same is measured."""
    tables = [_markdown(title, rows) for title, rows in _parts(result)]
    node = (
        "The smallest heap is that of a program that connects, subscribes, publishes at QoS 2\n"
        "and receives, with tx_size=256, rx_size=128, read_size=64 and window=4."
    )
    return "\n\n".join([_INTRODUCTION.rstrip(), *tables, node]) + "\n"


# ------------------------------------------------------------------ the budget


def measured(result: Result) -> dict[str, dict[str, int]]:
    """What the budget is about."""
    return {
        "mpy": dict(sorted(result.mpy.items())),
        "heap": {**result.sums, **{f"{name} adds": n for name, n in result.adds.items()}},
        "smallest heap": {
            label: size for label, size in result.smallest.items() if label.endswith(".mpy")
        },
    }


def with_headroom(size: int) -> int:
    """The budget for something that takes `size` bytes now."""
    return -(-size * _HEADROOM // (100 * _ROUND)) * _ROUND


def new_budget(result: Result) -> dict[str, dict[str, int]]:
    """A budget that fits what was measured, with a little room."""
    return {
        kind: {name: with_headroom(size) for name, size in sizes.items()}
        for kind, sizes in measured(result).items()
    }


def over_budget(result: Result, budget: dict[str, dict[str, int]]) -> list[str]:
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


def _judge(result: Result, arguments: argparse.Namespace) -> list[str]:
    """Compare with the budget, or write a new one; what is wrong."""
    if result.problems:
        return result.problems
    if arguments.update:
        text = json.dumps(new_budget(result), indent=2) + "\n"
        BUDGET.write_text(text, encoding="utf-8")
        print(f"wrote {BUDGET.relative_to(workspace.ROOT)}")
    if arguments.docs:
        DOCS.parent.mkdir(exist_ok=True)
        DOCS.write_text(document(result), encoding="utf-8")
        print(f"wrote {DOCS.relative_to(workspace.ROOT)}")
    problems = over_budget(result, _read_budget())
    if problems:
        problems.append("if it is worth it, make size ARGS=--update writes a new budget")
    return problems


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, compare; 0 when everything is within its budget."""
    parser = argparse.ArgumentParser(prog="python3 -m tools.size", description=__doc__)
    parser.add_argument("--update", action="store_true", help="write tools/size_budget.json")
    parser.add_argument("--docs", action="store_true", help="write docs/size.md")
    given = parser.parse_args(arguments)
    try:
        result = measure.everything(workspace.say)
        for title, rows in _parts(result):
            print(_plain(title, rows) + "\n")
        problems = _judge(result, given)
    except (toolchain.ToolchainError, measure.MeasureError, BrokerError) as error:
        problems = [str(error)]
    for problem in problems:
        print(f"size: {problem}")
    total = "FAILED" if problems else "everything is within its budget"
    print(f"size: {total}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
