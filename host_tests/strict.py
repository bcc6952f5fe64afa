"""A strict reader of what an MQTT 3.1.1 client sends, and a writer of what a broker sends.

Written from the specification and from nothing else, so that it can referee the library.
`Parser` cuts a stream into packets and raises `Violation` at the first byte that a client
may not send. `Flow` follows packet identifiers over a session and over its connections.
"""

from __future__ import annotations

from strict_base import (
    FIXED_FLAGS,
    TYPES,
    Packet,
    Reader,
    Stream,
    Violation,
    check_filter,
    check_topic,
    frame,
    remaining_length,
    u16,
)

__all__ = ("Flow", "Packet", "Parser", "Violation", "build", "frame", "remaining_length")

ACKS = ("PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "UNSUBACK")


class Parser(Stream):
    """The packets of one connection, in order."""

    level = 4
    from_client = frozenset(
        ("CONNECT", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBSCRIBE")
        + ("UNSUBSCRIBE", "PINGREQ", "DISCONNECT")
    )

    def __init__(self) -> None:
        super().__init__()
        self._body = {
            "CONNECT": self.connect,
            "PUBLISH": self.publish,
            **dict.fromkeys(("PUBACK", "PUBREC", "PUBREL", "PUBCOMP"), self.ack),
            "SUBSCRIBE": self.subscribe,
            "UNSUBSCRIBE": self.unsubscribe,
            "PINGREQ": self.empty,
            "DISCONNECT": self.empty,
        }

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
        packet_id = u16(fields["packet_id"]) if fields.get("qos", 0) else b""
        return u16(len(raw)) + raw + packet_id + bytes(fields.get("payload", b""))
    if name == "SUBACK":
        return u16(fields["packet_id"]) + bytes(fields["codes"])
    if name in ACKS:
        return u16(fields["packet_id"])
    if name == "PINGRESP":
        return b""
    raise ValueError(f"a broker does not send {name}")
