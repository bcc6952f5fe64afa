"""The device's side of `make interop`: one behaviour with one kind of client.

    interop_steps.py client|async|client5|async5 HOST PORT PREFIX BEHAVIOUR

With 5 it asks for MQTT 5, and goes on with 3.1.1 where the broker speaks nothing else.

A behaviour is a generator that yields calls; the same one drives `Client` and `AsyncClient`. It
prints `AT tag` and waits for a line where the other side has to do something first.
"""

import asyncio
import sys

import platform_time as clock
import umqtt_full

WAIT_MS = 6000
LARGE = 100000
MANY = 60


class Unlike(Exception):
    """The broker or the client did something else."""


def must(condition, text):
    """Raise unless it holds."""
    if not condition:
        raise Unlike(text)


class Steps:
    """What the behaviours are made of."""

    def __init__(self, make, host, port, prefix, version=4):
        self.version = version
        self.make, self.host, self.port, self.prefix = make, host, port, prefix
        self.seen = []
        self.client = None
        self.downs = 0
        self.size = 0

    def new(self, client_id=None, **options):
        """A client with the right password unless told otherwise."""
        values = {"username": "tester", "password": "right", "timeout_ms": 4000}
        values.update(options)
        if self.version == 5:
            values.update({"version": 5, "fallback": True, "accept_session": True})
            values["clean_start"] = values.pop("clean_session", False)
        client_id = self.prefix if client_id is None else client_id
        self.client = client = self.make(client_id, self.host, self.port, **values)
        client.on_message = self.keep
        client.on_disconnect = self.down
        return client

    def keep(self, message):
        """Remember a message."""
        rest = message.topic[len(self.prefix) :]
        self.seen.append((rest, bytes(message.payload), message.qos, message.retain))

    def down(self, error):
        """Count the connections that ended."""
        self.downs += 1

    def piece(self, message):
        """Count the bytes of a long message, and check them."""
        part = bytes(message.payload)
        must(part == b"L" * len(part) and message.offset == self.size, "a piece out of place")
        self.size += len(part)

    def topic(self, name):
        """A topic of this run."""
        return self.prefix + name

    def at(self, tag):
        """Meet the other side."""
        print("AT", tag)
        if hasattr(sys.stdout, "flush"):
            sys.stdout.flush()
        sys.stdin.readline()

    def until(self, done, what):
        """Wait until it holds."""
        start = clock.ticks_ms()
        while not done():
            must(clock.ticks_diff(clock.ticks_ms(), start) < WAIT_MS, what() if what else "late")
            yield "turn", (20,)

    def messages(self, expected):
        """Wait for exactly these (topic, payload, qos, retain)."""
        yield from self.until(lambda: len(self.seen) >= len(expected), lambda: repr(self.seen))
        yield "turn", (100,)
        must(self.seen == expected, repr(self.seen))

    # ------------------------------------------------------------ behaviours

    def publish(self, qos):
        """Publish at one QoS."""
        self.new()
        yield "connect", ()
        yield "publish", (self.topic("/out"), b"payload", qos)
        yield "disconnect", ()

    def receive(self, qos):
        """Receive at one QoS."""
        self.new()
        yield "connect", ()
        granted = yield "subscribe", (self.topic("/in"), qos)
        must(granted == qos, "SUBSCRIBE with QoS %d was granted %r" % (qos, granted))
        self.at("subscribed")
        yield from self.messages([("/in", b"payload", qos, False)])
        yield "disconnect", ()

    def retained(self):
        """A retained message is kept, delivered as such, and cleared."""
        self.new()
        yield "connect", ()
        yield "publish", (self.topic("/kept"), b"old", 1, True)
        self.at("kept")
        yield "subscribe", (self.topic("/kept"), 1)
        yield from self.messages([("/kept", b"old", 1, True)])
        yield "publish", (self.topic("/kept"), b"", 1, True)
        yield "turn", (200,)
        self.at("cleared")
        yield "disconnect", ()

    def will(self):
        """The will is published when the connection ends without DISCONNECT."""
        self.new(will=umqtt_full.Will(self.topic("/will"), b"gone", 1))
        yield "connect", ()
        self.at("up")
        yield "close", ()

    def resume(self):
        """What comes while away is delivered, without subscribing again."""
        yield from self.away(False)
        must(self.present is True, "session present is %r" % self.present)
        yield from self.messages([("/in", b"%d" % n, 1, False) for n in range(3)])
        yield "disconnect", ()
        self.new(clean_session=True)
        yield "connect", ()
        yield "disconnect", ()

    def clean(self):
        """Nothing is kept for a client with a clean session."""
        yield from self.away(True)
        must(self.present is False, "session present is %r" % self.present)
        yield "turn", (500,)
        must(not self.seen, repr(self.seen))
        yield "disconnect", ()

    def away(self, clean):
        """Subscribe, go, and come back with a new object."""
        self.new(clean_session=clean)
        yield "connect", ()
        yield "subscribe", (self.topic("/in"), 1)
        yield "disconnect", ()
        self.at("away")
        self.new(clean_session=clean)
        self.present = yield "connect", ()

    def wildcards(self):
        """+ and # select."""
        self.new()
        yield "connect", ()
        yield "subscribe", ([(self.topic("/+/x"), 1), (self.topic("/d/#"), 1)],)
        self.at("subscribed")
        names = ("/a/x", "/d", "/d/e/f", "/b/x")
        yield from self.messages([(name, b"1", 1, False) for name in names])
        yield "disconnect", ()

    def large(self):
        """Payloads far larger than the buffers, out and in."""
        client = self.new(rx_size=256, read_size=128)
        client.on(self.topic("/large"), self.piece, 1, True)
        yield "connect", ()
        yield "publish", (self.topic("/out"), b"L" * LARGE, 1)
        yield from self.until(self.granted, lambda: "no SUBACK")
        self.at("sent")
        yield from self.until(lambda: self.size == LARGE, lambda: "%d bytes" % self.size)
        yield "disconnect", ()

    def granted(self):
        """Whether each subscription was answered."""
        return all([s.granted is not None for s in self.client.session.subscriptions.all])

    def flight(self):
        """Many QoS 1 messages unacknowledged at a time, out and in."""
        client = self.new(tx_size=8192, window=64)
        yield "connect", ()
        yield "subscribe", (self.topic("/in"), 1)
        ids = []
        for n in range(MANY):
            ids.append((yield "publish_nowait", (self.topic("/out"), b"%d" % n, 1)))
        yield from self.until(
            lambda: not any([client.pending(one) for one in ids]), lambda: "pending"
        )
        self.at("sent")
        yield from self.messages([("/in", b"%d" % n, 1, False) for n in range(MANY)])
        yield "disconnect", ()

    def keep_alive(self):
        """An idle link is kept up by pings; a missing PINGRESP would end it."""
        self.new(keep_alive=1)
        yield "connect", ()
        yield "turn", (3000,)
        must(self.client.connected and not self.downs, "the link was lost %d times" % self.downs)
        yield "publish", (self.topic("/out"), b"payload", 1)
        yield "disconnect", ()

    def no_name(self):
        """The broker gives an id to a client that has none."""
        self.new("", clean_session=True)
        yield "connect", ()
        yield "publish", (self.topic("/out"), b"payload", 1)
        yield "disconnect", ()

    def refused(self):
        """A wrong password is told as such."""
        self.new(password="wrong")
        try:
            yield "connect", ()
        except umqtt_full.ReasonError as error:
            must(error.reason_code in (4, 5, 0x86, 0x87), "return code %d" % error.reason_code)
            return
        raise Unlike("the wrong password was accepted")

    def denied(self):
        """A refused subscription is told as such."""
        self.new()
        yield "connect", ()
        codes = yield "subscribe", ([(self.topic("/in"), 1), ("denied/x", 1)],)
        must(codes in ([1, 0x80], [1, 0x87]), "SUBACK %r" % (codes,))
        yield "disconnect", ()

    def unsubscribe(self):
        """After UNSUBACK nothing comes."""
        self.new()
        yield "connect", ()
        yield "subscribe", (self.topic("/in"), 1)
        yield "unsubscribe", (self.topic("/in"),)
        self.at("unsubscribed")
        yield "turn", (500,)
        must(not self.seen, repr(self.seen))
        yield "disconnect", ()


