"""Delay, loss and black holes between two network namespaces; paho sits beside the broker.

Together about a minute of waiting, so only when asked for: `BADNET=1 make test ARGS="-k badnet"`.
Skipped, and it says why, where the machine has no namespaces (needs Linux, root and iproute2).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

import pytest

from tools import badnet, traffic

KEEP_ALIVE_S = 4  # of soak_traffic.py: a dead link must be known within it
MARGIN_S = 1.0
CALL_MS = 2000  # timeout_ms there
KINDS = ("client", "async")
INTERPRETER = "micropython32"

pytestmark = pytest.mark.skipif(
    os.environ.get("BADNET", "") in ("", "0"), reason="a minute of waiting: set BADNET=1"
)


@pytest.fixture(scope="module")
def network() -> Iterator[badnet.Network]:
    """Two namespaces, a broker and a good wire."""
    try:
        with badnet.Network() as network:
            yield network
    except badnet.Unavailable as error:
        pytest.skip(f"no bad network here: {error}")


@pytest.fixture(autouse=True)
def good_again(network: badnet.Network) -> Iterator[None]:
    """Every test begins and ends with a wire without faults."""
    good = {"delay_ms": 0, "jitter_ms": 0, "loss": 0, "hole": "", "seed": 1}
    network.wire(**good)
    yield
    network.wire(**good)


class Side:
    """A device of one kind behind the wire, and its other side."""

    def __init__(self, network: badnet.Network, kind: str) -> None:
        prefix = f"{kind}{time.monotonic_ns()}"
        self.kind = kind
        self.peer = traffic.Peer(prefix, network.unix)
        program = [str(traffic.PROGRAM), kind, network.host, str(network.port), prefix, "50"]
        self.process = traffic.Process(INTERPRETER, program, wrapper=network.device)

    def finish(self) -> list[str]:
        """End it; what is wrong."""
        self.peer.stop_device()
        problem = self.process.end(40)
        self.peer.settle()
        self.peer.close()
        sent = self.process.number("SENT") or [0, 0, 0]
        found = traffic.faults(traffic.books(self.peer.up, sent))
        found |= traffic.faults(traffic.books(traffic.got(self.process.output), self.peer.sent))
        problems = [problem] if problem else []
        problems += [f"{self.kind} {found}"] if found else []
        longest = self.process.number("LONGEST")
        if longest and longest[0] > CALL_MS + 1000 * MARGIN_S:
            problems.append(f"{self.kind}: a call took {longest[0]} ms")
        return problems


def run(network: badnet.Network, bad: Callable[[Callable[[float], None]], None]) -> list[Side]:
    """Traffic with both kinds of client, while `bad` happens; all that was sent has arrived."""
    sides = [Side(network, kind) for kind in KINDS]

    def go_on(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for side in sides:
                side.peer.publish()
            time.sleep(0.05)

    try:
        for side in sides:
            assert side.process.wait_for("READY"), side.process.output
        bad(go_on)
        problems = [problem for side in sides for problem in side.finish()]
    finally:
        for side in sides:
            side.process.kill()
    assert not problems, "\n".join(problems)
    return sides


def hole(network: badnet.Network, direction: str, seconds: float) -> list[tuple[float, float]]:
    """Traffic over a hole; when each kind knew of it, and how long after it the link was back."""
    moments = []

    def bad(go_on: Callable[[float], None]) -> None:
        go_on(1)
        network.wire(hole=direction)
        moments.append(time.monotonic())
        go_on(seconds)
        network.wire(hole="")
        moments.append(time.monotonic())
        go_on(3)

    sides = run(network, bad)
    return [
        (side.process.when("DOWN", moments[0]), side.process.when("UP", moments[1]))
        for side in sides
    ]


def test_badnet_delay_and_loss(network: badnet.Network) -> None:
    def bad(go_on: Callable[[float], None]) -> None:
        counts = network.wire(delay_ms=50, jitter_ms=20, loss=0.05)
        go_on(6)
        counts = network.wire(loss=0)
        assert counts["ab"]["dropped"] and counts["ba"]["dropped"], counts  # type: ignore[index]

    run(network, bad)


def test_badnet_a_hole_of_two_seconds_loses_nothing(network: badnet.Network) -> None:
    hole(network, "both", 2)


@pytest.mark.parametrize(("direction", "seconds"), [("both", 20), ("ab", 8), ("ba", 8)])
def test_badnet_a_dead_link_is_known_within_the_keep_alive(
    network: badnet.Network, direction: str, seconds: float
) -> None:
    for known, back in hole(network, direction, seconds):
        print(f"hole {direction} of {seconds} s: known after {known:.2f} s, back {back:.2f} s")
        assert 0 < known <= KEEP_ALIVE_S + MARGIN_S
        assert 0 < back <= 2 * MARGIN_S + 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("interpreter", ["cpython", INTERPRETER])
def test_badnet_fifty_publishes_are_in_flight_at_once(
    network: badnet.Network, kind: str, interpreter: str
) -> None:
    """One round trip, not fifty; 0.2 s are for the network, the rest for a busy computer."""
    network.wire(delay_ms=50)
    prefix = f"b{time.monotonic_ns()}"
    peer = traffic.Peer(prefix, network.unix)
    program = str(traffic.PROGRAM.parent / "badnet_burst.py")
    arguments = [program, kind, network.host, str(network.port), prefix, "50"]
    process = traffic.Process(interpreter, arguments, wrapper=network.device)
    problem = process.end(20)
    peer.settle()
    peer.close()
    assert not problem, problem
    given, acknowledged = process.number("BURST")
    print(f"{interpreter} {kind}: 50 given in {given} ms, acknowledged after {acknowledged} ms")
    assert not traffic.books(peer.up, [0, 50, 0])
    assert acknowledged < 400
