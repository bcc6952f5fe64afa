"""Plays a history: {"seed": n, "config": {…}, "steps": [[name, argument, …], …]}."""

import random
import sys

import umqtt_full.client as client_module
import umqtt_full.link as link_module
from umqtt_full.client import Client

from .application import Blocking
from .broker import Broker
from .dialect import Dialect4
from .inbox import Inbox
from .ledger import Ledger
from .weather import Weather
from .world import Broken, Network, World

if sys.implementation.name == "cpython":
    from strict import Parser
else:
    from .wire import Parser  # type: ignore[assignment]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .world import Conn

DEFAULTS: "dict[str, Any]" = {
    "front": "client", "reconnect": True, "clean": False, "keep_alive": 10, "tx": 512, "rx": 256,
    "read": 64, "window": 4, "backoff": 500, "backoff_max": 4000, "connect_timeout": 3000,
    "timeout": 5000, "ticks": 1000, "next_id": 1, "full": "wait", "keep": False,
    # with MQTT 5: topic aliases both ways, Receive Maximum both ways (0: none announced), whether
    # the client announces rx_size, and whether the broker says more than it has to
    "version": 4, "aliases": 0, "aliases_in": 0, "quota": 0, "quota_in": 0, "bound": True,
    "wordy": False,
}  # fmt: skip
_QUIET = 120000  # ms of good weather after which everything has to be delivered


class Poll:
    """`select.poll` for simulated streams."""

    def __init__(self) -> None:
        self._stream: Any = None
        self._mask = 0

    def register(self, stream: "Conn", events: int) -> None:
        """Watch one stream."""
        self._stream = stream
        self._mask = events | 24

    def modify(self, stream: "Conn", events: int) -> None:
        """Watch it for something else."""
        self._mask = events | 24

    def ipoll(self, ms: int) -> "Any":
        """Let time pass until the stream is ready."""
        stream = self._stream
        found = stream.world.advance(ms, lambda: stream.events() & self._mask)
        return iter(((stream, found),) if found else ())


