"""From what a socket gives to whole packets.

Bytes are read into `rx_window`, always from its start, because `readinto` takes no offset. Packets
that lie whole in it are handed on where they are. One that is split over reads is gathered in
`buf`. One that is longer than `buf` is decided from its header: its payload goes on in pieces, to
a handler that streams or to nobody, and takes no memory.
"""

from micropython import const

from .errors import LimitError, ProtocolError
from .packet import Message, body, check_range, decode_length, put
from .topic import may_follow

_PUBLISH = const(0x30)


class Inbox:
    """Cuts a stream into packets; a session is what it hands them to."""

    def __init__(self, rx_size: int, read_size: int) -> None:
        self.rx_window = bytearray(check_range("read_size", read_size, 8, 16777215))
        self._size = check_range("rx_size", rx_size, 16, 16777215)
        self.buf = bytearray(rx_size)
        self._step = 64  # of views of the window: at most 16, from which `put` copies at once
        while read_size > 16 * self._step:
            self._step *= 2
        window = memoryview(self.rx_window)
        self._views = [window[i:] for i in range(0, read_size, self._step)]
        self.message = Message()
        self.acks_end = self.acks_most = 0  # bytes of acks owed, and of how many reading goes on
        self.held = False  # the next message waits for its consumer
        self.fed = False  # something was received since this was last cleared
        self.reset()

    def reset(self) -> None:
        """Forget what is half received: a new connection begins."""
        self.held = False
        self._pos = self._end = 0
        self._have = self._need = 0  # bytes gathered in buf; length of that packet once known
        self._skip = 0  # bytes still to come of a packet longer than buf
        self._id_in = -2  # bytes until its packet id, where even the topic is longer than buf
        self.taken = False  # its pieces go to a handler
        self._lead = self._left = 0  # of a character of a topic that passes by; see `_check_part`

    def take(self, buf: bytearray, header: int, i: int, end: int) -> bool:
        """A whole packet: first byte `header`, body `buf[i:end]`. For the session to define.

        False: it cannot be taken now and is to be offered again.
        """
        raise NotImplementedError

    def begins(self, header: int) -> None:
        """A packet begins; raise ProtocolError if it must not. For the session to define."""
        raise NotImplementedError

    def take_piece(self, message: Message) -> bool:
        """A piece of a long message; tell whether anybody took it. For the session to define."""
        raise NotImplementedError

    def take_end(self, message: Message, taken: bool) -> None:
        """All pieces of a long message passed. For the session to define."""
        raise NotImplementedError

    def feed(self, n: int) -> bool:
        """Take the `n` bytes that were read into `rx_window`, and hand on the packets in them.

        True means that it stopped: packets have to be written first, or, with `held`, a consumer
        has to make room. Call `feed(0)` to go on. Raises `ProtocolError` (the peer) or
        `LimitError` (our size): close then.
        """
        if n:
            self.fed = True
            self._pos = 0
            self._end = n
        buf = self.rx_window
        while self._pos < self._end or self.held:
            if self.acks_end > self.acks_most:  # they have to be written first
                return True
            self.held = False
            i = self._pos
            n = self._end - i - 2
            if self._have or self._skip or n < 0 or buf[i + 1] > n or buf[i + 1] > 127:
                self._gather(buf)
            else:
                n = i + 2 + buf[i + 1]
                self._pos = n
                if not self.take(buf, buf[i], i + 2, n):
                    self._pos = i
                    self.held = True
            if self.held:
                return True
        return False

    def _gather(self, window: bytearray) -> None:
        """Take bytes of a packet that does not lie whole in the window."""
        if self._skip:
            self._pass_on(window)
            return
        if not self._have and self._take_in_place(window):
            return
        while not self._need:
            if self._pos == self._end:
                return
            self._head_byte(window[self._pos])
        n = min(self._end - self._pos, min(self._need, self._size) - self._have)
        if n:
            self._append(window, n)
        if self._have == self._need:
            if self.take(self.buf, self.buf[0], body(self.buf), self._need):
                self._have = self._need = 0
            else:
                self.held = True
        elif self._have == self._size:
            self._begin_long()

    def _take_in_place(self, window: bytearray) -> bool:
        """Hand on a packet of 128 to 16,383 bytes if it lies whole in the window."""
        i = self._pos
        n = self._end - i
        if n < 3 or window[i + 1] < 128 or not 0 < window[i + 2] < 128:
            return False
        n = 3 + (window[i + 1] & 127 | window[i + 2] << 7)
        if n > self._size or i + n > self._end:
            return False
        self._pos = i + n
        if not self.take(window, window[i], i + 3, self._pos):
            self._pos = i
            self.held = True
        return True

    def _head_byte(self, c: int) -> None:
        """Take a byte of the fixed header; from the last one the packet's length is known."""
        have = self._have
        if not have:
            self.begins(c)
        self.buf[have] = c
        self._pos += 1
        self._have = have + 1
        if have and c < 128:
            self._need = have + 1 + decode_length(self.buf, 1)
        elif have == 4:
            raise ProtocolError("Remaining Length is longer than four bytes")

    def _append(self, window: bytearray, n: int) -> None:
        """Move `n` bytes from the window to the gathered ones."""
        if self._pos:
            self._copy(window, n)
        else:
            put(self.buf, self._have, window, n, self._size)
        self._have += n
        self._pos += n

    def _copy(self, window: bytearray, n: int) -> None:
        """Copy the first fragment of a packet, whose source has an offset.

        Byte by byte up to where a view of the window begins; from there at once.
        """
        i = self._pos
        n += i  # where it ends
        p = self._have
        while i < n and i & self._step - 1:
            self.buf[p] = window[i]
            p += 1
            i += 1
        if i < n:
            put(self.buf, p, self._views[i // self._step], n - i, self._size)

    def _begin_long(self) -> None:
        """The buffer is full and the packet goes on: only a PUBLISH may."""
        buf = self.buf
        have = self._have
        if buf[0] & 0xF0 != _PUBLISH:
            raise LimitError("packet of " + str(self._need) + " bytes is longer than rx_size")
        m = self.message
        i = body(buf)
        self._skip = self._need - have
        self._id_in = i + 2 + (buf[i] << 8 | buf[i + 1]) - have
        if self._id_in <= -2:
            m.header = buf[0]
            m.decode(buf, i, self._need, m.header)
            m.end = have
            self.taken = self.take_piece(m)
            m.offset = have - m.start
        else:
            self._begin_passing(buf, i + 2)
        self._have = self._need = 0

    def _begin_passing(self, buf: bytearray, i: int) -> None:
        """Not even the topic, which begins at `i`, and the id fit: they pass by."""
        m = self.message
        m.header = buf[0]
        n = 2 if buf[0] & 6 else 0
        if buf[0] & 6 == 6 or buf[0] & 14 == 8 or self._id_in + n > self._skip:
            raise ProtocolError("PUBLISH with wrong flags, or a topic past its end")
        n = self._have
        m.packet_id = 0 if self._id_in >= 0 else buf[n - 1] << 8
        self.taken = False
        self._lead = self._left = 0
        self._id_in += n - i
        self._check_part(buf, i, n - i)
        self._id_in -= n - i

    def _check_part(self, buf: bytearray, i: int, n: int) -> None:
        """Check what `n` bytes hold of a topic that passes by; a character may be split."""
        end = i + min(n, self._id_in)
        while i < end:
            c = buf[i]
            i += 1
            if self._left:
                if not may_follow(self._lead, c):
                    raise ProtocolError("topic is not valid UTF-8")
                self._lead = 0xC2  # behind the second byte any of 0x80 to 0xBF may follow
                self._left -= 1
            elif c >= 0x80:
                self._lead = c
                self._left = 1 + (c >= 0xE0) + (c >= 0xF0)
            elif not c or c == 0x23 or c == 0x2B:
                raise ProtocolError("topic holds U+0000 or a wildcard")
        if self._left and n >= self._id_in:
            raise ProtocolError("topic ends within a character")

    def _pass_on(self, window: bytearray) -> None:
        """Hand on, or drop, what the window holds of a long message."""
        m = self.message
        n = min(self._end - self._pos, self._skip)
        m.buf = window
        m.start = self._pos
        m.end = self._pos = m.start + n
        self._skip -= n
        last = not self._skip  # a handler may close, and so reset what is counted here
        if self.taken:
            self.take_piece(m)
        k = self._id_in
        if k > 0:
            self._check_part(window, m.start, n)
        if 0 <= k < n:
            m.packet_id = window[m.start + k] << 8
        if 0 <= k + 1 < n:
            m.packet_id |= window[m.start + k + 1]
        self._id_in = k - n if k > -2 else k
        m.offset += n
        if last:
            self.take_end(m, self.taken)
