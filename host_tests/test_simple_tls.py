"""umqtt_full.simple over TLS, and what its programs do with `sock`."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator

import certs
import pytest
from answering import HOST, Answering
from running import HERE, Device
from tls_peers import Listeners
from umqtt_full import simple


@pytest.fixture(scope="module")
def listeners(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listeners]:
    """A broker with TLS."""
    files = certs.make(tmp_path_factory.mktemp("certs"))
    with Listeners(files, kinds=("tls", "mutual")) as one:
        yield one


def run(interpreter: str, kind: str, listeners: Listeners, listener: str = "tls") -> list[str]:
    """What `simple_tls.py` prints."""
    port = str(listeners.ports[listener])
    script = str(HERE / "device" / "simple_tls.py")
    device = Device(interpreter, script, kind, HOST, port, str(listeners.files))
    device.start()
    problem = device.finish()
    assert not problem, problem
    return device.output


def test_a_context_of_the_program_is_used(interpreter: str, listeners: Listeners) -> None:
    assert "DONE" in run(interpreter, "context", listeners)


def test_ssl_true_verifies_nothing_unless_told(listeners: Listeners) -> None:
    assert "DONE" in run("cpython", "plain", listeners)


def test_names_of_cpython_work_with_a_certificate_of_ours(listeners: Listeners) -> None:
    assert "DONE" in run("cpython", "named", listeners, "mutual")


def test_a_certificate_of_another_ca_is_refused(listeners: Listeners) -> None:
    assert "REFUSED" in run("cpython", "wrong", listeners)[0]


def test_ssl_true_needs_nothing_that_python_3_12_has_not(
    listeners: Listeners, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(ssl, "wrap_socket", raising=False)
    client = simple.MQTTClient("c", HOST, listeners.ports["tls"], ssl=True)
    client.connect()
    client.ping()
    client.disconnect()


def test_sock_has_what_programs_do_with_a_socket() -> None:
    with Answering(delay_s=0.2) as broker:
        client = simple.MQTTClient("c", HOST, broker.port)
        client.connect()
        client.sock.settimeout(0.05)  # shorter than the broker needs: nothing is lost
        client.publish("t", "x", qos=1)
        assert client.sock.read(10) is None
        client.sock.setblocking(False)
        assert client.sock.read() is None and client.sock.getpeername()[1] == broker.port
        assert client.sock.write(b"\xc0\0") == 2
        time.sleep(0.4)
        assert client.sock.read(2) == b"\xd0\0"
        client.disconnect()
        client.connect()
        client.disconnect()
    assert not broker.failure
