"""The outbox of MQTT 5: PUBLISH with properties, within what the broker's CONNACK allows."""

from micropython import const

from .errors import ReasonError
from .ids import Ids
from .outbox import Outbox
from .properties import encode_properties, named
from .topic import valid_utf8

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import Any

    from .packet import Payload

_WHERE = const(3)
_TOO_LARGE = const(0x95)
_NO_RETAIN = const(0x9A)
_NO_QOS = const(0x9B)
_ONCE = const(1)
_NONE = b"\0"  # no properties
_LARGEST = const(268435460)
_publish = Outbox.publish  # super() costs a third more
_once = Outbox.once


def check_text(payload: "Any") -> None:
    """Raise ValueError if a payload that is said to be text is not UTF-8 (3.3.2.3.2)."""
    if not isinstance(payload, str):
        if not isinstance(payload, (bytes, bytearray, memoryview)):
            kind = type(payload).__name__
            raise ValueError("payload_format_indicator=1 needs text in memory, not " + kind)
        data = bytes(payload)
        if not valid_utf8(data, 0, len(data)):
            raise ValueError("payload_format_indicator is 1, but the payload is not UTF-8")


def _block_of(properties: "dict[str, Any]", payload: "Any") -> bytes:
    if "topic_alias" in properties:
        raise ValueError("topic_alias is not for the caller of publish, see topic_aliases")
    if "subscription_identifier" in properties:
        raise ValueError("subscription_identifier is for subscribe, as identifier=")
    if properties.get("payload_format_indicator"):
        check_text(payload)
    return encode_properties(_WHERE, properties)


class Outbox5(Outbox):
    """Records whose PUBLISH has properties; their topic is always whole, never an alias.

    The limits are those of the last CONNACK.
    """

    def __init__(self, size: int, maximum_packet_size: int, ids: Ids) -> None:
        super().__init__(size, maximum_packet_size, ids)
        self.ours = maximum_packet_size
        self.aliased = False  # topic aliases are used
        self.maximum_qos = 2
        self.retain_available = 1

    def limit(self, connack: "dict[str, Any]") -> None:
        """Keep to what the broker takes (3.2.2.3.4 to 3.2.2.3.6)."""
        self._once_n = -1
        self.maximum_packet_size = min(self.ours, connack.get("maximum_packet_size", _LARGEST))
        self.maximum_qos = connack.get("maximum_qos", 2)
        self.retain_available = connack.get("retain_available", 1)

    def publish(self, topic: "Any", payload: "Payload", flags: int) -> int:
        """Queue a PUBLISH, as `Outbox.publish`; `topic` may be a pair of topic and properties.

        ReasonError: the broker does not support the QoS or RETAIN, or takes no packet so long.
        """
        return _publish(self, self._prepare(topic, payload, flags), payload, flags)

    def once(self, topic: "Any", payload: "Payload", flags: int) -> int:
        """Do as `Outbox.once`; an alias needs a record of its own."""
        if self.aliased:
            return 0
        return _once(self, self._prepare(topic, payload, flags), payload, flags)

    def _prepare(self, topic: "Any", payload: "Payload", flags: int) -> "Any":
        """Take the properties from a described topic, and return it without."""
        if self._block is not _NONE or type(topic) is tuple:
            self._once_n = -1  # the head that is kept has other properties
        self._block = _NONE
        if type(topic) is tuple and len(topic) == 2 and isinstance(topic[1], dict):
            self._block = _block_of(topic[1], payload)
            topic = topic[0]
        self._head_n = self._topic_n + len(self._block)
        if flags >> 1 > self.maximum_qos or flags & 1 > self.retain_available:
            raise ReasonError(self._unfit(flags, 0), "", {})
        return topic

    def describe(self, topic: "Any", properties: "dict[str, Any]") -> "Any":
        """Return the pair that `publish` takes."""
        return topic, named(properties)

    def _unfit(self, flags: int, size: int) -> int:
        """Return the reason code with which the broker would refuse; 0 if it would not."""
        if flags >> 1 & 3 > self.maximum_qos:
            return _NO_QOS
        if flags & 1 > self.retain_available:
            return _NO_RETAIN
        return _TOO_LARGE if size > self.maximum_packet_size else 0

    def _too_long(self, size: int) -> Exception:
        if size > self.ours:
            return super()._too_long(size)
        about = "%d bytes, the broker takes %d" % (size, self.maximum_packet_size)
        return ReasonError(_TOO_LARGE, about, {})

    def unfit(self) -> "list[tuple[int, int]]":
        """Free the records that the broker would refuse; return (packet id, reason code) of each.

        They were queued before its limits were known.
        """
        found = []
        p = self.head
        while p != self.tail:
            size = self.length(p) + len(self.lent.get(p, b""))
            code = self._unfit(self.buf[p + 6] & 7, size) if self.buf[p + 3] else 0
            if code:
                found.append((p, code))
            p = self.after(p)
        given_up = [(self.buf[p + 4] << 8 | self.buf[p + 5], code) for p, code in found]
        for p, _ in found:  # not before: to free one may move head and wrap
            if self.buf[p + 3] == _ONCE:
                self.sent(p)
            else:
                self.free(p)
        return given_up
