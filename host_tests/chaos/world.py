"""Virtual time and the connections between one client and its broker. Runs on both Pythons.

Nothing here waits: time moves when the client waits for its stream, and then to the next event.
A fault is a count of bytes in one direction, so a history replays exactly.
"""

import heapq

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

IN = 1
OUT = 4
BROKEN = 24  # POLLERR | POLLHUP
TICKS = 0x3FFFFFFF
RESET = 104
REFUSED = 111
_SPINS = 3000  # turns without any progress of time until it counts as a loop for ever


class Broken(BaseException):
    """An invariant does not hold. Not an Exception, so that no code under test swallows it."""


class World:
    """The clock, what is due, and the first invariant that was broken."""

    def __init__(self, start: int = 1000) -> None:
        self.now = start
        self.start = start
        self.failure: tuple[str, str] | None = None
        self.trace: list[tuple[int, str]] = []
        self.watch: list[Any] = []  # called whenever time moves
        self._events: list[Any] = []
        self._order = 0
        self._spins = 0
        self.blocked_ms = 0  # time that handlers took
        self.loop: Any = None  # of asyncio, where one is used
        self.net: Any = None

    def note(self, text: str) -> None:
        """Add a line to the trace."""
        self.trace.append((self.now - self.start, text))

    def fail(self, rule: str, text: str) -> None:
        """An invariant is broken: the history ends here."""
        if self.failure is None:
            self.failure = (rule, text)
            self.note("FAILED %s: %s" % (rule, text))
        raise Broken(rule + ": " + text)

    def at(self, delay: int, action: "Any", *arguments: "Any") -> None:
        """Call `action` in `delay` ms."""
        self._order += 1
        heapq.heappush(self._events, (self.now + delay, self._order, action, arguments))

    def turn(self) -> None:
        """The client took a turn; time must move sooner or later."""
        if self.failure is not None:
            raise Broken("ended")
        self._spins += 1
        if self._spins > _SPINS:
            self.fail("I5", "a busy loop: %d turns at one instant" % _SPINS)

    def progress(self) -> None:
        """Bytes have passed, so it is no idle loop."""
        self._spins = 0

    def advance(self, limit_ms: int, ready: "Any") -> "Any":
        """Let time pass until `ready()` returns something, at most `limit_ms` (-1: for ever)."""
        self.turn()
        end = self.now + limit_ms
        while True:
            events = self._events
            if events and events[0][0] <= self.now:
                self._next()
                continue
            found = ready()
            if found:
                return found
            if not events and limit_ms < 0:
                self.fail("I5", "waits for ever")
            if events and (limit_ms < 0 or events[0][0] <= end):
                self._move(events[0][0])
            else:
                if end > self.now:
                    self._move(end)
                return ready()

    def _next(self) -> None:
        event = heapq.heappop(self._events)
        event[2](*event[3])

    def _move(self, now: int) -> None:
        self.now = now
        self._spins = 0
        for look in self.watch:
            look()

    def ticks(self) -> int:
        """What `ticks_ms` returns."""
        return self.now & TICKS

    def sleep(self, ms: int) -> None:
        """What `sleep_ms` does."""
        self.advance(ms, lambda: None)


class Network:
    """How the network behaves; steps of a history change it at any time."""

    def __init__(self, world: World, ledger: "Any", broker: "Any", parser: "Any") -> None:
        self.world = world
        self.ledger = ledger
        self.broker = broker
        self.parser = parser
        self.conns: list[Conn] = []
        world.net = self
        self.dials: list[Any] = []  # what becomes of the next attempts to connect
        self.cuts: list[tuple[str, int, str]] = []  # for the next connections: direction, bytes
        self.heal()

    def heal(self) -> None:
        """A good network from now on."""
        self.delay = [1, 1]  # ms, up and down
        self.chunk = [100000, 100000]  # bytes that arrive at once
        self.reads: list[int] = [100000]  # most bytes a read gives, in turns
        self.writes: list[int] = [100000]  # most bytes a write takes, in turns; 0: would block
        self.room = 20000  # bytes that are taken before the broker has read them
        del self.dials[:]
        del self.cuts[:]

    def dial(self, _host: str, _port: int) -> "Conn":
        """The hook of the client."""
        how = self.dials.pop(0) if self.dials else "open"
        if how == "raise":
            self.world.note("dial fails")
            raise OSError(-2, "no such host")
        conn = Conn(self, len(self.conns) + 1)
        self.conns.append(conn)
        if self.cuts and how == "open":
            way, count, kind = self.cuts.pop(0)
            conn.arm(way, count, kind)
        self.ledger.opened(conn)
        conn.dialed(how)
        return conn

    def current(self) -> "Conn | None":
        """The newest connection, if it is not closed."""
        if self.conns and not self.conns[-1].closed:
            return self.conns[-1]
        return None


