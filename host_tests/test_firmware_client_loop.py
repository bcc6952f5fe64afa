"""docs/examples/client_loop.py runs: on plain MicroPython, and on both simulated boards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from node_bench import BASE, Observer, make_board, online, persistent_broker, wait_until, watching
from running import ROOT
from test_readme import for_broker

from boards.sim.run import SimBoard
from tools.broker import Broker

EXAMPLE = ROOT / "docs" / "examples" / "client_loop.py"
PLACES = ("esp32", "pico_w", "micropython64", "micropython32")


@pytest.fixture
def broker() -> Iterator[Broker]:
    with persistent_broker() as running:
        yield running


def place(name: str, folder: Path, broker: Broker) -> SimBoard:
    """A board, or a computer, that runs the example."""
    text = for_broker(EXAMPLE.read_text(), broker.host, broker.port)
    assert text.count('"garden/pump-1"') == text.count("EVERY_MS = 10000") == 1
    text = text.replace('"garden/pump-1"', f'"{BASE}"').replace("= 10000", "= 200")
    (folder / "client_loop.py").write_text(text)
    bits = 32 if name.endswith("32") else 64
    board = name if name in ("esp32", "pico_w") else "esp32"
    device = make_board(folder, broker, board, bits, path=folder, start="import client_loop")
    if board != name:
        device.environment["MICROPYPATH"] = f"{folder}:{ROOT}/lib:.frozen"
    return device


@pytest.mark.parametrize("name", PLACES)
def test_the_loop_lives_through_an_outage(name: str, broker: Broker, tmp_path: Path) -> None:
    with watching(broker) as observer, place(name, tmp_path, broker) as device:
        online(observer)
        use_pump(observer, "on")
        start = len(observer.heard)
        if not broker.is_external:
            broker.stop()
            broker.start()
            online(observer, start)
        use_pump(observer, "off")
        numbers = wait_until(lambda: observer.payloads("uptime")[6:], "reports")
        assert numbers == sorted(numbers, key=int)
        assert device.resets == 0
        device.power_off()
        wait_until(lambda: observer.payloads("status")[-1] == "offline", "the will")
    assert not [line for line in device.lines if "Traceback" in line or "dropped" in line]


def use_pump(observer: Observer, state: str) -> None:
    start = len(observer.heard)
    observer.send("pump", state, qos=2)
    wait_until(lambda: state in observer.payloads("pump", start), "the pump " + state)
