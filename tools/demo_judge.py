"""What the demo proves, decided from the recorded messages alone.

The recording is what an independent subscriber heard at the broker, in its order, between
marks of what the demo did itself (a command sent, the broker killed, ...). Nothing here
talks to anything: the same recording always gets the same verdict.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

SENT = "command sent"  # detail: its name
BROKER_KILLED = "broker killed"
BROKER_BACK = "broker back"  # marked before it can be reached
FORGOTTEN = "the broker forgot the subscriber"
NODE_KILLED = "node killed"

FIRST_INTERVAL_S = 1.0
LED_VALUES = (b"on", b"off", b"toggle")
READINGS = ("temperature", "rssi", "free_heap", "uptime_s")


@dataclass(frozen=True)
class Heard:
    """A message as the subscriber got it; `name` is its topic below the node's base."""

    at: float
    name: str
    payload: bytes
    qos: int
    retain: bool = False


@dataclass(frozen=True)
class Mark:
    """Something the demo did itself."""

    at: float
    what: str
    detail: str = ""


Record = Heard | Mark


@dataclass(frozen=True)
class Numbered:
    """A telemetry report or an event: what `seq` and `boot` say, and the rest of it."""

    at: float
    boot: str
    seq: int
    data: dict[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What was seen, in plain words, and what was not."""

    seen: tuple[str, ...]
    missing: tuple[str, ...]


def judge(records: Sequence[Record]) -> Verdict:
    """The verdict on a whole run."""
    missing = [
        *_check_birth(records),
        *_check_telemetry(records),
        *check_numbers(records),
        *_check_starts(records),
        *_check_commands(records),
        *_check_outages(records),
        *_check_will(records),
    ]
    answered = len(_times(records, SENT)) - len(unanswered(records))
    back = [returned(records, at) for _, at in outages(records)]
    seen = (
        f"telemetry {tally(records, 'telemetry')}",
        f"events {tally(records, 'event')}",
        f"answers {answered} of {len(_times(records, SENT))}",
        f"returns {sum(back)} of {len(back)}",
        f"will {'seen' if will_seen(records) else 'not seen'}",
    )
    return Verdict(seen, tuple(missing))


# ------------------------------------------------------------------ reading it


def heard(records: Iterable[Record], name: str, retain: bool = False) -> list[Heard]:
    """The messages of one topic: as they were published, or the broker's retained copies."""
    found = [record for record in records if isinstance(record, Heard)]
    return [message for message in found if message.name == name and message.retain == retain]


def numbered(records: Iterable[Record], name: str) -> list[Numbered]:
    """The reports or events; what carries no number is left to the checks."""
    result = []
    for message in heard(records, name):
        data = decode(message.payload)
        seq, boot = data.get("seq"), data.get("boot")
        if isinstance(seq, int) and isinstance(boot, str) and seq > 0:
            result.append(Numbered(message.at, boot, seq, data))
    return result


def decode(payload: bytes) -> dict[str, Any]:
    """A JSON object; empty when it is something else."""
    try:
        found = json.loads(payload)
    except ValueError:  # also what is not UTF-8
        return {}
    return found if isinstance(found, dict) else {}


def _times(records: Iterable[Record], what: str) -> list[float]:
    return [r.at for r in records if isinstance(r, Mark) and r.what == what]


def lost(found: Iterable[Numbered]) -> list[int]:
    """The numbers that never came though a later one of the same start of the node did."""
    numbers: dict[str, set[int]] = {}
    for message in found:
        numbers.setdefault(message.boot, set()).add(message.seq)
    gaps = [set(range(1, max(have) + 1)) - have for have in numbers.values()]
    return sorted(number for gap in gaps for number in gap)


def doubled(found: Iterable[Numbered]) -> list[int]:
    """The numbers that came more than once in one start of the node."""
    counts = Counter((message.boot, message.seq) for message in found)
    return sorted(number for (_, number), count in counts.items() if count > 1)


def tally(records: Iterable[Record], name: str) -> str:
    """How many of the numbers in use came: "12 of 12"."""
    found = numbered(records, name)
    came = len({(message.boot, message.seq) for message in found})
    return f"{came} of {came + len(lost(found))}"


def unanswered(records: Sequence[Record]) -> list[str]:
    """Names of the commands without an answer; an answer counts for one command before it."""
    answers: dict[str, list[float]] = {}
    for message in records:
        if isinstance(message, Heard) and message.name.startswith("answer/"):
            answers.setdefault(message.name[7:], []).append(message.at)
    without = []
    for mark in records:
        if isinstance(mark, Mark) and mark.what == SENT:
            times = answers.get(mark.detail, [])
            later = [at for at in times if at >= mark.at]
            if later:
                times.remove(later[0])
            else:
                without.append(mark.detail)
    return without


def will_seen(records: Sequence[Record]) -> bool:
    """Whether the broker published the will after the node was killed."""
    return any(_wills(records, retain=False))


def will_kept(records: Sequence[Record]) -> bool:
    """Whether the broker keeps the will for newcomers."""
    return any(_wills(records, retain=True))


def _wills(records: Sequence[Record], retain: bool) -> list[Heard]:
    killed = max(_times(records, NODE_KILLED), default=float("inf"))
    said = [message for message in heard(records, "status", retain) if message.at >= killed]
    return [message for message in said if message.payload == b"offline"]


# ------------------------------------------------------------------- an outage


def outages(records: Sequence[Record]) -> list[tuple[float, float]]:
    """When the broker was killed and when it ran again (infinity: never)."""
    back = _times(records, BROKER_BACK)
    killed = _times(records, BROKER_KILLED)
    return [(at, min([t for t in back if t > at], default=float("inf"))) for at in killed]


def returned(records: Sequence[Record], back: float) -> bool:
    """Whether the node has said after `back` that it is online again, and told the event."""
    online = [m for m in heard(records, "status") if m.at > back and m.payload == b"online"]
    events = [m for m in numbered(records, "event") if m.at > back]
    return bool(online) and any(m.data.get("event") == "link" for m in events)


def waited(records: Sequence[Record], back: float) -> list[Numbered]:
    """Reports that came after `back` but were surely made before it."""
    made = _made(records)
    return [report for report, (_, latest) in made if report.at > back >= latest]


def made_after(records: Sequence[Record], back: float) -> list[Numbered]:
    """Reports that were surely made after `back`: what came before them is complete."""
    return [report for report, (earliest, _) in _made(records) if earliest >= back]


def longest_hole(records: Sequence[Record], start: float, end: float) -> float:
    """The longest time in which no report was made, of those that touch start to end."""
    times = sorted(sum(span) / 2 for _, span in _made(records))
    pairs = pairwise(times)
    return max([b - a for a, b in pairs if a < end and b > start], default=0.0)


def _made(records: Sequence[Record]) -> list[tuple[Numbered, tuple[float, float]]]:
    """Each report with the span of time it was made in, from the node's own clock.

    The report that travelled fastest shows when the node's whole seconds began, to a second.
    """
    found = [r for r in numbered(records, "telemetry") if _is_number(r.data.get("uptime_s"))]
    starts: dict[str, float] = {}
    for report in found:
        start = report.at - report.data["uptime_s"]
        starts[report.boot] = min(start, starts.get(report.boot, start))
    result = []
    for report in found:
        near = starts[report.boot] + report.data["uptime_s"]
        result.append((report, (near - 1, near + 1)))
    return result


def interval(records: Sequence[Record], at: float) -> float:
    """Seconds between two reports at that time, as the node's answers told."""
    seconds = FIRST_INTERVAL_S
    for message in heard(records, "answer/interval"):
        result = decode(message.payload).get("result")
        if message.at < at and isinstance(result, dict) and _is_number(result.get("interval_s")):
            seconds = result["interval_s"]
    return seconds


# ------------------------------------------------------------------ the checks


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _check_birth(records: Sequence[Record]) -> list[str]:
    births = [m for m in heard(records, "birth") if decode(m.payload)]
    if not births:
        return ["no birth message"]
    kept = [m.payload for m in heard(records, "birth", retain=True)]
    return [] if any(m.payload in kept for m in births) else ["the birth message is not retained"]


def _check_telemetry(records: Sequence[Record]) -> list[str]:
    messages = heard(records, "telemetry")
    reports = numbered(records, "telemetry")
    if not messages:
        return ["no telemetry"]
    wrong = []
    if len(reports) < len(messages):
        wrong.append("telemetry without a number")
    if {message.qos for message in messages} != {1}:
        wrong.append("telemetry at another QoS than 1")
    absent = [n for n in READINGS if not any(_is_number(r.data.get(n)) for r in reports)]
    if absent:
        wrong.append(f"telemetry without {', '.join(absent)}")
    dropped = max([r.data["dropped"] for r in reports if _is_number(r.data.get("dropped"))] + [0])
    if dropped:
        wrong.append(f"{dropped} messages that found the node's outbox full")
    return wrong


def check_numbers(records: Sequence[Record]) -> list[str]:
    """What is wrong with the numbers: lost at QoS 1 or 2, or at QoS 2 doubled, either way."""
    wrong = []
    events = numbered(records, "event")
    messages = heard(records, "event")
    if not messages:
        wrong.append("no event")
    if len(events) < len(messages):
        wrong.append("events without a number")
    if any(message.qos != 2 for message in messages):
        wrong.append("events at another QoS than 2")
    for name in ("telemetry", "event"):
        gaps = lost(numbered(records, name))
        if gaps:
            wrong.append(f"{name} lost: number {_list(gaps)} (came: {tally(records, name)})")
    if doubled(events):
        wrong.append(f"event doubled: number {_list(doubled(events))}")
    changes = [event for event in events if event.data.get("event") == "led"]
    orders = [m for m in heard(records, "cmd/led") if m.payload in LED_VALUES]
    if len(changes) > len(orders):
        wrong.append(f"a command doubled: led came {len(orders)} times, done {len(changes)} times")
    return wrong


def _check_starts(records: Sequence[Record]) -> list[str]:
    """A node that crashes and starts anew may look well afterwards."""
    found = [*numbered(records, "telemetry"), *numbered(records, "event")]
    starts = len({message.boot for message in found})
    asked = sum(isinstance(r, Mark) and (r.what, r.detail) == (SENT, "restart") for r in records)
    unasked = starts - 1 - asked
    return [f"the node restarted by itself, {unasked} times"] if unasked > 0 else []


def _list(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:8]))
    return shown if len(numbers) <= 8 else f"{shown} and {len(numbers) - 8} more"