class Conn:
    """One connection; its methods without underscore are the client's stream, or the broker's."""

    def __init__(self, net: Network, number: int) -> None:
        self.net = net
        self.world = net.world
        self.number = number
        self.parser = net.parser()
        self.ready = self.closed = self.fin = self.stalled = False
        self.gone = False  # the broker has no such connection any more
        self.error = 0
        self.sent = [0, 0]  # bytes that left, up and down
        self.came = [0, 0]  # bytes that arrived
        self.read = 0  # of those that came down, taken by the client
        self.down = bytearray()
        self.packets: list[list[Any]] = [[], []]  # (offset of the end, packet), per direction
        self.taken = 0  # packets down that the client has read whole
        self._heard = 0  # packets up that the broker has got
        self._parsed = 0
        self._moving = [False, False]
        self._cut: list[Any] = [None, None]
        self._turns = [0, 0]
        self._hold = False  # writing would block for a moment
        self.raw = bytearray()  # all that the client wrote
        self.last_read: list[Any] = []  # packets of the last read
        self.opened_at = self.world.now
        self.read_at = self.wrote_at = self.part_at = 0  # when; part_at: not a whole packet

    # what a history does to it

    def arm(self, way: str, count: int, kind: str) -> None:
        """Break when `count` more bytes have arrived at the other end."""
        if self.gone:
            return
        i = 0 if way == "up" else 1
        self._cut[i] = (self.came[i] + count, kind)
        self._check(i)

    def broken(self) -> bool:
        """Tell whether nothing can pass any more."""
        return bool(self.fin or self.error or self.stalled or self.gone)

    def bury(self) -> None:
        """What the client has closed is over for the broker too."""
        if self.closed:
            self._leave()

    def disarm(self) -> None:
        """Nothing more is planned for it, except the end that the broker has begun."""
        cut = self._cut[1]
        self._cut = [None, cut if self.gone and cut is not None and cut[1] != "stall" else None]

    def dialed(self, how: "Any") -> None:
        """An attempt that succeeds, is refused, stays without answer or takes a while."""
        if how == "refuse":
            self.world.at(self.net.delay[0], self._refuse)
        elif how == "hole":
            self.stalled = True
        else:
            self.world.at(how if isinstance(how, int) else self.net.delay[0], self._accept)

    def _refuse(self) -> None:
        self.error = REFUSED

    def _accept(self) -> None:
        if not self.closed:
            self.ready = True
            self._check(0)
            self._check(1)

    def strike(self, kind: str) -> None:
        """The connection ends: FIN, RST, or silence."""
        if self.fin or self.error or self.stalled:
            return
        self.world.note("#%d %s" % (self.number, kind))
        if kind == "stall":
            self.stalled = True
            return
        self._leave()
        if kind == "rst" or not self.ready:
            self.error = RESET
        else:
            self.fin = True

    def _leave(self) -> None:
        if not self.gone:
            self.gone = True
            self.net.broker.lost(self)

    def end(self, kind: str) -> None:
        """The broker closes: what it has sent still comes, unless it resets."""
        self._leave()
        if kind == "rst" and not self.stalled:
            self.strike(kind)
        else:
            self._cut[1] = (self.sent[1], kind)
            self._check(1)

    # bytes

    def _check(self, i: int) -> None:
        cut = self._cut[i]
        if cut is not None and self.came[i] >= cut[0] and self.ready:
            self._cut[i] = None
            self.strike(cut[1])

    def _start(self, i: int) -> None:
        if not self._moving[i]:
            self._moving[i] = True
            self.world.at(self.net.delay[i], self._arrive, i)

    def _arrive(self, i: int) -> None:
        self._moving[i] = False
        if self.stalled or self.error or (self.fin and i):
            return
        n = min(self.sent[i] - self.came[i], self.net.chunk[i])
        cut = self._cut[i]
        if cut is not None:
            n = min(n, cut[0] - self.came[i])
        self.came[i] += n
        if not i:
            self._hear()
        self._check(i)
        if self.came[i] < self.sent[i]:
            self._start(i)
        elif not i and self.closed:
            self._leave()

    def _hear(self) -> None:
        """Give the broker the packets that have arrived whole."""
        if self.fin:
            self.error = RESET  # it has closed: what comes is answered with a reset
            return
        packets = self.packets[0]
        while self._heard < len(packets) and packets[self._heard][0] <= self.came[0]:
            self._heard += 1
            if not self.gone:
                self.net.broker.received(self, packets[self._heard - 1][1])

    def send(self, data: bytes, packet: "Any") -> None:
        """The broker sends a packet."""
        if self.gone or self.fin or self.error:
            return
        self.down += data
        self.sent[1] += len(data)
        self.packets[1].append((self.sent[1], packet))
        self._start(1)

    # the stream of the client

    def fileno(self) -> int:
        """A descriptor that no system call sees."""
        return 1000000 + self.number

    def events(self) -> int:
        """What `poll` reports."""
        if self.error:
            return IN | OUT | BROKEN
        found = IN if self.fin or self.came[1] > self.read else 0
        if self.ready and not self._hold and self.sent[0] - self.came[0] < self.net.room:
            found |= OUT
        return found

    def _alive(self, verb: str) -> None:
        if self.closed:
            self.world.fail("I6", verb + " on a closed stream")
        self.world.turn()
        if self.error:
            raise OSError(self.error, "by the network")

    def _most(self, i: int, limits: list[int]) -> int:
        self._turns[i] += 1
        return limits[self._turns[i] % len(limits)]

    def readinto(self, buf: bytearray, most: int = 1 << 30) -> int | None:
        """As a socket."""
        self._alive("read")
        n = min(len(buf), most, self.came[1] - self.read)
        if not n:
            return 0 if self.fin else None
        n = min(n, self._most(1, self.net.reads))
        buf[:n] = self.down[self.read : self.read + n]
        self.read += n
        self.world.progress()
        self.read_at = self.world.now
        packets = self.packets[1]
        self.last_read = []
        while self.taken < len(packets) and packets[self.taken][0] <= self.read:
            self.last_read.append(packets[self.taken][1])
            self.taken += 1
        self.net.ledger.has_read(self, self.last_read)
        return n

    def write(self, buf: "Any", off: int, n: int) -> int | None:
        """As a socket."""
        if self._parsed == self.sent[0] and (self.ready or self.error):
            self.net.ledger.offered(bytes(memoryview(buf)[off : off + n]))
        self._alive("write")
        if not self.ready:
            return None
        most = self._most(0, self.net.writes)
        if not most:
            self._hold = True
            self.world.at(2, self._release)
        k = min(n, most, self.net.room - (self.sent[0] - self.came[0]))
        if k <= 0:
            return None
        data = bytes(memoryview(buf)[off : off + k])
        part = self._parsed < self.sent[0]
        self.raw += data
        self.sent[0] += k
        self.world.progress()
        self.wrote_at = self.world.now
        self.net.ledger.wrote(self, data)
        for packet in self._parse(data):
            self._parsed += len(packet["raw"])
            self.packets[0].append((self._parsed, packet))
            self.net.ledger.has_written(self, packet)
        if part or self._parsed < self.sent[0]:
            self.part_at = self.world.now
        self._start(0)
        return k

    def _parse(self, data: bytes) -> "Any":
        try:
            return self.parser.feed(data)
        except Exception as exc:
            return self.world.fail("I7", "#%d %s" % (self.number, exc))

    def _release(self) -> None:
        self._hold = False

    def close(self) -> None:
        """As a socket."""
        if self.closed:
            return
        self.closed = True
        self.net.ledger.closed(self)
        if not self.stalled and not self.error:
            self._start(0)
