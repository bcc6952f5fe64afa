"""What DESIGN §3 promises, as numbers of one and the same run, and whether each is kept.

Rates are judged as ratios within a round, the median of the rounds, and with room for the noise
of a shared machine: a promise is broken below `limit * _NOISE`, and only after its row was
measured again (`measure_again`); above that and below the limit it is held within noise. What is
not reached today is marked so, is listed, and breaks nothing; when it is reached the run says so,
and the mark is to be taken away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tools.bench import plan
from tools.bench.results import Results

_NOISE = 0.75
_MP = "micropython64"
OURS = ("Client", "AsyncClient")
HELD, NEARLY, BROKEN, NOT_REACHED, REACHED, UNKNOWN = (
    "held",
    "held within noise",
    "BROKEN",
    "not reached",
    "reached now",
    "not measured",
)


@dataclass(frozen=True)
class Promise:
    """`value(results)` has to be at least (`most`: at most) `limit`."""

    text: str
    value: Callable[[Results], float | None]
    limit: float
    most: bool = False
    noisy: bool = False
    today: bool = True  # it holds today: breaking it is a failure
    unit: str = ""
    row: tuple[str, int] | None = None  # metric and payload of the rates that it compares

    def keeps(self, value: float) -> bool:
        """Whether a value is good enough, noise allowed for."""
        if self.most:
            return value <= self.limit / (_NOISE if self.noisy else 1)
        return value >= self.limit * (_NOISE if self.noisy else 1)

    def reaches(self, value: float) -> bool:
        """Whether it is good enough without any allowance."""
        return value <= self.limit if self.most else value >= self.limit


@dataclass(frozen=True)
class Verdict:
    """A promise, what was measured, and what that means."""

    promise: Promise
    value: float | None
    state: str


def _heap(subject: str, metric: str) -> Callable[[Results], float | None]:
    return lambda results: results.bytes(subject, metric)


def _over(
    subject: str, metric: str, size: int, others: list[tuple[str, str]]
) -> Callable[[Results], float | None]:
    """Its rate over the highest of the others', each (interpreter, name)."""
    return lambda results: results.over((_MP, subject), others, metric, size)


def _raw(subject: str, metric: str) -> Callable[[Results], float | None]:
    return _over(subject, metric, 16, [(_MP, plan.RAW)])


def _peer(subject: str, metric: str, size: int) -> Callable[[Results], float | None]:
    peers = [(_MP, one.name) for one in plan.SUBJECTS if one.is_peer]
    return _over(subject, metric, size, peers)


def _paho(subject: str, metric: str) -> Callable[[Results], float | None]:
    return _over(subject, metric, 16, [("cpython", "paho")])


def _fact(table: str, row: str, column: str) -> Callable[[Results], float | None]:
    return lambda results: results.fact(table, row, column)


def _asyncio_share(results: Results) -> float | None:
    ours, bare = results.bytes("AsyncClient", "idle"), results.bytes("asyncio alone", "idle")
    return None if ours is None or bare is None else ours - bare


# (subject, metric, payload): slower than the fastest MicroPython peer today.
SLOWER_TODAY = {(one, "pub0", 4000) for one in OURS}  # see docs/limits.md
# (subject, metric): below its share of the ceiling today, where processes wake in microseconds.
BELOW_TODAY = {
    (one, metric) for one in OURS for metric in ("pub1", "pub2", "pub1w10", "recv0", "recv1")
}
SHARES = (
    ("pub1", 0.8),
    ("pub2", 0.8),
    ("pub1w10", 0.5),
    ("pub2w10", 0.5),
    ("recv0", 0.3),
    ("recv1", 0.5),
    ("recv2", 0.5),
)
PEER_METRICS = ("pub0", "pub1", "pub1w10", "recv0", "recv1")


def _heap_promises() -> list[Promise]:
    names = ("pub0", "pub1", "pub2", "recv0", "recv1", "recv2", "idle")
    found = [
        Promise(f"Client, {name}: heap", _heap("Client", name), 0, most=True, unit="B")
        for name in names
    ]
    text = "Client, 50 in flight: heap for each"
    found.append(Promise(text, _heap("Client", "pub1w50"), 0, most=True, unit="B"))
    text = "AsyncClient, idle turn: heap beyond what asyncio takes"
    return [*found, Promise(text, _asyncio_share, 0, most=True, unit="B")]


def _rate_promises() -> list[Promise]:
    found = []
    for subject in OURS:
        for metric, limit in SHARES:
            today = (subject, metric) not in BELOW_TODAY
            text = f"{subject}, {metric}: share of raw"
            value = _raw(subject, metric)
            row = (metric, 16)
            found.append(Promise(text, value, limit, noisy=True, today=today, row=row))
        for metric in ("pub1w10", "pub2w10"):
            text = f"{subject}, {metric}: times paho on CPython"
            found.append(Promise(text, _paho(subject, metric), 1, noisy=True, row=(metric, 16)))
        for size in (16, 200, 4000):
            for metric in PEER_METRICS:
                today = (subject, metric, size) not in SLOWER_TODAY
                text = f"{subject}, {metric}, {size} bytes: times the best MicroPython peer"
                value = _peer(subject, metric, size)
                row = (metric, size)
                found.append(Promise(text, value, 1, noisy=True, today=today, row=row))
    return found


def _wire_promises() -> list[Promise]:
    found = []
    for subject in OURS:
        for qos in (0, 1):
            for what in ("writes", "segments"):
                text = f"{subject}, QoS {qos}: {what} a publish"
                value = _fact("wire", subject, f"{what} {qos}")
                found.append(Promise(text, value, 1, most=True))
        for qos in (0, 1, 2):
            text = f"{subject}, QoS {qos}: bytes beyond the specification's minimum"
            value = _fact("wire", subject, f"surplus {qos}")
            found.append(Promise(text, value, 0, most=True, unit="B"))
        for qos in (1, 2):
            text = f"{subject}: 50 at QoS {qos} over a round trip of 100 ms"
            value = _fact("wire", subject, f"trip {qos}")
            limit = 0.2 if qos == 1 else 0.3
            found.append(Promise(text, value, limit, most=True, noisy=True, unit="s"))
    return found


def _size_promises() -> list[Promise]:
    return [
        Promise(
            f"{subject}: smallest heap, .mpy",
            _fact("size", subject, "smallest heap"),
            limit,
            most=True,
            today=False,
            unit="B",
        )
        for subject, limit in (("Client", 10240), ("AsyncClient", 14336))
    ]


PROMISES = [*_heap_promises(), *_rate_promises(), *_wire_promises(), *_size_promises()]


def measure_again(verdicts: list[Verdict]) -> set[tuple[str, int]]:
    """The rows (metric, payload) whose promises look broken, and may be so by noise."""
    broken = [one.promise for one in verdicts if one.state == BROKEN and one.promise.noisy]
    return {promise.row for promise in broken if promise.row is not None}


def judge(results: Results, promises: list[Promise] | None = None) -> list[Verdict]:
    """Each promise beside what was measured."""
    found = []
    for promise in PROMISES if promises is None else promises:
        value = promise.value(results)
        if value is None:
            state = UNKNOWN
        elif promise.today:
            state = HELD if promise.reaches(value) else NEARLY if promise.keeps(value) else BROKEN
        else:
            state = REACHED if promise.reaches(value) else NOT_REACHED
        found.append(Verdict(promise, value, state))
    return found
