"""What a case of `fuzz_mutate5` must come to, read from MQTT 5.0 and not from the library.

The properties are read by the referee's own tables. Where the standard leaves it open, so does
this: which of 0x81 and 0x82 a broken packet is, and what follows a message longer than the buffer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import strict5_properties as properties
from fuzz_oracle import length_of
from strict_base import Reader, Violation

PARSED, PROTOCOL, REASON = "parsed", "ProtocolError", "ReasonError"
ANY: frozenset[int] = frozenset()  # reason codes of our DISCONNECT: whichever
BROKEN = frozenset((0x81, 0x82))
TOO_MANY, NO_ALIAS, TOO_LARGE = (frozenset((code,)) for code in (0x93, 0x94, 0x95))
PUBLISH = BROKEN | NO_ALIAS | TOO_MANY  # of a PUBLISH with more than one mistake
PUBLISHED = b"\x00\x10\x80\x83\x87\x90\x91\x97\x99"
RELEASED = b"\x00\x92"
GRANTED = b"\x00\x01\x02\x80\x83\x87\x8f\x91\x97\x9e\xa1\xa2"
ENDED = b"\x00\x11\x80\x83\x87\x8f\x91"
CLOSED = (
    b"\x00\x80\x81\x82\x83\x87\x89\x8b\x8d\x8e\x8f\x90\x93\x94\x95\x96\x97\x98\x99\x9a\x9b\x9c"
    b"\x9d\x9e\x9f\xa0\xa1\xa2"
)
REFUSED = b"\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8c\x90\x95\x97\x99\x9a\x9b\x9c\x9d\x9f"
SUBSCRIBED, UNSUBSCRIBED = 3, 4  # ids of the two requests that a case has under way


@dataclass
class Expected:
    """The outcome, None where it is left open; the messages; the answers, None where open."""

    outcome: str | None = PARSED
    codes: frozenset[int] = ANY
    messages: list[tuple[Any, ...]] = field(default_factory=list)
    replies: bytes | None = b""


class End(Exception):
    """The connection ends here, with this outcome (None: any)."""

    def __init__(self, outcome: str | None = PROTOCOL, codes: frozenset[int] = BROKEN) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.codes = codes


class Peer:
    """The other side of a case, packet by packet."""

    def __init__(self, case: Any) -> None:
        announced = case.options["properties"]
        self.result = Expected()
        self._data: bytes = case.data
        self._rx_size: int = case.sizes[1]
        self._largest: int | None = announced["maximum_packet_size"]
        self._aliases: int = announced["topic_alias_maximum"]
        self._most: int = announced["receive_maximum"]
        self._clean: bool = case.options["clean_start"]
        self._check_text: bool = case.options["check_payload_format"]
        self._connected = not case.before
        self._topics: dict[int, str] = {}
        self._kept: set[int] = set()  # QoS 2 messages that were received
        self._unacknowledged = 0  # no answer is written before the case is over …
        self._refused = 0  # … of those a PUBREC that refuses may count before it is written
        self._ours = {} if case.before else {1: 0x40, 2: 0x50}  # id: awaited
        self._asked = set() if case.before else {SUBSCRIBED, UNSUBSCRIBED}
        self._bodies: dict[int, Callable[[Reader], None]] = {
            0x40: lambda r: self._ack(0x40, r),
            0x50: lambda r: self._ack(0x50, r),
            0x62: lambda r: self._ack(0x62, r),
            0x70: lambda r: self._ack(0x70, r),
            0x90: self._suback,
            0xB0: self._unsuback,
            0xD0: lambda _: None,
            0xE0: self._disconnect,
        }

    def read(self) -> None:
        """The whole stream."""
        at = 0
        while at < len(self._data):
            if not self._connected and self._data[at] != 0x20:
                raise End  # from the first byte [MQTT-3.2.0-1]
            try:
                length = length_of(self._data[at + 1 : at + 5])
            except ValueError as error:
                raise End from error
            if length is None:
                return
            size, digits = length
            end = at + 1 + digits + size
            if end - at > self._rx_size:
                self._long(self._data[at], end)
            if end > len(self._data):
                return
            try:
                self._packet(self._data[at], self._data[at + 1 + digits : end])
            except Violation as violation:
                publish = self._data[at] & 0xF0 == 0x30
                raise End(PROTOCOL, PUBLISH if publish else BROKEN) from violation
            at = end

    def _long(self, first: int, end: int) -> None:
        """A packet that is longer than the RX buffer, which is what may be announced."""
        if self._largest and first & 0xF0 == 0x30 and end <= len(self._data):
            raise End(PROTOCOL, BROKEN | TOO_LARGE)
        raise End(None, ANY)

    def _packet(self, first: int, body: bytes) -> None:
        reader = Reader(body)
        if not self._connected:
            self._connack(reader)
        elif first & 0xF0 == 0x30:
            self._publish(first, reader)
            return
        elif first in self._bodies:
            self._bodies[first](reader)
        else:
            raise End
        if reader.left():
            raise End

    # each packet

    def _connack(self, reader: Reader) -> None:
        if reader.left() == 2:  # of a broker that speaks 3.1.1
            raise End(None, ANY)
        flags, code = reader.byte("flags"), reader.byte("reason code")
        found = properties.read(reader, properties.CONNACK)
        if reader.left() or flags > 1 or (flags and (code or self._clean)):
            raise End
        if code:
            raise End(REASON, ANY) if code in REFUSED else End
        if flags:
            raise End(PROTOCOL, ANY)  # a session that this client does not have [MQTT-3.2.2-4]
        if "authentication_method" in found:
            raise End
        self._connected = True

    def _publish(self, first: int, reader: Reader) -> None:
        qos, dup = first >> 1 & 3, bool(first & 8)
        if qos == 3 or (dup and not qos):
            raise End
        topic = reader.text("topic")
        packet_id = reader.packet_id() if qos else 0
        found = properties.read(reader, properties.PUBLISH)
        if "+" in topic or "#" in topic:
            raise End(PROTOCOL, PUBLISH)
        topic = self._named(topic, found)
        payload = reader.take(reader.left(), "payload")
        new = qos == 1 or (qos == 2 and packet_id not in self._kept)
        if new:
            self._unacknowledged += 1
            if self._unacknowledged > self._most + self._refused:
                raise End(PROTOCOL, TOO_MANY)
            if self._unacknowledged > self._most:
                raise End(None, ANY)
        if self._check_text and found.get("payload_format_indicator") and not is_text(payload):
            self._not_text(qos, packet_id)
            return
        if new or not qos:
            message = (topic, payload, qos, bool(first & 1), dup, packet_id, found)
            self.result.messages.append(message)
        if qos:
            self._reply(0x40 if qos == 1 else 0x50, packet_id)
        if qos == 2:
            self._kept.add(packet_id)

    def _named(self, topic: str, found: dict[str, Any]) -> str:
        """The topic, which may be known by its alias."""
        alias = found.get("topic_alias", 0)
        if alias > self._aliases:
            raise End(PROTOCOL, NO_ALIAS)
        if alias and topic:
            self._topics[alias] = topic
        topic = topic or self._topics.get(alias, "")
        if not topic:
            raise End(PROTOCOL, BROKEN | NO_ALIAS)
        return topic

    def _not_text(self, qos: int, packet_id: int) -> None:
        """Refused: it says that it is text (4.13.1); one that was received before was not."""
        if qos:
            self._reply(0x40 if qos == 1 else 0x50, packet_id, 0x99)
        self._refused += qos == 2

    def _ack(self, first: int, reader: Reader) -> None:
        packet_id = reader.packet_id()
        code = reader.byte("reason code") if reader.left() else 0
        if code not in (RELEASED if first & 0x20 else PUBLISHED):
            raise End
        if reader.left():
            properties.read(reader, first >> 4)
        if reader.left():
            raise End
        if first == 0x62:
            self._reply(0x70, packet_id, 0 if packet_id in self._kept else 0x92)
            self._kept.discard(packet_id)
        elif first == 0x50:
            self._pubrec(packet_id, code)
        elif self._ours.get(packet_id) == first and (first == 0x40 or first == 0x70):
            del self._ours[packet_id]

    def _pubrec(self, packet_id: int, code: int) -> None:
        awaited = self._ours.get(packet_id)
        if code >= 0x80:  # no PUBREL follows
            if awaited == 0x50:
                del self._ours[packet_id]
        elif awaited in (0x50, 0x70):
            self._ours[packet_id] = 0x70
            self._reply(0x62, packet_id)
        elif awaited is None and packet_id not in self._asked:
            self._reply(0x62, packet_id, 0x92)

    def _reply(self, first: int, packet_id: int, code: int = 0) -> None:
        """What the client answers: a reason code of 0 is left out."""
        if self.result.replies is not None:
            more = bytes((code,)) if code else b""
            head = bytes((first, 2 + len(more)))
            self.result.replies += head + packet_id.to_bytes(2, "big") + more

    def _suback(self, reader: Reader) -> None:
        packet_id, codes = self._answer(reader, properties.SUBACK)
        if any(code not in GRANTED for code in codes):
            raise End
        self._answered(packet_id, SUBSCRIBED, codes, 2)

    def _unsuback(self, reader: Reader) -> None:
        packet_id, codes = self._answer(reader, properties.UNSUBACK)
        good = all(code in ENDED for code in codes)
        if not good and packet_id == UNSUBSCRIBED and packet_id in self._asked:
            raise End
        if not good:
            raise End(None, ANY)  # answers nothing
        self._answered(packet_id, UNSUBSCRIBED, codes, 1)

    @staticmethod
    def _answer(reader: Reader, place: int) -> tuple[int, bytes]:
        packet_id = reader.packet_id()
        properties.read(reader, place)
        return packet_id, reader.take(reader.left(), "reason codes")

    def _answered(self, packet_id: int, mine: int, codes: bytes, count: int) -> None:
        if packet_id == mine and packet_id in self._asked:
            if len(codes) != count:
                raise End
            self._asked.discard(packet_id)
        elif not codes:
            raise End(None, ANY)

    def _disconnect(self, reader: Reader) -> None:
        code = reader.byte("reason code") if reader.left() else 0
        found = properties.read(reader, properties.DISCONNECT) if reader.left() else {}
        if reader.left() or code not in CLOSED or "session_expiry_interval" in found:
            raise End
        raise End(REASON, ANY)


def is_text(payload: bytes) -> bool:
    """Whether it is UTF-8."""
    try:
        payload.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def expected(case: Any) -> Expected:
    """What a case must come to."""
    peer = Peer(case)
    try:
        peer.read()
    except End as end:
        peer.result.outcome = end.outcome
        peer.result.codes = end.codes
        peer.result.replies = None
    return peer.result
