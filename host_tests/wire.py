"""One accepted connection of the fake broker."""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Callable

from strict import Packet, Parser
from strict_base import Stream


class Link:
    """One accepted connection."""

    def __init__(
        self,
        raw: socket.socket,
        log: Callable[[str, str, bytes], None],
        parser: Stream | None = None,
    ) -> None:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.raw = raw
        self.parser = parser or Parser()
        self.packets: list[Packet] = []
        self.ended = False
        self._log = log

    def read(self, deadline: float, count: int = 65536) -> bytes | None:
        """The next bytes through the parser: b'' at the end, None when the time is over."""
        if self.ended:
            return b""
        if not select.select([self.raw], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return None
        try:
            data = self.raw.recv(count)
        except OSError:
            data = b""
        self.ended = not data
        self._log("<", "end of stream" if self.ended else "", data)
        self.packets += self.parser.feed(data)
        return data

    def write(self, data: bytes) -> None:
        """Send all; a client that is gone already shows when something is expected of it."""
        try:
            self.raw.sendall(data)
        except OSError as error:
            self._log(">", f"not sent: {error}", b"")

    def reset(self) -> None:
        """Close with RST."""
        self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.raw.close()
        self.ended = True
