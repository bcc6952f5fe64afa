"""What the demo shows: one line for each message, colours for terminals, the prompt below.

Lines come from several threads. Where the user may type, the line being typed stays at
the bottom: it is wiped, the new line is written, and it is drawn again.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from tools.demo_judge import Heard

RESET = "\x1b[0m"
STYLES = {
    "bold": "\x1b[1m",
    "dim": "\x1b[2m",
    "red": "\x1b[31m",
    "green": "\x1b[32m",
    "yellow": "\x1b[33m",
    "blue": "\x1b[34m",
    "magenta": "\x1b[35m",
    "cyan": "\x1b[36m",
}
_KINDS = {
    "telemetry": "cyan",
    "event": "magenta",
    "cmd": "yellow",
    "answer": "green",
    "status": "blue",
    "birth": "blue",
}
_WIDTH = 100
# Of a payload's keys those that tell most, and those that tell least; the others come between.
_FIRST = ("ok", "seq", "event", "value", "temperature", "rssi", "free_heap", "uptime_s", "board")
_LAST = ("wifi_losses", "boot", "dropped")
COLUMNS = f"{'time':>6}  {'topic':<20} QoS R  payload"


def wants_colour(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Colours only for a terminal, and not where NO_COLOR is set (no-color.org)."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def printable(text: str) -> str:
    """Without characters that could move the cursor."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def compact(payload: bytes) -> str:
    """A payload at a glance: a JSON object as `key=value` pairs, anything else as text."""
    text = payload.decode("utf-8", "backslashreplace")
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return printable(text)
    return printable(" ".join(_pair(key, found[key]) for key in sorted(found, key=_rank)))


def _rank(key: str) -> tuple[int, str]:
    if key in _FIRST:
        return _FIRST.index(key), ""
    return (len(_FIRST) + 1, key) if key in _LAST else (len(_FIRST), key)


def _pair(key: str, value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(_pair(f"{key}.{inner}", value[inner]) for inner in value)
    return f"{key}={value if isinstance(value, str) else json.dumps(value)}"


def cut(text: str, width: int) -> str:
    """At most so many characters."""
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


class Screen:
    """Writes lines, from any thread, and keeps the prompt in its place."""

    def __init__(self, stream: TextIO, clock: Callable[[], float], colour: bool) -> None:
        self.is_broken = False  # nobody reads any more, as in `make demo | head -3`
        self._stream = stream
        self._clock = clock
        self._colour = colour
        self._terminal = stream.isatty()
        self._lock = threading.RLock()
        self._prompt: str | None = None

    # ----------------------------------------------------------- kinds of lines

    def heading(self, text: str) -> None:
        """A new phase."""
        line = f"── {text} " + "─" * max(3, min(self._width(), _WIDTH) - len(text) - 5)
        self.line("")
        self.line(self._paint(line, "bold"))

    def columns(self) -> None:
        """What the columns mean."""
        self.line(self._paint(COLUMNS, "dim"))

    def message(self, base: str, message: Heard) -> None:
        """A message at the broker."""
        kind = _KINDS.get(message.name.split("/")[0], "bold")
        start = self._paint(f"{base + '/' + message.name:<20}", kind)
        mark = self._paint("R", "bold") if message.retain else " "
        payload = cut(compact(message.payload), self._width() - 36)
        payload = re.sub(r"([\w.]+=)", lambda m: self._paint(m[1], "dim"), payload)
        self.line(f"{message.at:6.2f}  {start}  {message.qos}  {mark}  {payload}")

    def console(self, text: str) -> None:
        """A line that the node printed."""
        room = self._width() - 22
        line = f"{self._clock():6.2f}  node's console │ {cut(printable(text), room)}"
        self.line(self._paint(line, "dim"))

    def note(self, text: str) -> None:
        """What the demo does itself."""
        self.line(f"{self._clock():6.2f}  {self._paint('» ' + text, 'yellow')}")

    def result(self, text: str, good: bool) -> None:
        """Something that was found out."""
        mark, colour = ("✓", "green") if good else ("✗", "red")
        self.line(f"{self._clock():6.2f}  {self._paint(mark + ' ' + text, colour)}")

    def summary(self, text: str, good: bool) -> None:
        """The last line of all."""
        self.line(self._paint(text, "green" if good else "red"))

    def line(self, text: str) -> None:
        """Any line, above the prompt."""
        with self._lock:
            if self._prompt is None:
                self._write(text + "\n")
            else:
                self._write(f"\r\x1b[K{text}\n{self._bottom()}")

    # ------------------------------------------------------------------- prompt

    def prompt(self, typed: str | None) -> None:
        """Draw the line that is being typed; None takes the prompt away."""
        with self._lock:
            if typed is None and self._prompt is None:
                return
            self._prompt = typed
            self._write("\r\x1b[K" + self._bottom())

    def _bottom(self) -> str:
        if self._prompt is None:
            return ""
        room = max(self._width() - 12, 4)
        return self._paint("command >", "bold") + " " + self._prompt[-room:]

    # ----------------------------------------------------------------- internal

    def _paint(self, text: str, style: str) -> str:
        return f"{STYLES[style]}{text}{RESET}" if self._colour else text

    def _width(self) -> int:
        """Lines for people fit the terminal; lines for a file are never cut."""
        return shutil.get_terminal_size((_WIDTH, 24)).columns if self._terminal else 10_000

    def _write(self, text: str) -> None:
        if self.is_broken:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (BrokenPipeError, ValueError):
            self.is_broken = True
