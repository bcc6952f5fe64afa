"""When to ping, and when a link is dead. Time is an argument; no clock is read here."""

from micropython import const

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from .session import Session

_TICKS = const(0x3FFFFFFF)

PING = const(1)
DEAD = const(2)


class KeepAlive:
    """Keep alive of `seconds` (0: none); PINGRESP may take `ping_timeout_ms`.

    A PINGREQ is due when half the keep alive has passed without sending or without receiving, so a
    link that is dead in one direction is found under traffic too. The timeout defaults to 10 s or
    half the keep alive, the smaller: a dead link is known within the keep alive.
    """

    def __init__(self, seconds: int, ping_timeout_ms: int | None) -> None:
        self.interval = seconds * 500
        self.timeout = min(10000, self.interval) if ping_timeout_ms is None else ping_timeout_ms
        self.pinging = False
        self._last_rx = self._last_tx = self._ping_at = 0

    def poll(self, now_ms: int, session: "Session") -> int:
        """Take note of what was written and received until now; return PING, DEAD or 0."""
        now_ms &= _TICKS
        if session.fed:
            session.fed = False
            self._last_rx = now_ms
        if session.wrote:
            session.wrote = False
            self._last_tx = now_ms
            if session.writing:
                self._ping_at = now_ms  # a long packet goes out, PINGREQ waits behind it
        if not session.connected or not self.interval:
            return 0
        if session.held:  # what is not read says nothing about the link
            self._last_rx = self._ping_at = now_ms
        elif self.pinging:
            return 0 if now_ms - self._ping_at & _TICKS < self.timeout else DEAD
        if self._idle(now_ms) < self.interval:
            return 0
        self.pinging = True
        self._ping_at = now_ms
        return PING

    def _idle(self, now_ms: int) -> int:
        return max(now_ms - self._last_rx & _TICKS, now_ms - self._last_tx & _TICKS)

    def left(self, now_ms: int) -> int:
        """Return in how many milliseconds `poll` has something to do; -1: never."""
        if not self.interval:
            return -1
        if self.pinging:
            return max(0, self.timeout - (now_ms - self._ping_at & _TICKS))
        return max(0, self.interval - self._idle(now_ms & _TICKS))
