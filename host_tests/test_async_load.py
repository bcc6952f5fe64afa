"""AsyncClient under load and for long: many tasks, many connections, few wake-ups."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter

import pytest
from answering import HOST, Answering
from async_load import EACH, TASKS
from running import HERE, Device
from strict import Parser
from test_mosquitto import Observer, new_prefix, persistent  # noqa: F401

from tools.broker import Broker
from tools.gate import Gate

PUBREC, PUBCOMP = 0x50, 0x70
SCRIPT = str(HERE / "device" / "async_load.py")


def test_fifty_tasks_publish_through_an_outage(
    interpreter: str,
    persistent: Broker,  # noqa: F811
) -> None:
    """Each message at QoS 2 arrives exactly once."""
    prefix = new_prefix()
    observer = Observer(persistent, prefix, clean=False)
    place = (persistent.host, str(persistent.port), prefix)
    device = Device(interpreter, SCRIPT, "fifty_tasks", *place)
    kill = threading.Event()
    device.on_sync = lambda tag: kill.set()
    device.start()
    assert kill.wait(20), device.output
    persistent.restart()  # SIGTERM: it saves what it has acknowledged; for SIGKILL see below
    problem = device.finish(60)
    assert not problem, problem
    observer.wait(lambda: len(observer.seen) >= TASKS * EACH)
    seen = Counter(observer.payloads("/n"))
    observer.close()
    assert seen == Counter(b"%d" % number for number in range(TASKS * EACH))


class Witness(Gate):
    """The way to the broker; it keeps what passes."""

    def __init__(self, target: int) -> None:
        self.passed: dict[bool, bytearray] = {True: bytearray(), False: bytearray()}
        super().__init__(target)

    def passes(self, data: bytes, from_broker: bool) -> None:
        """Keep it."""
        self.passed[from_broker] += data

    def published(self) -> dict[int, int]:
        """Packet id -> number of the messages published since this was asked last."""
        packets = Parser().feed(bytes(self.passed[False]))
        self.passed[False].clear()
        return {p["packet_id"]: int(p["payload"]) for p in packets if p["type"] == "PUBLISH"}

    def acknowledged(self) -> tuple[set[int], set[int]]:
        """The numbers of the messages that got PUBREC, and PUBCOMP, on the one connection."""
        numbers = self.published()
        acks, data = {PUBREC: set(), PUBCOMP: set()}, self.passed[True]
        while len(data) > 3:  # all packets are acks but CONNACK, which is as long
            if data[0] in acks:
                acks[data[0]].add(numbers[data[2] << 8 | data[3]])
            del data[:4]
        return acks[PUBREC], acks[PUBCOMP]


@pytest.mark.parametrize("wait_s", [0.0, 0.1])
def test_after_a_kill_only_what_the_broker_acknowledged_and_lost_is_missing(
    interpreter: str,
    wait_s: float,
    persistent: Broker,  # noqa: F811
) -> None:
    """SIGKILL at once: mosquitto sends PUBREC and PUBCOMP before it saves what they are about.

    With a PUBREC a message is the broker's, for a client must not send it again [MQTT-4.3.3-1].
    What is missing is unknown to its file, with few exceptions: there the file has the message,
    not that it awaits PUBREL. Everything else arrives, and what has its PUBCOMP is not published
    again. Most runs miss nothing, some a few; after `test_kill.py`'s kills, which let mosquitto
    save first, none.
    """
    prefix = new_prefix()
    observer = Observer(persistent, prefix, clean=False)
    gate = Witness(persistent.port)
    place = (gate.host, str(gate.port), prefix)
    device = Device(interpreter, SCRIPT, "fifty_tasks", *place)
    kill = threading.Event()
    device.on_sync = lambda tag: kill.set()
    try:
        device.start()
        assert kill.wait(20), device.output
        time.sleep(wait_s)
        persistent.kill()
        gate.cut()
        received, completed = gate.acknowledged()
        saved = numbers_in(persistent, prefix)
        persistent.start()
        gate.open()
        problem = device.finish(60)
        assert not problem, problem
        missing = missing_at(observer)
    finally:
        observer.close()
        gate.close()
    print(f"{len(received)} with PUBREC, {len(saved)} saved, missing {sorted(missing)}")
    assert missing <= completed | received
    assert not completed & set(gate.published().values())


def numbers_in(broker: Broker, prefix: str) -> set[int]:
    """The messages that are in mosquitto's file."""
    assert broker.log_path is not None
    path = broker.log_path.parent / "mosquitto.db"
    data = path.read_bytes() if path.exists() else b""
    return {int(found) for found in re.findall(prefix.encode() + rb"/n(\d+)", data)}


def missing_at(observer: Observer) -> set[int]:
    """The numbers that have not come to the observer when a message behind them all has."""
    observer.wait_until_subscribed()  # it is back
    observer.publish("/end", b"", 2)
    observer.wait(lambda: bool(observer.payloads("/end")))
    return set(range(TASKS * EACH)) - {int(one) for one in observer.payloads("/n")}


def test_a_hundred_lost_links_leave_no_growth(interpreter: str) -> None:
    with Answering(cut_after=8) as broker:
        device = Device(interpreter, SCRIPT, "many_connections", HOST, str(broker.port))
        device.start()
        problem = device.finish(60)
    assert not problem, problem
    assert not broker.failure, broker.failure


def test_idle_means_asleep(interpreter: str) -> None:
    with Answering() as broker:
        device = Device(interpreter, SCRIPT, "wake_ups", HOST, str(broker.port))
        device.start()
        problem = device.finish(60)
    assert not problem, problem
    print(device.output[0])
