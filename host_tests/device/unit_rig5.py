"""A session of MQTT 5.0 without I/O; see `unit_rig`, whose names mean the same here."""

import unit_rig
from umqtt_full.session5 import Session5
from unit_rig import Rig, frame, id_of

CONNACK = b"\x20\x03\x00\x00\x00"
RESUMED = b"\x20\x03\x01\x00\x00"


def copied(message):
    """A message with its properties, valid for ever."""
    return unit_rig.copied(message) + (message.properties,)


def publish(topic, payload, qos=0, packet_id=0, retain=False, dup=False, block=b"\0"):
    """A PUBLISH of the broker; `block` is its property length and properties."""
    body = id_of(len(topic)) + topic + (id_of(packet_id) if qos else b"") + block + payload
    return frame(0x30 | dup << 3 | qos << 1 | retain, body)


def ack(first, packet_id, code=None, block=b""):
    """PUBACK 0x40, PUBREC 0x50, PUBREL 0x62 or PUBCOMP 0x70."""
    return frame(first, id_of(packet_id) + (b"" if code is None else bytes((code,))) + block)


def connack(block=b"\0", present=0, code=0):
    """A CONNACK."""
    return frame(0x20, bytes((present, code)) + block)


class Rig5(Rig):
    """A session of 5.0, its peer and its handlers."""

    def __init__(self, **options):
        client_id = options.pop("client_id", "c")
        self._start(Session5(client_id, **options))

    def _keep(self, message):
        self.messages.append(copied(message))

    def connect(self, connack=CONNACK, now=0):
        """As `Rig`."""
        return super().connect(connack, now)

    def reconnect(self, connack=RESUMED, now=0):
        """As `Rig`."""
        return super().reconnect(connack, now)

    def publish(self, topic="t", payload=b"x", qos=1, retain=False, properties=None):
        """Queue a message; return its packet id."""
        what = topic if properties is None else (topic, properties)
        return self.session.publish(what, payload, qos << 1 | retain)

    def subscribe(self, topic_filter, qos=0, handler=None, stream=False, **options):
        """Subscribe; the result is the entry of the table."""
        return self.session.subscriptions.add(topic_filter, qos, handler, stream, **options)
