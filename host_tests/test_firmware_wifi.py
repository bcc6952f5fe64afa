"""WiFi of the firmware on the simulated board: time is virtual, minutes pass at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from node_bench import BOARDS, run

WIFI = """
import config, machine, network, sim, sys, time
from wifi import Wifi

class Reset(Exception):
    pass

def restart(cause):
    raise Reset

sim.restart = restart
events = []

def log(*words):
    events.append(" ".join([str(word) for word in words]))

def make(**more):
    wifi = {"ssid": "sim", "password": "simulated", "country": "DE", "hostname": "node"}
    wifi.update(more)
    settings = config.check({"wifi": wifi, "mqtt": {"host": "h"}})
    return Wifi(settings["wifi"], log)

steps = 0

def until(up, seconds):
    "Seconds until WiFi is up, or down; -1 when it does not get there. Steps as its task does."
    global steps
    start = sim.now_ms()
    while sim.now_ms() - start < seconds * 1000:
        steps += 1
        sim.advance(wifi.due_ms(sim.now_ms()))
        if wifi.step(sim.now_ms()) == up:
            return (sim.now_ms() - start) // 1000
    return -1

def count(text):
    return len([event for event in events if text in event])

if not hasattr(time, "SCALE"):
    sim.advance(0)
wifi = make()
"""
RECOVERY = """
print("start", until(True, 30))
until(False, 30)
sim.command("{command}")
if "lie" in "{command}":
    wifi.suspect()
print("down", until(False, 90))
print("up", until(True, {limit}))
print("stays", until(False, 200))
print(sim.warnings, wifi.losses)
"""
# command, seconds until it must be seen down and up again on the ESP32 and on the Pico W
FAULTS = [
    ("link off 3", 3, (10, 10)),
    ("link off 60", 3, (100, 100)),
    ("link off 600", 3, (700, 700)),
    ("ap off 90", 3, (160, 160)),
    ("password wrong 40", 3, (110, 110)),
    ("dhcp off 5", 1, (12, 30)),
    ("dhcp off 50", 1, (100, 100)),
    ("lie on", 40, (12, 12)),
]


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize(("command", "down", "up"), FAULTS, ids=[row[0] for row in FAULTS])
def test_wifi_comes_back(
    board: str, command: str, down: int, up: tuple[int, int], tmp_path: Path
) -> None:
    limit = up[BOARDS.index(board)]
    printed = run(board, tmp_path, WIFI + RECOVERY.format(command=command, limit=limit))
    lines = [line for line in printed.splitlines() if line[:5] != "[sim]"]
    took = {line.split()[0]: int(line.split()[1]) for line in lines[:4]}
    assert 3 <= took["start"] <= 8
    assert 0 <= took["down"] <= down
    assert 0 <= took["up"] <= limit
    assert took["stays"] == -1
    assert lines[4] == "[] 1"


@pytest.mark.parametrize("bits", [64, 32])
def test_an_esp32_is_left_to_rejoin_by_itself(bits: int, tmp_path: Path) -> None:
    program = """
until(True, 30)
sim.command("link off 8")
until(False, 30), until(True, 30)
print(count("wifi: joining"), wifi.rejoins)
"""
    for board, wanted in (("esp32", "1 1"), ("pico_w", "3 3")):
        folder = tmp_path / board
        folder.mkdir()
        assert run(board, folder, WIFI + program, bits).splitlines()[-1] == wanted


@pytest.mark.parametrize("board", BOARDS)
def test_wifi_is_not_touched_because_the_broker_is_silent(board: str, tmp_path: Path) -> None:
    program = """
until(True, 30)
for _ in range(60):
    wifi.suspect()
    print(until(False, 60))
print(wifi.rejoins, wifi.losses)
"""
    lines = run(board, tmp_path, WIFI + program).splitlines()
    assert lines == ["-1"] * 60 + ["1 0"]


@pytest.mark.parametrize("board", BOARDS)
def test_a_name_server_that_never_answers_is_believed_once(board: str, tmp_path: Path) -> None:
    program = """
sim.command("dns off")
until(True, 30)
for _ in range(20):
    wifi.suspect()
    until(False, 120)
    until(True, 30)
print(wifi.rejoins, wifi.losses, wifi.is_up())
"""
    assert run(board, tmp_path, WIFI + program).splitlines()[-1] == "2 1 True"


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("hours", [1, 8 * 24])
def test_a_dead_link_is_seen_after_any_uptime(board: str, hours: int, tmp_path: Path) -> None:
    """Ticks of 30 bits: what is more than 6.2 days old seems to be in the future."""
    program = """
until(True, 30), until(False, 60)
for _ in range(%d):
    sim.advance(3600000)
    wifi.step(sim.now_ms())
sim.command("lie on")
wifi.suspect()
print(until(False, 90), wifi.losses)
"""
    last = run(board, tmp_path, WIFI + program % hours, 32).splitlines()[-1].split()
    assert 0 <= int(last[0]) <= 40 and last[1] == "1"


@pytest.mark.parametrize("board", BOARDS)
def test_it_escalates_and_resets_the_board_last(board: str, tmp_path: Path) -> None:
    program = """
sim.command("ap off")
cycles = []
active = network.WLAN.active

def watched(self, value=None):
    if value is False:
        cycles.append(wifi.failures)
    return active(self, value)

