"""The benchmark's own parts: what it counts, compares and judges; and reports."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tools.bench import __main__ as bench_main
from tools.bench import awake, chart, energy, feeder, peers, plan, promises, report, steps, wire
from tools.bench.__main__ import is_ours, main
from tools.bench.results import Results, median
from tools.bench.run import BenchError, Sample
from tools.workspace import ToolchainError

MP = "micropython64"


def rates(results: Results, subject: str, *values: float, where: str = MP, metric: str = "pub1",
          size: int = 16) -> None:  # fmt: skip
    """Plant a client's rates, a round each."""
    samples = [Sample(value, 1e6 / value, 0.0, 100) for value in values]
    results.samples[where, subject, metric, size] = samples


def heap(results: Results, subject: str, metric: str, *values: float) -> None:
    samples = [Sample(1.0, 1.0, value, 50) for value in values]
    results.heap["micropython32", subject, metric, 16] = samples


def state(results: Results, text: str) -> str:
    found = [one for one in promises.judge(results) if one.promise.text == text]
    assert len(found) == 1, text
    return found[0].state


# ----------------------------------------------------------------- counting


def test_packets_of_the_feeder() -> None:
    assert feeder.packet(0x30, b"x" * 200)[:3] == b"\x30\xc8\x01"
    assert feeder.publishes("t", b"p", 0, 2) == b"\x30\x04\0\x01tp" * 2
    assert feeder.publishes("t", b"p", 1, 1) == b"\x32\x06\0\x01t\0\x01p"
    assert feeder.publishes("t", b"p", 2, 1) == b"\x34\x06\0\x01t\0\x01p\x62\x02\0\x01"


TRACE = """\
12 openat(AT_FDCWD, "/bench-mark-9", O_RDONLY) = -1 ENOENT
12 write(3, "CONNECT", 7) = 7
12 openat(AT_FDCWD, "/bench-mark-1", O_RDONLY) = -1 ENOENT
12 write(3, "\\60", 2) = 2
12 write(1, "BEGIN", 5) = 5
12 poll([{fd=3}], 1, 1000) = 1
12 read(3, 0x7f, 512) = 4
12 clock_nanosleep(CLOCK_REALTIME, 0, {}) = 0
12 sendto(3, "\\60", 2, 0, NULL, 0) = 2
12 openat(AT_FDCWD, "/bench-mark-2", O_RDONLY) = -1 ENOENT
12 write(3, "DISCONNECT", 2) = 2
"""


def test_system_calls_between_the_marks() -> None:
    assert wire.count_calls(TRACE) == (2, 2)
    assert wire.count_calls("") == (0, 0)


def test_wake_ups_between_the_marks() -> None:
    assert awake.wake_ups(TRACE) == 2


def test_median_of_each_quantity() -> None:
    samples = [Sample(1, 30, 7, 5), Sample(3, 10, 9, 6), Sample(2, 20, 8, 7)]
    assert median(samples) == Sample(2, 20, 8, 7)


# ---------------------------------------------------------------- comparing


def test_ratios_are_taken_within_a_round() -> None:
    """The machine was half as fast in the second round, for both."""
    results = Results()
    rates(results, "raw", 1000, 500, 1000)
    rates(results, "Client", 900, 450, 900)
    assert results.over((MP, "Client"), [(MP, "raw")], "pub1", 16) == pytest.approx(0.9)


def test_best_peer_is_neither_ours_nor_the_ceiling() -> None:
    results = Results()
    rates(results, "raw", 9000)
    rates(results, "Client", 800)
    rates(results, "umqtt_full.simple", 700)
    rates(results, "umqtt.simple", 20)
    rates(results, "umqtt.simple2", 30)
    assert results.best_peer(MP, "pub1") == ("umqtt.simple2", 30)
    assert results.to_raw(MP, "Client", "pub1") == pytest.approx(800 / 9000)
    assert results.to_peer(MP, "Client", "pub1") == pytest.approx(800 / 30)


def test_the_least_of_the_heap_counts() -> None:
    """A turn of the loop that was not the operation's may have asked for more."""
    results = Results()
    heap(results, "Client", "pub1", 12, 0, 3)
    assert results.bytes("Client", "pub1") == 0


def test_no_job_for_what_a_client_cannot_do() -> None:
    chosen = plan.subjects(True)
    jobs = {(job.subject, job.metric) for job in plan.rate_jobs(chosen, False)}
    assert ("umqtt.simple", "pub2") not in jobs
    assert ("Client", "pub2w10") in jobs
    assert not any(one.adapter == "mqtt_as" for one in plan.subjects(False))


@pytest.mark.parametrize("quick", [False, True])
def test_every_promise_about_rates_has_its_row_in_the_plan(quick: bool) -> None:
    jobs = {(job.metric, job.size) for job in plan.rate_jobs(plan.subjects(True), quick)}
    rows = {one.row for one in promises.PROMISES if one.row is not None}
    assert rows <= jobs or quick
    assert jobs & rows


