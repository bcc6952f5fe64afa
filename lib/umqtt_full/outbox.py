"""The TX arena: PUBLISH packets, encoded into a ring where they stay until acknowledged.

A payload that does not fit into the ring is not copied: the record holds the packet up to the
payload, and `lent` the payload itself, which the caller must not change until it is acknowledged.
"""

from struct import pack_into

from micropython import const

from .ids import Ids
from .packet import check_range, encode_length, encoded, format_of, is_ascii, length_size, put
from .ring import Ring
from .topic import encode_topic, is_topic

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import Any

    from .packet import Payload

_HEAD = const(6)
_BINARY = (bytes, bytearray, memoryview)  # made once: a tuple in the code is made at every call
_ONCE = const(1)
_PUBACK = const(0x40)


def _kind_error(value: object, what: str) -> ValueError:
    from .wrong import kind_error

    return kind_error(value, what)


class Outbox(Ring):
    """A ring of `size` bytes for packets to send and to send again."""

    def __init__(self, size: int, maximum_packet_size: int, ids: Ids) -> None:
        super().__init__(size)
        self.ids = ids
        self.maximum_packet_size = check_range(
            "maximum_packet_size", maximum_packet_size, 16, 268435460
        )
        self.copies = False  # a handler runs, whose memoryview may be of the RX buffer
        self.store: Any = None  # keeps QoS 1 and 2 messages on flash, if there is one
        self._topic: Any = self  # (none yet) the last topic, as it was given …
        self._topic_bytes: str | bytes = b""  # … and as it is copied
        self._topic_n = self._head_n = 0  # its length; … and that of the properties with it
        self._block = b""  # MQTT 5: properties
        self._lend = False  # the payload is too long to be copied
        self._at = self._end = 0  # the room that is written to
        self.rest: Any = None  # of what `once` has written: a payload too long to be copied
        self._once_n = -1  # … its length, if all but the payload can serve the next one too
        self._once_flags = self._once_at = self._once_length = 0
        self._once_format = ""  # with which its payload is copied; none: it is not

    def publish(self, topic: str | bytes, payload: "Payload", flags: int) -> int:
        """Queue a PUBLISH; `flags` is qos << 1 | retain. Return its packet id (0 at QoS 0).

        -1 means that the outbox has no room now. ValueError: topic or payload are not allowed;
        LimitError: they are longer than the outbox ever has room for.
        """
        if topic is not self._topic:
            self._set_topic(topic)
        if type(payload) is not bytes:
            payload = self._plain(payload, "payload")
        elif flags == self._once_flags and len(payload) == self._once_n and flags & 6:
            if self.head == self.tail:
                return self._again(payload, flags)
        n = len(payload) + self._head_n + (4 if flags & 6 else 2)
        if not self._room(len(payload), n):
            return -1
        return self._encode(self._own(payload) if self._lend else payload, flags, n)

    def describe(self, topic: "Any", properties: "dict[str, Any]") -> "Any":
        """Return what `publish` takes for a topic that has properties with it."""
        raise ValueError("properties need version=5")

    def once(self, topic: str | bytes, payload: "Payload", flags: int) -> int:
        """Write a QoS 0 PUBLISH to the start of the ring, if that is empty; return its length.

        It is not queued: `queue_once` does that for what could not be sent at once. A payload that
        the ring is too short for is not copied: it is `rest`, which comes behind that length.
        0: `publish` has to be used. Errors as there.
        """
        if topic is not self._topic:
            self._set_topic(topic)
        elif flags == self._once_flags and type(payload) is bytes:
            if len(payload) == self._once_n:  # the head is there from the last one
                if self._once_format:
                    pack_into(self._once_format, self.buf, self._once_at, payload)
                else:
                    self.rest = payload
                return self._once_length
        if type(payload) is not bytes:
            payload = self._plain(payload, "payload")
        if self.head != self.tail:
            return 0
        return self._once(payload, flags, len(payload))

    def _once(self, payload: "Any", flags: int, n: int) -> int:
        """Write it whole, and note what serves the next one of its topic, flags and length."""
        i = self._head_n + 7
        if n + i > self.maximum_packet_size or i + _HEAD > self.size:
            return 0
        self._once_n = -1
        self._once_flags = flags
        self._at = _HEAD
        self._end = self.size
        if n + i + _HEAD > self.size:
            return self._once_lent(payload, flags, n)
        self.rest = None
        self._once_at = i = self._head(flags, n + i - 5)
        self._once_length = put(self.buf, i, payload, n, self._end) - _HEAD
        self._once_format = format_of(n)
        if self._once_format and i + 2 * n + 16 <= self._end:
            self._once_n = n
        return self._once_length

    def _once_lent(self, payload: "Any", flags: int, n: int) -> int:
        """Do so without copying the payload."""
        if hasattr(payload, "begin"):
            return 0
        self.rest = payload.encode() if isinstance(payload, str) else payload
        self._once_length = self._head(flags, n + self._head_n + 2) - _HEAD
        self._once_format = ""
        self._once_n = n
        return self._once_length

    def queue_once(self, n: int) -> None:
        """Queue the `n` bytes that `once` has written, and the rest."""
        self._once_n = -1
        self.head = self.next = self.tail = 0
        self.wrap = self.size
        if self.rest is not None:
            self.lent[0] = self._own(self.rest)
            self.rest = None
        self._commit(_HEAD, _HEAD + n, _ONCE)

    def _own(self, payload: "Any") -> "Any":
        """Return a payload that is lent, or a copy if it may be the message of a handler.

        What `_plain` has left a str, because it might be copied, is none: streams take bytes.
        """
        if isinstance(payload, str):
            return payload.encode()
        return bytes(payload) if self.copies and type(payload) is memoryview else payload

    def _room(self, payload_n: int, n: int) -> bool:
        """Reserve room for a PUBLISH of Remaining Length `n`; False while there is none."""
        size = n + 1 + length_size(n)
        if size > self.maximum_packet_size:
            raise self._too_long(size)
        self._lend = size + 6 > self.size  # too long to be copied
        if self._lend:
            size -= payload_n
            payload_n = 0
        payload_n = max(16, self._head_n, payload_n)
        self._at = self._reserve(size, payload_n)
        if self._at < 0:
            self._at = self._reserve(size, 0)  # copied byte by byte in part, see `put`
        self._end = self._limit(self._at - 6)
        return self._at >= 0

    def _too_long(self, size: int) -> Exception:
        return ValueError(
            "packet of %d bytes, maximum_packet_size is %d" % (size, self.maximum_packet_size)
        )

    def _encode(self, payload: "Any", flags: int, n: int) -> int:
        """Write a PUBLISH of Remaining Length `n` to the room reserved; return its id."""
        n = self._head(flags, n)
        self.packet_id = 0
        if flags & 6:
            self.packet_id = self.ids.new()
            pack_into(">H", self.buf, n, self.packet_id)
            n += 2
            if self._block:
                n = put(self.buf, n, self._block, len(self._block), self._end)
        if self._lend:
            self.lent[self._at - 6] = payload
        else:
            self._once_at = n
            n = put(self.buf, n, payload, len(payload), self._end)
        flags = _PUBACK + ((flags & 4) << 2) if flags & 6 else _ONCE
        if self.store is not None and flags != _ONCE:
            self.store.accept(self, n)
        self._commit(self._at, n, flags)
        if self._at == _HEAD and flags != _ONCE and not self._lend:
            self._keep(len(payload))
        return self.packet_id

    def _keep(self, n: int) -> None:
        """Note what of the first record can serve the next one: all but `n` bytes of payload."""
        if self._once_at + 2 * n + 16 <= self.size:
            self._once_n = n
            self._once_flags = self.buf[_HEAD] & 7
            self._once_format = ""

    def _again(self, payload: bytes, flags: int) -> int:
        """Queue what differs from the first record, which is free by now, in payload and id."""
        buf = self.buf
        i = self._once_at
        if not self._once_format:
            self._once_format = format_of(self._once_n)
        pack_into(self._once_format, buf, i, payload)
        self.packet_id = self.ids.new()
        pack_into(">H", buf, i - 2 - len(self._block), self.packet_id)
        buf[_HEAD] = 0x30 | flags  # without DUP
        self._at = _HEAD
        i += self._once_n
        if self.store is not None:
            self.store.accept(self, i)
        self._refill(i, _PUBACK + ((flags & 4) << 2))
        return self.packet_id

    def _head(self, flags: int, n: int) -> int:
        """Write a PUBLISH up to its packet id, or its payload; return the offset behind it."""
        buf = self.buf
        buf[self._at] = 0x30 | flags
        n = encode_length(buf, self._at + 1, n)
        pack_into(">H", buf, n, self._topic_n)
        n = put(buf, n + 2, self._topic_bytes, self._topic_n, self._end)
        if self._block and not flags & 6:
            n = put(buf, n, self._block, len(self._block), self._end)
        return n

    def _set_topic(self, topic: str | bytes) -> None:
        """Check a topic name, and keep it: the same one often comes again."""
        self._once_n = -1
        plain = self._plain(topic, "topic")
        if not is_topic(plain):
            plain = encode_topic(topic)  # says what is wrong
        self._topic_bytes = plain
        self._topic_n = len(plain)
        self._head_n = self._topic_n + len(self._block)
        self._topic = topic if type(topic) is str or type(topic) is bytes else self

    def _plain(self, value: "Any", what: str) -> "Any":
        """Return what `put` can copy and `len` can measure: a str only if it is ASCII."""
        if isinstance(value, str):
            n = 2 * len(value) + 16
            p = self._reserve(n, 0) if n + 6 <= self.size else -1
            if p >= 0 and is_ascii(value, self.buf, p, p + n):
                return value
            return encoded(value, what)
        if isinstance(value, _BINARY) and getattr(value, "itemsize", 1) == 1:
            if type(value) is memoryview and getattr(value, "strides", (1,)) != (1,):
                return bytes(value)  # CPython: a matrix, or every other byte
            return value
        if what == "payload" and hasattr(value, "begin"):  # an Upload
            return value if len(value) >= self.size else value.whole()
        raise _kind_error(value, what)

    def follow(self, p: int, written: "Any") -> "Any":
        """Return what is written behind `written` of the lent record `p`; empty when that is all.

        A payload that is read from a file comes in pieces; see `Upload`.
        """
        payload = self.lent[p]
        if hasattr(payload, "begin"):
            return payload.begin() if written is self.buf else payload.refill()
        return payload if written is self.buf else b""
