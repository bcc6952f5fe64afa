"""The reference model of the client, kept at the client's end of the connection.

It sees every byte that the client writes and reads, in the client's own order, so that what must
follow is known exactly. Rules are named I1 to I8 as in the table of invariants.
"""

from .records import DONE, DROPPED, RELEASED, SENT, STATES, Link, Out
from .world import World

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .world import Conn


class Ledger:
    """Follows every message and every packet id of the session."""

    def __init__(self, world: World, window: int, clean: bool) -> None:
        self.world = world
        self.window = window
        self.clean = clean
        self.out: dict[int, Out] = {}
        self.fifo: list[Out] = []  # QoS 1 and 2, not done
        self.released: list[Out] = []  # in the order of PUBREC
        self.ids: dict[int, Out] = {}
        self.link = Link()
        self.conn: Any = None
        self.may_disconnect = False
        self._turns = 0
        self._last: list[tuple[str, Any, Out | None]] = []  # read last, and whose ack it was
        self.epoch = 0
        self.refused: set[int] = set()  # serials; with MQTT 5
        self.untold = False  # a session was lost, and the CONNACK that said so too
        self.received: dict[int, Any] = {}  # QoS 2 ids between PUBLISH and PUBREL
        self.inbox: Any = None  # judges deliveries
        self.unread: Any = None  # () -> is a part of the last read not handled?
        self.paused: Any = None  # () -> does the client write before it handles the rest?
        self.counts = {"packets": 0, "connections": 0, "resends": 0, "losses": 0}

    def fail(self, rule: str, text: str) -> None:
        """An invariant is broken."""
        self.world.fail(rule, text)

    # the application

    def accepted(self, serial: int, what: "Any", packet_id: int) -> None:
        """The client has taken a message and given it an id."""
        if what[2] and not 0 < packet_id < 65536:
            self.fail("I8", "packet id %d for message %d" % (packet_id, serial))
        if packet_id and self._taken(packet_id):
            self.fail("I8", "packet id %d is given to message %d too" % (packet_id, serial))
        self.world.note("accepted %d qos %d id %d" % (serial, what[2], packet_id))
        out = self.out[serial] = Out(serial, what, packet_id, len(self.out) + 1)
        if packet_id:
            self.fifo.append(out)
            self.ids[packet_id] = out

    def _taken(self, packet_id: int) -> bool:
        other = self.ids.get(packet_id)
        if other is not None and other.doubt:
            self._settle(other, DONE)
            other = None
            if packet_id in self.link.due["PUBREL"]:  # it was done: none will come
                self.link.due["PUBREL"].remove(packet_id)
        return other is not None or packet_id in self.link.requests

    def dropped(self, packet_id: int) -> None:
        """The client gave up a message that was not sent."""
        out = self.ids.get(packet_id)
        if out is None:
            return
        if out.tried:
            self.fail("I1", "message %d was dropped after it was sent" % out.serial)
        self._settle(out, DROPPED)

    def _settle(self, out: Out, state: int) -> None:
        out.state = state
        out.doubt = False
        if out in self.fifo:
            self.fifo.remove(out)
        if out in self.released:
            self.released.remove(out)
        if self.ids.get(out.id) is out:
            del self.ids[out.id]

    # connections

    def opened(self, conn: "Conn") -> None:
        """The client dials."""
        self.world.note("#%d dial" % conn.number)
        if self.conn is not None and not self.conn.closed:
            self.fail("I6", "connection %d is open while another is made" % self.conn.number)
        self.counts["connections"] += 1
        self.conn = conn
        self._last = []
        self.link = Link()
        self.may_disconnect = False

    def closed(self, conn: "Conn") -> None:
        """The client closed its stream."""
        self.world.note("#%d closed" % conn.number)
        self.link.requests = {}  # what was asked on it will not be answered
        self._doubt_last()

    def leaves(self) -> None:
        """The application disconnects: what is not handled by now may be left so."""
        self.may_disconnect = True
        self._doubt_last()

    def _doubt_last(self) -> None:
        if self.unread():
            for name, fields, out in self._last:
                self._doubt(name, fields, out)

    def _doubt(self, name: str, fields: "Any", out: Out | None) -> None:
        """A packet that was read, an ack of `out`, was perhaps not handled any more."""
        if out is not None:
            self._reopen(out)
        elif name == "PUBLISH" and fields["qos"] == 2:
            self.received.pop(fields["packet_id"], None)
        elif name == "CONNACK" and not fields.get("return_code"):
            for out in self.out.values():
                if out.state >= RELEASED and self.ids.get(out.id) is None:
                    self._reopen(out)

    def _reopen(self, out: Out) -> None:
        if self.ids.get(out.id) in (None, out) and out.state != DROPPED:
            out.doubt = True
            self.ids[out.id] = out

    # what the client writes

    def wrote(self, conn: "Conn", data: bytes) -> None:
        """Bytes of the client."""
        if self.link.bad and not self.paused() and not self.may_disconnect:
            self.fail("I7", "bytes after the broker's violation: %r" % data)

    def offered(self, data: bytes) -> None:
        """The client tries to write the packet that `data` begins with, perhaps in vain."""
        if data[0] & 0xF0 == 0x30 and data[0] & 6:
            i = 1
            while data[i] & 128:
                i += 1
            i += 3 + (data[i + 1] << 8 | data[i + 2])
            out = self.ids.get(data[i] << 8 | data[i + 1])
            if out is not None:
                out.tried = out.tried or self.conn.number

    def has_written(self, conn: "Conn", packet: "Any") -> None:
        """A whole packet of the client."""
        name = packet["type"]
        self.counts["packets"] += 1
        self.world.note("#%d > %s" % (conn.number, brief(name, packet)))
        if name == "CONNECT":
            if packet["clean_session"] != self.clean:
                self.fail("I7", "CleanSession %s" % packet["clean_session"])
            return
        if name == "DISCONNECT":
            self.link.over = True
            if not self.may_disconnect:
                self.fail("I7", "a DISCONNECT that nobody asked for")
            return
        if not self.link.up:
            self.fail("I7", name + " before CONNACK")
        if name == "PUBLISH":
            self._publish(conn, packet)
        elif name in self.link.due:
            self._ack(conn, name, packet["packet_id"])
        elif name in ("SUBSCRIBE", "UNSUBSCRIBE"):
            if self._taken(packet["packet_id"]):
                self.fail("I8", "%s with packet id %d in use" % (name, packet["packet_id"]))
            self.link.requests[packet["packet_id"]] = packet

    def _publish(self, conn: "Conn", p: "Any") -> None:
        out = self.out.get(serial_of(p["payload"]))
        if out is None or out.state == DROPPED:
            self.fail("I1", "a PUBLISH of what was not accepted: %s" % p["payload"][:20])
            return
        found = (p["topic"], p["payload"], p["qos"], p["retain"], p["packet_id"])
        if found != tuple(out.what) + (out.id,):
            self.fail("I1", "message %d was changed: %s" % (out.serial, found))
        if out.qos:
            self._publish_again(conn, p, out)
        elif out.conn or p["dup"] or out.order < self.link.once:
            self.fail("I3", "QoS 0 message %d again, or out of order" % out.serial)
        else:
            self.link.once = out.order
        out.conn = conn.number
        out.tried = out.tried or conn.number

    def _publish_again(self, conn: "Conn", p: "Any", out: Out) -> None:
        if out.doubt:
            self._not_acked(out)
        if out.state > SENT:
            self.fail("I2", "PUBLISH %d again, it is %s" % (out.serial, STATES[out.state]))
        if out.conn == conn.number:
            self.fail("I7", "PUBLISH %d again within a connection" % out.serial)
        dup = bool(self.link.resumed and out.tried and out.tried != conn.number)
        if p["dup"] != dup:
            self.fail("I7", "PUBLISH %d with DUP %d" % (out.serial, p["dup"]))
        flying = len([o for o in self.ids.values() if not o.doubt and self._flies(o, conn)])
        if flying >= self.window:
            self.fail("I4", "%d messages in flight, the window is %d" % (flying + 1, self.window))
        self._in_order(conn, out)
        self.counts["resends"] += out.state == SENT
        out.state = SENT

    def _not_acked(self, out: Out) -> None:
        """Its ack was not handled after all."""
        out.doubt = False
        out.state = SENT
        if out not in self.fifo:
            self._insert(out)
        if out in self.released:
            self.released.remove(out)
        out.turn = 0
        while out.id in self.link.due["PUBREL"]:
            self.link.due["PUBREL"].remove(out.id)

    def _in_order(self, conn: "Conn", out: Out) -> None:
        for other in self.fifo:
            if other is out:
                break
            if other.state <= SENT and other.conn != conn.number and not other.doubt:
                self.fail("I3", "message %d before %d" % (out.serial, other.serial))

    def _insert(self, out: Out) -> None:
        i = 0
        while i < len(self.fifo) and self.fifo[i].order < out.order:
            i += 1
        self.fifo.insert(i, out)

    def _flies(self, out: Out, conn: "Conn") -> bool:
        return out.state == RELEASED or (out.state == SENT and out.conn == conn.number)

    def _ack(self, conn: "Conn", name: str, packet_id: int) -> None:
        due = self.link.due[name]
        if name == "PUBREL":
            while due and due[0] != packet_id and self._skips(due[0]):
                due.pop(0)
        if not due:
            self.fail("I7", "%s %d: nothing asks for it" % (name, packet_id))
        first = due.pop(0)
        wanted = first if name == "PUBREL" else first["packet_id"]
        if wanted != packet_id:
            self.fail("I3", "%s %d, due is %d" % (name, packet_id, wanted))
        if name == "PUBREL":
            out = self.ids.get(packet_id)
            if out is not None and out.doubt:
                self._not_known(out)
        elif name != "PUBCOMP" and not self._ambiguous(first):
            self.inbox.acked(first)

    def _not_known(self, out: Out) -> None:
        """PUBREL has left: the client has the PUBREC, or does not know the id any more."""
        if out.qos == 2:
            out.state = RELEASED
            out.doubt = False
        else:
            self._settle(out, DONE)

    def _ambiguous(self, message: "Any") -> bool:
        """Whether it is the message of before cannot be told; a client may take it for that.

        It has DUP and the id of one before, and the session may be another.
        """
        return self.untold and message["qos"] == 2 and bool(message.get("dup"))

    def overdue(self) -> list["Any"]:
        """What was read on this connection and has no answer."""
        due = self.link.due
        some = [name for name in ("PUBACK", "PUBREC", "PUBCOMP") if due[name]]
        return some + [i for i in due["PUBREL"] if i == 60000 or not self._skips(i)]

    def _skips(self, packet_id: int) -> bool:
        """A PUBREL may be left out where it is not known whether the PUBREC was handled."""
        out = self.ids.get(packet_id)
        return out is None or out.doubt

    # what the client reads

    def has_read(self, conn: "Conn", packets: list["Any"]) -> None:
        """Whole packets of the broker, in the order they came."""
        self._last = []
        for name, fields in packets:
            self.world.note("#%d < %s" % (conn.number, brief(name, fields)))
            handle = getattr(self, "_read_" + name.lower(), None)
            if handle is not None and not self.link.bad and not self.link.over:
                out = handle(conn, fields)
                self._last.append((name, fields, out))
                if self.may_disconnect:
                    self._doubt(name, fields, out)  # what comes now may be left unread
            elif name == "PUBLISH":
                self.inbox.read(fields)  # it may be handled still, but not acknowledged

    def _read_connack(self, conn: "Conn", fields: "Any") -> None:
        if fields.get("return_code"):
            self.link.bad = True
            return
        link = self.link
        link.up = True
        link.resumed = bool(fields.get("session_present"))
        if not link.resumed:
            for out in self.ids.values():
                out.tried = 0  # it will be new to the new session
            self.counts["losses"] += 1
            for out in list(self.ids.values()):
                if out.state == RELEASED and not out.doubt:
                    self._settle(out, DONE)
            self.received = {}
        waiting = [out for out in self.ids.values() if out.turn and link.resumed]
        link.due["PUBREL"] = [out.id for out in sorted(waiting, key=lambda out: out.turn)]
        self.untold = self.untold or (link.resumed and fields["epoch"] != self.epoch)
        self.epoch = fields["epoch"]

    def _read_publish(self, conn: "Conn", fields: "Any") -> None:
        fields["known"] = fields["qos"] == 2 and fields["packet_id"] in self.received
        self.inbox.read(fields)
        if fields["qos"] == 1:
            self.link.due["PUBACK"].append(fields)
        elif fields["qos"] == 2:
            self.received[fields["packet_id"]] = fields
            self.link.due["PUBREC"].append(fields)

    def _read_pubrel(self, conn: "Conn", fields: "Any") -> None:
        self.received.pop(fields["packet_id"], None)
        self.link.due["PUBCOMP"].append(fields)

    def _read_puback(self, conn: "Conn", fields: "Any") -> Out | None:
        out = self.ids.get(fields["packet_id"])
        if out is None or out.qos != 1 or out.conn != conn.number or out.doubt:
            return None
        self._settle(out, DONE)
        return out

    def _read_pubrec(self, conn: "Conn", fields: "Any") -> Out | None:
        packet_id = fields["packet_id"]
        out = self.ids.get(packet_id)
        if out is not None and (out.state == RELEASED or out.doubt):
            out = None
        elif out is not None:
            if out.qos != 2 or out.conn != conn.number:
                return None  # it is not what this id awaits
            self.fifo.remove(out)
            out.state = RELEASED
            self._turns += 1
            out.turn = self._turns
            self.released.append(out)
        elif packet_id in self.link.requests:
            return None
        self.link.due["PUBREL"].append(packet_id)
        return out

    def _read_pubcomp(self, conn: "Conn", fields: "Any") -> Out | None:
        out = self.ids.get(fields["packet_id"])
        if out is None or out.state != RELEASED:
            return None
        self._settle(out, DONE)
        return out

    def _read_suback(self, conn: "Conn", fields: "Any") -> None:
        if fields.get("for", "SUBSCRIBE") == self.link.requests.get(fields["packet_id"], {}).get(
            "type"
        ):
            del self.link.requests[fields["packet_id"]]

    def _read_unsuback(self, conn: "Conn", fields: "Any") -> None:
        if self.link.requests.get(fields["packet_id"], {}).get("type") == "UNSUBSCRIBE":
            del self.link.requests[fields["packet_id"]]

    def _read_garbage(self, conn: "Conn", fields: "Any") -> None:
        self.link.bad = True


def serial_of(payload: bytes) -> int:
    """The number that a payload of these histories begins with; 0 if there is none."""
    head = bytes(payload[:8]).split(b":")[0]
    return int(head) if head.isdigit() else 0


def brief(name: str, p: "Any") -> str:
    """A packet in a few words."""
    if name == "PUBLISH":
        return "PUBLISH %d qos %d id %d%s%s %s %d bytes" % (
            serial_of(p["payload"]), p["qos"], p["packet_id"], " dup" if p.get("dup") else "",
            " retain" if p.get("retain") else "", p["topic"], len(p["payload"]),
        )  # fmt: skip
    words = [name]
    for key in ("packet_id", "session_present", "return_code", "reason_code", "codes",
                "filters", "data"):  # fmt: skip
        if p.get(key) is not None:
            words.append("%s=%s" % (key, p[key]))
    return " ".join(words)
