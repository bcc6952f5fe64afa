"""Sets of packet ids; MicroPython's sets keep their table: in steady state they take no heap."""

from array import array

from .errors import LimitError


class Ids(set):  # type: ignore[type-arg]
    """The packet ids of ours that are in use; `next` is where the search for a new one begins."""

    next = 1

    def new(self) -> int:
        """Take an id that is not in use and never 0 [MQTT-2.3.1-1, MQTT-2.3.1-2]."""
        n = self.next
        while n in self:
            n = n + 1 & 0xFFFF or 1
            if n == self.next:
                raise LimitError("all 65535 packet ids are in use")
        self.add(n)
        self.next = n + 1 & 0xFFFF or 1
        return n


class Received(set):  # type: ignore[type-arg]
    """Ids of the QoS 2 messages that were received, until PUBREL."""

    _old: "tuple[int, ...] | list[int]" = ()  # of a session that the broker may have lost unseen

    def doubt(self) -> None:
        """A CONNACK was missed: it is unknown whether the broker still has what the ids are of."""
        self._old = list(self)

    def known(self, packet_id: int, header: int) -> bool:
        """Tell whether the message of a PUBLISH was received before; `header` is its first byte.

        In doubt DUP decides: without it the message was not sent before, so it is another one.
        """
        if self._old and packet_id in self._old:
            self._old.remove(packet_id)  # type: ignore[union-attr]
            if not header & 8:
                self.discard(packet_id)
        return packet_id in self


class IdList:
    """Packet ids in the order in which they came: `n` of them; up to `room` need no heap."""

    def __init__(self, room: int) -> None:
        self._ids = array("H", bytes(2 * room))
        self.n = 0

    def __getitem__(self, i: int) -> int:
        return self._ids[i]

    def find(self, packet_id: int) -> int:
        """Return where the id is, or -1."""
        i = self.n - 1
        while i >= 0 and self._ids[i] != packet_id:
            i -= 1
        return i

    def add(self, packet_id: int) -> None:
        """Put an id behind the others."""
        if self.n == len(self._ids):
            self._ids.append(packet_id)
        else:
            self._ids[self.n] = packet_id
        self.n += 1

    def pop(self, i: int) -> None:
        """Take out the id at `i`."""
        self.n -= 1
        while i < self.n:
            self._ids[i] = self._ids[i + 1]
            i += 1
