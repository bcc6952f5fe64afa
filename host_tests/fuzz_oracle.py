"""What a fuzz case must come to, read from the specification and not from the library.

`expected` reads the stream of a case as a strict client would; `judge` compares that with what the
session did and has the strict parser read every byte that it sent.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import fuzz_target
from fuzz_target import BEFORE, CLEAN, STREAM, Broken
from strict import Parser, Violation, remaining_length
from unit_rig import Rig

OK, PROTOCOL, REASON, LIMIT = fuzz_target.OUTCOMES
ACKS = (0x40, 0x50, 0x62, 0x70)


@dataclass
class Expected:
    """The outcome, None where it is left open; the messages, as far as that is known."""

    outcome: str | None = OK
    messages: list[tuple[str, bytes, int, bool, bool, int]] = field(default_factory=list)


class Refused(Exception):
    """The packet ends the connection, with this outcome (None: any)."""

    def __init__(self, outcome: str | None = PROTOCOL) -> None:
        super().__init__(outcome)
        self.outcome = outcome


def length_of(digits: bytes) -> tuple[int, int] | None:
    """Value and size of a Remaining Length; None when it is not whole; ValueError when broken."""
    value = 0
    for index, digit in enumerate(digits):
        value |= (digit & 127) << 7 * index
        if digit < 128:
            if remaining_length(value) != digits[: index + 1]:
                raise ValueError("padded")
            return value, index + 1
    if len(digits) == 4:
        raise ValueError("more than four bytes")
    return None


class Peer:
    """The other side of a case, packet by packet."""

    def __init__(self, flags: int, read_size: int, rx_size: int) -> None:
        self.result = Expected()
        self._connected = not flags & BEFORE
        self._clean = bool(flags & CLEAN)
        self._read_size = read_size
        self._rx_size = rx_size
        self._kept: set[int] = set()
        self._subscribed = not flags & BEFORE

    def read(self, data: bytes) -> None:
        """The whole stream."""
        at = 0
        while at < len(data):
            if not self._connected and data[at] != 0x20:
                raise Refused  # [MQTT-3.2.0-1], from the first byte
            try:
                length = length_of(data[at + 1 : at + 5])
            except ValueError as error:
                raise Refused from error
            if length is None:
                return
            size, digits = length
            total = 1 + digits + size
            if total > self._rx_size:
                self._long(data[at], total, len(data) - at)
            if at + total > len(data):
                return
            self._packet(data[at], data[at + 1 + digits : at + total])
            at += total

    def _long(self, first: int, total: int, have: int) -> None:
        """A packet that is longer than the RX buffer; it may still lie whole in the window."""
        if first & 0xF0 == 0x30 or total <= self._read_size:
            raise Refused(None)
        if have >= self._rx_size:
            raise Refused(LIMIT)

    def _packet(self, first: int, body: bytes) -> None:
        if not self._connected:
            self._connack(first, body)
        elif first & 0xF0 == 0x30:
            self._publish(first, body)
        elif first in ACKS:
            self._ack(first, body)
        elif first == 0x90:
            self._suback(body)
        elif first == 0xB0:
            if len(body) != 2 or body == b"\0\0":
                raise Refused
        elif first != 0xD0 or body:
            raise Refused

    def _connack(self, first: int, body: bytes) -> None:
        if first != 0x20 or len(body) != 2:
            raise Refused
        if body[1]:
            raise Refused(REASON)
        if body[0] > 1 or (body[0] and self._clean):
            raise Refused
        self._connected = True

    def _publish(self, first: int, body: bytes) -> None:
        qos, dup = first >> 1 & 3, bool(first & 8)
        size = int.from_bytes(body[:2], "big")
        start = 2 + size + (2 if qos else 0)
        topic = body[2 : 2 + size]
        packet_id = int.from_bytes(body[2 + size : start], "big")
        if qos == 3 or (dup and not qos) or not size or start > len(body):
            raise Refused
        if qos and not packet_id:
            raise Refused
        try:
            text = topic.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused from None
        if any(sign in text for sign in "\0+#"):
            raise Refused
        if qos == 2 and packet_id in self._kept:
            return  # sent again
        message = (text, body[start:], qos, bool(first & 1), dup, packet_id)
        self.result.messages.append(message)
        if qos == 2:
            self._kept.add(packet_id)

    def _ack(self, first: int, body: bytes) -> None:
        packet_id = int.from_bytes(body, "big")
        if len(body) != 2 or not packet_id:
            raise Refused
        if first == 0x62:
            self._kept.discard(packet_id)

    def _suback(self, body: bytes) -> None:
        if len(body) < 3 or body[:2] == b"\0\0":
            raise Refused
        if any(code not in (0, 1, 2, 0x80) for code in body[2:]):
            raise Refused  # asked for or not [MQTT-3.9.3-2]
        if self._subscribed and body[:2] == b"\x00\x03":
            self._subscribed = False
            if len(body) != 4:
                raise Refused


def expected(data: bytes) -> Expected:
    """What a case must come to."""
    sizes, flags, _ = fuzz_target.pick(data)
    peer = Peer(flags, *sizes)
    try:
        peer.read(data[2:])
    except Refused as refused:
        peer.result.outcome = refused.outcome
    return peer.result


@functools.cache
def opening(flags: int) -> bytes:
    """All that a session writes before the bytes of a case; for the strict parser."""
    rig = Rig(clean_session=bool(flags & CLEAN))
    rig.session.open()
    return rig.drain()


def judge(data: bytes) -> str:
    """Run a case; its outcome, or `Broken` with what is wrong."""
    result = fuzz_target.run(data)
    wanted = expected(data)
    flags = fuzz_target.pick(data)[1]
    if wanted.outcome is not None:
        if result.outcome != wanted.outcome:
            raise Broken(f"came to {result.outcome}, must be {wanted.outcome}")
        if not flags & STREAM and result.messages != wanted.messages:
            raise Broken(f"handed on {result.messages}, must be {wanted.messages}")
    try:
        parser = Parser()
        parser.feed(opening(flags & CLEAN))
        parser.feed(result.replies)
    except Violation as violation:
        raise Broken(f"sent what a client must not: {violation}") from violation
    if parser.pending and parser.total > len(opening(flags & CLEAN)):
        raise Broken("sent half a packet")
    return str(result.outcome)
