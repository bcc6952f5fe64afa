"""A megabyte received into a file and published from one, on the smallest heap that does it."""

from __future__ import annotations

import hashlib
import random
import secrets
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tools import measure, workspace
from tools.bench import feeder
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


def publish(bench: Bench, heap: int, qos: int = 1, interpreter: str = "micropython32") -> float:
    """Seconds that it took to publish the image from a file, checked; BenchError if that fails."""
    payload, topic = image(), "firmware/" + secrets.token_hex(4)
    came: list[bytes] = []
    there = threading.Event()
    observer = paho.Client(CallbackAPIVersion.VERSION2, "observer")
    observer.on_subscribe = lambda *_: there.set()
    observer.on_message = lambda _client, _data, message: came.append(bytes(message.payload))
    observer.connect(bench.broker.host, bench.broker.port)
    observer.subscribe(topic, qos)
    observer.loop_start()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "image"
        source.write_bytes(payload)
        argv = bench.argv(interpreter, "large_publish", heap)
        argv += [bench.broker.host, str(bench.broker.port), topic, str(source), str(qos)]
        there.wait(10)
        start = time.monotonic()
        with started(argv, bench.environment()) as process:
            assert process.stdout is not None
            lines = [line.rstrip() for line in process.stdout]
        took = time.monotonic() - start
    deadline = time.monotonic() + 10
    while not came and time.monotonic() < deadline:
        time.sleep(0.01)
    observer.disconnect()
    observer.loop_stop()
    if lines[-1:] != ["OK"]:
        raise BenchError(f"heap of {heap} bytes:{workspace.tail(chr(10).join(lines), 4)}")
    if came != [payload]:
        raise BenchError("what came is not what was published")
    return took


def _row(results: Results, row: str, once: Callable[[int], float], quick: bool) -> None:
    """How long it takes on a heap of 64 KB, and unless `quick` the smallest heap."""
    seconds = once(GOAL)
    results.set_fact("large", row, "heap of 64 KB: s", seconds)
    results.set_fact("large", row, "MB a second", SIZE / 1e6 / seconds)
    if quick:
        return

    def works(size: int) -> bool:
        try:
            once(size)
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
    for row, once in (
        ("received at QoS 1 into a file", receive),
        ("published at QoS 1 from a file", publish),
    ):
        attempt(
            "1 MB " + row,
            lambda row=row, once=once: _row(  # type: ignore[misc]
                results, row, lambda heap: once(bench, heap), quick
            ),
        )
