# mypy: ignore-errors
"""Adafruit's MiniMQTT on CPython."""

import socket

from adafruit_minimqtt.adafruit_minimqtt import MQTT
from clock import sleep_ms


class Enough(Exception):
    """All messages came; its `loop` returns only after a time."""


class MiniMQTT:
    """MiniMQTT."""

    is_async = False

    def __init__(self, task):
        self.topic = task["topic"]
        self.payload = b"x" * task["size"]
        self.client = MQTT(
            broker=task["host"],
            port=task["port"],
            client_id=task["topic"],
            socket_pool=socket,
            is_ssl=False,
            socket_timeout=1,
        )
        self.client.on_message = self.heard
        self.got = self.wanted = 0

    def heard(self, client, topic, payload):
        """A message."""
        self.got += 1
        if self.got == self.wanted:
            raise Enough

    def connect(self):
        """And be connected."""
        self.client.connect()

    def publish(self, n, qos):
        """One after the other."""
        client, topic, payload = self.client, self.topic, self.payload
        while n:
            client.publish(topic, payload, False, qos)
            n -= 1

    def flush(self):
        """PINGREQ and PINGRESP."""
        self.client.ping()

    def subscribe(self, qos):
        """To the one topic."""
        self.client.subscribe(self.topic, qos)

    def receive(self, n):
        """Until so many came."""
        self.got, self.wanted = 0, n
        while self.got < n:
            try:
                self.client.loop(1)
            except Enough:
                return

    def idle(self, n):
        """A turn takes a second at least."""
        while n:
            self.client.loop(1)
            n -= 1

    def asleep(self, ms):
        """Its loop, a second at a time."""
        for _ in range(0, ms, 1000):
            self.client.loop(1)

    def pause(self, ms):
        """Between publishes."""
        sleep_ms(ms)

    def close(self):
        """End."""
        self.client.disconnect()