# ------------------------------------------------------------------ judging


def test_nothing_measured_breaks_nothing() -> None:
    verdicts = promises.judge(Results())
    assert {one.state for one in verdicts} == {promises.UNKNOWN}
    text, good = report.summary(verdicts)
    assert good and "every promise that was measured is kept" in text


def test_a_byte_breaks_the_promise_of_none() -> None:
    results = Results()
    heap(results, "Client", "pub2", 0)
    assert state(results, "Client, pub2: heap") == promises.HELD
    heap(results, "Client", "pub2", 1)
    assert state(results, "Client, pub2: heap") == promises.BROKEN
    text, good = report.summary(promises.judge(results))
    assert not good and "FAILED" in text


@pytest.mark.parametrize(
    ("ours", "expected"),
    [(950, promises.HELD), (450, promises.NEARLY), (300, promises.BROKEN)],
)
def test_a_share_of_raw_has_room_for_noise(ours: float, expected: str) -> None:
    results = Results()
    rates(results, "raw", 1000, 1000, 1000, metric="recv2")
    rates(results, "Client", ours, ours, ours, metric="recv2")
    assert state(results, "Client, recv2: share of raw") == expected
    verdicts = promises.judge(results)
    assert report.summary(verdicts)[1] == (expected != promises.BROKEN)
    assert f"| {expected} |" in report.promise_table(verdicts).markdown()


def test_slower_than_a_peer_is_broken_and_is_measured_again() -> None:
    results = Results()
    rates(results, "umqtt.simple", 100, metric="recv0")
    rates(results, "Client", 60, metric="recv0")
    verdicts = promises.judge(results)
    assert promises.measure_again(verdicts) == {("recv0", 16)}
    jobs = list(plan.row_jobs(plan.subjects(True), "recv0", 16))
    assert {"umqtt.simple", "Client", "raw", "paho"} <= {job.subject for job in jobs}


def test_what_cannot_be_noise_is_not_measured_again() -> None:
    results = Results()
    results.set_fact("wire", "Client", "writes 1", 2)
    verdicts = promises.judge(results)
    assert state(results, "Client, QoS 1: writes a publish") == promises.BROKEN
    assert promises.measure_again(verdicts) == set()


@pytest.mark.parametrize(
    ("value", "expected"), [(50000.0, promises.NOT_REACHED), (9000.0, promises.REACHED)]
)
def test_what_is_not_reached_is_told_and_does_not_fail(value: float, expected: str) -> None:
    results = Results()
    results.set_fact("size", "Client", "smallest heap", value)
    assert state(results, "Client: smallest heap, .mpy") == expected
    verdicts = promises.judge(results)
    assert report.summary(verdicts)[1]
    assert expected in report.promise_table(verdicts).plain()


def test_paho_is_compared_across_interpreters() -> None:
    results = Results()
    rates(results, "paho", 100, where="cpython", metric="pub2w10")
    rates(results, "AsyncClient", 10, metric="pub2w10")
    assert state(results, "AsyncClient, pub2w10: times paho on CPython") == promises.BROKEN


@pytest.mark.parametrize("arguments", [["nonsense"], ["--rounds", "0"], ["--rounds", "-1"]])
def test_what_measures_nothing_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "there is no part" in (text := capsys.readouterr().err) or "--rounds" in text


@pytest.mark.parametrize(("parts", "count"), [([], 1), (["wire"], 0)])
def test_the_documents_are_of_all_parts(
    parts: list[str], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run of one part would leave the other tables out of them."""
    written: list[object] = []
    monkeypatch.setattr(bench_main, "_measure", lambda *_: planted())
    monkeypatch.setattr(bench_main.peers, "ensure", lambda: None)
    monkeypatch.setattr(bench_main, "_write", lambda *one: written.append(one))
    assert main(["--docs", *parts]) == 0
    assert len(written) == count


def test_what_is_ours_may_not_be_missing() -> None:
    """A row of the library that cannot be measured is a failure, a peer's is not."""
    assert is_ours("recv0, 16 bytes, AsyncClient, cpython") and is_ours("1 MB received")
    assert not is_ours("pub1, 16 bytes, mqtt_as, micropython64")
    subjects = {one.name for one in plan.SUBJECTS}
    assert {subject for subject, _, _ in plan.KNOWN} <= subjects


def test_single_steps_as_they_are_printed() -> None:
    text = "noise\nSTEP 0.5 32.004 slice of a memoryview\nSTEP -0.001 0 method call\n"
    assert steps.parse(text) == {"slice of a memoryview": (0.5, 32.0), "method call": (0.0, 0.0)}
    with pytest.raises(BenchError, match=r"single steps:\s+no module"):
        steps.parse("no module\n")


# ---------------------------------------------------------------- reporting


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "0"), (0.456, "0.46"), (22.71, "22.7"), (196.3, "196"), (391234, "391,000")],
)
def test_three_figures(value: float, expected: str) -> None:
    assert report.number(value) == expected


