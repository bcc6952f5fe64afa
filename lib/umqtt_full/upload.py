"""A payload that is read from a file while it is sent, so that it never has to be in memory."""

import errno

from micropython import const

from .errors import Guard
from .packet import check_range

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import Any

    from .session import Session

_ONCE = const(1)


class Upload:
    """What `publish` takes instead of bytes: `size` bytes of a binary file from where it stands.

    `file` has `readinto`, `seek` and `tell`; `size` None: up to its end. At most `chunk` bytes are
    in memory at a time. ValueError says what is wrong with an argument. Leave file and content
    alone until the message is acknowledged: it may be sent again. OSError(EIO): the file became
    shorter. That, or any other error of the file, ends the connection, on which the packet is half
    written, and the message is given up: the call that waits for it raises the error; if there is
    none, or at QoS 0, `on_error` is told.
    """

    error: Exception | None = None  # of the file, while the payload was read

    def __init__(self, file: "Any", size: int | None = None, chunk: int = 512) -> None:
        for name in ("readinto", "seek", "tell"):
            if not hasattr(file, name):
                raise ValueError("file must be a file of bytes: %r has no %s" % (file, name))
        self._file = file
        self._start = file.tell()
        file.seek(0, 2)
        most = max(0, file.tell() - self._start)
        file.seek(self._start)
        self._size = most if size is None else check_range("size", size, 0, most)
        self._left = 0
        self._chunk = bytearray(check_range("chunk", chunk, 1, 16777215))
        self._guard = Guard(self._failed)

    def __len__(self) -> int:
        return self._size

    def begin(self) -> "bytearray | memoryview":
        """Return the first piece."""
        self.error = None
        with self._guard:
            self._file.seek(self._start)
        self._left = self._size
        return self.refill()

    def whole(self) -> bytes:
        """Return all of it: it is short enough for the outbox."""
        data = bytes(self.begin())
        while self._left:
            data += bytes(self.refill())
        return data

    def refill(self) -> "bytearray | memoryview":
        """Return the next piece, valid until the one after it; an empty one behind the last."""
        part: bytearray | memoryview = self._chunk
        if self._left < len(part):
            part = memoryview(part)[: self._left]
        with self._guard:
            if len(part) and self._file.readinto(part) != len(part):
                raise OSError(errno.EIO, "the file is shorter than its payload")
        self._left -= len(part)
        return part

    def _failed(self, exc: BaseException) -> bool:
        if isinstance(exc, Exception) and not isinstance(exc, MemoryError):
            self.error = exc
        return False

    def give_up(self, session: "Session", p: int) -> None:
        """The connection ends in the middle of record `p`: not sent again if the file failed.

        Else each connection would end like that, and nothing behind it would ever be sent.
        """
        if self.error is None:
            return
        outbox = session.outbox
        if not session.refused:
            session.refused = {}  # not that of the class
        if outbox.buf[p + 3] == _ONCE:  # gone with the connection in any case
            session.refused[-1] = self.error  # no call waits for it by an id
            return
        packet_id = outbox.buf[p + 4] << 8 | outbox.buf[p + 5]
        outbox.free(p)
        session.refused[packet_id] = self.error
        session.done(packet_id)
