"""TLS against a real mosquitto: what connects, and what a failure says."""

from __future__ import annotations

import asyncio
import errno
import json
import select
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import certs
import pytest
from running import HERE, Device, command, environment
from tls_peers import Listeners, Proxy, Terminator
from umqtt_full import _cpython, tls

from tools.broker import Broker

FRONTS = ("client", "async")
pytestmark = pytest.mark.skipif(Broker().is_external, reason="needs listeners of its own")


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test CA's files."""
    return certs.make(tmp_path_factory.mktemp("certs"))


@pytest.fixture(scope="module")
def listeners(files: Path) -> Iterator[Listeners]:
    """One broker for all tests of this file."""
    with Listeners(files) as one:
        yield one


@pytest.fixture(params=FRONTS)
def front(request: pytest.FixtureRequest) -> str:
    """Both front ends."""
    return str(request.param)


def device(interpreter: str, operation: str, front: str, options: dict[str, Any]) -> Device:
    """A process that runs one operation of `tls_ops`."""
    script = str(HERE / "device" / "tls_ops.py")
    with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
        json.dump(options, file)  # MicroPython takes no long arguments
    one = Device(interpreter, script, operation, front, file.name)
    one.start()
    return one


def run(interpreter: str, operation: str, front: str, options: dict[str, Any]) -> str:
    """Run it to its end; return what it printed."""
    one = device(interpreter, operation, front, options)
    problem = one.finish(40)
    assert not problem, problem
    return "\n".join(one.output)


WAYS: dict[str, dict[str, Any]] = {
    "pem_file": {},
    "der_file": {"ca": "{}/ca.der"},
    "bytes": {"as_bytes": True},
    "der_bytes": {"as_bytes": True, "ca": "{}/ca.der"},
    "own_context": {"tls": "context"},
    "other_name": {"server_hostname": "localhost"},
    "mutual": {"kind": "mutual"},
    "mutual_der": {"kind": "mutual", "cert": "{}/device.der", "key": "{}/device.key.der"},
    "mutual_sec1_bytes": {
        "kind": "mutual", "cert": "{}/device.der", "key": "{}/device.sec1.der", "as_bytes": True,
    },
    "websocket": {"kind": "ws"},
    "websocket_tls": {"kind": "wss"},
}  # fmt: skip


def filled(files: Path, way: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value.format(files) if isinstance(value, str) else value for key, value in way.items()
    }


@pytest.mark.parametrize("way", WAYS)
def test_every_qos_there_and_back(
    interpreter: str, front: str, way: str, listeners: Listeners
) -> None:
    if front == "async" and way not in ("pem_file", "mutual", "websocket", "websocket_tls"):
        pytest.skip("what differs here, the front ends share")
    options = filled(listeners.files, WAYS[way])
    options = listeners.options(options.pop("kind", "tls"), **options)
    options["op"] = {"prefix": f"{way}-{front}-{interpreter}"}
    run(interpreter, "round_trip", front, options | {"client_id": f"{way}{front}{interpreter}"})


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions(
    interpreter: str, front: str, version: ssl.TLSVersion, listeners: Listeners
) -> None:
    with Terminator(listeners.files, listeners.ports["tcp"], version) as terminator:
        prefix = f"{version.name}-{front}-{interpreter}"
        options = listeners.options("tls", port=terminator.port, client_id=prefix)
        run(interpreter, "round_trip", front, options | {"op": {"prefix": prefix}})
        assert terminator.versions == [version.name.replace("_", ".")]


