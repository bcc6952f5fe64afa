"""What the simulated boards do: small programs, and what they print."""

from __future__ import annotations

BOARDS = ("esp32", "pico_w")
ESP32 = ("esp32",)
PICO_W = ("pico_w",)

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
