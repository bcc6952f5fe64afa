"""The node over TLS and WebSocket, by its own settings, on the simulated board."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import certs
import pytest
from node_bench import BOARDS, FAST, LIMIT_S, Observer, make_board, online, wait_until, watching
from test_firmware_life import STOP
from tls_peers import Listeners

from boards.sim.run import SimBoard
from tools.broker import Broker
from tools.time_server import TimeServer, answer

pytestmark = pytest.mark.skipif(Broker().is_external, reason="needs listeners of its own")
KINDS = ("tls", "mutual", "ws", "wss", "expired", "future", "elsewhere")


@pytest.fixture(scope="module")
def listeners(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listeners]:
    """One broker for all tests of this file."""
    with Listeners(certs.make(tmp_path_factory.mktemp("certs")), kinds=KINDS) as one:
        yield one


@pytest.fixture
def observer(listeners: Listeners) -> Iterator[Observer]:
    """An independent subscriber, over TCP."""
    with watching(listeners.broker) as found:
        yield found
        found.clear_retained()


@pytest.fixture
def server() -> Iterator[TimeServer]:
    """What tells the board the time."""
    with TimeServer() as one:
        yield one


# which listener, further settings; the files lie next to the configuration
WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "tls": ("tls", {"tls": True, "ca": "ca.der"}),
    "pem": ("tls", {"tls": True, "ca": "ca.crt"}),
    "mutual": ("mutual", {"tls": True, "ca": "ca.der", "cert": "device.der", "key": "key.der"}),
    "other_name": (
        "elsewhere",
        {"tls": True, "ca": "ca.der", "server_hostname": "elsewhere.test"},
    ),
    "ws": ("ws", {"websocket": "/mqtt"}),
    "wss": ("wss", {"tls": True, "ca": "ca.der", "websocket": "/mqtt"}),
}


def make_tls_board(
    folder: Path,
    listeners: Listeners,
    kind: str,
    settings: dict[str, Any],
    board: str = "pico_w",
    bits: int = 64,
    server: TimeServer | None = None,
    **node: Any,
) -> SimBoard:
    """A board with these settings in "mqtt", the files and a time server (or none that is)."""
    device = make_board(folder, listeners.broker, board, bits, ntp_host="127.0.0.1", **node)
    path = folder / "config.json"
    values = json.loads(path.read_text())
    values["mqtt"] |= {"port": listeners.ports[kind], **settings}
    path.write_text(json.dumps(values))
    for source, target in (
        ("ca.der", "ca.der"),
        ("ca.crt", "ca.crt"),
        ("other.der", "other.der"),
        ("device.der", "device.der"),
        ("device.key.der", "key.der"),
    ):
        shutil.copy(listeners.files / source, folder / target)
    device.environment["SIM_NTP"] = str(server.port if server else 9)
    return device


@pytest.mark.parametrize(
    ("way", "board", "bits"),
    [(way, BOARDS[number % 2], (64, 32)[number // 2 % 2]) for number, way in enumerate(WAYS)],
)
def test_the_node_lives_there_too(
    way: str,
    board: str,
    bits: int,
    listeners: Listeners,
    observer: Observer,
    server: TimeServer,
    tmp_path: Path,
) -> None:
    kind, settings = WAYS[way]
    device = make_tls_board(tmp_path, listeners, kind, settings, board, bits, server, watchdog_s=3)
    with device:
        online(observer)
        wait_until(lambda: observer.payloads("telemetry")[2:], "three reports")
        assert observer.ask("led", "on")["ok"] is True
        assert len(server.asked) == int("tls" in settings)
        lines = [line.split(":")[0] for line in device.lines if line[:6] in ("clock:", "mqtt: ")]
        assert lines == ["clock", "mqtt"] if "tls" in settings else ["mqtt"]
        assert device.resets == 0


def test_it_did_come_over_tls(
    listeners: Listeners, observer: Observer, server: TimeServer, tmp_path: Path
) -> None:
    """The broker knows the client by the name in its certificate, and nothing else got in."""
    device = make_tls_board(tmp_path, listeners, *WAYS["mutual"], server=server)
    with device:
        online(observer)
        log = listeners.broker.log_path
        assert log is not None
        connected = [line for line in log.read_text().splitlines() if " connected from " in line]
        assert "u'device-1'" in connected[-1], connected[-1]


def fast(device: SimBoard, scale: int) -> SimBoard:
    """Have its clock run faster."""
    path = f"{FAST}:{device.environment['MICROPYPATH']}"
    device.environment.update(SIM_TIME=str(scale), SIM_SPEED="10", MICROPYPATH=path)
    return device


def test_without_the_time_a_pico_says_why_and_asks_again(
    listeners: Listeners, observer: Observer, tmp_path: Path
) -> None:
    """Nobody answers for 30 s; TLS tells what is wrong; then the server is there."""
    with TimeServer(lambda question: []) as server:
        device = make_tls_board(tmp_path, listeners, *WAYS["tls"], server=server, watchdog_s=0)
        with fast(device, 10):
            device.wait_for_line("clock: no time from 127.0.0.1 in 30 s", LIMIT_S)
            device.wait_for_line("set the clock before TLS", LIMIT_S)
            server.behave = lambda question: [answer(question)]
            online(observer)
            told = [line for line in device.lines if line[:6] in ("clock:", "mqtt: ")]
            assert told[-2].endswith("UTC, from 127.0.0.1"), told
            assert told[-1] == "mqtt: connected, session new", told
            assert device.resets == 0


def test_an_esp32_connects_without_the_time(
    listeners: Listeners, observer: Observer, tmp_path: Path
) -> None:
    """It does not look at dates, so a time server that is silent only delays it, once."""
    with TimeServer(lambda question: []) as server:
        device = make_tls_board(
            tmp_path, listeners, *WAYS["tls"], "esp32", server=server, watchdog_s=0
        )
        with fast(device, 10):
            online(observer)
            assert len(server.asked) == 5
            line = len(device.lines)
            device.command("link off 60")
            device.wait_for_line("mqtt: lost", LIMIT_S, line)
            device.wait_for_line("mqtt: connected", LIMIT_S, line)
            assert len(server.asked) == 5


def test_a_broker_of_the_future_does_not_have_it_ask_for_ever(
    listeners: Listeners, server: TimeServer, tmp_path: Path
) -> None:
    device = make_tls_board(tmp_path, listeners, "future", WAYS["tls"][1], server=server)
    with device:

        def failed() -> bool:
            return len([line for line in device.lines if "not valid yet" in line]) > 3

        wait_until(failed, "four failures")
        assert len(server.asked) == 1 and device.resets == 0


# settings in "mqtt"; what the console shows before the prompt
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no_such_file": (
        {"tls": True, "ca": "ca.pem"},
        "config.json: mqtt.ca must be a file on the board, and there is no ca.pem",
    ),
    "empty_file": (
        {"tls": True, "ca": "empty"},
        "config.json: mqtt.ca must be a file on the board, and there is no empty",
    ),
    "not_a_certificate": ({"tls": True, "ca": "key.der"}, "config.json: mqtt: ca: "),
    "not_a_key": (
        {"tls": True, "ca": "ca.der", "cert": "device.der", "key": "ca.der"},
        "config.json: mqtt: cert and key: ",
    ),
    "no_ca": ({"tls": True}, "config.json: mqtt.tls needs mqtt.ca"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_files_keep_the_prompt(name: str, listeners: Listeners, tmp_path: Path) -> None:
    settings, text = WRONG[name]
    (tmp_path / "empty").write_text("")
    device = make_tls_board(tmp_path, listeners, "tls", settings, BOARDS[len(name) % 2])
    with device:
        assert device.wait(10) == 0
    assert text in device.lines[-1], device.lines
    assert device.resets == 0 and not (tmp_path / "crashes").exists()


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "expired": ("expired", {}, "has expired"),
    "wrong_ca": ("tls", {"ca": "other.der"}, "not signed by the CA"),
    "wrong_name": ("elsewhere", {}, "for another name"),
    "no_certificate": ("mutual", {}, "cert=... and"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_told_and_tried_again(
    name: str, listeners: Listeners, server: TimeServer, tmp_path: Path
) -> None:
    kind, more, text = REFUSED[name]
    settings = {"tls": True, "ca": "ca.der", **more}
    device = make_tls_board(tmp_path, listeners, kind, settings, server=server, watchdog_s=3)
    with device:
        wait_until(lambda: len([x for x in device.lines if text in x]) > 2, f"{text} three times")
        assert device.resets == 0
        assert [line for line in device.lines if "joining" in line] == ["wifi: joining sim"]


def test_it_stops_while_it_asks_for_the_time(
    listeners: Listeners, server: TimeServer, tmp_path: Path
) -> None:
    server.behave = lambda question: []
    program = STOP.format(ready="node._clock._asked", commands=[], limit=20000)
    device = make_tls_board(tmp_path, listeners, *WAYS["tls"], server=server, start=program)
    with device:
        assert device.wait(LIMIT_S) == 0
    told = device.lines[device.lines.index("cancelled") :]
    assert [told[0], told[-1]] == ["cancelled", "end"] and len(told) == 3, told
    assert int(told[1].split()[1]) < 100
    assert len(server.asked) <= 1
