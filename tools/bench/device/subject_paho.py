# mypy: ignore-errors
"""paho-mqtt on CPython, its loop run in this thread."""

from clock import since_us, sleep_ms, wall_us
from paho.mqtt.client import CallbackAPIVersion, Client


class Paho:
    """paho."""

    is_async = False

    def __init__(self, task):
        self.task = task
        self.topic = task["topic"]
        self.payload = b"x" * task["size"]
        self.client = Client(CallbackAPIVersion.VERSION2, client_id=task["topic"])
        self.client.on_message = self.heard
        self.client.on_subscribe = self.granted
        self.client.max_queued_messages_set(0)
        if task["metric"][4:5] == "w":
            self.client.max_inflight_messages_set(int(task["metric"][5:]))
        self.got = 0
        self.subscribed = False

    def heard(self, client, userdata, message):
        """A message."""
        self.got += 1

    def granted(self, *arguments):
        """SUBACK."""
        self.subscribed = True

    def connect(self):
        """And be connected."""
        self.client.connect(self.task["host"], self.task["port"])
        while not self.client.is_connected():
            self.client.loop(1)

    def publish(self, n, qos):
        """One after the other."""
        client, topic, payload = self.client, self.topic, self.payload
        while n:
            info = client.publish(topic, payload, qos)
            while not info.is_published():
                client.loop(1)
            n -= 1

    def window(self, n, qos, window):
        """So many in flight."""
        client, topic, payload = self.client, self.topic, self.payload
        infos = []
        while n:
            infos.append(client.publish(topic, payload, qos))
            n -= 1
            if len(infos) >= window:
                while not infos[0].is_published():
                    client.loop(1)
                infos.pop(0)
        while infos:
            while not infos[0].is_published():
                client.loop(1)
            infos.pop(0)

    def flush(self):
        """A round trip behind all that was published."""
        self.publish(1, 1)

    def subscribe(self, qos):
        """To the one topic."""
        self.client.subscribe(self.topic, qos)
        while not self.subscribed:
            self.client.loop(1)

    def receive(self, n):
        """Until so many came."""
        self.got = 0
        while self.got < n:
            self.client.loop(1)

    def idle(self, n):
        """A turn."""
        while n:
            self.client.loop(0)
            n -= 1

    def asleep(self, ms):
        """Its loop, a second at a time."""
        start = wall_us()
        while since_us(start) < ms * 1000:
            self.client.loop(1)

    def pause(self, ms):
        """Between publishes."""
        sleep_ms(ms)

    def close(self):
        """End."""
        self.client.disconnect()
