"""A strict reader of what an MQTT 3.1.1 client sends, and a writer of what a broker sends.

Written from the specification and from nothing else, so that it can referee the library.
`Parser` cuts a stream into packets and raises `Violation` at the first byte that a client
may not send. `Flow` follows packet identifiers over a session and over its connections.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Packet = dict[str, Any]

TYPES = (
    "RESERVED_0", "CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP",
    "SUBSCRIBE", "SUBACK", "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT",
    "RESERVED_15",
)  # fmt: skip
FROM_CLIENT = {
    "CONNECT", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBSCRIBE", "UNSUBSCRIBE",
    "PINGREQ", "DISCONNECT",
}  # fmt: skip
FIXED_FLAGS = {"PUBREL": 2, "SUBSCRIBE": 2, "UNSUBSCRIBE": 2}
ACKS = ("PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "UNSUBACK")


class Violation(Exception):
    """The client broke a rule: `clause` says which."""

    def __init__(self, clause: str, text: str) -> None:
        super().__init__(f"[{clause}] {text}")
        self.clause = clause


class Reader:
    """The variable header and payload of one packet, read field by field."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def left(self) -> int:
        """How many bytes are still to be read."""
        return len(self.data) - self.at

    def take(self, count: int, what: str) -> bytes:
        """The next `count` bytes."""
        if self.left() < count:
            raise Violation("MQTT-2.2.3", f"the packet ends inside its {what}")
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
            raise Violation("MQTT-1.5.3-1", f"{what} is not UTF-8: {raw!r}") from error
        if "\0" in text:
            raise Violation("MQTT-1.5.3-2", f"{what} contains U+0000")
        return text

    def packet_id(self) -> int:
        """A packet identifier."""
        packet_id = self.number("packet identifier")
        if packet_id == 0:
            raise Violation("MQTT-2.3.1-1", "packet identifier 0")
        return packet_id


