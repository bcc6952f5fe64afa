"""The other side of `host_tests/device/soak_traffic.py`: paho-mqtt, and the books.

`Peer` publishes numbered messages to a device and keeps what the device publishes and prints.
`faults` says what was lost, doubled or out of order.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tools import guard, mpy, toolchain, workspace
from tools.broker import Broker
from tools.gate import Gate

TESTS = workspace.ROOT / "host_tests"
PROGRAM = TESTS / "device" / "soak_traffic.py"
_WAIT_S = 20.0


def interpreter(name: str, heap: str = "") -> list[str]:
    """The start of a command line: "cpython", "micropython64" or "micropython32"."""
    if name == "cpython":
        return [sys.executable, "-S", "-B"]
    argv = toolchain.micropython(int(name.removeprefix("micropython")))
    return [*argv, "-X", f"heapsize={heap}"] if heap else argv


def compiled(folder: Path) -> str:
    """Compile library and program to .mpy in `folder`, as on a board; the program's name."""
    library = Path(os.environ.get("UMQTT_FULL_LIB", str(workspace.ROOT / "lib")))
    mpy.compile_library(folder, mpy.for_boards(library / "umqtt_full"))
    for source in (PROGRAM, PROGRAM.parent / "platform_time.py"):
        mpy.compile_file(source, folder / f"{source.stem}.mpy", source.name)
    return PROGRAM.stem


def environment(name: str, folder: Path | None = None) -> dict[str, str]:
    """Where that interpreter imports from; `folder` before all else."""
    library = os.environ.get("UMQTT_FULL_LIB", str(workspace.ROOT / "lib"))
    paths = [*([str(folder)] if folder else []), library, str(TESTS / "device"), str(TESTS)]
    if name == "cpython":
        return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}
    return {**os.environ, "MICROPYPATH": ":".join([".frozen", *paths])}


