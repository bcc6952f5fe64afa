"""What a client does over TLS and WebSocket; on MicroPython and CPython.

    tls_ops.py OPERATION FRONT FILE

FRONT is client or async; FILE has the client's arguments and those of the operation as JSON. The
last line of the output is OK.
"""

import asyncio
import io
import json
import os
import sys
import time

import platform_time as clock
import streams
import umqtt_full
from umqtt_full.link import Link

DEFAULTS = {"timeout_ms": 8000, "backoff_ms": 20, "backoff_max_ms": 200}


flushes = [0]  # how often a write was tried: a busy loop would try thousands of times
_flush = Link._flush


def _counted(link):
    flushes[0] += 1
    _flush(link)


Link._flush = _counted


def check(true, text="wrong"):
    """Raise unless it is true."""
    if not true:
        raise ValueError(text)


def open_files():
    """How many descriptors this process has."""
    return len(os.listdir("/proc/self/fd"))


def cpu_ms():
    """How long this process has computed."""
    with open("/proc/self/stat") as file:
        words = file.read().split(")")[-1].split()
    return 10 * (int(words[11]) + int(words[12]))


def sync(tag):
    """Meet the other side."""
    print("SYNC", tag)
    if hasattr(sys.stdout, "flush"):
        sys.stdout.flush()
    sys.stdin.readline()


class Blocking:
    """A Client with the methods of an AsyncClient."""

    def __init__(self, client):
        self.client = client

    def __getattr__(self, name):
        async def call(*args, **kwargs):
            return getattr(self.client, name)(*args, **kwargs)

        return call

    async def start(self):
        """Connect."""
        return self.client.connect()

    async def stop(self):
        """Disconnect."""
        self.client.disconnect()

    async def close(self):
        """Close."""
        self.client.close()

    async def turn(self, ms=20):
        """Let something happen."""
        self.client.poll(ms)


class Awaited(Blocking):
    """An AsyncClient."""

    def __getattr__(self, name):
        return getattr(self.client, name)

    async def start(self):
        """Connect."""
        return await self.client.start()

    async def stop(self):
        """Disconnect."""
        await self.client.stop()

    async def close(self):
        """Close."""
        await self.client.close()

    async def turn(self, ms=20):
        """Let something happen."""
        await asyncio.sleep(ms / 1000)


