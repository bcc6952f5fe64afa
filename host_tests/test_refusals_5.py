"""MQTT 5: a refused message is told to whoever waits for it, or to `on_error`; never to nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from chaos.engine import Simulation
from chaos.loop import run_virtually
from umqtt_full.errors import ReasonError

QUOTA = 0x97


@contextmanager
def simulated(front: str) -> Iterator[tuple[Any, list[Exception]]]:
    """A simulation of 5.0 whose broker refuses what is published; what `on_error` got."""
    sim = Simulation({"seed": 1, "config": {"version": 5, "front": front}, "steps": []})
    try:
        sim.build()
        sim.broker.mood.refuse = QUOTA
        errors: list[Exception] = []
        sim.app.client.on_error = errors.append
        yield sim, errors
    finally:
        sim.close()


def told(errors: list[Exception]) -> list[int]:
    return [exc.reason_code for exc in errors if isinstance(exc, ReasonError)]


def test_a_refusal_behind_a_timeout_goes_to_on_error() -> None:
    """The call that waited is over: nobody else would ever see it."""
    with simulated("client") as (sim, errors):
        client = sim.app.client
        with pytest.raises(OSError, match="not acknowledged"):
            client.publish("a", b"1:", 1, timeout_ms=0)
        client.connect()
        for _ in range(5):
            client.poll(10)
        assert told(errors) == [QUOTA]
        assert not client.session.refused


def test_a_refusal_is_told_as_within_a_handler() -> None:
    """What `on_error` publishes is only queued: a turn within a turn would be a mistake."""
    with simulated("client") as (sim, errors):
        client = sim.app.client
        client.connect()
        client.publish_nowait("a", b"1:", 1)

        def report(exc: Exception) -> None:
            errors.append(exc)
            with pytest.raises(RuntimeError, match="inside a handler"):
                client.poll()

        client.on_error = report
        for _ in range(5):
            client.poll(10)
        assert told(errors) == [QUOTA]


def test_a_refusal_that_is_waited_for_is_raised() -> None:
    """And told to nobody else."""
    with simulated("client") as (sim, errors):
        client = sim.app.client
        client.connect()
        with pytest.raises(ReasonError) as info:
            client.publish("a", b"1:", 1)
        assert info.value.reason_code == QUOTA
        assert not errors
        assert not client.session.refused


def test_a_refusal_of_a_cancelled_publish_goes_to_on_error() -> None:
    """A handler cancels the task in the very read that brings the refusal."""
    with simulated("async") as (sim, errors):
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

        run_virtually(sim.world, main)
        assert told(errors) == [QUOTA]
        assert not client.session.refused


def test_a_refusal_is_raised_in_each_call_that_waits_for_it() -> None:
    """Two tasks wait for one message."""
    with simulated("async") as (sim, errors):
        client = sim.app.client
        ends: list[Any] = []

        async def main() -> None:
            await client.start()
            packet_id = await client.publish_nowait("b/1", b"1:", 1)
            waits = [client.wait(packet_id), client.wait(packet_id)]
            ends.extend(await asyncio.gather(*waits, return_exceptions=True))
            sim.ledger.leaves()
            await client.stop()

        run_virtually(sim.world, main)
        assert told(ends) == [QUOTA, QUOTA]
        assert not errors
        assert not client.session.refused
