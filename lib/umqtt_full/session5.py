"""The protocol of a client session in MQTT 5: what differs from 3.1.1, see `session`.

The machine is the one in the table of `session`, with these differences:

    sent            awaits      received              then
    PUBLISH QoS 1   PUBACK      PUBACK >= 0x80        refused, id free
    PUBLISH QoS 2   PUBREC      PUBREC >= 0x80        refused, id free, no PUBREL
    nothing         -           PUBREC                PUBREL 0x92
    nothing         -           PUBREL                PUBCOMP 0x92
    a connection                DISCONNECT            ended with its reason code
    CONNECT, AUTH   CONNACK     AUTH 0x18             the hook's answer is sent
    a broken rule of the peer                         DISCONNECT with the reason code
"""

from micropython import const

from .connect5 import Connection5, read_block
from .errors import ReasonError
from .packet import body
from .properties import block_end, check_properties, wrong

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from .packet import Message

_CONNACK = const(0x20)
_PUBLISH = const(0x30)
_PUBACK = const(0x40)
_PUBREC = const(0x50)
_PUBREL = const(0x62)
_PUBCOMP = const(0x70)
_SUBACK = const(0x90)
_UNSUBACK = const(0xB0)
_DISCONNECT = const(0xE0)
_AUTH = const(0xF0)
_ENDING = const(3)

_MALFORMED = const(0x81)
_NOT_FOUND = const(0x92)
_TOO_MANY = const(0x93)
_TOO_LARGE = const(0x95)
_NOT_TEXT = const(0x99)

_PUBLISHED = b"\0\x10\x80\x83\x87\x90\x91\x97\x99"  # reason codes of PUBACK and PUBREC
_RELEASED = b"\0\x92"  # … of PUBREL and PUBCOMP

_begin_long = Connection5._begin_long  # super() costs time, and a larger frame
_choose = Connection5._choose
_sent = Connection5.sent


