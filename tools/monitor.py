"""Show what a board prints: `python3 -m tools.monitor [--port PORT]`; Ctrl-C ends it.

Sends nothing, so the program goes on undisturbed, and waits for a port that goes away: the
Pico W's does at every reset. (`make repl` is for talking.)
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import serial  # type: ignore[import-untyped]

from tools import board

_BAUD = 115200  # of boards with a serial chip; the others do not care
_RETRY = 0.5


def pieces(port: str, wait: Callable[[float], None] = time.sleep) -> Iterator[str]:
    """What comes from a port, for ever, with a line of our own when it goes and returns."""
    there = True
    while True:
        try:
            with contextlib.closing(serial.Serial(port, _BAUD, timeout=0.2)) as device:
                if not there:
                    yield f"\n[{port} is back]\n"
                there = True
                yield from _read(device)
        except (OSError, serial.SerialException) as error:
            if there:
                yield f"\n[{port}: {error}; waiting for it]\n"
            there = False
            wait(_RETRY)


def _read(device: Any) -> Iterator[str]:
    while True:
        data = device.read(max(1, device.in_waiting))
        if data:
            yield data.decode("utf-8", "replace").replace("\r\n", "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print until Ctrl-C."""
    port = board.port_or_exit(arguments, "monitor", __doc__)
    print(f"monitor of {port}; Ctrl-C ends it", flush=True)
    try:
        for piece in pieces(port):
            sys.stdout.write(piece)
            sys.stdout.flush()
    except KeyboardInterrupt:
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
