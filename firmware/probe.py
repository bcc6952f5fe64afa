"""Find out whether anything passes over WiFi: ask the name server, by UDP, without blocking.

`isconnected()` can say True on a dead connection, and a silent broker proves nothing: it may
be the broker that is down. Any answer of the name server, a refusal too, proves the path.
"""

import socket
import time

from micropython import const

TYPE_CHECKING = const(False)
if TYPE_CHECKING:  # names that only a type checker needs
    from _mpy_shed.time_mp import _TicksMs as Ticks

# Query 1 for the name servers of the root: 12 bytes of header, the empty name, NS, IN.
_QUERY = b"\x55\xaa\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01"
_TRIES = 3
_TRY_MS = 2000


class Probe:
    """One question, asked up to three times."""

    def __init__(self, server: str, now_ms: Ticks) -> None:
        self._socket: socket.socket | None = None
        self._tries = 0
        self._next = now_ms
        try:
            self._address = socket.getaddrinfo(server, 53)[0][-1]
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.setblocking(False)
        except OSError:
            self.close()

    def step(self, now_ms: Ticks) -> bool | None:
        """True: answered. False: no answer to three tries. None: call again."""
        if self._answered():
            self.close()
            return True
        if time.ticks_diff(now_ms, self._next) < 0:
            return None
        if self._socket is None or self._tries >= _TRIES:
            self.close()
            return False
        self._tries += 1
        self._next = time.ticks_add(now_ms, _TRY_MS)
        try:
            self._socket.sendto(_QUERY, self._address)
        except OSError:
            return None  # counted as a try without an answer
        return None

    def _answered(self) -> bool:
        if self._socket is None:
            return False
        try:
            data = self._socket.recv(64)
        except OSError:
            return False  # nothing there yet
        return data is not None and data[:2] == _QUERY[:2]

    def close(self) -> None:
        """Give the socket back."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
