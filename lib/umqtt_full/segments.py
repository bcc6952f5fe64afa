"""The files of a store, and how they are read; `store` says what is in them."""

import os
import struct
from binascii import crc32

from micropython import const

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_S = const(0x53)
_KINDS = (0x53, 0x50, 0x51, 0x52, 0x49, 0x45, 0x58)
_OVERHEAD = const(9)
_PIECE = const(256)


def segment_names(path: str) -> "list[str]":
    """Return the names of a store's files, the oldest first; nothing else in the folder is ours.

    A copy ("00000001 (1).seg") is not, nor is a folder, whatever its name.
    """
    names = []
    for name in os.listdir(path):
        if _is_segment(name) and os.stat(path + "/" + name)[0] & 0xF000 == 0x8000:  # a file
            names.append(name)
    names.sort()
    return names


def _is_segment(name: str) -> bool:
    if len(name) != 12 or name[8:] != ".seg":
        return False
    for character in name[:8]:
        if character not in "0123456789abcdef":
            return False
    return True


def records(file: "Any", size: int) -> "Iterator[tuple[int, int, int, bytes]]":
    """Give (kind, offset of the body, its length, body) of each record of a file of `size` bytes.

    It ends with the first damaged one. Of a long body only the first bytes are given, but of a
    snapshot all: a PUBLISH may be longer than what the heap has free.
    """
    at = 0
    while at + _OVERHEAD <= size:
        head = file.read(5)
        kind, n = struct.unpack("<BI", head)
        if kind not in _KINDS or n > size - at - _OVERHEAD:
            return
        body = file.read(n if kind == _S else min(n, _PIECE))
        crc = crc32(body, crc32(head))
        left = n - len(body)
        while left:
            part = file.read(min(left, _PIECE))
            if not part:
                return
            crc = crc32(part, crc)
            left -= len(part)
        if file.read(4) != struct.pack("<I", crc & 0xFFFFFFFF):
            return
        yield kind, at + 5, n, body
        at += n + _OVERHEAD


def read(path: str, at: int, n: int) -> bytes:
    """Return the `n` bytes at `at` of a file."""
    with open(path, "rb") as file:
        file.seek(at)
        return file.read(n)


def mode(path: str) -> int:
    """Return what `os.stat` says that a name is; 0 when there is nothing of that name."""
    try:
        return os.stat(path)[0]
    except OSError:
        return 0


def remove(path: str) -> bool:
    """Delete a file; False if it is still there."""
    try:
        os.remove(path)
    except OSError as error:
        return error.errno == 2  # there is none
    return True
