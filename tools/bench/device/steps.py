# mypy: ignore-errors
"""Microseconds and heap bytes of the single steps that a client consists of, on MicroPython.

Reads a line `host port`, where somebody takes what is written and writes nothing. Prints a line
for each step: STEP, microseconds, bytes, name. The turn of the loop that a step is measured in is
taken off; it stands first, by itself.
"""

import gc
import select
import socket
import sys

from clock import asked, since_us, wall_us

_TURNS = 2000
_TIMES = 7  # of which the quickest counts
_STEPS = (
    ("method call", "o.method()"),
    ("pack_into('>H')", "pack_into('>H', buf, 4, i)"),
    ("shift and store, two bytes", "buf[4] = i >> 8; buf[5] = i & 255"),
    ("pack_into('24s')", "pack_into('24s', buf, 4, text)"),
    ("slice store of 24 bytes", "buf[4:28] = text"),
    ("slice of a memoryview", "view[4:28]"),
    ("ipoll(0)", "poller.ipoll(0)"),
    ("poll(0)", "poller.poll(0)"),
    ("readinto that would block", "stream.readinto(buf)"),
    ("write of 44 bytes", "stream.write(buf, 0, 44)"),
)
_FUNCTION = """\
def function(turns, o, buf, view, text, poller, stream):
    for i in range(turns):
        {}
"""


class Thing:
    """What has a method."""

    def method(self):
        """Do nothing."""


def measure(step, arguments):
    """Microseconds of a turn of a loop with that step in it, and bytes of all its turns."""
    names = {}
    exec("from struct import pack_into\n" + _FUNCTION.format(step), names)
    function = names["function"]
    function(10, *arguments)
    gc.collect()
    before = asked()
    function(_TURNS, *arguments)
    taken = asked() - before
    best = None
    for _ in range(_TIMES):
        gc.collect()
        start = wall_us()
        function(_TURNS, *arguments)
        us = since_us(start)
        best = us if best is None else min(best, us)
    return best / _TURNS, taken


def main():
    """Measure all."""
    host, port = sys.stdin.readline().split()
    stream = socket.socket()
    stream.connect(socket.getaddrinfo(host, int(port))[0][-1])
    stream.setblocking(False)
    poller = select.poll()
    poller.register(stream, select.POLLIN)
    buf = bytearray(64)
    text = b"bench/0123456789abcdefgh"
    arguments = (Thing(), buf, memoryview(buf), text, poller, stream)
    turn, call = measure("pass", arguments)
    print("STEP", turn, 0, "empty loop turn")
    for name, step in _STEPS:
        us, taken = measure(step, arguments)
        print("STEP", us - turn, (taken - call) / _TURNS, name)


main()
