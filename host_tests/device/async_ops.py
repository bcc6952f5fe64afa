"""What AsyncClient promises beyond `Client`, on MicroPython and CPython.

    async_ops.py NAME HOST PORT

runs `run_NAME`; the broker's side is in `test_async.py` under the same name. The last line is OK
when all came true and nothing is left running.
"""

import asyncio
import sys

from driver_async import left_behind
from umqtt_full import AsyncClient, LimitError, ReasonError
from umqtt_full.net import ticks_ms
from umqtt_full.waits import pause_ms, wait_ms

OPTIONS = {"backoff_ms": 50, "backoff_max_ms": 200, "timeout_ms": 4000}


def check(true, what):
    """Raise unless it is true."""
    if not true:
        raise AssertionError(what)


def make(host, port, **options):
    """A client that reports what its handlers raise into `errors`."""
    values = dict(OPTIONS)
    values.update(options)
    client = AsyncClient("c", host, port, **values)
    client.errors = []
    client.on_error = client.errors.append
    return client


def sync(tag):
    """Meet the broker at its step of that name; the loop stands still meanwhile."""
    print("SYNC", tag)
    if hasattr(sys.stdout, "flush"):
        sys.stdout.flush()
    sys.stdin.readline()


async def until(condition, what, ms=3000):
    """Wait for a condition."""
    start = ticks_ms()
    while not condition():
        check(ticks_ms() - start < ms, what)
        await pause_ms(3)


async def raised(call):
    """What a call raises, and how many ms it took."""
    start = ticks_ms()
    try:
        await call
    except Exception as error:
        return error, ticks_ms() - start
    return None, ticks_ms() - start


async def run_queue_of_one_holds_one(host, port):
    """The second message is neither taken nor acknowledged before the first is gone."""
    async with make(host, port) as client:
        messages = client.messages("q", 1, 1)
        await until(lambda: not messages.room(), "nothing came")
        await pause_ms(400)
        check(messages.dropped == 0, "a message was dropped")
        sync("full")
        seen = []
        async for message in messages:
            seen.append(bytes(message.payload))
            if len(seen) == 3:
                break
        check(seen == [b"1", b"2", b"3"], seen)
        await client.publish("end", b"", 1)


async def overflow(host, port, policy, expected):
    """A queue of 2 that gets 5 messages before anybody looks."""
    async with make(host, port) as client:
        messages = client.messages("q", 1, 2, policy)
        await until(lambda: messages.dropped == 3, "dropped %d" % messages.dropped)
        first = await messages.__anext__()
        second = await messages.__anext__()
        check([bytes(first.payload), bytes(second.payload)] == expected, "other messages")
        check(first.topic == "q" and first.qos == 1, "not the message")
        sync("read")
        third = await messages.__anext__()
        check(bytes(third.payload) == b"6", "the queue does not go on")


async def run_overflow_drop_new(host, port):
    """What comes later is dropped and counted."""
    await overflow(host, port, "drop_new", [b"1", b"2"])


async def run_overflow_drop_old(host, port):
    """What came first is dropped and counted."""
    await overflow(host, port, "drop_old", [b"4", b"5"])


async def run_qos_2_waits_for_its_owner(host, port):
    """PUBREC is sent when there is room for the message."""
    async with make(host, port) as client:
        messages = client.messages("q", 2, 1)
        await until(lambda: not messages.room(), "nothing came")
        sync("full")
        seen = []
        while len(seen) < 2:
            message = await messages.__anext__()
            seen.append(bytes(message.payload))
        check(seen == [b"1", b"2"], seen)
        await client.publish("end", b"", 1)


async def run_slow_handler_lets_pings_go_on(host, port):
    """A handler that takes 4 s at a keep alive of 1 s, with a full queue behind it."""
    client = make(host, port, keep_alive=1)
    done = []

    async def slow(message):
        await pause_ms(4000 if not done else 0)
        done.append(bytes(message.payload))

    client.on("q", slow, 1, queue=1)
    async with client:
        await until(lambda: len(done) == 4, "the handler does not go on", 9000)
        check(client.connected and client.error is None, "the link was lost")
    check(done == [b"1", b"2", b"3", b"4"], done)


async def run_async_handlers_report(host, port):
    """What a handler raises goes to on_error, and the connection stays."""
    client = make(host, port)
    seen = []

    async def fails(message):
        await pause_ms(1)
        seen.append("async")
        raise ValueError("by the test")

    def memory(message):
        seen.append("memory")
        raise MemoryError("by the test")

    async def memory_later(message):
        seen.append("memory later")
        raise MemoryError("by the test")

    client.on("a", fails, 1, queue=4)  # in a closure MicroPython cannot tell that it is async
    client.on("b", memory, 1)
    client.on("c", memory_later, 1, queue=4)
    async with client:
        await until(lambda: len(seen) == 6, "not all handlers ran")
        await until(lambda: len(client.errors) == 6, "errors: %r" % client.errors)
        check(client.connected and client.error is None, "the link was lost")
        await client.publish("end", b"", 1)


