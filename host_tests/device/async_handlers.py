"""How handlers and queues of AsyncClient come and go, on MicroPython and CPython.

    async_handlers.py NAME HOST PORT

runs `run_NAME`; the broker's side is in `test_async_handlers.py` under the same name. The last
line is OK when all came true and nothing is left running.
"""

import asyncio
import sys

from async_ops import check, main, make, raised, sync, until
from driver_async import left_behind
from umqtt_full import ReasonError
from umqtt_full.waits import pause_ms


async def full(client):
    """A queue of one that is full, with a message behind it that is held."""
    messages = client.messages("q", 1, 1)
    await until(lambda: client.session.held, "no message is held")
    sync("full")
    return messages


async def run_unsubscribed_with_a_full_queue(host, port):
    """Nobody will make room: what is held goes on, and so does the client."""
    async with make(host, port) as client:
        other = []
        client.on_message = lambda m: other.append(bytes(m.payload))
        messages = await full(client)
        await client.unsubscribe("q")
        await until(lambda: other == [b"2"], "on_message got %r" % other)
        check(client.session.subscriptions.gates == 0, "a gate is left")
        await client.publish("end", b"", 1)
        first = await messages.__anext__()
        check(bytes(first.payload) == b"1", "what was in the queue is lost")


async def run_plain_handler_behind_a_full_queue(host, port):
    """The new handler gets what is held."""
    async with make(host, port) as client:
        seen = []
        await full(client)
        client.on("q", lambda m: seen.append(bytes(m.payload)), 1)
        await until(lambda: seen == [b"2"], "the handler got %r" % seen)
        check(client.session.subscriptions.gates == 0, "a gate is left")
        await client.publish("end", b"", 1)


async def run_dropping_queue_behind_a_full_queue(host, port):
    """The new queue gets what is held, and never waits itself."""
    async with make(host, port) as client:
        await full(client)
        messages = client.messages("q", 1, 1, "drop_old")
        message = await messages.__anext__()
        check(bytes(message.payload) == b"2", "another message")
        check(client.session.subscriptions.gates == 0, "a gate is left")
        await client.publish("end", b"", 1)


async def run_waiting_queue_behind_a_full_queue(host, port):
    """The new queue gets what is held, and waits itself: one gate."""
    async with make(host, port) as client:
        await full(client)
        messages = client.messages("q", 1, 1)
        await until(lambda: not messages.room(), "nothing came")
        check(client.session.subscriptions.gates == 1, "not one gate")
        await client.publish("end", b"", 1)


async def run_subscribed_again_before_unsuback(host, port):
    """The queue went with its handler: nothing is put into it, nobody waits for it."""
    async with make(host, port) as client:
        other = []
        client.on_message = lambda m: other.append(bytes(m.payload))
        messages = await full(client)
        task = asyncio.create_task(raised(client.unsubscribe("q", 100)))  # overtaken, it ends late
        await pause_ms(0)
        await client.subscribe("q", 1)
        await task
        await until(lambda: other == [b"2", b"3"], "on_message got %r" % other)
        check(messages.dropped == 0 and not messages.room(), "the queue got something")
        await client.publish("end", b"", 1)


async def run_handlers_that_go_leave_nothing(host, port):
    """A handler for each question, as programs do that ask and get an answer."""

    async def handler(message):
        """It gets nothing."""

    async with make(host, port) as client:
        before = left_behind()
        for turn in range(6):
            client.on("q", handler, 1, queue=1)
            if turn % 2:
                client.on("q", handler, 1, queue=1)
            if turn % 3 == 2:
                client.on("q", lambda m: None, 1)
            await pause_ms(0)
            await client.unsubscribe("q")
        await client.publish("end", b"", 1)
        await until(lambda: left_behind() == before, "%d tasks are left" % left_behind())
        check(client.session.subscriptions.gates == 0, "gates are left")
        check(len(client._workers) < 3, "%d workers" % len(client._workers))


