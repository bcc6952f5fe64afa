"""A board for mpremote: the raw REPL on a pseudo-terminal, and a folder for its flash.

Run as a program with the folder and the name for the port, a link that it makes; it prints READY.
Code that comes is executed by CPython, which does what mpremote asks of a board's file system.
After `machine.reset()` it prints RESET. A third argument says after how many pieces of code a
watchdog restarts it, once: like a board on USB, it takes its port away for a moment.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import time
import tty
import types
from typing import Any

_BANNER = b"raw REPL; CTRL-B to exit\r\n>"


class WatchdogReset(Exception):
    """The board restarts in the middle of things."""


class FakeBoard:
    """The device side of the raw REPL (without raw paste, which a board may lack)."""

    def __init__(self, port: str, pieces_until_watchdog: int) -> None:
        self._port = port
        self._ends: tuple[int, ...] = ()
        self._pieces = pieces_until_watchdog
        self._names: dict[str, Any] = {}
        self._raw = False
        self._code = b""

    def plug_in(self) -> None:
        """Appear as a new terminal under the port's name."""
        for end in self._ends:
            os.close(end)
        master, slave = os.openpty()
        tty.setraw(slave)
        self._ends = master, slave
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._port)
        os.symlink(os.ttyname(slave), self._port)

    def write(self, data: bytes) -> None:
        """Send to the computer."""
        while data:
            data = data[os.write(self._ends[0], data) :]

    def serve(self) -> None:
        """Answer until the terminal is closed."""
        while True:
            for byte in os.read(self._ends[0], 1024):
                self._take(byte)

    def _take(self, byte: int) -> None:
        if byte == 3:  # Ctrl-C
            self._code = b""
        elif byte == 1 and self._code.endswith(b"\x05A"):  # may it paste? No.
            self._code = b""
            self.write(b"R\x00")
        elif byte == 1:
            self._raw, self._code = True, b""
            self.write(_BANNER)
        elif byte == 2:
            self._raw = False
            self.write(b"\r\n>>> ")
        elif self._raw:
            self._take_raw(byte)

    def _take_raw(self, byte: int) -> None:
        if byte == 4 and self._code.strip():
            code, self._code = self._code.decode(), b""
            self._execute(code)
        elif byte == 4:
            self._restart(b"OK\r\nMPY: ")
        else:
            self._code += bytes((byte,))

    def _restart(self, before: bytes) -> None:
        self._names, self._code = {}, b""
        self.write(before + b"soft reboot\r\n" + _BANNER)

    def _execute(self, code: str) -> None:
        self._pieces -= 1
        output, error = io.StringIO(), ""
        try:
            with contextlib.redirect_stdout(output):
                if not self._pieces:
                    raise WatchdogReset
                exec(code, self._names)
        except WatchdogReset:
            print("WATCHDOG", flush=True)
            self._raw, self._names = False, {}
            self.plug_in()
            return
        except OSError as problem:
            error = f"OSError: [Errno {problem.errno}] ENOENT"
        except Exception as problem:
            error = f"{type(problem).__name__}: {problem}"
        self.write(b"OK" + output.getvalue().encode() + b"\x04" + error.encode() + b"\x04>")


def main() -> None:
    """Serve until killed."""
    os.chdir(sys.argv[1])
    machine: Any = types.ModuleType("machine")
    machine.reset = lambda: print("RESET", file=sys.__stdout__, flush=True)
    sys.modules["machine"] = machine
    setattr(time, "sleep_ms", lambda ms: time.sleep(ms / 1000))  # noqa: B010
    board = FakeBoard(sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 0)
    board.plug_in()
    print("READY", flush=True)
    board.serve()


if __name__ == "__main__":
    main()