def _check_commands(records: Sequence[Record]) -> list[str]:
    if not _times(records, SENT):
        return ["no command was sent"]
    wrong = [f"no answer to the command {name}" for name in unanswered(records)]
    answers = [m for m in records if isinstance(m, Heard) and m.name.startswith("answer/")]
    if not any(decode(message.payload).get("ok") is True for message in answers):
        wrong.append("no command was carried out")
    return wrong


def _check_outages(records: Sequence[Record]) -> list[str]:
    found = outages(records)
    if not found:
        return ["no outage of the broker"]
    wrong = ["the broker forgot the subscriber's session"] if _times(records, FORGOTTEN) else []
    for killed, back in found:
        wrong += check_outage(records, killed, back)
    if not wrong and not any(waited(records, back) for _, back in found):
        wrong.append("no telemetry made while the broker was away")
    return wrong


def check_outage(records: Sequence[Record], killed: float, back: float) -> list[str]:
    """One outage; what the node's pace makes impossible in so short a time is not asked."""
    if back == float("inf"):
        return ["the broker did not come back"]
    if not returned(records, back):
        return ["the node's return after the outage"]
    pace = interval(records, killed)
    wrong = []
    hole = longest_hole(records, killed, back)
    if hole > pace + 2:  # the node tells whole seconds
        wrong.append(f"telemetry of {hole:.0f} s while the broker was away")
    rest = max(record.at for record in records) - back
    if rest >= 2 * pace + 2 and not made_after(records, back):
        wrong.append("telemetry made after the outage")
    return wrong


def _check_will(records: Sequence[Record]) -> list[str]:
    if not _times(records, NODE_KILLED):
        return ["the node was not killed, so no will"]
    if not will_seen(records):
        return ["no will"]
    return [] if will_kept(records) else ["the will is not retained"]
