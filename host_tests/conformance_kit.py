"""What the tests of the statements share: scenarios in quick succession, peers, CONNECT packets.

`UMQTT_FULL_LIB=folder` takes the library from elsewhere here too, so that a broken copy of it
can be tried.
"""

from __future__ import annotations

import atexit
import contextlib
import fnmatch
import functools
import itertools
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

if "UMQTT_FULL_LIB" in os.environ:
    sys.path.insert(0, os.environ["UMQTT_FULL_LIB"])

from broker_core import HOST, Step
from expand import find, table
from fake_broker import FakeBroker
from fake_broker5 import broker_of
from running import HERE, command, environment
from strict import Packet, Parser
from umqtt_full.session import Session
from umqtt_full.will import Will

WORKERS = 3  # scenarios of one test that run side by side: most of their time is waiting
LIMIT_S = 30.0


class Worker:
    """A process of `conformance_device.py`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [*command("cpython"), str(HERE / "conformance_device.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment("cpython"),
            text=True,
            encoding="utf-8",
            errors="backslashreplace",
        )
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put("END DIED")

    def write(self, text: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(text + "\n")
            self._process.stdin.flush()

    def end(self) -> None:
        self._process.kill()
        self._process.wait()

    def run(self, group: str, name: str) -> tuple[bool, str]:
        """(May it be used again?, what is wrong with the scenario or nothing)."""
        scenario = find(group, name)
        broker = broker_of(scenario)
        broker.release = self.write
        broker.start()
        self.write(f"{group} {name} {HOST} {broker.port}")
        output: list[str] = []
        while not output or not output[-1].startswith("END "):
            try:
                output.append(self._lines.get(timeout=scenario.get("limit_s", LIMIT_S)))
            except queue.Empty:
                output.append("END LATE")
            if output[-1].startswith("SYNC "):
                broker.sync_event(output[-1][5:].strip()).set()
        broker.abort()
        broker.join(15)
        problems = [] if broker.failure is None else [broker.failure]
        if output[-1] != "END OK":
            problems.append("client: " + "\n    ".join(output[-25:]))
        return output[-1] in ("END OK", "END FAILED"), "\n".join(problems)


_idle: queue.SimpleQueue[Worker] = queue.SimpleQueue()
_all: list[Worker] = []


@atexit.register
def _end_all() -> None:
    for worker in _all:
        worker.end()


@functools.cache
def outcome(group: str, name: str) -> str:
    """What is wrong with a scenario, or nothing. Each runs once in a process."""
    try:
        worker = _idle.get_nowait()
    except queue.Empty:
        worker = Worker()
        _all.append(worker)
    usable, problem = worker.run(group, name)
    if usable:
        _idle.put(worker)
    else:
        worker.end()
    return f"{group}/{name}: {problem}" if problem else ""


@functools.cache
def names(group: str) -> tuple[str, ...]:
    return tuple(one["name"] for one in table(group))


def chosen(pattern: str) -> list[tuple[str, str]]:
    """The scenarios that "group/name" stands for: all cases of it, or by shell pattern some."""
    group, wanted = pattern.split("/")
    found = [name for name in names(group) if wanted in (name, name.split(".")[0])]
    found = found or fnmatch.filter(names(group), wanted)
    assert found, f"there is no scenario {pattern}"
    return [(group, name) for name in found]


def scenarios(*patterns: str) -> None:
    """Run scenarios of `scenarios/` on CPython; AssertionError says what did not come true."""
    some = [one for pattern in patterns for one in chosen(pattern)]
    with ThreadPoolExecutor(WORKERS) as pool:
        problems = [text for text in pool.map(lambda one: outcome(*one), some) if text]
    assert not problems, "\n" + "\n".join(problems)


@contextlib.contextmanager
def broker(*steps: Step) -> Iterator[FakeBroker]:
    """A scripted broker for a client of this process; its script must come true."""
    one = FakeBroker("conformance", steps)
    one.start()
    try:
        yield one
    finally:
        one.join(10)
        one.abort()
        one.join(5)
    assert one.failure is None, one.failure


# ------------------------------------------------------------------------ CONNECT

WILLS: tuple[tuple[Any, ...] | None, ...] = (
    None,
    *((("w", b""), ("w", b"m"), ("w\u00e4", b"\0\xff", 1), ("w", b"m", 2), ("w", b"m", 0, True))),
    *((("w", b"m", 1, True), ("w", b"m", 2, True))),
)
LOGINS: tuple[tuple[str | None, bytes | None], ...] = (
    (None, None), ("", None), ("u", None), ("", b""), ("\u00fc", b"\0\xff"), ("u", b"p"),
)  # fmt: skip


def connect_packet(client_id: str | bytes, **options: Any) -> bytes:
    """The CONNECT of a client with these options."""
    will = options.pop("will", None)
    return bytes(Session(client_id, will=will and Will(*will), **options).connect_packet)


def connects() -> Iterator[tuple[dict[str, Any], bytes, Packet]]:
    """Each combination of options, the CONNECT that it gives, and what a strict parser reads."""
    for will, login, clean in itertools.product(WILLS, LOGINS, (True, False)):
        options: dict[str, Any] = {
            "will": will,
            "username": login[0],
            "password": login[1],
            "clean_session": clean,
        }
        raw = connect_packet("dev", **options)
        (packet,) = Parser().feed(raw)
        yield options, raw, packet


def fields(raw: bytes) -> list[bytes]:
    """The fields of the payload of a CONNECT, in their order, read without its flags."""
    found = []
    at = 12
    while at < len(raw):
        size = int.from_bytes(raw[at : at + 2], "big")
        found.append(raw[at + 2 : at + 2 + size])
        assert len(found[-1]) == size
        at += 2 + size
    return found


def expected_fields(options: dict[str, Any]) -> Sequence[bytes]:
    """What the payload must consist of."""
    will, username, password = options["will"], options["username"], options["password"]
    wanted = [b"dev"]
    wanted += [] if will is None else [will[0].encode(), will[1]]
    wanted += [] if username is None else [username.encode()]
    return wanted + ([] if password is None else [password])
