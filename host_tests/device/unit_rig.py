"""A session without I/O: what a peer would send goes in, what would be written comes out.

For MicroPython and CPython. `Rig` stands for the transport of one `Session` and keeps what the
handlers were given as plain tuples.
"""

from umqtt_full.session import Session

CONNACK = b"\x20\x02\x00\x00"
RESUMED = b"\x20\x02\x01\x00"


def copied(message):
    """A message as (topic, payload, qos, retain, dup, packet_id), valid for ever."""
    return (
        message.topic,
        bytes(message.payload),
        message.qos,
        message.retain,
        message.dup,
        message.packet_id,
    )


def id_of(packet_id):
    """A packet id as it is sent."""
    return bytes((packet_id >> 8, packet_id & 255))


def ack(first, packet_id):
    """PUBACK 0x40, PUBREC 0x50, PUBREL 0x62, PUBCOMP 0x70 or UNSUBACK 0xB0."""
    return bytes((first, 2)) + id_of(packet_id)


def frame(first, body):
    """A packet: fixed header and body."""
    head = bytearray((first,))
    n = len(body)
    while n > 127:
        head.append(n & 127 | 128)
        n >>= 7
    head.append(n)
    return bytes(head) + body


def publish(topic, payload, qos=0, packet_id=0, retain=False, dup=False):
    """A PUBLISH of the broker."""
    body = id_of(len(topic)) + topic + (id_of(packet_id) if qos else b"") + payload
    return frame(0x30 | dup << 3 | qos << 1 | retain, body)


def suback(packet_id, *codes):
    """A SUBACK with these return codes."""
    return frame(0x90, id_of(packet_id) + bytes(codes))


class Rig:
    """A session, its peer and its handlers; `options` are the session's."""

    def __init__(self, **options):
        client_id = options.pop("client_id", "c")
        self._start(Session(client_id, **options))

    def _start(self, session):
        self.session = session
        self.messages = []  # what no filter matched
        self.errors = []
        self.session.subscriptions.on_message = self._keep
        self.session.subscriptions.on_error = self.errors.append
        self.written = b""

    def _keep(self, message):
        self.messages.append(copied(message))

    def connect(self, connack=CONNACK, now=0):
        """Open at the time `now`, answer CONNECT at once, and return what is then written."""
        self.session.open()
        self.session.poll(now)
        self.drain()
        self.feed(connack)
        return self.drain()

    def reconnect(self, connack=RESUMED, now=0):
        """Lose the connection and make another one; return what follows CONNECT."""
        self.session.close()
        return self.connect(connack, now)

    def take(self, most=None):
        """Write once, at most `most` bytes; return them."""
        session = self.session
        n = session.tx_window()
        if not n:
            return b""
        if most is not None:
            n = min(n, most)
        data = bytes(memoryview(session.tx_buf)[session.tx_off : session.tx_off + n])
        session.sent(n)
        return data

    def drain(self, most=None):
        """Write, `most` bytes at a time, until nothing is due; return it all."""
        out = []
        data = self.take(most)
        while data:
            out.append(data)
            data = self.take(most)
        return b"".join(out)

    def feed(self, data, most=None):
        """Give `data` in reads of at most `most` bytes; what must be written is kept."""
        session = self.session
        at = 0
        while at < len(data):
            n = session.aim()
            if n < 1:
                raise ValueError("a read of no bytes")
            part = data[at : at + min(n, most or n)]
            session.rx_target[: len(part)] = part
            at += len(part)
            paused = session.feed(len(part))
            while paused:
                self.written += self.drain()
                paused = session.feed(0)

    def exchange(self, data, most=None):
        """Give `data` and return what the session answers."""
        self.feed(data, most)
        data = self.written + self.drain()
        self.written = b""
        return data

    def publish(self, topic="t", payload=b"x", qos=1, retain=False):
        """Queue a message; return its packet id."""
        return self.session.publish(topic, payload, qos << 1 | retain)

    def pending(self, *ids):
        """Those of the ids that are still in use."""
        return [one for one in ids if self.session.pending(one)]

    def subscribe(self, topic_filter, qos=0, handler=None, stream=False):
        """Subscribe; the result is the entry of the table."""
        return self.session.subscriptions.add(topic_filter, qos, handler, stream)
