"""A model of a broker with one client: its sessions, its moods, its own resending.

It does what the specification allows a broker to do, at its worst; `mood` says how bad. Packet ids
of its own are the lowest that are free, so that they come again as soon as possible. What it says
is put into bytes by a dialect, of MQTT 3.1.1 or of 5.0.
"""

from .dialect import SERVER_SHUTS_DOWN, TAKEN_OVER
from .ledger import serial_of
from .world import World

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .world import Conn

TOPICS = ("a", "b/1", "b/2", "long/er/topic/name")
FILTERS = ("a", "b/+", "b/1", "#")
_FILLER = b"abcdefghijklmnopqrstuvwxyz0123456789"


class Forward:
    """A message on its way to the client."""

    def __init__(self, fields: "Any") -> None:
        self.fields = fields
        self.packet_id = 0
        self.state = "new"  # then "sent", at QoS 2 "released" after PUBREC


class Session:
    """What the broker keeps of a client."""

    def __init__(self) -> None:
        self.subs: dict[str, int] = {}
        self.queue: list[Forward] = []
        self.inside: set[int] = set()  # ids of QoS 2 messages received, until PUBREL


class Mood:
    """How the broker behaves."""

    def __init__(self) -> None:
        self.connacks: list[Any] = []  # for the next CONNECTs: a code, "silent" or "bad"
        self.delay = 0  # ms before anything is answered
        self.hold = False  # nothing is answered until it is released
        self.times = 1  # how often an ack is sent
        self.grant = 2  # the highest QoS granted; 0x80: refused
        self.early = False  # retained messages before SUBACK
        self.pings = True  # PINGREQ is answered
        self.forgets = False  # when this connection ends, the session does
        self.refuse = 0  # the reason code of its PUBACKs and PUBRECs, with MQTT 5


