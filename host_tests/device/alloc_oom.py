"""The heap is locked from the n-th read or write on, for every n, on MicroPython.

    alloc_oom.py CASE HOST PORT

prints OK when each failure came out as MemoryError (or was not needed), the stream of a broken
connection was closed, and the same object then connected, published and received again.
"""

import os
import sys

import micropython
from umqtt_full import Client

ERRORS = (MemoryError, OSError)


class Switch:
    """Locks the heap in the n-th read or write of a client; never if `n` is negative."""

    def __init__(self, client):
        self.n = -1
        session = client.session
        self._feed = session.feed
        self._sent = session.sent
        session.feed = self.feed
        session.sent = self.sent

    def tick(self):
        """A read or write took place."""
        self.n -= 1
        if self.n == 0:
            micropython.heap_lock()

    def feed(self, n):
        """As the session, behind a read."""
        self.tick()
        return self._feed(n)

    def sent(self, n):
        """As the session, behind a write."""
        self._sent(n)
        self.tick()


def descriptors():
    """How many files this process has open."""
    return len(os.listdir("/proc/self/fd"))


AT_START = descriptors()


def still_open():
    """How many sockets are open."""
    return descriptors() - AT_START


def unlocked():
    """Unlock the heap, however often it was locked."""
    micropython.heap_lock()
    while micropython.heap_unlock():
        pass


def new_client(host, port, name, **options):
    """A client on counted streams."""
    client = Client("oom-" + name, host, port, clean_session=True, timeout_ms=3000, **options)
    client.on_error = lambda exc: None
    return client


def works(client, seen):
    """The object can be used: connected, a message to itself at each QoS."""
    if not client.connected:
        client.connect()
    for qos in range(3):
        wanted = seen[0] + 1
        client.publish("oom/in", b"x", qos)
        for _ in range(50):
            if seen[0] >= wanted:
                break
            client.poll(100)
        if seen[0] < wanted:
            raise ValueError("nothing received at QoS %d" % qos)


def locked_from(switch, n, action):
    """Do something whose n-th read or write locks the heap; return what it raised."""
    switch.n = n
    try:
        action()
        return None
    except ERRORS as exc:
        return type(exc)
    finally:
        unlocked()
        switch.n = -1


def every_call(name, host, port, action, prepare=None, **options):
    """`action` with the heap locked from each of its reads and writes on."""
    failures = 0
    seen = [0]

    def handler(message):
        seen[0] += 1

    client = new_client(host, port, name, **options)
    switch = Switch(client)
    client.on("oom/in", handler, 2)
    works(client, seen)
    for n in range(1, 15):
        if prepare is not None:
            prepare(client)
        kind = locked_from(switch, n, lambda: action(client))
        if kind is OSError:
            raise ValueError("OSError instead of MemoryError")
        failures += kind is MemoryError
        if still_open() > (1 if client.connected else 0):
            raise ValueError("a stream was not closed")
        works(client, seen)
    client.disconnect()
    if still_open():
        raise ValueError("a stream was left open")
    return failures


def connect_again(client):
    """From a closed client."""
    client.close()


def connected(client):
    """From a connected one."""
    if not client.connected:
        client.connect()


def subscribe(client):
    """Something that allocates: SUBSCRIBE is encoded, a table entry made."""
    client.subscribe("oom/" + client.session.connect_packet[-1:].decode(), 1)
    client.subscribe([("oom/a", 0), ("oom/b", 2)])


def subscribe_later(client):
    """`on` is told at once, the packet is made in a turn."""
    client.on("oom/later", print, 1)
    for _ in range(5):
        client.poll(20)


def turns(client):
    """What only moves bytes: it never needs the heap."""
    client.publish("t", b"x", 0)
    client.publish("t", b"x", 1)
    client.publish("t", b"x", 2)
    client.poll(10)


def locked_at_once(host, port):
    """Before the first read or write."""
    seen = [0]
    client = new_client(host, port, "once")

    def handler(message):
        seen[0] += 1

    client.on("oom/in", handler, 1)
    for action in (client.connect, lambda: client.subscribe("oom/x", 1)):
        micropython.heap_lock()
        try:
            action()
            kind = None
        except ERRORS as exc:
            kind = type(exc)
        unlocked()
        if kind is not MemoryError:
            raise ValueError("%r instead of MemoryError" % kind)
        if still_open() > (1 if client.connected else 0):
            raise ValueError("a stream was not closed")
        works(client, seen)
    client.disconnect()


def handler_without_memory(host, port):
    """A handler that cannot keep its message: told to `on_error`, the connection goes on."""
    seen = [0]
    errors = []
    client = new_client(host, port, "handler")
    client.on_error = errors.append

    def handler(message):
        seen[0] += 1
        if len(message.payload) > 1:
            micropython.heap_lock()
            bytes(message.payload)

    client.on("oom/in", handler, 1)
    client.connect()
    client.on_error = lambda exc: unlocked() or errors.append(exc)
    client.publish("oom/in", b"xx", 1)
    while not errors:
        client.poll(100)
    unlocked()
    if not isinstance(errors[0], MemoryError) or not client.connected:
        raise ValueError("%r" % errors)
    works(client, seen)
    client.disconnect()


def main(name, host, port):
    """Run one case."""
    port = int(port)
    if name == "connect":
        failures = every_call(name, host, port, Client.connect, connect_again)
    elif name == "reconnect":
        failures = every_call(
            name, host, port, Client.connect, connect_again, reconnect=True, backoff_ms=10
        )
    elif name == "subscribe":
        failures = every_call(name, host, port, subscribe, connected)
    elif name == "subscribe-later":
        failures = every_call(name, host, port, subscribe_later, connected)
    elif name == "turns":
        failures = 1 - every_call(name, host, port, turns, connected)
    elif name == "at-once":
        failures = 1
        locked_at_once(host, port)
    else:
        failures = 1
        handler_without_memory(host, port)
    print("%d failures" % failures)
    if name == "reconnect" or failures > 0:
        print("OK")


if __name__ == "__main__":
    main(*sys.argv[1:])
