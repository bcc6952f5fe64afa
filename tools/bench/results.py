"""What was measured: medians, ratios to the ceiling and to the best peer, and the JSON file."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tools.bench import plan
from tools.bench.run import Sample

Key = tuple[str, str, str, int]  # interpreter, subject, metric, payload
Facts = dict[str, dict[str, dict[str, float]]]  # table -> row -> column -> value


def key_of(job: plan.Job) -> Key:
    """Where a job's sample belongs."""
    return job.interpreter, job.subject, job.metric, job.size


def median(samples: list[Sample]) -> Sample:
    """The median of each quantity by itself."""
    return Sample(
        statistics.median(one.rate for one in samples),
        statistics.median(one.cpu_us for one in samples),
        statistics.median(one.heap for one in samples),
        max(one.count for one in samples),
    )


@dataclass
class Results:
    """All of one run."""

    samples: dict[Key, list[Sample]] = field(default_factory=dict)
    heap: dict[Key, list[Sample]] = field(default_factory=dict)
    facts: Facts = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)  # what -> why it has no number
    about: dict[str, Any] = field(default_factory=dict)

    def fact(self, table: str, row: str, column: str) -> float | None:
        """One number of a table, if it was measured."""
        return self.facts.get(table, {}).get(row, {}).get(column)

    def set_fact(self, table: str, row: str, column: str, value: float) -> None:
        """Note a number of a table."""
        self.facts.setdefault(table, {}).setdefault(row, {})[column] = value

    def rate(self, interpreter: str, subject: str, metric: str, size: int = 16) -> float | None:
        """Operations a second."""
        samples = self.samples.get((interpreter, subject, metric, size))
        return median(samples).rate if samples else None

    def over(
        self, ours: tuple[str, str], others: list[tuple[str, str]], metric: str, size: int
    ) -> float | None:
        """Its rate over the highest of the others' in the same round; the median of the rounds.

        By rounds, because what else the machine does changes between them. `ours` and `others`
        are (interpreter, subject).
        """
        rounds = [
            [one.rate for one in self.samples.get((where, name, metric, size), [])]
            for where, name in others
        ]
        mine = [one.rate for one in self.samples.get((*ours, metric, size), [])]
        found = []
        for i, rate in enumerate(mine):
            theirs = [rates[i] for rates in rounds if i < len(rates)]
            if theirs:
                found.append(rate / max(theirs))
        return statistics.median(found) if found else None

    def cpu(self, interpreter: str, subject: str, metric: str, size: int = 16) -> float | None:
        """Microseconds of CPU an operation."""
        samples = self.samples.get((interpreter, subject, metric, size))
        return median(samples).cpu_us if samples else None

    def bytes(self, subject: str, metric: str, size: int = 16) -> float | None:
        """Bytes asked of the heap for an operation, on 32 bits; the least of what was measured.

        The least: what a stray turn of the loop asks comes on top of what the operation asks.
        """
        samples = self.heap.get(("micropython32", subject, metric, size))
        return min(one.heap for one in samples) if samples else None

    def best_peer(self, interpreter: str, metric: str, size: int = 16) -> tuple[str, float] | None:
        """The fastest client on that interpreter that is neither ours nor the ceiling."""
        found = [
            (one.name, rate)
            for one in plan.SUBJECTS
            if one.is_peer and (rate := self.rate(interpreter, one.name, metric, size)) is not None
        ]
        return max(found, key=lambda pair: pair[1]) if found else None

    def to_raw(self, interpreter: str, subject: str, metric: str, size: int = 16) -> float | None:
        """The rate as a share of the ceiling's."""
        return _ratio(
            self.rate(interpreter, subject, metric, size),
            self.rate(interpreter, plan.RAW, metric, size),
        )

    def to_peer(self, interpreter: str, subject: str, metric: str, size: int = 16) -> float | None:
        """The rate as a multiple of the best peer's."""
        best = self.best_peer(interpreter, metric, size)
        return _ratio(self.rate(interpreter, subject, metric, size), best[1] if best else None)

    def rows(self) -> Iterator[dict[str, Any]]:
        """A line for each cell of the rate tables, for the JSON file."""
        for (interpreter, subject, metric, size), samples in self.samples.items():
            middle = median(samples)
            yield {
                "interpreter": interpreter,
                "subject": subject,
                "metric": metric,
                "payload": size,
                "rate": round(middle.rate, 1),
                "cpu_us": round(middle.cpu_us, 2),
                "to_raw": _rounded(self.to_raw(interpreter, subject, metric, size)),
                "to_best_peer": _rounded(self.to_peer(interpreter, subject, metric, size)),
                "samples": [round(one.rate, 1) for one in samples],
            }

    def as_json(self) -> dict[str, Any]:
        """All of it, for docs/bench.json."""
        heap: dict[str, dict[str, float]] = {}
        for _, subject, metric, size in self.heap:
            heap.setdefault(subject, {})[metric] = round(self.bytes(subject, metric, size) or 0, 1)
        return {
            "about": self.about,
            "rates": list(self.rows()),
            "heap bytes an operation": heap,
            "tables": self.facts,
            "not measured": self.failures,
        }


def _ratio(value: float | None, base: float | None) -> float | None:
    return value / base if value is not None and base else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
