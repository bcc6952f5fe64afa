"""The firmware on the simulated board: settings, ways to skip it, what is installed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from manifests import frozen_by
from node_bench import (
    BOARDS,
    LIMIT_S,
    Observer,
    make_board,
    online,
    persistent_broker,
    run,
    wait_until,
    watching,
)

from boards.sim.run import ROOT, SimBoard
from tools.broker import Broker

LEAST = {"wifi": {"ssid": "s"}, "mqtt": {"host": "h"}}
BAD_SETTINGS: list[tuple[Any, list[str]]] = [
    ([], ["c: must be an object with the sections mqtt, node, wifi"]),
    ({**LEAST, "wlan": {}}, ["c: wlan is unknown; there are mqtt, node, wifi"]),
    (
        {},
        [
            "c: wifi.ssid is missing: a text of 1 to 32 bytes",
            "c: mqtt.host is missing: a text of 1 to 253 bytes",
        ],
    ),
    ({**LEAST, "node": 3}, ["c: node must be an object, not 3"]),
    ({**LEAST, "node": {"led": 3}}, ["c: node.led is unknown; there are crashes, *"]),
    (
        {**LEAST, "mqtt": {"host": "h", "port": "1883"}},
        ['c: mqtt.port must be an integer from 1 to 65535, not "1883"'],
    ),
    (
        {**LEAST, "mqtt": {"host": "h", "port": 0}},
        ["c: mqtt.port must be an integer from 1 to 65535, not 0"],
    ),
    (
        {**LEAST, "mqtt": {"host": "h", "port": True}},
        ["c: mqtt.port must be an integer from 1 to 65535, not true"],
    ),
    (
        {**LEAST, "mqtt": {"host": "h", "port": 1.5}},
        ["c: mqtt.port must be an integer from 1 to 65535, not 1.5"],
    ),
    (
        {**LEAST, "mqtt": {"host": "h", "keep_alive": None}},
        ["c: mqtt.keep_alive must be an integer from 5 to 65535, not null"],
    ),
    (
        {**LEAST, "mqtt": {"host": "h", "base_topic": "a/#"}},
        ["c: mqtt.base_topic must be a topic of 1 to 128 bytes without + and #*"],
    ),
    (
        {**LEAST, "mqtt": {"host": "h", "password": "p"}},
        ["c: mqtt.password needs mqtt.username"],
    ),
    (
        {**LEAST, "wifi": {"ssid": "é" * 17}},
        ["c: wifi.ssid must be a text of 1 to 32 bytes, not *"],
    ),
    (
        {**LEAST, "wifi": {"ssid": "s", "country": "DEU"}},
        ['c: wifi.country must be two letters A to Z, as "DE", not "DEU"'],
    ),
    (
        {**LEAST, "wifi": {"ssid": "s", "country": "é"}},
        ['c: wifi.country must be two letters A to Z, as "DE", not *'],
    ),
    (
        {**LEAST, "wifi": {"ssid": "s", "country": "d1"}},
        ['c: wifi.country must be two letters A to Z, as "DE", not "d1"'],
    ),
    (
        {**LEAST, "wifi": {"ssid": "s", "power_save": "off"}},
        ['c: wifi.power_save must be one of none, performance, powersave, not "off"'],
    ),
    (
        {**LEAST, "node": {"interval_s": 0.1}},
        ["c: node.interval_s must be a number from 0.2 to 86400, not 0.1"],
    ),
    (
        {**LEAST, "node": {"watchdog_s": 1}},
        ["c: node.watchdog_s must be 0 (none) or at least 2"],
    ),
    (
        {**LEAST, "mqtt": {"host": "h", "tls": 1}},
        ["c: mqtt.tls must be true or false, not 1"],
    ),
    (
        {**LEAST, "mqtt": {"host": "h", "tls": True}},
        ["c: mqtt.tls needs mqtt.ca: the certificate that signed the broker's"],
    ),
    (
        {**LEAST, "mqtt": {"host": "h", "ca": "ca.der", "server_hostname": "b"}},
        [
            "c: mqtt.ca needs mqtt.tls, which must be true then",
            "c: mqtt.server_hostname needs mqtt.tls, which must be true then",
        ],
    ),
    (
        {**LEAST, "mqtt": {"host": "h", "tls": True, "ca": "a", "cert": "b"}},
        ["c: mqtt.cert needs mqtt.key"],
    ),
    (
        {**LEAST, "mqtt": {"host": "h", "tls": True, "ca": "a", "key": "b"}},
        ["c: mqtt.key needs mqtt.cert"],
    ),
    (
        {**LEAST, "mqtt": {"host": "h", "tls": True, "ca": ["a"]}},
        ['c: mqtt.ca must be the name of a file on the board, of 1 to 128 bytes, not ["a"]'],
    ),
    (
        {**LEAST, "mqtt": {"host": "h", "server_hostname": "", "tls": True, "ca": "a"}},
        ['c: mqtt.server_hostname must be a text of 1 to 253 bytes, not ""'],
    ),
    (
        {**LEAST, "mqtt": {"host": "h", "websocket": True}},
        ['c: mqtt.websocket must be a path as "/mqtt" of 1 to 128 bytes, %-encoded, not true'],
    ),
    (
        {**LEAST, "mqtt": {"host": "h", "websocket": "mqtt"}},
        ['c: mqtt.websocket must be a path as "/mqtt" of 1 to 128 bytes, %-encoded, not "mqtt"'],
    ),
    (
        {**LEAST, "mqtt": {"host": "h", "websocket": "/m qtt"}},
        ['c: mqtt.websocket must be a path as "/mqtt" of 1 to 128 bytes, %-encoded, *'],
    ),
    (
        {**LEAST, "node": {"ntp_host": ""}},
        ['c: node.ntp_host must be a text of 1 to 253 bytes, not ""'],
    ),
]
CHECK = """
import config, json
for given in json.load(open("rows.json")):
    try:
        config.check(given, "c")
        print(json.dumps([]))
    except config.ConfigError as error:
        print(json.dumps(str(error).split("\\n")))
