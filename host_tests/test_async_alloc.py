"""Under asyncio, what a publish or a message takes from the heap is asyncio's, not ours."""

from __future__ import annotations

from running import HERE, Device

from tools.broker import Broker


def test_synchronous_parts_take_nothing(mosquitto: Broker) -> None:
    script = str(HERE / "device" / "async_alloc.py")
    device = Device("micropython32", script, mosquitto.host, str(mosquitto.port))
    device.start()
    problem = device.finish(60)
    assert not problem, problem
    print("\n".join(device.output))
