"""Read the frame size of each function from compiled .mpy files.

MicroPython keeps a function's frame (arguments, locals, expression stack, and three words a nested
`try`) on the C stack up to 11 words, and takes a larger one from the heap at every call. So the
functions of the hot path have to stay within it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tools import toolchain

LIMIT = 11
_EXCEPTION_WORDS = 3
_TUPLE = 10


class _Reader:
    """The bytes of an .mpy file (format version 6), read in order."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def uint(self) -> int:
        value = 0
        while True:
            byte = self.byte()
            value = value << 7 | byte & 127
            if byte < 128:
                return value

    def take(self, n: int) -> bytes:
        self.at += n
        return self.data[self.at - n : self.at]


def _qstr(reader: _Reader) -> str:
    size = reader.uint()
    if size & 1:
        return f"<{size >> 1}>"  # a name that every MicroPython has
    text = reader.take(size >> 1).decode()
    reader.byte()
    return text


def _skip_object(reader: _Reader) -> None:
    kind = reader.byte()
    if kind < 5:
        return
    size = reader.uint()
    if kind == _TUPLE:
        for _ in range(size):
            _skip_object(reader)
    else:
        reader.take(size + (1 if kind in (5, 6) else 0))


def _signature(reader: _Reader) -> tuple[int, int]:
    """Return (state words, nested try) from a bytecode prelude."""
    z = reader.byte()
    state, tries, n = z >> 3 & 15, z >> 2 & 1, 0
    while z & 0x80:
        z = reader.byte()
        state |= (z & 0x30) << 2 * n
        tries |= (z & 2) << n
        n += 1
    while reader.byte() & 0x80:
        pass  # sizes of the tables that follow
    return state + 1, tries


def _functions(reader: _Reader, names: list[str], outer: str) -> Iterator[tuple[str, int]]:
    head = reader.uint()
    body = _Reader(reader.take(head >> 3))
    name = outer
    if not head & 3:
        state, tries = _signature(body)
        name = f"{outer}.{names[body.uint()]}".lstrip(".")
        yield name, state + _EXCEPTION_WORDS * tries
    if head & 4:
        for _ in range(reader.uint()):
            yield from _functions(reader, names, name)


def frames(source: Path) -> dict[str, int]:
    """Return the frame size in words of each function of a Python file."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "x.mpy")
        command = [*toolchain.mpy_cross(), "-O3", "-o", str(target), str(source)]
        subprocess.run(command, check=True, timeout=60)
        reader = _Reader(target.read_bytes())
    reader.take(4)
    qstrs, objects = reader.uint(), reader.uint()
    names = [_qstr(reader) for _ in range(qstrs)]
    for _ in range(objects):
        _skip_object(reader)
    return dict(_functions(reader, names, ""))


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        for function, words in frames(Path(argument)).items():
            if words > int(__import__("os").environ.get("L", LIMIT)):
                print(f"{words:3} {Path(argument).stem}: {function}")
