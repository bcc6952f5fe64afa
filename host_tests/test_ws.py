"""WebSocket: the stream alone on each Python, and what it takes from the heap."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import certs
import pytest
from running import HERE, Device
from tls_peers import Listeners

from tools.broker import Broker
from tools.ports import HOST

OPERATIONS = (
    *("publish-0-bytes-16", "publish-1-str-200", "publish-2-bytes-700", "publish-1-bytes-4000"),
    *("receive-0-exact-16", "receive-1-wild-200", "receive-2-exact-700", "receive-2-exact-4000"),
    *("receive-streamed", "receive-drained", "idle", "ping", "nowait-2", "handler-publishes"),
)


def test_stream(interpreter: str) -> None:
    """Handshake, frames, masks, control frames, rules: see `tls_ws_unit`."""
    one = Device(interpreter, str(HERE / "device" / "tls_ws_unit.py"))
    one.start()
    problem = one.finish(30)
    assert not problem, problem


@pytest.fixture(scope="module")
def listeners(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listeners]:
    """One broker for all operations."""
    if Broker().is_external:
        pytest.skip("needs listeners of its own")
    files = certs.make(tmp_path_factory.mktemp("certs"))
    with Listeners(files, kinds=("tls", "ws", "wss")) as one:
        yield one


@pytest.mark.parametrize(
    ("kind", "name"),
    [("ws", name) for name in OPERATIONS]
    + [("tls", name) for name in OPERATIONS[::2]]
    + [("wss", name) for name in OPERATIONS[1::2]],
)
def test_no_byte_is_taken(kind: str, name: str, listeners: Listeners) -> None:
    """Steady state takes nothing from the heap over WebSocket and TLS either."""
    script = str(HERE / "device" / "tls_alloc.py")
    ca = str(Path(listeners.files) / "ca.crt")
    one = Device("micropython32", script, kind, ca, name, HOST, str(listeners.ports[kind]))
    one.start()
    problem = one.finish(60)
    assert not problem, problem
