"""A payload that is read from a file while it is sent, so that it never has to be in memory."""

import errno

from micropython import const

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import Any


class Upload:
    """What `publish` takes instead of bytes: `size` bytes of a binary file from where it stands.

    `file` has `readinto` and `seek`; `size` None: up to its end. At most `chunk` bytes are in
    memory at a time. Leave file and content alone until the message is acknowledged: it may be
    sent again. OSError(EIO) from the sending call: the file became shorter.
    """

    def __init__(self, file: "Any", size: int | None = None, chunk: int = 512) -> None:
        self._file = file
        self._start = file.tell()
        if size is None:
            size = file.seek(0, 2) - self._start
        self._size = size
        self._left = 0
        self._chunk = bytearray(chunk)

    def __len__(self) -> int:
        return self._size

    def begin(self) -> "bytearray | memoryview":
        """Return the first piece."""
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
        if len(part) and self._file.readinto(part) != len(part):
            raise OSError(errno.EIO, "the file is shorter than its payload")
        self._left -= len(part)
        return part
