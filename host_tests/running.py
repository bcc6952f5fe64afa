"""Starts the device side of a scenario in an interpreter and watches it to its end."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from expand import find

from tools import toolchain

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "host_tests"
INTERPRETERS = ("cpython", "micropython64", "micropython32")
# Each Python with each front end: "cpython", …, "cpython+async", …
PYTHONS = (*INTERPRETERS, *(f"{interpreter}+async" for interpreter in INTERPRETERS))
LIMIT_S = 30.0


@functools.cache
def command(interpreter: str) -> tuple[str, ...]:
    """The start of a command line; an interpreter that cannot be had is an error."""
    if interpreter == "cpython":
        return sys.executable, "-S", "-P" if sys.version_info >= (3, 11) else "-B"
    return tuple(toolchain.micropython(int(interpreter.removeprefix("micropython"))))


def split_python(python: str) -> tuple[str, str]:
    """Interpreter and front end of one of `PYTHONS`."""
    interpreter, _, front = python.partition("+")
    return interpreter, front or "blocking"


def environment(interpreter: str) -> dict[str, str]:
    """The library, and the files for devices, where the interpreter imports from."""
    library = os.environ.get("UMQTT_FULL_LIB", str(ROOT / "lib"))
    paths = [library, str(HERE / "device"), str(HERE)]
    if interpreter == "cpython":
        return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUTF8": "1"}
    return {**os.environ, "MICROPYPATH": ":".join([".frozen", *paths])}


class Device:
    """A process that runs Python code of the device side."""

    def __init__(self, interpreter: str, *arguments: str) -> None:
        self.output: list[str] = []
        self.on_sync: Callable[[str], None] = lambda tag: None
        self.on_end: Callable[[], None] = lambda: None
        self._process = subprocess.Popen(
            [*command(interpreter), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(interpreter),
            text=True,
            encoding="utf-8",
            errors="backslashreplace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)

    def start(self) -> None:
        """Begin to listen to what it prints (the callbacks are in place now)."""
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.output.append(line.rstrip("\n"))
            if line.startswith("SYNC "):
                self.on_sync(line[5:].strip())
            self.heard(line)
        self.on_end()

    def heard(self, line: str) -> None:
        """It printed that line."""

    def release(self, tag: str) -> None:
        """Let it go on behind its `sync`."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(tag + "\n")
            self._process.stdin.flush()
        except OSError as error:
            self.output.append(f"(not released from {tag}: {error})")

    def kill(self) -> None:
        """End it if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def finish(self, limit_s: float = LIMIT_S) -> str:
        """Wait for its end; what is wrong with it, or nothing."""
        problem = ""
        try:
            self._process.wait(limit_s)
        except subprocess.TimeoutExpired:
            problem = f"still running after {limit_s:.0f} s"
            self._process.kill()
            self._process.wait()
        self._reader.join(5)
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        if problem or self._process.returncode or self.output[-1:] != ["OK"]:
            problem = problem or f"exit status {self._process.returncode}"
            return f"client: {problem}\n    " + "\n    ".join(self.output[-25:])
        return ""


class Scripted(Device):
    """A device that runs the client steps of a scenario."""

    def __init__(self, python: str, group: str, name: str, host: str, port: int,
                 prefix: str = "") -> None:  # fmt: skip
        interpreter, front = split_python(python)
        driver = str(HERE / "device" / "driver.py")
        heap = find(group, name).get("heap")
        options = ["-X", f"heapsize={heap}"] if heap and interpreter != "cpython" else []
        arguments = (group, name, host, str(port), prefix, front)
        super().__init__(interpreter, *options, driver, *arguments)


def play(broker: Any, device: Device) -> None:
    """Run a scripted broker and a device to their ends; AssertionError says what went wrong."""
    device.on_sync = lambda tag: broker.sync_event(tag).set()
    device.on_end = broker.abort
    broker.release = device.release
    broker.start()
    device.start()
    problem = device.finish(30)
    broker.join(15)
    problems = [text for text in (broker.failure, problem) if text]
    assert not problems, "\n" + "\n".join(problems)
