"""The whole node on the simulated board, at a real broker, watched by paho."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from node_bench import (
    BOARDS,
    LIMIT_S,
    Observer,
    gaps,
    make_board,
    online,
    persistent_broker,
    wait_until,
    watching,
)

from boards.sim.run import SimBoard
from tools.broker import Broker


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


def needs_own(broker: Broker) -> None:
    """Skip when the broker is not ours to stop."""
    if broker.is_external:
        pytest.skip("MQTT_TEST_BROKER cannot be stopped")


@pytest.mark.parametrize(("board", "bits"), [("esp32", 64), ("pico_w", 32)])
def test_the_node_from_birth_to_will(
    board: str, bits: int, broker: Broker, observer: Observer, tmp_path: Path
) -> None:
    with make_board(tmp_path, broker, board, bits) as device:
        online(observer)
        birth = observer.payloads("birth")[0]
        assert birth["board"] == board
        assert birth["client_id"] == device.environment["SIM_ID"]
        assert birth["reset_cause"] == "power on"
        assert birth["ip"] == "192.168.4.2"
        late = wait_until(lambda: observer.payloads("telemetry")[2:], "three reports")[-1]
        assert late["dropped"] == 0
        assert 20 < late["temperature"] < 35
        assert -70 < late["rssi"] < -40
        assert late["free_heap"] > 0
        assert late["uptime_s"] >= 0
        event = wait_until(lambda: observer.payloads("event"), "boot event")[0]
        assert (event["seq"], event["event"], event["value"]) == (1, "boot", "power on")
        assert {m.qos for m in observer.messages("telemetry")} == {1}
        assert {m.qos for m in observer.messages("event")} == {2}
        device.power_off()
        wait_until(lambda: observer.payloads("status")[-1] == "offline", "the will")
    assert gaps(observer.payloads("telemetry")) == {birth["boot"]: []}


def test_status_and_birth_are_retained(broker: Broker, observer: Observer, tmp_path: Path) -> None:
    with make_board(tmp_path, broker, "esp32"):
        online(observer)
        with watching(broker) as late:

            def kept() -> bool:
                names = ("status", "birth")
                return all(any(m.retain for m in late.messages(name)) for name in names)

            wait_until(kept, "retained status and birth")


# command, value, what the answer must be or how its error begins
COMMANDS: list[tuple[str, str | bytes, dict[str, Any] | str]] = [
    ("led", "on", {"led": "on"}),
    ("led", "toggle", {"led": "off"}),
    ("led", " toggle\n", {"led": "on"}),
    ("led", "off", {"led": "off"}),
    ("led", "off", {"led": "off"}),
    ("led", "On", "led takes on, off or toggle"),
    ("led", "", "led takes on, off or toggle"),
    ("led", b"\xff\xfe", "the value is not UTF-8 text"),
    ("led", "x" * 129, "the value is longer than 128 bytes"),
    ("interval", "2.5", {"interval_s": 2.5}),
    ("interval", "0.2", {"interval_s": 0.2}),
    ("interval", "0.19", "interval takes a number of seconds from 0.2 to 86400"),
    ("interval", "86401", "interval takes a number"),
    ("interval", "nan", "interval takes a number"),
    ("interval", "inf", "interval takes a number"),
    ("interval", "soon", "interval takes a number"),
    ("interval", "", "interval takes a number"),
    ("read", "voltage", "read takes nothing or the name of a sensor: temperature"),
    ("restart", "now", "restart takes no value"),
    ("fly", "", "unknown command; there are interval, led, read, restart"),
    ("led/all", "on", "unknown command"),
]


@pytest.mark.parametrize(("board", "bits"), [("esp32", 32)])
def test_every_command_is_answered(
    board: str, bits: int, broker: Broker, observer: Observer, tmp_path: Path
) -> None:
    with make_board(tmp_path, broker, board, bits):
        online(observer)
        for name, value, wanted in COMMANDS:
            answer = observer.ask(name, value)
            if isinstance(wanted, str):
                assert answer["ok"] is False and answer["error"].startswith(wanted), value
            else:
                assert answer == {"ok": True, "result": wanted}, value
        for value in ("", "temperature"):
            reading = observer.ask("read", value)["result"]
            assert list(reading) == ["temperature"] and 20 < reading["temperature"] < 35
        start = len(observer.heard)
        observer.send("", "x")
        wait_until(lambda: observer.payloads("answer/unknown", start), "answer to no name")
        events = wait_until(lambda: observer.payloads("event")[4:], "four changes of the LED")
        leds = [event["value"] for event in observer.payloads("event")[1:]]
        assert (leds, events[-1]["seq"]) == (["on", "off", "on", "off"], 5)


def test_a_command_waits_for_a_node_that_is_off(
    broker: Broker, observer: Observer, tmp_path: Path
) -> None:
    with make_board(tmp_path, broker, "pico_w") as device:
        online(observer)
        device.power_off()
        wait_until(lambda: observer.payloads("status")[-1] == "offline", "the will")
        start = len(observer.heard)
        observer.send("led", "on")
        wait_until(lambda: len(observer.heard) > start, "the command at the broker")
        device.power_on()
        answer = wait_until(lambda: observer.payloads("answer/led", start), "the answer")
        assert answer == [{"ok": True, "result": {"led": "on"}}]


def test_a_broker_that_refuses_is_asked_again_and_wifi_left_alone(
    broker: Broker, tmp_path: Path
) -> None:
    needs_own(broker)
    with (
        Broker(allow_anonymous=False) as strict,
        make_board(tmp_path, strict, "esp32") as device,
    ):
        device.wait_for_line("mqtt: no connection, ReasonError", LIMIT_S)
        wait_until(lambda: str(device.lines).count("mqtt: no") > 3, "four refusals")
        assert [line for line in device.lines if "joining" in line] == ["wifi: joining sim"]
        assert device.resets == 0


def test_interval_changes_the_pace(broker: Broker, observer: Observer, tmp_path: Path) -> None:
    with make_board(tmp_path, broker, "esp32", interval_s=3600):
        online(observer)
        wait_until(lambda: observer.payloads("telemetry"), "the first report")
        observer.ask("interval", "0.2")
        wait_until(lambda: observer.payloads("telemetry")[5:], "more reports")


@pytest.mark.parametrize("board", BOARDS)
def test_restart_happens_once_and_says_goodbye(
    board: str, broker: Broker, observer: Observer, tmp_path: Path
) -> None:
    observer.send("led", "on", retain=True)
    wait_until(lambda: observer.messages("cmd/led"), "the retained command")
    with make_board(tmp_path, broker, board, crashes=1) as device:
        online(observer)
        device.wait_for_line("retained command ignored: led", LIMIT_S)
        start = len(observer.heard)
        assert observer.ask("restart")["ok"] is True
        online(observer, start)
        assert observer.payloads("status", start)[:2] == ["offline", "online"]
        assert "mqtt: lost, None" in device.lines  # by its own DISCONNECT
        birth = observer.payloads("birth", start)[-1]
        assert birth["reset_cause"] == ("reset" if board == "esp32" else "reset or watchdog")
        wait_until(lambda: len(observer.payloads("telemetry", start)) > 5, "it stays alive")
        assert device.resets == 1
        observer.clear_retained()


def outage(broker: Broker, observer: Observer, device: SimBoard, end: Callable[[], None]) -> None:
    """The broker ends, is away for a second, and comes back; so does the node."""
    line = len(device.lines)
    end()
    device.wait_for_line("mqtt: lost", LIMIT_S, line)
    start = len(observer.heard)
    time.sleep(1)
    broker.start()
    online(observer, start)
    wait_until(
        lambda: [e for e in observer.payloads("event", start) if e["event"] == "link"],
        "event link back",
    )


@pytest.mark.parametrize("board", BOARDS)
def test_nothing_is_lost_when_the_broker_goes_away(
    board: str, broker: Broker, observer: Observer, tmp_path: Path
) -> None:
    needs_own(broker)
    with make_board(tmp_path, broker, board, watchdog_s=3) as device:
        online(observer)
        outage(broker, observer, device, broker.stop)
        observer.ask("led", "toggle")
        time.sleep(0.5)  # mosquitto saves its state a little later
        outage(broker, observer, device, broker.kill)
        wait_until(lambda: len(observer.payloads("telemetry")) > 12, "more reports")
        assert device.resets == 0
        assert [line for line in device.lines if "joining" in line] == ["wifi: joining sim"]
        assert list(gaps(observer.payloads("telemetry")).values()) == [[]]
        numbers = [event["seq"] for event in observer.payloads("event")]
        assert numbers == list(range(1, len(numbers) + 1))
        assert observer.payloads("telemetry")[-1]["dropped"] == 0


@pytest.mark.parametrize(
    ("board", "fault"),
    [
        ("esp32", "link off 8"),
        ("esp32", "lie on 8"),
        ("pico_w", "ap off 8"),
        ("pico_w", "dhcp off 8"),
        ("pico_w", "lie on 8"),
    ],
)
def test_nothing_is_lost_when_the_link_goes_away(
    board: str, fault: str, broker: Broker, observer: Observer, tmp_path: Path
) -> None:
    with make_board(tmp_path, broker, board, interval_s=0.25) as device:
        online(observer)
        wait_until(lambda: observer.payloads("telemetry"), "a report")
        line = len(device.lines)
        device.command(fault)
        device.wait_for_line("again", LIMIT_S, line)
        start = len(observer.heard)
        wait_until(lambda: len(observer.payloads("telemetry", start)) > 2, "more reports")
        assert list(gaps(observer.payloads("telemetry")).values()) == [[]]
        numbers = [event["seq"] for event in observer.payloads("event")]
        assert numbers == list(range(1, len(numbers) + 1))
        assert device.resets == 0


def test_a_full_outbox_is_counted(broker: Broker, observer: Observer, tmp_path: Path) -> None:
    needs_own(broker)
    with make_board(tmp_path, broker, "esp32", interval_s=0.2) as device:
        online(observer)
        settings = json.loads((tmp_path / "config.json").read_text())
        settings["mqtt"]["outbox_bytes"] = 1024
        device.power_off()
        (tmp_path / "config.json").write_text(json.dumps(settings))
        start = len(observer.heard)
        device.power_on()
        online(observer, start)
        broker.stop()
        device.wait_for_line("outbox full, telemetry dropped", LIMIT_S)
        broker.start()
        wait_until(
            lambda: [m for m in observer.payloads("telemetry", start) if m["dropped"]],
            "dropped in the telemetry",
        )
        assert list(gaps(observer.payloads("telemetry")).values()) == [[], []]
