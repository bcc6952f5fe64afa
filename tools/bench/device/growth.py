# mypy: ignore-errors
"""How the work for one message grows with how much there is of something; no socket.

`growth.py NAME N` prints microseconds an operation. Each function sets up and returns
(operation, how many of what counts it does).
"""

import sys

from umqtt_full.session import Session

SMALL = 16
ROUNDS = 20  # measured that often; the least counts


def connected(**options):
    """A session that has CONNACK, and nothing to write."""
    session = Session("growth", clean_session=True, keep_alive=0, **options)
    session.open()
    drain(session)
    give(session, b"\x20\2\0\0")
    return session


def drain(session):
    """Take all that it would write; how many packets."""
    count = 0
    n = session.tx_window()
    while n:
        session.sent(n)
        count += 1
        n = session.tx_window()
    return count


def give(session, data):
    """Let it read that."""
    window = session.rx_window
    i = 0
    while i < len(data):
        n = min(len(window), len(data) - i)
        window[0:n] = data[i : i + n]
        if session.feed(n):
            drain(session)
            while session.feed(0):
                drain(session)
        i += n


def varint(n):
    """A Remaining Length."""
    found = b""
    while n > 127:
        found += bytes((n & 127 | 128,))
        n >>= 7
    return found + bytes((n,))


def publish(topic, size, flags=0, packet_id=0):
    """A PUBLISH packet."""
    body = bytes((0, len(topic))) + topic
    if flags:
        body += bytes((packet_id >> 8, packet_id & 255))
    return bytes((0x30 | flags,)) + varint(len(body) + size) + body + b"x" * size


def ack(first, packet_id):
    """PUBACK and its like."""
    return bytes((first, 2, packet_id >> 8, packet_id & 255))


def filters(n):
    """Dispatch to the last of `n` handlers, each with a filter of its own."""
    session = connected()
    heard = []
    for i in range(n):
        handler = (lambda m: heard.append(1)) if i == n - 1 else (lambda m: None)
        session.subscriptions.add("node/%03d/set" % i, 0, handler)
    drain(session)
    data = publish(b"node/%03d/set" % (n - 1), SMALL)

    def operation():
        heard.clear()
        give(session, data)
        if len(heard) != 1:
            raise ValueError("not dispatched")

    return operation, 1


def wildcards(n):
    """Dispatch past `n` filters with `+` that do not match."""
    session = connected()
    for i in range(n):
        session.subscriptions.add("node/%03d/+" % i, 0, lambda m: None)
    session.subscriptions.add("last/+", 0, lambda m: None)
    drain(session)
    data = publish(b"last/one", SMALL)
    return (lambda: give(session, data)), 1


def window(n):
    """Fill a window of `n` at QoS 1, and take the acknowledgements in order."""
    session = connected(window=n, tx_size=64 * n + 128)
    payload = b"x" * SMALL

    def operation():
        first = last = 0
        for _ in range(n):
            last = session.publish("a/b", payload, 2)
            first = first or last
            drain(session)
        for packet_id in range(first, first + n):
            give(session, ack(0x40, packet_id))
        if session.pending(last):
            raise ValueError("still pending")
        session.ids.next = 1

    return operation, n


def outbox(n):
    """Queue `n` messages at QoS 1 and have them all acknowledged, a window of 16 at a time."""
    session = connected(window=16, tx_size=32 * n + 128)
    payload = b"x" * SMALL

    def operation():
        session.ids.next = 1
        for _ in range(n):
            if session.publish("a/b", payload, 2) < 0:
                raise ValueError("no room")
        packet_id = 1
        while packet_id <= n:
            drain(session)
            for _ in range(min(16, n - packet_id + 1)):
                give(session, ack(0x40, packet_id))
                packet_id += 1
        if session.outbox.head != session.outbox.tail:
            raise ValueError("something is left")

    return operation, n


def acks_backwards(n):
    """A window of `n` that is acknowledged last first: each PUBACK has to be found."""
    session = connected(window=n, tx_size=64 * n + 128)
    payload = b"x" * SMALL

    def operation():
        session.ids.next = 1
        for _ in range(n):
            session.publish("a/b", payload, 2)
        drain(session)
        for packet_id in range(n, 0, -1):
            give(session, ack(0x40, packet_id))

    return operation, n


def received_2(n):
    """`n` messages at QoS 2 that are all received before the first PUBREL comes."""
    session = connected()
    session.subscriptions.on_message = lambda m: None

    def operation():
        for packet_id in range(1, n + 1):
            give(session, publish(b"a/b", SMALL, 4, packet_id))
            drain(session)
        for packet_id in range(1, n + 1):
            give(session, ack(0x62, packet_id))
            drain(session)

    return operation, n


def payload_in(n):
    """Receive a payload of `n` bytes in pieces."""
    session = connected(rx_size=256)
    total = [0]

    def piece(m):
        total[0] += m.end - m.start

    session.subscriptions.add("a/b", 0, piece, True)
    drain(session)
    data = publish(b"a/b", n)

    def operation():
        total[0] = 0
        give(session, data)
        if total[0] != n:
            raise ValueError("not all came")

    return operation, n


def payload_whole(n):
    """Receive a payload of `n` bytes in a buffer that holds it."""
    session = connected(rx_size=n + 64)
    session.subscriptions.add("a/b", 0, lambda m: None)
    drain(session)
    data = publish(b"a/b", n)
    return (lambda: give(session, data)), n


def payload_out(n):
    """Publish a payload of `n` bytes at QoS 1 from where it is."""
    session = connected()
    payload = b"x" * n

    def operation():
        packet_id = session.publish("a/b", payload, 2)
        drain(session)
        give(session, ack(0x40, packet_id))

    return operation, n


# name: what grows, the numbers, and whether the work for one operation may grow with the number
NAMES = {
    "filters": (filters, (1, 5, 20, 50, 100, 200, 500), "handlers"),
    "wildcards": (wildcards, (1, 5, 20, 50, 100, 200, 500), "filters with +"),
    "window": (window, (1, 2, 4, 8, 16, 32, 64), "messages in flight"),
    "outbox": (outbox, (1, 10, 100, 1000, 10000), "messages queued"),
    "acks_backwards": (acks_backwards, (1, 4, 16, 64), "acknowledged last first"),
    "received_2": (received_2, (1, 10, 20, 32, 100, 300, 1000), "QoS 2 messages half received"),
    "payload_in": (payload_in, (1, 100, 10000, 100000, 1000000), "bytes, in pieces"),
    "payload_whole": (payload_whole, (1, 100, 1000, 10000, 60000), "bytes, whole"),
    "payload_out": (payload_out, (1, 100, 10000, 100000, 1000000), "bytes, published"),
}


def main(name, n):
    """Time it."""
    from clock import since_us, wall_us

    operation, count = NAMES[name][0](n)
    best = None
    rounds = max(3, min(ROUNDS, 200000 // max(1, count)))
    for _ in range(rounds):
        start = wall_us()
        operation()
        took = since_us(start)
        best = took if best is None else min(best, took)
        if took > 500000:
            break
    print("TOOK", best, count)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
