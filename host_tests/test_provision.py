"""From `make certs` and `make provision` to a node that is online, without a board."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from node_bench import LIMIT_S, wait_until
from paho.mqtt.enums import CallbackAPIVersion
from test_tls_recipes import configured
from test_tools_flash import Fake

from boards.sim.run import ROOT, SimBoard
from tools import certs, flash, provision, toolchain
from tools.broker import Broker
from tools.time_server import TimeServer

DEVICE = "node-1"


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """Certificates as the commands make them."""
    folder = tmp_path / "certs"
    arguments = ["--folder", str(folder), "--device", DEVICE, "--device", "admin"]
    assert certs.main(arguments) == 0
    for kind in ("crt", "key"):  # who looks after all of them, beside the others
        shutil.copy(folder / "devices" / f"admin.{kind}", folder)
    return folder


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A configuration as a user has it, for TCP."""
    path = tmp_path / "config.json"
    values = {
        "wifi": {"ssid": "sim", "password": "simulated", "stable_s": 0.1, "leave_s": 0.1},
        "mqtt": {"host": "127.0.0.1", "port": 1883, "base_topic": DEVICE},
        "node": {"interval_s": 0.3, "skip_window_s": 0, "ntp_host": "127.0.0.1"},
    }
    path.write_text(json.dumps(values))
    path.chmod(0o600)
    monkeypatch.setattr(provision, "CONFIG", path)
    yield path
    assert json.loads(path.read_text()) == values


def put(flash_folder: Path, fleet: Path, *more: str) -> int:
    """`make provision` on a fake board, whose flash is that folder."""
    fake = Fake(flash_folder)
    try:
        arguments = ["--device", DEVICE, "--folder", str(fleet), "--port", fake.port, *more]
        return provision.main(arguments)
    finally:
        fake.end()


def heard_by_admin(fleet: Path, port: int) -> tuple[paho.Client, list[paho.MQTTMessage]]:
    """A subscriber that the access list lets hear everything."""
    heard: list[paho.MQTTMessage] = []
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="admin")
    client.tls_set(f"{fleet}/ca.crt", f"{fleet}/admin.crt", f"{fleet}/admin.key")
    client.on_connect = lambda client, *rest: client.subscribe("#", 1)
    client.on_message = lambda client, data, message: heard.append(message)
    client.connect("127.0.0.1", port)
    client.loop_start()
    return client, heard


@pytest.mark.skipif(Broker().is_external, reason="needs a configuration of its own")
def test_a_provisioned_board_is_online_by_the_shipped_configuration(
    fleet: Path, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broker, ports = configured("mutual.conf", fleet)
    values = json.loads(config.read_text())
    flash_folder = tmp_path / "flash"
    flash_folder.mkdir()
    assert put(flash_folder, fleet) == 0
    out = capsys.readouterr().out
    assert "wrote   certs/device.key" in out and "wrote   config.json" in out
    assert put(flash_folder, fleet) == 0  # the folder is there already
    written = json.loads((flash_folder / "config.json").read_text())
    assert written["mqtt"]["tls"] is True and "port" not in written["mqtt"]
    assert written["wifi"] == values["wifi"]
    written["mqtt"]["port"] = ports[8883]  # which this computer has free instead
    (flash_folder / "config.json").write_text(json.dumps(written))
    with broker, TimeServer() as server:
        client, heard = heard_by_admin(fleet, ports[8883])
        device = SimBoard(
            flash_folder, "pico_w", toolchain.micropython(), speed=10, SIM_NTP=str(server.port)
        )
        try:
            with device:
                device.wait_for_line("mqtt: connected, session new", LIMIT_S)
                wait_until(lambda: [m for m in heard if m.topic == f"{DEVICE}/telemetry"], "it")
        finally:
            client.disconnect()
            client.loop_stop()


def test_without_configuration(fleet: Path, tmp_path: Path) -> None:
    """Certificates only: --no-config."""
    flash_folder = tmp_path / "flash"
    flash_folder.mkdir()
    (flash_folder / "config.json").write_text("mine")
    assert put(flash_folder, fleet, "--no-config") == 0
    assert (flash_folder / "config.json").read_text() == "mine"
    assert sorted(path.name for path in (flash_folder / "certs").iterdir()) == [
        "ca.der", "device.der", "device.key",
    ]  # fmt: skip


def test_a_configuration_that_the_firmware_would_refuse_is_not_written(
    fleet: Path, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = config.read_text()
    values = json.loads(before)
    values["mqtt"]["websocket"] = "mqtt"
    config.write_text(json.dumps(values))
    flash_folder = tmp_path / "flash"
    flash_folder.mkdir()
    assert put(flash_folder, fleet) == 1
    assert 'config.json: mqtt.websocket must be a path as "/mqtt"' in capsys.readouterr().err
    assert list(flash_folder.iterdir()) == []
    config.write_text(before)


def test_flash_takes_a_configuration_with_tls(tmp_path: Path) -> None:
    """Its files are on the board only, so the check on the computer does not look for them."""
    (tmp_path / "firmware").mkdir()
    shutil.copy(ROOT / "firmware" / "config.py", tmp_path / "firmware")
    values: Any = {"wifi": {"ssid": "s"}, "mqtt": {"host": "h", "tls": True, "ca": "certs/ca.der"}}
    path = tmp_path / "firmware" / "config.json"
    path.write_text(json.dumps(values))
    assert flash.config_problem(tmp_path) == ""
    values["mqtt"]["ca"] = None
    path.write_text(json.dumps(values))
    assert "mqtt.tls needs mqtt.ca" in flash.config_problem(tmp_path)
