"""The simulated board does what real boards do, on both: a table of small programs.

Each row is a program for the board and what it must print. Time is virtual (`sim.advance`)
where the row says nothing else, so minutes pass in milliseconds.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from boards.sim.run import RESET_CODE, ROOT, environment
from tools import toolchain
from tools.broker import Broker

BOARDS = ("esp32", "pico_w")
ESP32 = ("esp32",)
PICO_W = ("pico_w",)
FAST = ROOT / "boards" / "sim" / "fast"

PREPARE = """
import errno, machine, network, sim, socket, time
wlan = network.WLAN(network.STA_IF)

def up():
    wlan.active(True)
    wlan.connect("sim", "simulated")
    sim.advance(1200); wlan.status(); sim.advance(700); wlan.status()

def seen(ms, step=50):
    codes = []
    for _ in range(ms // step):
        sim.advance(step)
        code = wlan.status()
        if code not in codes:
            codes.append(code)
    return codes

def error(call, *args, **more):
    try:
        return call(*args, **more)
    except Exception as e:
        return type(e).__name__ + ":" + str(e.args[0] if e.args else "")
"""

JOIN = "wlan.active(True); wlan.connect({}); print(seen(8000), wlan.isconnected())"
GOOD = '"sim", "simulated"'

# name, boards, program, what it prints
TABLE = [
    ("joins", ESP32, JOIN.format(GOOD), "[1000, 1001, 1010] True"),
    ("joins", PICO_W, JOIN.format(GOOD), "[1, 2, 3] True"),
    ("no access point", ESP32, JOIN.format('"other", "x"'), "[1000, 1001, 201] False"),
    ("no access point", PICO_W, JOIN.format('"other", "x"'), "[1, -2] False"),
    ("wrong password", ESP32, JOIN.format('"sim", "wrong"'), "[1000, 1001, 202] False"),
    ("wrong password", PICO_W, JOIN.format('"sim", "wrong"'), "[1, -3] False"),
    (
        "202 is not terminal",
        ESP32,
        "sim.command('password wrong 5'); " + JOIN.format(GOOD),
        "[sim] password wrong 5\n[sim] password right again\n[1000, 1001, 202, 1010] True",
    ),
    ("no address", ESP32, "sim.command('dhcp off'); " + JOIN.format(GOOD), "[1000, 1001] False"),
    ("no address", PICO_W, "sim.command('dhcp off'); " + JOIN.format(GOOD), "[1, 2] False"),
    (
        "rejoins by itself",
        ESP32,
        "up(); sim.command('link off 10'); print(seen(10000), seen(9000)[-1])",
        "[1010, 200, 201] 1010",
    ),
    (
        "stays at 1 for ever",
        PICO_W,
        "up(); sim.command('link off 10'); print(seen(10000), seen(99000), wlan.isconnected())",
        "[3, 1] [1] False",
    ),
    ("stays down", PICO_W, "up(); sim.command('ap off 5'); print(seen(99000))", "[3, 0]"),
    (
        "gives up after its reconnects",
        ESP32,
        "wlan.active(True); wlan.config(reconnects=1); sim.command('ap off');"
        "wlan.connect('sim', 'simulated'); seen(9000); sim.command('ap on');"
        "print(seen(9000), wlan.config('reconnects'))",
        "[201] 1",
    ),
    (
        "reconnects is unknown",
        PICO_W,
        "print(error(wlan.config, reconnects=3))",
        "ValueError:unknown config param",
    ),
    (
        "does not notice a lost address",
        ESP32,
        "up(); sim.command('dhcp off'); print(seen(5000), wlan.isconnected(), wlan.ifconfig()[0])",
        "[1010] True 0.0.0.0",
    ),
    (
        "notices a lost address",
        PICO_W,
        "up(); sim.command('dhcp off'); print(seen(5000), wlan.isconnected(), wlan.ifconfig()[0])",
        "[2] False 0.0.0.0",
    ),
    (
        "connect while connecting",
        ESP32,
        "wlan.active(True); wlan.connect('sim', 'x'); print(error(wlan.connect, 'sim', 'x'));"
        "wlan.disconnect(); print(error(wlan.connect, 'sim', 'x'))",
        "OSError:Wifi Internal Error\nNone",
    ),
    (
        "connect before active",
        ESP32,
        "print(error(wlan.connect, 'sim', 'x'))",
        "OSError:Wifi Not Started",
    ),
    (
        "rssi",
        ESP32,
        "print(error(wlan.status, 'rssi')); up(); print(wlan.status('rssi') < 0)",
        "OSError:Wifi Not Connected\nTrue",
    ),
    (
        "rssi",
        PICO_W,
        "print(wlan.status('rssi')); up(); print(wlan.status('rssi') < 0)",
        "0\nTrue",
    ),
    (
        "isconnected lies",
        BOARDS,
        "up(); sim.command('lie on'); sim.command('link off'); seen(9000);"
        "print(wlan.isconnected(), network.station().passes())",
        "True False",
    ),
    (
        "a lie ends with a new connection",
        BOARDS,
        "up(); sim.command('lie on'); seen(500); print(network.station().passes());"
        "wlan.disconnect(); up(); print(network.station().passes())",
        "False\nTrue",
    ),
    (
        "active(True) resets the power mode",
        BOARDS,
        "wlan.active(True); a = wlan.config('pm'); wlan.config(pm=wlan.PM_NONE);"
        "b = wlan.config('pm'); wlan.active(False); wlan.active(True);"
        "print(a == wlan.config('pm'), b == wlan.PM_NONE, a != b)",
        "True True True",
    ),
    ("saves power", PICO_W, "up(); print(wlan.config('pm') == wlan.PM_POWERSAVE)", "True"),
    (
        "host name and country come first",
        BOARDS,
        "network.country('DE'); network.hostname('a'); print(sim.warnings); up();"
        "network.country('FR'); network.hostname('b'); print(sim.warnings)",
        "[]\n['country() after active(True)', 'hostname() after connect()']",
    ),
    ("unique id", ESP32, "print(len(machine.unique_id()))", "6"),
    ("unique id", PICO_W, "print(len(machine.unique_id()))", "8"),
    ("deep sleep", ESP32, "print(machine.DEEPSLEEP_RESET)", "4"),
    ("deep sleep", PICO_W, "print(error(lambda: machine.DEEPSLEEP_RESET))", "AttributeError:*"),
    ("rtc memory", ESP32, "m = machine.RTC().memory; m(b'ab'); print(m())", "b'ab'"),
    ("rtc memory", PICO_W, "print(hasattr(machine.RTC(), 'memory'))", "False"),
    ("watchdog limit", ESP32, "print(error(machine.WDT, timeout=8389) is None)", "False"),
    (
        "watchdog limit",
        PICO_W,
        "print(error(machine.WDT, timeout=8389)); machine.WDT(timeout=8388)",
        "ValueError:timeout exceeds 8388",
    ),
    ("the LED has a name", PICO_W, "machine.Pin('LED', machine.Pin.OUT, value=1)", ""),
    ("the LED has no name", ESP32, "print(error(machine.Pin, 'LED'))", "ValueError:invalid pin"),
    (
        "pins are driven from outside",
        BOARDS,
        "p = machine.Pin(22, machine.Pin.IN, machine.Pin.PULL_UP); print(p.value());"
        "sim.command('pin 22 low'); print(p())",
        "1\n0",
    ),
    ("esp32 module", ESP32, "import esp32; print(70 < esp32.raw_temperature() < 90)", "True"),
    ("esp32 module", PICO_W, "print(error(__import__, 'esp32')[:11])", "ImportError"),
    ("temperature", PICO_W, "print(13000 < machine.ADC(4).read_u16() < 15000)", "True"),
    (
        "no name without a link",
        ESP32,
        "t = sim.now_ms(); print(error(socket.getaddrinfo, 'broker', 1), sim.now_ms() - t)",
        "OSError:-202 200",
    ),
    (
        "no name without a link, 7 s later",
        PICO_W,
        "t = sim.now_ms(); print(error(socket.getaddrinfo, 'broker', 1), sim.now_ms() - t)",
        "OSError:-2 7000",
    ),
    (
        "connect without a link",
        ESP32,
        "s = socket.socket(); s.setblocking(False);"
        "print(error(s.connect, 0) == 'OSError:' + str(errno.EHOSTUNREACH))",
        "True",
    ),
    (
        "connect without a link is silent",
        PICO_W,
        "s = socket.socket(); s.setblocking(False);"
        "print(error(s.connect, 0) == 'OSError:' + str(errno.EINPROGRESS), s.write(b'x'))",
        "True None",
    ),
    ("the gateway answers", BOARDS, "up(); print(ask())", "b'\\x01\\x02\\x80'"),
    ("the gateway is silent", BOARDS, "up(); sim.command('lie on'); print(ask())", "None"),
    ("boots in 2000", ESP32, "print(time.gmtime()[:3], time.time() < 9)", "(2000, 1, 1) True"),
    ("boots in 2021", PICO_W, "print(time.gmtime()[:3], time.gmtime(0)[0])", "(2021, 1, 1) 1970"),
    (
        "its clock can be set",
        BOARDS,
        "r = machine.RTC(); r.datetime((2026, 11, 20, 4, 12, 34, 56, 0)); print(r.datetime()[:6]);"
        "print(time.localtime()[:3], time.gmtime(time.mktime(time.gmtime()))[:5])",
        "(2026, 11, 20, 4, 12, 34)\n(2026, 11, 20) (2026, 11, 20, 12, 34)",
    ),
    (
        "looks at dates",
        PICO_W,
        "import tls; c = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT);"
        "w = lambda: c.wrap_socket(socket.socket(), server_hostname='x',"
        " do_handshake_on_connect=False); s = w(); print(error(s.write, b'x')); s.close();"
        "c.verify_mode = tls.CERT_NONE; print(hasattr(w(), 'cipher'))",
        "ValueError:The certificate validity starts in the future\n\nTrue",
    ),
    (
        "does not look at dates",
        ESP32,
        "import tls; c = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT); s = c.wrap_socket("
        "socket.socket(), server_hostname='x', do_handshake_on_connect=False);"
        "print(hasattr(s, 'cipher'))",
        "True",
    ),
    ("unknown command", BOARDS, "sim.command('fly away')", "[sim] unknown command: fly away; *"),
    ("unknown value", BOARDS, "sim.command('link lost')", "[sim] unknown command: link lost; *"),
    ("bad duration", BOARDS, "sim.command('link off x')", "[sim] unknown command: link off x; *"),
]
ASK = """
def ask():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setblocking(False)
    s.sendto(b"\\x01\\x02\\x00\\x00rest", socket.getaddrinfo("192.168.4.1", 53)[0][-1])
    try:
        return s.recv(64)[:3]
    except OSError:
        return None
"""
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
    with Broker() as broker:
        result = run("pico_w", tmp_path, program.format(broker.host, broker.port))
    lines = [line for line in result.stdout.splitlines() if line[:5] != "[sim]"]
    assert (lines, result.stderr) == (["10 4 3 80", "10 10"], "")