class Parser:
    """The packets of one connection, in order; a subclass may read another version."""

    level = 4

    def __init__(self) -> None:
        self.pending = bytearray()
        self.total = 0
        self._seen_connect = False
        self._seen_disconnect = False
        self._body: dict[str, Callable[[Reader, int], Packet]] = {
            "CONNECT": self.connect,
            "PUBLISH": self.publish,
            "SUBSCRIBE": self.subscribe,
            "UNSUBSCRIBE": self.unsubscribe,
            "PINGREQ": self.empty,
            "DISCONNECT": self.empty,
        }

    def feed(self, data: bytes) -> list[Packet]:
        """The packets that `data` completes; what remains waits in `pending`."""
        if data and self._seen_disconnect:
            raise Violation("MQTT-3.14.4-2", f"bytes after DISCONNECT: {data.hex(' ')}")
        self.total += len(data)
        self.pending += data
        packets = []
        while (end := self._end()) is not None:
            raw = bytes(self.pending[:end])
            del self.pending[:end]
            packets.append(self.packet(raw))
            if self._seen_disconnect and self.pending:
                rest = self.pending.hex(" ")
                raise Violation("MQTT-3.14.4-2", f"bytes after DISCONNECT: {rest}")
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
                    raise Violation("MQTT-2.2.3", "remaining length is padded")
                end = 1 + index + size
                return end if len(self.pending) >= end else None
        raise Violation("MQTT-2.2.3", "remaining length of more than four bytes")

    def packet(self, raw: bytes) -> Packet:
        """One whole packet as a dict of its fields."""
        name, flags = TYPES[raw[0] >> 4], raw[0] & 15
        if name not in FROM_CLIENT:
            raise Violation("MQTT-2.2.1", f"a client does not send {name}: {raw.hex(' ')}")
        if name != "PUBLISH" and flags != FIXED_FLAGS.get(name, 0):
            raise Violation("MQTT-2.2.2-1", f"{name} with flags {flags:04b}")
        self._check_order(name)
        start = next(index for index in range(1, 5) if not raw[index] & 0x80) + 1
        reader = Reader(raw[start:])
        fields = self._body.get(name, self.ack)(reader, flags)
        if reader.left():
            raise Violation("MQTT-2.2.3", f"{name} has {reader.left()} bytes too many")
        return {"type": name, "raw": raw, **fields}

    def _check_order(self, name: str) -> None:
        if name == "CONNECT" and self._seen_connect:
            raise Violation("MQTT-3.1.0-2", "a second CONNECT on one connection")
        if name != "CONNECT" and not self._seen_connect:
            raise Violation("MQTT-3.1.0-1", f"{name} before CONNECT")
        self._seen_connect = True
        self._seen_disconnect = name == "DISCONNECT"

    # ---------------------------------------------------------------- packets

    def connect(self, reader: Reader, _flags: int) -> Packet:
        """CONNECT (3.1)."""
        if reader.binary("protocol name") != b"MQTT":
            raise Violation("MQTT-3.1.2-1", "protocol name is not MQTT")
        level = reader.byte("protocol level")
        if level != self.level:
            raise Violation("MQTT-3.1.2-2", f"protocol level {level}")
        flags = reader.byte("connect flags")
        self.check_connect_flags(flags)
        fields: Packet = {
            "clean_session": bool(flags & 2),
            "keep_alive": reader.number("keep alive"),
            "client_id": reader.text("client identifier"),
            "will": self.will(reader, flags) if flags & 4 else None,
            "username": reader.text("user name") if flags & 0x80 else None,
            "password": reader.binary("password") if flags & 0x40 else None,
        }
        if not fields["client_id"] and not fields["clean_session"]:
            raise Violation("MQTT-3.1.3-7", "empty client identifier without CleanSession")
        return fields

    def check_connect_flags(self, flags: int) -> None:
        """The rules of 3.1.2.3 to 3.1.2.9."""
        rules = (
            (flags & 1, "MQTT-3.1.2-3", "reserved connect flag is set"),
            (not flags & 4 and flags & 0x18, "MQTT-3.1.2-13", "will QoS without a will"),
            (flags & 0x18 == 0x18, "MQTT-3.1.2-14", "will QoS 3"),
            (not flags & 4 and flags & 0x20, "MQTT-3.1.2-15", "will retain without a will"),
            (not flags & 0x80 and flags & 0x40, "MQTT-3.1.2-22", "password, no user name"),
        )
        for broken, clause, text in rules:
            if broken:
                raise Violation(clause, text)

    def will(self, reader: Reader, flags: int) -> tuple[str, bytes, int, bool]:
        """Topic, payload, QoS and retain of the will."""
        topic = reader.text("will topic")
        check_topic(topic, "will topic")
        return topic, reader.binary("will message"), flags >> 3 & 3, bool(flags & 0x20)

    def publish(self, reader: Reader, flags: int) -> Packet:
        """PUBLISH (3.3)."""
        qos, dup = flags >> 1 & 3, bool(flags & 8)
        if qos == 3:
            raise Violation("MQTT-3.3.1-4", "PUBLISH with QoS 3")
        if dup and not qos:
            raise Violation("MQTT-3.3.1-2", "DUP on a PUBLISH of QoS 0")
        topic = reader.text("topic name")
        check_topic(topic, "topic name")
        packet_id = reader.packet_id() if qos else 0
        payload = reader.take(reader.left(), "payload")
        return {"topic": topic, "payload": payload, "qos": qos, "retain": bool(flags & 1),
                "dup": dup, "packet_id": packet_id}  # fmt: skip

    def subscribe(self, reader: Reader, _flags: int) -> Packet:
        """SUBSCRIBE (3.8)."""
        packet_id = reader.packet_id()
        filters = []
        while reader.left():
            topic_filter = reader.text("topic filter")
            check_filter(topic_filter)
            qos = reader.byte("requested QoS")
            if qos > 2:
                raise Violation("MQTT-3.8.3-4", f"requested QoS byte {qos:#x}")
            filters.append((topic_filter, qos))
        if not filters:
            raise Violation("MQTT-3.8.3-3", "SUBSCRIBE without a topic filter")
        return {"packet_id": packet_id, "filters": tuple(filters)}

    def unsubscribe(self, reader: Reader, _flags: int) -> Packet:
        """UNSUBSCRIBE (3.10)."""
        packet_id = reader.packet_id()
        filters = []
        while reader.left():
            filters.append(reader.text("topic filter"))
            check_filter(filters[-1])
        if not filters:
            raise Violation("MQTT-3.10.3-2", "UNSUBSCRIBE without a topic filter")
        return {"packet_id": packet_id, "filters": tuple(filters)}

    def ack(self, reader: Reader, _flags: int) -> Packet:
        """PUBACK, PUBREC, PUBREL and PUBCOMP (3.4 to 3.7)."""
        return {"packet_id": reader.packet_id()}

    def empty(self, _reader: Reader, _flags: int) -> Packet:
        """PINGREQ and DISCONNECT (3.12, 3.14)."""
        return {}


def check_topic(topic: str, what: str) -> None:
    """A topic name: not empty, no wildcards."""
    if not topic:
        raise Violation("MQTT-4.7.3-1", f"empty {what}")
    if "+" in topic or "#" in topic:
        raise Violation("MQTT-3.3.2-2", f"wildcard in the {what} {topic!r}")


def check_filter(topic_filter: str) -> None:
    """A topic filter: not empty, wildcards only where they may stand."""
    if not topic_filter:
        raise Violation("MQTT-4.7.3-1", "empty topic filter")
    levels = topic_filter.split("/")
    for index, level in enumerate(levels):
        if "#" in level and (level != "#" or index != len(levels) - 1):
            raise Violation("MQTT-4.7.1-2", f"# misplaced in {topic_filter!r}")
        if "+" in level and level != "+":
            raise Violation("MQTT-4.7.1-3", f"+ misplaced in {topic_filter!r}")


