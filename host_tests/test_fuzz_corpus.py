"""The fuzz corpus on every interpreter, and some seconds of mutations; tools/fuzz.py runs longer.

On CPython an oracle that was written from the specification says what each stream must come to.
FUZZ_SEEDS=n runs n mutations instead of a few thousand; FUZZ_FIRST is the first seed.
"""

from __future__ import annotations

import os
from collections import Counter

import fuzz_mutate
import fuzz_mutate5
import fuzz_oracle
import fuzz_send
import fuzz_target
import pytest

from tools import fuzz, traffic

FIRST = int(os.environ.get("FUZZ_FIRST", "0"))
SEEDS = int(os.environ.get("FUZZ_SEEDS", "6000"))
CASES = fuzz.saved()


def device_outcomes(interpreter: str, first: int, count: int) -> list[int]:
    """What the corpus and some mutations come to in a process with a small heap."""
    program = str(traffic.PROGRAM.parent / "fuzz_runner.py")
    arguments = [program, str(fuzz.CORPUS / "cases.hex"), str(first), str(count)]
    heap = "" if interpreter == "cpython" else "300k"
    process = traffic.Process(interpreter, arguments, heap)
    problem = process.end(100)
    assert not problem, problem
    return process.number("OUTCOMES")


def test_corpus_is_small_and_shows_each_outcome() -> None:
    assert CASES and sum(map(len, CASES)) < 50000
    outcomes = Counter(fuzz_oracle.judge(data) for data in CASES)
    assert set(outcomes) == set(fuzz_target.OUTCOMES)


def test_mutations_come_to_what_the_oracle_says() -> None:
    packets = 0
    for seed in range(FIRST, FIRST + SEEDS):
        data, count = fuzz_mutate.case(seed)
        packets += count
        try:
            fuzz_oracle.judge(data)
        except Exception as error:
            error.args = (f"seed {seed} ({data.hex()}): {error}",)
            raise
    assert packets > SEEDS


def test_mutations_of_5_break_no_rule() -> None:
    """Each outcome comes, and nothing else: `make fuzz MODE=mutate5` for long."""
    outcomes = Counter[str]()
    for seed in range(FIRST, FIRST + SEEDS):
        try:
            outcomes[fuzz_mutate5.judge(seed)[0]] += 1
        except Exception as error:
            error.args = (f"case {seed}: {error}",)
            raise
    assert set(outcomes) == set(fuzz_target.OUTCOMES)
    assert min(outcomes.values()) > SEEDS // 100


def test_corpus_comes_to_the_same_on_each_interpreter(interpreter: str) -> None:
    """On MicroPython too: no other exception, no buffer that grows, the same outcomes."""
    count = 1000
    outcomes = Counter(fuzz_target.run(data).outcome for data in CASES)
    outcomes.update(fuzz_target.run(fuzz_mutate.case(seed)[0]).outcome for seed in range(count))
    found = device_outcomes(interpreter, 0, count)
    assert found == [outcomes[name] for name in fuzz_target.OUTCOMES]


@pytest.mark.parametrize("first", range(0, 900, 300))
def test_any_argument_is_sent_well_or_refused(first: int) -> None:
    for seed in range(first, first + 300):
        try:
            fuzz_send.judge(seed)
        except Exception as error:
            error.args = (f"seed {seed}: {error}",)
            raise


def test_ids_that_are_never_released_stay_within_the_protocols_limit() -> None:
    """A broker that opens QoS 2 again and again: two bytes an id, and each is answered."""
    rig = fuzz_target.prepared((512, 1024), 0)
    before = fuzz_target.footprint(rig.session, set())
    for packet_id in range(1, 1001):
        data = fuzz_mutate.publish(b"t", b"x", 2, packet_id)
        assert rig.exchange(data) == fuzz_target.ack(0x50, packet_id)
    assert fuzz_target.footprint(rig.session, set()) - before <= 1000
    assert len(rig.messages) == 1000
