"""Each Python block of README.md runs: on CPython and MicroPython, against a real mosquitto.

In a block, the broker's name (BROKER_NAMES) becomes the address of this test's broker. A
block must end, or where it has a `while True:` still run after SECONDS; and what it publishes
must arrive at the broker. A comment right before a block says more about it:

    <!-- test: skip REASON -->       it is not run (the reason is shown)
    <!-- test: only micropython -->  or cpython; on the others it is not run
    <!-- test: follows -->           the block before it is run first, in the same program
"""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from running import INTERPRETERS, ROOT, command, environment

from tools.broker import Broker

README = ROOT / "README.md"
BROKER_NAMES = ("broker.local", "test.mosquitto.org", "192.168.1.10")
SECONDS = 2.0
LIMIT_S = 20.0
BLOCK = re.compile(
    r"(?:^<!-- test: (?P<mark>.*?) -->\n+)?^```python\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
# Stands in for modules of a board, so that a block may use them.
BOARD = (
    "import sys\n"
    "class _Board:\n"
    "    def __init__(self, *args, **kwargs): pass\n"
    "    def __getattr__(self, name): return _Board\n"
    "for _name in ('machine', 'network'):\n"
    "    if _name not in sys.modules: sys.modules[_name] = _Board()\n"
)


@dataclass(frozen=True)
class Block:
    """A block of code and how it is run."""

    line: int
    code: str
    mark: str


def blocks(text: str) -> list[Block]:
    """All Python blocks of a Markdown text."""
    found: list[Block] = []
    for match in BLOCK.finditer(text):
        code, mark = match["code"], match["mark"] or ""
        if mark == "follows":
            code = found[-1].code + code
        found.append(Block(text.count("\n", 0, match.start("code")) + 1, code, mark))
    return found


def for_broker(code: str, host: str, port: int) -> str:
    """The code with the broker's name replaced, and its port where it has none."""
    for name in BROKER_NAMES:
        code = re.sub(rf'(["\']){re.escape(name)}\1(?!\s*,\s*\d)', f'"{host}", {port}', code)
        code = re.sub(rf'(["\']){re.escape(name)}\1\s*,\s*1883', f'"{host}", {port}', code)
    return code


@contextmanager
def tap(broker: Broker) -> Iterator[list[str]]:
    """The topics of all messages at the broker."""
    topics: list[str] = []
    ready = threading.Event()
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.on_connect = lambda *_: client.subscribe("#", 2) and None
    client.on_subscribe = lambda *_: ready.set()
    client.on_message = lambda _client, _data, message: topics.append(message.topic)
    client.connect(broker.host, broker.port)
    client.loop_start()
    assert ready.wait(LIMIT_S)
    try:
        yield topics
    finally:
        client.disconnect()
        client.loop_stop()


def run(interpreter: str, block: Block, folder: Path, broker: Broker) -> None:
    """Run a block; it must end well or, if it is made so, still run when its time is over."""
    program = folder / "block.py"
    program.write_text(BOARD + for_broker(block.code, broker.host, broker.port), encoding="utf-8")
    where = f"README.md:{block.line} on {interpreter}"
    endless = "while True:" in block.code
    with tap(broker) as topics:
        status, output = outcome(interpreter, program, SECONDS if endless else LIMIT_S)
        assert status == (None if endless else 0), f"{where}: exit status {status}\n{output}"
        assert "Traceback" not in output, f"{where}:\n{output}"
        deadline = time.monotonic() + 5
        while ".publish(" in block.code and not topics:
            assert time.monotonic() < deadline, f"{where}: nothing arrived\n{output}"
            time.sleep(0.01)


def outcome(interpreter: str, program: Path, limit_s: float) -> tuple[int | None, str]:
    """Exit status (None: it had to be ended) and output of a program."""
    with subprocess.Popen(
        [*command(interpreter), str(program)],
        env=environment(interpreter),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            output, _ = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            return None, process.communicate()[0]
        return process.returncode, output


FOUND = blocks(README.read_text(encoding="utf-8")) if README.is_file() else []


@pytest.mark.parametrize("block", FOUND, ids=lambda block: f"line_{block.line}")
@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_block_runs(interpreter: str, block: Block, tmp_path: Path, mosquitto: Broker) -> None:
    words = block.mark.split()
    if words[:1] == ["skip"]:
        pytest.skip(" ".join(words[1:]) or "marked so")
    if words[:1] == ["only"] and not interpreter.startswith(words[1]):
        pytest.skip(f"for {words[1]}")
    run(interpreter, block, tmp_path, mosquitto)


def test_blocks_are_found_with_their_marks() -> None:
    text = (
        "a\n```python\nx = 1\n```\n<!-- test: follows -->\n```python\nprint(x)\n```\n"
        "```sh\nls\n```\n<!-- test: skip it -->\n\n```python\nwhile True: pass\n```\n"
    )
    expected = [
        Block(3, "x = 1\n", ""),
        Block(7, "x = 1\nprint(x)\n", "follows"),
        Block(15, "while True: pass\n", "skip it"),
    ]
    assert blocks(text) == expected


def test_broker_name_becomes_an_address() -> None:
    code = 'Client("me", "broker.local")\nClient("me", "broker.local", 1883, window=1)\n'
    wanted = 'Client("me", "127.0.0.1", 9)\nClient("me", "127.0.0.1", 9, window=1)\n'
    assert for_broker(code, "127.0.0.1", 9) == wanted


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_a_failing_block_fails(interpreter: str, tmp_path: Path, mosquitto: Broker) -> None:
    for code in ("1 / 0\n", "while True:\n    break\n"):
        with pytest.raises(AssertionError):
            run(interpreter, Block(1, code, ""), tmp_path, mosquitto)