FAILURES: dict[str, tuple[str, dict[str, Any], str, list[str]]] = {
    "wrong_ca": ("tls", {"ca": "{}/other.crt"}, "unknown_ca", ["ca="]),
    "wrong_name": ("elsewhere", {}, "host_name", ["server_hostname"]),
    "wrong_given_name": ("tls", {"server_hostname": "nowhere.test"}, "host_name", []),
    "expired": ("expired", {}, "expired", ["renew", "clock", "today is 20"]),
    "not_yet_valid": ("future", {}, "not_yet_valid", ["clock", "ntptime", "today is 20"]),
    "no_client_certificate": ("mutual", {"cert": None, "key": None}, "", ["cert="]),
    "strange_client_certificate": (
        "mutual", {"cert": "{}/stranger.crt", "key": "{}/stranger.key"}, "", ["cert="],
    ),
    "not_tls": ("tls", {"port": "tcp"}, "closed", ["port"]),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
def test_failures_say_what_to_do(
    interpreter: str, front: str, name: str, listeners: Listeners
) -> None:
    if front == "async" and name not in ("wrong_ca", "no_client_certificate"):
        pytest.skip("what differs here, the front ends share")
    kind, more, reason, text = FAILURES[name]
    more = filled(listeners.files, more)
    if "port" in more:
        more["port"] = listeners.ports[more["port"]]
    op = {"text": text, "within_ms": 5000}
    if reason:
        op["reason"] = reason
    if front == "async":
        more |= {"timeout_ms": 700}  # it goes on trying until then
    run(interpreter, "fails", front, listeners.options(kind, op=op, **more))


def test_key_of_another_certificate(interpreter: str, listeners: Listeners) -> None:
    more = {"key": f"{listeners.files}/stranger.key"}
    if interpreter == "cpython":
        one = device(interpreter, "fails", "client", listeners.options("mutual", **more))
        assert "exit status" in one.finish(20)
        assert "ValueError: key does not belong to cert" in "\n".join(one.output)
    else:  # there nothing compares the two: the broker does
        op = {"text": ["TLS", "key="]}
        run(interpreter, "fails", "client", listeners.options("mutual", op=op, **more))


def test_unverified_only_by_name_and_loudly(interpreter: str, listeners: Listeners) -> None:
    more = {"ca": None, "insecure_no_verification": True, "client_id": f"insecure{interpreter}"}
    options = listeners.options("expired", **more, op={"prefix": f"insecure-{interpreter}"})
    assert "WARNING: insecure_no_verification" in run(interpreter, "round_trip", "client", options)


def test_system_list_of_cas_does_not_know_ours(listeners: Listeners) -> None:
    op = {"reason": "unknown_ca"}
    run("cpython", "fails", "client", listeners.options("tls", ca=None, op=op))


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "ca_without_tls": ({"tls": False, "ca": "x"}, "only with tls=True"),
    "psk_without_tls": ({"psk": ["a", "b"]}, "only with tls=True"),
    "cert_without_key": ({"tls": True, "ca": "{}/ca.crt", "cert": "x"}, "go together"),
    "key_without_cert": ({"tls": True, "ca": "{}/ca.crt", "key": "x"}, "go together"),
    "ca_and_insecure": (
        {"tls": True, "ca": "x", "insecure_no_verification": True}, "either ca or insecure",
    ),
    "psk_and_ca": ({"tls": True, "ca": "x", "psk": ["a", "b"]}, "psk stands for"),
    "context_and_ca": ({"tls": "context", "ca": "{}/ca.crt", "cert": "x"}, "brings its own"),
    "not_a_context": ({"tls": 7}, "SSLContext"),
    "no_such_file": ({"tls": True, "ca": "/nonexistent.crt"}, "cannot read the file"),
    "ca_is_no_certificate": ({"tls": True, "ca": "{}/ca.key.der"}, "ca"),
    "key_is_no_key": (
        {"tls": True, "ca": "{}/ca.crt", "cert": "{}/ca.crt", "key": "{}/ca.der"}, "cert and key",
    ),
    "path": ({"websocket": "mqtt"}, "a path as /mqtt"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_combinations(interpreter: str, name: str, files: Path) -> None:
    options, text = BAD[name]
    options = filled(files, options) | {"host": "127.0.0.1", "port": 1}
    one = device(interpreter, "fails", "client", options)
    assert "exit status" in one.finish(20)
    output = "\n".join(one.output)
    assert "ValueError" in output and text in output, output


def test_micropython_needs_a_ca(listeners: Listeners) -> None:
    one = device("micropython64", "fails", "client", listeners.options("tls", ca=None))
    assert "exit status" in one.finish(20)
    assert "needs ca=" in "\n".join(one.output)


def test_no_leak_over_100_failed_handshakes(
    interpreter: str, front: str, listeners: Listeners
) -> None:
    op = {"reason": "unknown_ca", "attempts": 100 if front == "client" else 10}
    more: dict[str, Any] = {"ca": f"{listeners.files}/other.crt", "op": op}
    if front == "async":
        more |= {"timeout_ms": 500}
    run(interpreter, "fails", front, listeners.options("tls", **more))


@pytest.mark.parametrize("kind", ["tls", "wss", "ws"])
def test_a_handshake_that_stalls_ends_in_time(
    interpreter: str, front: str, kind: str, listeners: Listeners
) -> None:
    all_limits = ((None, 0), (None, 60 if kind == "ws" else 700), (20, None))
    limits = all_limits[len(interpreter + front + kind) % 3]
    with Proxy(listeners.ports[kind]) as proxy:
        proxy.always, proxy.how = limits, "stall"
        op = {"within_ms": 2500, "flushes": 40, "error": "OSError"}
        more = {"port": proxy.port, "op": op, "connect_timeout_ms": 900, "timeout_ms": 900}
        run(interpreter, "fails", front, listeners.options(kind, **more))


@pytest.mark.parametrize(
    ("raised", "stage", "reason"),
    [
        (MemoryError(), 0, "no_memory"),
        (OSError(errno.ENOMEM, ""), 1, "no_memory"),
        (OSError(-0x7F00, ""), 1, "no_memory"),  # mbedtls: SSL, MPI and PK could not allocate
        (OSError(-0x4310, ""), 1, "no_memory"),
        (OSError(-0x3F80, ""), 1, "no_memory"),
        (OSError(-0x7780, ""), 1, "refused"),
        (OSError(-0x7280, ""), 1, "closed"),
        (OSError(errno.ECONNRESET, ""), 1, "closed"),
        (OSError(errno.EPIPE, ""), 1, "closed"),
        (OSError(-errno.EPIPE, ""), 1, "closed"),  # mbedtls lets them out like this
        (OSError(-errno.ECONNRESET, ""), 1, "closed"),
        (OSError(-0x7200, ""), 1, "not_tls"),
        (OSError(-0x6C00, ""), 1, "tls"),
        (ValueError("The certificate validity starts in the future\n"), 1, "not_yet_valid"),
        (
            ValueError("certificate: trusted CA\nThe certificate validity starts in the future"),
            1,
            "not_yet_valid",
        ),
        (ValueError("The certificate is signed with an unacceptable hash."), 1, "certificate"),
    ],
)
def test_reasons(raised: Exception, stage: int, reason: str) -> None:
    """What only boards raise."""
    explained = tls.explain(raised, stage)
    assert isinstance(explained, tls.TLSError) and explained.reason == reason
    reset = isinstance(raised, OSError) and abs(raised.errno or 0) in (
        errno.ECONNRESET,
        errno.EPIPE,
    )
    assert (explained.errno == errno.ECONNRESET) == reset
    assert ("bytes of heap are free" in str(explained)) == (reason == "no_memory")


def test_none_stands_for_not_given(interpreter: str, front: str, listeners: Listeners) -> None:
    """So a program can hand on its settings as they are; then TLS is not even loaded."""
    nothing = dict.fromkeys(("ca", "cert", "key", "psk", "server_hostname", "websocket"), None)
    op = {"prefix": f"none-{front}-{interpreter}", "not_loaded": "umqtt_full.tls"}
    options = {"host": "127.0.0.1", "port": listeners.ports["tcp"], "tls": False, **nothing}
    options |= {"insecure_no_verification": False, "client_id": op["prefix"], "op": op}
    run(interpreter, "round_trip", front, options)
    options |= {"port": listeners.ports["tls"], "tls": True, "ca": f"{listeners.files}/ca.crt"}
    run(interpreter, "round_trip", front, options | {"op": {"prefix": op["prefix"]}})


def test_its_error_is_a_name_of_the_package(interpreter: str) -> None:
    """And like TLS itself it is loaded only when it is asked for."""
    code = (
        "import sys, umqtt_full as u; u.Client; before = 'umqtt_full.tls' in sys.modules;"
        "print(before, issubclass(u.TLSError, OSError), u.TLSError is sys.modules"
        "['umqtt_full.tls'].TLSError)"
    )
    argv = [*command(interpreter), "-c", code]
    done = subprocess.run(
        argv, env=environment(interpreter), capture_output=True, text=True, timeout=20, check=False
    )
    assert done.stdout.split() == ["False", "True", "True"], done.stderr


def test_what_is_not_of_tls_stays() -> None:
    """Other exceptions pass; negative errnos, which TLS lets out, are made positive."""
    for stage in (0, 1, 2):
        for one in (OSError(errno.ECONNREFUSED, "x"), ValueError("x"), TypeError("x")):
            assert tls.explain(one, stage) is one
    for stage in (1, 2):
        changed = tls.explain(OSError(-errno.ECONNABORTED, ""), stage)
        assert isinstance(changed, OSError) and changed.errno == errno.ECONNABORTED
    of_resolver = OSError(-2, "by getaddrinfo")
    assert tls.explain(of_resolver, 0) is of_resolver


def test_what_tls_has_read_ahead_needs_no_event() -> None:
    """`select` knows nothing of it; on MicroPython the TLS object's own ioctl does."""
    near, far = socket.socketpair()
    stream = _cpython.Stream(near)
    stream.pending = lambda: 5
    poll = _cpython.Poll()
    poll.register(stream, select.POLLIN)
    start = time.monotonic()
    assert [events for _, events in poll.ipoll(5000)] == [select.POLLIN]

    async def wait() -> None:
        await asyncio.wait_for(_cpython.Readiness(False)(stream), 5)

    asyncio.run(wait())
    assert time.monotonic() - start < 3
    stream.pending = lambda: 0
    assert list(poll.ipoll(0)) == []
    near.close()
    far.close()


@pytest.mark.parametrize("kind", ["tls", "wss"])
def test_async_handshake_can_be_cancelled(
    interpreter: str, kind: str, listeners: Listeners
) -> None:
    with Proxy(listeners.ports[kind]) as proxy:
        proxy.always, proxy.how = (None, 300), "stall"
        run(interpreter, "cancelled", "async", listeners.options(kind, port=proxy.port))


@pytest.mark.parametrize("kind", ["tls", "wss", "ws"])
def test_idle_takes_no_time(interpreter: str, front: str, kind: str, listeners: Listeners) -> None:
    name = f"idle-{kind}-{front}-{interpreter}"
    run(interpreter, "quiet", front, listeners.options(kind, client_id=name))


@pytest.mark.parametrize("kind", ["tls", "wss", "ws"])
def test_one_byte_at_a_time(interpreter: str, front: str, kind: str, listeners: Listeners) -> None:
    with Proxy(listeners.ports[kind], step=1) as proxy:
        name = f"dribble-{kind}-{front}-{interpreter}"
        options = listeners.options(kind, port=proxy.port, client_id=name, op={"times": 0})
        run(interpreter, "cut", front, options)
