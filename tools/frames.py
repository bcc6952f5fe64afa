"""Read the frame size of each function from compiled .mpy files, and check it.

MicroPython keeps a function's frame (arguments, locals, expression stack, and three words a nested
`try`) on the C stack up to 11 words, and takes a larger one from the heap at every call. So the
functions of the hot path have to stay within it. Every function of the library counts as hot
unless `COLD` names it; those that `HOT` names can never be moved there.

    python3 -m tools.frames lib/umqtt_full/client.py     prints all frames of a file
"""

from __future__ import annotations

import ast
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools import scopes, toolchain

LIMIT = 11
_EXCEPTION_WORDS = 3
_TUPLE = 10
_GENERATOR = 1

# What a message, an ack or an idle turn passes through.
HOT = {
    "errors": "Guard.__enter__ Guard.__exit__",
    "client": """
        Client.publish Client.publish_nowait Client.wait Client.poll Client._put Client._put_later
        Client._await Client._turn Client._exchange Client._wait Client._write
        Client._brief Client._look
    """,
    "aio": "AsyncClient.publish AsyncClient._put AsyncClient._brief",
    "link": """
        Link.connected Link.pending Link._online Link._limit
        Link._serve Link._flush Link._watch Link._receive Link._feed Link._unmatched
        Link._express Link._push Link._read
    """,
    "session": """
        Session.tx_window Session._choose Session.sent Session.take
        Session._take_id Session._owe
        Session._short Session._control Session._ack Session._sent_ack
        Session._receive Session.done
        Session.poll Session.ping Session.next_deadline
    """,
    "inbox": """
        Inbox.feed Inbox._gather Inbox._take_in_place Inbox._head_byte Inbox._append Inbox._copy
    """,
    "outbox": """
        Outbox.publish Outbox._room Outbox._encode Outbox._head Outbox._set_topic Outbox._plain
        Outbox.once
    """,
    "ring": """
        Ring._reserve Ring._limit Ring._commit Ring.length Ring.after Ring.find
        Ring.first Ring.sent Ring._pass Ring.free Ring._reclaim
    """,
    "ids": """
        IdList.__getitem__ IdList.find IdList.add IdList.pop Ids.new Received.known
    """,
    "long": "begin pass_on _piece _first_piece _finish",
    "subscriptions": """
        Subscriptions.deliver Subscriptions._call
    """,
    "packet": """
        put _put_tight is_ascii length_size encode_length decode_length encode_ack check_range
        check_qos check_topic Message.payload Message.topic Message.qos
        Message.retain Message.dup Message.topic_is Message.payload_is Message.payload_int
        Message.copy_into Message.decode _same
    """,
    "session5": """
        Session5._choose Session5._alias Session5.sent Session5._rare Session5._coded Session5._ack
        Session5._owe_code Session5._take_id Session5._check_quota Session5._receive
        Session5._erase Session5._begin_long Session5._block_at Session5._block_fits
        Session5._pass_by
    """,
    "message5": "Message5.decode Message5.carries",
    "outbox5": "Outbox5.publish Outbox5.once Outbox5._prepare",
    "aliases": """
        Aliases.prepare Aliases.end Aliases._parse Aliases._find Aliases._again Aliases._property
        Aliases._swap
    """,
    "keep_alive": "KeepAlive.poll KeepAlive._note KeepAlive._idle KeepAlive.left",
    "topic": "valid_utf8 matches is_topic",
}

# Called once a connection or a subscription: these may take their frame from the heap.
COLD = {
    "aio": "AsyncClient.__init__ AsyncClient.on AsyncClient.messages",
    "arguments": "prepare _check _session",
    "asking": "_pairs ask.<listcomp> ask_no_more.<listcomp> Waiting.__exit__",
    "client": "Client.disconnect Client.subscribe Client.unsubscribe",
    "drop": "_close_up",
    "errors": "tell",
    "link": "Link.__init__ Link.on Link._tell Link._report Link._close",
    "net": "resolve dial",
    "packet": "encoded encode_connect encode_subscribe",
    "ring": "Ring.end",
    "session": "Session.__init__ Session._rare",
    "long": "_begin_passing",
    "subscriptions": "Subscriptions.request Subscriptions.answered Subscriptions._granted "
    "Subscriptions.connected",
    # MQTT 5: connecting, subscribing, refusals, and messages that have properties
    "aliases": "Aliases._first",
    "connect5": "Connection5.__init__ Connection5._encode_connect Connection5._add_authentication "
    "Connection5._connack5 Connection5._ended "
    "Connection5._auth Connection5.disconnect Connection5.farewell",
    "fallback5": "fall_back _move",
    "message5": "Reader.read",
    "outbox5": "Outbox5.unfit",
    "properties": "_check_value check_properties find_property _value decode_properties _encoded "
    "_row encode_properties",
    "session5": "Session5._explained Session5._answer",
    "subscriptions5": "Subscriptions5.add Subscriptions5.connected Subscriptions5.answered "
    "Subscriptions5._ended",
    "supervisor": "Supervisor.__init__ Supervisor._ended",
    "topic": "encode_text",
    "tls": "_context _data secure",
    "upload": "Upload.__init__",
    "wrong": "text_error",
    "ws": "Hello._check WebSocket.close",
}
# Never on a board; the drop-ins, whose originals take more from the heap at every call; and the
# store, which writes each message to flash through a memoryview.
_UNCHECKED = ("_cpython", "_cpython_tls", "simple", "robust", "store", "segments", "resume")


