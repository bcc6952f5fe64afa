"""One TCP segment a publish, also of a payload that is written from where it is.

A second segment would wait for the acknowledgement of the first one, which a broker puts off
for 40 ms where TCP_NODELAY is not set.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import certs
import pytest
from test_tls import FRONTS, run
from tls_peers import Listeners

from tools.bench.wire import Proxy
from tools.broker import Broker
from tools.ports import HOST

pytestmark = [
    pytest.mark.skipif(Broker().is_external, reason="needs listeners of its own"),
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts segments"),
]


@pytest.fixture(scope="module")
def listeners(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listeners]:
    """One broker for all tests."""
    files = certs.make(tmp_path_factory.mktemp("certs"))
    with Listeners(files, kinds=("tls", "ws", "wss")) as one:
        yield one


def segments(
    listeners: Listeners, kind: str, interpreter: str, front: str, count: int, **op: int
) -> int:
    """How many a connection takes in which so many long messages are published."""
    options = listeners.options(kind, op={"count": count, **op})
    proxy = Proxy((HOST, options["port"]))
    options["port"] = proxy.port
    try:
        run(interpreter, "publish_long", front, options)
        received = proxy.received()
    finally:
        proxy.close()
    assert received is not None
    return received[0]


@pytest.mark.parametrize("upload", [False, True], ids=["memory", "file"])
@pytest.mark.parametrize("qos", [0, 1])
@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("kind", ["tcp", "tls", "ws", "wss"])
def test_a_long_publish_is_one_segment(
    listeners: Listeners, kind: str, front: str, qos: int, upload: bool, interpreter: str
) -> None:
    few = segments(listeners, kind, interpreter, front, 2, qos=qos, upload=upload)
    many = segments(listeners, kind, interpreter, front, 12, qos=qos, upload=upload)
    # 20 without a cork. At QoS 0 several may go together, also in the shorter run; and the system
    # gives up a cork after 200 ms, for which a process may not run on a busy machine.
    assert many - few <= 14
