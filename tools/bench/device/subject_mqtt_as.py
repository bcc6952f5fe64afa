# mypy: ignore-errors
"""mqtt_as, from the folder that the user names."""

import asyncio

from clock import wall_us
from mqtt_as import MQTTClient, config


class MqttAs:
    """Callback mode, which is its faster one."""

    is_async = True

    def __init__(self, task):
        config.update(
            server=task["host"],
            port=task["port"],
            client_id=task["topic"],
            keepalive=60,
            subs_cb=self.heard,
        )
        self.topic = task["topic"].encode()
        self.payload = b"x" * task["size"]
        self.client = MQTTClient(config)
        self.got = self.wanted = 0
        self.enough = asyncio.Event()

    def heard(self, topic, payload, retained):
        """A message."""
        self.got += 1
        if self.got == self.wanted:
            self.enough.set()

    async def connect(self):
        """Without the five seconds in which it watches the WiFi."""
        await self.client.connect(quick=True)

    async def publish(self, n, qos):
        """One after the other."""
        client, topic, payload = self.client, self.topic, self.payload
        while n:
            await client.publish(topic, payload, qos=qos)
            n -= 1

    async def window(self, n, qos, window):
        """So many tasks that publish."""
        shares = [n // window + (i < n % window) for i in range(window)]
        tasks = [asyncio.create_task(self.publish(share, qos)) for share in shares]
        for task in tasks:
            await task

    async def flush(self):
        """PINGREQ and PINGRESP, without the 100 ms of `broker_up`."""
        client = self.client
        before = client.last_rx
        start = wall_us()
        await client._ping()
        while client.last_rx == before:
            await asyncio.sleep_ms(0)
            if wall_us() - start > 5000000:
                raise OSError("no PINGRESP")

    async def subscribe(self, qos):
        """To the one topic."""
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
            await asyncio.sleep_ms(0)
            n -= 1

    async def asleep(self, ms):
        """Its own tasks go on."""
        await asyncio.sleep_ms(ms)

    async def pause(self, ms):
        """Between publishes."""
        await asyncio.sleep_ms(ms)

    async def close(self):
        """End."""
        await self.client.disconnect()
