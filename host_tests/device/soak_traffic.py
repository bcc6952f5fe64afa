"""Numbered messages in both directions at every QoS, over whatever happens to the link.

    soak_traffic.py client|async HOST PORT PREFIX PERIOD_MS

Publishes 1, 2, 3 … under PREFIX/up/QOS, one message each PERIOD_MS, until something is published
under PREFIX/stop. Prints `GOT qos number` for what comes under PREFIX/down/QOS, `MEM ms bytes` for
the heap after a collection, `UP` and `DOWN` for the connection; at the end `SENT n n n`, `LONGEST
ms` of any call, what is left behind, and OK.
"""

import asyncio
import gc
import sys

import platform_time as clock
import umqtt_full

LAST_MS = 30000  # for what is still unacknowledged at the end
SAMPLE_MS = 2000


class Traffic:
    """What both kinds of client share."""

    def __init__(self, make, host, port, prefix, **options):
        self.client = client = make(
            prefix,
            host,
            int(port),
            keep_alive=4,
            backoff_ms=100,
            backoff_max_ms=500,
            connect_timeout_ms=2000,
            timeout_ms=2000,
            tx_size=512,
            rx_size=256,
            read_size=128,
            **options
        )  # fmt: skip
        self.topics = [prefix + "/up/%d" % qos for qos in range(3)]
        self.sent = [0, 0, 0]
        self.turn = 0
        self.stopped = False
        self.failed = 0
        self.began = self.sampled = clock.ticks_ms()
        client.on(prefix + "/down/+", self.down, 2)
        client.on(prefix + "/stop", self.stop, 2)
        client.on_error = self.error
        client.on_connect = self.up
        client.on_disconnect = self.lost
        self.longest = 0

    def down(self, message):
        """A message from the other side."""
        print("GOT", message.topic[-1], message.payload_int())

    def stop(self, message):
        """The other side has had enough."""
        self.stopped = True

    def error(self, error):
        """Nothing may come here."""
        self.failed += 1
        print("ERROR", type(error).__name__, error)

    def up(self, present):
        """A connection begins."""
        print("UP", int(present))

    def lost(self, error):
        """A connection has ended."""
        print("DOWN", type(error).__name__)

    def took(self, since):
        """Remember how long the longest call was, in ms."""
        self.longest = max(self.longest, clock.ticks_diff(clock.ticks_ms(), since))

    def ready(self):
        """Whether the broker has granted both subscriptions."""
        return all([s.granted is not None for s in self.client.session.subscriptions.all])

    def next(self):
        """(qos, payload) of the message to be published next."""
        qos = self.turn % 3
        return qos, b"%d" % (self.sent[qos] + 1)

    def accepted(self, qos, yes=True):
        """The message was taken, or not, and the same number comes again."""
        self.sent[qos] += yes
        self.turn += 1
        self.sample()

    def sample(self):
        """Print how much of the heap is in use, from time to time."""
        now = clock.ticks_ms()
        if clock.ticks_diff(now, self.sampled) >= SAMPLE_MS and hasattr(gc, "mem_alloc"):
            self.sampled = now
            gc.collect()
            print("MEM", clock.ticks_diff(now, self.began), gc.mem_alloc())

    def busy(self):
        """Whether something that was accepted is not acknowledged yet."""
        outbox = self.client.session.outbox
        return outbox.head != outbox.tail or any(self.left())

    def left(self):
        """The packet ids in use."""
        pending = self.client.session.pending
        return [packet_id for packet_id in range(1, 65536) if pending(packet_id)]

    def report(self):
        """The last lines; OK if nothing was left behind."""
        print("SENT", *self.sent)
        outbox = self.client.session.outbox
        left = [outbox.tail - outbox.head, len(outbox.lent), outbox.queued_once]
        left += [self.failed, len(self.left())]
        print("LONGEST", self.longest)
        print("LEFT", *left)
        if not any(left):
            print("OK")


def blocking(host, port, prefix, period):
    """With `Client`."""
    traffic = Traffic(umqtt_full.Client, host, port, prefix, reconnect=True)
    client = traffic.client
    while not traffic.ready():
        client.poll(100)
    print("READY")
    last = clock.ticks_ms()
    while not traffic.stopped:
        left = period - clock.ticks_diff(clock.ticks_ms(), last)
        since = clock.ticks_ms()
        client.poll(max(left, 0))
        traffic.took(since)
        if left > 0:
            continue
        last = clock.ticks_ms()
        qos, payload = traffic.next()
        yes = qos > 0 or client.connected
        if yes:
            since = clock.ticks_ms()
            try:
                client.publish_nowait(traffic.topics[qos], payload, qos)
            except (OSError, umqtt_full.LimitError) as error:
                print("NOT", type(error).__name__, error)
                yes = False
            traffic.took(since)
        traffic.accepted(qos, yes)
    start = clock.ticks_ms()
    while traffic.busy() and clock.ticks_diff(clock.ticks_ms(), start) < LAST_MS:
        client.poll(50)
    client.poll(300)
    client.disconnect()
    traffic.report()


async def awaited(host, port, prefix, period):
    """With `AsyncClient`."""
    traffic = Traffic(umqtt_full.AsyncClient, host, port, prefix, full="raise")
    client = traffic.client
    await client.start(0)
    while not traffic.ready():
        await asyncio.sleep(0.05)
    print("READY")
    while not traffic.stopped:
        await asyncio.sleep(period / 1000)
        qos, payload = traffic.next()
        yes = qos > 0 or client.connected
        if yes:
            since = clock.ticks_ms()
            try:
                await client.publish_nowait(traffic.topics[qos], payload, qos)
            except (OSError, umqtt_full.LimitError) as error:
                print("NOT", type(error).__name__, error)
                yes = False
            traffic.took(since)
        traffic.accepted(qos, yes)
    start = clock.ticks_ms()
    while traffic.busy() and clock.ticks_diff(clock.ticks_ms(), start) < LAST_MS:
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.3)
    await client.stop()
    traffic.report()


def main(kind, host, port, prefix, period):
    """Run one kind of client."""
    if kind == "client":
        blocking(host, port, prefix, int(period))
    else:
        asyncio.run(awaited(host, port, prefix, int(period)))


if __name__ == "__main__":
    main(*sys.argv[1:])
