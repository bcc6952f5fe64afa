"""The whole demo, as a user or a script starts it, at a real broker."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.demo_tour import MINIMUM_S

ROOT = Path(__file__).resolve().parent.parent
LIMIT_S = 60.0


def start(folder: Path, *arguments: str, **more: str) -> subprocess.Popen[str]:
    """The demo as a user starts it; its temporary files are below `folder`."""
    folder.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "tools.demo", *arguments],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder), "PYTHONUTF8": "1", **more},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, list[str]]:
    """Its exit status and its lines."""
    try:
        output, _ = process.communicate(timeout=LIMIT_S)
    finally:
        process.kill()
    assert "\nTraceback" not in output, output
    return process.returncode, output.splitlines()


def left_behind(folder: Path) -> list[str]:
    """Processes that work below the folder, and files there."""
    found = [str(path) for path in folder.rglob("*")]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "cmdline").read_bytes().decode(errors="replace")
            told += f" {(process / 'cwd').readlink()}"
        except OSError:  # it has ended, or is another user's
            continue
        if str(folder) in told and int(process.name) != os.getpid():
            found.append(told)
    return found


def test_all_of_it_is_seen_at_the_broker(tmp_path: Path) -> None:
    began = time.monotonic()
    code, lines = finish(start(tmp_path / "t", "--seconds", "1", MQTT_TEST_BROKER="nowhere:1"))
    assert code == 0, "\n".join(lines)
    assert time.monotonic() - began < MINIMUM_S + 10
    assert lines[0] == f"1 s are raised to {MINIMUM_S:.0f}, the least it takes."
    assert lines[1].startswith("MQTT_TEST_BROKER is not used")
    last = r"OK in [\d.]+ s: telemetry (\d+) of \1, events (\d+) of \2, answers (\d+) of \3,"
    assert re.fullmatch(last + " returns 1 of 1, will seen", lines[-1])
    assert not any("\x1b" in line for line in lines)
    assert left_behind(tmp_path / "t") == []


def test_over_tls(tmp_path: Path) -> None:
    """The same, and the broker lets in nobody but by a certificate."""
    code, lines = finish(start(tmp_path / "t", "--seconds", "1", "--tls", "--board", "pico_w"))
    assert code == 0, "\n".join(lines)
    assert lines[-1].endswith(", will seen, TLS 2 of 2 connections"), lines[-1]
    assert any("clock: 20" in line and "UTC, from 127.0.0.1" in line for line in lines)
    assert any("a client without TLS or one without a certificate it refused" in x for x in lines)
    assert left_behind(tmp_path / "t") == []


def test_a_node_that_does_not_come_over_tls_is_found_out(tmp_path: Path) -> None:
    folder = tmp_path / "0"
    folder.mkdir()
    (folder / "main.py").write_text(PLAIN)
    code, lines = finish(start(tmp_path / "t", "--tls", "--seconds", "1", "--path", str(folder)))
    assert code == 1 and lines[-1].startswith("FAILED after "), lines
    assert "2 of the node's two connections in the broker's log" in lines[-1], lines[-1]


PLAIN = """
import config, startup
old = config.load
def load():
    settings = old()
    settings["mqtt"]["tls"] = False
    return settings
config.load = load
startup.run()
"""
# What replaces Node._publish, with `old` for what it was; Reports.drop counts what gets None.
PUBLISH = """
import node, startup
old = node.Node._publish
async def new(self, name, *rest):
    offline = not self.client.connected and self._links
    {}
    return await old(self, name, *rest)
node.Node._publish = new
startup.run()
"""
START = "import node, startup\n{}\nstartup.run()\n"
SABOTAGE = {
    "nothing is measured while offline": (
        PUBLISH.format("if name == 'telemetry' and offline: self._reports.dropped -= 1; return"),
        " s while the broker was away",
    ),
    "reports are lost while offline": (
        PUBLISH.format("if name == 'telemetry' and offline: return 1"),
        "telemetry lost: number ",
    ),
    "reports find no room": (
        PUBLISH.format("if name == 'telemetry' and offline: return"),
        "messages that found the node's outbox full",
    ),
    "events come twice": (
        PUBLISH.format("if name == 'event': await old(self, name, *rest)"),
        "event doubled: number 1, 2",
    ),
    "no will": (START.format("node.Will = lambda *given, **more: None"), "no will"),
    "no answer to read": (
        PUBLISH.format("if name == 'answer/read': return 1"),
        "no answer to the command read",
    ),
    "the firmware ends": ("print('that was all')", "the node ended by itself (exit status 0)"),
}


def test_a_sabotaged_node_is_found_out(tmp_path: Path) -> None:
    running = {}
    for number, name in enumerate(SABOTAGE):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "main.py").write_text(SABOTAGE[name][0])
        running[name] = start(tmp_path / f"t{number}", "--seconds", "1", "--path", str(folder))
    for name, process in running.items():
        code, lines = finish(process)
        assert code == 1 and lines[-1].startswith("FAILED after "), (name, lines)
        assert SABOTAGE[name][1] in lines[-1], (name, lines[-1])
        assert "The node's console:" in lines and "The broker's log:" in lines, name


@pytest.mark.parametrize("count", [1, 8, 20])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_leaves_nothing(
    count: int, number: signal.Signals, tmp_path: Path
) -> None:
    process = start(tmp_path / "t", "--seconds", "20")
    assert process.stdout is not None
    for _ in range(count):
        assert process.stdout.readline()
    process.send_signal(number)
    code, lines = finish(process)
    assert code == 128 + number
    assert lines[-1] == "Ended early; nothing is left running."
    assert left_behind(tmp_path / "t") == []


def test_a_reader_that_goes_away_ends_it(tmp_path: Path) -> None:
    process = start(tmp_path / "t", "--seconds", "20")
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(20) == 1
    assert left_behind(tmp_path / "t") == []


def test_a_user_at_a_terminal(tmp_path: Path) -> None:
    """Types while messages pass, sees the answer, and ends it with Ctrl-C."""
    ours, theirs = os.openpty()
    program = (
        "import os, runpy, sys\n"
        f"os.dup2(os.open({os.ttyname(theirs)!r}, os.O_RDWR), 0)\n"  # now it is its terminal
        "sys.argv = ['demo']\n"
        "runpy.run_module('tools.demo', run_name='__main__')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path), "TERM": "xterm", "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    output = ""

    def wait_for(text: str) -> None:
        nonlocal output
        deadline = time.monotonic() + 20
        while text not in output:
            assert time.monotonic() < deadline, output
            output += os.read(ours, 4096).decode(errors="replace")

    try:
        wait_for("demo/status")
        os.write(ours, b"read ev")
        wait_for("command > read ev")
        wait_for("demo/telemetry")
        os.write(ours, b"erything\n")
        wait_for("demo/cmd/read")
        wait_for("read takes nothing or the name of a sensor")
        os.write(ours, b"help\n")
        wait_for("outage [SECONDS]")
        os.write(ours, b"\x03")
        wait_for("nothing is left running")
        assert process.wait(10) == 130
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert "Traceback" not in output and "\x1b[3" not in output
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--seconds", "soon"], "must be a number of seconds"),
        (["--seconds", "-1"], "must be a number of seconds"),
        (["--seconds", "nan"], "must be a number of seconds"),
        (["--path", "/nowhere"], "is not a folder"),
        (["--board", "toaster"], "invalid choice"),
    ],
)
def test_what_cannot_be_done_is_said(arguments: list[str], text: str, tmp_path: Path) -> None:
    code, lines = finish(start(tmp_path / "t", *arguments))
    assert code == 2
    assert text in lines[-1]