class Flow:
    """Packet identifiers of one session: none twice, none sent again on a live connection.

    `received` is told each packet of the client, `sent` each one of the broker.
    """

    def __init__(self) -> None:
        self.awaited: dict[int, str] = {}  # id -> the packet type that ends its use
        self.here: set[int] = set()  # ids of PUBLISH packets seen on this connection
        self.released: set[int] = set()  # ids of QoS 2 that got their PUBREC
        self.clean = False
        self.open = False
        self.torn = False  # a connection ended without DISCONNECT: packets may be lost unseen

    def received(self, packet: Packet) -> None:
        """Check a packet of the client against what is in flight."""
        name = packet["type"]
        if name == "CONNECT":
            self.here.clear()
            self.clean = packet["clean_session"]
            self.torn = self.open
            self.open = True
        elif name == "DISCONNECT":
            self.open = False
        elif name == "PUBLISH" and packet["qos"]:
            self._publish(packet)
        elif name in ("SUBSCRIBE", "UNSUBSCRIBE"):
            self._take(packet["packet_id"], "SUBACK" if name == "SUBSCRIBE" else "UNSUBACK")

    def _publish(self, packet: Packet) -> None:
        packet_id = packet["packet_id"]
        until = "PUBACK" if packet["qos"] == 1 else "PUBCOMP"
        if packet["dup"]:
            if packet_id in self.here:
                raise Violation("MQTT-4.4.0-1", f"id {packet_id} sent again on a live link")
            if packet_id not in self.awaited and not self.torn:
                raise Violation("MQTT-3.3.1-1", f"DUP, but id {packet_id} is not in flight")
            if packet_id in self.released:
                raise Violation("MQTT-4.3.3-1", f"PUBLISH {packet_id} again after PUBREC")
            self.awaited.setdefault(packet_id, until)
        else:
            self._take(packet_id, until)
        self.here.add(packet_id)

    def _take(self, packet_id: int, until: str) -> None:
        if packet_id in self.awaited:
            raise Violation("MQTT-2.3.1-2", f"id {packet_id} is used twice at a time")
        self.awaited[packet_id] = until

    def sent(self, name: str, fields: Packet) -> None:
        """Take note of a packet of the broker."""
        packet_id = fields.get("packet_id", 0)
        if name == "CONNACK":
            self._connack(bool(fields.get("session_present")))
        elif name == "PUBREC" and self.awaited.get(packet_id) == "PUBCOMP":
            self.released.add(packet_id)
        elif self.awaited.get(packet_id) == name:
            del self.awaited[packet_id]
            self.here.discard(packet_id)
            self.released.discard(packet_id)

    def _connack(self, session_present: bool) -> None:
        kept = ("PUBACK", "PUBCOMP") if session_present and not self.clean else ()
        self.awaited = {key: name for key, name in self.awaited.items() if name in kept}
        self.released &= set(self.awaited)


# ------------------------------------------------------------ what a broker sends


def remaining_length(size: int) -> bytes:
    """The length field of a fixed header (2.2.3)."""
    out = bytearray()
    while True:
        size, digit = size >> 7, size & 0x7F
        out.append(digit | (0x80 if size else 0))
        if not size:
            return bytes(out)


def frame(first: int, body: bytes) -> bytes:
    """A fixed header and what it announces."""
    return bytes([first]) + remaining_length(len(body)) + body


def _u16(number: int) -> bytes:
    return number.to_bytes(2, "big")


def build(name: str, fields: Packet) -> bytes:
    """A packet from a broker. `flags` overrides the low four bits of the first byte."""
    return frame(TYPES.index(name) << 4 | _flags(name, fields), _body(name, fields))


def _flags(name: str, fields: Packet) -> int:
    usual = FIXED_FLAGS.get(name, 0)
    if name == "PUBLISH":
        dup, retain = bool(fields.get("dup")), bool(fields.get("retain"))
        usual = dup << 3 | fields.get("qos", 0) << 1 | retain
    return int(fields.get("flags", usual))


def _body(name: str, fields: Packet) -> bytes:
    if name == "CONNACK":
        present = int(fields.get("session_present", 0))
        return bytes([present, fields.get("return_code", 0)])
    if name == "PUBLISH":
        topic = fields["topic"]
        raw = topic.encode() if isinstance(topic, str) else topic
        packet_id = _u16(fields["packet_id"]) if fields.get("qos", 0) else b""
        return _u16(len(raw)) + raw + packet_id + bytes(fields.get("payload", b""))
    if name == "SUBACK":
        return _u16(fields["packet_id"]) + bytes(fields["codes"])
    if name in ACKS:
        return _u16(fields["packet_id"])
    if name == "PINGRESP":
        return b""
    raise ValueError(f"a broker does not send {name}")
