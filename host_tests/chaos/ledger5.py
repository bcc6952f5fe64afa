"""The reference model of the client in MQTT 5.0: what differs from 3.1.1, see `ledger`.

The reason codes of its PUBREL and PUBCOMP, messages that the broker refuses, the DISCONNECT that
says which rule the broker broke, and the broker's Receive Maximum.
"""

from .ledger import Ledger
from .records import DONE, SENT, Out
from .world import World

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .world import Conn

_NOT_FOUND = 0x92


class Ledger5(Ledger):
    """Follows a session of 5.0; `referee` judges each packet besides, or is None."""

    def __init__(self, world: World, window: int, clean: bool, referee: "Any") -> None:
        super().__init__(world, window, clean)
        self.counts["farewells"] = self.counts["refusals"] = 0
        self._ours = window
        self._referee = referee
        self._guilty = False  # the broker has broken a rule on this connection
        self._vague: set[int] = set()  # QoS 2 ids of which the client may know or not
        self._forgotten: set[int] = set()  # what the last CONNACK made it forget
        self._codes: dict[tuple[str, int], list[int]] = {}  # acks due without and with 0x92

    def opened(self, conn: "Conn") -> None:
        """The client dials."""
        super().opened(conn)
        self._guilty = False
        self._codes = {}

    def unsure(self) -> bool:
        """Tell whether it is unknown of a message if its ack was handled."""
        return any([out.doubt for out in self.ids.values()])

    def _doubt(self, name: str, fields: "Any", out: Out | None) -> None:
        super()._doubt(name, fields, out)
        if name == "PUBREL" or (name == "PUBLISH" and fields["qos"] == 2):
            self._vague.add(fields["packet_id"])
        elif name == "CONNACK":
            self._vague |= self._forgotten

    # what the client writes

    def wrote(self, conn: "Conn", data: bytes) -> None:
        """Bytes of the client; after a violation it may say which."""
        if not self._guilty or data[0] != 0xE0:
            super().wrote(conn, data)

    def has_written(self, conn: "Conn", packet: "Any") -> None:
        """A whole packet of the client."""
        if self._referee is not None:
            self._referee.received(self, packet)
        name = packet["type"]
        code = packet.get("reason_code", 0)
        if name == "DISCONNECT" and code:
            if not self._blamed(conn) or code < 0x80:
                self.fail("I7", "DISCONNECT %#x, although no rule was broken" % code)
            self.world.note("#%d > DISCONNECT %#x" % (conn.number, code))
            self.counts["farewells"] += 1
            self.link.over = True
            return
        if name in ("PUBREL", "PUBCOMP"):
            self._judge(name, packet["packet_id"], code)
        elif code:
            self.fail("I7", "%s with reason code %#x" % (name, code))
        super().has_written(conn, packet)

    def _blamed(self, conn: "Conn") -> bool:
        """Tell whether the client has read a violation, or a part of one."""
        i = conn.taken
        some = conn.packets[1]
        if not self._guilty and i < len(some) and some[i][1][0] == "GARBAGE":
            return conn.read > (some[i - 1][0] if i else 0)
        return self._guilty

    def _expect(self, name: str, packet_id: int, fine: bool, missing: bool) -> None:
        due = self._codes.setdefault((name, packet_id), [0, 0])
        due[0] += fine
        due[1] += missing

    def _judge(self, name: str, packet_id: int, code: int) -> None:
        due = self._codes.get((name, packet_id), [0, 0])
        if not due[code == _NOT_FOUND]:
            self.fail("I7", "%s %d with reason code %#x" % (name, packet_id, code))
        due[code == _NOT_FOUND] -= 1

    # what the client reads

    def has_read(self, conn: "Conn", packets: "Any") -> None:
        """Whole packets of the broker, in the order they came."""
        last = []
        for one in packets:
            super().has_read(conn, [one])
            last += self._last
            if self._referee is not None:
                self._referee.sent(self, one[0], one[1])
        self._last = last

    def _read_connack(self, conn: "Conn", fields: "Any") -> None:
        before = set(self.received)
        super()._read_connack(conn, fields)
        if self.link.bad:
            return
        self._forgotten = set()
        if not self.link.resumed:
            self._forgotten = before | self._vague
            self._vague = set()
        self.window = min(self._ours, fields["properties"].get("receive_maximum", 65535))
        for packet_id in self.link.due["PUBREL"]:
            self._expect("PUBREL", packet_id, True, False)

    def _read_publish(self, conn: "Conn", fields: "Any") -> None:
        if fields["qos"] == 2:
            self._vague.discard(fields["packet_id"])
        super()._read_publish(conn, fields)

    def _read_pubrel(self, conn: "Conn", fields: "Any") -> None:
        packet_id = fields["packet_id"]
        vague = packet_id in self._vague
        known = packet_id in self.received
        self._expect("PUBCOMP", packet_id, vague or known, vague or not known)
        self._vague.discard(packet_id)
        super()._read_pubrel(conn, fields)

    def _read_puback(self, conn: "Conn", fields: "Any") -> Out | None:
        out = super()._read_puback(conn, fields)
        if out is not None:
            self._note_refusal(out, fields)
        return out

    def _note_refusal(self, out: Out, fields: "Any") -> bool:
        if fields.get("reason_code", 0) < 0x80:
            self.refused.discard(out.serial)
            return False
        self.counts["refusals"] += 1
        self.refused.add(out.serial)
        return True

    def _read_pubrec(self, conn: "Conn", fields: "Any") -> Out | None:
        packet_id = fields["packet_id"]
        out = self.ids.get(packet_id)
        if fields.get("reason_code", 0) >= 0x80:
            if out is None or out.qos != 2 or out.conn != conn.number or out.doubt:
                return None
            if out.state != SENT:
                return None
            self._note_refusal(out, fields)
            self._settle(out, DONE)
            return out
        doubt = out is not None and out.doubt
        n = len(self.link.due["PUBREL"])
        found = super()._read_pubrec(conn, fields)
        if len(self.link.due["PUBREL"]) > n:
            self._expect("PUBREL", packet_id, out is not None, out is None or doubt)
        if found is not None:
            self.refused.discard(found.serial)
        return found

    def _read_garbage(self, conn: "Conn", fields: "Any") -> None:
        super()._read_garbage(conn, fields)
        self._guilty = True

    def _read_disconnect(self, conn: "Conn", fields: "Any") -> None:
        self.link.bad = True
