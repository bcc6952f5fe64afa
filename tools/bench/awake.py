"""Asleep and awake: wake-ups a second, share of the CPU, bytes of heap while nothing happens."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.bench import plan
from tools.bench.results import Results
from tools.bench.run import Bench

SUBJECTS = ("umqtt.simple", "mqtt_as", "Client", "AsyncClient")
_WAITS = re.compile(
    r"^(?:\d+ +)?(?:poll|ppoll|ppoll_time64|select|pselect6|_newselect|epoll_wait|epoll_pwait"
    r"|clock_nanosleep|clock_nanosleep_time64|nanosleep)\("
)


def wake_ups(trace: str) -> int:
    """How often the process waited and came back, between the marks of a trace."""
    count, counting = 0, False
    for line in trace.splitlines():
        if "bench-mark-" in line:
            counting = "bench-mark-1" in line
        elif counting and _WAITS.match(line):
            count += 1
    return count


def _traced(bench: Bench, job: plan.Job) -> tuple[int, float] | None:
    """Wake-ups in the last stage of a job, and the seconds or operations it had."""
    strace = shutil.which("strace")
    if not strace:
        return None
    with TemporaryDirectory() as folder:
        file = Path(folder) / "trace"
        sample = bench.measure(job, wrap=(strace, "-f", "-qq", "-o", str(file)))
        trace = file.read_text(errors="replace")
    return wake_ups(trace[max(0, trace.rfind("bench-mark-1") - 200) :]), sample.count


def idle(bench: Bench, results: Results, subject: str, seconds: int) -> None:
    """Connected, keep alive of 60 s, nothing to do."""
    job = plan.Job("micropython32", subject, "asleep", 16, seconds * 1000)
    sample = bench.measure(job)
    milliseconds = sample.cpu_us * sample.count / 1000
    results.set_fact("awake", subject, "idle: CPU ms a second", milliseconds / seconds)
    results.set_fact(
        "awake", subject, "CPU s an hour (20 s, scaled)", milliseconds / seconds * 3.6
    )
    results.set_fact(
        "awake", subject, "idle: heap bytes a second", sample.heap * sample.count / seconds
    )
    found = _traced(bench, job)
    if found is not None:
        results.set_fact("awake", subject, "idle: wake-ups a second", found[0] / seconds)


def loaded(bench: Bench, results: Results, subject: str) -> None:
    """Wake-ups for a publish at QoS 1."""
    found = _traced(bench, plan.Job("micropython32", subject, "pub1", 16, 20))
    if found is not None:
        results.set_fact("awake", subject, "wake-ups a QoS 1 publish", found[0] / found[1])


__all__ = ["SUBJECTS", "idle", "loaded", "wake_ups"]
