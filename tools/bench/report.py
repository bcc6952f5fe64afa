"""The tables, on the terminal and as docs/bench.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tools.bench import plan, promises
from tools.bench.promises import Verdict
from tools.bench.results import Results

NAMES = {
    "micropython64": "MicroPython, 64 bit",
    "micropython32": "MicroPython, 32 bit",
    "cpython": "CPython",
}
FACTS = {
    "native": "Messages a second: a client in C, payload of 16 bytes",
    "steps": "Single steps: MicroPython, 32 bit",
    "instructions": "Instructions a message: MicroPython, 64 bit, 16 bytes (valgrind)",
    "wire": "The wire",
    "awake": "Asleep and awake",
    "size": "Size",
    "large": "1 MB",
}
_INTRODUCTION = """\
# The library beside its peers

Written by `make bench`; do not edit. The numbers of one table were measured in one run on one
machine, and say something only beside each other. Every client talks to the same mosquitto over
loopback, each on a core of its own; topic of 24 characters; median of {rounds}, the clients taking
turns in each round. `raw` is the ceiling: a loop over a socket that waits, reads one packet whose
length it knows, and acknowledges it, without any protocol logic; `raw, reads ahead` takes as
much as there is with each read. *Italic: 0.75 or more of `raw`. Bold: faster than each peer on
the same interpreter.* At the end the promises of the design: a rate that is below its limit by a
quarter or less is "held within noise", for other work on the machine costs as much.
"""


class Table:
    """A title, a head and rows of text."""

    def __init__(self, title: str, head: Sequence[str]) -> None:
        self.title = title
        self.head = list(head)
        self.rows: list[list[str]] = []

    def plain(self) -> str:
        """For a terminal."""
        lines = [self.head, *([c.strip("*") for c in row] for row in self.rows)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.head))]
        text = [
            "  ".join(c.ljust(w) if not i else c.rjust(w) for i, (c, w) in enumerate(zipped))
            for zipped in (list(zip(line, widths, strict=True)) for line in lines)
        ]
        return "\n".join([self.title, *(f"  {line}" for line in text)])

    def markdown(self) -> str:
        """For docs/."""
        rule = "|---|" + "---:|" * (len(self.head) - 1)
        lines = [f"| {' | '.join(row)} |" for row in self.rows]
        return "\n".join([f"### {self.title}\n", f"| {' | '.join(self.head)} |", rule, *lines])


def number(value: float) -> str:
    """Three figures that count."""
    if value == 0:
        return "0"
    if value >= 1000:
        digits = len(str(int(value))) - 3
        return f"{round(value / 10**digits) * 10**digits:,}"
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _rate_cell(results: Results, subject: plan.Subject, key: tuple[str, str, int]) -> str:
    interpreter, metric, size = key
    rate = results.rate(interpreter, subject.name, metric, size)
    if rate is None:
        return "-"
    text = number(rate)
    ratio = results.to_raw(interpreter, subject.name, metric, size) or 0
    if ratio >= 0.75 and subject.adapter not in ("raw", "ahead"):
        text = f"*{text}*"
    if subject.ours and (results.to_peer(interpreter, subject.name, metric, size) or 0) > 1:
        text = f"**{text}**"
    return text


def rate_tables(results: Results) -> Iterator[Table]:
    """Rates, ratios and CPU time, a table for each interpreter and payload."""
    places = sorted({(key[0], key[3]) for key in results.samples}, key=_order)
    for interpreter, size in places:
        where = f"{NAMES[interpreter]}, payload of {size} bytes"
        metrics = [m for m in plan.RATES if _any(results, interpreter, m, size)]
        heads = [plan.TITLES[m] for m in metrics]
        rates = Table(f"Messages a second: {where}", ["", *heads])
        ratios = Table(f"Share of raw / times the best peer: {where}", ["", *heads])
        cpu = Table(f"CPU µs a message: {where}", ["", *heads])
        for subject in plan.SUBJECTS:
            if not any((interpreter, subject.name, m, size) in results.samples for m in metrics):
                continue
            keys = [(interpreter, m, size) for m in metrics]
            rates.rows.append([subject.name, *(_rate_cell(results, subject, k) for k in keys)])
            cpu.rows.append([subject.name, *(_cpu_cell(results, subject.name, k) for k in keys)])
            if subject.ours:
                cells = [_ratio_cell(results, subject.name, k) for k in keys]
                ratios.rows.append([subject.name, *cells])
        yield from (rates, ratios, cpu)


def _order(place: tuple[str, int]) -> tuple[int, int]:
    return plan.INTERPRETERS.index(place[0]), place[1]


def _any(results: Results, interpreter: str, metric: str, size: int) -> bool:
    return any((interpreter, s.name, metric, size) in results.samples for s in plan.SUBJECTS)


def _cpu_cell(results: Results, name: str, key: tuple[str, str, int]) -> str:
    value = results.cpu(key[0], name, key[1], key[2])
    return "-" if value is None else number(value)


def _ratio_cell(results: Results, name: str, key: tuple[str, str, int]) -> str:
    raw = results.to_raw(key[0], name, key[1], key[2])
    peer = results.to_peer(key[0], name, key[1], key[2])
    return f"{raw:.2f} / {f'{peer:.1f}' if peer else '-'}" if raw else "-"


def heap_table(results: Results) -> Iterator[Table]:
    """Bytes asked of the heap."""
    if not results.heap:
        return
    metrics = [m for m in plan.HEAP_METRICS if any(key[2] == m for key in results.heap)]
    title = "Bytes asked of the heap for one operation: MicroPython, 32 bit, payload of 16 bytes"
    table = Table(title, ["", *(plan.TITLES[m] for m in metrics)])
    for subject in plan.SUBJECTS:
        cells = [results.bytes(subject.name, m) for m in metrics]
        if any(cell is not None for cell in cells):
            table.rows.append(
                [subject.name, *("-" if cell is None else f"{cell:,.0f}" for cell in cells)]
            )
    yield table


def fact_tables(results: Results) -> Iterator[Table]:
    """The tables that have columns of their own."""
    grown = {name: name.capitalize() for name in results.facts if name.startswith("growth: ")}
    for name, title in {**FACTS, **grown}.items():
        rows = results.facts.get(name)
        if rows:
            columns = list(dict.fromkeys(column for row in rows.values() for column in row))
            table = Table(title, ["", *columns])
            for row, cells in rows.items():
                table.rows.append(
                    [row, *(number(cells[c]) if c in cells else "-" for c in columns)]
                )
            yield table


def promise_table(verdicts: Sequence[Verdict]) -> Table:
    """What was promised; the broken and the unreached first."""
    order = (
        promises.BROKEN,
        promises.NOT_REACHED,
        promises.REACHED,
        promises.NEARLY,
        promises.HELD,
    )
    table = Table("Promises of the design", ["", "limit", "measured", ""])
    for state in (*order, promises.UNKNOWN):
        for one in verdicts:
            if one.state == state:
                sign = "≤" if one.promise.most else "≥"
                limit = f"{sign} {one.promise.limit:g} {one.promise.unit}".strip()
                value = "-" if one.value is None else number(one.value)
                table.rows.append([one.promise.text, limit, value, state])
    return table


def tables(results: Results, verdicts: Sequence[Verdict]) -> list[Table]:
    """All of them, in order."""
    return [
        *rate_tables(results),
        *heap_table(results),
        *fact_tables(results),
        *([promise_table(verdicts)] if verdicts else []),
    ]


def document(results: Results, verdicts: Sequence[Verdict]) -> str:
    """The text of docs/bench.md."""
    about = [f"- {name}: {value}" for name, value in results.about.items()]
    missing = [f"- {what}: {why.splitlines()[0]}" for what, why in results.failures.items()]
    parts = [
        _INTRODUCTION.format(rounds=results.about.get("rounds", "?")).rstrip(),
        "![Messages a second](bench.svg)",
        "How cost grows: [growth.svg](growth.svg). What it means for a battery: "
        "[energy.md](energy.md). All numbers: [bench.json](bench.json).",
        "\n".join(about),
        *(table.markdown() for table in tables(results, verdicts)),
    ]
    if missing:
        parts.append("### Not measured\n\n" + "\n".join(missing))
    return "\n\n".join(parts) + "\n"


def summary(verdicts: Sequence[Verdict]) -> tuple[str, bool]:
    """The last line, and whether all is well."""
    order = (promises.HELD, promises.NEARLY, promises.BROKEN, promises.NOT_REACHED)
    count = {state: 0 for state in order}
    for one in verdicts:
        count[one.state] = count.get(one.state, 0) + 1
    text = ", ".join(f"{n} {state}" for state, n in count.items() if n)
    good = not count[promises.BROKEN]
    which = "that was measured" if count.get(promises.UNKNOWN) else "that is made today"
    return f"bench: {f'every promise {which} is kept' if good else 'FAILED'} ({text})", good
