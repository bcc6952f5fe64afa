"""A time server on loopback (SNTP, RFC 5905), for a board that has to know the date before TLS.

The demo and the tests bring their own, for they work without the internet.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable

HOST = "127.0.0.1"
_SINCE_1900 = 2208988800


def answer(question: bytes, at: float | None = None, first: int = 0x24, stratum: int = 2) -> bytes:
    """What a good server answers; `first` is leap indicator, version and mode."""
    now = (time.time() if at is None else at) + _SINCE_1900
    stamp = struct.pack(">II", int(now) & 0xFFFFFFFF, int(now % 1 * 2**32))
    head = struct.pack(">BBBb", first, stratum, 6, -20)
    return head + bytes(8) + b"LOCL" + stamp + question[40:48] + stamp + stamp


class TimeServer:
    """Answers questions, from the port `port`, by `behave`: all answers to one of them."""

    def __init__(self, behave: Callable[[bytes], list[bytes]] | None = None) -> None:
        self.behave = behave or (lambda question: [answer(question)])
        self.asked: list[float] = []  # when each question came
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self.port: int = self._socket.getsockname()[1]
        self.stranger: socket.socket | None = None  # what answers instead of it
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            question, source = self._socket.recvfrom(512)
            if not question:
                return
            self.asked.append(time.monotonic())
            for one in self.behave(question):
                (self.stranger or self._socket).sendto(one, source)

    def close(self) -> None:
        """Answer no more."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"", (HOST, self.port))
        self._thread.join(5)
        self._socket.close()

    def __enter__(self) -> TimeServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
