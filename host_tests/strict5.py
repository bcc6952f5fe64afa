"""A strict reader of what an MQTT 5.0 client sends, and a writer of what a broker sends.

Written from the OASIS standard and from nothing else, so that it can referee the library. The
rules over more than one packet are in `strict5_flow`.
"""

from __future__ import annotations

from typing import Any

import strict5_properties as properties
from strict_base import (
    CLAUSES,
    FIXED_FLAGS,
    TYPES,
    Packet,
    Reader,
    Stream,
    Violation,
    check_filter,
    check_topic,
    frame,
    u16,
)

__all__ = ("ACCEPTED", "CLAUSES5", "Packet", "Parser", "Violation", "build", "frame")

CLAUSES5 = {
    **CLAUSES,
    "size": "2.1.4",
    "padded": "MQTT-1.5.5-1",
    "five": "U5-1",
    "type": "2.1.2",
    "flags": "MQTT-2.1.3-1",
    "PUBREL flags": "MQTT-3.6.1-1",
    "SUBSCRIBE flags": "MQTT-3.8.1-1",
    "UNSUBSCRIBE flags": "MQTT-3.10.1-1",
    "DISCONNECT flags": "MQTT-3.14.1-1",
    "AUTH flags": "MQTT-3.15.1-1",
    "utf8": "MQTT-1.5.4-1",
    "null": "MQTT-1.5.4-2",
    "id": "MQTT-2.2.1-3",
    "last": "MQTT-3.14.4-1",
    "hash": "MQTT-4.7.1-1",
    "plus": "MQTT-4.7.1-2",
}
# What a client may say, and which statement it breaks by anything else.
CODES: dict[str, tuple[str, frozenset[int]]] = {
    "PUBACK": (
        "MQTT-3.4.2-1",
        frozenset((0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99)),
    ),
    "PUBREC": (
        "MQTT-3.5.2-1",
        frozenset((0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99)),
    ),
    "PUBREL": ("MQTT-3.6.2-1", frozenset((0, 0x92))),
    "PUBCOMP": ("MQTT-3.7.2-1", frozenset((0, 0x92))),
    "DISCONNECT": (
        "MQTT-3.14.2-1",
        frozenset((0, 4, 0x80, 0x81, 0x82, 0x83, 0x90, *range(0x93, 0x9A))),
    ),
    "AUTH": ("MQTT-3.15.2-1", frozenset((0x18, 0x19))),
}
# What a broker may say.
ACCEPTED: dict[str, frozenset[int]] = {
    "CONNACK": frozenset(
        (0, *range(0x80, 0x8B), 0x8C, 0x90, 0x95, 0x97, *range(0x99, 0x9E), 0x9F)
    ),
    "PUBACK": CODES["PUBACK"][1],
    "PUBREC": CODES["PUBREC"][1],
    "PUBREL": CODES["PUBREL"][1],
    "PUBCOMP": CODES["PUBCOMP"][1],
    "SUBACK": frozenset((0, 1, 2, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2)),
    "UNSUBACK": frozenset((0, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91)),
    "DISCONNECT": frozenset(
        (0, *range(0x80, 0x84), 0x87, 0x89, 0x8B, *range(0x8D, 0x91), *range(0x93, 0xA3))
    ),
    "AUTH": frozenset((0, 0x18)),
}


