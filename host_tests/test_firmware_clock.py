"""The clock of the node: set by a time server on loopback, before TLS, without blocking."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from node_bench import BOARDS, FAST, LIMIT_S

from boards.sim.run import SimBoard
from tools import toolchain
from tools.time_server import HOST, TimeServer, answer

# Asks as the node does, and measures what a board would have been blocked.
PROGRAM = """
import asyncio, clock, json, machine, sim, time, utime
from wifi import Wifi
import config

settings = config.check({{"wifi": {{"ssid": "sim", "password": "simulated", "stable_s": 0,
    "leave_s": 0.1}}, "mqtt": {{"host": "h"}}}})
wifi = Wifi(settings["wifi"], lambda *words: None)
turns = [0, 0]
blind = 0  # how often a name was to be resolved without a link
resolve = clock.resolve

def watched(host):
    global blind
    blind += not wifi.is_up()
    return resolve(host)

clock.resolve = watched

async def turn():
    while True:
        start = utime.ticks_ms()
        await asyncio.sleep_ms(10)
        turns[0] = max(turns[0], utime.ticks_diff(utime.ticks_ms(), start))
        turns[1] += 1

class Early(Exception):
    reason = "not_yet_valid"

ERROR = {error}

async def main():
    one = clock.Clock({host!r}, wifi.wait_up)
    asyncio.create_task(wifi.run())
    await wifi.wait_up()
    asyncio.create_task(turn())
    if "{command}":
        sim.command("{command}")
        while "link" in "{command}" and wifi.is_up():
            await asyncio.sleep_ms(10)
    began = time.gmtime()[0]
    for _ in range({times}):
        start = time.ticks_ms()
        await one.before(ERROR)
        took = time.ticks_diff(time.ticks_ms(), start)
    now = machine.RTC().datetime()
    print(json.dumps([began, now, took, turns, list(time.gmtime()), blind]))

asyncio.run(main())
"""


class Told:
    """What the program said."""

    def __init__(self, device: SimBoard) -> None:
        self.lines = [line for line in device.lines if line.startswith("clock: ")]
        values = json.loads(device.lines[-1])
        self.began: int = values[0]
        self.now: list[int] = values[1]
        self.took: int = values[2]
        self.longest: int = values[3][0]
        self.turns: int = values[3][1]
        self.gmtime: list[int] = values[4]
        self.blind: int = values[5]

    def is_right(self) -> bool:
        """The board's clock shows the time."""
        t = self.now
        shown = (t[0], t[1], t[2], t[4], t[5], t[6], t[3])
        near = [time.gmtime(time.time() + late)[:7] for late in range(-5, 6)]
        return shown in near


def ask(
    folder: Path,
    server: TimeServer,
    board: str = "pico_w",
    host: str = HOST,
    error: str = "None",
    times: int = 1,
    scale: int = 1,
    bits: int = 64,
    command: str = "",
    **more: Any,
) -> Told:
    """Run the program; `scale` is how much faster its clock runs."""
    program = PROGRAM.format(host=host, error=error, times=times, command=command)
    (folder / "clock_program.py").write_text(program)
    argv = toolchain.micropython(bits)
    start = "import sys; sys.path.insert(0, '.'); import clock_program"
    device = SimBoard(
        folder, board, argv, speed=10, start=start, path=FAST if scale > 1 else None,
        SIM_NTP=str(server.port), SIM_TIME=str(scale), **more,
    )  # fmt: skip
    with device:
        assert device.wait(LIMIT_S) == 0, device.lines
    return Told(device)


@pytest.mark.parametrize(("board", "bits"), [("esp32", 64), ("pico_w", 64), ("pico_w", 32)])
def test_it_is_set_once(board: str, bits: int, tmp_path: Path) -> None:
    with TimeServer() as server:
        told = ask(tmp_path, server, board, bits=bits, times=3)
        assert told.began == (2000 if board == "esp32" else 2021)
        assert told.is_right(), told.now
        assert told.gmtime[:3] == told.now[:3]
        assert len(server.asked) == 1
        assert len(told.lines) == 1 and "UTC, from 127.0.0.1" in told.lines[0]
        assert told.took < 1000 and told.longest < 500


def test_a_clock_that_shows_the_time_is_left_alone(tmp_path: Path) -> None:
    with TimeServer() as server:
        told = ask(tmp_path, server, SIM_CLOCK="set")
        assert server.asked == [] and told.lines == []


def test_a_certificate_that_is_not_valid_yet_has_it_set_again(tmp_path: Path) -> None:
    """But not at each attempt: the certificate may really be of the future."""
    with TimeServer() as server:
        told = ask(tmp_path, server, SIM_CLOCK="set", error="Early()", times=5)
        assert len(server.asked) == 1 and told.is_right()
        told = ask(tmp_path, server, SIM_CLOCK="set", error="ValueError()", times=5)
        assert len(server.asked) == 1 and told.lines == []


def repeats(question: bytes, **fields: Any) -> list[bytes]:
    return [answer(question, **fields)]


