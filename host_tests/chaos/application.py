"""The application: what both front ends share, and the one that uses `Client`.

A step of a history is a list: the name of a method `do_NAME` here or in `weather.py`, and its
arguments.
"""

from umqtt_full.errors import MQTTError

from .broker import FILTERS, TOPICS, body
from .ledger import serial_of
from .records import DONE
from .world import OUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LATE = 300  # ms by which a ping and a verdict may be late


class Planned(Exception):
    """What a handler of a history raises."""


class Application:
    """Handlers, serial numbers and the checks around each call."""

    slack = 0  # ms by which a call may be late

    def __init__(self, sim: "Any", client: "Any") -> None:
        self.sim = sim
        self.world = sim.world
        self.client = client
        self.serial = 0
        self.moods: dict[str, Any] = {}  # what a handler does in its next calls
        self.errors = 0
        self.parts: dict[str, bytearray] = {}
        self.pending: list[int] = []  # ids
        self.pause = 0  # when the application last did nothing for a while
        self.away = False  # it does so now
        self.closed_in = False  # closed from within a handler: the rest of the window is lost
        self._accepted: Any = None
        client.on_message = lambda m: self.handle("*", m)
        client.on_error = self._error
        self._publish = client.session.publish
        client.session.publish = self._hook
        self._once = client.session.outbox.once
        client.session.outbox.once = self._hook_once
        sim.ledger.unread = self._unread
        sim.ledger.paused = lambda: client._paused or client._feeding
        self.world.watch.append(self.look)

    def _error(self, exc: BaseException) -> None:
        self.errors += 1
        if not isinstance(exc, (Planned, MQTTError)):
            self.world.fail("I6", "on_error got %r" % exc)

    def _unread(self) -> bool:
        client = self.client  # _feeding: a handler wrote to a stream that is dead
        return bool(
            client._paused or client._feeding or self.closed_in or self.sim.ledger.link.bad
        )

    def _hook(self, topic: "Any", payload: "Any", flags: int) -> int:
        packet_id = self._publish(topic, payload, flags)
        if packet_id >= 0:
            plain = payload.encode() if isinstance(payload, str) else bytes(payload)
            what = (topic, plain, flags >> 1, bool(flags & 1))
            self.sim.ledger.accepted(serial_of(plain), what, packet_id)
            if packet_id:
                self.pending.append(packet_id)
        return int(packet_id)

    def _hook_once(self, topic: "Any", payload: "Any", flags: int) -> int:
        n = self._once(topic, payload, flags)
        if n:  # it is written at once, or queued then
            plain = payload.encode() if isinstance(payload, str) else bytes(payload)
            self.sim.ledger.accepted(serial_of(plain), (topic, plain, 0, bool(flags & 1)), 0)
        return int(n)

    def message(self, topic: int, size: int, text: bool) -> "Any":
        """Topic and payload of a new message."""
        self.serial += 1
        payload = body(self.serial, size)
        return TOPICS[topic], payload.decode() if text else payload

    # handlers

    def handle(self, key: str, m: "Any") -> None:
        """What every handler does."""
        payload = bytes(m.payload)
        if m.total != len(payload):
            whole = self._join(key, m, payload)
            if whole is None:
                return
            payload = whole
        self.sim.inbox.begin(key, serial_of(payload), (m.topic, payload, m.qos, m.retain))
        self.world.note("handler %s: %d" % (key, serial_of(payload)))
        try:
            self._behave(self.moods.get(key))
        finally:
            self.sim.inbox.end()

    def _join(self, key: str, m: "Any", piece: bytes) -> bytes | None:
        if not m.offset:
            self.parts[key] = bytearray()
        part = self.parts.get(key, b"")
        if m.offset != len(part):
            self.world.fail("I1", "piece at %d, %d are there" % (m.offset, len(part)))
        self.parts[key] += piece
        return bytes(self.parts[key]) if len(self.parts[key]) == m.total else None

    def _behave(self, mood: "Any") -> None:
        if not mood or not mood[0]:
            return
        mood[0] -= 1
        what, value = mood[1], mood[2]
        if what == "raise":
            raise Planned("by the history")
        if what == "block":
            self.be_away(value)
        elif what == "publish":
            self.publish_inside(value)
        elif what == "close":
            self.closed_in = True
            self.sim.inbox.cut_short()
            self.close_inside()

    def do_handler(self, key: str, calls: int, what: str, value: int) -> None:
        """Say what a handler does in its next calls."""
        self.moods[key] = [calls, what, value]

    def be_away(self, ms: int) -> None:
        """Nobody calls the client."""
        self.away = True
        self.world.sleep(ms)
        self.away = False
        self.world.blocked_ms += ms
        self.pause = self.world.now

    # checks

    def call_ended(self, start: int, blocked: int, limit: int, exc: "Any", what: str) -> None:
        """A call returned or raised: in time, and with what is documented?"""
        if self.world.failure is not None:
            return
        took = self.world.now - start - (self.world.blocked_ms - blocked)
        if exc is not None:
            self.world.note("%s raises %r" % (what, exc))
            if not isinstance(exc, (OSError, MQTTError)):
                self.world.fail("I6", "%s raised %r" % (what, exc))
        if took > limit + self.slack:
            self.world.fail("I5", "%s took %d ms of %d" % (what, took, limit))
        for conn in self.sim.net.conns:
            if not conn.closed and conn is not self.client._stream:
                self.world.fail("I6", "connection %d is left open" % conn.number)

    def look(self) -> None:
        """Time has moved: is a ping due, or the link known to be dead?"""
        session = self.client.session
        conn = self.sim.net.current()
        if conn is None or not self.sim.ledger.link.up or not session.keep_alive or session.held:
            return
        if not session.connected or self.away:
            return
        keep = session.keep_alive * 500
        now = self.world.now
        base = max(self.pause, conn.opened_at)
        if conn.events() & OUT and now - max(base, conn.wrote_at) > keep + _LATE:
            self.world.fail("I7", "nothing was sent within half the keep alive")
        limit = session._keep.timeout + _LATE
        if now > max(max(base, conn.read_at) + keep, conn.part_at) + limit:
            self.world.fail("I5", "a dead link was not noticed")

    # the same for both

    def publish_inside(self, qos: int) -> None:
        """A handler publishes."""
        raise NotImplementedError

    def close_inside(self) -> None:
        """A handler closes."""
        raise NotImplementedError

    def step_on(self, key: int, qos: int, stream: bool) -> None:
        """Register a handler."""
        name = FILTERS[key]
        self.client.on(name, lambda m: self.handle(name, m), qos, stream)

    def outcome(self, serial: int, qos: int, exc: "Any") -> None:
        """Compare what `publish` said with what happened."""
        out = self.sim.ledger.out.get(serial)
        if exc is None and out is None and not self.may_drop(qos):
            self.world.fail("I1", "publish of %d returned, but it was not accepted" % serial)
        if exc is not None or out is None or not qos or self.client._feeding:
            return
        if serial in self.sim.ledger.refused and not out.doubt:
            self.world.fail("I1", "publish of %d returned, but it was refused" % serial)
        if out.state < DONE and not out.doubt:
            self.world.fail("I1", "publish of %d returned, but it is not done" % serial)

    def may_drop(self, qos: int) -> bool:
        """Tell whether a publish that returned may have been dropped."""
        return False