class Parser(Stream):
    """The packets of one connection, in order."""

    level = 5
    clauses = CLAUSES5
    from_client = frozenset(
        ("CONNECT", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBSCRIBE")
        + ("UNSUBSCRIBE", "PINGREQ", "DISCONNECT", "AUTH")
    )

    def __init__(self) -> None:
        super().__init__()
        self.method: str | None = None
        self.session_expiry = 0
        self._body = {
            "CONNECT": self.connect,
            "PUBLISH": self.publish,
            "PUBACK": lambda reader, _: self.ack(reader, properties.PUBACK),
            "PUBREC": lambda reader, _: self.ack(reader, properties.PUBREC),
            "PUBREL": lambda reader, _: self.ack(reader, properties.PUBREL),
            "PUBCOMP": lambda reader, _: self.ack(reader, properties.PUBCOMP),
            "SUBSCRIBE": self.subscribe,
            "UNSUBSCRIBE": self.unsubscribe,
            "PINGREQ": lambda reader, _: {},
            "DISCONNECT": self.disconnect,
            "AUTH": self.auth,
        }

    # ---------------------------------------------------------------- packets

    def connect(self, reader: Reader, _flags: int) -> Packet:
        """CONNECT (3.1)."""
        if reader.binary("protocol name") != b"MQTT":
            raise Violation("MQTT-3.1.2-1", "protocol name is not MQTT")
        level = reader.byte("protocol version")
        if level != self.level:
            raise Violation("MQTT-3.1.2-2", f"protocol version {level}")
        flags = reader.byte("connect flags")
        check_connect_flags(flags)
        keep_alive = reader.number("keep alive")
        own = properties.read(reader, properties.CONNECT)
        self.method = own.get("authentication_method")
        self.session_expiry = own.get("session_expiry_interval", 0)
        client_id = reader.text("client identifier")
        will, will_properties = self.will(reader, flags) if flags & 4 else (None, {})
        return {
            "clean_start": bool(flags & 2),
            "clean_session": bool(flags & 2),  # its name in 3.1.1
            "keep_alive": keep_alive,
            "properties": own,
            "client_id": client_id,
            "will": will,
            "will_properties": will_properties,
            "username": reader.text("user name") if flags & 0x80 else None,
            "password": reader.binary("password") if flags & 0x40 else None,
        }

    def will(self, reader: Reader, flags: int) -> tuple[Any, Packet]:
        """Topic, payload, QoS and retain of the will; its properties."""
        own = properties.read(reader, properties.WILL)
        topic = reader.text("will topic")
        check_topic(topic, "will topic", self.clauses)
        payload = reader.binary("will payload")
        return (topic, payload, flags >> 3 & 3, bool(flags & 0x20)), own

    def publish(self, reader: Reader, flags: int) -> Packet:
        """PUBLISH (3.3)."""
        qos, dup = flags >> 1 & 3, bool(flags & 8)
        if qos == 3:
            raise Violation("MQTT-3.3.1-4", "PUBLISH with QoS 3")
        if dup and not qos:
            raise Violation("MQTT-3.3.1-2", "DUP on a PUBLISH of QoS 0")
        topic = reader.text("topic name")
        packet_id = reader.packet_id() if qos else 0
        own = properties.read(reader, properties.PUBLISH)
        if topic or "topic_alias" not in own:
            check_topic(topic, "topic name", self.clauses)
        if "subscription_identifier" in own:
            raise Violation("MQTT-3.3.4-6", "subscription identifier in a client's PUBLISH")
        payload = reader.take(reader.left(), "payload")
        return {"topic": topic, "payload": payload, "qos": qos, "retain": bool(flags & 1),
                "dup": dup, "packet_id": packet_id, "properties": own}  # fmt: skip

    def ack(self, reader: Reader, place: int) -> Packet:
        """PUBACK, PUBREC, PUBREL and PUBCOMP (3.4 to 3.7)."""
        packet_id = reader.packet_id()
        return {"packet_id": packet_id, **self.reason(reader, place)}

    def reason(self, reader: Reader, place: int) -> Packet:
        """Reason code and properties, which may both be left out."""
        code = reader.byte("reason code") if reader.left() else 0
        clause, codes = CODES[TYPES[place]]
        if code not in codes:
            raise Violation(clause, f"reason code {code:#04x} in {TYPES[place]}")
        own = properties.read(reader, place) if reader.left() else {}
        return {"reason_code": code, "properties": own}

    def subscribe(self, reader: Reader, _flags: int) -> Packet:
        """SUBSCRIBE (3.8)."""
        packet_id = reader.packet_id()
        own = properties.read(reader, properties.SUBSCRIBE)
        filters, options = [], []
        while reader.left():
            topic_filter = reader.text("topic filter")
            check_filter(topic_filter, self.clauses)
            option = reader.byte("subscription options")
            check_options(topic_filter, option)
            filters.append((topic_filter, option & 3))
            options.append(option)
        if not filters:
            raise Violation("MQTT-3.8.3-2", "SUBSCRIBE without a topic filter")
        return {"packet_id": packet_id, "filters": tuple(filters), "options": tuple(options),
                "properties": own}  # fmt: skip

    def unsubscribe(self, reader: Reader, _flags: int) -> Packet:
        """UNSUBSCRIBE (3.10)."""
        packet_id = reader.packet_id()
        own = properties.read(reader, properties.UNSUBSCRIBE)
        filters = []
        while reader.left():
            filters.append(reader.text("topic filter"))
            check_filter(filters[-1], self.clauses)
            check_shared(filters[-1])
        if not filters:
            raise Violation("MQTT-3.10.3-2", "UNSUBSCRIBE without a topic filter")
        return {"packet_id": packet_id, "filters": tuple(filters), "properties": own}

    def disconnect(self, reader: Reader, _flags: int) -> Packet:
        """DISCONNECT (3.14)."""
        fields = self.reason(reader, properties.DISCONNECT)
        if "server_reference" in fields["properties"]:
            raise Violation("U5-2", "a client names no other server")
        if fields["properties"].get("session_expiry_interval") and not self.session_expiry:
            raise Violation("U5-9", "session expiry, although CONNECT had none")
        return fields

    def auth(self, reader: Reader, _flags: int) -> Packet:
        """AUTH (3.15)."""
        if self.method is None:
            raise Violation("MQTT-4.12.0-7", "AUTH without a method in CONNECT")
        fields = self.reason(reader, properties.AUTH)
        method = fields["properties"].get("authentication_method")
        if method != self.method:
            raise Violation("MQTT-4.12.0-5", f"method {method!r}, in CONNECT {self.method!r}")
        return fields


def check_connect_flags(flags: int) -> None:
    """The rules of 3.1.2.3 to 3.1.2.9; there may be a password without a user name."""
    rules = (
        (flags & 1, "MQTT-3.1.2-3", "reserved connect flag is set"),
        (not flags & 4 and flags & 0x18, "MQTT-3.1.2-11", "will QoS without a will"),
        (flags & 0x18 == 0x18, "MQTT-3.1.2-12", "will QoS 3"),
        (not flags & 4 and flags & 0x20, "MQTT-3.1.2-13", "will retain without a will"),
    )
    for broken, clause, text in rules:
        if broken:
            raise Violation(clause, text)


def check_options(topic_filter: str, option: int) -> None:
    """Subscription options (3.8.3.1)."""
    if option & 0xC0 or option & 3 == 3 or option & 0x30 == 0x30:
        raise Violation("MQTT-3.8.3-5", f"subscription options {option:#04x}")
    check_shared(topic_filter)
    if option & 4 and topic_filter.startswith("$share/"):
        raise Violation("MQTT-3.8.3-4", f"No Local with {topic_filter!r}")


def check_shared(topic_filter: str) -> None:
    """What begins with $share/ has a group and a filter (4.8.2)."""
    if not topic_filter.startswith("$share/"):
        return
    parts = topic_filter.split("/", 2)
    if not parts[1]:
        raise Violation("MQTT-4.8.2-1", f"shared filter without a group: {topic_filter!r}")
    if "+" in parts[1] or "#" in parts[1] or len(parts) < 3 or not parts[2]:
        raise Violation("MQTT-4.8.2-2", f"shared filter {topic_filter!r}")


# ------------------------------------------------------------ what a broker sends

_CODED = ("PUBACK", "PUBREC", "PUBREL", "PUBCOMP")


def build(name: str, fields: Packet) -> bytes:
    """A packet from a broker. `flags` overrides the low four bits of the first byte.

    `properties` is what `strict5_properties.write` takes. Acks, DISCONNECT and AUTH without a
    `reason_code` and properties are written in their short form.
    """
    usual = FIXED_FLAGS.get(name, 0)
    if name == "PUBLISH":
        dup, retain = bool(fields.get("dup")), bool(fields.get("retain"))
        usual = dup << 3 | fields.get("qos", 0) << 1 | retain
    first = TYPES.index(name) << 4 | int(fields.get("flags", usual))
    return frame(first, _body(name, fields))


def _body(name: str, fields: Packet) -> bytes:
    own = properties.write(fields.get("properties"))
    if name == "CONNACK":
        code: int = fields.get("reason_code") or fields.get("return_code") or 0
        return bytes([int(fields.get("session_present", 0)), code]) + own
    if name == "PUBLISH":
        topic = fields["topic"]
        raw = topic.encode() if isinstance(topic, str) else topic
        packet_id = u16(fields["packet_id"]) if fields.get("qos", 0) else b""
        return u16(len(raw)) + raw + packet_id + own + bytes(fields.get("payload", b""))
    if name in ("SUBACK", "UNSUBACK"):
        return u16(fields["packet_id"]) + own + bytes(fields["codes"])
    if name in _CODED:
        return u16(fields["packet_id"]) + _reason(fields, own)
    if name in ("DISCONNECT", "AUTH"):
        return _reason(fields, own)
    if name == "PINGRESP":
        return b""
    raise ValueError(f"a broker does not send {name}")


def _reason(fields: Packet, own: bytes) -> bytes:
    if fields.get("properties") is not None:
        return bytes([fields.get("reason_code", 0)]) + own
    return bytes([fields["reason_code"]]) if "reason_code" in fields else b""