async def run_handler_is_cancelled_with_its_filter(host, port):
    """It waits for something when its filter goes; what is in its queue goes too."""
    async with make(host, port) as client:
        seen, ended = [], []

        async def handler(message):
            seen.append(bytes(message.payload))
            try:
                await pause_ms(60000)
            finally:
                ended.append(True)

        client.on("q", handler, 1, queue=1)
        queue = client.session.subscriptions.all[0].queue
        await until(lambda: seen and len(queue._kept) == 1, "a second one does not wait")
        await client.unsubscribe("q")
        await until(lambda: ended, "the handler goes on")
        await client.publish("end", b"", 1)
        check(seen == [b"1"] and not client.errors, "%r, %r" % (seen, client.errors))


async def run_handler_that_unsubscribes_goes_on_to_its_end(host, port):
    """It is not cancelled by itself, and gets no further message."""
    async with make(host, port) as client:
        before = left_behind()
        seen, ended = [], []

        async def handler(message):
            seen.append(bytes(message.payload))
            await client.unsubscribe("q")
            await pause_ms(5)
            ended.append(True)

        client.on("q", handler, 1, queue=4)
        await until(lambda: ended, "the handler did not end: %r" % client.errors)
        await client.publish("end", b"", 1)
        await until(lambda: left_behind() == before, "%d tasks are left" % left_behind())
        check(seen == [b"1"] and not client.errors, "%r, %r" % (seen, client.errors))


async def run_handler_that_replaces_itself_goes_on_to_its_end(host, port):
    """The next message is the next handler's."""
    async with make(host, port) as client:
        seen, ended = [], []

        async def second(message):
            seen.append(b"second " + bytes(message.payload))

        async def first(message):
            seen.append(b"first " + bytes(message.payload))
            client.on("q", second, 1, queue=1)
            await pause_ms(5)
            ended.append(True)

        client.on("q", first, 1, queue=1)
        await until(lambda: len(seen) == 2 and ended, "got %r, %r" % (seen, client.errors))
        await client.publish("end", b"", 1)
        check(seen == [b"first 1", b"second 2"] and not client.errors, seen)


async def run_handlers_work_again_after_a_restart(host, port):
    """One worker each, also of handlers that came while the client was stopped."""
    client = make(host, port)
    seen = []

    async def handler(message):
        seen.append(bytes(message.payload))

    client.on("q", handler, 1, queue=1)
    await client.start()
    await until(lambda: seen == [b"1"], "got %r" % seen)
    await client.stop()
    client.on("q", handler, 1, queue=1)
    await client.start()
    await until(lambda: seen == [b"1", b"2"], "got %r" % seen)
    check(len(client._workers) == 1, "%d workers" % len(client._workers))
    await client.stop()


async def run_refusal_is_told_once_to_who_still_waits(host, port):
    """Two calls wait for one filter, and one of them not long enough."""
    async with make(host, port) as client:
        short = asyncio.create_task(raised(client.subscribe("q", 1, 50)))
        long = asyncio.create_task(raised(client.subscribe("q", 1)))
        error, _ = await short
        check(isinstance(error, OSError), repr(error))
        sync("one")
        error, _ = await long
        check(isinstance(error, ReasonError), repr(error))
        check(not client.errors, client.errors)


async def run_kept_qos_0_that_is_refused_is_told(host, port):
    """Nobody waits for it, though somebody has waited for another message before."""
    client = make(host, port, version=5, keep=True)
    async with client:
        await client.publish("first", b"", 1)
        sync("cut")
        await client.down.wait()
        await client.publish("status", b"x", 0, True)
        sync("listen")
        await client.up.wait()
        await until(lambda: client.errors, "nothing was told")
        check(client.errors[0].reason_code == 0x9A, client.errors)
        check(not client.session.refused, client.session.refused)


async def run_on_error_may_meet_a_dead_link(host, port):
    """A refusal is told within the reader; what `on_error` writes then finds the link dead."""
    client = make(host, port, version=5)

    def report(error):
        sync("told")
        sync("cut")
        client.enqueue("log", str(error), 1)

    client.on_error = report
    async with client:
        await client.publish_nowait("t", b"1", 1)
        await client.down.wait()
        await client.up.wait()
        await client.publish("end", b"", 1)