class FrameError(Exception):
    """The compiled file does not look as its source does."""


@dataclass
class _Code:
    """A piece of bytecode; `name` is None where the file says it by a number."""

    name: str | None = None
    words: int = 0
    is_generator: bool = False
    children: list[_Code] = field(default_factory=list)


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


def _qstr(reader: _Reader) -> str | None:
    size = reader.uint()
    if size & 1:
        return None  # a number: a name that every MicroPython has
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


def _signature(reader: _Reader) -> tuple[int, int, bool]:
    """Return (state words, nested try, is it a generator) from a bytecode prelude."""
    z = reader.byte()
    state, tries, flags, n = z >> 3 & 15, z >> 2 & 1, 0, 0
    while z & 0x80:
        z = reader.byte()
        state |= (z & 0x30) << 2 * n
        tries |= (z & 2) << n
        flags |= (z >> 6 & 1) << n
        n += 1
    while reader.byte() & 0x80:
        pass  # sizes of the tables that follow
    return state + 1, tries, bool(flags & _GENERATOR)


def _code(reader: _Reader, names: list[str | None]) -> _Code:
    head = reader.uint()
    body = _Reader(reader.take(head >> 3))
    code = _Code()
    if not head & 3:  # bytecode, not machine code
        state, tries, code.is_generator = _signature(body)
        code.words = state + _EXCEPTION_WORDS * tries
        code.name = names[body.uint()]
    if head & 4:
        code.children = [_code(reader, names) for _ in range(reader.uint())]
    return code


def _compiled(source: Path) -> _Code:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "x.mpy")
        command = [*toolchain.mpy_cross(), "-O3", "-o", str(target), str(source)]
        subprocess.run(command, check=True, timeout=60)
        reader = _Reader(target.read_bytes())
    if reader.take(2) != b"M\x06":
        raise FrameError(f"{source}: mpy-cross makes another format than version 6")
    reader.take(2)
    qstrs, objects = reader.uint(), reader.uint()
    names = [_qstr(reader) for _ in range(qstrs)]
    for _ in range(objects):
        _skip_object(reader)
    return _code(reader, names)


def _paired(scope: scopes.Scope, code: _Code, outer: str) -> Iterator[tuple[str, int]]:
    """Give each piece of code the name of its scope in the source: both are in the same order."""
    seen = [child.name for child in code.children]
    wanted = [child.name for child in scope.children]
    if len(seen) != len(wanted) or code.name not in (None, scope.name):
        raise FrameError(
            f"{outer or 'module'}: compiled {code.name} {seen}, source {scope.name} {wanted}"
        )
    if scope.is_function and not code.is_generator:
        yield outer, code.words
    for child, piece in zip(scope.children, code.children, strict=True):
        yield from _paired(child, piece, f"{outer}.{child.name}".lstrip("."))


def frames(source: Path) -> dict[str, int]:
    """Return the frame size in words of each function of a Python file.

    Generators and coroutines are left out: they live on the heap whatever their size.
    """
    tree = scopes.of_module(ast.parse(source.read_text(encoding="utf-8")))
    found: dict[str, int] = {}
    for name, words in _paired(tree, _compiled(source), ""):
        found[name] = max(words, found.get(name, 0))  # one name may be defined twice
    return found


def _unknown(table: Mapping[str, str], found: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    for module, names in table.items():
        for name in names.split():
            if name not in found.get(module, {}):
                yield f"tools/frames.py names {module}.{name}, which does not exist"


def _module_problems(module: str, found: Mapping[str, int]) -> Iterator[str]:
    cold = COLD.get(module, "").split()
    hot = HOT.get(module, "").split()
    for name, words in found.items():
        inside_cold = any(name.startswith(outer + ".") for outer in cold)
        if name in hot and (name in cold or inside_cold):
            yield f"tools/frames.py names {module}.{name} as hot and as cold"
        elif words > LIMIT and name not in cold and not inside_cold:
            hint = "" if name in hot else " (or, if it is called rarely, name it in COLD)"
            yield f"{module}.{name} has a frame of {words} words, at most {LIMIT}{hint}"
        elif words <= LIMIT and name in cold:
            yield f"tools/frames.py: {module}.{name} needs {words} words; take it out of COLD"


def problems(library: Path) -> list[str]:
    """What is wrong with the frames of a folder's modules and with the lists above."""
    found = {
        source.stem: frames(source)
        for source in sorted(library.glob("*.py"))
        if source.stem not in _UNCHECKED
    }
    result = [*_unknown(HOT, found), *_unknown(COLD, found)]
    for module, sizes in found.items():
        result += _module_problems(module, sizes)
    return result


def main() -> int:
    """Print the frames of the files that are named; those over the limit are marked."""
    for argument in sys.argv[1:]:
        for function, words in frames(Path(argument)).items():
            mark = "!" if words > LIMIT else " "
            print(f"{words:3}{mark} {Path(argument).stem}.{function}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
