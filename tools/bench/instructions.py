"""Instructions of the processor for one message, counted by valgrind: the same in every run."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.bench import plan
from tools.bench.results import Results
from tools.bench.run import Bench, BenchError

SUBJECTS = ("raw", "umqtt.simple", "umqtt.simple2", "umqtt_full.simple", "Client", "AsyncClient")
METRICS = ("pub0", "pub1", "pub2", "pub1w10", "recv0", "recv1", "recv2")
_FEW, _MANY = 100, 600
_SLOW = {"umqtt.simple": ("pub1",), "umqtt.simple2": ("pub1", "pub1w10")}  # 40 ms each: fewer
_TOTAL = re.compile(r"^(?:totals|summary): (\d+)", re.MULTILINE)


def total(text: str) -> int:
    """The instructions of a callgrind file."""
    match = _TOTAL.search(text)
    if match is None:
        raise BenchError("valgrind wrote no total")
    return int(match[1])


def _counted(bench: Bench, subject: str, metric: str, count: int) -> int:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "callgrind"
        wrap = (str(shutil.which("valgrind")), "-q", "--tool=callgrind")
        job = plan.Job("micropython64", subject, metric, 16, count)
        bench.measure(job, wrap=(*wrap, "--trace-children=yes", f"--callgrind-out-file={file}.%p"))
        sizes = [total(one.read_text(errors="replace")) for one in Path(folder).iterdir()]
    return max(sizes)  # of MicroPython itself, not of what started it


def _once(bench: Bench, results: Results, subject: str, metric: str) -> None:
    many = 20 + _FEW if metric in _SLOW.get(subject, ()) else _MANY
    more = _counted(bench, subject, metric, many) - _counted(bench, subject, metric, _FEW)
    results.set_fact("instructions", subject, plan.TITLES[metric], more / (many - _FEW))


def everything(
    bench: Bench,
    results: Results,
    chosen: list[plan.Subject],
    attempt: Callable[[str, Callable[[], None]], None],
    quick: bool,
) -> None:
    """Fill the table, where there is valgrind."""
    if quick or not shutil.which("valgrind"):
        if not quick:
            results.failures["instructions"] = "valgrind is not installed"
        return
    for metric in METRICS:
        for name in SUBJECTS:
            if plan.BY_NAME[name] in chosen and plan.BY_NAME[name].does("micropython64", metric):
                what = f"instructions: {metric}, {name}"
                attempt(what, lambda m=metric, n=name: _once(bench, results, n, m))  # type: ignore[misc]
