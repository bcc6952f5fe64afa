"""What a publish and a received message take from the heap under asyncio, on MicroPython.

    async_alloc.py HOST PORT

prints bytes an operation and, beside it, what asyncio itself takes for the waits in it: the same
number of waits for an Event that another task sets, and of sleeps, without the library. OK when
the synchronous parts and a QoS 0 publish take nothing; the rest is what asyncio takes.
"""

import asyncio
import gc
import sys

import micropython
from umqtt_full import AsyncClient

ROUNDS = 100
PAYLOAD = b"0123456789abcdef"


def taken():
    """Bytes that the allocator was ever asked for, or that are in use."""
    if hasattr(micropython, "mem_total"):
        return micropython.mem_total()
    return gc.mem_alloc()


async def measure(operation, rounds=ROUNDS):
    """Bytes a round of `await operation()`, after some rounds to warm up."""
    for _ in range(20):
        await operation()
    gc.collect()
    gc.disable()
    before = taken()
    for _ in range(rounds):
        await operation()
    result = (taken() - before) / rounds
    gc.enable()
    return result


class Pair:
    """Two tasks: one waits for an event, the other sets it, as reader and caller do."""

    def __init__(self):
        self.event = asyncio.Event()
        self.go = asyncio.Event()
        self.task = asyncio.create_task(self.set())

    async def set(self):
        """The other task."""
        while True:
            await self.go.wait()
            self.go.clear()
            self.event.set()

    async def __call__(self):
        """One wait of each kind; half of it is one Event.wait."""
        self.go.set()
        await self.event.wait()
        self.event.clear()


async def nothing():
    """An empty coroutine."""


def synchronous(client):
    """Bytes a round of what needs no await: put, write, drop the waiter again."""
    for _ in range(20):
        step(client)
    gc.collect()
    gc.disable()
    before = taken()
    for _ in range(ROUNDS):
        step(client)
    result = (taken() - before) / ROUNDS
    gc.enable()
    return result


def step(client):
    """A QoS 0 publish, and a waiter taken and given back."""
    client._put("a/topic", PAYLOAD, 0)
    waiter = client._waiter(9, 10000)  # in one line this would make a bound method
    waiter.packet_id = 0


async def main(host, port):
    """Measure all."""
    got = [0]
    wake = asyncio.Event()

    def heard(message):
        got[0] += 1
        wake.set()

    async with AsyncClient("alloc", host, port, clean_session=True) as client:
        client.on("in", heard, 1)
        await client.subscribe("in", 1)
        empty = await measure(nothing)
        pair = Pair()
        event = (await measure(pair) - empty) / 2
        pair.task.cancel()
        ours = synchronous(client)
        print("ASYNCIO coroutine %.1f, Event.wait %.1f" % (empty, event))
        print("OURS synchronous %.1f" % ours)
        at_once = await measure(lambda: client.publish("a/topic", PAYLOAD))
        publish = []
        for qos in range(3):

            async def one(qos=qos):
                await client.publish("a/topic", PAYLOAD, qos)

            publish.append(await measure(one))

        async def receive():
            wake.clear()
            client._put("in", PAYLOAD, 0)
            await wake.wait()

        received = await measure(receive)
    print("PUBLISH 0: %.1f, 1: %.1f, 2: %.1f; RECEIVE %.1f" % tuple(publish + [received]))
    if ours or at_once:
        raise AssertionError("synchronous %.1f, QoS 0 %.1f bytes" % (ours, at_once))
    print("OK")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
