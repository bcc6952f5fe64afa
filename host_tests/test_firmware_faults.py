"""The node lives through what WiFi does to it, with the pauses that it is shipped with.

The board's clock runs SCALE times faster (boards/sim/fast), so ten minutes are seconds; mosquitto
and paho, who watches, are as real as ever. A monitor in the node measures how long its loop was
kept from turning.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from node_bench import (
    BASE,
    BOARDS,
    Observer,
    check_longest,
    gaps,
    make_fast,
    online,
    persistent_broker,
    wait_until,
    watching,
)

from boards.sim.run import SimBoard
from tools.broker import Broker

SCALE = 80
LIMIT_S = 40.0

# what happens, and what the console says when it is over
FAULTS = {
    "link": [("link off 1", "again"), ("link off 30", "again"), ("link off 600", "again")],
    "others": [
        ("lie on", "connected but dead"),
        ("dhcp off 40", "again"),
        ("password wrong 60", "again"),
        ("ap off 60", "again"),
    ],
}


@pytest.fixture
def broker() -> Iterator[Broker]:
    with persistent_broker() as running:
        yield running


def suffer(device: SimBoard, observer: Observer, fault: str, end: str) -> None:
    """One fault, with a command in the midst of it; the node is back when this returns."""
    line, answers = len(device.lines), len(observer.payloads("answer/led"))
    device.command(fault)
    device.wait_for_line(f"[sim] {fault}", LIMIT_S, line)
    observer.send("led", "toggle", qos=2)
    device.wait_for_line(end, LIMIT_S, line + 1)
    wait_until(
        lambda: len(observer.payloads("answer/led")) > answers, "the answer: " + fault, LIMIT_S
    )
    reports = len(observer.payloads("telemetry"))
    wait_until(lambda: observer.payloads("telemetry")[reports + 1 :], "reports: " + fault, LIMIT_S)


def live_through(board: str, name: str, broker: Broker, folder: Path) -> None:
    folder.mkdir()
    base = f"{BASE}-{board}"
    bits = 64 if board == "esp32" else 32
    with (
        watching(broker, base) as observer,
        make_fast(folder, broker, board, SCALE, base, bits) as device,
    ):
        online(observer)
        for fault, end in FAULTS[name]:
            suffer(device, observer, fault, end)
        assert device.resets == 0
        assert observer.payloads("status")[-1] == "online"
        assert list(gaps(observer.payloads("telemetry")).values()) == [[]]
        assert observer.payloads("telemetry")[-1]["dropped"] == 0
        events = observer.payloads("event")
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        leds = [event["value"] for event in events if event["event"] == "led"]
        assert leds == ["on", "off", "on", "off"][: len(FAULTS[name])]
        assert len(observer.payloads("answer/led")) == len(leds)
        check_longest(observer.payloads("telemetry")[-1])


@pytest.mark.parametrize("name", FAULTS)
def test_the_node_returns_and_nothing_is_lost(name: str, broker: Broker, tmp_path: Path) -> None:
    with ThreadPoolExecutor() as both:
        lives = [
            both.submit(live_through, board, name, broker, tmp_path / board) for board in BOARDS
        ]
    for life in lives:
        life.result()


@pytest.mark.parametrize(
    ("board", "fault", "blocked"),
    [
        ("esp32", "dns off 30", 200),
        ("pico_w", "dns off 30", 7000),
        ("esp32", "ap off 30", 0),
        ("pico_w", "ap off 30", 0),
    ],
)
def test_only_the_name_of_a_broker_blocks(
    board: str, fault: str, blocked: int, broker: Broker, tmp_path: Path
) -> None:
    """As long as the port's resolver: with the feeding's 250 ms below the RP2040's watchdog.

    And only while WiFi is up: without, no name is asked for.
    """
    if broker.host != "127.0.0.1":
        pytest.skip("MQTT_TEST_BROKER is not this computer")
    (tmp_path / "control").write_text(fault + "\n")
    with (
        watching(broker) as observer,
        make_fast(tmp_path, broker, board, 20, host="localhost") as device,
    ):
        online(observer)
        wait_until(lambda: observer.payloads("telemetry"), "a report")
        assert device.resets == 0
        check_longest(observer.payloads("telemetry")[-1], blocked)
