"""mosquitto killed with SIGKILL and restarted under a client that publishes and receives.

paho-mqtt is the other side. `outage` freezes the way to the broker for an instant before the kill:
what the broker has then it has saved, what it answered is lost on the way. So with persistence the
invariants are exact. mosquitto itself acknowledges before it saves; what it had not saved when it
was killed at any instant is its loss, and `test_killed_at_any_instant` only bounds it.
"""

from __future__ import annotations

import time
import uuid

import pytest
from running import ROOT

from tools import toolchain, traffic
from tools.broker import Broker
from tools.gate import Gate

assert ROOT == traffic.workspace.ROOT
KILLS = 3
WINDOW = 16  # of the device's session; paho has 20 under way at most
SINCE_SESSION_LOST = ("lost1", "lost2")  # what was under way to us died with the broker's session


class Trial:
    """A broker, a gate in front of it, one device and its other side."""

    def __init__(self, interpreter: str, kind: str, broker: Broker) -> None:
        self.broker = broker
        self.gate = Gate(broker.port)
        prefix = f"kill{uuid.uuid4().hex[:8]}"
        self.peer = traffic.Peer(prefix, broker.port)
        program = [str(traffic.PROGRAM), kind, self.gate.host, str(self.gate.port), prefix, "15"]
        self.device = traffic.Process(interpreter, program)

    def traffic(self, seconds: float) -> None:
        """Both sides publish."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.peer.publish()
            time.sleep(0.015)

    def finish(self) -> tuple[dict[str, int], dict[str, int]]:
        """End the device; the books of what it published and of what it received."""
        self.peer.stop_device()
        problem = self.device.end(40)
        assert not problem, problem
        self.peer.settle()
        sent = self.device.number("SENT")
        assert min(sent) > 5 and min(self.peer.sent) > 5
        seen = traffic.got(self.device.output)
        return traffic.books(self.peer.up, sent), traffic.books(seen, self.peer.sent)

    def close(self) -> None:
        """End all of it."""
        self.device.kill()
        self.peer.close()
        self.gate.close()


def trial(interpreter: str, kind: str, broker: Broker) -> Trial:
    """One that has begun."""
    one = Trial(interpreter, kind, broker)
    if not one.device.wait_for("READY"):
        one.close()
        raise AssertionError(one.device.output)
    return one


@pytest.fixture(params=["client", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    """Each front end."""
    return str(request.param)


@pytest.fixture(params=["bookworm", toolchain.RELEASE])
def release(request: pytest.FixtureRequest) -> str:
    """mosquitto 2.0.11 and a newer one."""
    return str(request.param)


def killed(
    interpreter: str, kind: str, release: str, persistence: bool
) -> tuple[dict[str, int], dict[str, int]]:
    """Traffic over some kills; the books."""
    with Broker(persistence=persistence, release=release) as broker:
        one = trial(interpreter, kind, broker)
        try:
            for number in range(KILLS):
                one.traffic(0.5 + 0.17 * number)
                traffic.outage(broker, one.gate, [one.peer])
            one.traffic(0.7)
            return one.finish()
        finally:
            one.close()


def test_killed_with_persistence_nothing_is_lost(
    interpreter: str, kind: str, release: str
) -> None:
    up, down = killed(interpreter, kind, release, True)
    assert not traffic.faults(up), f"published: {up}"
    assert not traffic.faults(down), f"received: {down}"


def test_killed_without_persistence_nothing_unacknowledged_is_lost(
    interpreter: str, kind: str, release: str
) -> None:
    """QoS 2 past PUBREC counts as done, so at most a window of them dies with each session."""
    up, down = killed(interpreter, kind, release, False)
    assert up.get("lost2", 0) <= KILLS * WINDOW
    assert not traffic.faults(up, (*traffic.BORNE, "lost2")), f"published: {up}"
    assert not traffic.faults(down, (*traffic.BORNE, *SINCE_SESSION_LOST)), f"received: {down}"


def test_killed_at_any_instant(kind: str, release: str) -> None:
    """What mosquitto had not saved is lost or comes twice; never more than was under way."""
    with Broker(persistence=True, release=release) as broker:
        one = trial("micropython32", kind, broker)
        try:
            for number in range(KILLS):
                one.traffic(0.4 + 0.13 * number)
                broker.kill()
                one.gate.cut()
                broker.start()
                one.peer.ready()
                one.gate.open()
            one.traffic(0.7)
            up, down = one.finish()
        finally:
            one.close()
    for found in (up, down):
        assert all(found.get(name, 0) <= KILLS * 20 for name in ("lost1", "lost2", "doubled2"))
        borne = (*traffic.BORNE, "lost1", "lost2", "doubled2", "order1", "order2")
        assert not traffic.faults(found, borne), found
