"""The scenarios of TCP over TLS and over WebSocket: what holds there holds here.

By default a part of them: each group with each transport, and each Python with each front end.
UMQTT_TRANSPORT=tls, ws or wss plays all of them through that one.
"""

from __future__ import annotations

import atexit
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import certs
import pytest
from expand import find, table
from fake_broker5 import broker_of
from running import HERE, LIMIT_S, PYTHONS, Device, split_python
from scenarios import GROUPS
from serving import Serving
from tunnels import server_context, through

KINDS = ("tls", "ws", "wss")
ALL = os.environ.get("UMQTT_TRANSPORT", "")
# Not played through tunnels, and why.
NOT_HERE = {
    ("reconnect", "connack_then_cut_each_time_is_no_storm"): "CONNACK and the reset behind it are"
    " mostly seen at once: MicroPython's readinto raises then, and has lost what it had read",
}
# By default one in so many, and of these groups more: what may break with the transport.
SAMPLE, SAMPLE_OF_FLOWS = 151, 37
FLOWS = ("publish", "acks", "window", "receive", "keep_alive", "reconnect", "resume", "peers")


def plays(group: str, one: dict[str, Any], python: str) -> bool:
    """Whether that scenario can be played through a tunnel by that Python."""
    if "heap" in one or "'dial'" in repr(one["client"]):
        return False  # the heap and the streams are chosen for TCP
    if (group, one["name"].split(".")[0]) in NOT_HERE:
        return False
    return "blocking_only" not in one or "+" not in python


def cases() -> Iterator[Any]:
    """All, or a part of them in which each group, transport, Python and front end occurs."""
    number = 0
    for group in GROUPS:
        sample = SAMPLE_OF_FLOWS if group in FLOWS else SAMPLE
        for one in table(group):
            for python in PYTHONS:
                for kind in KINDS:
                    if not plays(group, one, python) or (ALL and kind != ALL):
                        continue
                    number += 1
                    if ALL or number % sample == 0:
                        label = f"{group}-{one['name']}-{kind}-{python}"
                        yield pytest.param(kind, python, group, one["name"], id=label)


class Tunnelled(Serving):
    """A process that serves scenarios through a tunnel."""

    def __init__(self, python: str, options: Path) -> None:
        interpreter, front = split_python(python)
        heap = [] if interpreter == "cpython" else ["-X", "heapsize=8m"]
        script = str(HERE / "device" / "tls_scenarios.py")
        Device.__init__(self, interpreter, *heap, script, str(options), "serve", front)
        self._ended = threading.Event()
        self.start()


_idle: dict[tuple[str, str], Tunnelled] = {}


@atexit.register
def _close_all() -> None:
    for process in _idle.values():
        process.quit()
    _idle.clear()


@pytest.fixture(scope="session")  # as long as the processes, which keep them
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test CA's files, and the client's options for each transport."""
    folder = certs.make(tmp_path_factory.mktemp("certs"))
    for kind in KINDS:
        options: dict[str, Any] = {}
        if kind != "ws":
            options |= {"tls": True, "ca": f"{folder}/ca.crt"}
        if "ws" in kind:
            options["websocket"] = "/mqtt"
        (folder / f"{kind}.json").write_text(json.dumps(options))
    return folder


@pytest.mark.parametrize(("kind", "python", "group", "name"), list(cases()))
def test_scenario(kind: str, python: str, group: str, name: str, files: Path) -> None:
    scenario = find(group, name)
    broker = through(broker_of(scenario), kind, server_context(files))
    device = _idle.pop((kind, python), None) or Tunnelled(python, files / f"{kind}.json")
    device.on_sync = lambda tag: broker.sync_event(tag).set()
    device.on_end = broker.abort
    broker.release = device.release
    broker.start()
    problem = device.serve(group, name, broker.port, scenario.get("limit_s", LIMIT_S))
    if problem:
        device.quit()
    else:
        _idle[kind, python] = device
    broker.join(15)
    problems = [text for text in (broker.failure, problem) if text]
    assert not problems, "\n" + "\n".join(problems)
