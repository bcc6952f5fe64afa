"""The tasks of the node: how they end, and that none of them ends alone."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from node_bench import (
    HICCUP_MS,
    LIMIT_S,
    MONITOR,
    Observer,
    check_longest,
    gaps,
    make_board,
    online,
    persistent_broker,
    wait_until,
    watching,
)

from tools.broker import Broker


@pytest.fixture
def broker() -> Iterator[Broker]:
    with persistent_broker() as running:
        yield running


@pytest.fixture
def observer(broker: Broker) -> Iterator[Observer]:
    with watching(broker) as found:
        yield found


def set_mqtt(folder: Path, **given: Any) -> None:
    """Change the settings of a node."""
    settings = json.loads((folder / "config.json").read_text())
    settings["mqtt"].update(given)
    (folder / "config.json").write_text(json.dumps(settings))


def test_a_task_that_fails_ends_the_node(
    broker: Broker, observer: Observer, tmp_path: Path
) -> None:
    (tmp_path / "sensors.py").write_text(
        "values = {1: 'a', 2: 'b'}\n"
        "def read():\n    values[len(values)]\n    return values.pop(len(values))\n"
        "def sensors():\n    return [('letter', read)]\n"
    )
    device = make_board(tmp_path, broker, "esp32", crashes=1, path=tmp_path)
    with device:
        device.wait_for_line("KeyError: 0", LIMIT_S)
        wait_until(lambda: observer.payloads("status")[-1] == "offline", "the will, at once")
        assert device.resets == 0  # the error is shown for three seconds first
        assert device.wait(LIMIT_S) == 0
    assert device.resets == 1
    assert device.lines[-1] == "not started: the last 1 starts ended badly"
    assert [report["letter"] for report in observer.payloads("telemetry")] == ["b", "a"]


STOP = """
import boot, asyncio, config, sim, startup, time

async def main():
    node = startup._make_node(config.load())
    life = asyncio.create_task(node.run())
    while not ({ready}):
        await asyncio.sleep_ms(1)
    life.cancel()
    try:
        await life
    except asyncio.CancelledError:
        print("cancelled")
    for command in {commands}:
        sim.command(command)
    start = time.ticks_ms()
    try:
        await asyncio.wait_for_ms(node.stop(), {limit})
    except asyncio.TimeoutError:
        print("cut short")
    print("took", time.ticks_diff(time.ticks_ms(), start))
    if node.client.connected or node.is_online():
        print("still there")
    await asyncio.sleep_ms(500)
    print("end")

asyncio.run(main())
"""
# when it is cancelled; what the network does then; how long `stop` may take; what is printed
# after it was cancelled; what ends the connection, in mosquitto's words
STOPS = {
    "at once": ("True", [], 100, [], ""),
    "without WiFi": ("node._wifi.failures", [], 100, [], ""),
    "without a broker": ("node.client.error", [], 100, [], ""),
    "while it connects": ("node.client._stream", [], 100, [], ""),
    "when connected": ("node.client.connected", [], 2000, ["mqtt: lost, None"], "disconnected"),
    "when online": ("node.is_online()", [], 2000, ["mqtt: lost, None"], "disconnected"),
    "on a dead link": (
        "node.is_online()",
        ["lie on"],
        2900,
        [
            "[sim] lie on",
            "mqtt: goodbye: OSError(110, 'not acknowledged')",
            "mqtt: lost, None",
        ],
        "closed its connection",
    ),
    "cut short": (
        "node.is_online()",
        ["lie on"],
        300,
        ["[sim] lie on", "mqtt: lost, None", "cut short"],
        "closed its connection",
    ),
}


@pytest.mark.parametrize("name", STOPS)
def test_it_stops_from_wherever_it_is(
    name: str, broker: Broker, observer: Observer, tmp_path: Path
) -> None:
    ready, commands, limit, wanted, words = STOPS[name]
    cut = limit if name == "cut short" else 20000
    program = STOP.format(ready=ready, commands=commands, limit=cut)
    device = make_board(tmp_path, broker, "pico_w", start=program)
    silent = socket.create_server(("127.0.0.1", 0))  # a broker that says nothing
    ports = {"without a broker": 1, "while it connects": silent.getsockname()[1]}
    if name == "without WiFi":
        (tmp_path / "control").write_text("ap off\n")
    set_mqtt(tmp_path, host="127.0.0.1" if name in ports else broker.host)
    set_mqtt(tmp_path, port=ports.get(name, broker.port))
    with silent, device:
        assert device.wait(LIMIT_S) == 0
    printed = device.lines[device.lines.index("cancelled") + 1 :]
    took = int(next(line for line in printed if line[:5] == "took ")[5:])
    assert [line for line in printed if line[:5] != "took "] == [*wanted, "end"]
    assert took <= limit + HICCUP_MS
    if name in ("when online", "on a dead link", "cut short"):
        statuses = wait_until(lambda: observer.payloads("status")[1:], "status offline")
        assert statuses == ["offline"]
    if words and broker.log_path is not None:
        log, told = broker.log_path, f"{device.environment['SIM_ID']} {words}"
        wait_until(lambda: told in log.read_text(), told, 5)


@pytest.mark.parametrize("version", [4, 5])
def test_commands_before_a_restart_are_done_once_and_answered(
    version: int, broker: Broker, observer: Observer, tmp_path: Path
) -> None:
    device = make_board(tmp_path, broker, "esp32", crashes=1, path=tmp_path)
    set_mqtt(tmp_path, version=version)
    with device:
        online(observer)
        for _ in range(12):
            observer.send("led", "toggle", qos=2)
        observer.send("restart", qos=2)
        device.wait_for_line("after reset", LIMIT_S)
        wait_until(lambda: observer.payloads("status").count("online") == 2, "it is back")
        assert len(observer.payloads("answer/led")) == 12
        assert len(observer.payloads("answer/restart")) == 1
        first = observer.payloads("event")[0]["boot"]
        events = [event for event in observer.payloads("event") if event["boot"] == first]
        assert [event["seq"] for event in events] == list(range(1, 14))
        assert [event["value"] for event in events[1:]] == ["on", "off"] * 6
        wait_until(lambda: observer.payloads("telemetry")[-1]["uptime_s"] >= 1, "it stays alive")
        assert device.resets == 1


def test_a_full_outbox_does_not_stop_the_loop(
    broker: Broker, observer: Observer, tmp_path: Path
) -> None:
    if broker.is_external:
        pytest.skip("MQTT_TEST_BROKER cannot be stopped")
    (tmp_path / "sensors.py").write_text(MONITOR)
    device = make_board(tmp_path, broker, "esp32", path=tmp_path, interval_s=0.2)
    set_mqtt(tmp_path, outbox_bytes=1024)
    with device:
        online(observer)
        broker.stop()
        device.wait_for_line("dropped, 4 so far", LIMIT_S)
        broker.start()
        report = wait_until(
            lambda: [r for r in observer.payloads("telemetry") if r["dropped"]], "dropped"
        )[-1]
        check_longest(report)
        assert device.resets == 0
        assert list(gaps(observer.payloads("telemetry")).values()) == [[]]