def planted() -> Results:
    results = Results()
    results.about = {"rounds": 5}
    rates(results, "raw", 1000)
    rates(results, "Client", 900)
    rates(results, "umqtt.simple", 20)
    rates(results, "paho", 300, where="cpython")
    heap(results, "Client", "pub1", 0)
    results.set_fact("awake", "Client", "idle: CPU ms a second", 0.1)
    results.set_fact("awake", "mqtt_as", "idle: CPU ms a second", 8.0)
    for n in (1, 10, 100):
        results.set_fact("growth: filters", str(n), "µs", n * 2.0)
    results.failures["pub2, <paho>"] = "it did not\nwork"
    return results


def test_the_document_tells_all_of_it() -> None:
    results = planted()
    text = report.document(results, promises.judge(results))
    assert "| Client | ***900*** |" in text, "faster than each peer, and near the ceiling"
    assert "0.90 / 45.0" in text
    assert "- pub2, <paho>: it did not" in text
    assert "| Client, pub1: heap | ≤ 0 B | 0 | held |" in text
    plain = report.tables(results, promises.judge(results))[0].plain()
    assert "*" not in plain


def test_a_run_of_a_part_lists_what_it_has_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench_main, "_measure", lambda *_: planted())
    monkeypatch.setattr(bench_main.peers, "ensure", lambda: None)
    main(["heap"])
    text = capsys.readouterr().out
    assert "Client, pub1: heap" in text
    assert "Client, pub2: heap" not in text and " not measured" in text
    main([])
    assert "Client, pub2: heap" in capsys.readouterr().out


def test_charts_are_well_formed() -> None:
    results = planted()
    results.set_fact("single steps", "empty loop turn", "µs", 0.1)  # no number, and no plot
    for text in (chart.draw(results), chart.draw_growth(results), chart.draw(Results())):
        assert ElementTree.fromstring(text).tag.endswith("svg")


def test_json_has_ratios() -> None:
    found = planted().as_json()
    row = next(one for one in found["rates"] if one["subject"] == "Client")
    assert row["to_raw"] == 0.9 and row["to_best_peer"] == 45.0


def test_energy_is_plain_arithmetic() -> None:
    assert energy.mah(50, 3600000) == 50
    board = energy.Board("b", 10, 20, 5, 100, 10, ())
    quiet = energy.persistent(board, 0.0, False, 3)
    assert quiet.base == 240 and quiet.cpu == 0
    busy = energy.persistent(board, 10.0, False, 3)  # 10 ms a second, ten times slower
    assert busy.cpu == pytest.approx(5 * 0.1 * 24)
    assert energy.persistent(board, 0.0, True, 3).total > 20 * 24
    assert energy.posting(board).radio > quiet.radio / 2
    assert "mqtt_as (8.00 ms" in energy.document(planted())


# ------------------------------------------------------------------ fetching


def _archive(folder: Path, names: list[str]) -> Path:
    path = folder / "a.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 1
            tar.addfile(member, io.BytesIO(b"#"))
    return path


def test_only_modules_below_umqtt_are_unpacked(tmp_path: Path) -> None:
    names = ["p-1/umqtt/simple.py", "p-1/setup.py", "p-1/../../umqtt/evil.py", "/umqtt/x.py"]
    peers.unpack(_archive(tmp_path, names), tmp_path / "out")
    found = [p.relative_to(tmp_path / "out") for p in (tmp_path / "out").rglob("*.py")]
    assert Path("umqtt/simple.py") in found
    assert {p.parent for p in found} == {Path("umqtt")}
    assert not (tmp_path / "umqtt").exists()


def test_mqtt_as_is_found_in_any_of_its_shapes(tmp_path: Path) -> None:
    module = tmp_path / "checkout" / "mqtt_as"
    module.mkdir(parents=True)
    (module / "__init__.py").write_text("VERSION = (0, 8, 3)\nclass MQTTClient: ...\n")
    assert peers.find_mqtt_as(str(tmp_path / "checkout")) == module
    assert peers.find_mqtt_as(str(module)) == module
    assert peers.Places(tmp_path, tmp_path, module).versions()["mqtt_as"] == "0.8.3"
    assert peers.find_mqtt_as(None) is None
    with pytest.raises(ToolchainError, match="no mqtt_as"):
        peers.find_mqtt_as(str(tmp_path))


def test_pins_are_exact() -> None:
    assert all("==" in one for one in [*(s.requirement for s in peers.SOURCES), *peers.WHEELS])
    assert all(len(one.sha256) == 64 for one in peers.SOURCES)
