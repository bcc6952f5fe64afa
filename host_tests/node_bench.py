"""A node on the simulated board, a real broker and an observer: for tests of the firmware."""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from broker_core import be_late
from paho.mqtt.enums import CallbackAPIVersion

from boards.sim.run import ROOT, SimBoard, environment
from tools import toolchain
from tools.broker import Broker, BrokerIsExternal

BOARDS = ("esp32", "pico_w")
BASE = f"test/{os.getpid()}-{random.getrandbits(32):08x}/node"
LIMIT_S = 20.0
STEP_MS = 50  # the longest that the node may keep its loop from turning (processor time)
HICCUP_MS = 1000  # the same by the clock, on a computer that has other things to do
FAST = ROOT / "boards" / "sim" / "fast"
# A sensors.py that also measures, in real milliseconds, the longest time between two turns of
# a task that asks for one every 5 ms: by the clock, of the processor, and what the simulation
# says that a board would have been blocked.
MONITOR = """
import asyncio, board, sim, time, utime

scale = getattr(time, "SCALE", 1)
longest = [0, 0, 0]
blocked = 0
sleeper = sim if scale == 1 else time  # whose sleep_ms all calls go through that block
sleep_ms = sleeper.sleep_ms

def counted(ms):
    global blocked
    blocked += ms
    sleep_ms(ms)

sleeper.sleep_ms = counted

async def monitor():
    while True:
        wall, processor, before = utime.ticks_ms(), utime.clock(), blocked
        await asyncio.sleep_ms(5 * scale)
        wall = utime.ticks_diff(utime.ticks_ms(), wall)
        processor = int((utime.clock() - processor) * 1000)
        for i, gap in enumerate((wall, processor, blocked - before)):
            longest[i] = max(longest[i], gap)

def sensors():
    asyncio.create_task(monitor())
    return [("temperature", board.temperature), ("longest", lambda: longest)]
"""


def wait_until(condition: Callable[[], Any], what: str, limit: float = LIMIT_S) -> Any:
    """The first true value of the condition; fails with `what` after the limit."""
    deadline = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not seen in {limit} s: {what}"
        time.sleep(0.02)


