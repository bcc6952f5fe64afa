"""What happens to an AsyncClient in a turn of its own, or within one; on MicroPython and CPython.

    async_turns.py NAME HOST PORT

runs `run_NAME`; the broker's side is in `test_async_turns.py` under the same name. The last line
is OK when all came true and nothing is left running.
"""

import asyncio
import sys

import async_ops
from async_ops import check, make, raised, until
from umqtt_full.waits import pause_ms


async def run_each_of_many_waits_is_woken(host, port):
    """A call whose answer comes in its first turn returns, whoever begins to wait after it."""
    client = make(host, port)
    answered = []

    async def answer():
        answered.append(1)
        client._feed(0)  # as the reader does

    async with client:
        first = asyncio.create_task(raised(client._until(lambda: answered, None)))
        other = asyncio.create_task(answer())
        second = asyncio.create_task(raised(client._until(lambda: False, 600)))
        error, took = await first
        check(error is None and took < 300, "%r after %d ms" % (error, took))
        error, took = await second
        check(isinstance(error, OSError) and took >= 600, "%r after %d ms" % (error, took))
        await other


if __name__ == "__main__":
    for name in dir():
        if name.startswith("run_"):
            setattr(async_ops, name, globals()[name])
    asyncio.run(async_ops.main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
