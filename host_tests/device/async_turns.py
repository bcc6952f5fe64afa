"""What happens to an AsyncClient in a turn of its own, or within one; on MicroPython and CPython.

    async_turns.py NAME HOST PORT

runs `run_NAME`; the broker's side is in `test_async_turns.py` under the same name. The last line
is OK when all came true and nothing is left running.
"""

import asyncio
import errno
import sys

import umqtt_full.messages as queues
from async_ops import check, main, make, raised, sync, until
from umqtt_full.waits import pause_ms, wait_ms


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


async def run_stop_ends_the_calls_that_wait(host, port):
    """They are told at once; a call that is made then, too."""
    client = make(host, port)
    await client.start()
    calls = (client.subscribe("q", 1), client.publish("t", b"", 1))
    tasks = [asyncio.create_task(raised(call)) for call in calls]
    await until(lambda: client._watched and client._waiters, "the calls do not wait")
    await client.stop()
    for task in tasks:
        error, took = await task
        check(isinstance(error, OSError) and error.errno == errno.ENOTCONN, repr(error))
        check(took < 2000, "it took %d ms" % took)
    error, took = await raised(client.unsubscribe("q"))
    check(isinstance(error, OSError) and error.errno == errno.ENOTCONN, repr(error))


async def run_a_start_that_was_stopped_lets_the_next_be(host, port):
    """It is told so at once, and does not close what another `start` has begun."""
    client = make(host, port)
    first = asyncio.create_task(raised(client.start(3000)))
    await until(lambda: client._stream is not None and not client._blocked, "not connected")
    sync("asked")
    await client.stop()
    await client.start(0)
    error, took = await first
    check(isinstance(error, OSError) and error.errno == errno.ENOTCONN, repr(error))
    check(took < 2500, "it took %d ms" % took)
    check(await wait_ms(client.up, 2000), "the other start does not go on")
    await client.stop()


async def run_a_handler_restarts_the_client(host, port):
    """It goes on behind `stop` and `start`, and the next message has one handler, not two."""
    client = make(host, port)
    seen, started = [], []

    async def restart(message):
        seen.append(bytes(message.payload))
        if len(seen) == 1:
            await client.stop()
            check(not client.connected and client.down.is_set(), "not down")
            await client.start()
            started.append(client.connected)

    client.on("q", restart, 1, queue=1)
    await client.start()
    await until(lambda: len(seen) == 3 and started, "the handler does not go on")
    check(started == [True] and not client.errors, client.errors)
    check(seen == [b"1", b"2", b"3"], seen)
    await client.stop()


async def run_hooks_stop_the_client(host, port):
    """Each goes on behind `stop`, and nothing else does."""
    told = []

    async def up(present):
        await client.stop()
        told.append("up")

    async def network():
        await client.stop()
        told.append("network")

    client = make(host, port)
    client.on_connect = up
    await client.start()
    await until(lambda: told == ["up"], "the hook does not go on")
    client = make(host, port, network=network)
    error, _ = await raised(client.start())
    check(isinstance(error, OSError) and error.errno == errno.ENOTCONN, repr(error))
    await until(lambda: told == ["up", "network"], "the hook does not go on")
    check(not client.errors and client._stream is None, "it has connected")


async def run_without_memory_for_a_copy_it_comes_again(host, port):
    """Not in the queue: not acknowledged, and nothing that is in it has given way."""
    client = make(host, port)
    told = []
    keep = queues.keep

    def fails(message):
        raise MemoryError("by the test")

    def down(reason):
        queues.keep = keep
        told.append((type(reason).__name__, messages.dropped, len(messages._kept)))

    await client.start()
    messages = client.messages("q", 1, 1, "drop_old")
    await until(lambda: not messages.room(), "nothing came")
    queues.keep = fails
    client.on_disconnect = down
    sync("full")
    await until(lambda: messages.dropped, "nothing came again")
    check(told == [("MemoryError", 0, 1)], told)
    check([type(error) for error in client.errors] == [MemoryError], "QoS 0 was not reported")
    message = await messages.__anext__()
    check(message.payload == b"3", message.payload)
    client.on_disconnect = None
    await client.stop()


async def run_a_handler_publishes_amid_a_burst(host, port):
    """Its acknowledgement lies behind more messages than the queue has places."""
    client = make(host, port)
    done = []

    async def answers(message):
        await client.publish("a", message.payload, 1, timeout_ms=2000)
        done.append(bytes(message.payload))

    client.on("q", answers, 1, queue=1)
    async with client:
        await until(lambda: len(done) == 6 or client.errors, "not all were answered")
    check(not client.errors and done == [b"%d" % n for n in range(1, 7)], client.errors)


async def run_a_queue_is_bounded_while_a_call_waits(host, port):
    """So many as `window` says are taken beyond its size, in order, and none is dropped."""
    client = make(host, port, window=2)
    await client.start()
    messages = client.messages("q", 1, 1)
    await until(lambda: client.session.held, "nothing is held")
    sync("held")
    call = asyncio.create_task(raised(client.publish("x", b"", 1)))
    await until(lambda: len(messages._kept) == 3, "the queue takes no more")
    await pause_ms(100)
    check(client.session.held and len(messages._kept) == 3, "it takes too much")
    sync("full")
    seen = []
    while len(seen) < 5:
        message = await messages.__anext__()
        seen.append(bytes(message.payload))
    check(seen == [b"%d" % n for n in range(1, 6)] and not messages.dropped, seen)
    error, _ = await call
    check(error is None, repr(error))
    await client.stop()


async def run_a_publish_may_be_given_to_a_task(host, port):
    """One that is over already too: to several, with a time limit, to one that is cancelled."""
    async with make(host, port) as client:
        await asyncio.create_task(client.publish("t", b"1"))
        await asyncio.gather(client.publish("t", b"2"), client.publish("t", b"3", 1))
        await asyncio.gather(client.publish("t", b"4"), client.publish("t", b"5"))
        await asyncio.wait_for(client.publish("t", b"6"), 5)
        task = asyncio.create_task(client.publish("t", b"7"))
        task.cancel()
        await pause_ms(0)
        await pause_ms(0)
        check(task.done(), "the task goes on")
        over = client.publish("t", b"8")
        check(await over is None and await over is None, "it gives something")
        await client.publish("end", b"", 1)


if __name__ == "__main__":
    asyncio.run(main(globals(), sys.argv[1], sys.argv[2], int(sys.argv[3])))
