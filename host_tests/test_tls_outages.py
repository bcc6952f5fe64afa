"""Outages over TLS and WebSocket: what holds over TCP holds there."""

from __future__ import annotations

import json
import os
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import certs
import pytest
import test_mosquitto as over_tcp
from running import HERE, INTERPRETERS, Device
from test_tls import FRONTS, device
from tls_peers import Listeners, Proxy

from tools.broker import Broker
from tools.ports import HOST

KINDS = ("tls", "ws", "wss")
EVERY = bool(os.environ.get("UMQTT_EVERY_BYTE"))
SCENARIOS = (
    over_tcp.test_publishes_at_each_qos,
    over_tcp.test_receives_at_each_qos,
    over_tcp.test_payloads_larger_than_the_buffers,
    over_tcp.test_many_in_flight_arrive_once_and_in_order,
    over_tcp.test_many_inbound_arrive_once_and_in_order,
    over_tcp.test_broker_killed_between_publishes_loses_nothing,
    over_tcp.test_broker_restarted_amid_publishes_loses_nothing,
    over_tcp.test_messages_wait_at_a_broker_that_was_killed,
)
pytestmark = pytest.mark.skipif(Broker().is_external, reason="needs listeners of its own")


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test CA's files."""
    return certs.make(tmp_path_factory.mktemp("certs"))


@pytest.fixture(scope="module")
def listeners(files: Path) -> Iterator[Listeners]:
    """One broker for all tests of this file that do not end it."""
    with Listeners(files, persistence=True, kinds=KINDS) as one:
        yield one


# each scenario on each Python, and each way with each of them; UMQTT_EVERY_BYTE=1: all crossings
CROSSED = [
    pytest.param(one, kind, interpreter, id=f"{one.__name__[5:]}-{kind}-{interpreter}")
    for i, one in enumerate(SCENARIOS)
    for j, kind in enumerate(KINDS)
    for k, interpreter in enumerate(INTERPRETERS)
    if EVERY or (i + j + k) % 3 == 0
]


