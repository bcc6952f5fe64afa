"""The benchmark measures at all: each kind of measurement once, without peers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.bench import machine, native, peers, plan, steps, wire
from tools.bench.results import Results
from tools.bench.run import BROKER_LINES, DEEP_LINES, Bench, BenchError, tls_lines
from tools.broker import Broker
from tools.ports import free_port


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Without peers: those come from the network."""
    nothing = tmp_path_factory.mktemp("nothing")
    places = peers.Places(nothing, nothing, None)
    folder, port = tmp_path_factory.mktemp("mpy"), free_port()
    lines = [*BROKER_LINES, *tls_lines(folder, port)]
    with Broker(config_lines=lines) as one, Broker(config_lines=DEEP_LINES) as deep:
        found = Bench(places, folder, one, deep)
        found.tls_ports[one.port] = port
        yield found


@pytest.mark.parametrize("where", plan.INTERPRETERS)
@pytest.mark.parametrize("subject", ["raw", "Client", "AsyncClient", "umqtt_full.simple"])
@pytest.mark.parametrize("metric", ["pub0", "pub2", "recv1", "recv2"])
def test_a_measurement(bench: Bench, where: str, subject: str, metric: str) -> None:
    sample = bench.measure(plan.Job(where, subject, metric, 200, 30))
    assert sample.rate > 0 and sample.count == 30


def test_a_measurement_over_tls(bench: Bench) -> None:
    sample = bench.measure(plan.Job("micropython32", "Client, TLS", "recv2", 200, 30))
    assert sample.rate > 0 and sample.count == 30


@pytest.mark.parametrize("metric", ["recv2", "pub1w50"])
def test_tables_have_their_size_before_the_heap_is_measured(bench: Bench, metric: str) -> None:
    """The sets of packet ids grow with what is under way, once."""
    (job,) = (
        one for one in plan.heap_jobs(plan.subjects(False), True)
        if one.subject == "Client" and one.metric == metric
    )  # fmt: skip
    assert bench.measure(job).heap == 0


def test_heap_is_seen_on_32_bits(bench: Bench) -> None:
    """The ceiling takes nothing by any operation, the drop-in returns messages as bytes."""
    assert bench.measure(plan.Job("micropython32", "raw", "pub1", 16, 50)).heap == 0
    taken = bench.measure(plan.Job("micropython32", "umqtt_full.simple", "recv1", 16, 50)).heap
    assert taken > 32


def test_wire_of_the_client(bench: Bench) -> None:
    results = Results()
    wire.apart(bench, results, "Client", 1)
    assert results.fact("wire", "Client", "surplus 1") == 0
    for what in ("writes 1", "segments 1"):
        value = results.fact("wire", "Client", what)
        assert value is None or value <= 1.1, what


def test_a_failure_says_which_and_how(bench: Bench) -> None:
    with pytest.raises(BenchError, match=r"umqtt\.simple pub0 16 on micropython32"):
        bench.measure(plan.Job("micropython32", "umqtt.simple", "pub0", 16, 5))


def test_the_head_of_the_report(bench: Bench) -> None:
    found = machine.about(bench.places, 5)
    assert found["rounds"] == 5 and found["MicroPython"] != "?" and found["mosquitto"] != "?"


def test_single_steps(bench: Bench) -> None:
    """What takes heap is told from what does not."""
    results = Results()
    steps.everything(bench, results, lambda _, step: step())
    assert results.fact("steps", "slice of a memoryview", "bytes") == 32
    assert results.fact("steps", "ipoll(0)", "bytes") == 0
    assert (results.fact("steps", "write of 44 bytes", "µs") or 0) > 0
    assert len(results.facts["steps"]) == 11


def _pretend(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / native.NAME
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_what_starting_a_client_in_c_takes_is_not_counted(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _pretend(tmp_path, monkeypatch, "exit 0")
    monkeypatch.setattr(native, "_seconds", lambda *given: 1 + given[-1] / 20000)
    results = Results()
    native.everything(bench, results, lambda _, step: step(), 1)
    assert results.fact("native", native.NAME, "pub 0") == pytest.approx(20000)
    monkeypatch.setattr(native, "_seconds", lambda *_: 1)
    with pytest.raises(BenchError, match="too busy"):
        native.everything(bench, results, lambda _, step: step(), 1)


def test_a_client_in_c_that_fails_says_why(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _pretend(tmp_path, monkeypatch, "echo Error: Connection refused; exit 1")
    with pytest.raises(BenchError, match="at QoS 0: Error: Connection refused"):
        native.everything(bench, Results(), lambda _, step: step(), 1)
