"""What the ledger notes: of each message of the application, and of each connection."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

QUEUED, SENT, RELEASED, DONE, DROPPED = range(5)
STATES = ("queued", "sent", "released", "done", "dropped")


class Out:
    """A message of the application, from the moment the client accepted it."""

    def __init__(self, serial: int, what: "Any", packet_id: int, order: int) -> None:
        self.serial = serial
        self.order = order  # in which it was accepted
        self.what = what  # topic, payload, qos, retain
        self.qos = what[2]
        self.id = packet_id
        self.state = QUEUED
        self.conn = 0  # number of the connection it was last written on
        self.tried = 0  # number of the first connection on which writing it began
        self.turn = 0  # in which its PUBREC came
        self.doubt = False  # its ack was read as the connection ended; perhaps not handled


class Link:
    """What one connection owes."""

    def __init__(self) -> None:
        self.up = self.resumed = self.bad = self.over = False
        self.due: dict[str, list[Any]] = {"PUBACK": [], "PUBREC": [], "PUBCOMP": [], "PUBREL": []}
        self.requests: dict[int, Any] = {}
        self.once = 0  # order of the last QoS 0 message written
        self.last_in = [0, 0, 0]
