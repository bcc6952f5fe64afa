"""Arguments that are not allowed: `device/bad_values.py` on each Python, with both front ends."""

from __future__ import annotations

import pytest
from answering import HOST, Answering
from running import HERE, INTERPRETERS, Device


def run(interpreter: str, name: str, broker: Answering) -> None:
    """Run `run_NAME` of the device's side; the broker has seen nothing wrong."""
    device = Device(interpreter, str(HERE / "device" / "bad_values.py"), name, HOST,
                    str(broker.port))  # fmt: skip
    device.start()
    problem = device.finish()
    assert not problem and not broker.failure, f"{problem}\n{broker.failure}"


@pytest.mark.parametrize("interpreter", INTERPRETERS)
@pytest.mark.parametrize("name", ["times", "async_times"])
def test_a_time_that_is_none_is_refused_and_the_link_kept(interpreter: str, name: str) -> None:
    with Answering(delay_s=0.3) as broker:
        run(interpreter, name, broker)
    assert {topic for topic, _, _ in broker.published} <= {"late", "good"}
    assert broker.connections == 1


@pytest.mark.parametrize("interpreter", INTERPRETERS)
@pytest.mark.parametrize(
    "name", ["uploads", "clients", "handlers", "queues", "texts", "store", "unstarted", "five"]
)
def test_what_is_none_is_refused(interpreter: str, name: str) -> None:
    with Answering() as broker:
        run(interpreter, name, broker)


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_a_loss_that_fails_does_not_end_the_reader(interpreter: str) -> None:
    with Answering(cut_after=5) as broker:
        run(interpreter, "losses", broker)
    assert broker.connections > 4
