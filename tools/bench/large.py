"""A megabyte received at QoS 1 into a file, on the smallest heap that does it."""

from __future__ import annotations

import hashlib
import random
import secrets
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tools import measure, workspace
from tools.bench import feeder, plan
from tools.bench.results import Results
from tools.bench.run import Bench, BenchError, started

SIZE = 1 << 20
_LOWEST, _HIGHEST, _STEP = 16 * 1024, 256 * 1024, 1024
GOAL = 64 * 1024


def image() -> bytes:
    """The same bytes each time."""
    return random.Random(1).randbytes(SIZE)


def receive(bench: Bench, heap: int, interpreter: str = "micropython32") -> float:
    """Seconds that it took to have the image in a file, checked; BenchError if that fails."""
    payload, topic = image(), "firmware/" + secrets.token_hex(4)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "image"
        argv = bench.argv(interpreter, "large_receive", heap)
        argv += [bench.broker.host, str(bench.broker.port), topic, str(target)]
        start, lines = time.monotonic(), []
        with started(argv, bench.environment()) as process:
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line.rstrip())
                if lines[-1] == "READY":
                    start = time.monotonic()
                    broker = bench.broker
                    feeder.feed(broker.host, broker.port, topic, payload, 1, 1)
        took = time.monotonic() - start
        if lines[-1:] != ["OK"]:
            raise BenchError(f"heap of {heap} bytes:{workspace.tail(chr(10).join(lines), 4)}")
        if hashlib.sha256(target.read_bytes()).digest() != hashlib.sha256(payload).digest():
            raise BenchError("what was received is not what was sent")
    return took


def _received(bench: Bench, results: Results, quick: bool) -> None:
    seconds = receive(bench, GOAL)
    row = "received at QoS 1 into a file"
    results.set_fact("large", row, "heap of 64 KB: s", seconds)
    results.set_fact("large", row, "MB a second", SIZE / 1e6 / seconds)
    if quick:
        return

    def works(size: int) -> bool:
        try:
            receive(bench, size)
        except (BenchError, OSError):
            return False
        return True

    smallest = measure.bisect(works, _LOWEST, _HIGHEST, _STEP)
    results.set_fact("large", row, "smallest heap, 32 bit, .mpy", smallest)


def everything(
    bench: Bench,
    results: Results,
    attempt: Callable[[str, Callable[[], None]], None],
    quick: bool,
) -> None:
    """Fill the table of long payloads."""
    attempt("1 MB received into a file", lambda: _received(bench, results, quick))
    results.failures["1 MB published in pieces from a stream"] = plan.STREAM_OUT
