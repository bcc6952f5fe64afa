"""Arguments that are not allowed: each is a ValueError that names it, and nothing else happens.

    bad_values.py NAME HOST PORT

runs `run_NAME`, on MicroPython and CPython; the last line is OK when all came true. The broker is
an `Answering` (see `test_bad_values.py`).
"""

import asyncio
import io
import sys

from umqtt_full import AsyncClient, Client, Upload
from umqtt_full.net import ticks_ms

TIMES = (-1, "5", 1.5, 500.0, [1], 1 << 31)


def check(true, what):
    """Raise unless it is true."""
    if not true:
        raise AssertionError(what)


def refusal(what, words, call, *arguments):
    """A call raises ValueError with these words in its text."""
    try:
        call(*arguments)
    except Exception as error:
        refused(what, words, error)
    else:
        raise AssertionError("accepted: %r" % (what,))


def refused(what, words, error):
    """That is a ValueError with these words in its text, and not one of a codec."""
    check(type(error) is ValueError, "%r: %r" % (what, error))
    for word in words:
        check(word in str(error), "%r: no %r in %r" % (what, word, str(error)))


async def refusal_of(what, words, call, *arguments):
    """The same of a call that is awaited, or not."""
    try:
        result = call(*arguments)
        if hasattr(result, "send"):
            await result
    except Exception as error:
        refused(what, words, error)
    else:
        raise AssertionError("accepted: %r" % (what,))


# ------------------------------------------------------------------------ times


def timed(client, time):
    """Each call that takes a time."""
    yield "publish 0", lambda: client.publish("a", "b", 0, False, time)
    yield "publish 1", lambda: client.publish("a", "b", 1, False, time)
    yield "subscribe", lambda: client.subscribe("a", 0, time)
    yield "unsubscribe", lambda: client.unsubscribe("a", time)
    yield "wait", lambda: client.wait(1, time)


def run_times(host, port):
    """No call takes such a time; the link is as it was, and nothing was sent."""
    client = Client("c", host, port)
    client.connect()
    for time in TIMES:
        for name, call in timed(client, time):
            refusal((name, time), ("timeout_ms", "0 to"), call)
        refusal(("connect", time), ("timeout_ms", "0 to"), client.connect, time)
    for time in TIMES + (None,):
        refusal(("poll", time), ("timeout_ms", "0 to"), client.poll, time)
        check(client.connected and client.error is None, ("lost", time, client.error))
    check(not client.session.subscriptions.all, "subscribed")
    client.publish("good", "b", 1, timeout_ms=3000)
    client.disconnect()


async def async_times(host, port):
    """The same, and the ticker lives: calls still end in time."""
    client = AsyncClient("c", host, port)
    for time in TIMES:
        await refusal_of(("start", time), ("timeout_ms",), client.start, time)
    check(client._reader is None, "started")
    await client.start()
    for time in TIMES:
        for name, call in timed(client, time):
            await refusal_of((name, time), ("timeout_ms", "0 to"), call)
    check(client.connected and client.error is None, ("lost", client.error))
    start = ticks_ms()
    try:
        await client.publish("late", "b", 1, timeout_ms=50)
    except OSError:
        check(ticks_ms() - start < 250, "the ticker sleeps")
    else:
        raise AssertionError("the broker is not slow")
    await client.publish("good", "b", 1)
    await client.stop()


def run_async_times(host, port):
    """See `async_times`."""
    asyncio.run(async_times(host, port))


# ---------------------------------------------------------------------- uploads


def run_uploads(host, port):
    """What is no file, and sizes that no file has."""
    for file in ("x", None, 5, b"bytes"):
        refusal(("file", file), ("file", "readinto"), Upload, file)
    if sys.implementation.name == "cpython":  # whose text has no readinto
        refusal("text", ("file", "readinto"), Upload, io.StringIO("abc"))
    for size in (-1, "x", 1.5, 11, 100):
        refusal(("size", size), ("size must be 0 to 10",), Upload, io.BytesIO(b"0123456789"), size)
    for chunk in (0, -1, "x", None, 1.5):
        refusal(("chunk", chunk), ("chunk must be 1 to",), Upload, io.BytesIO(b"a"), None, chunk)
    file = io.BytesIO(b"0123456789")
    file.seek(4)
    refusal("behind the end", ("size must be 0 to 6",), Upload, file, 7)
    check(bytes(Upload(file, 6).begin()) == b"456789", "all the rest")
    file.seek(4)
    check(bytes(Upload(file, 0).begin()) == b"", "nothing")


if __name__ == "__main__":
    globals()["run_" + sys.argv[1]](sys.argv[2], int(sys.argv[3]))
    print("OK")