class Broker:
    """The other end."""

    def __init__(self, world: World, out: "Any", dialect: "Any") -> None:
        self.world = world
        self.dialect = dialect
        self._out = out  # the messages of the client that it accepted, by serial
        self.mood = Mood()
        self.session: Session | None = None
        self.conn: Conn | None = None
        self.doubles = False  # it has sent acks more than once
        self.clean = False
        self.keep_alive = 0
        self.epoch = 0  # how many sessions were lost
        self.delivered: dict[int, list[int]] = {}  # serial -> epochs in which it was delivered
        self.refused: set[int] = set()  # serials, with MQTT 5
        self.retained: dict[str, Any] = {}
        self.serial = 500000
        self.window = 5
        self._first = [0, 0, 0]  # greatest order delivered, per QoS
        self._held: list[Any] = []
        self._last = 0  # when the last delayed packet goes out
        self._heard = 0

    # steps of a history

    def publish(self, topic: str, qos: int, size: int, retain: bool) -> None:
        """Another client publishes."""
        if retain:
            self.retained[topic] = (qos, size)
        granted = self._granted(topic)
        if granted >= 0:
            self._forward(topic, min(qos, granted), size, False)

    def _granted(self, topic: str) -> int:
        subs = self.session.subs if self.session is not None else {}
        return max([-1] + [q for f, q in subs.items() if fits(f, topic)])

    def _forward(self, topic: str, qos: int, size: int, retain: bool) -> None:
        self.serial += 1
        payload = body(self.serial, size)
        fields = {"topic": topic, "payload": payload, "qos": qos, "retain": retain, "dup": False,
                  "packet_id": 0, "serial": self.serial}  # fmt: skip
        if qos and self.session is not None:
            self.session.queue.append(Forward(fields))
            self._pump()
        elif self.conn is not None:
            self._send_publish(fields)

    def restart(self, keep: bool, kind: str) -> None:
        """The broker restarts, with or without what it knew."""
        self.world.note("broker restarts, session %s" % ("kept" if keep else "lost"))
        self._end(kind, SERVER_SHUTS_DOWN)
        if not keep:
            self.forget()

    def take_over(self, kind: str) -> None:
        """Another client has the same id."""
        self._end(kind, TAKEN_OVER)

    def _end(self, kind: str, code: int) -> None:
        conn = self.conn
        if conn is None:
            return
        data = self.dialect.farewell(code) if kind == "fin" and conn.packets[1] else b""
        if data:
            conn.send(data, ("DISCONNECT", {"reason_code": code}))
        conn.end(kind)

    def forget(self) -> None:
        """The session is lost."""
        self.session = None
        self.epoch += 1

    def release(self) -> None:
        """Answer what was held back."""
        self.mood.hold = False
        held, self._held = self._held, []
        for conn, data, packet in held:
            self._emit(conn, data, packet)

    def stray(self, name: str, packet_id: int) -> None:
        """An ack that nobody expects; PUBACK and PUBREC only where they cannot be meant."""
        if self.conn is not None:
            self._send(self.conn, name, {"packet_id": packet_id, "stray": True})

    def garbage(self, data: bytes) -> None:
        """A violation; after it the broker says nothing more."""
        conn = self.conn
        if conn is not None and (conn.packets[1] or data != b"\x20\2\0\0"):
            conn.send(data, ("GARBAGE", {"data": data}))
            conn.gone = True
            self.lost(conn)

    def again(self) -> None:
        """Send QoS 2 messages and PUBRELs that are not answered once more, without need.

        MQTT 5 forbids it within a connection [MQTT-4.4.0-1].
        """
        if self.conn is not None and self.dialect.version == 4:
            self._resend(self.conn, 2)

    def calm(self) -> None:
        """A good broker from now on."""
        self.mood = Mood()
        self.release()

    # connections

    def received(self, conn: "Conn", packet: "Any") -> None:
        """A packet has arrived."""
        self._heard = self.world.now
        name = packet["type"]
        if name == "CONNECT":
            self._connect(conn, packet)
        elif conn is self.conn:
            getattr(self, "_got_" + name.lower())(conn, packet)

    def lost(self, conn: "Conn") -> None:
        """A connection has ended."""
        if conn is self.conn:
            self.conn = None
            self._held = []
            if self.mood.forgets:
                self.mood.forgets = False
                self.forget()
            if self.clean and self.session is not None:
                self.forget()

    def _connect(self, conn: "Conn", p: "Any") -> None:
        how = self.mood.connacks.pop(0) if self.mood.connacks else 0
        if how == "silent":
            return
        if how == "bad":
            self.conn = conn
            self.garbage(self.dialect.connack(2, 0)[0])
            return
        if how:
            data, fields = self.dialect.connack(0, how)
            self._emit(conn, data, ("CONNACK", fields))
            conn.end("fin")
            return
        if self.conn is not None:
            self.conn.end("fin")
        if p["clean_session"] and self.session is not None:
            self.forget()
        present = self.session is not None
        self.session = self.session or Session()
        self.conn = conn
        self.clean = p["clean_session"]
        self.keep_alive = p["keep_alive"]
        self.dialect.begin(p)
        data, fields = self.dialect.connack(int(present), 0)
        fields["epoch"] = self.epoch
        self._emit(conn, data, ("CONNACK", fields))
        if self.keep_alive:
            self._look(conn)
        self._resend(conn)
        self._pump()

    def _look(self, conn: "Conn") -> None:
        """Close a client that has been silent for one and a half times its keep alive."""
        left = self._heard + self.keep_alive * 1500 - self.world.now
        if conn is not self.conn:
            return
        if left <= 0:
            self.world.note("#%d keep alive is over" % conn.number)
            conn.end("fin")
        else:
            self.world.at(left, self._look, conn)

    def _emit(self, conn: "Conn", data: bytes, packet: "Any") -> None:
        """Send now or later, never before what was to be sent earlier."""
        if self.mood.hold and packet[0] not in ("CONNACK", "PINGRESP"):
            self._held.append((conn, data, packet))
            return
        at = max(self.world.now + self.mood.delay, self._last)
        if at <= self.world.now:
            conn.send(data, packet)
        else:
            self._last = at
            self.world.at(at - self.world.now, conn.send, data, packet)

    def _send(self, conn: "Conn", name: str, fields: "Any") -> None:
        data = self.dialect.ack(name, fields)
        for _ in range(self.mood.times if name not in ("UNSUBACK", "PUBREL") else 1):
            self._emit(conn, data, (name, fields))

    # messages to the client

    def _pump(self) -> None:
        """Send what is queued, as far as the window allows."""
        if self.conn is None or self.session is None:
            return
        queue = self.session.queue
        used = [f.packet_id for f in queue if f.packet_id]
        for forward in list(queue):
            if len(used) >= min(self.window, self.dialect.room()):
                return
            if forward.state == "new":
                forward.packet_id = 1
                while forward.packet_id in used:
                    forward.packet_id += 1
                used.append(forward.packet_id)
                forward.fields["packet_id"] = forward.packet_id
                forward.state = "sent"
                if not self._send_publish(forward.fields):
                    used.remove(forward.packet_id)
                    queue.remove(forward)  # as if it had been delivered [MQTT-3.1.2-25]

    def _send_publish(self, fields: "Any") -> bool:
        """Send it; False: it is longer than the client takes."""
        assert self.conn is not None
        data = self.dialect.publish(fields)
        if data:
            self._emit(self.conn, data, ("PUBLISH", dict(fields, size=len(data))))
        return bool(data)

    def _resend(self, conn: "Conn", least: int = 1) -> None:
        assert self.session is not None
        for forward in list(self.session.queue):
            if forward.state == "sent" and forward.fields["qos"] >= least:
                forward.fields["dup"] = True
                if not self._send_publish(forward.fields):
                    self.session.queue.remove(forward)
            elif forward.state == "released":
                self._send(conn, "PUBREL", {"packet_id": forward.packet_id})

    def _find(self, packet_id: int, qos: int) -> Forward | None:
        for forward in self.session.queue if self.session is not None else ():
            if forward.packet_id == packet_id and forward.fields["qos"] == qos:
                return forward
        return None

    def _got_puback(self, conn: "Conn", p: "Any") -> None:
        self._finish(self._find(p["packet_id"], 1))

    def _finish(self, forward: Forward | None) -> None:
        if forward is not None and self.session is not None:
            self.session.queue.remove(forward)
            self._pump()

    def _got_pubrec(self, conn: "Conn", p: "Any") -> None:
        forward = self._find(p["packet_id"], 2)
        if forward is not None:
            forward.state = "released"
            self._send(conn, "PUBREL", {"packet_id": p["packet_id"]})

    def _got_pubcomp(self, conn: "Conn", p: "Any") -> None:
        forward = self._find(p["packet_id"], 2)
        if forward is not None and forward.state == "released":
            self._finish(forward)

    # messages of the client

    def _got_publish(self, conn: "Conn", p: "Any") -> None:
        packet_id, qos = p["packet_id"], p["qos"]
        inside = self.session.inside if self.session is not None else set()
        if qos and self.mood.refuse and self.dialect.version == 5 and packet_id not in inside:
            self.refused.add(serial_of(p["payload"]))
            fields = {"packet_id": packet_id, "reason_code": self.mood.refuse}
            self._send(conn, "PUBACK" if qos == 1 else "PUBREC", fields)
            return
        if qos < 2 or packet_id not in inside:
            self._deliver(serial_of(p["payload"]), qos)
        if qos == 2:
            inside.add(packet_id)
        if qos:
            self._send(conn, "PUBACK" if qos == 1 else "PUBREC", {"packet_id": packet_id})

    def _deliver(self, serial: int, qos: int) -> None:
        epochs = self.delivered.setdefault(serial, [])
        if qos == 2 and self.epoch in epochs:
            self.world.fail("I2", "QoS 2 message %d was delivered twice" % serial)
        if qos == 0 and epochs:
            self.world.fail("I2", "QoS 0 message %d was sent twice" % serial)
        if not epochs:
            order = self._out[serial].order
            if order < self._first[qos] and serial not in self.refused:
                self.world.fail("I3", "message %d behind a later one" % serial)
            self._first[qos] = max(order, self._first[qos])
        epochs.append(self.epoch)

    def _got_pubrel(self, conn: "Conn", p: "Any") -> None:
        fields = {"packet_id": p["packet_id"]}
        if self.session is not None and p["packet_id"] in self.session.inside:
            self.session.inside.discard(p["packet_id"])
        elif self.dialect.version == 5:
            fields["reason_code"] = 0x92
        self._send(conn, "PUBCOMP", fields)

    def _got_subscribe(self, conn: "Conn", p: "Any") -> None:
        assert self.session is not None
        codes = []
        kept = []
        for topic_filter, qos in p["filters"]:
            code = 0x80 if self.mood.grant == 0x80 else min(qos, self.mood.grant)
            codes.append(code)
            self.session.subs.pop(topic_filter, None)
            if code < 3:
                self.session.subs[topic_filter] = code
                kept += [(t, code) for t in sorted(self.retained) if fits(topic_filter, t)]
        fields = {"packet_id": p["packet_id"], "codes": codes}
        data = self.dialect.suback(fields)
        if not self.mood.early:
            self._emit(conn, data, ("SUBACK", fields))
        for topic, code in kept:
            qos, size = self.retained[topic]
            self._forward(topic, min(qos, code), size, True)
        if self.mood.early:
            self._emit(conn, data, ("SUBACK", fields))

    def _got_unsubscribe(self, conn: "Conn", p: "Any") -> None:
        assert self.session is not None
        for topic_filter in p["filters"]:
            self.session.subs.pop(topic_filter, None)
        self._send(conn, "UNSUBACK", {"packet_id": p["packet_id"], "count": len(p["filters"])})

    def _got_pingreq(self, conn: "Conn", p: "Any") -> None:
        if self.mood.pings:
            self._emit(conn, b"\xd0\0", ("PINGRESP", {}))

    def _got_disconnect(self, conn: "Conn", p: "Any") -> None:
        conn.end("fin")


def fits(topic_filter: str, topic: str) -> bool:
    """Tell whether a filter of `FILTERS` matches a topic of `TOPICS`."""
    if topic_filter.endswith("#"):
        return topic.startswith(topic_filter[:-1])
    if topic_filter.endswith("+"):
        return topic.startswith(topic_filter[:-1]) and "/" not in topic[len(topic_filter) - 1 :]
    return topic_filter == topic


def body(serial: int, size: int) -> bytes:
    """A payload of at least `size` bytes that says which message it is."""
    head = b"%d:" % serial
    n = max(0, size - len(head))
    return head + (_FILLER * (n // len(_FILLER) + 1))[:n]
