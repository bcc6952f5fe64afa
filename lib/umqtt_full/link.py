"""Link: what the two front ends share. It opens, serves and gives up a connection and never waits.

A front end loops: `_serve` (time, write), wait until the stream is ready or the time that `_serve`
returned has passed, `_receive` (read, dispatch); and hands any failure to `_lost`.
"""

import errno
import random

from micropython import const

from .errors import Guard, MQTTError, ReasonError, told
from .net import collect, cork, dial, gatherer, print_exception, ticks_ms
from .packet import Message, check_call, check_range
from .session import Session

_TICKS = const(0x3FFFFFFF)
_IN = const(1)
_OUT = const(4)
_READS = const(8)  # at a time
_MANY = const(64)  # reads at a time, so that a flood does not keep a call for ever
_SLICE = const(50)  # ms of writing what may be read from a slow file, then others have a turn
# the server, not the client, is the reason: unavailable, busy, shutting down, quota, rate
_PASSING = (3, 0x88, 0x89, 0x8B, 0x97, 0x9F)
_BORNE = (OSError, MQTTError, MemoryError)  # by `reconnect`

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .packet import Payload
    from .store import Store
    from .subscriptions import Handler


class Link:
    """A session and the connection it has, or waits for.

    `version` 4 is MQTT 3.1.1, 5 is MQTT 5.0, whose further options are those of `Connection5`.
    `host` and `port` of the broker (None: 1883, with TLS 8883; for WebSocket 80, with TLS 443).
    `tls` True, or a ready SSLContext; True goes with the options of `tls.secure`: ca, cert, key,
    server_hostname, psk, insecure_no_verification. `websocket`: the path, such as "/mqtt".
    `connect_timeout_ms` None: 5 s, with TLS 10 s. `store`: on flash. `options`: see `Session`.
    """

    def __init__(
        self,
        client_id: str | bytes,
        host: str,
        port: int | None = None,
        *,
        version: int = 4,
        tls: "Any" = False,
        websocket: str | None = None,
        reconnect: bool = False,
        backoff_ms: int = 1000,
        backoff_max_ms: int = 60000,
        timeout_ms: int = 10000,
        connect_timeout_ms: int | None = None,
        ready: "Callable[[], bool] | None" = None,
        dial: "Callable[[str, int], Any]" = dial,
        store: "Store | None" = None,
        **options: "Any",
    ) -> None:
        self.host, self.port = host, port or 0
        self.reconnect, self.timeout_ms = reconnect, timeout_ms
        self.connect_timeout_ms: Any = connect_timeout_ms
        self.backoff_ms, self.backoff_max_ms = backoff_ms, backoff_max_ms
        self._ready, self._dial = ready, dial
        self._explain: Callable[[BaseException, int], BaseException] | None = None
        session = self._prepare(version, tls, websocket, store, options)
        self.session = session(client_id, **options)
        self.session.subscriptions.on_message = self._unmatched
        self.session.subscriptions.on_error = self._report
        self.session.on_up = self._turned_up
        if store is not None:
            from .resume import attach

            attach(store, self.session, host, self.port)
        self.error: BaseException | None = None  # why the last connection or attempt ended
        self.on_message: Handler | None = None
        self.on_connect: Callable[[bool], object] | None = None
        self.on_disconnect: Callable[[BaseException | None], object] | None = None
        self.on_error: Callable[[Exception], object] = print_exception
        self._guard = Guard(self._failed)  # around what may end the connection
        self._stream: Any = None
        self._source: Any = None  # what is watched: the stream, or the one that it is around
        self._gatherer: Any = None  # of the stream, see `cork`
        self._wants = self._length = 0  # _length: of the message that `_express` has prepared
        self._hints = self._blocked = False  # the stream has `wants`; a write would block
        self._more = False  # the last read filled the window: there is probably more
        self._paused = False  # acks have to be written before the window is taken to its end
        self._feeding = False  # a handler may be running: no call may wait
        self._up = False  # on_connect was called
        self._parted = False  # the application has disconnected: only `connect` connects again
        self._since = ticks_ms()  # of this connection, or of the end of the last
        self._delay = 0  # ms from _since to the next attempt

    def _prepare(self, *arguments: "Any") -> "type[Session]":
        from .arguments import prepare

        session = prepare(self, *arguments)
        del prepare
        collect()  # it is let go: what stays takes its place
        return session

    @property
    def connected(self) -> bool:
        """True between CONNACK and the end of the connection."""
        return self.session.connected

    def on(
        self,
        topic_filter: str | bytes,
        handler: "Handler | None" = None,
        qos: int = 0,
        stream: bool = False,
        **options: "Any",
    ) -> "Any":
        """Subscribe `handler(message)` now and after every reconnect that lost the session.

        Without `handler` this is a decorator. With `stream` a payload comes in pieces, however
        long it is. ValueError: the filter or `qos` is not allowed. `options` are those of
        `Subscriptions5.add`, with MQTT 5 alone. A refusal by the broker goes to `on_error`.
        """
        if handler is None:
            return lambda f: self.on(topic_filter, f, qos, stream, **options)
        check_call("handler", handler)
        self.session.subscriptions.add(topic_filter, qos, handler, stream, **options)
        return handler

    @property
    def connack(self) -> "dict[str, Any]":
        """MQTT 5: the properties of the last CONNACK by name."""
        return self._five("connack").connack

    def reauthenticate(self) -> None:
        """MQTT 5: authenticate again with what the hook gives for None (4.12.1)."""
        self._five("reauthenticate").reauthenticate()
        self._write()  # type: ignore[attr-defined]

    def _five(self, what: str) -> "Any":
        if self.session.version != 5:
            raise ValueError(what + ": for version=5 only")
        return self.session

    def pending(self, packet_id: int) -> bool:
        """Tell whether a message is not acknowledged to its end yet; 0: not all QoS 0 written."""
        session = self.session
        return session.pending(packet_id) if packet_id else session.outbox.queued_once > 0

    def _online(self) -> None:
        if not self._up and (self._parted or not self.reconnect):
            raise OSError(errno.ENOTCONN, "not connected")

    def _limit(self, timeout_ms: int | None) -> int:
        if timeout_ms is None:
            return self.timeout_ms
        if type(timeout_ms) is not int or not 0 <= timeout_ms <= _TICKS:
            check_range("timeout_ms", timeout_ms, 0, _TICKS)
        return timeout_ms

    def _refused(self) -> bool:
        """Tell whether the broker refused for a reason that trying again will not mend."""
        return isinstance(self.error, ReasonError) and self.error.reason_code not in _PASSING

    def _unmatched(self, message: Message) -> None:
        if self.on_message is not None:
            self.on_message(message)

    def _report(self, exc: "Any") -> None:
        """Hand it to `on_error`; what that raises must not end what goes on here."""
        try:
            self.on_error(exc)
        except Exception as more:
            print_exception(more)

    def _begin(self, result: object) -> None:
        """Take what a hook returned; a front end may know what to do with a coroutine."""

    def _tell(self, hook: "Callable[[Any], object] | None", value: object) -> None:
        """Call a hook of the application; what it raises is reported and ends nothing."""
        if hook is not None:
            feeding = self._feeding
            self._feeding = True
            try:
                self._begin(hook(value))
            except Exception as exc:
                self._report(exc)
            finally:
                self._feeding = feeding

    def _turned_up(self) -> None:
        """CONNACK has come; what follows it in the same segment is dispatched after this."""
        self._up = True
        self._tell(self.on_connect, self.session.session_present)

    def _pause_ms(self) -> int:
        """Return how long, without a connection, there is nothing to be done yet."""
        left = self._delay - (ticks_ms() - self._since & _TICKS)
        if left > 0:
            return left
        return 100 if self._ready is not None and not self._ready() else 0

    def _open(self) -> None:
        """Begin a connection; OSError when that fails at once."""
        self._since = ticks_ms()
        self._stream = self._dial(self.host, self.port)
        self._source = getattr(self._stream, "source", self._stream)
        self._hints = hasattr(self._stream, "wants")
        self._more = self._paused = False
        self._gatherer = gatherer(self._stream)
        self.session.open()
        self._watch(True)  # until it is writable, which says that it is connected

    def _close(self) -> None:
        """Close the stream and keep the session."""
        stream = self._stream
        self._stream = self._source = None
        try:
            self.session.close()
        finally:
            try:
                if stream is not None:
                    stream.close()
            except OSError as exc:
                self.error = exc

    def _lost(self, exc: BaseException) -> None:
        """The connection or an attempt failed: close, and decide when to try again.

        The delay doubles with each failure, and begins anew after a connection that lasted longer
        than the delay before it.
        """
        stage = 2 if self._up else int(self._stream is not None)
        if stage and self.session.farewell is not None:
            self.session.farewell(exc, self._stream.write)
        self._close()
        if self._explain is not None:
            exc = self._explain(exc, stage)
        self.error = exc
        if self.session.again:  # what ended it is mended: connect at once
            self.session = self.session.successor()  # type: ignore[attr-defined]
            self.error = None
        now = ticks_ms()
        longest = self.backoff_ms
        if not self._up or (now - self._since & _TICKS) < self._delay:
            longest = min(self.backoff_max_ms, max(self._delay * 2, longest))
        self._since = now
        self._delay = 0 if not self.error else longest - random.getrandbits(16) * longest // 131072
        if self._up:
            self._up = False
            self._tell(self.on_disconnect, exc)

    def _failed(self, exc: BaseException) -> bool:
        """Something ended the connection: close it; True if it is to be borne and tried again."""
        self._lost(exc)
        if self.error is None or (self.reconnect and isinstance(self.error, _BORNE)):
            return True
        self._parted = self._parted or not self.reconnect
        if self.error is not exc:
            raise self.error
        if self.session.refused:  # told now
            told(self.session, exc)  # no comprehension here: its cell would take heap
        return False

    def _serve(self) -> int:
        """Give the session the time, write what is due; return in how many ms to do so again.

        -1: nothing is due by itself. OSError: the link is dead, or CONNACK took too long.
        """
        session = self.session
        now = ticks_ms()
        if not session.poll(now):
            self._catch_up()
            if not session.poll(now):
                raise OSError(errno.ETIMEDOUT, "no PINGRESP")
        if not self._blocked:
            self._flush()
        if self._up:
            return session.next_deadline(now)
        now = self.connect_timeout_ms - (now - self._since & _TICKS)
        if now <= 0 and self._stream is not None:  # else a handler has closed
            raise OSError(errno.ETIMEDOUT, "no CONNACK")
        return now

    def _catch_up(self) -> None:
        """Read what came while nobody looked: PINGRESP may be in it."""
        for _ in range(_MANY):
            self._receive(_IN)
            if not self._more or self._stream is None:
                break

    def _express(self, topic: str | bytes, payload: "Payload", flags: int) -> bool:
        """Prepare a QoS 0 message for `_push` if nothing is before it; tell whether that is so."""
        session = self.session
        if session.writing or session.acks_end or session.subscriptions.todo or self._blocked:
            return False
        self._length = session.outbox.once(topic, payload, flags)
        return self._length > 0

    def _push(self) -> None:
        """Write it, and queue what the stream does not take."""
        session = self.session
        n = self._length
        if session.outbox.rest is not None:
            cork(self._gatherer, 1)
        sent = self._stream.write(session.outbox.buf, 6, n) or 0
        if sent:
            session.wrote = 1
        if sent < n or session.outbox.rest is not None:
            self._push_rest(n, sent)

    def _push_rest(self, n: int, sent: int) -> None:
        """Write what is not copied; queue what the stream does not take."""
        outbox = self.session.outbox
        self._length = 0
        if sent == n:
            self._length = self._stream.write(outbox.rest, 0, len(outbox.rest)) or 0
        cork(self._gatherer, 0)
        if self._length and self._length == len(outbox.rest):
            outbox.rest = None
            return
        outbox.queue_once(n)
        Session._choose(self.session)  # this, whatever MQTT 5 has queued: it is half written
        self.session.sent(sent)
        if self._length:
            self.session.sent(self._length)
        self._watch(True)

    def _flush(self) -> None:
        """Write until nothing is due or the stream takes no more; a long payload not for long."""
        session = self.session
        n = session.tx_window()
        lent = n > 0 and bool(session.outbox.lent)  # payloads that are writes of their own
        start = 0
        if lent:
            start = ticks_ms()
            cork(self._gatherer, 1)
        while n:
            n = self._stream.write(session.tx_buf, session.tx_off, n) or 0
            session.sent(n)
            full = not n or (lent and ticks_ms() - start & _TICKS > _SLICE)
            n = session.tx_window()
            if full:
                break
        if n or self._blocked:
            self._watch(n > 0)
        if lent:
            cork(self._gatherer, 0)

    def _watch(self, blocked: bool) -> None:
        """Note whether the stream takes no more; a front end has it watched for that.

        A stream may say in `wants` that a blocked write waits for one event alone (1 to read, 4 to
        write, 0 for the usual): a TLS or WebSocket handshake waits for the other side's answer.
        """
        self._blocked = blocked
        self._wants = self._stream.wants if self._hints else 0
        self.session.poll(ticks_ms())  # what was written went now, not when the next turn looks

    def _receive(self, events: int) -> None:
        """Take what the stream is ready for; `events` as `poll` reports them."""
        if self._blocked:
            if events & (self._wants or _OUT):
                self._flush()
            if self._blocked and not self._up and not events & ~(_IN | _OUT):
                return  # CONNECT first: a read would take a step of the handshake too
        if self._paused:
            if not self._blocked or self.session.held:  # else acks would find no room
                self._feed(0)
        elif events & ~_OUT:
            self._read(events)

    def _read(self, events: int) -> None:
        """Read and dispatch, again while there is probably more, but not for long."""
        times = _READS
        while times and self._stream is not None and not self._paused:
            wanted = self.session.aim()
            n = self._stream.readinto(self.session.rx_target, wanted)
            if n == 0 or (n is None and events & ~(_IN | _OUT)):
                raise OSError(errno.ECONNRESET, "closed by the broker")
            self._more = n == wanted
            if n:
                self._feed(n)
            times = times - 1 if self._more else 0

    def _feed(self, n: int) -> None:
        """Dispatch what was read, and write the acks it asks for."""
        try:
            self._feeding = self.session.outbox.copies = True
            self._paused = self.session.feed(n)
            if self.session.refused:
                self.session.tell(self)
        finally:
            self._feeding = self.session.outbox.copies = False
        if not self._blocked and self._stream is not None:
            self._flush()