class Operations:
    """Each method is one operation."""

    def __init__(self, front, options):
        self.front = front
        self.op = options.pop("op", {})
        self.options = dict(DEFAULTS)
        self.options.update(options)
        self.got = []

    def new(self, **more):
        """Make a client."""
        options = dict(self.options)
        options.update(more)
        args = [options.pop("client_id", "tls-ops"), options.pop("host"), options.pop("port")]
        options.setdefault("clean_session", True)
        if self.front == "async":
            options.pop("reconnect", None)
            client = Awaited(umqtt_full.AsyncClient(*args, **options))
        else:
            client = Blocking(umqtt_full.Client(*args, **options))
        client.client.on("%s/#" % self.op.get("prefix", "t"), self.note, 2)
        return client

    def note(self, message):
        """Keep a message."""
        self.got.append((message.topic, bytes(message.payload), message.qos))

    async def until(self, client, done, ms=8000):
        """Turn until it is so."""
        start = clock.ticks_ms()
        while not done():
            check(clock.ticks_diff(clock.ticks_ms(), start) < ms, "got %r" % (self.got[-5:],))
            await client.turn()

    async def round_trip(self):
        """Each QoS there and back, and payloads longer than a record's and a frame's buffer."""
        prefix = self.op.get("prefix", "t")
        client = self.new(rx_size=20000)
        await client.start()
        expected = []
        for qos, size in ((0, 1), (1, 2), (2, 3), (1, 400), (1, 5000), (2, 17000), (0, 0)):
            payload = bytes(b"%d" % (size % 7)) * size
            await client.publish(prefix + "/x", payload, qos)
            expected.append((prefix + "/x", payload, qos))
        await self.until(client, lambda: len(self.got) >= 7)
        check(self.got == expected, "%r" % [(one[2], len(one[1])) for one in self.got])
        check(await client.subscribe("other", 1) == 1)
        check(self.op.get("not_loaded") not in sys.modules)
        await client.stop()

    async def publish_long(self):
        """Publish payloads that the outbox is too small for, one by one, from memory or a file."""
        client = self.new()
        await client.start()
        for _ in range(self.op["count"]):
            payload = bytes(4000)
            if self.op["upload"]:
                payload = umqtt_full.Upload(io.BytesIO(payload), 4000, 512)
            await client.publish("long", payload, self.op["qos"])
        await client.stop()

    async def allowed(self):
        """Messages below its own name come back; others do not."""
        client = self.new()
        other = "else/" + self.op["prefix"]
        client.client.on("else/#", self.note, 1)
        await client.start()
        await client.publish(other, b"no", 1)
        await client.publish(self.op["prefix"] + "/x", b"yes", 2)
        await self.until(client, lambda: self.got)
        check([one[1] for one in self.got] == [b"yes"])
        await client.stop()

    async def denied(self):
        """It may connect, but neither write nor read, not even below its own name."""
        client = self.new()
        await client.start()
        await client.publish(self.op["prefix"] + "/x", b"no", 2)
        for _ in range(15):
            await client.turn()
        check(not self.got, "got %r" % (self.got,))  # a retained one neither
        await client.stop()

    async def leave(self):
        """Publish a retained message, and see it come back."""
        client = self.new()
        await client.start()
        await client.publish(self.op["prefix"] + "/y", b"kept", 1, True)
        await self.until(client, lambda: self.got)
        await client.stop()

    async def fails(self):
        """Connecting fails with the exception that is wanted, and leaves nothing open."""
        attempts = self.op.get("attempts", 1)
        warm = 2 if attempts > 1 else 0
        before = open_files()
        for number in range(attempts):
            if number == warm:
                before = open_files()
            client = self.new()
            start = clock.ticks_ms()
            try:
                await client.start()
            except Exception as exc:
                error = exc
            else:
                raise ValueError("it connected")
            took = clock.ticks_diff(clock.ticks_ms(), start)
            await client.close()
            self.judge(error, took)
        # MicroPython's finalisers have not run yet: nothing may wait for them
        check(open_files() <= before + (attempts == 1 and self.front == "async") * 3,
              "%d files open, %d before" % (open_files(), before))  # fmt: skip

    def judge(self, error, took):
        """Compare what was raised with what is wanted."""
        op = self.op
        name = "OSError" if isinstance(error, OSError) else type(error).__name__
        text = "%s %r after %d ms" % (name, error, took)
        check(name == op.get("error", "OSError"), text)
        if "reason" in op:
            check(getattr(error, "reason", None) == op["reason"], text)
        for part in op.get("text", ()):
            check(part in str(error), "%r lacks %r" % (str(error), part))
        if "within_ms" in op:
            check(took <= op["within_ms"], text)
        if "flushes" in op:
            check(flushes[0] <= op["flushes"], "%d attempts to write" % flushes[0])

    async def measure(self):
        """Let the other side look at how many bytes it takes to connect."""
        client = umqtt_full.Client("measure", clean_session=True, **self.options)
        client.connect()
        sync("connected")
        client.close()

    async def cut(self):
        """The first attempts are cut; each is an OSError, and then it connects."""
        before = None
        times = self.op["times"]
        if self.front == "async":  # which tries again by itself
            self.options.update({"backoff_ms": 1, "backoff_max_ms": 2, "timeout_ms": 380000})
            times = 0
        for _ in range(times):
            client = self.new(connect_timeout_ms=self.op.get("limit_ms", 2000))
            try:
                await client.start()
            except (OSError, umqtt_full.ProtocolError):
                await client.close()
            else:
                raise ValueError("it connected over a connection that was cut")
            if before is None:
                before = open_files()
        check(not before or open_files() <= before, "%r files open" % open_files())
        limit = 5000 if self.front == "client" else self.op.get("limit_ms", 2000)
        client = self.new(connect_timeout_ms=limit)
        await client.start()
        await client.publish("t/x", b"1", 1)
        await client.stop()

    async def stream(self):
        """Publish numbers while the connection is cut now and then: none is lost or doubled."""
        client = self.new(reconnect=True, clean_session=False)
        await client.start()
        client.client.session.subscriptions.on_error = print
        sync("go")
        prefix = self.op["prefix"]
        for number in range(1, self.op["count"] + 1):
            qos = 1 + number % 2 if not self.op.get("qos") else self.op["qos"]
            await client.publish(prefix + "/n", b"%d" % number, qos, timeout_ms=20000)
        await self.until(client, lambda: len(set(self.got)) >= self.op["count"])
        payloads = [int(one[1]) for one in self.got if one[2] == 2]
        check(len(payloads) == len(set(payloads)), "QoS 2 doubled: %r" % payloads)
        sync("done")
        await client.stop()

    async def cancelled(self):
        """A handshake that hangs is given up at once when its task is cancelled."""
        client = self.new()
        task = asyncio.create_task(client.start())
        for _ in range(10):
            await asyncio.sleep(0.03)
        computed = cpu_ms()
        start = clock.ticks_ms()
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            pass
        check(clock.ticks_diff(clock.ticks_ms(), start) < 300)
        check(client.client._stream is None)
        check(computed < 2500, computed)

    async def quiet(self):
        """An idle connection over TLS or WebSocket takes no time to speak of, and pings."""
        client = self.new(keep_alive=1)
        await client.start()
        computed = cpu_ms()
        start = clock.ticks_ms()
        while clock.ticks_diff(clock.ticks_ms(), start) < 1500:
            await client.turn(500)
        computed = cpu_ms() - computed
        check(client.client.connected)
        check(computed < 400, "computed for %d ms" % computed)
        await client.stop()


def content(name):
    """The bytes of a file."""
    with open(name, "rb") as file:
        return file.read()


def context(options):
    """`"tls": "context"` stands for an SSLContext made here."""
    if options.get("tls") == "context":
        ca = content(options.pop("ca"))
        if sys.implementation.name == "cpython":
            import ssl

            options["tls"] = ssl.create_default_context(cadata=ca.decode())
        else:
            import tls

            options["tls"] = made = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
            made.load_verify_locations(ca)
    if "psk_hex" in options:
        identity, key = options.pop("psk_hex")
        options["psk"] = (identity, bytes.fromhex(key))
    if options.pop("as_bytes", False):
        for name in ("ca", "cert", "key"):
            if name in options:
                options[name] = content(options[name])


def main(operation, front, name):
    """Run one operation with the options of a file, which is deleted."""
    with open(name) as file:
        options = json.load(file)
    os.remove(name)
    context(options)
    time.sleep(0)
    try:
        asyncio.run(getattr(Operations(front, options), operation)())
    except Exception as error:
        streams.print_exception(error)
        sys.exit(1)
    print("OK")


if __name__ == "__main__":
    main(*sys.argv[1:])
