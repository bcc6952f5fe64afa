"""Run the firmware on the simulated board, and start it again after each reset.

    python3 boards/sim/run.py --folder /tmp/node --board pico_w

The folder stands for the board's flash: put config.json there. Commands (see boards/README.md)
are appended to its file `control`: `echo "link off 5" >> /tmp/node/control`. Programs use
`SimBoard`, which does the same and collects what the board prints.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parent.parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from tools import guard, toolchain  # noqa: E402

BOARDS = ("esp32", "pico_w")
RESET_CODE = 75  # the same as in port/sim.py
_SLEEP = 0.02
_KEPT_LINES = 5000


def environment(board: str, folder: Path, speed: float = 1, **more: str) -> dict[str, str]:
    """The environment that turns MicroPython's unix port into a board."""
    library = os.environ.get("UMQTT_FULL_LIB", str(ROOT / "lib"))
    path = [ROOT / "boards/sim/port", ROOT / "boards" / board, ROOT / "firmware", library]
    return {
        **os.environ,
        "MICROPYPATH": ":".join([*map(str, path), ".frozen"]),
        "SIM_BOARD": board,
        "SIM_DIR": str(folder),
        "SIM_SPEED": str(speed),
        **more,
    }


class SimBoard:
    """One simulated board: power on, power off, commands, console.

    `on_line` is called, in a thread of ours, with each line of the console.
    """

    def __init__(
        self,
        folder: Path,
        board: str = "esp32",
        micropython: Sequence[str] | None = None,
        speed: float = 1,
        on_line: Callable[[str], None] | None = None,
        start: str = "import boot\nimport main",
        path: Path | None = None,
        **more: str,
    ) -> None:
        """`path` is a folder whose files come before the firmware's; `more` is environment."""
        self.folder = folder
        self.lines: list[str] = []
        self.resets = 0
        self._argv = list(micropython or toolchain.micropython())
        self._start = start
        self.environment = environment(board, folder, speed, **more)
        if path is not None:
            self.environment["MICROPYPATH"] = f"{path}:{self.environment['MICROPYPATH']}"
        self._on_line = on_line
        self._process: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None
        self._powered = False
        self._lock = threading.Lock()

    def power_on(self) -> None:
        """Start the firmware; it is started again after each reset until `power_off`."""
        if self._thread is not None and self._thread.is_alive():
            raise RuntimeError("the board is on already")
        self._powered = True
        self._launch()
        self._thread = threading.Thread(target=self._attend, daemon=True)
        self._thread.start()

    def power_off(self) -> None:
        """Cut the power: SIGKILL."""
        with self._lock:
            self._powered = False
            if self._process is not None:
                self._process.kill()
        self.wait(10)

    def interrupt(self) -> None:
        """Press Ctrl-C at the console."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait until the firmware has ended other than by a reset; its exit code."""
        if self._thread is not None:
            self._thread.join(timeout)
            if self._thread.is_alive():
                return None
        return self._process.poll() if self._process is not None else None

    def command(self, line: str) -> None:
        """A command to the simulation, as in "link off 5"."""
        with open(self.folder / "control", "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def wait_for_line(self, text: str, timeout: float, start: int = 0) -> str:
        """The first line from number `start` on that contains the text; TimeoutError."""
        deadline = time.monotonic() + timeout
        while True:
            for line in self.lines[start:]:
                if text in line:
                    return line
            if time.monotonic() > deadline:
                shown = "\n".join(self.lines[-20:])
                raise TimeoutError(f"{text!r} was not printed in {timeout} s:\n{shown}")
            time.sleep(_SLEEP)

    def __enter__(self) -> SimBoard:
        self.power_on()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.power_off()
        if error is not None:
            print("the board's console:", *self.lines[-60:], sep="\n    ")

    def _launch(self) -> None:
        self._process = subprocess.Popen(
            [*self._argv, "-c", self._start],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd=self.folder,
            env=self.environment,
            start_new_session=True,
        )
        guard.watch(self._process.pid)

    def _attend(self) -> None:
        """Read the console; start the firmware again when it ended by a reset."""
        while True:
            process = self._process
            assert process is not None and process.stdout is not None
            for line in process.stdout:
                self._take(line.rstrip("\n"))
            process.stdout.close()
            code = process.wait()
            with self._lock:
                if code != RESET_CODE or not self._powered:
                    return
                self.resets += 1
                self._launch()

    def _take(self, line: str) -> None:
        if len(self.lines) < _KEPT_LINES:
            self.lines.append(line)
        if self._on_line is not None:
            self._on_line(line)


def main() -> int:
    """The command line; ends with the firmware, or with Ctrl-C."""
    parser = argparse.ArgumentParser(description="Run the firmware on the simulated board.")
    parser.add_argument("--folder", type=Path, default=Path(), help="where config.json is")
    parser.add_argument("--board", choices=BOARDS, default="esp32")
    parser.add_argument("--speed", type=float, default=1, help="of the network's own delays")
    parser.add_argument("--bits", type=int, choices=(64, 32), default=64)
    given = parser.parse_args()
    board = SimBoard(
        given.folder.resolve(),
        given.board,
        toolchain.micropython(given.bits),
        given.speed,
        lambda line: print(line, flush=True),
    )
    with board, contextlib.suppress(KeyboardInterrupt):
        while board.wait(0.2) is None:
            pass
        return board.wait() or 0
    return 130


if __name__ == "__main__":
    sys.exit(main())