class Session5(Connection5):
    """One client's session with one broker in MQTT 5; arguments as `Connection5`."""

    def _accepted(self, resumed: bool) -> None:
        self.open_in = self._closing = 0  # a quota begins anew with each connection (4.9)
        super()._accepted(resumed)

    # writing

    def _choose(self) -> int:
        if self._queued and self.state != _ENDING:
            self._raw(self._queued.pop(0))
            return self.writing
        n = _choose(self)
        if not n and self._queued:
            self._raw(self._queued.pop(0))
        elif n and self._current >= 0 and self.aliases.most:
            self._alias()
        return self.writing

    def _alias(self) -> None:
        end = self.tx_off + self.writing
        at = self.aliases.prepare(self.outbox.buf, self.tx_off)
        if isinstance(at, int):
            self.tx_off = at
            self.writing = end - at
        else:
            self._content = self.aliases.content
            self.tx_buf = at
            self.tx_off = 0
            self.writing = len(at)

    def sent(self, n: int) -> None:
        """Take note that `n` of the bytes offered were written."""
        if n == self.writing and self.aliases.most:
            if self._content:  # a head with its alias; the rest is in the outbox
                self.wrote = True
                self.tx_buf = self.outbox.buf
                self.tx_off = self._content
                self.writing = n = self._current + 6 + self.outbox.length(self._current)
                self.writing = n = n - self._content
                self._content = 0
                if n:
                    return
            self.aliases.end()
        _sent(self, n)
        if self._closing and not self.acks_end:
            self._closing = 0  # each PUBCOMP has left

    # receiving

    def _begin_long(self) -> None:
        """A PUBLISH longer than the buffer: without its properties it can only pass by."""
        self.message.invalid = False  # it may pass by unread
        if self._largest and self._need > self._largest:
            raise wrong("packet is longer than maximum_packet_size", _TOO_LARGE)
        if self.connected and self.buf[0] & 0xF0 == _PUBLISH and self.buf[0] & 6:
            self._take_place()
        if self.buf[0] & 0xF0 != _PUBLISH or self._block_fits(self._block_at()):
            if self._block_at() > self._have:
                self.reader.begin()  # it may give an alias its topic, and passes by unread
            _begin_long(self)
        else:
            self._pass_by()

    def _take_place(self) -> None:
        """Check the quota before the first piece is handed on, also where the id is not known yet.

        Unless it was received before: then DUP says so, or the id.
        """
        i = self._block_at()
        known = self.buf[0] & 8 > 0
        if i <= self._have:
            known = (self.buf[i - 2] << 8 | self.buf[i - 1]) in self.received
        if self.buf[0] & 2 or not known:
            self._check_quota()

    def _block_at(self) -> int:
        """Return where the properties of the PUBLISH in the buffer begin."""
        i = body(self.buf)
        i += 2 + (self.buf[i] << 8 | self.buf[i + 1])
        return i + 2 if self.buf[0] & 6 else i

    def _block_fits(self, i: int) -> bool:
        """Tell whether the properties that begin at `i` lie in the buffer, which is full.

        Also where not even what is before them does: then nothing is known of them.
        """
        n = i
        while n < self._have and n < i + 4 and self.buf[n] > 127:
            n += 1
        if n >= self._have:
            return i > self._have  # not even their length
        return block_end(self.buf, i, self._need) <= self._have

    def _pass_by(self) -> None:
        if self.pass_on is None:
            from .long import pass_on

            self.pass_on = pass_on
        m = self.message
        m.header = self.buf[0]
        if m.header & 6 == 6 or m.header & 14 == 8:
            raise wrong("PUBLISH with wrong flags", _MALFORMED)
        i = self._block_at()
        m.packet_id = self.buf[i - 2] << 8 | self.buf[i - 1] if m.header & 6 else 0
        self._skip = self._need - self._have
        self.id_in = -2
        self._have = self._need = 0
        self.taken = False
        self.reader.begin()  # an alias that it gave is not known: better none than a wrong topic

    def _rare(self, buf: bytearray, header: int, i: int, end: int) -> None:
        self.begins(header)
        if end - i > self.reader.most:
            raise wrong("packet is longer than maximum_packet_size", _TOO_LARGE)
        if header == _CONNACK:
            self._connack5(buf, i, end)
        elif header in (_PUBACK, _PUBREC, _PUBREL, _PUBCOMP):
            self._coded(header, buf, i, end)
        elif header in (_SUBACK, _UNSUBACK):
            self._answer(header, buf, i, end)
        elif header == _DISCONNECT:
            self._ended(buf, i, end)
        elif header == _AUTH:
            self._auth(buf, i, end)
        else:
            raise wrong("packet %s of %d bytes" % (hex(header), end - i), _MALFORMED)

    def _coded(self, header: int, buf: bytearray, i: int, end: int) -> None:
        """PUBACK, PUBREC, PUBREL or PUBCOMP with a reason code."""
        if end - i < 3:
            raise wrong("an ack without a packet id", _MALFORMED)
        if buf[i + 2] not in (_RELEASED if header & 0x20 else _PUBLISHED):
            raise wrong("an ack with a reason code that is not for it")
        if end - i == 3 and buf[i + 2] < 0x80:
            self._ack(header, buf, i)
        else:
            self._explained(header, buf, i, end)

    def _explained(self, header: int, buf: bytearray, i: int, end: int) -> None:
        """… one that says more than that all is well."""
        code = buf[i + 2]
        published = header in (_PUBACK, _PUBREC)
        properties = read_block(buf, header >> 4, i + 3, end) if end - i > 3 else {}
        packet_id = buf[i] << 8 | buf[i + 1]
        if code < 0x80 or not published or not packet_id:
            self._ack(header, buf, i)
            return
        p = self.outbox.find(header, packet_id)
        if p >= 0:
            self.outbox.free(p)
            about = properties.get("reason_string", "")
            self._refuse(packet_id, ReasonError(code, about, properties))

    def _answer(self, header: int, buf: bytearray, i: int, end: int) -> None:
        """SUBACK or UNSUBACK."""
        packet_id = buf[i] << 8 | buf[i + 1] if end - i > 2 else 0
        if not packet_id:
            raise wrong("packet %s without a packet id" % hex(header), _MALFORMED)
        stop = check_properties(header >> 4, buf, i + 2, end)
        self.subscriptions.answered(header - 14, packet_id, buf[stop:end])

    def _ack(self, header: int, buf: bytearray, i: int) -> None:
        packet_id = buf[i] << 8 | buf[i + 1]
        if header == _PUBREL and packet_id and packet_id not in self.received:
            self._owe_code(_PUBCOMP, packet_id, _NOT_FOUND)
        elif header == _PUBREC and packet_id and packet_id not in self.ids:
            self._owe_code(_PUBREL, packet_id, _NOT_FOUND)
        else:
            super()._ack(header, buf, i)

    def _owe_code(self, first: int, packet_id: int, code: int) -> None:
        self._owe(first, packet_id)
        if self.connected:
            self.acks[self.acks_end - 3] = 3
            self.acks[self.acks_end] = code
            self.acks_end += 1

    def _take_id(self, m: "Message", packet_id: int) -> None:
        if m.header & 2 or packet_id not in self.received:
            n = self.open_in + (self.acks_end - self._acks_off >> 2)
            if n >= self._announced["receive_maximum"]:
                self._check_quota()
        if self.message.invalid:
            self._owe_code(_PUBACK if m.header & 2 else _PUBREC, packet_id, _NOT_TEXT)
        else:
            super()._take_id(m, packet_id)

    def _check_quota(self) -> None:
        """Count the messages that were not acknowledged to their end (4.9)."""
        n = self.open_in + 1
        closing = self._closing  # PUBCOMP beyond these: for an earlier connection or nothing
        written = self._acks_off
        if self.writing and self.tx_buf is self.acks:
            written = self.tx_off
        i = 0  # those of `_closing` may be among what has left before the rest
        while i < self.acks_end:
            first = self.acks[i]
            i += 2 + self.acks[i + 1]
            if i > written and (first == _PUBACK or (first == _PUBCOMP and closing)):
                n += 1
            if closing and first == _PUBCOMP:
                closing -= 1
        if n > self._announced["receive_maximum"]:
            raise wrong("more unacknowledged messages than receive_maximum", _TOO_MANY)

    def _receive(self, packet_id: int) -> None:
        super()._receive(packet_id)
        self.open_in += 1

    def _erase(self, packet_id: int) -> None:
        if self.open_in and packet_id in self.received:
            self.open_in -= 1
            self._closing += 1
        super()._erase(packet_id)
