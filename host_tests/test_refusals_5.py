"""MQTT 5: a refused message is told to whoever waits for it, or to `on_error`; never to nobody."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from chaos.engine import Simulation, close_loop
from chaos.loop import run_virtually
from umqtt_full.errors import ReasonError

QUOTA = 0x97


def simulated(front: str) -> tuple[Any, list[Exception]]:
    """A simulation of 5.0 whose broker refuses what is published; what `on_error` got."""
    sim = Simulation({"seed": 1, "config": {"version": 5, "front": front}, "steps": []})
    sim.build()
    sim.broker.mood.refuse = QUOTA
    errors: list[Exception] = []
    sim.app.client.on_error = errors.append
    return sim, errors


def play(sim: Any, main: Any) -> None:
    """Run it in the simulation's own time."""
    try:
        run_virtually(sim.world, main)
    finally:
        close_loop(sim.world)


def told(errors: list[Exception]) -> list[int]:
    return [exc.reason_code for exc in errors if isinstance(exc, ReasonError)]


def test_a_refusal_behind_a_timeout_goes_to_on_error() -> None:
    """The call that waited is over: nobody else would ever see it."""
    sim, errors = simulated("client")
    client = sim.app.client
    with pytest.raises(OSError, match="not acknowledged"):
        client.publish("a", b"1:", 1, timeout_ms=0)
    client.connect()
    for _ in range(5):
        client.poll(10)
    assert told(errors) == [QUOTA]
    assert not client.session.refused


def test_a_refusal_that_is_waited_for_is_raised() -> None:
    """And told to nobody else."""
    sim, errors = simulated("client")
    client = sim.app.client
    client.connect()
    with pytest.raises(ReasonError) as info:
        client.publish("a", b"1:", 1)
    assert info.value.reason_code == QUOTA
    assert not errors
    assert not client.session.refused


def test_a_refusal_of_a_cancelled_publish_goes_to_on_error() -> None:
    """A handler cancels the task in the very read that brings the refusal."""
    sim, errors = simulated("async")
    client, tasks = sim.app.client, []

    async def main() -> None:
        await client.start()
        client.on("a", lambda _: tasks[0].cancel(), 0)
        await asyncio.sleep(0.1)
        tasks.append(asyncio.create_task(client.publish("b/1", b"1:", 1)))
        await asyncio.sleep(0)
        sim.world.at(1, sim.broker.publish, "a", 0, 10, False)
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        sim.ledger.leaves()
        await client.stop()

    play(sim, main)
    assert told(errors) == [QUOTA]
    assert not client.session.refused


def test_a_refusal_is_raised_in_each_call_that_waits_for_it() -> None:
    """Two tasks wait for one message."""
    sim, errors = simulated("async")
    client = sim.app.client
    ends: list[Any] = []

    async def main() -> None:
        await client.start()
        packet_id = await client.publish_nowait("b/1", b"1:", 1)
        waits = [client.wait(packet_id), client.wait(packet_id)]
        ends.extend(await asyncio.gather(*waits, return_exceptions=True))
        sim.ledger.leaves()
        await client.stop()

    play(sim, main)
    assert told(ends) == [QUOTA, QUOTA]
    assert not errors
    assert not client.session.refused