network.WLAN.active = watched
wifi = make(reset_after=8, radio_off_after=3)
try:
    print(until(True, 9999))
except Reset:
    print("reset after", wifi.failures, cycles)
"""
    assert run(board, tmp_path, WIFI + program).splitlines()[-1] == "reset after 8 [3, 6]"


@pytest.mark.parametrize("board", BOARDS)
def test_pauses_grow_with_jitter_to_a_limit(board: str, tmp_path: Path) -> None:
    program = """
sim.command("ap off")
starts = []
connect = network.WLAN.connect

def watched(self, *args):
    starts.append(sim.now_ms())
    connect(self, *args)

network.WLAN.connect = watched
wifi = make(reset_after=0, radio_off_after=1000, join_s=1.1, leave_s=1, retry_s=2, retry_max_s=30)
until(True, 600)
print([b - a - 2100 for a, b in zip(starts, starts[1:])])
"""
    last = [run(board, tmp_path, WIFI + program).splitlines()[-1] for _ in range(2)]
    pauses = json.loads(last[0])
    for number, pause in enumerate(pauses):
        longest = min(2000 * 2**number, 30000)
        assert longest / 2 - 150 <= pause <= longest + 150, pauses
    assert len(pauses) > 10
    assert last[0] != last[1]


def test_wifi_that_survived_a_soft_reset_is_left_first(tmp_path: Path) -> None:
    program = """
network._after_soft_reset()
print(until(True, 30) > 0, count("failed"))
"""
    assert run("esp32", tmp_path, WIFI + program) == "True 0\n"


@pytest.mark.parametrize("board", BOARDS)
def test_the_power_mode_is_set_after_every_start_of_the_radio(board: str, tmp_path: Path) -> None:
    program = """
wifi = make(power_save="none", radio_off_after=1, join_s=5)
wlan = network.WLAN(network.STA_IF)
sim.command("ap off 20")
until(True, 90)
print(wlan.config("pm") == network.WLAN.PM_NONE, count("radio off") > 0, network.hostname())
"""
    assert run(board, tmp_path, WIFI + program).splitlines()[-1] == "True True node"


@pytest.mark.parametrize("board", BOARDS)
def test_it_steps_only_when_something_is_due(board: str, tmp_path: Path) -> None:
    program = """
until(True, 30), until(False, 60)
counts = []
for command, seconds in (("link on", 60), ("ap off", 600)):
    sim.command(command)
    steps = 0
    until(None, seconds)
    counts.append(steps / seconds)
print(counts)
"""
    idle, away = json.loads(run(board, tmp_path, WIFI + program).splitlines()[-1])
    assert 1.9 <= idle <= 2.1  # twice a second it looks whether the link is still there
    assert away <= 5  # ten times while it tries to join, not at all in the pauses


@pytest.mark.parametrize("board", BOARDS)
def test_who_waits_for_wifi_gets_it_as_it_is_now(board: str, tmp_path: Path) -> None:
    """Even when the task has not noticed yet that the link is gone: a name would block."""
    program = """
import asyncio

class Clock:
    ticks_ms = sim.now_ms
    ticks_add = time.ticks_add
    ticks_diff = time.ticks_diff

sys.modules["wifi"].time = Clock

async def wait(told):
    await wifi.wait_up()
    told.append(wlan.isconnected() and wlan.ifconfig()[0] != "0.0.0.0")

async def main():
    for command in ("link on", "link off 9", "ap off 9", "dhcp off 9"):
        sim.command(command)
        for _ in range(4):
            sim.advance(700)
            wlan.status()
        before, told = wifi.is_up(), []
        for _ in range(3):
            asyncio.create_task(wait(told))
        await asyncio.sleep_ms(1)
        early = len(told)
        until(True, 200)
        await asyncio.sleep_ms(1)
        print(before, early, told)

wlan = network.WLAN(network.STA_IF)
asyncio.run(main())
"""
    lines = run(board, tmp_path, WIFI + program).splitlines()
    lines = [line for line in lines if line[:5] != "[sim]"]
    assert lines == [f"{before} 0 [True, True, True]" for before in (False, True, True, True)]


@pytest.mark.parametrize(("board", "bits"), [("esp32", 64), ("pico_w", 32)])
def test_its_task_sleeps_as_long_as_nothing_is_due(board: str, bits: int, tmp_path: Path) -> None:
    program = """
import asyncio

async def count(seconds):
    steps[0] = 0
    await asyncio.sleep_ms(seconds * 1000)
    return steps[0]

async def main():
    asyncio.create_task(wifi.run())
    await wifi.wait_up()
    idle = await count(50)
    sim.command("ap off")
    await asyncio.sleep_ms(5000)
    away = await count(100)
    sim.command("ap on")
    await wifi.wait_up()
    print(json.dumps([idle, away, wifi.up.is_set()]))

def counted(now_ms, step=wifi.step):
    steps[0] += 1
    return step(now_ms)

import json
steps = [0]
wifi.step = counted
asyncio.run(main())
"""
    lines = run(board, tmp_path, WIFI + program, bits, scale=100).splitlines()
    idle, away, up = json.loads(lines[-1])
    assert up
    assert 50 <= idle <= 101  # fewer where the computer is slow
    assert 20 <= away <= 900
