"""Arguments that are not allowed: each is a ValueError that names it, and nothing else happens.

    bad_values.py NAME HOST PORT

runs `run_NAME`, on MicroPython and CPython; the last line is OK when all came true. The broker is
an `Answering` (see `test_bad_values.py`).
"""

import asyncio
import io
import sys
from array import array

from umqtt_full import AsyncClient, Client, Store, Upload, Will
from umqtt_full.net import ticks_ms

CPYTHON = sys.implementation.name == "cpython"
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


# ---------------------------------------------------------------------- clients

MILLISECONDS = (-1, "5", 1.5, 1 << 31)
CLIENTS = (  # argument, what it may not be, what the text says
    ("host", (None, "", 5, True, b""), "a name or an address"),
    ("port", (-1, 65536, "1883", 1.5), "0 to 65535"),
    ("version", (3, "5", None, True, 4.0), "4 (MQTT 3.1.1) or 5"),
    ("timeout_ms", MILLISECONDS + (None,), "0 to 1073741823"),
    ("connect_timeout_ms", MILLISECONDS + (0,), "1 to 1073741823"),
    ("ping_timeout_ms", MILLISECONDS + (0,), "1 to 1073741823"),
    ("backoff_ms", MILLISECONDS + (None, 0), "1 to 1073741823"),
    ("backoff_max_ms", MILLISECONDS + (None, 0), "1 to 1073741823"),
    ("rx_size", (-1, 15, None, "1024", 1.5, 1 << 30), "16 to 16777215"),
    ("ready", (True, 5, "x"), "a function"),
    ("dial", (None, 5, "x"), "a function"),
    ("store", (5, "mqtt-store", True), "a Store"),
    ("clean_start", (True,), "version=5"),
    ("session_expiry_interval", (5,), "version=5"),
    ("properties", ({}, None), "version=5"),
    ("topic_aliases", (3,), "version=5"),
    ("authentication", (("a", print),), "version=5"),
    ("fallback", (True,), "version=5"),
)
CLIENTS_5 = (
    ("properties", (5, [], "x", ()), "a dict"),
    ("topic_aliases", ("abc", None, 1.5, -1, 65536), "0 to 65535 or a list"),
    ("authentication", (5, (), ("a",), "ab", ("a", print, 1)), "(method, hook)"),
    ("authentication", (("a", 5),), "a function"),
    ("authentication", ((5, print), ("a\0", print)), "method"),
    ("fallback", ("x", None, 2), "True or False"),
)
ASYNC = (
    ("network", (5, True, "x"), "a function"),
    ("reconnect", (True, False), "always"),
)


def made(kind, host, port, name, value, options):
    """A client with that argument."""
    values = {"host": host, "port": port}
    values.update(options)
    values[name] = value
    return kind("c", **values)


def run_clients(host, port):
    """Each argument of each client."""
    tables = [(AsyncClient, ASYNC, {})]
    for kind in (Client, AsyncClient):
        tables += [(kind, CLIENTS, {}), (kind, CLIENTS_5, {"version": 5})]
    for kind, table, options in tables:
        for name, values, words in table:
            for value in values:
                case = (kind.__name__, name, value)
                refusal(case, (name, words), made, kind, host, port, name, value, options)
    check("umqtt_full.arguments" in sys.modules, "what refused it is still there")
    Client("c", b"localhost", None, ready=lambda: True, backoff_ms=1, ping_timeout_ms=None)
    Client("c", host, 0, version=5, authentication=("m", print), topic_aliases=("a",))
    refusal("no username", ("username",), made, Client, host, port, "password", "p",
            {"version": 5, "fallback": True})  # fmt: skip
    check(CPYTHON or "umqtt_full.arguments" not in sys.modules, "what has checked it takes heap")


def run_handlers(host, port):
    """What is no function is no handler, and a hook that is none ends nothing."""
    for kind in (Client, AsyncClient):
        client = kind("c", host, port)
        for handler in (5, "x", True, [1]):
            refusal(("on", handler), ("handler", "a function"), client.on, "a", handler)
        check(not client.session.subscriptions.all, "subscribed")
    client = Client("c", host, port)
    client.on_connect = client.on_disconnect = client.on_error = 5
    client.connect()
    client.publish("good", "b", 1)
    client.disconnect()


def run_queues(host, port):
    """Places in a queue."""
    client = AsyncClient("c", host, port)
    for size in (0, -1, "x", None, 1.5):
        refusal(("messages", size), ("size must be 1 to",), client.messages, "a", 0, size)
    for size in (0, -1, "x", 1.5):
        words = ("queue must be 1 to",)
        refusal(("on", size), words, client.on, "a", print, 0, False, size)
    refusal("handler", ("handler",), client.on, "a", 5, 0, False, 3)
    check(not client.session.subscriptions.all, "subscribed")


# ---------------------------------------------------------------------- texts

PAYLOADS = (None, 5, True, 1.5, ["a"], {"a": 1}, ("a",))
ALL_KINDS = "payload must be str, bytes, bytearray, memoryview or Upload, not "


