"""Plays histories of `chaos` on MicroPython and CPython: `history_runner.py FILE`.

The file holds one as JSON a line. Prints a line for each that failed, and what the client wrote on
each connection (as hex, behind "W "), for the strict parser on the computer; then how many were
played, then OK if none failed.
"""

import gc
import json
import sys

from chaos.engine import run


def main(path):
    """Play them; how many failed."""
    count = wrong = 0
    with open(path) as file:
        for line in file:
            history = json.loads(line)
            sim = run(history)
            count += 1
            for conn in sim.net.conns:
                if conn.raw:
                    print("W " + bytes(conn.raw).hex())
            if sim.world.failure is not None:
                wrong += 1
                print("history %d: %s %s" % ((history["seed"],) + tuple(sim.world.failure)))
            sim = conn = None
            gc.collect()
    print("%d histories, %d wrong" % (count, wrong))
    if not wrong:
        print("OK")
    return wrong


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