class Process:
    """A device program; its output is kept line by line."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        heap: str = "",
        wrapper: Sequence[str] = (),
        folder: Path | None = None,
    ) -> None:
        self.output: list[str] = []
        self.times: list[float] = []  # when each line came
        self.process = subprocess.Popen(
            [*wrapper, *interpreter(name, heap), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(name, folder),
            text=True,
            errors="backslashreplace",
        )
        guard.watch(self.process.pid)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.times.append(time.monotonic())
            self.output.append(line.rstrip("\n"))

    def say(self, line: str) -> None:
        """Let it go on behind a `hear`."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def wait_for(self, line: str, limit: float = _WAIT_S) -> bool:
        """Wait until it prints that; False when it ends or takes too long."""
        deadline = time.monotonic() + limit
        while line not in self.output:
            if time.monotonic() > deadline or not self._reader.is_alive():
                return line in self.output
            time.sleep(0.005)
        return True

    def when(self, word: str, since: float) -> float:
        """Seconds from `since` to the first line after it that begins with that word; else -1."""
        for moment, line in zip(list(self.times), list(self.output), strict=False):
            if moment > since and line.startswith(word):
                return moment - since
        return -1.0

    def number(self, word: str) -> list[int]:
        """The numbers on the last line that begins with that word."""
        rows = [line.split()[1:] for line in list(self.output) if line.startswith(word)]
        return [int(text) for text in rows[-1]] if rows else []

    def end(self, limit: float) -> str:
        """Wait for its end; what is wrong with it, or nothing."""
        problem = ""
        try:
            self.process.wait(limit)
        except subprocess.TimeoutExpired:
            problem = f"still running after {limit:.0f} s"
        self.kill()
        if self.output[-1:] != ["OK"]:
            problem = problem or f"exit status {self.process.returncode}"
        return problem and "\n    ".join([f"device: {problem}", *self.output[-12:]])

    def kill(self) -> None:
        """End it if it runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        guard.unwatch(self.process.pid)
        self._reader.join(5)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


class Peer:
    """paho on the other side of one device."""

    def __init__(self, prefix: str, port: int | str) -> None:
        self.prefix = prefix
        self.up: list[tuple[int, int]] = []  # (qos, number) as they came
        self.sent = [0, 0, 0]
        self._granted = threading.Event()
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2,
            f"{prefix}-peer",
            clean_session=False,
            transport="tcp" if isinstance(port, int) else "unix",
        )
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = self._connected
        self.client.on_subscribe = lambda *_: self._granted.set()
        self.client.on_message = self._message
        if isinstance(port, int):
            self.client.connect("127.0.0.1", port, keepalive=10)
        else:
            self.client.connect(port, keepalive=10)
        self.client.loop_start()
        self.ready()

    def _connected(self, *_: object) -> None:
        self.client.subscribe(f"{self.prefix}/up/+", 2)

    def _message(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        self.up.append((int(message.topic[-1]), int(message.payload)))

    def ready(self) -> None:
        """Wait until it is connected (again) and subscribed."""
        if not self._granted.wait(_WAIT_S):
            raise TimeoutError("paho cannot subscribe")
        self._granted.clear()

    def publish(self) -> None:
        """One message to the device, the QoS in turn."""
        qos = sum(self.sent) % 3
        self.sent[qos] += 1
        self.client.publish(f"{self.prefix}/down/{qos}", str(self.sent[qos]), qos)

    def stop_device(self) -> None:
        """Tell it that it has done enough."""
        self.client.publish(f"{self.prefix}/stop", b"1", 2).wait_for_publish(_WAIT_S)

    def settle(self, limit: float = 10.0) -> None:
        """Wait until nothing has come for half a second."""
        deadline = time.monotonic() + limit
        count = -1
        while count != len(self.up) and time.monotonic() < deadline:
            count = len(self.up)
            time.sleep(0.5)

    def close(self) -> None:
        """Disconnect."""
        self.client.disconnect()
        self.client.loop_stop()


def got(output: Sequence[str]) -> list[tuple[int, int]]:
    """What a device printed of what it received."""
    rows = (line.split() for line in list(output) if line.startswith("GOT "))
    return [(int(row[1]), int(row[2])) for row in rows]


def books(seen: Sequence[tuple[int, int]], sent: Sequence[int]) -> dict[str, int]:
    """Lost, doubled and misplaced messages per QoS, as {"lost1": 2, …}; zeros are left out."""
    result: dict[str, int] = {}
    for qos in range(3):
        numbers = [number for level, number in seen if level == qos]
        count = Counter(numbers)
        first = list(dict.fromkeys(numbers))
        result[f"lost{qos}"] = sum(not count[number] for number in range(1, sent[qos] + 1))
        result[f"doubled{qos}"] = sum(number - 1 for number in count.values())
        result[f"order{qos}"] = sum(a > b for a, b in itertools.pairwise(first))
        result[f"unknown{qos}"] = sum(number > sent[qos] for number in count)
    return {name: number for name, number in result.items() if number}


BORNE = ("lost0", "doubled1")  # what MQTT allows over an outage


def faults(found: dict[str, int], borne: Sequence[str] = BORNE) -> dict[str, int]:
    """What the books hold against the client."""
    return {name: number for name, number in found.items() if name not in borne}


def save(broker: Broker) -> None:
    """Have mosquitto write its state, and wait until the file is there; nothing without one.

    `autosave_on_changes` is not enough: mosquitto does not count every change of a QoS 1 or 2
    message, so the last ones before a kill are saved only with the next that it does count.
    """
    if broker.pid is None or not broker._persistence or broker._folder is None:
        return
    path = broker._folder / "mosquitto.db"

    def written() -> int:
        return path.stat().st_mtime_ns if path.exists() else 0

    before = written()
    os.kill(broker.pid, signal.SIGUSR1)
    deadline = time.monotonic() + 5
    while written() == before and time.monotonic() < deadline:
        time.sleep(0.01)


def outage(broker: Broker, gate: Gate, peers: Sequence[Peer], down_s: float = 0.0) -> None:
    """Kill and restart the broker when it has saved all that it has acknowledged.

    The gate freezes first, so the broker gets nothing new and has time to write its state, while
    what it answered is held back and then lost with the connections.
    """
    gate.freeze()
    time.sleep(0.25)
    save(broker)
    broker.kill()
    gate.cut()
    time.sleep(down_s)
    broker.start()
    for peer in peers:
        peer.ready()
    gate.open()
