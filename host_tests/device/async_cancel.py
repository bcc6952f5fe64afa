"""Cancels every operation of AsyncClient at each of its awaits, on MicroPython and CPython.

    async_cancel.py NAME HOST PORT

The broker is `answering.py`. What a publish has accepted is printed as ACCEPTED; the test
compares that with what the broker got. The client must be usable after each cancellation.
"""

import asyncio
import sys

from driver_async import left_behind
from umqtt_full import AsyncClient
from umqtt_full.net import ticks_ms
from umqtt_full.waits import pause_ms

MOST = 40  # turns of the loop before a cancellation
counter = [0]


def next_payload():
    """A payload that nothing else has."""
    counter[0] += 1
    return b"%d" % counter[0]


class Publish:
    """A publish at some QoS."""

    def __init__(self, qos):
        self.qos = qos

    async def __call__(self, client):
        payload = next_payload()
        await client.publish("t", payload, self.qos)

    def accepted(self, turns, cancelled):
        """Before its first turn nothing is accepted; QoS 0 and connected: everything after."""
        return turns > 0 or not cancelled


class PublishNowait(Publish):
    """A publish that does not wait, and its wait."""

    async def __call__(self, client):
        payload = next_payload()
        await client.wait(await client.publish_nowait("t", payload, self.qos))


class PublishFull(Publish):
    """A publish into an outbox that is full: what is cancelled there may not be accepted."""

    async def __call__(self, client):
        print("TRIED", client.filling)
        for _ in range(4):
            payload = b"%d " % (counter[0] + 1) + b"x" * 60
            try:
                await client.publish_nowait("t", payload, self.qos)
            except asyncio.CancelledError:
                raise
            print("ACCEPTED", next_payload().decode())

    def accepted(self, turns, cancelled):
        """It says so itself."""
        return False


async def subscribe(client):
    """A subscription, taken back."""
    await client.subscribe([("s/%d" % n, 1) for n in range(3)])


async def unsubscribe(client):
    """The end of subscriptions."""
    await client.unsubscribe(["s/%d" % n for n in range(3)])


async def iterate(client):
    """Messages that never come."""
    async for message in client.endless:
        raise ValueError(message)


async def until_up(client):
    """The event."""
    client.up.clear()
    try:
        await client.up.wait()
    finally:
        client.up.set()


OPERATIONS = {
    "publish_0": Publish(0),
    "publish_1": Publish(1),
    "publish_2": Publish(2),
    "nowait_1": PublishNowait(1),
    "nowait_2": PublishNowait(2),
    "full_1": PublishFull(1),
    "full_2": PublishFull(2),
    "subscribe": subscribe,
    "unsubscribe": unsubscribe,
    "messages": iterate,
}


async def cancelled_after(task, turns):
    """Cancel a task after so many turns; whether it was cancelled before its end."""
    for _ in range(turns):
        await asyncio.sleep(0)
    if task.done():
        await task
        return False
    task.cancel()
    start = ticks_ms()
    while not task.done():
        if ticks_ms() - start > 3000:
            raise AssertionError("the cancellation had no effect after %d turns" % turns)
        await pause_ms(1)
    try:
        await task
    except asyncio.CancelledError:
        return True
    return False


async def usable(client):
    """Everything goes on as if nothing had been."""
    await client.publish("end", b"", 1, timeout_ms=3000)
    await client.subscribe("other", 1, timeout_ms=3000)
    await client.unsubscribe("other", timeout_ms=3000)


async def run_operation(name, host, port):
    """One operation, cancelled after each number of turns."""
    operation = OPERATIONS[name]
    size = 160 if name.startswith("full") else 1024
    async with AsyncClient("c", host, port, tx_size=size, backoff_ms=50) as client:
        client.filling = size
        if name == "messages":
            client.endless = client.messages("never", 1, 1)
        cancellations = 0
        for turns in range(MOST):
            task = asyncio.create_task(operation(client))
            cancelled = await cancelled_after(task, turns)
            cancellations += cancelled
            if hasattr(operation, "accepted") and operation.accepted(turns, cancelled):
                print("ACCEPTED", counter[0])
            if turns % 4 == 0:
                await usable(client)
            await pause_ms(turns % 3)
        await usable(client)
        start = ticks_ms()
        while client.session.outbox.first(99) >= 0 and ticks_ms() - start < 5000:
            await pause_ms(5)
        for _ in range(200):
            if not client.session.released.n and not any_pending(client):
                break
            await pause_ms(10)
        print("CANCELLED", cancellations)


def any_pending(client):
    """Whether a message is not acknowledged yet."""
    return any(client.pending(i) for i in range(1, 400))


async def run_start(host, port):
    """`start` is cancelled; the client is stopped then and may be started again."""
    for turns in range(MOST):
        client = AsyncClient("c", host, port, backoff_ms=50)
        await cancelled_after(asyncio.create_task(client.start()), turns)
        await client.start(3000)
        await usable(client)
        await client.stop()


async def run_stop(host, port):
    """`stop` is cancelled; the next one ends what is left."""
    for turns in range(MOST):
        client = AsyncClient("c", host, port, backoff_ms=50)
        await client.start(3000)
        await cancelled_after(asyncio.create_task(client.stop()), turns)
        await client.stop()
        if turns % 4 == 0:
            await client.start(3000)
            await usable(client)
            await client.stop()


async def run_async_with(host, port):
    """The task inside `async with` is cancelled: DISCONNECT is sent, nothing is left."""

    async def body():
        async with AsyncClient("c", host, port, backoff_ms=50) as client:
            await client.subscribe("s", 1)
            async for message in client.messages("never"):
                raise ValueError(message)

    for turns in range(MOST):
        await cancelled_after(asyncio.create_task(body()), turns)


async def run_at_once(host, port):
    """A wait that is cancelled just when what it waits for comes."""
    async with AsyncClient("c", host, port) as client:
        for what in ("subscribe", "publish"):
            swallowed = 0
            for _ in range(30):
                if what == "subscribe":
                    call = client.subscribe("s", 1)
                else:
                    call = client.publish("t", b"x", 1)
                task = asyncio.create_task(rest(call))
                await asyncio.sleep(0)
                feed = client._feed

                def feeding(n, task=task, feed=feed):
                    feed(n)
                    task.cancel()

                client._feed = feeding
                while not task.done():
                    await pause_ms(1)
                client._feed = feed
                try:
                    swallowed += await task
                except asyncio.CancelledError:
                    continue
            print("SWALLOWED", what, swallowed)
            if swallowed:
                raise AssertionError("%d cancellations of %s were lost" % (swallowed, what))


async def rest(call):
    """A task that waits on after its call; 1 if a cancellation never came."""
    await call
    await pause_ms(30)
    return 1


async def main(name, host, port):
    """One test; then nothing may be left running."""
    if name in OPERATIONS:
        await run_operation(name, host, port)
    else:
        await globals()["run_" + name](host, port)
    for _ in range(100):
        if not left_behind():
            break
        await pause_ms(10)
    if left_behind():
        raise AssertionError("%d tasks are left behind" % left_behind())
    print("OK")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
