"""What is measured: clients, interpreters, metrics, payloads, and which go together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

INTERPRETERS = ("micropython64", "micropython32", "cpython")
SIZES = (16, 200, 4000)
RATES = ("pub0", "pub1", "pub2", "pub1w10", "pub2w10", "recv0", "recv1", "recv2")
TITLES = {
    "pub0": "pub 0",
    "pub1": "pub 1",
    "pub2": "pub 2",
    "pub1w10": "pub 1, 10 in flight",
    "pub2w10": "pub 2, 10 in flight",
    "recv0": "recv 0",
    "recv1": "recv 1",
    "recv2": "recv 2",
    "idle": "idle turn",
    "pub1w50": "50 in flight, each",
}
HEAP_METRICS = ("idle", "pub0", "pub1", "pub2", "recv0", "recv1", "recv2", "pub1w50")
RAW = "raw"
_MICROPYTHON = ("micropython64", "micropython32")
_NO_QOS_2 = ("pub2", "pub2w10", "recv2")
_NO_WINDOW = ("pub1w10", "pub2w10", "pub1w50")


@dataclass(frozen=True)
class Subject:
    """A client: its name in tables, its adapter, where it runs, what it cannot do.

    A row for another way to use the library (MQTT 5, TLS) is a line in `SUBJECTS`: the adapter,
    and the options of its client.
    """

    name: str
    adapter: str
    interpreters: tuple[str, ...]
    cannot: tuple[str, ...] = ()
    ours: bool = False
    options: dict[str, Any] = field(default_factory=dict, hash=False)
    tls: bool = False  # by the broker's TLS listener, whose CA is added to the options

    @property
    def is_peer(self) -> bool:
        """Whether it is somebody else's client, as it comes."""
        return not self.ours and self.adapter not in ("raw", "ahead", "asyncio", "nodelay")

    def does(self, interpreter: str, metric: str) -> bool:
        """Whether there is such a row."""
        return interpreter in self.interpreters and metric not in self.cannot


SUBJECTS = (
    Subject(RAW, "raw", INTERPRETERS),
    Subject("raw, reads ahead", "ahead", INTERPRETERS, (*RATES[:5], "recv2", "idle", "pub1w50")),
    Subject("asyncio alone", "asyncio", ("micropython32",), (*RATES, "pub1w50")),
    Subject("umqtt.simple", "umqtt.simple", _MICROPYTHON, (*_NO_QOS_2, *_NO_WINDOW)),
    Subject("umqtt.simple + TCP_NODELAY", "nodelay", _MICROPYTHON, (*_NO_QOS_2, *_NO_WINDOW)),
    Subject("umqtt.robust", "umqtt.robust", _MICROPYTHON, (*_NO_QOS_2, *_NO_WINDOW)),
    Subject("umqtt.simple2", "umqtt.simple2", _MICROPYTHON, _NO_QOS_2),
    Subject("mqtt_as", "mqtt_as", _MICROPYTHON, _NO_QOS_2),
    Subject("MiniMQTT", "MiniMQTT", ("cpython",), (*_NO_QOS_2, *_NO_WINDOW)),
    Subject("paho", "paho", ("cpython",)),
    Subject("umqtt_full.simple", "umqtt_full.simple", INTERPRETERS, _NO_WINDOW, ours=True),
    Subject("Client", "Client", INTERPRETERS, ours=True),
    Subject("AsyncClient", "AsyncClient", INTERPRETERS, ours=True),
    Subject("Client, TLS", "Client", INTERPRETERS, ours=True, options={"tls": True}, tls=True),
    Subject("Client, MQTT 5", "Client", INTERPRETERS, ours=True, options={"version": 5}),
)
# Rows that the library does not have yet, and why: told in the report, not run, no failure.
KNOWN: dict[tuple[str, str, int], str] = {}
BY_NAME = {one.name: one for one in SUBJECTS}


@dataclass(frozen=True)
class Job:
    """One measurement."""

    interpreter: str
    subject: str
    metric: str
    size: int
    count: int = 0  # operations; 0: as many as take `target_ms`
    target_ms: int = 400
    warm: int = 0  # operations before those that are measured; 0: a few


def subjects(with_mqtt_as: bool) -> list[Subject]:
    """Those that can be had."""
    return [one for one in SUBJECTS if with_mqtt_as or one.adapter != "mqtt_as"]


_QUICK = ("raw", "umqtt.simple", "mqtt_as", "Client", "AsyncClient")
_QUICK_CPYTHON = ("paho", "Client")


def _in_quick(subject: Subject, interpreter: str) -> bool:
    return subject.name in (_QUICK_CPYTHON if interpreter == "cpython" else _QUICK)


def rate_jobs(chosen: list[Subject], quick: bool) -> Iterator[Job]:
    """The table of rates; neighbours in it are compared, so they run one after the other."""
    interpreters = ("micropython64", "cpython") if quick else INTERPRETERS
    target = 150 if quick else 400
    for size in SIZES[:1] if quick else SIZES:
        for metric in RATES:
            for interpreter in interpreters:
                for subject in chosen:
                    wanted = not quick or _in_quick(subject, interpreter)
                    if wanted and subject.does(interpreter, metric):
                        yield Job(interpreter, subject.name, metric, size, 0, target)


def row_jobs(chosen: list[Subject], metric: str, size: int) -> Iterator[Job]:
    """One row again: all that its promises compare."""
    for subject in chosen:
        if subject.does("micropython64", metric) and not subject.tls:
            yield Job("micropython64", subject.name, metric, size, 0, 400)
        elif subject.name == "paho":
            yield Job("cpython", subject.name, metric, size, 0, 400)


def heap_jobs(chosen: list[Subject], quick: bool) -> Iterator[Job]:
    """Bytes of the heap for each operation."""
    for metric in HEAP_METRICS:
        for subject in chosen:
            wanted = not quick or subject.ours or subject.name == "asyncio alone"
            if wanted and subject.does("micropython32", metric):
                slow = subject.name == "mqtt_as" and metric.startswith("pub1")
                count = 50 if metric == "pub1w50" or not slow else 10
                # as many before, so that tables of ids have grown to their size
                yield Job("micropython32", subject.name, metric, 16, count, warm=count)
