"""Sets of packet ids that take nothing from the heap while they are small.

A peer may let them grow to 65535 ids: to look one up then still takes no more than 16 steps.
"""

from array import array

from .errors import LimitError


class IdSet:
    """Packet ids: 64 places by the low bits, and a sorted overflow that rarely holds any."""

    def __init__(self) -> None:
        self._places = array("H", bytes(128))
        self._more = array("H")

    def has(self, packet_id: int) -> bool:
        """Tell whether the id is in the set."""
        if self._places[packet_id & 63] == packet_id:
            return packet_id != 0
        if not self._more:
            return False
        i = self._index(packet_id)
        return i < len(self._more) and self._more[i] == packet_id

    def add(self, packet_id: int) -> None:
        """Add an id that is not in the set."""
        if self._places[packet_id & 63]:
            i = self._index(packet_id)
            self._more[i:i] = array("H", (packet_id,))
        else:
            self._places[packet_id & 63] = packet_id

    def discard(self, packet_id: int) -> None:
        """Take an id out, if it is in."""
        if self._places[packet_id & 63] == packet_id:
            self._places[packet_id & 63] = 0
        elif self._more:
            i = self._index(packet_id)
            if i < len(self._more) and self._more[i] == packet_id:
                self._more[i : i + 1] = array("H")

    def _index(self, packet_id: int) -> int:
        """Return where the id is in the overflow, or belongs."""
        low = 0
        high = len(self._more)
        while low < high:
            i = low + high >> 1
            if self._more[i] < packet_id:
                low = i + 1
            else:
                high = i
        return low


class Received(IdSet):
    """Ids of the QoS 2 messages that were received, until PUBREL."""

    def __init__(self) -> None:
        super().__init__()
        self._old: list[int] = []  # those of a session that the broker may have lost unseen

    def doubt(self) -> None:
        """A CONNACK was missed: it is unknown whether the broker still has what the ids are of."""
        self._old = [i for i in self._places if i] + list(self._more)

    def known(self, packet_id: int, header: int) -> bool:
        """Tell whether the message of a PUBLISH was received before; `header` is its first byte.

        In doubt DUP decides: without it the message was not sent before, so it is another one.
        """
        if self._old and packet_id in self._old:
            self._old.remove(packet_id)
            if not header & 8:
                self.discard(packet_id)
        return self.has(packet_id)


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


class Ids(IdSet):
    """The packet ids of ours that are in use; `next` is where the search for a new one begins."""

    def __init__(self) -> None:
        super().__init__()
        self.next = 1

    def new(self) -> int:
        """Take an id that is not in use and never 0 [MQTT-2.3.1-1, MQTT-2.3.1-2]."""
        n = self.next
        while self.has(n):
            n = n + 1 & 0xFFFF or 1
            if n == self.next:
                raise LimitError("all 65535 packet ids are in use")
        self.add(n)
        self.next = n + 1 & 0xFFFF or 1
        return n
