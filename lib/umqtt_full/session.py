"""The protocol of a client session: MQTT 3.1.1 without I/O and without a clock.

Bytes go in by `feed`, out by `tx_window` and `sent`; time comes in by `poll`. What a packet that
carries an id waits for is its whole state:

    sent            awaits      received      then
    PUBLISH QoS 1   PUBACK      PUBACK        done, id free
    PUBLISH QoS 2   PUBREC      PUBREC        PUBREL is sent, awaits PUBCOMP
    PUBREL          PUBCOMP     PUBREC        PUBREL is sent again
    PUBREL          PUBCOMP     PUBCOMP       done, id free
    nothing         -           PUBREC        PUBREL is sent, or the broker would wait for ever
    anything        x           not x         ignored: a late, doubled or mistaken ack ends nothing

    received        id known?                 then
    PUBLISH QoS 1   -                         to the handlers, PUBACK
    PUBLISH QoS 2   no                        id kept, to the handlers, PUBREC
    PUBLISH QoS 2   yes                       PUBREC only [MQTT-4.3.3-2]
    PUBREL          either                    id free, PUBCOMP

PUBLISH packets live in the outbox until PUBACK or PUBREC: a session resumes with the bytes it
sent, with DUP; nothing is sent twice within a connection. When the broker has lost the session,
what was not acknowledged is sent once more as new (DUP 0), what had its PUBREC counts as done, and
every subscription is made again.
"""

from micropython import const

from .errors import ProtocolError, ReasonError, tell
from .ids import IdList, Ids, Received
from .inbox import Inbox
from .keep_alive import DEAD, PING, KeepAlive
from .outbox import Outbox
from .packet import check_range, check_topic, encode_ack, encode_connect
from .subscriptions import Subscriptions
from .topic import encode_text

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .packet import Message
    from .will import Will

_CONNACK = const(0x20)
_PUBACK = const(0x40)
_PUBREC = const(0x50)
_PUBREL = const(0x62)
_PUBCOMP = const(0x70)
_SUBACK = const(0x90)
_UNSUBACK = const(0xB0)
_PINGRESP = const(0xD0)
_ACK_TYPES = (_PUBACK, _PUBREC, _PUBREL, _PUBCOMP)
_ONCE = const(1)  # state of a QoS 0 record in the outbox
_CLOSED = const(0)
_CONNECTING = const(1)  # CONNECT is being sent or CONNACK awaited
_CONNECTED = const(2)
_ENDING = const(3)  # DISCONNECT is the last packet of this connection
_RAW = const(-1)  # what is being written: a packet of its own
_ACKS = const(-2)  # … the owed acks


