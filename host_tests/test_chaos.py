"""Random histories against a model of both ends: they replay, shrink, and notice what is broken.

`make chaos` plays many more; `python3 -m tools.chaos --faults` judges every planted fault.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
import strict5
from chaos.engine import DEFAULTS
from chaos.found import FOUND
from chaos.guard import run_guarded
from chaos.history import History, make
from chaos.planted import FAULTS, by_histories, plant
from chaos.shrink import Shrinker, failure_of, simpler, sort_of, written
from running import HERE, Device
from strict import Parser

RUNS = 300
MOST = 800  # histories until a planted fault has to be noticed
# one of each sort; `python3 -m tools.chaos --faults` judges all of them
SAMPLE = (
    "no DUP on a message that is sent again",
    "DUP kept when the session was lost",
    "ids in use are given again",
    "PUBREL is not sent again",
    "QoS 2 is not deduplicated",
    "PUBACK before the handler",
    "the quota is never given back",
    "a half-written packet is abandoned",
    "no ping",
    "CONNECT does not count for the keep alive",
    "subscriptions are not made again",
    "a QoS 0 message that a connection took with it is not counted",
    "a lost stream is not closed",
    "5: PUBREL does not say that an id is unknown",
    "5: the broker's Receive Maximum is not kept",
    "5: a refusal is told to nobody",
    "5: what an alias is written over is not put back",
)


@pytest.mark.parametrize("version", [4, 5])
def test_random_histories_hold(version: int) -> None:
    for seed in range(1, RUNS + 1):
        failure = run_guarded(make(seed, version)).world.failure
        assert failure is None, f"history {seed}: {failure}"


def test_histories_of_5_have_what_5_has() -> None:
    """Otherwise the models would judge nothing of it."""
    counts = Counter[str]()
    codes = Counter[str]()
    aliased = 0
    for seed in range(1, 101):
        sim = run_guarded(make(seed, 5))
        counts.update(sim.ledger.counts)
        codes.update(line.split(" > ")[-1].split()[0] for _, line in sim.world.trace
                     if " > PUB" in line and line.endswith(" reason_code=146"))  # fmt: skip
        for conn in sim.net.conns:
            for _, packet in conn.packets[0]:
                aliased += "topic_alias" in packet.get("properties", {})
    assert min(counts["farewells"], counts["refusals"], aliased) > 5
    assert min(codes["PUBREL"], codes["PUBCOMP"]) > 5


@pytest.mark.parametrize(
    ("interpreter", "version"),
    [("micropython64", 4), ("micropython32", 4), ("micropython64", 5), ("micropython32", 5)],
)
def test_histories_hold_on_micropython(interpreter: str, version: int, tmp_path: Path) -> None:
    """The same ones, in the scheduler and with the integers of a board."""
    histories = [one for one in FOUND.values() if one["config"].get("version", 4) == version]
    histories += [make(seed, version) for seed in range(1, RUNS + 1)]
    path = tmp_path / "histories"
    path.write_text("".join(json.dumps(one) + "\n" for one in histories), encoding="utf-8")
    runner = str(HERE / "device" / "history_runner.py")
    device = Device(interpreter, "-X", "heapsize=24M", runner, str(path))
    device.start()
    problem = device.finish(100)
    assert not problem, problem
    assert f"{len(histories)} histories, 0 wrong" in device.output
    wires = [line[2:] for line in device.output if line.startswith("W ")]
    assert len(wires) > RUNS
    for line in wires:
        (strict5.Parser() if version == 5 else Parser()).feed(bytes.fromhex(line))


@pytest.mark.parametrize("name", FOUND)
def test_what_failed_once_holds(name: str) -> None:
    assert run_guarded(FOUND[name]).world.failure is None


def test_a_history_is_made_from_its_number() -> None:
    assert make(7) == make(7) != make(8)
    fronts = {make(seed)["config"]["front"] for seed in range(20)}
    assert fronts == {"client", "async"}


@pytest.mark.parametrize("seed", range(1, 20))
def test_a_history_of_5_is_the_one_of_4_and_more(seed: int) -> None:
    """What a number means in 3.1.1 does not depend on what 5.0 has."""
    old, new = make(seed), make(seed, 5)
    steps = iter(new["steps"])
    assert all(step in steps for step in old["steps"])
    assert {**new["config"], **old["config"]} == new["config"]
    assert new["config"]["version"] == 5


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("seed", range(40, 60))
def test_a_history_played_again_is_the_same_to_the_last_packet(seed: int, version: int) -> None:
    """Otherwise nothing that failed could be replayed."""
    first, again = (run_guarded(make(seed, version)).world.trace for _ in range(2))
    assert first == again and len(first) > 10


def test_a_written_history_reads_back() -> None:
    """What is printed is what `--replay` takes."""
    for seed in (11, 12, 13):
        history = make(seed)
        again = json.loads(written(history))
        assert {**DEFAULTS, **again["config"]} == history["config"] | {
            name: DEFAULTS[name] for name in DEFAULTS.keys() - history["config"].keys()
        }
        assert run_guarded(again).world.trace == run_guarded(history).world.trace


def failing(steps: list[list[object]]) -> History:
    """A history with these steps among others that do not matter."""
    padding = [["poll", number] for number in range(20)]
    return {"seed": 1, "config": make(1, 5)["config"], "steps": [*padding, *steps, *padding]}


def test_shrinking_keeps_what_fails_only() -> None:
    """Of many steps the two that matter are left, with the smallest numbers."""

    def fails(one: History) -> str:
        names = [step[0] for step in one["steps"]]
        return "broken" if "nowait" in names and "close" in names else ""

    best = Shrinker(failing([["nowait", 3, 2, 77, False, False], ["close"]]), fails).shrink()
    assert best["steps"] == [["nowait", 0, 0, 0, False, False], ["close"]]
    assert best["config"] == {**DEFAULTS, "front": best["config"]["front"]}


def test_shrinking_does_not_change_the_failure() -> None:
    """A shorter history that fails in another way is another failure."""

    def fails(one: History) -> str:
        sizes = [step[1] for step in one["steps"] if step[0] == "idle"]
        return "" if not sizes else "long" if max(sizes) > 9 else "short"

    best = Shrinker(failing([["idle", 80], ["idle", 5]]), fails).shrink()
    assert best["steps"] == [["idle", 10]]


def test_a_real_failure_is_shrunk_and_still_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a client that never says when it is connected again."""
    monkeypatch.setattr("umqtt_full.keep_alive.KeepAlive.poll", lambda *_: 0)
    seed = next(seed for seed in range(1, 500) if failure_of(make(seed)))
    best = Shrinker(make(seed), failure_of).shrink()
    assert failure_of(best) == failure_of(make(seed))
    assert len(best["steps"]) < len(make(seed)["steps"])


def test_steps_become_simpler() -> None:
    assert next(iter(simpler(["task", ["close"]]))) == ["close"]
    assert list(simpler(["net", "room", 1])) == []  # a network that takes nothing is none
    assert ["subscribe", [2], 1, 0] in list(simpler(["subscribe", [1, 2], 1, 0]))
    assert sort_of(("I1", "message 17 was lost")) == sort_of(("I1", "message 4 was lost"))


@pytest.mark.parametrize("name", SAMPLE)
def test_a_planted_fault_is_noticed(name: str) -> None:
    """A layer that finds nothing may be blind: break a copy of the library, and see."""
    (fault,) = (one for one in FAULTS if one[0] == name)
    assert by_histories(fault, MOST)


def test_planted_faults_fit_the_library(tmp_path: Path) -> None:
    """Each of their texts is in the library, once: after a change there, change them too."""
    for number, fault in enumerate(FAULTS):
        plant(fault, tmp_path / str(number))