async def run_hooks_plain_and_async(host, port):
    """on_connect and on_disconnect, plain and async, and the events."""
    client = make(host, port)
    told = []

    async def up(present):
        await pause_ms(5)
        told.append(("up", present))
        await client.publish("hello", b"", 1)

    async def down(reason):
        told.append(("down", type(reason).__name__))

    client.on_connect = lambda present: told.append(("connect", present))
    client.on_disconnect = lambda e: told.append(("disconnect", isinstance(e, OSError)))
    check(client.down.is_set() and not client.up.is_set(), "up before start")
    async with client:
        check(client.up.is_set() and not client.down.is_set(), "not up")
        sync("cut")
        await client.down.wait()
        check(told == [("connect", False), ("disconnect", True)], told)
        client.on_connect, client.on_disconnect = up, down
        await client.up.wait()
        await until(lambda: ("up", True) in told, "the async hook was not run")
        sync("done")
    await until(
        lambda: ("down", "NoneType") in told, "told: %r, errors: %r" % (told, client.errors)
    )
    check(client.down.is_set() and not client.up.is_set(), "up after stop")


async def run_refused_filter_reaches_the_caller(host, port):
    """SUBACK 0x80: ReasonError for one filter, a list for several; the link stays."""
    async with make(host, port) as client:
        error, _ = await raised(client.subscribe("no", 1))
        check(isinstance(error, ReasonError) and error.reason_code == 0x80, repr(error))
        codes = await client.subscribe([("a", 1), ("neither", 1)])
        check(codes == [1, 0x80], "returned %r" % codes)
        check(client.connected and not client.errors, client.errors)


async def run_start_fails_in_time(host, port):
    """Refused by the broker, nobody there, no name: told by `start`, and stopped."""
    client = make(host, port)
    error, took = await raised(client.start(3000))
    check(isinstance(error, ReasonError) and error.reason_code == 5, repr(error))
    check(took < 2000, "a refusal took %d ms" % took)

    client = make(host, 1)
    error, took = await raised(client.start(600))
    check(isinstance(error, OSError), repr(error))
    check(550 <= took < 2500, "nobody there: %d ms" % took)

    def no_name(host, port):
        raise OSError(-2, "by the test")

    client = make(host, port, dial=no_name)
    error, took = await raised(client.start(600))
    check(isinstance(error, OSError) and error.errno == -2, repr(error))
    check(550 <= took < 2500, "no name: %d ms" % took)
    check(not client.connected and client._reader is None, "not stopped")


async def run_start_with_0_goes_on_trying(host, port):
    """It returns at once; the connection comes when the broker does."""
    client = make(host, port)
    error, took = await raised(client.start(0))
    check(error is None and took < 100, "%r after %d ms" % (error, took))
    check(not client.connected, "connected too early")
    sync("listen")
    check(await wait_ms(client.up, 4000), "it gave up")
    await client.stop()


async def run_stop_says_disconnect_last(host, port):
    """What is queued is written, then DISCONNECT, then nothing."""
    client = make(host, port)
    await client.start()
    for n in range(5):
        await client.publish_nowait("t", b"%d" % n, 1)
    start = ticks_ms()
    await client.stop()
    check(ticks_ms() - start < 1500, "stop took %d ms" % (ticks_ms() - start))
    check(not client.connected and client.down.is_set(), "not down")
    await client.stop()
    await client.close()


async def run_offline_wait(host, port):
    """`full="wait"`: a publish waits for room, up to its time; QoS 0 is dropped and counted."""
    client = make(host, port, tx_size=256)
    await client.start()
    sync("cut")
    await client.down.wait()
    check(await client.publish_nowait("t", b"zero", 0) == 0, "an id for QoS 0")
    await client.publish("t", b"zero", 0)
    check(client.dropped == 2, "dropped %d" % client.dropped)
    queued = 0
    while await client_takes(client, b"%d " % (queued + 1) + b"x" * 60):
        queued += 1
    check(queued >= 2, "only %d fit" % queued)
    error, took = await raised(client.publish("t", b"x" * 60, 1, timeout_ms=300))
    check(isinstance(error, LimitError) and 250 <= took < 2000, "%r, %d ms" % (error, took))
    waiting = asyncio.create_task(client.publish("t", b"%d " % (queued + 1) + b"x" * 60, 1))
    await pause_ms(50)
    print("QUEUED", queued + 1)
    sync("listen")
    await client.up.wait()
    await waiting
    check(client.dropped == 2, "dropped %d" % client.dropped)
    await client.stop()


