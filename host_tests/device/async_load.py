"""AsyncClient for long, or by many tasks; on MicroPython and CPython.

async_load.py NAME HOST PORT [PREFIX]
"""

import asyncio
import gc
import sys

from driver_async import MICROPYTHON, left_behind
from umqtt_full import AsyncClient
from umqtt_full.net import ticks_ms
from umqtt_full.waits import pause_ms

TASKS = 50
EACH = 4


def sync(tag):
    """Tell the test, and go on."""
    print("SYNC", tag)
    if hasattr(sys.stdout, "flush"):
        sys.stdout.flush()


def check(true, what):
    """Raise unless it is true."""
    if not true:
        raise AssertionError(what)


async def run_fifty_tasks(host, port, prefix):
    """50 tasks publish at QoS 2 while the broker is killed and started again."""
    client = AsyncClient(
        prefix, host, port, backoff_ms=100, backoff_max_ms=500, tx_size=2048, timeout_ms=40000
    )
    finished = []

    async def publishes(number):
        for n in range(EACH):
            await client.publish(prefix + "/n", b"%d" % (number * EACH + n), 2)
            await pause_ms(100)
        finished.append(number)

    async with client:
        tasks = [asyncio.create_task(publishes(number)) for number in range(TASKS)]
        await pause_ms(60)
        sync("kill")
        for task in tasks:
            await task
        check(len(finished) == TASKS, finished)
        check(client.dropped == 0, client.dropped)


async def run_many_connections(host, port, prefix):
    """The link is lost 100 times: neither heap nor tasks grow."""
    ups = []
    client = AsyncClient("c", host, port, backoff_ms=1, backoff_max_ms=2, tx_size=512)
    client.on_connect = lambda present: ups.append(0) if len(ups) < 10000 else None
    client.on("s", lambda m: None, 1)

    async def later(message):
        pass

    client.on("t", later, 1, queue=2)
    sizes, tasks = [], []

    async def publishes():
        while True:
            await client.publish_nowait("x", b"y", 1)
            await pause_ms(3)
            if client.session.outbox.first(99) >= 0:
                await pause_ms(3)

    async with client:
        task = asyncio.create_task(publishes())
        for target in range(20, 121, 20):
            while len(ups) < target:
                await pause_ms(5)
            gc.collect()
            tasks.append(left_behind())
            if MICROPYTHON:
                gc.collect()
                sizes.append(gc.mem_alloc())
        task.cancel()
    print("SIZES", sizes, "TASKS", tasks)
    check(MICROPYTHON or max(tasks[1:]) - min(tasks[1:]) <= 2, "tasks: %r" % tasks)
    if MICROPYTHON:
        check(max(sizes[2:]) - sizes[1] < 1500, "sizes: %r" % sizes)


class Turns:
    """Counts how often the loop wakes."""

    def __init__(self):
        self.count = 0
        if MICROPYTHON:
            queue = asyncio.core._io_queue
            wait = queue.wait_io_event

            def counting(dt):
                self.count += 1
                return wait(dt)

            queue.wait_io_event = counting
        else:
            selector = asyncio.get_running_loop()._selector
            select = selector.select

            def counting(timeout=None):
                self.count += 1
                return select(timeout)

            selector.select = counting

    async def per_second(self, ms):
        """Wake-ups a second over so long, without the one of this sleep."""
        start, before = ticks_ms(), self.count
        await pause_ms(ms)
        return (self.count - before - 1) * 1000 / (ticks_ms() - start)


async def run_wake_ups(host, port, prefix):
    """Idle, the loop sleeps; under load it wakes a few times for each message."""
    turns = Turns()
    async with AsyncClient("c", host, port, keep_alive=60) as client:
        await pause_ms(100)
        idle = await turns.per_second(4000)
        await client.publish("x", b"y", 1)
        start, before, count = ticks_ms(), turns.count, 0
        while ticks_ms() - start < 1000:
            await client.publish("x", b"y", 1)
            count += 1
        load = (turns.count - before) / count
    print("WAKE idle %.2f/s, %.2f a QoS 1 publish, %d publishes/s" % (idle, load, count))
    check(idle <= 1, "%.2f wake-ups a second when idle" % idle)
    check(load < 6, "%.2f wake-ups a publish" % load)


async def main(name, host, port, prefix):
    """One test; then nothing may be left running."""
    await globals()["run_" + name](host, port, prefix)
    for _ in range(100):
        if not left_behind():
            break
        await pause_ms(10)
    check(not left_behind(), "%d tasks are left behind" % left_behind())
    print("OK")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), (sys.argv + ["c"])[4]))
