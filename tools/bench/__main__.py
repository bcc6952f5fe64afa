"""Measure the library beside its peers: `python3 -m tools.bench [--quick]`.

Prints tables; `--docs` writes docs/bench.md, .json and .svg, of a run of all parts. Fails when a
promise of the design that is kept today breaks. MQTT_AS=path names mqtt_as, which is compared
with only then.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from tools import command, toolchain, workspace
from tools.bench import (
    awake,
    chart,
    energy,
    growth,
    instructions,
    large,
    machine,
    native,
    peers,
    plan,
    promises,
    report,
    size,
    steps,
    wire,
)
from tools.bench.results import Results, key_of
from tools.bench.run import BROKER_LINES, DEEP_LINES, Bench, BenchError, tls_lines
from tools.broker import Broker, BrokerError
from tools.ports import free_port

DOCS = workspace.ROOT / "docs"
_AGAIN = 4  # times that a doubtful row is measured again
PARTS = ("rates", "native", "heap", "steps", "instructions", "wire", "awake", "size", "large",
         "growth")  # fmt: skip


class Progress:
    """A line for each measurement, with how far along it is."""

    def __init__(self) -> None:
        self.start = time.monotonic()

    def say(self, text: str) -> None:
        """One line."""
        workspace.say(f"[{time.monotonic() - self.start:5.0f} s] {text}")


class Runner:
    """Carries out the plan; what fails is noted and the rest goes on."""

    def __init__(self, bench: Bench, results: Results, quick: bool, rounds: int) -> None:
        self.rounds_of_rates = rounds
        self.bench = bench
        self.results = results
        self.quick = quick
        self.progress = Progress()
        self.chosen = plan.subjects(bench.places.mqtt_as is not None)

    def attempt(self, what: str, step: Callable[[], None]) -> None:
        """Do one step; a failure costs only its own number."""
        if what in self.results.failures:
            return
        self.progress.say(what)
        try:
            step()
        except (BenchError, OSError, ValueError) as error:
            self.results.failures[what] = str(error)
            self.progress.say(f"    failed: {error}")

    def _take(self, job: plan.Job, table: str) -> None:
        sample = self.bench.measure(job)
        where = self.results.samples if table == "rates" else self.results.heap
        where.setdefault(key_of(job), []).append(sample)

    def rates(self) -> None:
        """Messages a second and CPU time."""
        rounds = self.rounds_of_rates
        for number in range(rounds):
            for job in plan.rate_jobs(self.chosen, self.quick):
                what = f"{job.metric}, {job.size} bytes, {job.subject}, {job.interpreter}"
                known = plan.KNOWN.get((job.subject, job.metric, job.size))
                if known:
                    self.results.failures[what] = known
                self.attempt(what, lambda job=job: self._take(job, "rates"))  # type: ignore[misc]
            self.progress.say(f"round {number + 1} of {rounds} is done")

    def doubts(self) -> None:
        """Measure again what looks broken: it may have been another process."""
        for _ in range(_AGAIN):
            rows = promises.measure_again(promises.judge(self.results))
            for metric, payload in sorted(rows):
                for job in plan.row_jobs(self.chosen, metric, payload):
                    what = f"again: {metric}, {payload} bytes, {job.subject}"
                    self.attempt(what, lambda job=job: self._take(job, "rates"))  # type: ignore[misc]

    def native(self) -> None:
        """A client in C."""
        native.everything(self.bench, self.results, self.attempt, self.rounds_of_rates)

    def steps(self) -> None:
        """Single steps of the interpreter."""
        steps.everything(self.bench, self.results, self.attempt)

    def heap(self) -> None:
        """Bytes asked of the heap; three times, for a stray turn adds some."""
        for _ in range(1 if self.quick else 3):
            for job in plan.heap_jobs(self.chosen, self.quick):
                what = f"heap: {job.metric}, {job.subject}"
                self.attempt(what, lambda job=job: self._take(job, "heap"))  # type: ignore[misc]

    def wire(self) -> None:
        """Writes, segments, round trips."""
        wire.everything(self.bench, self.results, self.chosen, self.attempt, self.quick)

    def awake(self) -> None:
        """Wake-ups, and what an idle hour costs."""
        for name in awake.SUBJECTS:
            if any(one.name == name for one in self.chosen) and not (
                self.quick and not plan.BY_NAME[name].ours
            ):
                self.attempt(f"idle: {name}", lambda n=name: self._idle(n))  # type: ignore[misc]

    def _idle(self, name: str) -> None:
        awake.idle(self.bench, self.results, name, 3 if self.quick else 20)
        awake.loaded(self.bench, self.results, name)

    def size(self) -> None:
        """Flash and heap."""
        size.everything(self.bench, self.results, self.chosen, self.attempt, self.quick)

    def large(self) -> None:
        """A megabyte each way."""
        large.everything(self.bench, self.results, self.attempt, self.quick)

    def instructions(self) -> None:
        """Instructions a message."""
        instructions.everything(self.bench, self.results, self.chosen, self.attempt, self.quick)

    def growth(self) -> None:
        """How cost grows with how much there is."""
        growth.everything(self.bench, self.results, self.attempt, self.quick)


def _measure(given: argparse.Namespace, places: peers.Places) -> Results:
    results = Results()
    rounds = given.rounds or (1 if given.quick else 5)
    results.about = machine.about(places, rounds)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ports = [free_port(), free_port()]
        lines = [[*tls_lines(folder, port)] for port in ports]
        broker = stack.enter_context(Broker(config_lines=[*BROKER_LINES, *lines[0]]))
        deep = stack.enter_context(Broker(config_lines=[*DEEP_LINES, *lines[1]]))
        bench = Bench(places, folder, broker, deep)
        bench.tls_ports = dict(zip((broker.port, deep.port), ports, strict=True))
        runner = Runner(bench, results, given.quick, rounds)
        for part in given.parts or PARTS:
            getattr(runner, part)()
        runner.doubts()
    return results


def _write(results: Results, verdicts: Sequence[promises.Verdict]) -> None:
    DOCS.mkdir(exist_ok=True)
    found = results.as_json()
    found["promises"] = [
        {"promise": one.promise.text, "limit": one.promise.limit, "value": one.value,
         "state": one.state} for one in verdicts
    ]  # fmt: skip
    (DOCS / "bench.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (DOCS / "bench.md").write_text(report.document(results, verdicts), encoding="utf-8")
    (DOCS / "bench.svg").write_text(chart.draw(results), encoding="utf-8")
    (DOCS / "growth.svg").write_text(chart.draw_growth(results), encoding="utf-8")
    (DOCS / "energy.md").write_text(energy.document(results), encoding="utf-8")
    print("wrote docs/bench.md, .json and .svg, docs/growth.svg, docs/energy.md")


def is_ours(what: str) -> bool:
    """Whether a failure is one of the library's own rows, and so of the run."""
    return "Client" in what or "umqtt_full" in what or what.startswith("1 MB")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, judge; 0 when every promise that holds today is kept."""
    parser = argparse.ArgumentParser(prog="python3 -m tools.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round and fewer rows")
    parser.add_argument("--rounds", type=command.count, help="of the rates (5, quick: 1)")
    parser.add_argument("--docs", action="store_true", help="write docs/bench.*")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    given = parser.parse_args(arguments)
    if unknown := [one for one in given.parts if one not in PARTS]:
        parser.error(f"there is no part {unknown[0]}; there are {', '.join(PARTS)}")
    try:
        results = _measure(given, peers.ensure())
    except (toolchain.ToolchainError, BrokerError, BenchError) as error:
        print(f"bench: FAILED: {error}")
        return 1
    verdicts = promises.judge(results)
    whole = not (given.quick or given.parts)
    shown = [one for one in verdicts if whole or one.state != promises.UNKNOWN]
    for table in report.tables(results, shown):
        print(table.plain() + "\n")
    for what, why in results.failures.items():
        print(f"not measured: {what}: {why}")
    known = tuple(plan.KNOWN.values())
    failed = [w for w, why in results.failures.items() if is_ours(w) and why not in known]
    if given.docs and given.parts:
        print("docs/bench.* stay as they are: they are of a run of all parts")
    elif given.docs:
        _write(results, verdicts)
    text, good = report.summary(verdicts)
    print(text if not failed else f"bench: FAILED: no number for {'; '.join(failed)}")
    return 0 if good and not failed else 1


if __name__ == "__main__":
    command.run("bench", main)