def run(board: str, folder: Path, program: str, bits: int = 64, scale: int = 1) -> str:
    """What a program on the simulated board prints; it must not end with an error.

    `scale` is how much faster its clock runs.
    """
    env = environment(board, folder, SIM_TIME=str(scale))
    if scale > 1:
        env["MICROPYPATH"] = f"{FAST}:{env['MICROPYPATH']}"
    result = subprocess.run(
        [*toolchain.micropython(bits), "-c", program],
        env=env,
        cwd=folder,
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (result.stderr, result.returncode) == ("", 0), result.stdout
    return result.stdout


class Observer:
    """An independent subscriber that keeps all it hears."""

    def __init__(self, broker: Broker, base: str = BASE) -> None:
        self.heard: list[paho.MQTTMessage] = []
        self._base = base
        self._dice = random.Random()
        version = CallbackAPIVersion.VERSION2
        self._client = paho.Client(
            version, client_id=f"observer-{random.getrandbits(48):012x}", clean_session=False
        )
        self._client.on_message = self._hear
        self._client.on_connect = lambda client, *rest: client.subscribe(base + "/#", 2)
        self._client.on_subscribe = lambda *rest: setattr(self, "ready", True)
        self._client.reconnect_delay_set(1, 1)
        self.ready = False
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()
        wait_until(lambda: self.ready, "SUBACK")

    def _hear(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        be_late(self._dice)
        self.heard.append(message)

    def payloads(self, name: str, start: int = 0) -> list[Any]:
        """All messages of one topic since number `start`: JSON decoded, or text."""
        topic = f"{self._base}/{name}"
        texts = [m.payload.decode() for m in self.heard[start:] if m.topic == topic]
        return [json.loads(text) if text[:1] == "{" else text for text in texts]

    def messages(self, name: str) -> list[paho.MQTTMessage]:
        """All messages of one topic."""
        return [m for m in self.heard if m.topic == f"{self._base}/{name}"]

    def send(self, name: str, value: str | bytes = "", retain: bool = False, qos: int = 1) -> None:
        """A command to the node."""
        self._client.publish(f"{self._base}/cmd/{name}", value, qos, retain)

    def ask(self, name: str, value: str | bytes = "") -> dict[str, Any]:
        """A command to the node, and its answer."""
        start = len(self.heard)
        self.send(name, value)
        answers = wait_until(lambda: self.payloads("answer/" + name, start), f"answer to {name}")
        return dict(answers[0])

    def clear_retained(self) -> None:
        """Leave nothing behind in a broker that is not ours."""
        for name in ("status", "birth", "cmd/led"):
            self._client.publish(f"{self._base}/{name}", b"", 1, True).wait_for_publish(5)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def configure(folder: Path, broker: Broker, **node: Any) -> None:
    """Settings for a quick node."""
    settings = {
        "wifi": {
            "ssid": "sim",
            "password": "simulated",
            "stable_s": 0.1,
            "leave_s": 0.1,
            "join_s": 1,
            "retry_s": 0.2,
            "retry_max_s": 0.4,
        },
        "mqtt": {
            "host": broker.host,
            "port": broker.port,
            "base_topic": BASE,
            "retry_s": 0.1,
            "retry_max_s": 0.5,
            "keep_alive": 5,
        },
        "node": {"interval_s": 0.3, "skip_window_s": 0, "healthy_s": 0.5, **node},
    }
    (folder / "config.json").write_text(json.dumps(settings))


def make_board(
    folder: Path,
    broker: Broker,
    board: str,
    bits: int = 64,
    path: Path | None = None,
    start: str = "import boot\nimport main",
    **node: Any,
) -> SimBoard:
    """A board with settings for a quick node; files in `path` come before the firmware's."""
    configure(folder, broker, **node)
    unique_id = random.randbytes(6 if board == "esp32" else 8).hex()
    argv = toolchain.micropython(bits)
    return SimBoard(folder, board, argv, speed=10, path=path, start=start, SIM_ID=unique_id)


def make_fast(
    folder: Path,
    broker: Broker,
    board: str,
    scale: int,
    base: str = BASE,
    bits: int = 64,
    host: str = "",
) -> SimBoard:
    """A node with the pauses that it is shipped with, on a clock `scale` times as fast.

    It has MONITOR for sensors, a watchdog never (the clock would make it too sharp), and an
    outbox for ten minutes.
    """
    device = make_board(folder, broker, board, bits)
    settings = {
        "wifi": {"ssid": "sim", "password": "simulated"},
        "mqtt": {
            "host": host or broker.host,
            "port": broker.port,
            "base_topic": base,
            "outbox_bytes": 16384,
        },
        "node": {"interval_s": 20, "skip_window_s": 0, "watchdog_s": 0},
    }
    (folder / "config.json").write_text(json.dumps(settings))
    more = folder / "more"
    more.mkdir()
    (more / "sensors.py").write_text(MONITOR)
    path = f"{more}:{FAST}:{device.environment['MICROPYPATH']}"
    device.environment.update(SIM_TIME=str(scale), SIM_SPEED="1", MICROPYPATH=path)
    return device


def online(observer: Observer, start: int = 0) -> None:
    wait_until(lambda: "online" in observer.payloads("status", start), "status online")


def gaps(messages: list[Any]) -> dict[str, list[int]]:
    """For each boot the numbers that are missing between the first and the last."""
    numbers: dict[str, set[int]] = {}
    for message in messages:
        numbers.setdefault(message["boot"], set()).add(message["seq"])
    return {boot: sorted(set(range(1, max(found) + 1)) - found) for boot, found in numbers.items()}


def check_longest(report: dict[str, Any], blocked: int = 0) -> None:
    """No step of the node took too long: so says MONITOR in its telemetry."""
    wall, processor, most = report["longest"]
    print(f"the longest gap: {wall} ms, of the processor {processor} ms, blocked {most} ms")
    assert most == blocked
    assert processor <= STEP_MS
    assert wall <= HICCUP_MS + blocked


@contextlib.contextmanager
def persistent_broker() -> Iterator[Broker]:
    """A broker that keeps its sessions over a restart, or the one that the user named."""
    try:
        broker = Broker(persistence=True)
    except BrokerIsExternal:
        broker = Broker()
    with broker:
        yield broker


@contextlib.contextmanager
def watching(broker: Broker, base: str = BASE) -> Iterator[Observer]:
    """An observer that leaves nothing behind in the broker."""
    observer = Observer(broker, base)
    try:
        yield observer
        if broker.is_external:
            observer.clear_retained()
    finally:
        observer.close()
