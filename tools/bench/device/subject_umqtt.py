# mypy: ignore-errors
"""umqtt.simple, umqtt.robust and umqtt.simple2, as they come from PyPI."""

import time

from clock import since_us, sleep_ms, wall_us


class Simple:
    """umqtt.simple."""

    is_async = False
    module = "umqtt.simple"

    def __init__(self, task):
        module = __import__(self.module, None, None, ("MQTTClient",))
        self.topic = task["topic"].encode()
        self.payload = b"x" * task["size"]
        self.client = module.MQTTClient(task["topic"], task["host"], task["port"], keepalive=60)
        self.client.set_callback(self.heard)
        self.got = 0

    def heard(self, topic, payload):
        """A message."""
        self.got += 1

    def connect(self):
        """With a clean session."""
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
        self.client.wait_msg()

    def subscribe(self, qos):
        """To the one topic."""
        self.client.subscribe(self.topic, qos)

    def receive(self, n):
        """Until so many came."""
        self.got = 0
        wait_msg = self.client.wait_msg
        while self.got < n:
            wait_msg()

    def idle(self, n):
        """Look whether something came."""
        client = self.client
        while n:
            client.check_msg()
            n -= 1

    def asleep(self, ms):
        """The loop of umqtt's own example: a look each second."""
        start = wall_us()
        while since_us(start) < ms * 1000:
            self.client.check_msg()
            time.sleep(1)  # sleep_ms wakes every half millisecond on the unix port

    def pause(self, ms):
        """Between publishes."""
        sleep_ms(ms)

    def close(self):
        """End."""
        self.client.disconnect()


class Prompt(Simple):
    """umqtt.simple with TCP_NODELAY, which it does not set by itself."""

    def connect(self):
        """And do not wait for the ACK of one small write with the next."""
        super().connect()
        self.client.sock.setsockopt(6, 1, 1)


class Robust(Simple):
    """umqtt.robust."""

    module = "umqtt.robust"


class Simple2(Simple):
    """umqtt.simple2: `publish` does not wait for PUBACK, so this does."""

    module = "umqtt.simple2"

    def heard(self, topic, payload, retained, dup):
        """A message."""
        self.got += 1

    def publish(self, n, qos):
        """One after the other."""
        self.window(n, qos, 1)

    def window(self, n, qos, window):
        """So many in flight."""
        client, topic, payload = self.client, self.topic, self.payload
        pids = client.rcv_pids
        while n:
            client.publish(topic, payload, False, qos)
            n -= 1
            while len(pids) >= window or (pids and not n):
                client.wait_msg()

    def subscribe(self, qos):
        """To the one topic."""
        self.client.subscribe(self.topic, qos)
        while self.client.rcv_pids:
            self.client.wait_msg()