def run_texts(host, port):
    """What the texts say is what is allowed."""
    client = Client("c", host, port, reconnect=True)
    publish = client.session.publish
    for payload in PAYLOADS:
        for qos in (0, 1):
            refusal(payload, (ALL_KINDS,), publish, "a", payload, qos << 1)
    for topic in (None, 5, True, ["a"], {}, memoryview(b"a"), Upload(io.BytesIO(b"abc"))):
        refusal(topic, ("topic must be str or bytes, not ",), publish, topic, b"", 0)
    if CPYTHON:  # MicroPython's str may hold what is no text, its memoryview does not say of what
        numbers = memoryview(array("H", [1]))
        refusal("numbers", (ALL_KINDS, "no bytes"), publish, "a", numbers, 0)
        refusal("surrogate", ("payload holds a surrogate",), publish, "a", "\ud800", 0)
        refusal("surrogate", ("will payload holds a surrogate",), Will, "a", "\ud800")
        words = ("password holds a surrogate",)
        refusal("surrogate", words, lambda: Client("c", host, username="u", password="\ud800"))
    for kind in (Client, AsyncClient):
        client = kind("c", host, port)
        for name in ("connack", "reauthenticate"):
            refusal(name, (name, "version=5"), lambda c, n: getattr(c, n)(), client, name)
        add = client.on
        refusal("nope", ("nope: there is no such",), lambda f: f("a", print, nope=1), add)
        for name in ("no_local", "identifier", "properties"):
            words = (name, "for version=5 only")
            refusal(name, words, lambda f, n: f("a", print, **{n: 1}), add, name)


def run_store(host, port):
    """A file is no store."""
    refusal("file", ("a folder", "a file"), Store, __file__)


async def unstarted(host, port):
    """What needs a connection says at once that there will be none."""
    client = AsyncClient("c", host, port, timeout_ms=20000)
    for number in range(2):
        start = ticks_ms()
        for call in (client.subscribe, client.unsubscribe):
            try:
                await call("a")
            except OSError as error:
                check("not started, or stopped" in str(error), error)
            else:
                raise AssertionError("accepted")
        check(ticks_ms() - start < 2000, "waited")
        check(not client.session.subscriptions.all, "kept")
        if not number:
            await client.start()
            await client.stop()


def run_unstarted(host, port):
    """See `unstarted`."""
    asyncio.run(unstarted(host, port))


# -------------------------------------------------------------------- MQTT 5


def run_five(host, port):
    """Properties that are no dict, topics that are no text, reason codes that are none."""
    client = Client("c", host, port, version=5)
    for topic in (("a",), (), ("a", "b"), ("a", 5), ("a", None)):
        for qos in (0, 1):
            refusal(topic, ("topic must be", "not tuple"), client.session.publish, topic, b"", qos)
            refusal(topic, ("topic must be", "not tuple"), client.session.outbox.once, topic, b"",
                    qos)  # fmt: skip
    describe = client.session.outbox.describe
    table = client.session.subscriptions
    client._online = print
    client.session.connected = True
    for value in (5, [], "x", (), True):
        words = ("properties", "a dict")
        refusal(value, words, describe, "a", value)
        refusal(value, words, Will, "a", "b", 0, False, value)
        refusal(value, words, client.disconnect, 0, value)
        refusal(value, words, lambda v: table.add("a", 0, None, properties=v), value)
        refusal(value, words, lambda v: table.remove("a", properties=v), value)
    for code in (300, "x", -1, 1, None, 4.5, 256):
        refusal(code, ("reason_code", "one of"), client.disconnect, code)
    outbox = client.session.outbox
    for name, words in (
        ("topic_alias", "topic_aliases"),
        ("subscription_identifier", "identifier="),
    ):
        topic = describe("a", {name: 1})
        refusal(name, (name, words), outbox.publish, topic, b"", 0)
    check(not table.all and outbox.tail == 0, "queued")


# ------------------------------------------------------------- a loss that fails


def failing(*_):
    """A hook that does."""
    raise RuntimeError("as it should")


async def losses(host, port):
    """What fails while a loss is dealt with is reported, and the client connects again."""
    client = AsyncClient("c", host, port, backoff_ms=10, backoff_max_ms=20)
    downs = []
    client.on_disconnect = downs.append
    reported = []
    client.on_error = reported.append
    client._explain = failing
    await client.start()
    for number in range(3):
        client.session.farewell = failing if number else None  # before the stream is closed
        while len(downs) == number:
            await client.publish("good", str(number), 1, timeout_ms=4000)
        check(isinstance(reported[-1], RuntimeError), reported)
    client._explain = client.session.farewell = None
    client.on_error = failing
    client.on_disconnect = failing
    for number in range(8):
        await client.publish("good", str(number), 1, timeout_ms=4000)
    await client.stop()


def run_losses(host, port):
    """See `losses`."""
    asyncio.run(losses(host, port))


if __name__ == "__main__":
    globals()["run_" + sys.argv[1]](sys.argv[2], int(sys.argv[3]))
    print("OK")
