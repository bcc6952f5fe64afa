"""The steps of a history that change the network or the broker."""

from .broker import TOPICS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Weather:
    """The steps that change the network or the broker; they take no time."""

    def __init__(self, sim: "Any") -> None:
        self.sim = sim
        self.world = sim.world
        self.net = sim.net
        self.broker = sim.broker

    def do_in(self, ms: int, step: "Any") -> None:
        """Do a step in a while."""
        self.world.at(ms, self.sim.weather_step, step)

    def do_net(self, name: str, value: "Any") -> None:
        """Change how the network carries bytes."""
        setattr(self.net, name, value)

    def do_mood(self, name: str, value: "Any") -> None:
        """Change how the broker behaves."""
        setattr(self.broker.mood, name, value)
        if name == "hold" and not value:
            self.broker.release()
        self.broker.doubles = self.broker.doubles or self.broker.mood.times > 1

    def do_release(self) -> None:
        """Answer what was held back."""
        self.broker.release()

    def do_connack(self, how: "Any") -> None:
        """What the next CONNECT gets."""
        self.broker.mood.connacks.append(how)

    def do_dial(self, how: "Any") -> None:
        """What becomes of the next attempt."""
        self.net.dials.append(how)

    def do_arm(self, way: str, count: int, kind: str) -> None:
        """Break this connection when `count` more bytes have passed."""
        conn = self.net.current()
        if conn is not None:
            conn.arm(way, count, kind)

    def do_next(self, way: str, count: int, kind: str) -> None:
        """Break the next connection at its byte `count`."""
        self.net.cuts.append((way, count, kind))

    def do_strike(self, kind: str) -> None:
        """Break this connection now."""
        conn = self.net.current()
        if conn is not None:
            conn.strike(kind)

    def do_restart(self, keep: bool, kind: str) -> None:
        """The broker restarts."""
        self.broker.restart(keep, kind)

    def do_takeover(self, kind: str) -> None:
        """Another client has the same id: the broker closes this one."""
        self.broker.take_over(kind)

    def do_incoming(self, topic: int, qos: int, size: int, retain: bool, count: int) -> None:
        """Somebody publishes."""
        for _ in range(count):
            self.broker.publish(TOPICS[topic], qos, size, retain)

    def do_stray(self, name: str, known: bool) -> None:
        """An ack of something that does not await it."""
        packet_id = 60000
        if known:
            qos = 2 if name == "PUBACK" else 1
            flying = [o for o in self.sim.ledger.ids.values() if o.qos == qos]
            if not flying or name == "PUBREL":
                return
            packet_id = flying[0].id
            self.broker.doubles = True  # what has this id by then must not be another message
        self.broker.stray(name, packet_id)

    def do_garbage(self, which: int) -> None:
        """A violation."""
        self.broker.garbage(self.broker.dialect.garbage(which))

    def do_measure(self) -> None:
        """Note how many bytes have passed."""
        self.sim.measured = list(self.net.conns[-1].came) if self.net.conns else [0, 0]

    def do_renumber(self) -> None:
        """The next packet id is one that is in use; not where an ack may come for what had it."""
        if self.broker.doubles:
            return
        for packet_id in self.sim.ledger.ids:
            self.sim.app.client.session.ids.next = packet_id
            return

    def do_again(self) -> None:
        """Send again without need."""
        self.broker.again()
