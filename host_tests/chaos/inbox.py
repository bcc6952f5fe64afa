"""Judges what the application is given: each message whole, in order, and often enough."""

from .world import World

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class In:
    """A message of the broker that the client has read at least once."""

    def __init__(self, fields: "Any") -> None:
        self.fields = fields
        self.reads = 0
        self.calls: dict[str, int] = {}  # how often each handler got it
        self.again = 0  # how often its handler was cut short, so that it may come again


class Inbox:
    """All messages of the broker, and what became of them."""

    def __init__(self, world: World, rx_size: int) -> None:
        self.world = world
        self.rx_size = rx_size
        self.all: dict[int, In] = {}
        self.active: In | None = None  # its handler is running
        self._first = [0, 0, 0]
        self.handled = 0

    def read(self, fields: "Any") -> None:
        """The client has read a PUBLISH."""
        one = self.all.setdefault(fields["serial"], In(fields))
        one.reads += 1
        one.fields = fields

    def begin(self, key: str, serial: int, found: "Any") -> None:
        """A handler is given a message: (topic, payload, qos, retain)."""
        one = self.all.get(serial)
        if one is None:
            self.world.fail("I1", "a message that nobody sent: %s" % (found,))
            return
        fields = one.fields
        wanted = (fields["topic"], fields["payload"], fields["qos"], fields["retain"])
        if found != wanted:
            self.world.fail("I1", "message %d came as %s" % (serial, found))
        if not one.calls and fields["size"] <= self.rx_size:  # longer: it may have been drained
            if serial < self._first[fields["qos"]]:
                self.world.fail(
                    "I3", "message %d behind %d" % (serial, self._first[fields["qos"]])
                )
            self._first[fields["qos"]] = serial
        one.calls[key] = one.calls.get(key, 0) + 1
        if one.calls[key] > one.reads:
            self.world.fail("I2", "message %d was handled more often than it came" % serial)
        if fields["qos"] == 2 and one.calls[key] > 1 + one.again:
            self.world.fail("I2", "QoS 2 message %d was handled twice" % serial)
        self.active = one
        self.handled += 1

    def end(self) -> None:
        """The handler is done."""
        self.active = None

    def cut_short(self) -> None:
        """The connection was ended from within the handler: the message may come again."""
        if self.active is not None:
            self.active.again += 1

    def acked(self, fields: "Any") -> None:
        """The client has acknowledged a message."""
        one = self.all[fields["serial"]]
        if one is self.active:
            self.world.fail("I1", "message %d acknowledged while handled" % fields["serial"])
        if not one.calls and fields["size"] <= self.rx_size:
            self.world.fail("I1", "message %d acknowledged, not handled" % fields["serial"])
