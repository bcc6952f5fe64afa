"""From what a socket gives to whole packets.

Bytes are read into `rx_window`, always from its start, because `readinto` takes no offset. Packets
that lie whole in it are handed on where they are. One that is split over reads is gathered in
`buf`; what is missing of one that is longer than the window is read straight into it. One that is
longer than `buf` is the business of `long`, which is loaded when one comes.
"""

from micropython import const

from .errors import ProtocolError
from .packet import Message, body, check_range, decode_length, put

_MUCH = const(512)

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import Any


class Inbox:
    """Cuts a stream into packets; a session is what it hands them to."""

    begin_long: "Any" = None  # what `long` does, from the first long packet on …
    pass_on: "Any" = None
    small: "Any" = None  # the usual `buf`, while one as long as a packet stands for it
    taken = False  # the pieces of the long message that passes go to a handler
    id_in = -2  # bytes until its packet id, where even its topic is longer than `buf`
    lead = left = 0  # of a character of that topic; see `long`

    def __init__(self, rx_size: int, read_size: int) -> None:
        self.rx_window = bytearray(check_range("read_size", read_size, 8, 16777215))
        self._size = check_range("rx_size", rx_size, 16, 16777215)
        self.buf = bytearray(rx_size)
        self._step = 64  # of views of the window: at most 16, from which `put` copies at once
        while read_size > 16 * self._step:
            self._step *= 2
        window = memoryview(self.rx_window)
        self._views = [window[i:] for i in range(0, read_size, self._step)]
        self.rx_target: Any = self.rx_window  # where the next bytes go, as `aim` says
        self._targets: Any = None  # views of `buf`, from the first packet on that needs them …
        self._stride = 0  # … so many bytes apart
        self.message = Message()
        self.acks_end = self.acks_most = 0  # bytes of acks owed, and of how many reading goes on
        self.held = False  # the next message waits for its consumer
        self.fed = 0  # something was received since the keep alive (1), and `poll` (2), cleared it
        self.reset()

    def reset(self) -> None:
        """Forget what is half received: a new connection begins."""
        if self.small is not None:
            self._shrink()
        self.held = False
        self._landed = False  # bytes of a packet were read straight into `buf`
        self.rx_target = self.rx_window
        self._like = 1  # the length of the last packet that lay whole in the window
        self._pos = self._end = 0
        self._have = self._need = 0  # bytes gathered in buf; length of that packet once known
        self._skip = 0  # bytes still to come of a packet longer than buf

    if TYPE_CHECKING:  # what a session defines

        def take(self, buf: bytearray, header: int, i: int, end: int) -> bool:
            """A whole packet: first byte `header`, body `buf[i:end]`.

            False: it cannot be taken now and is to be offered again.
            """

        def begins(self, header: int) -> None:
            """A packet begins; raise ProtocolError if it must not."""

    def aim(self) -> int:
        """Return how many bytes to read next at most, to the start of `rx_target`.

        So many that a packet ends with them, if the next ones are as long as the last: what is
        split has to be copied. Where much of a packet is missing, that goes straight to its place.
        """
        n = len(self.rx_window)
        left = min(self._need, self._size) - self._have
        if left < _MUCH and self._need <= n:
            return n - (n - left if left > 0 else n) % self._like
        if self._targets is None:
            self._make_targets()
        i = self._have & self._stride - 1
        if i or not self._targets:
            return min(left, self._stride - i, n)
        self.rx_target = self._targets[self._have // self._stride]
        return left

    def _make_targets(self) -> None:
        """Make at most 16 views of `buf`; without memory for them it goes by the window."""
        self._stride = 64
        while self._size > 16 * self._stride:
            self._stride *= 2
        try:
            buf = memoryview(self.buf)
            self._targets = [buf[i:] for i in range(0, self._size, self._stride)]
        except MemoryError:
            self._targets = ()

    def feed(self, n: int) -> bool:
        """Take the `n` bytes that were read to `rx_target`, and hand on the packets in them.

        True means that it stopped: packets have to be written first, or, with `held`, a consumer
        has to make room. Call `feed(0)` to go on. Raises `ProtocolError` (the peer) or
        `LimitError` (our size): close then.
        """
        if n:
            self.fed = 3
            if self.rx_target is self.rx_window:
                self._pos = 0
                self._end = n
            else:
                self.rx_target = self.rx_window
                self._have += n
                self._landed = True
        buf = self.rx_window
        while self._pos < self._end or self.held or self._landed:
            if self.acks_end > self.acks_most:  # they have to be written first
                return True
            self.held = self._landed = False
            i = self._pos
            n = self._end - i - 2
            if self._have or self._skip or n < 0 or (buf[i + 1] > n and n < 128):
                self._gather(buf)
            elif buf[i + 1] > 127:
                self._take_in_place(buf, i)
            else:
                n = i + 2 + buf[i + 1]
                self._like = n - i
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
            self.pass_on(self, window)
            return
        while not self._need:
            if self._pos == self._end:
                return
            self._head_byte(window[self._pos])
            if self._need and self._pos >= self._have:  # the head came with what is behind it:
                self._pos -= self._have  # copied at once, from where the packet begins
                self._have = 0
        n = min(self._end - self._pos, min(self._need, self._size) - self._have)
        if n:
            self._append(window, n)
        if self._have == self._need:
            if self.take(self.buf, self.buf[0], body(self.buf), self._need):
                self._like = self._need if self._need <= len(window) else 1
                self._have = self._need = 0
                if self.small is not None:
                    self._shrink()
            else:
                self.held = True
        elif self._have == self._size:
            self._begin_long()

    def _take_in_place(self, window: bytearray, i: int) -> None:
        """Hand on a packet of more than 127 bytes if it lies whole in the window."""
        n = 3 + (window[i + 1] & 127 | window[i + 2] << 7)
        if window[i + 2] > 127 or n < 131 or n > self._size or i + n > self._end:
            self._gather(window)
            return
        self._like = n
        self._pos = i + n
        if not self.take(window, window[i], i + 3, self._pos):
            self._pos = i
            self.held = True

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
            self._copy(n)
        else:
            put(self.buf, self._have, window, n, self._size)
        self._have += n
        self._pos += n

    def _copy(self, n: int) -> None:
        """Copy the first fragment of a packet, whose source has an offset.

        Byte by byte up to where a view of the window begins; from there by large parts.
        """
        i = self._pos
        p = self._have
        while n and i & self._step - 1:
            self.buf[p] = self.rx_window[i]
            p += 1
            i += 1
            n -= 1
        while n:
            part = n
            if part > self._step and p + 2 * part > self._size:
                part = self._step  # `put` would do the smaller half byte by byte
                while 2 * part <= n:
                    part *= 2
            p = put(self.buf, p, self._views[i // self._step], part, self._size)
            i += part
            n -= part

    def _shrink(self) -> None:
        self.buf = self.small
        self._size = len(self.buf)
        self.small = self._targets = None

    def _begin_long(self) -> None:
        """The buffer is full and the packet goes on."""
        if self.begin_long is None:
            from .long import begin, pass_on

            self.begin_long = begin
            self.pass_on = pass_on
        self.begin_long(self)
