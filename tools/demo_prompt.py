"""The line that the user types in the demo, read key by key so that output cannot tear it.

The terminal is left in the mode in which Ctrl-C still interrupts; `close` brings it back to
what it was.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import select
import signal
import sys
import termios
import tty
from collections.abc import Callable
from types import FrameType

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.|.)?")
_LONGEST = 200  # characters of one line


def can_ask() -> bool:
    """Whether there is a user at a terminal who could answer, and we are in its foreground."""
    try:
        if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM") == "dumb":
            return False
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (AttributeError, ValueError, OSError):  # closed, or not there at all
        return False


class LineEditor:
    """Makes lines of keys: letters, backspace, Ctrl-U and Ctrl-W; other keys do nothing."""

    def __init__(self) -> None:
        self.text = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, data: bytes) -> list[str]:
        """The lines that these bytes complete; an empty line and Ctrl-D is `quit`."""
        lines = []
        for key in _ESCAPES.sub("", self._decoder.decode(data)):
            if key in "\r\n":
                lines.append(self.text.strip())
                self.text = ""
            elif key == "\x04" and not self.text:
                lines.append("quit")
            else:
                self.text = self._edited(key)
        return lines

    def _edited(self, key: str) -> str:
        if key in "\x7f\b":
            return self.text[:-1]
        if key == "\x15":
            return ""
        if key == "\x17":
            return self.text.rstrip().rpartition(" ")[0]
        if key.isprintable() and len(self.text) < _LONGEST:
            return self.text + key
        return self.text


class Prompt:
    """Waits for keys, and tells `draw` what the line at the bottom is."""

    def __init__(self, draw: Callable[[str | None], None]) -> None:
        self._draw = draw
        self._editor = LineEditor()
        self._fd = sys.stdin.fileno()
        self._before = termios.tcgetattr(self._fd)
        tty.setcbreak(self._fd)
        self._old_handler = signal.signal(signal.SIGCONT, self._on_continue)
        draw("")

    def read(self, seconds: float) -> list[str]:
        """The lines completed within this time; returns early with the first key."""
        if not select.select([self._fd], [], [], seconds)[0]:
            return []
        data = os.read(self._fd, 1024)
        lines = self._editor.feed(data) if data else ["quit"]  # no data: the terminal is gone
        self._draw(self._editor.text)
        return lines

    def close(self) -> None:
        """Take the prompt away and bring the terminal back."""
        signal.signal(signal.SIGCONT, self._old_handler)
        self._draw(None)
        with contextlib.suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)

    def _on_continue(self, number: int, frame: FrameType | None) -> None:
        """After Ctrl-Z and `fg` the shell has changed the terminal's mode."""
        tty.setcbreak(self._fd)
