"""Packets that are longer than the RX buffer, decided from their header.

Only a PUBLISH may be. Its payload goes on in pieces, to a handler that streams or to nobody, and
takes no memory; it is acknowledged at its end, or the broker would send it for ever.
"""

from micropython import const

from .errors import LimitError, ProtocolError
from .packet import body, put
from .topic import may_follow

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from .packet import Message
    from .session import Session

_PUBLISH = const(0x30)
_PUBACK = const(0x40)
_PUBREC = const(0x50)
_NOT_TEXT = const(0x99)


def begin(s: "Session") -> None:
    """The buffer of session `s` is full and the packet goes on."""
    buf = s.buf
    _check_type(s)
    i = body(buf)
    s.pass_on = pass_on
    s._skip = s._need - s._have
    s.taken = False
    s.id_in = i + 2 + (buf[i] << 8 | buf[i + 1]) - s._have
    if s.id_in <= -2:
        s.message.decode(buf, i, s._need, buf[0])
        _first_piece(s, s.message, s._have)
    else:
        _begin_passing(s, buf, i + 2, s._have)
    s._have = s._need = 0


def grow(s: "Session") -> None:
    """What stands for `begin` where no message may come in pieces: this once a longer buffer."""
    _check_type(s)
    buf = bytearray(s._need)
    put(buf, 0, s.buf, s._have, s._need)
    s.small = s.buf
    s.buf = buf
    s._size = s._need
    s._targets = None


def _check_type(s: "Session") -> None:
    if s.buf[0] & 0xF0 != _PUBLISH:
        raise LimitError("packet of " + str(s._need) + " bytes is longer than rx_size")


def _first_piece(s: "Session", m: "Message", have: int) -> None:
    m.end = have
    s.taken = _piece(s, m)
    m.offset = have - m.start


def _begin_passing(s: "Session", buf: bytearray, i: int, n: int) -> None:
    """Not even the topic, which begins at `i`, and the id fit: they pass by."""
    m = s.message
    m.header = buf[0]
    end = s.id_in + (2 if buf[0] & 6 else 0)
    if buf[0] & 6 == 6 or buf[0] & 14 == 8 or end > s._skip:
        raise ProtocolError("PUBLISH with wrong flags, or a topic past its end")
    m.packet_id = 0 if s.id_in >= 0 else buf[n - 1] << 8
    s.lead = s.left = 0
    s.id_in += n - i
    _check_part(s, buf, i, n - i)
    s.id_in -= n - i


def _check_part(s: "Session", buf: bytearray, i: int, n: int) -> None:
    """Check what `n` bytes hold of a topic that passes by; a character may be split.

    `left` bytes of it are still to come behind the byte `lead`.
    """
    end = i + min(n, s.id_in)
    while i < end:
        c = buf[i]
        i += 1
        if s.left:
            if not may_follow(s.lead, c):
                raise ProtocolError("topic is not valid UTF-8")
            s.lead = 0xC2  # behind the second byte any of 0x80 to 0xBF may follow
            s.left -= 1
        elif c >= 0x80:
            s.lead = c
            s.left = 1 + (c >= 0xE0) + (c >= 0xF0)
        elif not c or c == 0x23 or c == 0x2B:
            raise ProtocolError("topic holds U+0000 or a wildcard")
    if s.left and n >= s.id_in:
        raise ProtocolError("topic ends within a character")


def pass_on(s: "Session", window: bytearray) -> None:
    """Hand on, or drop, what the window holds of a long message."""
    m = s.message
    n = min(s._end - s._pos, s._skip)
    m.buf = window
    m.start = s._pos
    m.end = s._pos = m.start + n
    s._skip -= n
    last = not s._skip  # a handler may close, and so reset what is counted here
    if s.taken:
        s.taken = s.connected  # after our DISCONNECT nothing is handed on: it will come again
        _piece(s, m)
    k = s.id_in
    if k > 0:
        _check_part(s, window, m.start, n)
    if 0 <= k < n:
        m.packet_id = window[m.start + k] << 8
    if 0 <= k + 1 < n:
        m.packet_id |= window[m.start + k + 1]
    s.id_in = k - n if k > -2 else k
    m.offset += n
    if last:
        _finish(s, m, s.taken)


def _piece(s: "Session", m: "Message") -> bool:
    """A piece of a long message; True if a handler streams it."""
    if not s.connected or (m.header & 4 and s.received.known(m.packet_id, m.header)):
        return False
    return s.subscriptions.deliver(m, True)


def _finish(s: "Session", m: "Message", taken: bool) -> None:
    """A long message has passed: acknowledge it."""
    if m.header & 6 and not m.packet_id:
        raise ProtocolError("PUBLISH without a packet id")
    if not taken and not s.connected:
        return  # it came after our DISCONNECT
    if m.invalid:
        if m.header & 6:
            first = _PUBACK if m.header & 2 else _PUBREC
            s._owe_code(first, m.packet_id, _NOT_TEXT)  # type: ignore[attr-defined]
        return
    known = m.header & 4 and s.received.known(m.packet_id, m.header)
    if not taken and not known:
        s.oversized += 1
    if m.header & 2:
        s._owe(_PUBACK, m.packet_id)
    elif m.header & 4:
        if not known:
            s._receive(m.packet_id)
        s._owe(_PUBREC, m.packet_id)
