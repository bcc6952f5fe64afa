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

from tools.broker import HOST, Broker

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


def cuts(kind: str, listeners: Listeners, share: int, of: int) -> list[tuple[Any, Any]]:
    """Where this run cuts: all runs together cut behind each byte of either side."""
    with Proxy(listeners.ports[kind]) as proxy:
        options = listeners.options(kind, port=proxy.port, client_id="measure", op={"times": 0})
        problem = device("cpython", "cut", "client", options).finish(20)
        assert not problem, problem
        up, down = proxy.passed[0]
    # up to CONNACK: what comes after it (a publish, its ack, the end) is some 150 bytes
    limits: list[tuple[Any, Any]] = [(None, n) for n in range(0, down - 130)]
    limits += [(n, None) for n in range(0, up - 170)]
    if not EVERY:
        of *= 2 if kind == "ws" else 17
    return limits[share::of]


@pytest.mark.parametrize("interpreter", INTERPRETERS)
@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("kind", KINDS)
def test_handshake_is_cut(kind: str, front: str, interpreter: str, listeners: Listeners) -> None:
    """UMQTT_EVERY_BYTE=1 cuts behind every byte, else a part of them."""
    share = INTERPRETERS.index(interpreter) * 2 + FRONTS.index(front)
    limits = cuts(kind, listeners, share, 6)
    with Proxy(listeners.ports[kind]) as proxy:
        proxy.limits = list(limits)
        name = f"cut-{kind}-{front}-{interpreter}"
        options = listeners.options(kind, port=proxy.port, client_id=name)
        options |= {"op": {"times": len(limits)}, "connect_timeout_ms": 2000}
        problem = device(interpreter, "cut", front, options).finish(60)
        assert not problem, problem
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
