"""Out of memory in the middle of a turn: MemoryError, the socket closed, the object usable."""

from __future__ import annotations

import pytest
from running import HERE, Device

from tools.broker import Broker

CASES = (
    "connect", "reconnect", "subscribe", "subscribe-later", "turns", "at-once", "handler",
)  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_heap_that_is_locked_from_any_read_or_write_on(case: str, mosquitto: Broker) -> None:
    script = str(HERE / "device" / "alloc_oom.py")
    device = Device("micropython32", script, case, mosquitto.host, str(mosquitto.port))
    device.start()
    problem = device.finish(60)
    assert not problem, problem
