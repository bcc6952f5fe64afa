"""Operations of a client that may not take a byte from the heap, on MicroPython.

    alloc_ops.py NAME HOST PORT

measures one of `NAMES` in three ways and prints OK when all of them say 0: what the allocator was
asked for in total (`mem_total`), what is in use with the collector off (`mem_alloc`), and whether
it works while the heap is locked.
"""

import gc
import sys

ROUNDS = 25
SIZES = (0, 16, 200, 700, 4000)
T1 = "a/topic/of/24/characters"
T2 = b"a/topic/as/bytes"
T3 = "another/topic"
T4 = b"another/topic/as/bytes"
LARGE = 8192  # a TX or RX buffer that holds any of the payloads


def text_room(size):
    """A str is only sent without the heap where the outbox has twice its length."""
    return 1024 if size < 500 else LARGE


# name: QoS, size and type of the payload, tx_size, two topics
PUBLISH = {}
for _qos in range(3):
    for _size in SIZES:
        PUBLISH["publish-%d-bytes-%d" % (_qos, _size)] = (_qos, _size, bytes, 1024, (T1, T3))
        PUBLISH["publish-%d-str-%d" % (_qos, _size)] = (
            _qos,
            _size,
            str,
            text_room(_size),
            (T1, T3),
        )
    PUBLISH["publish-%d-bytes-4000-copied" % _qos] = (_qos, 4000, bytes, LARGE, (T1, T3))
    PUBLISH["publish-%d-bytearray" % _qos] = (_qos, 100, bytearray, 1024, (T1, T3))
    PUBLISH["publish-%d-memoryview" % _qos] = (_qos, 100, memoryview, 1024, (T1, T3))
    PUBLISH["publish-%d-topics-as-bytes" % _qos] = (_qos, 16, bytes, 1024, (T2, T4))
    PUBLISH["publish-%d-topics-in-turn" % _qos] = (_qos, 16, str, 1024, (T1, T2))
    PUBLISH["publish-%d-one-topic" % _qos] = (_qos, 16, bytes, 1024, (T2, T2))

# topic published to, QoS, payload size, rx_size, read_size
RECEIVE = {
    "receive-drained": ("in/none", 1, 4000, 1024, 512),
    "receive-streamed": ("in/stream", 1, 4000, 256, 512),
    "receive-streamed-2": ("in/stream", 2, 4000, 1024, 64),
    "receive-no-filter": ("out", 1, 16, 1024, 512),
}
for _qos in range(3):
    for _size in SIZES:
        RECEIVE["receive-%d-exact-%d" % (_qos, _size)] = ("in/exact", _qos, _size, LARGE, 512)
        RECEIVE["receive-%d-wild-%d" % (_qos, _size)] = ("in/w/x", _qos, _size, LARGE, 512)
    RECEIVE["receive-%d-small-reads" % _qos] = ("in/exact", _qos, 200, 1024, 16)

OTHER = (
    "nowait-1", "nowait-2", "nowait-50", "nowait-mixed", "nowait-past-the-window",
    "idle", "ping", "session-ping", "session-reads-of-one-byte", "handler-publishes",
)  # fmt: skip
NAMES = sorted(PUBLISH) + sorted(RECEIVE) + list(OTHER)


def connected(host, port, **options):
    """A client with a session of its own."""
    from umqtt_full import Client

    options["clean_session" if VERSION == 4 else "clean_start"] = True
    if VERSION == 5:
        options["topic_aliases"] = ALIASES
        options["properties"] = {"maximum_packet_size": None}  # what is longer is drained
    client = Client(options.pop("client_id", "alloc"), host, port, version=VERSION, **options)
    client.connect()
    return client


VERSION = 4  # of MQTT
ALIASES = 0  # topic aliases of MQTT 5


class Publishing:
    """Messages to one or two topics, waited for. Methods: a closure of many names takes heap."""

    def __init__(self, host, port, name):
        self.qos, size, kind, tx_size, self.topics = PUBLISH[name]
        self.client = connected(host, port, tx_size=tx_size)
        self.payload = "0" * size if kind is str else kind(b"0" * size)

    def __call__(self):
        self.client.publish(self.topics[0], self.payload, self.qos)
        self.client.publish(self.topics[1], self.payload, self.qos, retain=False)


class Inbox:
    """Handlers that read all that can be read without the heap."""

    def __init__(self, payload):
        self.payload = payload
        self.target = bytearray(len(payload))
        self.count = self.wrong = 0

    def read(self, m):
        """A whole message."""
        n = m.copy_into(self.target)
        if not m.payload_is(self.payload) or n != len(self.target) or m.topic_is(b"other"):
            self.wrong += 1
        if n and n < 20 and m.payload_int() != 0:
            self.wrong += 1
        if m.retain or m.dup or m.offset or m.total != n or m.qos > 2:
            self.wrong += 1
        self.count += 1

    def piece(self, m):
        """A piece of one."""
        n = m.end - m.start
        if m.offset + n == m.total:
            self.count += 1


