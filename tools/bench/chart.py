"""docs/bench.svg and docs/growth.svg: bars and lines, written by hand as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from tools.bench import plan
from tools.bench.report import number
from tools.bench.results import Results

_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#24292f}.t{font-weight:600;font-size:13px}"
    ".s{fill:#57606a;font-size:11px}.g{stroke:#d0d7de;fill:none}.l{fill:none;stroke-width:2}"
)
_COLOURS = {"raw": "#8c959f", "peer": "#d4a72c", "ours": "#1a7f37"}
_PANEL = (440, 26, 19)  # width, head, height of a bar
_INTERPRETER = "micropython64"


def _document(width: int, height: int, parts: Sequence[str], title: str) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img"><title>{escape(title)}</title><style>{_STYLE}</style>'
        f'<rect width="{width}" height="{height}" rx="6" fill="#ffffff"/>'
    )
    return "\n".join([head, *parts, "</svg>"]) + "\n"


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    name = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}"{name}>{escape(text)}</text>'


def _kind(subject: plan.Subject) -> str:
    return "ours" if subject.ours else "peer" if subject.is_peer else "raw"


def _panel(results: Results, metric: str, x: int, y: int) -> tuple[list[str], int]:
    """Bars for one metric; what was drawn and how high it is."""
    found = [
        (subject, rate)
        for subject in plan.SUBJECTS
        if subject.adapter != "ahead"
        and (rate := results.rate(_INTERPRETER, subject.name, metric)) is not None
    ]
    paho = results.rate("cpython", "paho", metric)
    bars = [(s.name, rate, _kind(s)) for s, rate in found]
    if paho is not None:
        bars.append(("paho (CPython)", paho, "peer"))
    width, head, step = _PANEL
    most = max((rate for _, rate, _ in bars), default=1.0)
    parts = [_text(x, y + 12, plan.TITLES[metric], "t")]
    for i, (name, rate, kind) in enumerate(bars):
        top = y + head + i * step
        length = max(1.5, (width - 240) * rate / most)
        parts.append(_text(x + 118, top + 11, name, "s", "end"))
        parts.append(
            f'<rect x="{x + 124}" y="{top}" width="{length:.1f}" height="13" rx="2" '
            f'fill="{_COLOURS[kind]}"/>'
        )
        parts.append(_text(x + 130 + length, top + 11, number(rate), "s"))
    return parts, head + len(bars) * step + 18


def draw(results: Results) -> str:
    """Messages a second for 16 bytes, a panel for each metric."""
    parts = [
        _text(20, 28, "Messages a second, 16 bytes, MicroPython 64 bit, one run", "t"),
        _text(
            20, 46, "grey: raw socket loop, the ceiling; yellow: other clients; green: ours", "s"
        ),
    ]
    heights = [60, 60]
    for metric in plan.RATES:
        column = heights.index(min(heights))
        drawn, height = _panel(results, metric, 20 + column * (_PANEL[0] + 20), heights[column])
        parts += drawn
        heights[column] += height
    return _document(2 * _PANEL[0] + 60, max(heights), parts, "Messages a second")


# ------------------------------------------------------------------- growth

_BOX = (260, 150)  # of one plot
_PER_ROW = 3


def _points(rows: dict[str, dict[str, float]], column: str) -> list[tuple[float, float]]:
    return [(float(n), cells[column]) for n, cells in rows.items() if cells.get(column)]


def _scale(value: float, low: float, high: float, size: float) -> float:
    if high <= low:
        return 0.0
    return (math.log10(value) - math.log10(low)) / (math.log10(high) - math.log10(low)) * size


def _plot(name: str, points: list[tuple[float, float]], x: int, y: int) -> list[str]:
    """Time against number, both logarithmic, and a dashed line that grows in proportion."""
    width, height = _BOX
    low_x, high_x = points[0][0], points[-1][0]
    low_y = min(value for _, value in points)
    high_y = max(low_y * 10, *(value for _, value in points))
    parts = [
        _text(x, y - 8, name, "t"),
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" class="g"/>',
    ]

    def place(n: float, value: float) -> str:
        value = min(max(value, low_y), high_y)
        across = _scale(n, low_x, high_x, width)
        return f"{x + across:.1f},{y + height - _scale(value, low_y, high_y, height):.1f}"

    last_n, last = points[-1]
    line = " ".join(place(n, max(last * n / last_n, low_y)) for n, _ in points)
    parts.append(f'<polyline class="g" stroke-dasharray="4 3" points="{line}"/>')
    line = " ".join(place(n, value) for n, value in points)
    parts.append(f'<polyline class="l" stroke="{_COLOURS["ours"]}" points="{line}"/>')
    parts += [
        _text(x, y + height + 14, f"{low_x:g}", "s"),
        _text(x + width, y + height + 14, f"{high_x:g}", "s", "end"),
        _text(x + 4, y + 12, f"{number(high_y)} µs", "s"),
        _text(x + 4, y + height - 4, f"{number(low_y)} µs", "s"),
    ]
    return parts


def draw_growth(results: Results) -> str:
    """How the time for one operation grows with how much there is."""
    title = "Time for an operation, both axes logarithmic; steeper than dashed: worse than linear"
    parts, count = [_text(20, 28, title, "t")], 0
    growth = {name: rows for name, rows in results.facts.items() if name.startswith("growth: ")}
    for name, rows in growth.items():
        points = _points(rows, "µs")
        if len(points) > 1:
            x = 20 + count % _PER_ROW * (_BOX[0] + 40)
            y = 70 + count // _PER_ROW * (_BOX[1] + 60)
            parts += _plot(name.removeprefix("growth: ").replace("_", " "), points, x, y)
            count += 1
    rows_used = -(-count // _PER_ROW)
    width = 20 + _PER_ROW * (_BOX[0] + 40)
    return _document(width, 60 + max(1, rows_used) * (_BOX[1] + 60), parts, "Growth")
