"""AsyncClient under load and for long: many tasks, many connections, few wake-ups."""

from __future__ import annotations

import threading
from collections import Counter

from answering import HOST, Answering
from async_load import EACH, TASKS
from running import HERE, Device
from test_mosquitto import Observer, new_prefix, persistent  # noqa: F401

from tools.broker import Broker

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
    persistent.restart()  # SIGTERM: killed, mosquitto itself loses its last milliseconds
    problem = device.finish(60)
    assert not problem, problem
    observer.wait(lambda: len(observer.seen) >= TASKS * EACH)
    seen = Counter(observer.payloads("/n"))
    observer.close()
    assert seen == Counter(b"%d" % number for number in range(TASKS * EACH))


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