class Session(Inbox):
    """One client's session with one broker; see the module's head.

    `keep_alive` in seconds (0: none), `ping_timeout_ms` as `KeepAlive` has it, `tx_size` bytes of
    the outbox, `rx_size` the longest packet that is handled whole, `read_size` bytes read at once
    (None: 512, or `rx_size` where that is more than 1024), `window` how many QoS 1 and 2 messages
    may be unacknowledged at a time.
    """

    version, known, again, opened = 4, False, False, 0  # again: connect at once
    refused: "dict[int, Exception]" = {}  # messages that will not be delivered, and why
    tell = tell
    farewell: "Callable[[BaseException, Any], None] | None" = None  # MQTT 5: the last packet
    _encode_connect = staticmethod(encode_connect)
    _outbox, _subscriptions = Outbox, Subscriptions

    def __init__(
        self,
        client_id: str | bytes,
        *,
        username: str | bytes | None = None,
        password: str | bytes | None = None,
        keep_alive: int = 60,
        clean_session: bool = False,
        will: "Will | None" = None,
        ping_timeout_ms: int | None = None,
        tx_size: int = 1024,
        rx_size: int = 1024,
        read_size: int | None = None,
        window: int = 16,
        maximum_packet_size: int = 268435460,
    ) -> None:
        if read_size is None:
            read_size = rx_size if rx_size > 1024 else 512
        super().__init__(rx_size, read_size)
        self.connect_packet = self._encode_connect(
            client_id, username, password, keep_alive, clean_session, will
        )
        self.client_id = encode_text(client_id, "client_id")
        self.clean_session, self.keep_alive = clean_session, keep_alive
        self.window = check_range("window", window, 1, 65535)
        self.ids = Ids()  # packet ids of ours that are in use, of all packet types
        self.outbox = self._outbox(tx_size, maximum_packet_size, self.ids)
        self.publish = self.outbox.publish
        self.on_up: Callable[[], object] | None = None  # told of each CONNACK 0
        self.on_done: Callable[[int], object] | None = None  # told the id of what is finished
        self.subscriptions = self._subscriptions(self.ids)
        self.state = _CLOSED
        self.connected = self.session_present = False  # connected: from CONNACK to the end
        self.unsure = False  # a CONNACK was missed: the session may be another
        self.oversized = 0  # messages longer than the RX buffer that were drained: nobody streams
        self.tx_buf: bytes | bytearray | str = b""
        self.tx_off = self.writing = 0  # the bytes to be written next, and how many
        self._current = _RAW
        self._keep = KeepAlive(keep_alive, ping_timeout_ms)
        self.store: Any = None  # keeps the session on flash, if there is one
        self.received = Received()  # ids of QoS 2 messages received, until PUBREL
        self.released = IdList(window)  # ids that await PUBCOMP, in PUBREC order
        self._quota = self._most = window  # messages that may be sent; … at most, unacknowledged
        self.acks = bytearray(4 * window + 16)
        self.acks_most = len(self.acks) - 12  # with more than that, reading pauses
        self._acks_off = self._handled = self._half = 0  # a QoS 1, a QoS 2 message: handled now
        self.wrote = 0  # since this was cleared 1: packets were written; 2: the last in part

    def open(self) -> None:
        """A transport is there: CONNECT is the first packet on it [MQTT-3.1.0-1]."""
        self.close()
        self.opened, self.state = self.opened + 1, _CONNECTING
        self._raw(self.connect_packet)

    def close(self) -> None:
        """The transport is gone: what is owed is forgotten, what is unacknowledged kept."""
        if self.state == _CONNECTING and not self.writing:
            self.unsure = True  # CONNECT went out whole: the broker may have begun a session
        self.outbox.end(self, self._current if self.writing else _RAW)
        self.subscriptions.lost()
        self.reset()
        self.state = _CLOSED
        self.connected = self._keep.pinging = False
        self.writing = self._acks_off = self.acks_end = self._handled = 0
        if self._half:  # it was never handled to the end
            self.received.discard(self._half)
            if self.store is not None:
                self.store.retract(self._half)
            self._half = 0

    def disconnect(self, reason_code: int = 0, properties: "dict[str, Any] | None" = None) -> None:
        """Queue DISCONNECT: what is half written is finished, then nothing follows it."""
        if reason_code or properties:
            raise ValueError("a reason code and properties of DISCONNECT need version=5")
        self._settle()
        self.state, self.connected = _ENDING, False
        self._short(0xE0)

    def _connack(self, flags: int, code: int) -> None:
        if self.state != _CONNECTING:
            raise ProtocolError("second CONNACK")
        if code:
            raise ReasonError(code)
        if flags > 1 or (flags and self.clean_session):
            raise ProtocolError("CONNACK flags " + hex(flags))  # [MQTT-3.2.2-1]
        self._accepted(bool(flags))

    def _accepted(self, resumed: bool) -> None:
        """CONNACK 0 has come: go on with the session, or with a new one."""
        self.session_present, self.connected, self.state = resumed, True, _CONNECTED
        if not resumed:
            while self.released.n:
                self.done(self.released[0])
                self.released.pop(0)
            self.received = Received()
            if self.store is not None:
                self.store.reset()
        self._quota = self._most - self.released.n  # below 0 where the broker takes fewer now
        self.outbox.rewind(resumed)
        for i in range(self.released.n):
            self._owe(_PUBREL, self.released[i])
        self.subscriptions.connected(resumed, self.unsure)
        if self.unsure:
            self.received.doubt()
        self.unsure = False
        if self.on_up is not None:
            self.on_up()

    def tx_window(self) -> int:
        """Return how many bytes of `tx_buf` at `tx_off` are to be written now; 0 for none.

        They are of one packet, or of owed acks, and stay until `sent` has taken them whole.
        """
        return self.writing or self._choose()

    def _choose(self) -> int:
        """Decide what is written next."""
        if self.acks_end and self.state >= _CONNECTED:
            self._current = _ACKS
            self.tx_buf = self.acks
            self.tx_off = self._acks_off
            self.writing = self.acks_end - self._acks_off
        elif self.connected:
            outbox = self.outbox
            p: Any = self.subscriptions.todo and self.subscriptions.request(len(self.buf) - 7)
            if p:
                self._raw(p)
            elif outbox.next != outbox.tail:
                p = outbox.first(self._quota)
                if p >= 0:
                    self._current = p
                    self.tx_buf = outbox.buf
                    self.tx_off = p + 6
                    self.writing = outbox.length(p)
        return self.writing

    def _raw(self, data: bytes | bytearray) -> None:
        self._current = _RAW
        self.tx_buf = data
        self.tx_off = 0
        self.writing = len(data)

    def sent(self, n: int) -> None:
        """Take note that `n` of the bytes offered were written."""
        self.tx_off += n
        self.writing -= n
        if n:  # nothing taken is no sign of life
            self.wrote = 2 if self.writing else 1
        if self.writing:
            return
        p = self._current
        if p >= 0:
            if p in self.outbox.lent:
                self.writing = 1  # half written, also if an Upload fails
                self.tx_buf, self.tx_off = self.outbox.follow(p, self.tx_buf), 0
                self.writing = len(self.tx_buf)
                if self.writing:
                    return
            if self.outbox.buf[p + 3] != _ONCE:
                self._quota -= 1
            self.outbox.sent(p)
        elif p == _ACKS:
            self._acks_off = self.tx_off
            if self._acks_off == self.acks_end:
                self._acks_off = self.acks_end = 0

    def take(self, buf: bytearray, header: int, i: int, end: int) -> bool:
        """A whole packet has come: first byte `header`, body `buf[i:end]`."""
        if not self.connected or header & 0xF0 != 0x30:
            self._control(buf, header, i, end)
            return True
        self.message.decode(buf, i, end, header)
        if self.subscriptions.gates and not self.subscriptions.ready(self.message):
            return False
        if header & 6:
            self._take_id(self.message, self.message.packet_id)
        else:
            self.subscriptions.deliver(self.message, False)
        return True

    def begins(self, header: int) -> None:
        """A packet begins: before CONNACK it can be no other [MQTT-3.2.0-1]."""
        if self.state == _CONNECTING and header != _CONNACK:
            raise ProtocolError("packet " + hex(header) + " before CONNACK")

    def _take_id(self, m: "Message", packet_id: int) -> None:
        """Handle a PUBLISH at QoS 1 or 2, then acknowledge it."""
        if m.header & 2:
            self._handled = packet_id
            self.subscriptions.deliver(m, False)
            self._settle()
            return
        opened = self.opened
        if not self.received.known(packet_id, m.header):
            self._receive(packet_id)
            self._half = packet_id
            self.subscriptions.deliver(m, False)
            if opened != self.opened:  # a callback of `simple` has connected: it comes again there
                return
            if not self._half:  # the connection ended in a handler, which went on to its end
                self._receive(packet_id)
            self._half = 0
        else:
            check_topic(m)
        self._owe(_PUBREC, packet_id)

    def _settle(self) -> None:
        """Acknowledge the QoS 1 message that is handled: at its end, or before DISCONNECT."""
        if self._handled:
            self._owe(_PUBACK, self._handled)
            self._handled = 0

    def _owe(self, first: int, packet_id: int) -> None:
        if self.connected:  # a handler may have closed
            self.acks_end = encode_ack(self.acks, self.acks_end, first, packet_id)

    def _short(self, first: int) -> None:
        self.acks[self.acks_end] = first
        self.acks[self.acks_end + 1] = 0
        self.acks_end += 2

    def _control(self, buf: bytearray, header: int, i: int, end: int) -> None:
        """A packet other than PUBLISH: one first byte is right for each [MQTT-2.2.2-2]."""
        if end - i == 2 and self.connected and header in _ACK_TYPES:
            self._ack(header, buf, i)
        elif header == _PINGRESP and end == i and self.connected:
            self._keep.pinging = False
        elif self.state != _ENDING:
            self._rare(buf, header, i, end)

    def _rare(self, buf: bytearray, header: int, i: int, end: int) -> None:
        n = end - i
        self.begins(header)
        if header == _CONNACK and n == 2:
            self._connack(buf[i], buf[i + 1])
        elif n >= 2 and not buf[i] | buf[i + 1]:
            raise ProtocolError("packet " + hex(header) + " with packet id 0")
        elif header == _SUBACK and n > 2:
            self.subscriptions.answered(0x82, buf[i] << 8 | buf[i + 1], buf[i + 2 : end])
        elif header == _UNSUBACK and n == 2:
            self.subscriptions.answered(0xA2, buf[i] << 8 | buf[i + 1], b"")
        else:
            raise ProtocolError("packet " + hex(header) + " of " + str(n) + " bytes")

    def _ack(self, header: int, buf: bytearray, i: int) -> None:
        """PUBACK, PUBREC, PUBREL or PUBCOMP: the table at the head of the file."""
        packet_id = buf[i] << 8 | buf[i + 1]
        if not packet_id:
            raise ProtocolError("packet " + hex(header) + " with packet id 0")
        if header == _PUBREL:
            self._erase(packet_id)
            self._owe(_PUBCOMP, packet_id)
        elif header == _PUBCOMP:
            i = self.released.find(packet_id)
            if i >= 0:
                self.released.pop(i)
                self.done(packet_id)
        else:
            self._sent_ack(header, packet_id)

    def _sent_ack(self, header: int, packet_id: int) -> None:
        p = self.outbox.find(header, packet_id)
        if header == _PUBACK:
            if p >= 0:
                self.outbox.free(p)
                self.done(packet_id)
            return
        if p >= 0:
            if self.store is not None:
                self.store.release(packet_id)
            self.released.add(packet_id)  # first: without memory for it the record stays
            self.outbox.free(p)
        elif packet_id in self.ids and self.released.find(packet_id) < 0:
            return  # it does not await PUBREC
        self._owe(_PUBREL, packet_id)

    def _receive(self, packet_id: int) -> None:
        if self.store is not None:
            self.store.receive(packet_id)
        self.received.add(packet_id)

    def _erase(self, packet_id: int) -> None:
        self.received.discard(packet_id)
        if self.store is not None:
            self.store.erase(packet_id)

    def done(self, packet_id: int) -> None:
        """A message of ours is acknowledged to its end."""
        self.forget(packet_id)
        if self._quota < self._most:
            self._quota += 1

    def pending(self, packet_id: int) -> bool:
        """Tell whether a message is queued, or not acknowledged to its end."""
        return packet_id in self.ids

    def forget(self, packet_id: int) -> None:
        """A message of ours is done with, or given up."""
        self.ids.discard(packet_id)
        if self.store is not None:
            self.store.done(packet_id)
        if self.on_done is not None:
            self.on_done(packet_id)

    def poll(self, now_ms: int) -> bool:
        """Give the time, in milliseconds that wrap at 2**30 or more; False: the link is dead.

        Call it in every turn. Queues a PINGREQ when one is due; see `KeepAlive`.
        """
        due = self._keep.poll(now_ms, self)
        if due == PING:
            self.ping()
        return due != DEAD

    def ping(self) -> None:  # noqa: D102
        if self.connected and self.acks_end < len(self.acks) - 4:
            self._short(0xC0)

    def next_deadline(self, now_ms: int) -> int:
        """Return in how many milliseconds `poll` has something to do; -1: never."""
        return self._keep.left(now_ms) if self.connected else -1