async def client_takes(client, payload):
    """Whether a QoS 1 message fits now."""
    client.full, policy = "raise", client.full
    error, _ = await raised(client.publish_nowait("t", payload, 1))
    client.full = policy
    check(error is None or isinstance(error, LimitError), repr(error))
    return error is None


async def run_offline_raise(host, port):
    """`full="raise"`: LimitError at once."""
    client = make(host, port, tx_size=256, full="raise")
    await client.start()
    sync("cut")
    await client.down.wait()
    queued = 0
    error = None
    while error is None:
        error, took = await raised(
            client.publish_nowait("t", b"%d " % (queued + 1) + b"x" * 60, 1)
        )
        queued += error is None
    check(isinstance(error, LimitError) and took < 200, "%r, %d ms" % (error, took))
    print("QUEUED", queued)
    sync("listen")
    await client.up.wait()
    await pause_ms(300)
    await client.stop()


async def run_offline_drop_behind_one_in_flight(host, port):
    """The oldest of those that were never sent: what may have arrived is kept."""
    await run_offline_drop(host, port, True)


async def run_offline_drop(host, port, in_flight=False):
    """`full="drop"`: the oldest go, counted; who waits for one of them is told."""
    client = make(host, port, tx_size=256, full="drop")
    await client.start()
    if in_flight:
        await client.publish_nowait("t", b"sent", 1)
    sync("cut")
    await client.down.wait()
    first = asyncio.create_task(client.publish("t", b"0 " + b"x" * 60, 1))
    await pause_ms(5)
    for n in range(1, 10):
        await client.publish_nowait("t", b"%d " % n + b"x" * 60, 1)
    error, took = await raised(first)
    check(isinstance(error, LimitError) and took < 500, "%r, %d ms" % (error, took))
    check(client.dropped >= 5, "dropped %d" % client.dropped)
    print("DROPPED", client.dropped)
    sync("listen")
    await client.up.wait()
    await pause_ms(300)
    await client.stop()


async def run_offline_keep(host, port):
    """`keep=True`: QoS 0 waits for the connection, in order with the rest."""
    client = make(host, port, keep=True)
    await client.start()
    sync("cut")
    await client.down.wait()
    await client.publish("t", b"1", 0)
    await client.publish_nowait("t", b"2", 1)
    await client.publish("t", b"3", 0)
    sync("listen")
    await client.up.wait()
    await pause_ms(200)
    check(client.dropped == 0, "dropped %d" % client.dropped)
    await client.stop()


async def run_plain_handlers_publish_with_enqueue(host, port):
    """A plain handler cannot await; when the outbox is full it is told, or the oldest give way."""
    client = make(host, port, keep_alive=0, tx_size=256)
    ids = []
    client.on("q", lambda m: ids.append(client.enqueue("answer", b"1", 1)), 1)
    await client.start()
    await until(lambda: ids, "no message")
    await client.wait(ids[0])
    await client.close()
    queued = 0
    try:
        while queued < 100:
            client.enqueue("t", b"x" * 60, 1)
            queued += 1
    except LimitError:
        check(0 < queued < 5, "%d in 256 bytes" % queued)
    check(queued < 100, "no LimitError")
    client.full = "drop"
    last = client.enqueue("t", b"y" * 60, 1)
    check(0 < client.dropped < 3 and client.pending(last), "dropped %d" % client.dropped)


async def run_on_while_connected_subscribes_at_once(host, port):
    """A plain handler that is added later is subscribed without waiting for anything else."""
    async with make(host, port, keep_alive=0) as client:
        seen = []
        client.on("q", lambda m: seen.append(bytes(m.payload)), 1)
        await until(lambda: seen, "not subscribed")


async def run_qos_0_returns_when_written(host, port):
    """A long QoS 0 publish returns when the last byte is out, not at its timeout."""
    async with make(host, port, tx_size=256) as client:
        task = asyncio.create_task(client.publish("t", b"x" * 3000000, 0, timeout_ms=4000))
        await pause_ms(200)
        sync("read")
        error, took = await raised(task)
        check(error is None, repr(error))
        check(took < 3000, "it took %d ms" % took)


async def main(tests, name, host, port):
    """One of the tests, which are named `run_…`; then nothing may be left running."""
    await tests["run_" + name](host, port)
    for _ in range(100):
        if not left_behind():
            break
        await pause_ms(10)
    check(not left_behind(), "%d tasks are left behind" % left_behind())
    print("OK")


if __name__ == "__main__":
    asyncio.run(main(globals(), sys.argv[1], sys.argv[2], int(sys.argv[3])))
