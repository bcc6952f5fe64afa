"""Runs on MicroPython: what a client takes over TLS and WebSocket (see tools/tls_cost.py).

Arguments: a file with the client's arguments as JSON. Prints JSON: bytes of heap that the client
and its connection keep and that they have asked for in all, milliseconds of the processor for a
connection, microseconds of the processor for a publish at QoS 0 and at QoS 1, and the bytes of
heap that a publish asks for.
"""

import gc
import json
import sys
import time

import micropython
from umqtt_full import Client

# Many, for the processor's clock counts whole milliseconds.
_CONNECTS = 40
_PUBLISHES = 3000


def heap():
    """Bytes in use, and bytes asked for since the start."""
    gc.collect()
    return gc.mem_alloc(), micropython.mem_total()


def make(options):
    """A client that is connected."""
    client = Client("tls-cost", options["host"], options["port"], clean_session=True,
                    tls=options["tls"], ca=options["ca"], cert=options["cert"],
                    key=options["key"], websocket=options["websocket"])  # fmt: skip
    client.connect()
    return client


def publishes(client, qos):
    """Microseconds of the processor for one, and what all of them ask of the heap."""
    client.publish("cost", b"0123456789abcdef", qos)
    gc.collect()
    start = time.clock()
    before = micropython.mem_total()
    i = 0
    while i < _PUBLISHES:
        client.publish("cost", b"0123456789abcdef", qos)
        i += 1
    taken = micropython.mem_total() - before
    return (time.clock() - start) / _PUBLISHES * 1e6, taken


def main(name):
    """Measure, and print."""
    with open(name) as file:
        options = json.load(file)
    for module in ("client", "net", "tls", "ws"):
        __import__("umqtt_full." + module)
    before = heap()
    client = make(options)
    after = heap()
    result = {"kept": after[0] - before[0], "asked": after[1] - before[1]}
    for qos in (0, 1):
        took, taken = publishes(client, qos)
        result["us%d" % qos] = took
        result["heap%d" % qos] = taken
    client.disconnect()
    took = 0
    for _ in range(_CONNECTS):
        start = time.clock()
        client = make(options)
        took += time.clock() - start
        client.disconnect()
        client = None
        gc.collect()
    result["ms"] = took / _CONNECTS * 1000
    print(json.dumps(result))


main(sys.argv[1])