class Simulation:
    """One client, one broker, the network between them and the models of both."""

    def __init__(self, history: "Any") -> None:
        config = dict(DEFAULTS)
        config.update(history["config"])
        self.config = config
        self.steps = history["steps"]
        random.seed(history["seed"])
        self.world = World(config["ticks"])
        parser: Any = Parser
        dialect = Dialect4()
        if config["version"] == 5:
            from . import version5

            parser = version5.Parser
            self.ledger: Any = version5.ledger_of(self.world, config)
            dialect = version5.speaker_of(config)
        else:
            self.ledger = Ledger(self.world, config["window"], config["clean"])
        self.inbox = self.ledger.inbox = Inbox(self.world, config["rx"])
        self.broker = Broker(self.world, self.ledger.out, dialect)
        self.net = Network(self.world, self.ledger, self.broker, parser)
        self.weather = Weather(self)
        self.app: Any = None
        self.error: Any = None
        self.over = False  # the history's steps are
        self.measured = [0, 0]  # bytes of the newest connection, up and down, at "measure"
        self._replaced: list[Any] = []  # (module, name, what it was)

    def options(self) -> "Any":
        """The arguments that both front ends take."""
        c = self.config
        if c["version"] == 5:
            from .version5 import options_of

            more = options_of(c)
        else:
            more = {"clean_session": c["clean"]}
        options = {
            "dial": self.net.dial, "keep_alive": c["keep_alive"],
            "tx_size": c["tx"], "rx_size": c["rx"], "read_size": c["read"],
            "window": c["window"], "backoff_ms": c["backoff"],
            "backoff_max_ms": c["backoff_max"], "timeout_ms": c["timeout"],
            "connect_timeout_ms": c["connect_timeout"],
        }  # fmt: skip
        options.update(more)
        return options

    def weather_step(self, step: "Any") -> bool:
        """Do a step of the network or the broker; False if it is the application's."""
        action = getattr(self.weather, "do_" + step[0], None)
        if action is None:
            return False
        if not self.over:
            action(*step[1:])
        return True

    def build(self) -> None:
        """Make the client and let it see this world only."""
        c = self.config
        self.replace(link_module, "ticks_ms", self.world.ticks)
        if c["front"] == "async":
            from .async_application import build

            self.app = build(self)
        else:
            self.replace(client_module, "ticks_ms", self.world.ticks)
            self.replace(client_module, "sleep_ms", self.world.sleep)
            self.replace(client_module, "Poll", Poll)
            client = Client("c", "broker", reconnect=c["reconnect"], **self.options())
            self.app = Blocking(self, client)
        self.app.client.session.ids.next = c["next_id"]

    def replace(self, module: "Any", name: str, value: "Any") -> None:
        """Give a module of the library something of this world, until `close`."""
        self._replaced.append((module, name, getattr(module, name)))
        setattr(module, name, value)

    def close(self) -> None:
        """Give the library back the real world; forget the loop, with whatever was left in it."""
        while self._replaced:
            setattr(*self._replaced.pop())
        if self.world.loop is not None:
            self.world.loop.dispose()

    # after the history

    def calm(self) -> None:
        """From now on nothing goes wrong, but what is broken stays broken."""
        self.world.note("good weather")
        self.over = True
        conn = self.net.current()
        for one in self.net.conns:
            one.bury()
        if conn is not None:
            conn.disarm()
        if conn is not None and conn.stalled and not self.config["keep_alive"]:
            conn.stalled = False
            conn.strike("rst")  # without a keep alive nobody would ever know
        self.app.moods = {}
        self.net.heal()
        self.broker.calm()

    def missing(self) -> str:
        """What is still to be done on either end; nothing when all is quiet."""
        session = self.app.client.session
        known = not self.ledger.untold
        checks = (
            ("not connected", not session.connected),
            ("a broken link", not self.net.conns or self.net.conns[-1].broken()),
            ("messages in flight", [o.serial for o in self.ledger.fifo if not o.doubt]),
            ("not released", [o.serial for o in self.ledger.released if not o.doubt]),
            ("outbox", session.outbox.head != session.outbox.tail),
            ("borrowed payloads", session.outbox.lent),
            ("queued at QoS 0", session.outbox.queued_once),
            ("packet ids", ids_of(session.ids)),
            ("ids received", known and ids_of(session.received)),
            ("quota", session._quota != session._most),
            ("refusals", session.refused),
            ("awaiting PUBREL", session.version == 5 and known and session.open_in),
            ("acks owed", session.acks_end),
            ("acks due", self.ledger.overdue()),
            ("subscriptions", [s.filter for s in session.subscriptions.all if s.state != 2]),
            ("the broker's queue", self.broker.session and len(self.broker.session.queue)),
        )
        found = ["%s: %s" % check for check in checks if check[1]]
        return "; ".join(found) or self._lost_messages() or self._subscribed()

    def _lost_messages(self) -> str:
        for out in self.ledger.out.values():
            if out.qos and out.state != 4 and out.serial not in self.broker.delivered:
                if out.serial in self.ledger.refused:
                    continue
                return "message %d was never delivered" % out.serial
        return ""

    def _subscribed(self) -> str:
        wanted = {}
        for s in self.app.client.session.subscriptions.all:
            if s.granted is not None and s.granted < 3:
                wanted[s.filter.decode()] = s.granted
        found = self.broker.session.subs if self.broker.session is not None else {}
        # what was asked and never answered may be known to the broker alone
        if wanted != found:
            return "subscriptions, not the broker's: (%s, %s)" % (wanted, found)
        return ""

    def run(self) -> None:
        """Play it to its end."""
        self.build()
        self.app.run(self.steps)
        self.calm()
        for _ in range(2):  # after the first a link may still prove to be dead
            self.app.settle(_QUIET, lambda: not self.missing())
            self.app.run([["poll", 1000 * self.config["keep_alive"] + 1000]])
        self.app.settle(_QUIET, lambda: not self.missing())
        left = self.missing()
        if left:
            self.world.fail("I1", "still open at the end: " + left)
        self.last_round()
        self.app.finish()
        self._after()

    def last_round(self) -> None:
        """One message of each QoS in each direction, on a good network."""
        first, before = self.app.serial + 1, self.inbox.handled
        self.app.run([["on", 3, 2, False, 0], ["poll", 300]])
        for qos in (0, 1, 2):
            self.app.run([["publish", 0, qos, 10, False, 2000, False]])
            self.broker.publish("a", qos, 10, False)
        self.app.run([["poll", 1000]])
        if [len(self.broker.delivered.get(first + i, ())) for i in range(3)] != [1, 1, 1]:
            self.world.fail("I1", "a message of the last round was not delivered once")
        if self.inbox.handled < before + 3:
            self.world.fail("I1", "a message of the last round was not handled")
        left = self.missing()
        if left:
            self.world.fail("I4", "left behind: " + left)

    def _after(self) -> None:
        for conn in self.net.conns:
            if not conn.closed:
                self.world.fail("I6", "connection %d is not closed" % conn.number)
        if self.app.client.connected or self.app.client._stream is not None:
            self.world.fail("I6", "connected after the end")


def ids_of(table: "Any") -> list[int]:
    """The packet ids in a set of the library."""
    return sorted(table)


def run(history: "Any") -> Simulation:
    """Play a history; `world.failure` of the result says what did not hold."""
    sim = Simulation(history)
    try:
        sim.run()
    except Broken as exc:
        sim.world.failure = sim.world.failure or ("I5", str(exc))
        sim.world.note("ended")
    except Exception as exc:  # ours or the library's: a finding either way
        sim.world.failure = sim.world.failure or ("I6", "escaped: %r" % exc)
        sim.world.note("escaped: %r" % exc)
        sim.error = exc
    finally:
        sim.close()
    return sim
