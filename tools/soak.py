"""A long run with outages: `python3 -m tools.soak [--minutes 60]`.

Client and AsyncClient, each on 32-bit MicroPython with a small heap, exchange numbered messages
at every QoS with a real mosquitto, which is killed and restarted from time to time. At the end:
nothing at QoS 1 and 2 was lost, nothing at QoS 2 came twice, the order was kept, no packet id and
no record was left behind, and the heap is flat. The last line is the result.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tools import command, toolchain, traffic
from tools.broker import Broker
from tools.gate import Gate

KINDS = ("client", "async")
PERIOD_MS = 100
DOWN_S = (0.0, 5.0, 1.0)  # how long the broker stays away, in turn
_PROGRESS_S = 60.0
# The heap in use varies with what is under way when it is sampled. A leak of one 16-byte block an
# outage, or in a hundred messages, rises above both of these in ten minutes.
WARM_UP, WARM_UP_H = 0.5, 8 / 60  # passed over, the shorter of them: part of the time, hours
SAMPLES, LEAST_MINUTES = 25, 1  # fewer say nothing; the devices take one each 2 s or a little more
RISE_BYTES = 512  # from the lower quartile of the first half to that of the second
SLOPE_BYTES_PER_HOUR = 2048  # of a line through the minima of ten parts


class Device:
    """One kind of client and its other side."""

    def __init__(self, kind: str, heap: str, broker: Broker, gate: Gate, folder: Path) -> None:
        self.kind = kind
        self.peer = traffic.Peer(f"soak-{kind}", broker.port)
        arguments = [kind, gate.host, str(gate.port), f"soak-{kind}", str(PERIOD_MS)]
        arguments = ["-m", traffic.PROGRAM.stem, *arguments]
        self.process = traffic.Process("micropython32", arguments, heap, folder=folder)

    def heap(self) -> list[tuple[float, int]]:
        """(hours, bytes) of each sample."""
        rows = [line.split() for line in list(self.process.output) if line.startswith("MEM ")]
        return [(int(row[1]) / 3600000, int(row[2])) for row in rows]

    def problems(self) -> list[str]:
        """What went wrong; to be asked when it has ended."""
        sent = self.process.number("SENT") or [0, 0, 0]
        found = traffic.faults(traffic.books(self.peer.up, sent))
        problems = [f"{name}: {number} published" for name, number in found.items()]
        seen = traffic.got(self.process.output)
        found = traffic.faults(traffic.books(seen, self.peer.sent))
        problems += [f"{name}: {number} received" for name, number in found.items()]
        return [f"{self.kind}: {text}" for text in [*problems, *rising(self.heap())]]


def _minutes(text: str) -> float:
    """How long: so that there are enough samples to judge by."""
    value = command.minutes(text)
    if value < LEAST_MINUTES:
        raise argparse.ArgumentTypeError(
            f"must be {LEAST_MINUTES} at least: in less the heap is not sampled often enough"
        )
    return value


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The slope of the straight line that fits best."""
    if len(points) < 2:
        return 0.0
    return statistics.linear_regression(*zip(*points, strict=True)).slope


def warm(samples: Sequence[tuple[float, int]]) -> Sequence[tuple[float, int]]:
    """The samples behind the warm-up, in which modules load and tables grow to their size."""
    start = min(samples[-1][0] * WARM_UP, WARM_UP_H) if samples else 0.0
    return [sample for sample in samples if sample[0] >= start]