async def forever():
    """For a task; MicroPython's `sleep_ms` itself cannot be one."""
    await pause_ms(60000)


async def cancelled_job():
    """Wait for something that was cancelled meanwhile."""
    job = asyncio.create_task(forever())
    await pause_ms(0)
    job.cancel()
    await job


def kinds(errors):
    """What was reported."""
    return [type(error).__name__ for error in errors]


async def run_handler_may_meet_a_cancelled_job(host, port):
    """Its CancelledError is reported as any other error, and the next message is handled."""
    async with make(host, port) as client:
        seen = []

        async def handler(message):
            seen.append(bytes(message.payload))
            await cancelled_job()

        client.on("q", handler, 1, queue=1)
        await until(lambda: len(client.errors) == 3, "got %r" % seen)
        check(seen == [b"1", b"2", b"3"], seen)
        check(kinds(client.errors) == ["CancelledError"] * 3, client.errors)
        await client.publish("end", b"", 1)


async def run_what_async_hooks_raise_is_reported(host, port):
    """As what plain hooks raise is."""
    client = make(host, port)

    async def up(present):
        await pause_ms(1)
        raise ValueError("by the test")

    async def down(error):
        await cancelled_job()

    client.on_connect, client.on_disconnect = up, down
    async with client:
        await until(lambda: kinds(client.errors) == ["ValueError"], "nothing reported")
        await client.publish("end", b"", 1)
    await until(
        lambda: kinds(client.errors) == ["ValueError", "CancelledError"], "not all reported"
    )


async def stopped_in_a_handler(client, seen):
    """Start a client, and stop it while its handler is at the first of three messages."""
    await client.start()
    queue = client.session.subscriptions.all[0].queue
    await until(lambda: seen and not queue.room() and client.session.held, "got %r" % seen)
    await client.stop()
    await pause_ms(20)
    check(seen == [b"1"] and not client.errors, "%r, %r" % (seen, client.errors))


async def run_handler_ends_with_the_client(host, port):
    """It is cancelled where it waits; that is nothing to be reported."""
    client = make(host, port)
    seen, ended = [], []

    async def handler(message):
        seen.append(bytes(message.payload))
        try:
            await pause_ms(60000)
        finally:
            ended.append(True)

    client.on("q", handler, 1, queue=1)
    await stopped_in_a_handler(client, seen)
    check(ended, "the handler goes on")


async def run_handler_that_bears_its_end_gets_no_more(host, port):
    """It takes the cancellation for something else."""
    client = make(host, port)
    seen = []

    async def handler(message):
        seen.append(bytes(message.payload))
        try:
            await pause_ms(60000)
        except asyncio.CancelledError:
            return

    client.on("q", handler, 1, queue=1)
    await stopped_in_a_handler(client, seen)


async def run_handler_may_stop_the_client(host, port):
    """It goes on to its end, and gets no more."""
    client = make(host, port)
    seen, ended = [], []

    async def handler(message):
        seen.append(bytes(message.payload))
        await client.stop()
        await pause_ms(5)
        ended.append(True)

    client.on("q", handler, 1, queue=2)
    await client.start()
    await until(lambda: ended, "the handler did not end: %r" % client.errors)
    check(seen == [b"1"] and not client.errors, "%r, %r" % (seen, client.errors))


async def run_network_may_close_the_client(host, port):
    """Nothing is dialled after that."""
    calls = []

    async def network():
        calls.append(True)
        await client.close()

    client = make(host, port, network=network)
    await client.start(0)
    await until(lambda: calls and client._reader is None, "not closed")
    await pause_ms(50)
    check(len(calls) == 1 and client._stream is None, "the client goes on")


if __name__ == "__main__":
    asyncio.run(main(globals(), sys.argv[1], sys.argv[2], int(sys.argv[3])))
