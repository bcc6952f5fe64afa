"""A received PUBLISH of MQTT 5: properties, topic aliases, and what the broker may send."""

from micropython import const

from .packet import Message, check_topic, length_size
from .properties import (
    block_start,
    check_properties,
    decode_properties,
    find_property,
    read_variable,
    wrong,
)
from .topic import may_follow, valid_utf8

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import Any

_WHERE = const(3)
_IS_TEXT = const(0x01)  # Payload Format Indicator
_IDENTIFIER = const(0x0B)
_ALIAS = const(0x23)
_MALFORMED = const(0x81)
_ALIAS_INVALID = const(0x94)
_TOO_LARGE = const(0x95)
_decode = Message.decode
_NONE: "dict[str, Any]" = {}


class Message5(Message):
    """A received PUBLISH with properties, borrowed as `Message` is."""

    shortest = 0

    def __init__(self, reader: "Reader | None" = None) -> None:
        super().__init__()
        self.reader: Any = reader
        self.invalid = False
        self.identified = False  # it carries Subscription Identifiers
        self._block_buf: bytes | bytearray = b"\0"
        self._block = self._block_end = 0

    def decode(self, buf: bytearray, i: int, end: int, header: int) -> None:
        """Read a PUBLISH, as `Message.decode` does; a topic alias gives what it stands for."""
        if end - i > self.reader.most:
            raise wrong("PUBLISH is longer than maximum_packet_size", _TOO_LARGE)
        _decode(self, buf, i, end, header)  # super() would need a larger frame
        self.invalid = self.identified = False
        i = self.start
        if i < end and i < len(buf) and not buf[i]:
            self.start = self._block_end = i + 1  # there are none
            self._block = i
        else:
            self.reader.read(self, buf, end)
        self.total = end - self.start
        if self.topic_end == self.topic_start:
            raise wrong("PUBLISH without a topic or a topic alias")

    @property
    def properties(self) -> "dict[str, Any]":
        """A dict made from them when it is read; without properties nothing is made."""
        if self._block_end - self._block < 2:
            return _NONE
        return decode_properties(_WHERE, self._block_buf, self._block, self._block_end)

    def carries(self, identifier: int) -> bool:
        """Tell whether it has this Subscription Identifier; takes nothing from the heap."""
        buf = self._block_buf
        i = find_property(buf, self._content(), self._block_end, _IDENTIFIER)
        while i >= 0:
            n = read_variable(buf, i)
            if n == identifier:
                return True
            i = find_property(buf, i + length_size(n), self._block_end, _IDENTIFIER)
        return False

    def _content(self) -> int:
        return block_start(self._block_buf, self._block, self._block_end)

    def take_block(self, buf: bytes | bytearray, i: int, end: int) -> None:
        """Note where the properties are, which were checked."""
        self._block_buf = buf
        self._block = i
        self._block_end = end

    def keep_more(self, kept: Message) -> None:
        """Copy the properties to a message that is kept."""
        if isinstance(kept, Message5):
            n = self._block_end - self._block
            kept.take_block(bytes(self._block_buf[self._block : self._block_end]), 0, n)


class Reader:
    """Reads the properties of a session's messages, and knows the connection's topic aliases.

    `alias_maximum` is what CONNECT has announced, `most` the longest Remaining Length.
    """

    def __init__(self, check_payload_format: bool) -> None:
        self.alias_maximum = self.most = 0
        self._check = check_payload_format
        self._topics: dict[int, bytes] = {}

    def begin(self) -> None:
        """A connection begins: no alias is known on it [MQTT-3.3.2-7]."""
        self._topics.clear()

    def announce(self, largest: int) -> None:
        """Note the maximum packet size that CONNECT announces; 0: none."""
        self.most = largest - 2 if largest else 268435455  # Remaining Length
        while largest and self.most + 1 + length_size(self.most) > largest:
            self.most -= 1

    def read(self, m: Message5, buf: bytearray, end: int) -> None:
        """Read the properties at `m.start`, up to the payload."""
        i = m.start
        m.start = check_properties(_WHERE, buf, i, min(end, len(buf)))
        m.take_block(buf, i, m.start)
        i = block_start(buf, i, m.start)
        at = find_property(buf, i, m.start, _ALIAS)
        if at >= 0:
            self._resolve(m, buf[at] << 8 | buf[at + 1])
        m.identified = find_property(buf, i, m.start, _IDENTIFIER) >= 0
        at = find_property(buf, i, m.start, _IS_TEXT) if self._check else -1
        m.invalid = at >= 0 and buf[at] == 1 and not _is_text(buf, m.start, end)
        if m.identified or m.invalid:  # its filters do not look at the topic
            check_topic(m)

    def _resolve(self, m: Message5, alias: int) -> None:
        """Keep the topic that an alias is given with, or take the one that it was given."""
        if alias > self.alias_maximum:
            raise wrong("topic alias above our maximum", _ALIAS_INVALID)
        topic = self._topics.get(alias, b"")
        if m.topic_end > m.topic_start:
            if not m.topic_is(topic):
                check_topic(m)
                self._topics[alias] = bytes(m.topic_buf[m.topic_start : m.topic_end])
        else:
            m.topic_buf = topic  # type: ignore[assignment]
            m.topic_start = 0
            m.topic_end = len(topic)


def _is_text(buf: bytearray, i: int, end: int) -> bool:
    """Tell whether a payload is UTF-8; of one that goes on beyond the buffer, what is there."""
    if end > len(buf):
        end = _whole(buf, i, len(buf))
    return valid_utf8(buf, i, end)


def _whole(buf: bytearray, i: int, end: int) -> int:
    """Return the end of `buf[i:end]`, or where its last character begins if that is cut."""
    n = end - 1
    while n > i and n > end - 3 and buf[n] & 0xC0 == 0x80:
        n -= 1
    if n < i or not 0xC2 <= buf[n] <= 0xF4 or (n + 1 < end and not may_follow(buf[n], buf[n + 1])):
        return end  # nothing is cut, or what is there is wrong already
    return n if n + 2 + (buf[n] >= 0xE0) + (buf[n] >= 0xF0) > end else end
