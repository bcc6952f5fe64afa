"""Plays the cases of `cuts.py` on MicroPython and CPython.

    cut_runner.py FRONT PART PARTS VERSION

prints a line for each case that failed, and what the client wrote on each connection (as hex,
behind "W "), for the strict parser on the computer; then how many cases, then OK if none failed.
"""

import gc
import sys

import cuts

wires = {}


def seen(sim):
    """Keep what was written; most cases write the same."""
    for conn in sim.net.conns:
        if conn.raw:
            wires[bytes(conn.raw)] = True
    sim = None
    gc.collect()


def main(front, part, parts, version):
    """Run one part of the cases."""
    count, wrong = cuts.play(front, part, parts, seen, version)
    for raw in wires:
        print("W " + raw.hex())
    for line in wrong[:30]:
        print(line)
    print("%d cases, %d wrong" % (count, len(wrong)))
    if not wrong:
        print("OK")
    return len(wrong)


if __name__ == "__main__":
    numbers = [int(one) for one in sys.argv[2:]]
    sys.exit(1 if main(sys.argv[1], numbers[0], numbers[1], numbers[2]) else 0)
