"""Sets of packet ids that take nothing from the heap while they are small."""

from array import array

from .errors import LimitError


class IdSet:
    """Packet ids: 32 places by the low bits, and an overflow that rarely holds any."""

    def __init__(self) -> None:
        self._places = array("H", bytes(64))
        self._more = array("H")

    def has(self, packet_id: int) -> bool:
        """Tell whether the id is in the set."""
        if self._places[packet_id & 31] == packet_id:
            return packet_id != 0
        return bool(self._more) and self._index(packet_id) >= 0

    def add(self, packet_id: int) -> None:
        """Add an id that is not in the set."""
        if self._places[packet_id & 31]:
            self._more.append(packet_id)
        else:
            self._places[packet_id & 31] = packet_id

    def discard(self, packet_id: int) -> None:
        """Take an id out, if it is in."""
        if self._places[packet_id & 31] == packet_id:
            self._places[packet_id & 31] = 0
        elif self._more and self._index(packet_id) >= 0:
            self._less(packet_id)

    def _less(self, packet_id: int) -> None:
        # a method of its own: a comprehension makes its outer variables heap cells at every call
        self._more = array("H", [v for v in self._more if v != packet_id])

    def _index(self, packet_id: int) -> int:
        i = len(self._more)
        while i and self._more[i - 1] != packet_id:
            i -= 1
        return i - 1


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
