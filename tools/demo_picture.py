"""Make docs/demo.svg, the README's picture, from a real run of the demo in a terminal.

    python -m tools.demo_picture [FILE]

Nothing in it is drawn by hand: the demo runs at a pseudo terminal, what it prints is recorded
with its colours, and the long phases are shortened where the picture says so.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from html import escape
from pathlib import Path

from tools.workspace import ROOT

COLUMNS = 100
_HEAD, _TAIL = 8, 3  # lines kept at the start and at the end of a phase
_TELLING = ("» ", "✓ ", "✗ ", "answer/")  # in lines that are always kept
_LINE, _CHAR, _EDGE, _BAR = 18, 7.83, 16, 30  # pixels
_SGR = re.compile(r"\x1b\[(\d*)m")
_STYLES = {
    "1": "font-weight:bold;fill:#f0f6fc",
    "2": "fill:#7d8590",
    "31": "fill:#ff7b72",
    "32": "fill:#56d364",
    "33": "fill:#e3b341",
    "34": "fill:#79c0ff",
    "35": "fill:#d2a8ff",
    "36": "fill:#39c5cf",
}


def record(seconds: float) -> tuple[list[str], int]:
    """Run the demo at a terminal of its own; what it printed, and its exit status."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    environ = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "LINES")}
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.demo", "--seconds", f"{seconds:g}"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        env={**environ, "TERM": "xterm"},
    )
    os.close(theirs)
    output = b""
    try:
        while data := os.read(ours, 65536):
            output += data
    except OSError:  # how Linux tells that the other side is closed
        return output.decode("utf-8", "replace").splitlines(), process.wait()
    finally:
        os.close(ours)
    return output.decode("utf-8", "replace").splitlines(), process.wait()


def shorten(lines: Sequence[str]) -> list[str]:
    """The lines with the middle of each long phase left out, and marks there."""
    phases: list[list[str]] = [[]]
    for line in lines:
        if _SGR.sub("", line).startswith("── "):
            phases.append([])
        phases[-1].append(line)
    result = [line for phase in phases for line in _shortened(phase)]
    while result and not result[0].strip():
        del result[0]
    return result


def _shortened(phase: Sequence[str]) -> list[str]:
    """The head, the tail, and whatever says what the demo does or found out."""
    result: list[str] = []
    left_out: list[str] = []
    for number, line in enumerate([*phase, ""]):
        telling = any(mark in line for mark in _TELLING)
        if _HEAD <= number < len(phase) - _TAIL and not telling:
            left_out.append(line)
            continue
        if len(left_out) > 1:
            left_out = [f"\x1b[2m        … {len(left_out)} more lines\x1b[0m"]
        result += left_out
        left_out = []
        result.append(line)
    return result[:-1]


def spans(line: str) -> list[tuple[int, str, str]]:
    """The parts of a line as (column, style, text)."""
    parts = []
    column, style, start = 0, "", 0
    for found in [*_SGR.finditer(line), None]:
        text = line[start : found.start() if found else len(line)]
        if text.strip():
            parts.append((column, style, text))
        column += len(text)
        if found:
            style = _STYLES.get(found[1], "")
            start = found.end()
    return parts


def svg(lines: Sequence[str], title: str) -> str:
    """The picture. Each part has its place and width, so any monospaced font will do."""
    width = round(COLUMNS * _CHAR + 2 * _EDGE)
    height = _BAR + len(lines) * _LINE + _EDGE
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        f' width="{width}" height="{height}" role="img" aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title>",
        "<style>text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',"
        "monospace;fill:#c9d1d9;white-space:pre}</style>",
        f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>',
        *(
            f'<circle cx="{_EDGE + 6 + 18 * i}" cy="16" r="5" fill="{colour}"/>'
            for i, colour in enumerate(("#ff5f57", "#febc2e", "#28c840"))
        ),
    ]
    for number, line in enumerate(lines):
        y = _BAR + (number + 1) * _LINE - 4
        for column, style, text in spans(line):
            bare = text.strip()
            column += len(text) - len(text.lstrip())
            place = f'x="{_EDGE + column * _CHAR:.1f}" y="{y}"'
            size = f'textLength="{len(bare) * _CHAR:.1f}" lengthAdjust="spacingAndGlyphs"'
            look = f' style="{style}"' if style else ""
            text = f'xml:space="preserve"{look}>{escape(bare)}</text>'
            out.append(f"<text {place} {size} {text}")
    return "\n".join([*out, "</svg>", ""])


def main(arguments: Sequence[str] | None = None) -> int:
    """Record and write; a run that fails makes no picture."""
    parser = argparse.ArgumentParser(prog="python -m tools.demo_picture", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=ROOT / "docs" / "demo.svg")
    parser.add_argument("--seconds", type=float, default=20)
    given = parser.parse_args(arguments)
    lines, status = record(given.seconds)
    if status:
        print("\n".join(lines))
        print(f"No picture was made: the demo ended with {status}.")
        return 1
    given.file.parent.mkdir(parents=True, exist_ok=True)
    shown = shorten([f"\x1b[1m$ make demo SECONDS={given.seconds:g}\x1b[0m", *lines])
    given.file.write_text(svg(shown, "What make demo shows"), encoding="utf-8")
    print(f"{given.file}: {len(shown)} of {len(lines)} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
