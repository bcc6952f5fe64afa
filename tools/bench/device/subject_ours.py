# mypy: ignore-errors
"""The library under test: Client, AsyncClient and the drop-in for umqtt.simple."""

import sys

from clock import since_us, sleep_ms, wall_us
from subject_umqtt import Simple


def options(task):
    """Arguments for `Client`: what the task says, and what long payloads and windows need."""
    more = task.get("options") or {}
    found = {"clean_start" if more.get("version") == 5 else "clean_session": True}
    name = task["metric"]
    if name[4:5] == "w":
        found["window"] = int(name[5:])
        found["tx_size"] = 4096 if task["size"] < 1000 else 65536
    if task["size"] > 900:
        found["rx_size"] = task["size"] + 96
    found.update(more)
    return found


def ping(client):
    """Send PINGREQ, and return what is `pinging` until PINGRESP has come."""
    from umqtt_full.net import ticks_ms

    keep = client.session._keep
    keep.pinging, keep._ping_at = True, ticks_ms()
    client.session.ping()
    client._write()
    return keep


class Blocking:
    """Client."""

    is_async = False

    def __init__(self, task):
        from umqtt_full import Client

        self.topic = task["topic"]
        self.payload = b"x" * task["size"]
        self.client = Client(task["topic"], task["host"], task["port"], **options(task))
        self.got = 0

    def heard(self, message):
        """A message."""
        self.got += 1

    def connect(self):
        """And be connected."""
        self.client.connect()

    def publish(self, n, qos):
        """One after the other."""
        publish, topic, payload = self.client.publish, self.topic, self.payload
        while n:
            publish(topic, payload, qos)
            n -= 1

    def window(self, n, qos, window):
        """The client's own window bounds what is in flight."""
        publish, topic, payload = self.client.publish_nowait, self.topic, self.payload
        last = 0
        while n:
            last = publish(topic, payload, qos)
            n -= 1
        while self.client.session.outbox.head != self.client.session.outbox.tail:
            self.client.poll(1000)
        if last:
            self.client.wait(last)

    def flush(self):
        """PINGREQ and PINGRESP."""
        keep = ping(self.client)
        while keep.pinging:
            self.client.poll(1000)

    def subscribe(self, qos):
        """To the one topic."""
        self.client.on(self.topic, self.heard, qos)
        self.client.subscribe(self.topic, qos)

    def receive(self, n):
        """Until so many came."""
        self.got = 0
        poll = self.client.poll
        while self.got < n:
            poll(1000)

    def idle(self, n):
        """A turn."""
        poll = self.client.poll
        while n:
            poll(0)
            n -= 1

    def asleep(self, ms):
        """The loop of the README."""
        start = wall_us()
        while since_us(start) < ms * 1000:
            self.client.poll(1000)

    def pause(self, ms):
        """Between publishes."""
        sleep_ms(ms)

    def close(self):
        """End."""
        self.client.disconnect()


class DropIn(Simple):
    """umqtt_full.simple, used as umqtt.simple is."""

    module = "umqtt_full.simple"

    def flush(self):
        """PINGREQ and PINGRESP: its wait_msg may return earlier."""
        self.client.publish(self.topic, b"", False, 1)


class Async:
    """AsyncClient."""

    is_async = True

    def __init__(self, task):
        from umqtt_full import AsyncClient

        self.topic = task["topic"]
        self.payload = b"x" * task["size"]
        self.client = AsyncClient(task["topic"], task["host"], task["port"], **options(task))
        self.got = self.wanted = 0
        self.enough = None

    def heard(self, message):
        """A message."""
        self.got += 1
        if self.got == self.wanted:
            self.enough.set()

    async def connect(self):
        """And be connected."""
        import asyncio

        self.enough = asyncio.Event()
        await self.client.start()

    async def publish(self, n, qos):
        """One after the other."""
        publish, topic, payload = self.client.publish, self.topic, self.payload
        while n:
            await publish(topic, payload, qos)
            n -= 1

    async def window(self, n, qos, window):
        """The client's own window bounds what is in flight."""
        publish, topic, payload = self.client.publish_nowait, self.topic, self.payload
        last = 0
        while n:
            last = await publish(topic, payload, qos)
            n -= 1
        if last:
            await self.client.wait(last)

    async def flush(self):
        """PINGREQ and PINGRESP."""
        keep = ping(self.client)
        await self.client._until(lambda: not keep.pinging, 60000)

    async def subscribe(self, qos):
        """To the one topic."""
        self.client.on(self.topic, self.heard, qos)
        await self.client.subscribe(self.topic, qos)

    async def receive(self, n):
        """Until so many came."""
        self.enough.clear()
        self.wanted = self.got + n
        if n:
            await self.enough.wait()

    async def idle(self, n):
        """Turns of the event loop."""
        while n:
            await self.pause(0)
            n -= 1

    async def asleep(self, ms):
        """Its own tasks go on."""
        await self.pause(ms)

    def pause(self, ms):
        """Between publishes."""
        import asyncio

        if sys.implementation.name == "cpython":
            return asyncio.sleep(ms / 1000)
        return asyncio.sleep_ms(ms)

    async def close(self):
        """End."""
        await self.client.stop()


class Bare:
    """asyncio without a client: what its turns take by themselves."""

    is_async = True
    pause = Async.pause
    idle = Async.idle
    asleep = Async.asleep

    def __init__(self, task):
        pass

    async def connect(self):
        """Nothing."""

    close = connect