def blocking(steps, calls):
    """Drive `Client`."""
    answer, go = None, calls.send
    while True:
        try:
            name, args = go(answer)
        except StopIteration:
            return
        go = calls.send
        try:
            if name == "turn":
                start = clock.ticks_ms()
                while clock.ticks_diff(clock.ticks_ms(), start) < args[0]:
                    steps.client.poll(args[0])
                answer = None
            else:
                answer = getattr(steps.client, name)(*args)
        except Exception as error:
            answer, go = error, calls.throw


async def awaited(steps, calls):
    """Drive `AsyncClient`."""
    names = {"connect": "start", "disconnect": "stop"}
    answer, go = None, calls.send
    while True:
        try:
            name, args = go(answer)
        except StopIteration:
            return
        go = calls.send
        try:
            if name == "turn":
                answer = await asyncio.sleep(args[0] / 1000)
            else:
                answer = await getattr(steps.client, names.get(name, name))(*args)
        except Exception as error:
            answer, go = error, calls.throw


def main(kind, host, port, prefix, behaviour):
    """Run one behaviour; the last line is OK when it came true."""
    blocks = kind.startswith("client")
    make = umqtt_full.Client if blocks else umqtt_full.AsyncClient
    steps = Steps(make, host, int(port), prefix, 5 if kind.endswith("5") else 4)
    name, _, qos = behaviour.partition(":")
    calls = getattr(steps, name)(*([int(qos)] if qos else []))
    try:
        if blocks:
            blocking(steps, calls)
        else:
            asyncio.run(awaited(steps, calls))
    except Exception as error:
        print("FAILED", type(error).__name__, error)
        sys.exit(1)
    print("OK")


if __name__ == "__main__":
    main(*sys.argv[1:])
