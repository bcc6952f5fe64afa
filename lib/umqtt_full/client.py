"""Client: a blocking loop around a session, for programs that are a `while True:`."""

import errno

from micropython import const

from .errors import LimitError
from .link import Link
from .net import Poll, sleep_ms, ticks_ms
from .packet import check_qos, check_range

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .packet import Payload
    from .subscriptions import Filters

_TICKS = const(0x3FFFFFFF)
_IN = const(1)
_OUT = const(4)
_TURN = const(200)  # QoS 0 publishes look for incoming packets this often, in ms
_FAREWELL = const(300)  # how long the broker gets to close after DISCONNECT, in ms


class Client(Link):
    """An MQTT 3.1.1 client that works inside its calls and nowhere else.

    Every call ends within `timeout_ms` unless it says otherwise (name resolution excepted: the
    port's resolver cannot be bounded). With `reconnect` the link is brought back by whatever call
    comes next, after a delay that doubles from `backoff_ms` to `backoff_max_ms`, less up to half
    of it by chance; QoS 1 and 2 messages wait in the outbox meanwhile. Without it a lost link is
    raised, and `connect` may be called again. One attempt to connect takes at most
    `connect_timeout_ms`. `ready()` tells whether the network is there; `dial(host, port)` returns
    a non-blocking stream. The other arguments are those of `Link` and `Session`.

    Handlers run inside calls. Within one, `publish`, `subscribe` and `unsubscribe` do not wait;
    `disconnect` and `close` end the call that runs it with OSError(ENOTCONN) if that waits for
    something; `connect` and `poll` raise RuntimeError.
    """

    _turned = 0  # when the last turn began …
    _calm = 0  # … and for how many ms from then on nothing is due by itself
    _poll: "Any" = None
    _patience: int  # ms that the publish or wait that is going on may take …
    _started: int  # … from then on
    _flags: int  # … with this QoS << 1 | RETAIN
    _waiting: int | None = None  # packet id of the message waited for, while a turn is taken

    def connect(self, timeout_ms: int | None = None) -> bool:
        """Connect unless connected; return whether the broker kept the session.

        OSError: no connection within the time; with `reconnect` attempts are repeated until then,
        and later calls go on with them. ReasonError: the broker refused.
        """
        start = ticks_ms()
        timeout_ms = self._limit(timeout_ms)
        if self.session.outbox.copies and not self._up:
            raise RuntimeError("connect() inside a handler")
        self._delay = 0
        self._parted = False
        self.error = None
        while not self._up:
            left = timeout_ms - (ticks_ms() - start & _TICKS)
            if left <= 0:
                if not self.reconnect:
                    self._close()
                raise self.error or OSError(errno.ETIMEDOUT, "no connection")
            self._turn(left)
            if self.error is not None and self._refused():
                raise self.error
        return self.session.session_present

    def disconnect(self, reason_code: int = 0, properties: "dict[str, Any] | None" = None) -> None:
        """Send DISCONNECT after what is half written, and close [MQTT-3.14.4-1].

        Takes at most a second. Messages that are not acknowledged stay for the next connection.
        A reason code and properties go with MQTT 5 alone.
        """
        connected = self.session.connected
        if connected:
            self.session.disconnect(reason_code, properties)
        try:
            if connected:
                self._flush()
                if not self._feeding:
                    self._farewell()
        except Exception as exc:  # also a ProtocolError: a stream may have rules of its own
            self.error = exc
        finally:
            self.close()

    def _farewell(self) -> None:
        """Write DISCONNECT; then let the broker close first, so that no reset overtakes it."""
        start = ticks_ms()
        left = _FAREWELL * 3
        while left > 0:
            if self._stream.readinto(self.session.rx_window) == 0:
                return
            if self.session.tx_window():
                self._flush()
            elif left > _FAREWELL:
                start = ticks_ms()
                left = _FAREWELL
            self._wait(min(left, 50))
            left -= ticks_ms() - start & _TICKS
            start = ticks_ms()

    def close(self) -> None:
        """Close without DISCONNECT; the broker will publish the will."""
        up = self._up
        self._up = False
        self._parted = True
        self._close()
        if up:
            self._tell(self.on_disconnect, None)

    def publish(
        self,
        topic: str | bytes,
        payload: "Payload",
        qos: int = 0,
        retain: bool = False,
        timeout_ms: int | None = None,
        properties: "dict[str, Any] | None" = None,
    ) -> None:
        """Publish, and return when the QoS is fulfilled: written, PUBACK or PUBCOMP received.

        `payload` bytes, bytearray, memoryview or str (as UTF-8). ValueError: an argument is not
        allowed, nothing was sent. OSError(ENOTCONN): not connected (with `reconnect`: at QoS 0).
        OSError(ETIMEDOUT): not acknowledged within the time; at QoS 1 and 2 the message stays
        accepted and is delivered later. LimitError: the outbox has no room. With MQTT 5 also
        ReasonError: the broker refused it, or has said that it would.
        """
        if timeout_ms is not None:
            self._limit(timeout_ms)
        if properties is not None:
            topic = self.session.outbox.describe(topic, properties)
        self._flags = 0
        if retain or qos != 0 or type(qos) is not int:
            self._flags = check_qos(qos) << 1 | bool(retain)
        if self._flags < 2 and self._brief(topic, payload):
            if self._blocked:
                self.wait(0, timeout_ms)
            return
        if not self._feeding:
            self._patience = self._limit(timeout_ms)
            self._started = ticks_ms()
        qos = self._put(topic, payload)
        if not self._feeding and (qos or self.session.outbox.queued_once):
            self._settle(qos)

    def publish_nowait(
        self,
        topic: str | bytes,
        payload: "Payload",
        qos: int = 0,
        retain: bool = False,
        properties: "dict[str, Any] | None" = None,
    ) -> int:
        """Publish without waiting for acknowledgement; return the packet id, 0 at QoS 0.

        Waits at most for room in the outbox. A payload longer than `tx_size` is not copied: leave
        it unchanged until `pending(packet_id)` is False. Errors as `publish`.
        """
        if properties is not None:
            topic = self.session.outbox.describe(topic, properties)
        self._flags = 0
        if retain or qos != 0 or type(qos) is not int:
            self._flags = check_qos(qos) << 1 | bool(retain)
        if self._flags < 2 and self._brief(topic, payload):
            return 0
        if not self._feeding:
            self._patience = self.timeout_ms
            self._started = ticks_ms()
        return self._put(topic, payload)

    def _left(self) -> int:
        """How many ms the publish or wait that is going on still has."""
        left = self._patience - (ticks_ms() - self._started & _TICKS)
        return left if left > 0 else 0

    def _brief(self, topic: str | bytes, payload: "Payload") -> bool:
        """Write a QoS 0 message now if nothing is in its way; False: it has to go the long one."""
        if ticks_ms() - self._turned & _TICKS > _TURN:
            self._look()
        if self._stream is None or not self.session.connected:
            return False
        if not self._express(topic, payload, self._flags):
            return False
        with self._guard:
            self._push()
        return True

    def _look(self) -> None:
        """See what came, amid messages that ask for no answer."""
        flags = self._flags
        if not self._feeding and self.session.connected:
            self._turn(0)
        self._flags = flags  # a handler may have published

    def _put(self, topic: str | bytes, payload: "Payload") -> int:
        flags = self._flags  # not an argument: the frame of `publish` would be too large for it
        if not self.session.connected:
            self._offline(flags)
        packet_id = self.session.publish(topic, payload, flags)
        if packet_id < 0:
            packet_id = self._put_later(topic, payload, flags)
        if not self._blocked and self._stream is not None:
            self._write()
        return packet_id

    def _put_later(self, topic: str | bytes, payload: "Payload", flags: int) -> int:
        """Wait for room in the outbox, then publish."""
        while not self._feeding:
            packet_id = self._left()
            if packet_id <= 0:
                break
            self._turn(packet_id)
            packet_id = self.session.publish(topic, payload, flags)
            if packet_id >= 0:
                return packet_id
        raise LimitError("outbox full: raise tx_size, publish less, or wait for acknowledgements")

    def _offline(self, flags: int) -> None:
        """Let a message in only if it can wait, or if the link comes back in time."""
        self._online()
        while not self.session.connected and (flags < 2 or not self.reconnect):
            if not self.reconnect or self._feeding or not self._left():
                raise OSError(errno.ENOTCONN, "not connected")
            self._turn(self._left())

    def wait(self, packet_id: int, timeout_ms: int | None = None) -> None:
        """Return when the message is acknowledged to its end (0: when all QoS 0 are written).

        OSError(ETIMEDOUT) when that takes too long: the message stays accepted.
        """
        if self._feeding:
            return
        self._patience = self._limit(timeout_ms)
        self._started = ticks_ms()
        self._settle(packet_id)

    def _settle(self, packet_id: int) -> None:
        while self.pending(packet_id):
            left = self._left()
            if left <= 0:
                raise OSError(errno.ETIMEDOUT, "not acknowledged")
            self._waiting = packet_id
            self._await(left)
        if packet_id in self.session.refused:
            raise self.session.refused.pop(packet_id)

    def _await(self, timeout_ms: int) -> None:
        """A turn in which the caller sees to it when message `_waiting` is refused."""
        try:
            self._turn(timeout_ms)
        finally:
            self._waiting = None

    def _awaited(self, packet_id: int) -> bool:
        return packet_id == self._waiting

    def subscribe(
        self,
        topic_filter: "Filters",
        qos: int = 0,
        timeout_ms: int | None = None,
        **options: "Any",
    ) -> int | list[int] | None:
        """Subscribe to a filter and return the QoS granted, or to a list of (filter, qos).

        ReasonError: the broker refused the one filter. For a list the result is a list of return
        codes, 0x80 where refused. What no handler of `on` matches goes to `on_message`.
        OSError(ETIMEDOUT): no SUBACK within the time. Made again when the session was lost.
        `options` are those of `Subscriptions5.add`, with MQTT 5 alone.
        """
        from .asking import Waiting, answered, ask, granted

        timeout_ms = self._limit(timeout_ms)
        some = ask(self, topic_filter, qos, options)
        if self._feeding:
            return None
        with Waiting(self.session.subscriptions, some):
            self._until(lambda: answered(some), timeout_ms)
        return granted(self.session.subscriptions, topic_filter, some)

    def unsubscribe(
        self, topic_filter: "Filters", timeout_ms: int | None = None, **options: "Any"
    ) -> None:
        """Unsubscribe from a filter, or from a list of them; their handlers go too."""
        from .asking import Waiting, ask_no_more, check, gone

        timeout_ms = self._limit(timeout_ms)
        some = ask_no_more(self, topic_filter, options)
        if not self._feeding:
            table = self.session.subscriptions
            with Waiting(table, some):
                self._until(lambda: gone(table, some), timeout_ms)
            check(table, some)

    def _until(self, done: "Callable[[], bool]", timeout_ms: int) -> None:
        start = ticks_ms()
        while not done():
            left = timeout_ms - (ticks_ms() - start & _TICKS)
            if left <= 0:
                raise OSError(errno.ETIMEDOUT, "no answer")
            self._turn(left)

    def ping(self) -> None:
        """Send a PINGREQ now; the keep alive sends its own without being asked."""
        self._online()
        self.session.ping()
        self._write()

    def poll(self, timeout_ms: int = 0) -> bool:
        """Do what is due, wait at most `timeout_ms` for something, and dispatch what came.

        One turn; returns whether anything was received. With `reconnect` an attempt to connect is
        part of it. Otherwise OSError or MQTTError tells that the link was lost, and
        OSError(ENOTCONN) that there is none.
        """
        check_range("timeout_ms", timeout_ms, 0, _TICKS)
        self._online()
        if self._feeding:
            raise RuntimeError("poll() inside a handler")
        self.session.fed &= 1
        self._turn(timeout_ms)
        return self.session.fed > 1

    def proceed(self) -> None:
        """Handle what was read and is not handled yet; not instead of `poll` for long."""
        if self._paused and not self._feeding and ticks_ms() - self._turned & _TICKS <= _TURN:
            with self._guard:
                self._receive(0)

    def _turn(self, timeout_ms: int) -> None:
        """One turn of at most `timeout_ms`; an end of the connection is raised or remembered."""
        if self._parted:  # a handler may have done so since the call began
            raise OSError(errno.ENOTCONN, "not connected")
        with self._guard:
            self._exchange(timeout_ms)

    def _exchange(self, timeout_ms: int) -> None:
        """Do all that is due; while nothing but what comes can be, listen for that alone."""
        left = self._calm - (ticks_ms() - self._turned & _TICKS)
        if left > 0 and self._up and not (self._blocked or self._more or self._paused):
            if not self.session.subscriptions.todo:
                if self._hear(min(left, timeout_ms)) or timeout_ms <= left:
                    return
                timeout_ms -= left
        self._turned = ticks_ms()
        if self._stream is None:
            wait = self._pause_ms()
            if wait:
                sleep_ms(min(wait, timeout_ms))
                return
            self._open()
        wait = self._serve() & _TICKS  # the longest time for -1
        self._calm = min(wait, _TURN) if self._up else 0
        if self._stream is not None:
            self._hear(min(wait, timeout_ms))

    def _hear(self, ms: int) -> bool:
        """Wait for the stream at most `ms` and take what comes; tell whether anything did."""
        if self._paused and self._blocked:  # what comes in is not taken now: wait for room only
            self._poll.modify(self._source, self._wants or _OUT)
        elif self._more or self._paused:
            ms = 0
        ms = self._wait(ms)
        if ms or self._more or self._paused:
            self._receive(ms | _IN)
        return ms > 0

    def _open(self) -> None:
        super()._open()
        self._poll = Poll()
        self._poll.register(self._source, self._wants or _OUT)

    def _watch(self, blocked: bool) -> None:
        super()._watch(blocked)
        if self._poll is not None:  # before CONNECT is out nothing is read, so IN would only spin
            events = (_IN | _OUT if self._up else _OUT) if blocked else _IN
            self._poll.modify(self._source, (blocked and self._wants) or events)

    def _close(self) -> None:
        self._poll = None
        super()._close()

    def _wait(self, ms: int) -> int:
        """Wait for the stream at most `ms`; return the events, 0 for none."""
        for _, events in self._poll.ipoll(ms):
            return events
        return 0

    def _write(self) -> None:
        """Flush what was just published; an end of the connection is raised or remembered."""
        with self._guard:
            self._flush()