"""


@pytest.mark.parametrize("bits", [64, 32])
def test_bad_settings_are_named_one_by_one(bits: int, tmp_path: Path) -> None:
    rows = [given for given, _ in BAD_SETTINGS]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    lines = run("esp32", tmp_path, CHECK, bits).splitlines()
    for (given, wanted), line in zip(BAD_SETTINGS, lines, strict=True):
        problems = json.loads(line)
        assert len(problems) == len(wanted), given
        for problem, pattern in zip(problems, wanted, strict=True):
            starts = pattern[-1] == "*" and problem.startswith(pattern[:-1])
            assert starts or problem == pattern


def test_the_example_and_the_least_settings_are_good(tmp_path: Path) -> None:
    example = (ROOT / "firmware" / "config.example.json").read_text()
    (tmp_path / "rows.json").write_text(json.dumps([LEAST, json.loads(example)]))
    assert run("esp32", tmp_path, CHECK).splitlines() == ["[]", "[]"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (None, "config.json not found; copy config.example.json"),
        ("{wifi: {}}", "config.json is not valid JSON"),
        ("{}", "config.json: wifi.ssid is missing"),
    ],
)
def test_a_bad_file_keeps_the_prompt(text: str | None, wanted: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "config.json").write_text(text)
    board = SimBoard(tmp_path)
    with board:
        assert board.wait(10) == 0
    assert any(wanted in line for line in board.lines)
    assert board.resets == 0


@pytest.fixture
def broker() -> Iterator[Broker]:
    """A broker that keeps its sessions over a restart."""
    with persistent_broker() as running:
        yield running


@pytest.fixture
def observer(broker: Broker) -> Iterator[Observer]:
    """An independent subscriber."""
    with watching(broker) as found:
        yield found


def test_the_skip_pin_keeps_the_prompt(broker: Broker, tmp_path: Path) -> None:
    for board, pin in (("esp32", 0), ("pico_w", 22)):
        folder = tmp_path / board
        folder.mkdir()
        with make_board(folder, broker, board) as device:
            device.wait_for_line("wifi: joining", LIMIT_S)
        device.command(f"pin {pin} low")
        with device:
            assert device.wait(10) == 0
        assert device.lines[-1] == "not started: the skip pin is held"


def test_ctrl_c_in_the_window_keeps_the_prompt(broker: Broker, tmp_path: Path) -> None:
    with make_board(tmp_path, broker, "esp32", skip_window_s=30) as device:
        device.wait_for_line("press Ctrl-C", LIMIT_S)
        device.interrupt()
        assert device.wait(10) == 0
    assert device.lines[-1] == "not started: Ctrl-C"


def test_ctrl_c_later_keeps_the_prompt_over_the_watchdogs_reset(
    broker: Broker, tmp_path: Path
) -> None:
    with make_board(tmp_path, broker, "pico_w", watchdog_s=8) as device:
        device.wait_for_line("mqtt: connected", LIMIT_S)
        device.interrupt()
        assert device.wait(10) == 0
        assert device.lines[-2] == "stopped by Ctrl-C"
    with device:
        assert device.wait(10) == 0
        assert device.lines[-1] == "not started: stopped by Ctrl-C before this reset"
    with device:
        device.wait_for_line("mqtt: connected", LIMIT_S, len(device.lines))


def test_a_boot_loop_is_stopped(broker: Broker, tmp_path: Path) -> None:
    (tmp_path / "sensors.py").write_text("raise RuntimeError('broken sensor')\n")
    device = make_board(tmp_path, broker, "esp32", crashes=1, path=tmp_path)
    with device:
        assert device.wait(LIMIT_S) == 0
    assert device.resets == 1
    assert "RuntimeError: broken sensor" in device.lines
    assert device.lines[-1] == "not started: the last 1 starts ended badly"


def test_a_healthy_run_clears_the_crash_counter(
    broker: Broker, observer: Observer, tmp_path: Path
) -> None:
    (tmp_path / "crashes").write_text("4")
    with make_board(tmp_path, broker, "esp32") as device:
        online(observer)
        wait_until(lambda: not (tmp_path / "crashes").exists(), "the counter cleared")
        assert device.resets == 0


def test_a_loop_that_hangs_is_reset_by_the_watchdog(
    broker: Broker, observer: Observer, tmp_path: Path
) -> None:
    stuck = "import time\ndef sensors():\n    return [('s', lambda: time.sleep(60))]\n"
    (tmp_path / "sensors.py").write_text(stuck)
    device = make_board(tmp_path, broker, "pico_w", watchdog_s=2, crashes=1, path=tmp_path)
    with device:
        assert device.wait(LIMIT_S) == 0
    assert device.resets == 1
    assert "[sim] the watchdog was not fed" in device.lines
    assert device.lines[-1] == "not started: the last 1 starts ended badly"


def test_a_broken_sensor_does_not_disturb_the_others(
    broker: Broker, observer: Observer, tmp_path: Path
) -> None:
    (tmp_path / "sensors.py").write_text(
        "def bad():\n    raise OSError(5)\n"
        "def sensors():\n    return [('bad', bad), ('good', lambda: 7)]\n"
    )
    device = make_board(tmp_path, broker, "esp32", path=tmp_path)
    with device:
        report = wait_until(lambda: observer.payloads("telemetry"), "a report")[0]
        assert (report["bad"], report["good"]) == (None, 7)
        assert observer.ask("read", "good")["result"] == {"good": 7}


def test_package_json_lists_what_a_board_needs() -> None:
    package = json.loads((ROOT / "package.json").read_text())
    names = sorted(path.name for path in (ROOT / "lib" / "umqtt_full").glob("*.py"))
    needed = [name for name in names if not name.startswith("_cpython")]  # which are for computers
    wanted = [[f"umqtt_full/{name}", f"lib/umqtt_full/{name}"] for name in needed]
    rows = ",\n    ".join(json.dumps(row) for row in wanted)
    assert package["urls"] == wanted, f"package.json must have\n    {rows}"


@pytest.mark.parametrize("board", BOARDS)
def test_the_manifest_freezes_library_and_firmware(
    board: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = ROOT / "boards" / board
    library = set((ROOT / "lib" / "umqtt_full").glob("*.py"))
    frozen = set(frozen_by(folder / "manifest.py", monkeypatch))
    assert all(path.exists() for path in frozen)
    assert {path for path in frozen if path.parent == ROOT / "firmware"} == set(
        (ROOT / "firmware").glob("*.py")
    )
    assert {path for path in frozen if path in library} == {
        path for path in library if not path.name.startswith("_cpython")
    }
    others = {path for path in frozen if path.parent != ROOT / "firmware"} - library
    assert others == {folder / "board.py"}
