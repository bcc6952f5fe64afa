"""Work grows no faster than what it has to touch: counted in bytecodes, not in time.

Each case is an operation of tools/bench/device/growth.py at two sizes. `grows` says in what the
work may be proportional: to the number (a message looks at each filter; n messages are n times
the work of one), or not at all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from tools.bench.run import DEVICE

sys.path.insert(0, str(DEVICE))
import growth  # type: ignore[import-not-found]

_SLACK = 1.25


def bytecodes(operation: Callable[[], object]) -> int:
    """How many bytecodes of the library an operation runs."""
    count = 0

    def inside(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "opcode"
        return inside

    def entered(frame: FrameType, event: str, argument: Any) -> Any:
        if "umqtt_full" not in frame.f_code.co_filename:
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        return inside

    before = sys.gettrace()
    sys.settrace(entered)
    try:
        operation()
    finally:
        sys.settrace(before)
    return count


def work(name: str, n: int) -> int:
    operation, _ = growth.NAMES[name][0](n)
    operation()  # what is done once is not counted
    return bytecodes(operation)


@pytest.mark.parametrize(
    ("name", "small", "large"),
    [
        ("filters", 50, 500),
        ("wildcards", 50, 500),
        ("window", 8, 64),
        ("payload_in", 10000, 100000),
        ("outbox", 64, 640),
        ("received_2", 30, 300),
    ],
)
def test_linear(name: str, small: int, large: int) -> None:
    less, more = work(name, small), work(name, large)
    assert more <= less * large / small * _SLACK, f"{less} bytecodes at {small}, {more} at {large}"


@pytest.mark.parametrize(
    ("name", "small", "large"), [("payload_whole", 10, 100), ("payload_out", 100000, 1000000)]
)
def test_constant(name: str, small: int, large: int) -> None:
    """A payload that is not copied costs the same however long it is."""
    less, more = work(name, small), work(name, large)
    assert more <= less * _SLACK, f"{less} bytecodes at {small}, {more} at {large}"
