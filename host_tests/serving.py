"""Processes that run scenario after scenario: starting one for each would take most of the time.

`run_scenario` keeps an idle process for each Python and front end; what fails ends its process.
"""

from __future__ import annotations

import atexit
import threading
from typing import Any

from broker_core import HOST
from expand import find
from fake_broker import FakeBroker
from fake_broker5 import broker_of
from running import HERE, LIMIT_S, Device, Scripted, split_python

_idle: dict[str, list[Serving]] = {}


class Serving(Device):
    """A process that serves scenarios."""

    def __init__(self, python: str) -> None:
        interpreter, front = split_python(python)
        options = [] if interpreter == "cpython" else ["-X", "heapsize=8m"]
        driver = str(HERE / "device" / "driver.py")
        super().__init__(interpreter, *options, driver, "serve", front)
        self._ended = threading.Event()
        self.start()

    def heard(self, line: str) -> None:
        """Take note of the end of a scenario."""
        if line.startswith("END "):
            self._ended.set()
            self.on_end()

    def _read(self) -> None:
        super()._read()
        self._ended.set()

    def serve(self, group: str, name: str, port: int, limit_s: float) -> str:
        """Run one scenario; what is wrong with it, or nothing."""
        self.output.clear()
        self._ended.clear()
        self.release("\t".join(("RUN", group, name, HOST, str(port), "")))
        problem = "" if self._ended.wait(limit_s) else f"still running after {limit_s:.0f} s"
        if not problem and self.output[-1:] == ["END OK"]:
            return ""
        return f"client: {problem or 'failed'}\n    " + "\n    ".join(self.output[-25:])

    def quit(self) -> None:
        """End it."""
        self.kill()
        self.finish()


def _close_all() -> None:
    for processes in _idle.values():
        for process in processes:
            process.quit()
    _idle.clear()


atexit.register(_close_all)


def run_scenario(python: str, group: str, name: str) -> None:
    """Both sides of a scenario; AssertionError says what did not come true."""
    scenario: dict[str, Any] = find(group, name)
    broker = broker_of(scenario)
    limit_s = scenario.get("limit_s", LIMIT_S)
    if scenario.get("heap"):
        client_problem = _alone(python, group, name, broker, limit_s)
    else:
        client_problem = _served(python, group, name, broker, limit_s)
    broker.join(15)
    problems = [problem for problem in (broker.failure, client_problem) if problem]
    if broker.is_alive():
        problems.append("the broker's script did not end")
    assert not problems, "\n" + "\n".join(problems)


def _wire(device: Device, broker: FakeBroker) -> None:
    device.on_sync = lambda tag: broker.sync_event(tag).set()
    device.on_end = broker.abort
    broker.release = device.release
    broker.start()


def _alone(python: str, group: str, name: str, broker: FakeBroker, limit_s: float) -> str:
    device = Scripted(python, group, name, HOST, broker.port)
    _wire(device, broker)
    device.start()
    return device.finish(limit_s)


def _served(python: str, group: str, name: str, broker: FakeBroker, limit_s: float) -> str:
    idle = _idle.setdefault(python, [])
    device = idle.pop() if idle else Serving(python)
    _wire(device, broker)
    problem = device.serve(group, name, broker.port, limit_s)
    if problem:
        device.quit()
    else:
        idle.append(device)
    return problem
