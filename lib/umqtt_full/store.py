"""A session on flash: what must outlive a power cut, and nothing else.

A store is a folder of segment files. Each begins with a snapshot and goes on with records:

    S  key, last packet id, sequences that await an ack, ids released, ids received
    P  (or Q) sequence, oldest sequence still awaited, packet id, the PUBLISH packet
    R  packet id: PUBREC came, PUBREL may leave
    I  packet id: a QoS 2 message was received, PUBREC may leave
    E  packet id: PUBREL came, PUBCOMP may leave
    X  the broker has lost the session: ids released and received mean nothing any more

    record = kind (1)  length (4)  body  CRC-32 of all before (4)

One record is one write and one flush. A torn one is seen by its CRC, and the rest of its segment
is skipped: a segment is never written again after a start or a failed write. Acknowledgements are
not written; a message that was acknowledged and forgotten with the power is sent again with DUP
(QoS 1), or its PUBREL is (QoS 2). The snapshot covers all older segments, so one is deleted as
soon as no message in it is awaited. Writes a message: QoS 1 out one, QoS 2 out two, QoS 2 in two.

The id of a received QoS 2 message is written, then its handlers run, then PUBREC leaves; a P that
is written meanwhile is a Q. So after a power cut only the last I, with nothing but Q behind it, is
in doubt: it counts as not received, and the broker, if it had no PUBREC, sends PUBLISH again.
"""

import os
import struct
from binascii import crc32

from micropython import const

from .errors import LimitError
from .segments import mode, read, records, remove, segment_names

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .outbox import Outbox

_S = const(0x53)
_P = const(0x50)
_Q = const(0x51)
_R = const(0x52)
_I = const(0x49)
_E = const(0x45)
_X = const(0x58)
_OVERHEAD = const(9)


class _Segment:
    """A file of the store: how long it is and how many messages in it are awaited."""

    def __init__(self, path: str, size: int) -> None:
        self.path = path
        self.size = size
        self.live = 0


class _Sent:
    """A message that awaits its acknowledgement, and where it is."""

    def __init__(self, sequence: int, packet_id: int, segment: _Segment, at: int, n: int) -> None:
        self.sequence = sequence
        self.packet_id = packet_id
        self.segment = segment
        self.at = at  # of the packet in the file
        self.n = n
        segment.live += 1


