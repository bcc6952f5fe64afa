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
    link that is dead in one direction is found under traffic too. CONNECT counts as sent, however
    long CONNACK takes [MQTT-3.1.2-24]. The timeout defaults to 10 s or half the keep alive, the
    smaller: a dead link is known within the keep alive.
    """

    def __init__(self, seconds: int, ping_timeout_ms: int | None) -> None:
        self._timeout_ms = ping_timeout_ms
        self.set(seconds)
        self.pinging = False
        self._last_rx = self._last_tx = self._ping_at = 0
        self._stuck = False  # a PINGREQ is due but nothing can be written
        self._polled = 0  # when the time was given last: what was done since is as old at most

    def set(self, seconds: int) -> None:
        """Change the keep alive: a broker may have another."""
        self.interval = seconds * 500
        timeout_ms = self._timeout_ms
        self.timeout = min(10000, self.interval) if timeout_ms is None else timeout_ms

    def poll(self, now_ms: int, session: "Session") -> int:
        """Take note of what was written and received until now; return PING, DEAD or 0."""
        now_ms &= _TICKS
        self._note(now_ms, session)
        if not session.connected or not self.interval:
            return 0
        self._stuck = self.pinging and session.writing > 0
        if session.held:  # what is not read says nothing about the link
            self._last_rx = now_ms
            if not self._stuck:
                self._ping_at = now_ms
        if self.pinging and now_ms - self._ping_at & _TICKS >= self.timeout:
            return DEAD
        if self._stuck:
            return 0  # another would only wait behind this one
        if self._idle(now_ms) < self.interval:
            return 0
        if not self.pinging:
            self._ping_at = now_ms
        self.pinging = True
        return PING

    def _note(self, now_ms: int, session: "Session") -> None:
        """Take note of when it was written and received: since the time was given last."""
        if session.fed & 1:
            session.fed &= 2
            self._last_rx = self._polled
        if session.wrote:
            self._last_tx = self._polled
            if session.wrote == 2:
                self._ping_at = now_ms  # a long packet goes out, PINGREQ waits behind it
            session.wrote = 0
        self._polled = now_ms

    def _idle(self, now_ms: int) -> int:
        """How long nothing was sent, or received; while PINGRESP is awaited, only sent."""
        idle = now_ms - self._last_tx & _TICKS
        return idle if self.pinging else max(idle, now_ms - self._last_rx & _TICKS)

    def left(self, now_ms: int) -> int:
        """Return in how many milliseconds `poll` has something to do; -1: never."""
        if not self.interval:
            return -1
        left = self.interval if self._stuck else self.interval - self._idle(now_ms & _TICKS)
        if self.pinging:
            left = min(left, self.timeout - (now_ms - self._ping_at & _TICKS))
        return max(0, left)
