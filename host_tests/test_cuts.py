"""Every flow cut at every byte, on each Python; see `cuts.py`."""

from __future__ import annotations

import re

import cuts
import pytest
import strict5
from running import HERE, INTERPRETERS, Device
from strict import Parser, Violation

LIMIT_S = 400.0  # half a minute on a machine with nothing else to do
LEAST = 2400  # cases on each Python
PLAYED = [(4, one) for one in INTERPRETERS] + [(5, one) for one in INTERPRETERS[:2]]


@pytest.mark.parametrize(("version", "interpreter"), PLAYED)
@pytest.mark.parametrize("front", cuts.FRONTS)
def test_every_byte_may_be_the_last(front: str, version: int, interpreter: str) -> None:
    """FIN, RST or silence at each byte, session kept or lost: I1 to I8 hold."""
    heap = () if interpreter == "cpython" else ("-X", "heapsize=24M")
    runner = str(HERE / "device" / "cut_runner.py")
    device = Device(interpreter, *heap, runner, front, "0", "1", str(version))
    device.start()
    problem = device.finish(LIMIT_S)
    lines = device.output
    assert not problem, problem
    for line in lines:
        if line.startswith("W "):
            judge(bytes.fromhex(line[2:]), version)
    (count,) = (re.match(r"(\d+) cases", line) for line in lines if " cases, " in line)
    assert count and int(count[1]) * len(cuts.FRONTS) >= LEAST
    print(f"{count[1]} cases of {front} with version {version} on {interpreter}")


def judge(raw: bytes, version: int) -> None:
    """The strict parser reads what was written on one connection."""
    try:
        (strict5.Parser() if version == 5 else Parser()).feed(raw)
    except Violation as exc:
        raise AssertionError(f"{exc}: {raw.hex(' ')}") from exc