def damaged(question: bytes, offset: int) -> list[bytes]:
    data = bytearray(answer(question))
    data[offset] ^= 1
    return [bytes(data)]


USELESS: dict[str, Callable[[bytes], list[bytes]]] = {
    "silent": lambda question: [],
    "empty": lambda question: [b"x"],
    "short": lambda question: [answer(question)[:47]],
    "noise": lambda question: [bytes(range(48)), bytes(48), b"\xff" * 48],
    "the question itself": lambda question: [question],
    "another question's answer": lambda question: damaged(question, 24),
    "… the last byte": lambda question: damaged(question, 31),
    "not a server": lambda question: repeats(question, first=0x23),
    "a broadcast": lambda question: repeats(question, first=0x25),
    "unsynchronised, LI 3": lambda question: repeats(question, first=0xE4),
    "unsynchronised, stratum 16": lambda question: repeats(question, stratum=16),
    "a clock not set either": lambda question: repeats(question, at=1609459200),
    "no time at all": lambda question: [answer(question)[:40] + bytes(8)],
}


@pytest.mark.parametrize("name", USELESS)
def test_what_is_of_no_use_ends_in_time(name: str, tmp_path: Path) -> None:
    """30 s in all, each wait twice as long as the one before; the loop turns meanwhile."""
    board = BOARDS[len(name) % 2]
    with TimeServer(USELESS[name]) as server:
        told = ask(tmp_path, server, board, scale=20, times=2)
        assert len(server.asked) == 5, server.asked
        assert told.now[0] == told.began, told.now
        assert told.lines == ["clock: no time from 127.0.0.1 in 30 s; trying without"]
        assert told.took < 50  # the second time it is not asked any more
        assert told.turns > 30 and told.longest < 500


def test_it_gives_up_after_30_s(tmp_path: Path) -> None:
    with TimeServer(USELESS["silent"]) as server:
        told = ask(tmp_path, server, scale=20, error="Early()")
        assert 30000 <= told.took < 34000, told.took


def test_it_takes_the_good_answer_among_bad_ones(tmp_path: Path) -> None:
    def all_kinds(question: bytes) -> list[bytes]:
        bad = [one for name in USELESS for one in USELESS[name](question)]
        return [*bad, answer(question), answer(question, at=1900000000)]

    with TimeServer(all_kinds) as server:
        told = ask(tmp_path, server)
        assert told.is_right() and len(server.asked) == 1


def test_an_answer_from_elsewhere_is_not_taken(tmp_path: Path) -> None:
    with (
        TimeServer() as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger,
    ):
        stranger.bind((HOST, 0))
        server.stranger = stranger
        told = ask(tmp_path, server, scale=20)
        assert len(server.asked) == 5 and told.now[0] == 2021


@pytest.mark.parametrize("code", [b"RATE", b"DENY", b"\x00\xff\n!"])
def test_a_server_that_wants_peace_gets_it(code: bytes, tmp_path: Path) -> None:
    def kiss(question: bytes) -> list[bytes]:
        data = answer(question, stratum=0, first=0xE4)
        return [data[:12] + code + data[16:]]

    with TimeServer(kiss) as server:
        told = ask(tmp_path, server, scale=20)
        assert len(server.asked) == 1 and told.now[0] == 2021
        shown = code.decode("latin-1") if code.isalpha() else "???!"
        assert told.lines[0] == f"clock: 127.0.0.1 does not want to be asked: {shown}"
        assert told.lines[1].startswith("clock: no time from")


def test_the_era_of_2036(tmp_path: Path) -> None:
    """NTP counts from zero again then."""
    with TimeServer(lambda question: repeats(question, at=2085978496 + 86400)) as server:
        told = ask(tmp_path, server)
        assert told.gmtime[:3] == [2036, 2, 8]


@pytest.mark.parametrize("board", BOARDS)
def test_a_name_that_is_not_resolved_lets_the_watchdog_be_fed(board: str, tmp_path: Path) -> None:
    """A Pico W is blocked for 7 s each time, and the others have their turn in between."""
    with TimeServer() as server:
        told = ask(tmp_path, server, board, "localhost", scale=20, command="dns off")
        assert server.asked == [] and told.lines[-1].startswith("clock: no time from localhost")
        assert 1 < len(told.lines) <= 6
        assert told.longest <= 7000 // 20 + 250
        assert told.took < 30000 + 8000
        told = ask(tmp_path, server, board, "localhost", command="dns on")
        assert told.is_right()


def test_wifi_that_goes_away_meanwhile(tmp_path: Path) -> None:
    """Nothing is resolved without a link; when it is back, the question is asked again."""
    with TimeServer(lambda question: []) as server:

        def late(question: bytes) -> list[bytes]:
            return repeats(question) if len(server.asked) > 2 else []

        server.behave = late
        told = ask(tmp_path, server, scale=10, command="link off 99")
        assert told.now[0] == time.gmtime()[0] and len(server.asked) == 3
        assert told.blind == 0
