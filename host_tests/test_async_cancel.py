"""A task may be cancelled at every await of every operation of AsyncClient."""

from __future__ import annotations

import pytest
from answering import HOST, Answering
from async_cancel import OPERATIONS
from running import HERE, Device

SCRIPT = str(HERE / "device" / "async_cancel.py")


def run(interpreter: str, name: str, broker: Answering) -> Device:
    """Run the device's side to its end; the broker must have seen nothing wrong."""
    device = Device(interpreter, SCRIPT, name, HOST, str(broker.port))
    device.start()
    problem = device.finish(60)
    assert not broker.failure, f"{broker.failure}\n{problem}"
    assert not problem, problem
    return device


@pytest.mark.parametrize("name", OPERATIONS)
def test_cancelled_at_each_await(interpreter: str, name: str) -> None:
    """No half packet, what was accepted arrives once, and the client goes on."""
    with Answering(delay_s=0.002) as broker:
        device = run(interpreter, name, broker)
    accepted = [line.split()[1] for line in device.output if line.startswith("ACCEPTED ")]
    numbers = [p.split()[0].decode() for topic, p, _ in broker.published if topic == "t"]
    lost = [number for number in accepted if number not in numbers]
    assert not lost, f"accepted, but never sent: {lost}"
    assert len(set(numbers)) == len(numbers), "sent twice on one connection"
    assert "CANCELLED 0" not in device.output
    assert broker.connections == 1, "a cancellation ended the connection"


@pytest.mark.parametrize("name", ["start", "stop", "async_with"])
def test_start_and_stop_are_cancelled_at_each_await(interpreter: str, name: str) -> None:
    with Answering(delay_s=0.001) as broker:
        run(interpreter, name, broker)


def test_cancellation_is_never_lost(interpreter: str) -> None:
    """Also when it comes in the same turn as what was waited for."""
    with Answering() as broker:
        run(interpreter, "at_once", broker)
