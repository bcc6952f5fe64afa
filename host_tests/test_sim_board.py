"""The simulated board does what real boards do, on both: the programs of `sim_board_table.py`.

Each row there is a program for the board and what it must print. Time is virtual (`sim.advance`)
where the row says nothing else, so minutes pass in milliseconds.
"""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest
from sim_board_table import ASK, BOARDS, PREPARE, TABLE

from boards.sim.run import RESET_CODE, ROOT, environment
from tools import toolchain
from tools.broker import Broker

FAST = ROOT / "boards" / "sim" / "fast"

ROWS = [
    pytest.param(board, program, printed, id=f"{board}-{name}")
    for name, boards, program, printed in TABLE
    for board in boards
]


def run(
    board: str, folder: Path, program: str, bits: int = 64, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run a program on the simulated board."""
    return subprocess.run(
        [*toolchain.micropython(bits), "-c", PREPARE + ASK + program],
        env=environment(board, folder, 1, **env),
        cwd=folder,
        text=True,
        capture_output=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("bits", [64, 32])
@pytest.mark.parametrize(("board", "program", "printed"), ROWS)
def test_behaves_as_the_board(
    board: str, program: str, printed: str, bits: int, tmp_path: Path
) -> None:
    result = run(board, tmp_path, "sim.advance(0)\n" + program, bits)
    assert result.stderr == ""
    got = [line for line in result.stdout.splitlines() if not line.startswith("[sim]   ")]
    wanted = printed.splitlines()
    if not any(line.startswith("[sim]") for line in wanted):
        got = [line for line in got if not line.startswith("[sim]")]
    assert len(got) == len(wanted), result.stdout
    for line, pattern in zip(got, wanted, strict=True):
        assert line == pattern or (pattern[-1:] == "*" and line.startswith(pattern[:-1]))


RESETS = [
    ("esp32", "machine.reset()", "HARD_RESET"),
    ("esp32", "machine.deepsleep(1)", "DEEPSLEEP_RESET"),
    ("esp32", "machine.WDT(timeout=50); time.sleep(5)", "WDT_RESET"),
    ("pico_w", "machine.reset()", "WDT_RESET"),
    ("pico_w", "machine.deepsleep(1)", "WDT_RESET"),
    ("pico_w", "machine.WDT(timeout=50); time.sleep(5)", "WDT_RESET"),
]


@pytest.mark.parametrize("bits", [64, 32])
@pytest.mark.parametrize(("board", "program", "cause"), RESETS)
def test_reset_causes(board: str, program: str, cause: str, bits: int, tmp_path: Path) -> None:
    check = f"print(machine.reset_cause() == machine.{cause})"
    first = run(board, tmp_path, f"print(machine.reset_cause() == 1); {program}", bits)
    assert (first.returncode, first.stdout.splitlines()[0]) == (RESET_CODE, "True")
    second = run(board, tmp_path, check, bits)
    assert second.stdout == "True\n", second.stderr
    third = run(board, tmp_path, "print(machine.reset_cause() == machine.PWRON_RESET)", bits)
    assert third.stdout == "True\n"


@pytest.mark.parametrize("bits", [64, 32])
def test_a_fed_watchdog_does_not_bite(bits: int, tmp_path: Path) -> None:
    program = """
w = machine.WDT(timeout=600)
for _ in range(20):
    time.sleep_ms(50)
    w.feed()
print("alive")
"""
    result = run("pico_w", tmp_path, program, bits)
    assert (result.returncode, result.stdout) == (0, "alive\n")


def test_rtc_memory_survives_a_reset_but_not_a_power_cut(tmp_path: Path) -> None:
    run("esp32", tmp_path, "machine.RTC().memory(b'kept'); machine.reset()")
    assert run("esp32", tmp_path, "print(machine.RTC().memory())").stdout == "b'kept'\n"
    assert run("esp32", tmp_path, "print(machine.RTC().memory())").stdout == "b''\n"


def test_wifi_survives_a_soft_reset_of_an_esp32(tmp_path: Path) -> None:
    program = "print(wlan.active(), error(wlan.connect, 'sim', 'x'))"
    result = run("esp32", tmp_path, program, SIM_WIFI="busy")
    assert result.stdout == "True OSError:Wifi Internal Error\n"


def test_faults_survive_a_reset_and_old_commands_are_not_repeated(tmp_path: Path) -> None:
    control = tmp_path / "control"
    control.write_text("ap off\nlink off 3600\n")
    ask = "print(sim.has('ap'), sim.has('link'), sim.has('lie'))"
    first = run("esp32", tmp_path, ask)
    assert first.stdout.splitlines() == ["[sim] ap off", "[sim] link off 3600", "True True False"]
    with control.open("a") as file:
        file.write("ap on\n")
    assert run("esp32", tmp_path, ask).stdout.splitlines() == ["[sim] ap on", "False True False"]
    assert run("esp32", tmp_path, ask).stdout.splitlines() == ["False True False"]


def test_half_a_command_waits_for_its_end(tmp_path: Path) -> None:
    control = tmp_path / "control"
    control.write_text("link o")
    assert run("esp32", tmp_path, "print(sim.has('link'))").stdout == "False\n"
    control.write_text("link off\n")
    assert run("esp32", tmp_path, "print(sim.has('link'))").stdout == "[sim] link off\nTrue\n"


ECHO = """
import select
up()
s = socket.socket()
s.setblocking(False)
error(s.connect, socket.getaddrinfo("{host}", {port})[0][-1])
poller = select.poll()
poller.register(s, select.POLLIN | select.POLLOUT)

def wait(bit, ms=2000):
    end = time.ticks_add(time.ticks_ms(), ms)
    while time.ticks_diff(end, time.ticks_ms()) > 0:
        for _, event in poller.ipoll(10):
            if event & bit:
                return True
    return False

assert wait(select.POLLOUT)
CONNECT = b"\\x10\\x0e\\x00\\x04MQTT\\x04\\x02\\x00\\x3c\\x00\\x02ab"
"""
DELAYED = """
sim.command("lie on")
print(s.write(CONNECT), wait(select.POLLIN, 300), s.read(4))
sim.command("lie off")
print(wait(select.POLLIN), s.read(4))
"""
BUFFER_FILLS = """
sim.command("lie on")
total = 0
while True:
    sent = s.write(bytes(1000))
    if sent is None:
        break
    total += sent
print(total, wait(select.POLLOUT, 50))
"""
RADIO_OFF = """
wlan.active(False)
print(error(s.write, b"x") == "OSError:" + str(errno.ECONNABORTED), wait(select.POLLIN))
print(error(s.read, 1) == "OSError:" + str(errno.ECONNABORTED))
"""
LINK_LOST = """
sim.command("link off")
for _ in range(3):
    sim.advance(1000)
    wlan.status()
print(error(s.write, b"x"))
"""


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("name", ["delayed", "fills", "radio", "lost"])
def test_a_link_that_breaks_breaks_sockets(
    board: str, name: str, mosquitto: Broker, tmp_path: Path
) -> None:
    esp32 = board == "esp32"
    program, printed = {
        "delayed": (DELAYED, ["16 False None", "True b' \\x02\\x00\\x00'"]),
        "fills": (BUFFER_FILLS, [("5760" if esp32 else "6400") + " False"]),
        "radio": (RADIO_OFF, ["True True", "True"]),
        "lost": (LINK_LOST, ["OSError:113" if esp32 else "1"]),
    }[name]
    start = ECHO.format(host=mosquitto.host, port=mosquitto.port)
    result = run(board, tmp_path, start + program)
    assert result.stderr == ""
    assert [line for line in result.stdout.splitlines() if line[:5] != "[sim]"] == printed


@pytest.mark.parametrize("scale", [1, 20])
def test_its_clock_goes_on_and_is_set_beside_a_faster_one(scale: int, tmp_path: Path) -> None:
    program = """
began = time.time()
time.sleep_ms(2100)
print(2 <= time.time() - began <= 4, time.time_ns() // 1000000000 - time.time() in (0, 1))
machine.RTC().datetime((2026, 1, 2, 4, 3, 4, 5, 0))
print(time.gmtime()[:5])
"""
    path = environment("pico_w", tmp_path)["MICROPYPATH"]
    path = f"{FAST}:{path}" if scale > 1 else path
    result = run("pico_w", tmp_path, program, MICROPYPATH=path, SIM_TIME=str(scale))
    assert (result.stdout, result.stderr) == ("True True\n(2026, 1, 2, 3, 4)\n", "")


def test_writes_count_bytes_whatever_the_items_are(tmp_path: Path) -> None:
    """A buffer of half-words, as WebSocket has one, is written by bytes and from a byte on."""
    program = """
up()
import array
s = socket.socket()
s.connect(socket.getaddrinfo("{}", {})[0][-1])
s.setblocking(False)
buf = array.array("H", bytes(80))
print(s.write(buf, 4, 10), s.write(buf, 76, 4), s.write(bytes(3)), s.write(buf))
sim.command("lie on")
print(s.write(buf, 4, 10), len(s.backlog))
"""
    with socket.create_server(("127.0.0.1", 0)) as listener:  # a broker would refuse such bytes
        result = run("pico_w", tmp_path, program.format(*listener.getsockname()))
    lines = [line for line in result.stdout.splitlines() if line[:5] != "[sim]"]
    assert (lines, result.stderr) == (["10 4 3 80", "10 10"], "")