class Blocking(Application):
    """Uses `Client`, one call after the other."""

    def run(self, steps: "Any") -> None:
        """Play the steps."""
        for step in steps:
            self.world.note("step " + repr(step))
            if not self.sim.weather_step(step):
                getattr(self, "do_" + step[0])(*step[1:])

    def call(self, limit: int, what: str, *args: "Any") -> "Any":
        """One call of the client; what it raised, or None."""
        start, blocked, problem = self.world.now, self.world.blocked_ms, None
        self.closed_in = False
        try:
            getattr(self.client, what)(*args)
        except Exception as exc:
            problem = exc
        self.call_ended(start, blocked, limit, problem, what)
        return problem

    def publish_inside(self, qos: int) -> None:
        topic, payload = self.message(0, 20, False)
        try:
            self.client.publish(topic, payload, qos)
        except (OSError, MQTTError) as exc:
            self.world.note("publish inside raises %r" % exc)

    def close_inside(self) -> None:
        self.client.close()

    def do_connect(self, timeout: int) -> None:
        self.call(timeout, "connect", timeout)

    def do_publish(
        self, topic: int, qos: int, size: int, retain: bool, timeout: int, text: bool
    ) -> None:
        name, payload = self.message(topic, size, text)
        serial = self.serial
        exc = self.call(timeout, "publish", name, payload, qos, retain, timeout)
        self.outcome(serial, qos, exc)

    def do_nowait(self, topic: int, qos: int, size: int, retain: bool, text: bool) -> None:
        name, payload = self.message(topic, size, text)
        serial = self.serial
        limit = self.client.timeout_ms
        exc = self.call(limit, "publish_nowait", name, payload, qos, retain)
        if exc is None and serial not in self.sim.ledger.out:
            self.world.fail("I1", "message %d was not accepted" % serial)

    def do_wait(self, which: int, timeout: int) -> None:
        if self.pending:
            packet_id = self.pending[which % len(self.pending)]
            problem = self.call(timeout, "wait", packet_id, timeout)
            if problem is None and self.client.pending(packet_id):
                self.world.fail("I1", "wait(%d) returned too early" % packet_id)

    def do_subscribe(self, filters: list[int], qos: int, timeout: int) -> None:
        some = [(FILTERS[i], qos) for i in filters]
        self.call(timeout, "subscribe", some if len(some) > 1 else some[0][0], qos, timeout)

    def do_on(self, key: int, qos: int, stream: bool, queue: int) -> None:
        self.step_on(key, qos, stream)

    def do_unsubscribe(self, key: int, timeout: int) -> None:
        self.call(timeout, "unsubscribe", FILTERS[key], timeout)

    def do_poll(self, ms: int) -> None:
        """Loop for a while, as a program does."""
        end = self.world.now + ms
        while True:
            left = end - self.world.now
            if self.call(max(left, 0), "poll", max(left, 0)) is not None or left <= 0:
                return

    def do_ping(self) -> None:
        self.call(0, "ping")

    def do_disconnect(self) -> None:
        self.sim.ledger.leaves()
        self.call(1000, "disconnect")

    def do_close(self) -> None:
        self.call(0, "close")

    def do_idle(self, ms: int) -> None:
        """The program does something else for a while."""
        self.be_away(ms)

    def do_task(self, step: "Any") -> None:
        """A blocking program has no tasks."""
        self.run([step])

    def do_cancel(self, _ms: int, step: "Any") -> None:
        """A blocking call cannot be cancelled."""
        self.run([step])

    def settle(self, limit: int, quiet: "Any") -> None:
        """Go on until all is quiet."""
        end = self.world.now + limit
        while self.world.now < end and not quiet():
            start = self.world.now
            problem = self.call(200, "poll", 200)
            if problem is not None and not self.client.connected:
                problem = self.call(5000, "connect", 5000)
            if problem is not None and self.world.now == start:
                self.world.sleep(10)

    def finish(self) -> None:
        """End properly."""
        self.do_disconnect()
