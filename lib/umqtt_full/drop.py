"""What a full outbox gives up for a newer message; loaded when that happens first."""

from micropython import const

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import Any

    from .ring import Ring

_HEAD = const(6)
_DUP = const(8)
_FREE = const(0)
_ONCE = const(1)


def drop(box: "Ring") -> int:
    """Give up the oldest record that was never sent; return its packet id, or -1 if there is none.

    Nothing may be half written: what is before it and behind it may move.
    """
    buf = box.buf
    box._skip_free()
    p = box.next
    while p != box.tail and (buf[p + 3] == _FREE or buf[p + _HEAD] & _DUP):
        p = box.after(p)
    if p == box.tail:
        return -1
    packet_id = buf[p + 4] << 8 | buf[p + 5]
    once = buf[p + 3] == _ONCE
    if p == box.head:  # its room is at the right end of the ring
        buf[p + 3] = _FREE
        box.lent.pop(p, None)
        box._pass()
    else:
        _close_up(box, p)
    if once:
        box.queued_once -= 1
    return packet_id


def _close_up(box: "Ring", gone: int) -> None:
    """Move all records but `gone` together, to the start of the ring: only so is there room.

    Memory that does not suffice is noticed before anything has changed.
    """
    kept = bytearray()
    lent: dict[int, Any] = {}
    following = 0
    p = box.head
    while p != box.tail:
        if p == box.next:
            following = len(kept)
        if p != gone and box.buf[p + 3] != _FREE:
            if p in box.lent:
                lent[len(kept)] = box.lent[p]
            kept += box.buf[p : p + _HEAD + box.length(p)]
        p = box.after(p)
    box.buf[: len(kept)] = kept
    box.lent = lent
    box.head = 0
    box.next = following
    box.tail = len(kept)
    box.wrap = box.size
    box._once_n = -1  # the head that is kept was written over
