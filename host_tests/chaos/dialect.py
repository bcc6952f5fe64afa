"""What the model of the broker says, as bytes of MQTT 3.1.1 or of 5.0. Runs on both Pythons."""

from unit_rig import ack, frame, id_of, publish

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FIRST = {"PUBACK": 0x40, "PUBREC": 0x50, "PUBREL": 0x62, "PUBCOMP": 0x70, "UNSUBACK": 0xB0}
_CODES = (0, 0x84, 0x85, 0x88, 0x86, 0x87)  # what the return codes of 3.1.1 have become
_NOTE = b"\x26\0\1k\0\1v"  # a user property
_EXPIRY = b"\2\0\0\0\x09"  # Message Expiry Interval
_LARGEST = 268435460
SERVER_SHUTS_DOWN, TAKEN_OVER = 0x8B, 0x8E

_GARBAGE = (
    b"\xf0\0", b"\x60\2\0\1", b"\x40\2\0\0", b"\x36\5\0\1aab", b"\x30\xff\xff\xff\xff\x01",
    b"\x90\2\0\1", b"\x20\2\0\0", b"\x82\1\0", b"\x32\5\0\1a\0\0", b"\x30\x80\0",
)  # fmt: skip
_GARBAGE_5 = (
    b"\x30\7\0\1a\3\x23\0\x09",  # an alias above the maximum
    b"\x30\4\0\0\0x",  # neither a topic nor an alias
    b"\x30\x0e\0\1a\x0a\2\0\0\0\1\2\0\0\0\1",  # a property twice
    b"\x30\6\0\1a\2\x13\1",  # one that belongs elsewhere
    b"\x40\3\0\1\x92",  # a reason code that belongs elsewhere
    b"\x62\5\0\1\0\5\0",  # properties longer than the packet
)


class Dialect4:
    """MQTT 3.1.1."""

    version = 4

    def garbage(self, which: int) -> bytes:
        """A violation."""
        return _GARBAGE[which % len(_GARBAGE)]

    def begin(self, connect: "Any") -> None:
        """A connection begins with this CONNECT."""

    def room(self) -> int:
        """How many messages the client lets be in flight."""
        return 65535

    def connack(self, present: int, code: int) -> "Any":
        """A CONNACK: bytes and fields."""
        fields = {"session_present": present, "return_code": code}
        return bytes((0x20, 2, present, code)), fields

    def ack(self, name: str, fields: "Any") -> bytes:
        """A packet that is little more than an id."""
        return ack(_FIRST[name], fields["packet_id"])

    def suback(self, fields: "Any") -> bytes:
        """A SUBACK."""
        return frame(0x90, id_of(fields["packet_id"]) + bytes(fields["codes"]))

    def publish(self, fields: "Any") -> bytes:
        """A PUBLISH; nothing if the client does not take one that long."""
        return publish(fields["topic"].encode(), fields["payload"], fields["qos"],
                       fields["packet_id"], fields["retain"], fields["dup"])  # fmt: skip

    def farewell(self, code: int) -> bytes:
        """A DISCONNECT; nothing where a broker has none."""
        return b""


class Dialect5(Dialect4):
    """MQTT 5.0.

    `quota` and `aliases` are what CONNACK announces as Receive Maximum and Topic Alias Maximum
    (0: not at all). With `wordy` there are reason codes and properties that say nothing new.
    """

    version = 5

    def __init__(self, quota: int, aliases: int, wordy: bool) -> None:
        self._told: dict[str, int] = {}
        if quota:
            self._told["receive_maximum"] = quota
        if aliases:
            self._told["topic_alias_maximum"] = aliases
        self._wordy = wordy
        self._given: list[str] = []  # topics that have an alias, by its number - 1
        self._own: dict[str, int] = {}  # what CONNECT announced

    def garbage(self, which: int) -> bytes:
        """A violation."""
        return (_GARBAGE + _GARBAGE_5)[which % 16]

    def begin(self, connect: "Any") -> None:
        """No alias is known on a new connection."""
        self._given = []
        self._own = connect["properties"]

    def room(self) -> int:
        """The client's Receive Maximum."""
        return self._own.get("receive_maximum", 65535)

    def connack(self, present: int, code: int) -> "Any":
        """Bytes and fields; refused, there are no properties."""
        code = _CODES[code] if code < 6 else code
        told = {} if code else self._told
        block = b""
        for name, number in (("receive_maximum", 0x21), ("topic_alias_maximum", 0x22)):
            if name in told:
                block += bytes((number,)) + id_of(told[name])
        if self._wordy:
            block += _NOTE
        fields = {"session_present": present, "return_code": code, "properties": told}
        return frame(0x20, bytes((present, code, len(block))) + block), fields

    def ack(self, name: str, fields: "Any") -> bytes:
        """In one of its forms: short, with a reason code, with properties."""
        packet_id, code = fields["packet_id"], fields.get("reason_code", 0)
        if name == "UNSUBACK":
            return frame(_FIRST[name], id_of(packet_id) + b"\0" + b"\x11" * fields["count"])
        rest = bytes((code,)) if code else b""
        if self._wordy and packet_id % 3:
            if name in ("PUBACK", "PUBREC"):
                code = code or 0x10  # nobody has subscribed to it
            rest = bytes((code,)) + (bytes((len(_NOTE),)) + _NOTE if packet_id % 3 == 1 else b"")
        return frame(_FIRST[name], id_of(packet_id) + rest)

    def suback(self, fields: "Any") -> bytes:
        """A SUBACK."""
        return frame(0x90, id_of(fields["packet_id"]) + b"\0" + bytes(fields["codes"]))

    def publish(self, fields: "Any") -> bytes:
        """With an alias as long as there are some; never longer than the client takes."""
        topic = fields["topic"]
        most = self._own.get("topic_alias_maximum", 0)
        alias, known = 0, topic in self._given
        if known or len(self._given) < most:
            alias = self._given.index(topic) + 1 if known else len(self._given) + 1
        data = self._publish(fields, b"" if known else topic.encode(), alias)
        if len(data) > self._own.get("maximum_packet_size", _LARGEST):
            return b""
        if alias and not known:
            self._given.append(topic)
        return data

    def _publish(self, fields: "Any", topic: bytes, alias: int) -> bytes:
        block = b"\x23" + id_of(alias) if alias else b""
        if self._wordy and fields["serial"] % 2:
            block = _EXPIRY + block
        head = id_of(len(topic)) + topic + (id_of(fields["packet_id"]) if fields["qos"] else b"")
        first = 0x30 | fields["dup"] << 3 | fields["qos"] << 1 | fields["retain"]
        return frame(first, head + bytes((len(block),)) + block + fields["payload"])

    def farewell(self, code: int) -> bytes:
        """Why the broker closes."""
        return bytes((0xE0, 1, code))
