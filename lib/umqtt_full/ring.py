"""A ring of bytes for packets in the order they are sent, each kept until it is acknowledged.

Each record is a packet behind a head of six bytes:

    length (3)  state (1)  packet id (2)  packet (length)

The state is the packet that is awaited: PUBACK, PUBREC, or ONCE for QoS 0, which nothing answers
and which is free when it is written. FREE records are taken back when they reach the head, so the
ring is always the same bytes that were put, in order. `next` is the first record that this
connection has not sent yet:

    head ──── sent, awaiting ──── next ──── to be sent ──── tail

A record never spans the end of the ring: `wrap` is where the upper part ends while the tail is
below the head.
"""

from struct import pack_into

from micropython import const

from .errors import LimitError
from .packet import check_range

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import Any

_HEAD = const(6)
_DUP = const(8)
_FREE = const(0)
_ONCE = const(1)
_PUBREC = const(0x50)


class Ring:
    """Records in a ring of `size` bytes."""

    def __init__(self, size: int) -> None:
        self.buf = bytearray(check_range("tx_size", size, 64, 16777215))
        self.size = self.wrap = size
        self.head = self.next = self.tail = 0
        self.packet_id = 0  # of the record that `_commit` makes
        self.queued_once = 0  # QoS 0 records that are not written yet
        self.dropped = 0  # messages given up: QoS 0 that a connection took with it, …
        self.lent: dict[int, Any] = {}  # payloads that are not in the ring, by their record
        self._once_n = -1  # what `Outbox.once` has left in free room, until that is reserved

    def _reserve(self, n: int, slack: int) -> int:
        """Find room for a packet of `n` bytes; return where it goes, or -1 while there is none.

        `slack` bytes behind it are needed to write it and stay free. `_commit` makes it a record.
        """
        n += _HEAD
        self._once_n = -1  # its head may be written over
        if n > self.size:
            raise LimitError("packet of " + str(n - _HEAD) + " bytes is longer than tx_size")
        if self.head == self.tail:
            self.head = self.next = self.tail = 0
            self.wrap = self.size
            return _HEAD
        if self.tail < self.head:
            return self.tail + _HEAD if self.head - self.tail > n + slack else -1
        if self.size - self.tail >= n + slack:
            return self.tail + _HEAD
        if self.head > n + slack:
            return _HEAD
        return -1

    def _limit(self, p: int) -> int:
        """Return the end of the free room that begins at `p`."""
        return self.head if p < self.head else self.size

    def _commit(self, p: int, end: int, state: int) -> None:
        """Make `buf[p:end]`, written where `_reserve` said, the last record, of `packet_id`."""
        if p == _HEAD and self.tail:  # the tail goes round
            self.wrap = self.tail
            if self.next == self.tail:
                self.next = 0
        pack_into(">BH", self.buf, p - 6, end - p >> 16, end - p & 65535)
        pack_into(">BH", self.buf, p - 3, state, self.packet_id)
        self.tail = end
        if state == _ONCE:
            self.queued_once += 1

    def _refill(self, end: int, state: int) -> None:
        """Do as `_commit` in an empty ring, with a packet as long as the first one was."""
        self.head = self.next = 0
        self.wrap = self.size
        pack_into(">BH", self.buf, 3, state, self.packet_id)
        self.tail = end

    def length(self, p: int) -> int:
        """Return the length in bytes of the packet of record `p`."""
        return self.buf[p] << 16 | self.buf[p + 1] << 8 | self.buf[p + 2]

    def after(self, p: int) -> int:
        """Return the record behind `p`; `tail` if it was the last."""
        p += _HEAD + (self.buf[p] << 16 | self.buf[p + 1] << 8 | self.buf[p + 2])
        return 0 if p == self.wrap and p != self.tail else p

    def find(self, state: int, packet_id: int) -> int:
        """Return the sent record that awaits `state` for `packet_id`, or -1."""
        buf = self.buf
        p = self.head
        while p != self.next:
            if buf[p + 3] == state and buf[p + 4] << 8 | buf[p + 5] == packet_id:
                return p
            p = self.after(p)
        return -1

    def first(self, quota: int) -> int:
        """Return the record to send next, or -1: without a quota only those at QoS 0 are."""
        buf = self.buf
        p = self.next
        if quota > 0 and p != self.tail and buf[p + 3]:
            return p
        if p != self.tail and not buf[p + 3]:
            self._skip_free()
            p = self.next
        if quota <= 0 and not self.queued_once:
            return -1
        while p != self.tail:
            if (quota > 0 and buf[p + 3]) or buf[p + 3] == _ONCE:
                return p
            p = self.after(p)
        return -1

    def sent(self, p: int) -> None:
        """Take note that the packet of record `p` was written whole."""
        if self.buf[p + 3] == _ONCE:
            self.queued_once -= 1
            self.buf[p + 3] = _FREE
            self.lent.pop(p, None)
            if p == self.next:
                self._pass()
        elif p == self.next:
            self.next = self.after(p)

    def _skip_free(self) -> None:
        while self.next != self.tail and self.buf[self.next + 3] == _FREE:
            self._pass()

    def _pass(self) -> None:
        self.next = self.after(self.next)
        self._reclaim()

    def free(self, p: int) -> None:
        """Give back record `p`, whose packet was acknowledged."""
        self.buf[p + 3] = _FREE
        self.lent.pop(p, None)
        self._reclaim()

    def _reclaim(self) -> None:
        while self.head != self.next and self.buf[self.head + 3] == _FREE:
            self.head = self.after(self.head)
        if self.head < self.tail:
            self.wrap = self.size

    def drop(self) -> int:
        """Give up the oldest record that was never sent; return its packet id, or -1."""
        from .drop import drop

        return drop(self)

    def end(self, session: "Any", current: int) -> None:
        """The connection of the session ended, in the midst of record `current` (-1: of none)."""
        for i in range(session.released.n):  # an interrupt may have come before they were freed
            p = self.find(_PUBREC, session.released[i])
            if p >= 0:
                self.free(p)
        lent: Any = self.lent.get(current)
        if hasattr(lent, "give_up"):
            lent.give_up(session, current)
        self.mark_dup(current)

    def mark_dup(self, current: int) -> None:
        """The connection ended: what was sent, `current` in part, is a duplicate from now on."""
        p = self.head
        while p != self.next:
            self.buf[p + _HEAD] |= _DUP
            p = self.after(p)
        if current >= 0:
            if self.buf[current + 3] == _ONCE:
                self.sent(current)
                self.dropped += 1
            else:
                self.buf[current + _HEAD] |= _DUP

    def rewind(self, resumed: bool) -> None:
        """Begin again with the oldest record; as new messages unless the session `resumed`."""
        self.next = p = self.head
        while not resumed and p != self.tail:
            if self.buf[p + 3] > _ONCE:
                self.buf[p + _HEAD] &= ~_DUP
            p = self.after(p)