class Receiving:
    """A message to ourselves, by way of the broker."""

    def __init__(self, host, port, name):
        self.topic, self.qos, size, rx_size, read_size = RECEIVE[name]
        self.payload = b"0" * size
        self.client = client = connected(host, port, rx_size=rx_size, read_size=read_size)
        self.inbox = inbox = Inbox(self.payload)
        for topic_filter in ("in/exact", "in/w/+", "in/none"):
            client.on(topic_filter, inbox.read, self.qos)
        client.on("in/stream", inbox.piece, self.qos, stream=True)
        client.on_message = inbox.read
        client.subscribe("out", self.qos)

    def count(self):
        """How many messages came."""
        return self.inbox.count + self.client.session.oversized

    def __call__(self):
        wanted = self.count() + 1
        self.client.publish(self.topic, self.payload, self.qos)
        while self.count() < wanted:
            self.client.poll(1000)
        if self.inbox.wrong:
            raise ValueError("read wrong")


def nowait_1(client):
    """Ten in flight at QoS 1."""
    i = 0
    while i < 10:
        last = client.publish_nowait(T1, b"0123456789", 1)
        i += 1
    client.wait(last)


def nowait_2(client):
    """Ten in flight at QoS 2."""
    i = 0
    while i < 10:
        last = client.publish_nowait(T1, b"0123456789", 2)
        i += 1
    client.wait(last)


def nowait_50(client):
    """Fifty in flight at QoS 2."""
    i = 0
    while i < 50:
        last = client.publish_nowait(T1, b"0123456789", 2)
        i += 1
    client.wait(last)


def nowait_mixed(client):
    """All levels."""
    i = 0
    while i < 12:
        last = client.publish_nowait(T2, b"0123456789", i % 3)
        i += 1
    client.wait(last)


def handler_publishes(client):
    """A handler answers."""
    client.publish("ask", b"?", 1)
    client.poll(50)


def idle(client):
    """A turn in which nothing happens."""
    client.poll(0)


def ping(client):
    """With a keep alive of a second a PINGREQ goes out every half second."""
    client.poll(50)
    if not client.connected:
        raise ValueError("not connected")


def session_ping():
    """PINGREQ and PINGRESP by a fake clock."""
    from unit_rig import Rig

    rig = Rig(keep_alive=10)
    rig.connect()
    session = rig.session
    now = [0]

    def operation():
        session.poll(now[0])
        now[0] = now[0] + 5000
        if not session.poll(now[0]) or session.tx_window() != 2:
            raise ValueError("no ping")
        session.sent(2)
        session.rx_window[0] = 0xD0
        session.rx_window[1] = 0
        session.feed(2)

    return operation


def session_reads():
    """A message at QoS 2 and its PUBREL, byte by byte."""
    from unit_rig import Rig, ack, publish

    rig = Rig(rx_size=100, read_size=8)
    rig.connect()
    data = publish(b"t", b"x" * 70, 2, 7) + ack(0x62, 7)
    session = rig.session
    session.subscriptions.on_message = Inbox(b"x" * 70).piece

    def operation():
        i = 0
        while i < len(data):
            session.rx_window[0] = data[i]
            session.feed(1)
            n = session.tx_window()
            if n:
                session.sent(n)
            i += 1

    return operation


# name: options of the client, operation
WITH_CLIENT = {
    "nowait-1": ({}, nowait_1),
    "nowait-2": ({}, nowait_2),
    "nowait-50": ({"window": 50, "tx_size": 4096}, nowait_50),
    "nowait-mixed": ({}, nowait_mixed),
    "nowait-past-the-window": ({"window": 3}, nowait_2),
    "idle": ({}, idle),
    "ping": ({"keep_alive": 1}, ping),
    "handler-publishes": ({}, handler_publishes),
}


def operation_of(name, host, port):
    """A function without arguments that does the operation once."""
    if name in PUBLISH:
        return Publishing(host, port, name)
    if name in RECEIVE:
        return Receiving(host, port, name)
    if name == "session-ping":
        return session_ping()
    if name == "session-reads-of-one-byte":
        return session_reads()
    options, function = WITH_CLIENT[name]
    client = connected(host, port, **options)
    if function is handler_publishes:
        client.on("ask", lambda m: client.publish("answer", b"!", 1), 1)
        client.poll(100)

    def operation():
        function(client)

    return operation


def measure(operation):
    """What the three measures say; a list of what is not 0."""
    import micropython

    found = []
    for _ in range(4):
        operation()
    gc.collect()
    gc.disable()
    i = 0
    total = micropython.mem_total()
    used = gc.mem_alloc()
    while i < ROUNDS:
        operation()
        i += 1
    used = gc.mem_alloc() - used
    total = micropython.mem_total() - total
    gc.enable()
    if total:
        found.append("mem_total %d B in %d rounds" % (total, ROUNDS))
    if used:
        found.append("mem_alloc %d B in %d rounds" % (used, ROUNDS))
    gc.collect()
    i = 0
    error = None
    micropython.heap_lock()
    try:
        while i < ROUNDS:
            operation()
            i += 1
    except MemoryError as exc:
        error = exc
    finally:
        micropython.heap_unlock()
    if error is not None:
        sys.print_exception(error)
        found.append("MemoryError in round %d with the heap locked" % i)
    return found


def main(name, host, port, version="4", aliases="0"):
    """Measure one operation."""
    global VERSION, ALIASES
    VERSION = int(version)
    ALIASES = int(aliases)
    found = measure(operation_of(name, host, int(port)))
    for line in found:
        print(line)
    if not found:
        print("OK")
    return len(found)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