class Store:
    """The folder `path`, of at most about `size` bytes, in segments of about `segment` bytes.

    OSError if the folder cannot be made or read. A store serves one client at one broker.
    """

    _half = 0  # as in a session; before there is one no handler runs

    def __init__(self, path: str, size: int = 32768, segment: int = 4096) -> None:
        if segment < 256 or size < 3 * segment:
            raise ValueError("segment must be at least 256 bytes and size at least 3 segments")
        self.path = path
        self.size = size
        self.segment = segment
        self.writes = 0  # flushes, for those who count the life of their flash
        self.last_packet_id = 0
        self.released: list[int] = []  # ids that await PUBCOMP, in PUBREC order
        self.received: list[int] = []  # ids of QoS 2 messages received, until PUBREL
        self.doubtful = 0  # the one of them whose handlers may not have run
        self.session: Any = self  # whose handlers may run while something is written
        self._key = 0
        self._sequence = self._number = 0  # of the newest message, the newest segment
        self._sent: list[_Sent] = []  # in the order of sending
        self._segments: list[_Segment] = []  # the last one is written to, if _file is open
        self._file: Any = None
        self._agrees = True  # what is on flash says what is in memory
        if not mode(path):
            os.mkdir(path)
        if not mode(path) & 0x4000:
            raise ValueError("path of a store must be a folder, %r is a file" % path)

    # start

    def load(self, key: bytes) -> None:
        """Read what the last run left. `key` names client and broker: what others left is deleted.

        A damaged record ends its segment, a damaged snapshot its whole segment.
        """
        self.close()
        self._key = crc32(key) & 0xFFFFFFFF
        self._sent = []
        self._segments = []
        for name in segment_names(self.path):
            path = self.path + "/" + name
            segment = _Segment(path, os.stat(path)[6])
            if self._read(segment):
                self._segments.append(segment)
                self._number = int(name[:8], 16)
            else:
                os.remove(path)
        self._sent.sort(key=lambda sent: sent.sequence)
        self._clean()

    def _read(self, segment: _Segment) -> bool:
        """Take what a segment says; False if it says nothing to us."""
        first = True
        with open(segment.path, "rb") as file:
            for kind, at, n, body in records(file, segment.size):
                if first and (kind != _S or struct.unpack_from("<I", body)[0] != self._key):
                    return False
                first = False
                self._apply(kind, body, segment, at, n)
        return not first

    def _apply(self, kind: int, body: bytes, segment: _Segment, at: int, n: int) -> None:
        packet_id = int.from_bytes(body[:2], "little")  # where the body is one
        if kind != _Q:
            self.doubtful = 0
        if kind == _S:
            self._snapshot(body)
        elif kind == _X:
            self.released = []
            self.received = []
        elif kind in (_P, _Q):
            self._apply_publish(body, segment, at, n)
        elif kind == _R:
            self._awaits_pubcomp(packet_id)
        elif kind == _I:
            self.doubtful = packet_id
            if packet_id not in self.received:
                self.received.append(packet_id)
        elif packet_id in self.received:
            self.received.remove(packet_id)

    def _apply_publish(self, body: bytes, segment: _Segment, at: int, n: int) -> None:
        sequence, oldest, packet_id = struct.unpack_from("<IIH", body)
        self._sequence = max(sequence, self._sequence)
        self.last_packet_id = packet_id
        for sent in list(self._sent):
            if sent.sequence < oldest or sent.packet_id == packet_id:
                self._forget(sent)
        if packet_id in self.released:
            self.released.remove(packet_id)
        self._sent.append(_Sent(sequence, packet_id, segment, at + 10, n - 10))

    def _snapshot(self, body: bytes) -> None:
        _, self.last_packet_id, n = struct.unpack_from("<IHH", body)
        alive = struct.unpack_from("<%dI" % n, body, 8)
        at = 8 + 4 * n
        for sent in list(self._sent):
            if sent.sequence not in alive:
                self._forget(sent)
        lists = []
        for _ in range(2):
            n = struct.unpack_from("<H", body, at)[0]
            lists.append(list(struct.unpack_from("<%dH" % n, body, at + 2)))
            at += 2 + 2 * n
        self.released, self.received = lists

    def messages(self) -> "Iterator[tuple[int, bytes]]":
        """Give (packet id, PUBLISH packet) of each message that awaits an ack, in order."""
        for sent in self._sent:
            yield sent.packet_id, read(sent.segment.path, sent.at, sent.n)

    # what a session does with it

    def publish(self, packet_id: int, head: memoryview, payload: "Any") -> None:
        """Keep a PUBLISH before it is sent: its bytes are `head` and then `payload`.

        LimitError when the store has no room; OSError when the flash has none or fails. Nothing is
        accepted then.
        """
        n = len(head) + len(payload)
        self._make_room(n + 10 + _OVERHEAD)
        self._sequence += 1
        oldest = self._sent[0].sequence if self._sent else self._sequence
        start = struct.pack("<IIH", self._sequence, oldest, packet_id)
        at = self._append(_P, start, head, payload)
        sent = _Sent(self._sequence, packet_id, self._segments[-1], at + 10, n)
        self._sent.append(sent)
        self.last_packet_id = packet_id
        self._agrees = True

    def accept(self, outbox: "Outbox", end: int) -> None:
        """Keep the PUBLISH that ends at `end` of the outbox's buffer, or it was never accepted."""
        record = outbox._at - 6
        try:
            if hasattr(outbox.lent.get(record), "begin"):
                raise ValueError("a store keeps payloads that are in memory, not an Upload")
            head = memoryview(outbox.buf)[outbox._at : end]
            self.publish(outbox.packet_id, head, outbox.lent.get(record, b""))
        except BaseException:
            outbox.lent.pop(record, None)
            outbox.ids.discard(outbox.packet_id)
            raise

    def release(self, packet_id: int) -> None:
        """PUBREC has come; call before PUBREL leaves."""
        self._append(_R, struct.pack("<H", packet_id))
        self._awaits_pubcomp(packet_id)
        self._agrees = True

    def done(self, packet_id: int) -> None:
        """A message is acknowledged to its end: nothing is written."""
        if packet_id in self.released:
            self.released.remove(packet_id)
        self._acknowledged(packet_id)
        self._clean()

    def receive(self, packet_id: int) -> None:
        """A QoS 2 message has come; call before its handlers, and so before PUBREC leaves."""
        self._append(_I, struct.pack("<H", packet_id))
        if packet_id not in self.received:
            self.received.append(packet_id)
        self._agrees = True

    def erase(self, packet_id: int) -> None:
        """PUBREL has come; call before PUBCOMP leaves."""
        if packet_id in self.received:
            self._append(_E, struct.pack("<H", packet_id))
            self.received.remove(packet_id)
            self._agrees = True

    def retract(self, packet_id: int) -> None:
        """The handlers of a QoS 2 message did not end: it is as if it had not come."""
        try:
            self.erase(packet_id)
        except (OSError, MemoryError):
            self.received.remove(packet_id)
            self._agrees = False

    def reset(self) -> None:
        """The broker has lost the session."""
        if self.released or self.received:
            self._append(_X, b"")
            self.released = []
            self.received = []
            self._agrees = True

    def note(self) -> None:
        """There is a session: leave a trace of it, even while there is no message."""
        if not self._segments:
            self._rotate()

    def known(self) -> bool:
        """Tell whether an earlier run has left a session."""
        return len(self._segments) > 0

    def close(self) -> None:
        """Close the file, also if that fails: all that counts was flushed."""
        file, self._file = self._file, None  # the next write begins a segment
        try:
            if file is not None:
                file.close()
        except OSError:
            pass

    # the files

    def _awaits_pubcomp(self, packet_id: int) -> None:
        if packet_id not in self.released:
            self.released.append(packet_id)  # first: it may need memory
        self._acknowledged(packet_id)

    def _acknowledged(self, packet_id: int) -> None:
        for sent in self._sent:
            if sent.packet_id == packet_id:
                self._forget(sent)
                break

    def _forget(self, sent: _Sent) -> None:
        sent.segment.live -= 1
        self._sent.remove(sent)

    def _append(self, kind: int, *parts: "Any") -> int:
        """Write a record and flush it; return where its body begins in the file.

        Whoever calls does the same in memory, and then sets `_agrees`. Where that is not reached
        (the flash fails, the heap is full, Ctrl-C), the next write begins a segment: nothing is
        written behind what is torn, and the snapshot says what memory says.
        """
        if self._file is None or not self._agrees or self._segments[-1].size >= self._full():
            self._rotate()
        segment = self._segments[-1]
        at = segment.size + 5
        if kind == _P and self.session._half:
            kind = _Q
        self._agrees = False
        segment.size += self._write(kind, parts)
        return at

    def _write(self, kind: int, parts: "tuple[Any, ...]") -> int:
        n = sum([len(part) for part in parts])
        head = struct.pack("<BI", kind, n)
        crc = crc32(head)
        self._file.write(head)
        for part in parts:
            crc = crc32(part, crc)
            self._file.write(part)
        self._file.write(struct.pack("<I", crc & 0xFFFFFFFF))
        self._file.flush()
        self.writes += 1
        return n + _OVERHEAD

    def _rotate(self) -> None:
        """Begin a segment with a snapshot; then delete those that are not needed any more."""
        self.close()
        sequences = [sent.sequence for sent in self._sent]
        body = struct.pack("<IHH", self._key, self.last_packet_id, len(sequences))
        body += struct.pack("<%dI" % len(sequences), *sequences)
        half = self.session._half  # its doubt goes on behind the snapshot
        for ids in (self.released, [i for i in self.received if i != half]):
            body += struct.pack("<H%dH" % len(ids), len(ids), *ids)
        path = self.path
        while path == self.path or mode(path):  # a folder may have such a name
            self._number += 1
            path = "%s/%08x.seg" % (self.path, self._number)
        segment = _Segment(path, 0)
        done = False
        try:
            self._file = open(path, "wb")  # noqa: SIM115
            segment.size = self._write(_S, (body,))
            if half in self.received:
                segment.size += self._write(_I, (struct.pack("<H", half),))
            self._segments.append(segment)
            self._agrees = done = True
        finally:
            if not done:
                self.close()
                remove(path)
        self._clean()

    def _clean(self) -> None:
        """Delete segments in which nothing is awaited, except the one that is written to."""
        for segment in self._segments[:-1]:
            if not segment.live:
                if not remove(segment.path):
                    return  # the flash is failing: it is tried again with the next one
                self._segments.remove(segment)

    def _make_room(self, n: int) -> None:
        """See that `n` bytes more keep the store within its size, or raise LimitError."""
        if self._used() + n > self.size and self._segments:
            last = self._segments[-1]  # what it holds may all be acknowledged
            if last.size >= (self._full() if last.live else 2 * self._least()):
                self._rotate()
        if self._used() + n > self.size and len(self._segments) > 1:
            self._carry(self._segments[0])
        if self._used() + n > self.size:
            raise LimitError(
                "store full: %d of %d bytes wait to be acknowledged" % (self._used(), self.size)
            )

    def _least(self) -> int:
        """How long a snapshot is now."""
        return 21 + 4 * len(self._sent) + 2 * (len(self.released) + len(self.received))

    def _full(self) -> int:
        """How long a segment gets; twice its snapshot, or each record would begin one."""
        return max(self.segment, 2 * self._least())

    def _used(self) -> int:
        return sum([segment.size for segment in self._segments])

    def _carry(self, segment: _Segment) -> None:
        """Write the messages of the oldest segment again, so that it can be deleted."""
        live = sum([sent.n + 10 + _OVERHEAD for sent in self._sent if sent.segment is segment])
        if live > segment.size // 2:
            return  # it would not pay
        for sent in self._sent:
            if sent.segment is segment:
                start = struct.pack("<IIH", sent.sequence, self._sent[0].sequence, sent.packet_id)
                at = self._append(_P, start, read(sent.segment.path, sent.at, sent.n))
                segment.live -= 1
                sent.segment = self._segments[-1]
                sent.segment.live += 1
                sent.at = at + 10
                self._agrees = True
        self._clean()