def lowest(samples: Sequence[tuple[float, int]]) -> list[tuple[float, int]]:
    """The smallest sample of each tenth of the time behind the warm-up."""
    kept = warm(samples)
    parts = [kept[len(kept) * k // 10 : len(kept) * (k + 1) // 10] for k in range(10)]
    return [min(part, key=lambda sample: sample[1]) for part in parts if part]


def trend(samples: Sequence[tuple[float, int]]) -> tuple[float, float]:
    """(rise of the lower quartile in bytes, slope of the minima in bytes an hour)."""
    kept = [size for _, size in warm(samples)]
    half = len(kept) // 2
    if half < 10:
        return 0.0, 0.0
    quartiles = [statistics.quantiles(part)[0] for part in (kept[:half], kept[half:])]
    return quartiles[1] - quartiles[0], slope(lowest(samples))


def rising(samples: Sequence[tuple[float, int]]) -> list[str]:
    """What says that the heap is not flat."""
    if len(samples) < SAMPLES:
        return [f"only {len(samples)} samples of the heap"]
    rise, gradient = trend(samples)
    hours = samples[-1][0] - samples[0][0]
    if rise > RISE_BYTES or (gradient > SLOPE_BYTES_PER_HOUR and gradient * hours > RISE_BYTES):
        tenths = ", ".join(str(size) for _, size in lowest(samples))
        return [f"the heap rises: by {rise:.0f} bytes, {gradient:.0f} an hour; tenths: {tenths}"]
    return []


def progress(start: float, outages: int, devices: Sequence[Device]) -> None:
    """One line."""
    parts = [f"{(time.monotonic() - start) / 60:5.1f} min, {outages} outages"]
    for device in devices:
        samples = device.heap()
        used = samples[-1][1] if samples else 0
        received = len(traffic.got(device.process.output))
        parts.append(f"{device.kind}: {len(device.peer.up)} out, {received} in, heap {used}")
    print("; ".join(parts), flush=True)


def drive(minutes: float, every: float, devices: list[Device], broker: Broker, gate: Gate) -> int:
    """Traffic until the time is over; the number of outages."""
    start = reported = broken = time.monotonic()
    outages = 0
    peers = [device.peer for device in devices]
    while time.monotonic() < start + minutes * 60:
        for device in devices:
            if device.process.process.poll() is not None:
                return outages
            device.peer.publish()
        time.sleep(PERIOD_MS / 1000)
        if time.monotonic() - broken >= every:
            traffic.outage(broker, gate, peers, DOWN_S[outages % len(DOWN_S)])
            broken = time.monotonic()
            outages += 1
        if time.monotonic() - reported >= _PROGRESS_S:
            progress(start, outages, devices)
            reported = time.monotonic()
    time.sleep(2)
    progress(start, outages, devices)
    return outages


def finish(devices: Sequence[Device]) -> list[str]:
    """End the devices; what is wrong with any of them."""
    problems = []
    for device in devices:
        device.peer.stop_device()
        problem = device.process.end(60)
        device.peer.settle()
        problems += [f"{device.kind}: {problem}"] if problem else []
        problems += device.problems()
    return problems


def soak(minutes: float, every: float, heap: str) -> int:
    """Run it; 0 when all holds."""
    start = time.monotonic()
    with (
        Broker(persistence=True, release=toolchain.RELEASE) as broker,
        tempfile.TemporaryDirectory() as name,
    ):
        folder = Path(name)
        traffic.compiled(folder)
        gate = Gate(broker.port)
        devices = [Device(kind, heap, broker, gate, folder) for kind in KINDS]
        try:
            for device in devices:
                if not device.process.wait_for("READY"):
                    print("\n".join(device.process.output[-10:]))
            outages = drive(minutes, every, devices, broker, gate)
            problems = finish(devices)
        finally:
            for device in devices:
                device.process.kill()
                device.peer.close()
            gate.close()
    for problem in problems:
        print(problem)
    for device in devices:
        rise, gradient = trend(device.heap())
        print(f"{device.kind}: heap of {heap}: rise {rise:.0f} bytes (at most {RISE_BYTES}), "
              f"slope {gradient:.0f} bytes an hour (at most {SLOPE_BYTES_PER_HOUR})")  # fmt: skip
    count = sum(len(one.peer.up) + len(traffic.got(one.process.output)) for one in devices)
    took = (time.monotonic() - start) / 60
    verdict = (
        f"FAILED: {len(problems)} problems" if problems else "passed: nothing lost, heap flat"
    )
    print(f"soak {verdict}; {took:.1f} min, {count} messages, {outages} outages")
    return 1 if problems else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python3 -m tools.soak", description=__doc__)
    parser.add_argument("--minutes", type=_minutes, default=60, help="how long (60)")
    parser.add_argument("--every", type=command.seconds, help="seconds between outages (a "
                        "twentieth of the time, at most 180)")  # fmt: skip
    parser.add_argument("--heap", default="80k", help="heap of the devices (80k)")
    options = parser.parse_args(arguments)
    every = options.every or min(180.0, options.minutes * 3)
    return soak(options.minutes, every, options.heap)


if __name__ == "__main__":
    command.run("soak", main)