@pytest.mark.parametrize(("scenario", "kind", "interpreter"), CROSSED)
def test_scenario_of_tcp(
    scenario: Any,
    kind: str,
    interpreter: str,
    listeners: Listeners,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = listeners.options(kind)
    port = options.pop("port")
    options.pop("host")
    file = tmp_path / "options.json"
    file.write_text(json.dumps(options))

    class Run(over_tcp.Run):
        """The library's side, by another way than TCP."""

        def __init__(self, interpreter: str, broker: Broker, name: str, prefix: str) -> None:
            script = str(HERE / "device" / "tls_scenarios.py")
            arguments = (script, str(file), "mosquitto", name, HOST, str(port), prefix)
            Device.__init__(self, interpreter, *arguments)
            self._reached = {}
            self._ended = threading.Event()
            self.on_sync = lambda tag: self._event(tag).set()
            self.on_end = self._ended.set
            self.start()

    monkeypatch.setattr(over_tcp, "Run", Run)
    scenario(interpreter, listeners.broker)


_lengths: dict[tuple[str, str], tuple[int, int]] = {}
# A certificate's signature, and so a handshake, is some bytes longer or shorter each time.
SPREAD = 6


def lengths(kind: str, interpreter: str, listeners: Listeners) -> tuple[int, int]:
    """How many bytes go up and down until CONNACK is there; mbedtls needs others than OpenSSL."""
    key = kind, interpreter.rstrip("0123456789")
    if key not in _lengths:
        with Proxy(listeners.ports[kind]) as proxy:
            one = device(
                interpreter, "measure", "client", listeners.options(kind, port=proxy.port)
            )

            def connected(tag: str) -> None:
                _lengths[key] = proxy.passed[0][0], proxy.passed[0][1]
                one.release(tag)

            one.on_sync = connected
            problem = one.finish(20)
            assert not problem, problem
    return _lengths[key]


def cuts(
    kind: str, interpreter: str, listeners: Listeners, share: int
) -> list[tuple[int | None, int | None]]:
    """Where this run cuts; the six runs of a Python cut behind each byte of either side."""
    up, down = lengths(kind, interpreter, listeners)
    limits: list[tuple[int | None, int | None]] = [(None, n) for n in range(down - SPREAD)]
    limits += [(n, None) for n in range(up - SPREAD)]
    return limits[share :: 6 if EVERY else 60 if kind == "ws" else 300]


HOWS = ("fin", "rst", "stall")
# While it is stalled, only its own limit ends an attempt: some more than a good one takes, in
# which mosquitto sleeps 0.1 s for each turn of a WebSocket's handshake.
STALL_MS = {"tls": 250, "ws": 250, "wss": 700}


@pytest.mark.timeout(400)
@pytest.mark.parametrize("interpreter", INTERPRETERS)
@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("kind", KINDS)
def test_handshake_is_cut(
    kind: str, how: str, front: str, interpreter: str, listeners: Listeners
) -> None:
    """UMQTT_EVERY_BYTE=1 cuts behind every byte, else a part of them; each attempt is an error."""
    share = HOWS.index(how) * 2 + FRONTS.index(front)
    limits = cuts(kind, interpreter, listeners, share)
    with Proxy(listeners.ports[kind]) as proxy:
        proxy.limits, proxy.how = list(limits), how
        name = f"cut-{kind}-{how}-{front}-{interpreter}"
        options = listeners.options(kind, port=proxy.port, client_id=name)
        options["op"] = {
            "times": len(limits),
            "limit_ms": STALL_MS[kind] if how == "stall" else 2000,
        }
        problem = device(interpreter, "cut", front, options).finish(390 if EVERY else 60)
        assert not problem, problem
        assert len(proxy.passed) >= len(limits) + 1
        if how != "stall":  # an attempt on a busy computer may take longer than it has
            assert len(proxy.passed) == len(limits) + 1


@pytest.mark.parametrize("interpreter", INTERPRETERS)
@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_lost_or_doubled_while_links_break(
    kind: str, front: str, interpreter: str, listeners: Listeners
) -> None:
    """The link breaks behind any number of bytes, some of them in the handshake."""
    chance = random.Random(f"{kind}{front}{interpreter}")
    with Proxy(listeners.ports[kind], step=700) as proxy:
        least, most = (250, 1500) if kind == "ws" else (1800, 4000)
        proxy.limits = [
            (None, chance.randrange(least, most))
            if one & 1
            else (chance.randrange(least, most), None)
            for one in range(12)
        ]
        name = f"break-{kind}-{front}-{interpreter}"
        options = listeners.options(kind, port=proxy.port, client_id=name, timeout_ms=20000)
        options |= {"op": {"prefix": name, "count": 100}, "backoff_ms": 5, "backoff_max_ms": 50}
        one = device(interpreter, "stream", front, options)
        one.on_sync = one.release
        problem = one.finish(60)
        assert not problem, problem
        assert len(proxy.passed) > 2, "the link did not break"


FLOW = (
    240  # bytes of either side after CONNACK: resumed acknowledgements, a subscription, messages
)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("interpreter", INTERPRETERS)
@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("kind", KINDS)
def test_flows_are_cut_behind_connack(
    kind: str, front: str, interpreter: str, listeners: Listeners
) -> None:
    """One connection after the other ends some bytes behind CONNACK, and nothing is lost.

    UMQTT_EVERY_BYTE=1: at every byte of either side; else at some, others on each Python.
    """
    up, down = lengths(kind, interpreter, listeners)
    shift = INTERPRETERS.index(interpreter) * 2 + FRONTS.index(front)
    step = 1 if EVERY else 40 if kind == "tls" else 60
    with Proxy(listeners.ports[kind]) as proxy:
        for more in range(shift % step, FLOW, step):
            proxy.limits += [(up + more, None), (None, down + more)]
        proxy.how = ("fin", "rst")[shift & 1]
        cuts = len(proxy.limits)
        name = f"flow-{kind}-{front}-{interpreter}"
        options = listeners.options(kind, port=proxy.port, client_id=name, timeout_ms=20000)
        options |= {"op": {"prefix": name, "count": 40 + 2 * cuts}}
        options |= {"backoff_ms": 5, "backoff_max_ms": 20}
        one = device(interpreter, "stream", front, options)
        one.on_sync = one.release
        problem = one.finish(390 if EVERY else 60)
        assert not problem, problem
        assert not proxy.limits, "not all cuts came"
