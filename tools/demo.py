"""The firmware on a simulated board with a real broker: `python -m tools.demo`, `make demo`.

A tour of about half a minute, watched by an independent subscriber; in a terminal the user
can type commands to the node meanwhile and after it. With --seconds it runs by itself,
and the exit status tells whether all of it was really seen at the broker.
"""

from __future__ import annotations

import argparse
import io
import math
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from tools.demo_screen import Screen
    from tools.demo_stage import Stage

_DEFAULT_S = 24.0
_signals: list[int] = []  # those that came and ask for the end


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 86400:  # also refuses nan
        raise argparse.ArgumentTypeError("must be a number of seconds up to 86400")
    return value


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    from boards.sim.run import BOARDS
    from tools.demo_tour import MINIMUM_S

    parser = argparse.ArgumentParser(
        prog="python -m tools.demo",
        description="Run firmware/ on a simulated board with a real broker, and watch it.",
        epilog="NO_COLOR switches colours off.",
    )
    text = f"run by script in about so many seconds (at least {MINIMUM_S:.0f}), ask nothing"
    parser.add_argument("--seconds", type=_seconds, help=text)
    parser.add_argument("--tls", action="store_true", help="over TLS, with certificates")
    parser.add_argument("--board", choices=BOARDS, default="esp32", help="default esp32")
    text = "a folder whose files come before those of firmware/ (to try your own)"
    parser.add_argument("--path", type=Path, metavar="FOLDER", help=text)
    given = parser.parse_args(arguments)
    if given.path is not None and not given.path.is_dir():
        parser.error(f"--path {given.path} is not a folder")
    return given


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 0 only if all that the demo promises was seen."""
    from tools.broker import BrokerError
    from tools.toolchain import ToolchainError

    given = _parse(arguments)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _on_signal)
    try:
        return _run(given)
    except (BrokerError, ToolchainError, OSError) as error:
        print(f"The demo did not run: {error}", flush=True)
        return 1
    finally:
        _forget_broken_stdout(sys.stdout)


def _on_signal(number: int, frame: FrameType | None) -> None:
    """Only take note: the loop that waits ends by itself, so nothing is left half done."""
    _signals.append(number)


def _forget_broken_stdout(stream: TextIO | None) -> None:
    """Nobody reads any more: keep the interpreter from complaining about that at its end."""
    if stream is None:
        return
    try:
        stream.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _run(given: argparse.Namespace) -> int:
    from tools import demo_prompt
    from tools.demo_screen import Screen, wants_colour
    from tools.demo_stage import Interrupted, Stage, Stuck
    from tools.demo_tour import MINIMUM_S, Tour

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a locale without our few special characters
    began = time.monotonic()

    def clock() -> float:
        return time.monotonic() - began

    stdout = sys.stdout or io.StringIO()  # None: it is closed
    screen = Screen(stdout, clock, wants_colour(stdout))
    if given.seconds is not None and given.seconds < MINIMUM_S:
        screen.line(f"{given.seconds:g} s are raised to {MINIMUM_S:.0f}, the least it takes.")
    if os.environ.pop("MQTT_TEST_BROKER", None):
        screen.line("MQTT_TEST_BROKER is not used: the demo kills its broker, so it has its own.")
    seconds = _DEFAULT_S if given.seconds is None else max(given.seconds, MINIMUM_S)
    ask = given.seconds is None and demo_prompt.can_ask()
    problem = ""
    try:
        arguments = (lambda: bool(_signals), given.board, given.path, given.tls)
        with Stage(screen, clock, *arguments) as stage:
            try:
                Tour(stage, seconds, clock, ask).play()
            except Stuck as error:
                problem = str(error)
            stage.freeze()
            return _report(stage, screen, problem, clock())
    except Interrupted:
        screen.line("\nEnded early; nothing is left running.")
        return 128 + _signals[0] if _signals else 1


def _report(stage: Stage, screen: Screen, problem: str, took: float) -> int:
    """The summary line, after what helps to understand a failure."""
    from tools.demo_judge import judge

    verdict = judge(list(stage.records))
    proof, unproved = stage.proof()
    missing = [text for text in (problem, *verdict.missing, *unproved) if text]
    seen = [text for text in (*verdict.seen, proof) if text]
    if proof and not unproved:
        screen.note("the broker let the node in by its certificate, over TLS, each time;")
        screen.note(f"a client {' or one '.join(stage.refused)} it refused")
    screen.line("")
    if not missing:
        screen.summary(f"OK in {took:.1f} s: {', '.join(seen)}", True)
        return 0
    screen.line(stage.tails())
    screen.line(f"Seen: {', '.join(seen)}")
    screen.summary(f"FAILED after {took:.1f} s, missing: {'; '.join(missing)}", False)
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
