"""What the referees of both versions share: fields, the fixed header, topics and filters.

A version says in `CLAUSES` which of its statements each of these rules is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Packet = dict[str, Any]

TYPES = (
    "RESERVED_0", "CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP",
    "SUBSCRIBE", "SUBACK", "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT",
    "AUTH",
)  # fmt: skip
FIXED_FLAGS = {"PUBREL": 2, "SUBSCRIBE": 2, "UNSUBSCRIBE": 2}
CLAUSES = {  # of 3.1.1
    "size": "MQTT-2.2.3",  # a packet is as long as its fields are
    "padded": "MQTT-2.2.3",  # a length takes as few bytes as it can
    "five": "MQTT-2.2.3",  # … and four at most
    "type": "MQTT-2.2.1",
    "flags": "MQTT-2.2.2-1",
    "utf8": "MQTT-1.5.3-1",
    "null": "MQTT-1.5.3-2",
    "id": "MQTT-2.3.1-1",
    "first": "MQTT-3.1.0-1",
    "once": "MQTT-3.1.0-2",
    "last": "MQTT-3.14.4-2",
    "empty": "MQTT-4.7.3-1",
    "wildcard": "MQTT-3.3.2-2",
    "hash": "MQTT-4.7.1-2",
    "plus": "MQTT-4.7.1-3",
}


class Violation(Exception):
    """The client broke a rule: `clause` says which."""

    def __init__(self, clause: str, text: str) -> None:
        super().__init__(f"[{clause}] {text}")
        self.clause = clause


class Reader:
    """The variable header and payload of one packet, read field by field."""

    def __init__(self, data: bytes, clauses: dict[str, str] = CLAUSES) -> None:
        self.data = data
        self.at = 0
        self.clauses = clauses

    def left(self) -> int:
        """How many bytes are still to be read."""
        return len(self.data) - self.at

    def take(self, count: int, what: str) -> bytes:
        """The next `count` bytes."""
        if self.left() < count:
            raise Violation(self.clauses["size"], f"the packet ends inside its {what}")
        self.at += count
        return self.data[self.at - count : self.at]

    def byte(self, what: str) -> int:
        """An octet."""
        return self.take(1, what)[0]

    def number(self, what: str) -> int:
        """Two bytes, big-endian."""
        return int.from_bytes(self.take(2, what), "big")

    def binary(self, what: str) -> bytes:
        """Bytes behind a length of two bytes."""
        return self.take(self.number(what), what)

    def text(self, what: str) -> str:
        """UTF-8 behind a length of two bytes."""
        raw = self.binary(what)
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Violation(self.clauses["utf8"], f"{what} is not UTF-8: {raw!r}") from error
        if "\0" in text:
            raise Violation(self.clauses["null"], f"{what} contains U+0000")
        return text

    def packet_id(self) -> int:
        """A packet identifier."""
        packet_id = self.number("packet identifier")
        if packet_id == 0:
            raise Violation(self.clauses["id"], "packet identifier 0")
        return packet_id


class Stream:
    """Cuts the bytes of one connection into packets; a subclass reads what is in them."""

    level = 0
    clauses = CLAUSES
    from_client: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.pending = bytearray()
        self.total = 0
        self._seen_connect = False
        self._seen_disconnect = False
        self._body: dict[str, Callable[[Reader, int], Packet]] = {}

    def feed(self, data: bytes) -> list[Packet]:
        """The packets that `data` completes; what remains waits in `pending`."""
        if data and self._seen_disconnect:
            raise Violation(self.clauses["last"], f"bytes after DISCONNECT: {data.hex(' ')}")
        self.total += len(data)
        self.pending += data
        packets = []
        while (end := self._end()) is not None:
            raw = bytes(self.pending[:end])
            del self.pending[:end]
            packets.append(self.packet(raw))
            if self._seen_disconnect and self.pending:
                rest = self.pending.hex(" ")
                raise Violation(self.clauses["last"], f"bytes after DISCONNECT: {rest}")
        return packets

    def _end(self) -> int | None:
        """Where the first packet of `pending` ends; None when it is not whole yet."""
        size = 0
        for index in range(1, 5):
            if index >= len(self.pending):
                return None
            size |= (self.pending[index] & 0x7F) << 7 * (index - 1)
            if not self.pending[index] & 0x80:
                if index > 1 and self.pending[index] == 0:
                    raise Violation(self.clauses["padded"], "remaining length is padded")
                end = 1 + index + size
                return end if len(self.pending) >= end else None
        raise Violation(self.clauses["five"], "remaining length of more than four bytes")

    def packet(self, raw: bytes) -> Packet:
        """One whole packet as a dict of its fields."""
        name, flags = TYPES[raw[0] >> 4], raw[0] & 15
        if name not in self.from_client:
            raise Violation(self.clauses["type"], f"a client does not send {raw.hex(' ')}")
        if name != "PUBLISH" and flags != FIXED_FLAGS.get(name, 0):
            clause = self.clauses.get(f"{name} flags", self.clauses["flags"])
            raise Violation(clause, f"{name} with flags {flags:04b}")
        self._check_order(name)
        start = next(index for index in range(1, 5) if not raw[index] & 0x80) + 1
        reader = Reader(raw[start:], self.clauses)
        fields = self._body[name](reader, flags)
        if reader.left():
            text = f"{name} has {reader.left()} bytes too many"
            raise Violation(self.clauses["size"], text)
        return {"type": name, "raw": raw, **fields}

    def _check_order(self, name: str) -> None:
        if name == "CONNECT" and self._seen_connect:
            raise Violation(self.clauses["once"], "a second CONNECT on one connection")
        if name != "CONNECT" and not self._seen_connect:
            raise Violation(self.clauses["first"], f"{name} before CONNECT")
        self._seen_connect = True
        self._seen_disconnect = name == "DISCONNECT"


def check_topic(topic: str, what: str, clauses: dict[str, str] = CLAUSES) -> None:
    """A topic name: not empty, no wildcards."""
    if not topic:
        raise Violation(clauses["empty"], f"empty {what}")
    if "+" in topic or "#" in topic:
        raise Violation(clauses["wildcard"], f"wildcard in the {what} {topic!r}")


def check_filter(topic_filter: str, clauses: dict[str, str] = CLAUSES) -> None:
    """A topic filter: not empty, wildcards only where they may stand."""
    if not topic_filter:
        raise Violation(clauses["empty"], "empty topic filter")
    levels = topic_filter.split("/")
    for index, level in enumerate(levels):
        if "#" in level and (level != "#" or index != len(levels) - 1):
            raise Violation(clauses["hash"], f"# misplaced in {topic_filter!r}")
        if "+" in level and level != "+":
            raise Violation(clauses["plus"], f"+ misplaced in {topic_filter!r}")


def remaining_length(size: int) -> bytes:
    """The length field of a fixed header (3.1.1: 2.2.3), a variable byte integer."""
    out = bytearray()
    while True:
        size, digit = size >> 7, size & 0x7F
        out.append(digit | (0x80 if size else 0))
        if not size:
            return bytes(out)


def frame(first: int, body: bytes) -> bytes:
    """A fixed header and what it announces."""
    return bytes([first]) + remaining_length(len(body)) + body


def u16(number: int) -> bytes:
    """Two bytes, big-endian."""
    return number.to_bytes(2, "big")
