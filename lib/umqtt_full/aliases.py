"""Topic aliases of what a client publishes (MQTT 5, 3.3.2.3.4).

The outbox holds whole topics, so that every message can be sent again on any connection. An alias
is put in while a packet is written: the first on a connection goes out with its topic and the
alias, in two writes; later ones get a shorter head that ends where the payload begins, over bytes
of the record that are put back when the packet is written, or the connection ends.
"""

from array import array

from micropython import const

from .packet import encode_length, length_size
from .properties import read_variable
from .topic import encode_topic

_ALIAS = const(0x23)
_LEAST = const(4)  # bytes of a topic: a shorter one is not longer than its alias


class Aliases:
    """`topics` is how many aliases to use, the least recently used topic giving way, or a list."""

    def __init__(self, topics: "int | list[str | bytes]") -> None:
        fixed = not isinstance(topics, int)
        self._fixed = fixed
        if fixed:
            self._topics = [encode_topic(topic) for topic in topics]  # type: ignore[union-attr]
        elif 0 <= topics <= 65535:  # type: ignore[operator]
            self._topics = [b""] * topics  # type: ignore[operator]
        else:
            raise ValueError("topic_aliases must be 0 to 65535 or a list of topics")
        self._known = bytearray(len(self._topics))
        self._used = array("H", bytes(2 * len(self._topics)))  # when; by `_now`
        self._now = 0
        self.most = self._largest = 0  # aliases, and bytes of a packet, on this connection
        self._head = bytearray(16)  # a head without a topic, or what it was written over
        self._over: bytearray | None = None  # the ring, while a head is written over its bytes …
        self._at = self._n = 0  # … from here on, so many
        # the packet that is being prepared: where its topic, properties and their content begin
        self._topic = self._block = self._content = 0
        self._topic_n = self._size = self._remaining = 0  # their lengths; Remaining Length

    def begin(self, maximum: int, largest: int) -> None:
        """A connection begins: its broker takes `maximum` aliases, packets up to `largest`."""
        self._largest = largest
        self.most = min(len(self._topics), maximum)
        for i in range(len(self._known)):
            self._known[i] = 0

    def end(self) -> None:
        """Put back what was written over: the packet is written, or never will be."""
        if self._over is not None:
            self._swap(self._over)
            self._over = None

    def prepare(self, buf: bytearray, p: int) -> "int | bytearray":
        """Give the PUBLISH at `buf[p]`, which is to be written, an alias.

        Return where it begins now, in `buf`; or a head that is written first, and then what is in
        `buf` from `content` on.
        """
        self._parse(buf, p)
        alias = self._find(buf) if self._topic_n >= _LEAST else -1
        if alias < 0:
            return p
        self._remaining += 3 + length_size(self._size + 3) - length_size(self._size)
        if not self._known[alias]:
            n = self._remaining
            if 1 + length_size(n) + n > self._largest:
                return p  # the alias would make it too long
            self._known[alias] = 1
            return self._first(buf, p, alias + 1)
        self._remaining -= self._topic_n
        self._again(buf, p, alias + 1)
        return self._at

    @property
    def content(self) -> int:
        """Where the content of the properties begins in the packet that was prepared."""
        return self._content

    def _parse(self, buf: bytearray, p: int) -> None:
        self._remaining = read_variable(buf, p + 1)
        i = p + 1 + length_size(self._remaining)
        self._topic_n = buf[i] << 8 | buf[i + 1]
        self._topic = i + 2
        self._block = i + 2 + self._topic_n + (2 if buf[p] & 6 else 0)
        self._size = read_variable(buf, self._block)
        self._content = self._block + length_size(self._size)

    def _find(self, buf: bytearray) -> int:
        """Return the place of the topic, -1 for none; a new one takes that of the oldest."""
        self._tick()
        k = oldest = 0
        while k < self.most:
            topic = self._topics[k]
            if len(topic) == self._topic_n and buf.startswith(topic, self._topic):
                self._used[k] = self._now
                return k
            if self._used[k] < self._used[oldest]:
                oldest = k
            k += 1
        if self._fixed:
            return -1
        self._topics[oldest] = bytes(buf[self._topic : self._topic + self._topic_n])
        self._known[oldest] = 0
        self._used[oldest] = self._now
        return oldest

    def _tick(self) -> None:
        self._now += 1
        if self._now > 65535:
            self._now = 1
            for k in range(len(self._used)):
                self._used[k] = 0

    def _first(self, buf: bytearray, p: int, alias: int) -> bytearray:
        """Return the head that gives the alias its topic."""
        head = bytearray(5)
        head[0] = buf[p]
        head = head[: encode_length(head, 1, self._remaining)]
        head += buf[self._topic - 2 : self._block]
        tail = bytearray(7)
        return head + tail[: self._property(tail, 0, alias)]

    def _property(self, out: bytearray, i: int, alias: int) -> int:
        """Write the length of the properties and the alias, which is the first of them."""
        i = encode_length(out, i, self._size + 3)
        out[i] = _ALIAS
        out[i + 1] = alias >> 8
        out[i + 2] = alias & 255
        return i + 3

    def _again(self, buf: bytearray, p: int, alias: int) -> None:
        """Write a head without a topic over the bytes before the content."""
        head = self._head
        head[0] = buf[p]
        i = encode_length(head, 1, self._remaining)
        head[i] = head[i + 1] = 0
        i += 2
        if buf[p] & 6:
            head[i] = buf[self._block - 2]
            head[i + 1] = buf[self._block - 1]
            i += 2
        self._n = self._property(head, i, alias)
        self._at = self._content - self._n
        self._over = buf
        self._swap(buf)

    def _swap(self, buf: bytearray) -> None:
        head = self._head
        i = 0
        while i < self._n:
            c = buf[self._at + i]
            buf[self._at + i] = head[i]
            head[i] = c
            i += 1
