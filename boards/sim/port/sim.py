"""The simulated world around a simulated board: its clock, its faults, its power.

The environment chooses: SIM_BOARD (esp32 or pico_w), SIM_DIR (folder of the control file and
of what survives a reset; default the working directory), SIM_SPEED (the network's own delays
run this much faster), SIM_SSID and SIM_PASSWORD (the access point's), SIM_ID (unique id, hex),
SIM_WIFI=busy (WiFi is connecting already, as after a soft reset of an ESP32), SIM_CLOCK=set (the
clock shows the time; otherwise 2000 or 2021), SIM_NTP (see `socket`).

Faults come as lines appended to SIM_DIR/control, at any time, from any program:
`echo "link off 5" >> control`. COMMANDS below explains each. They are read at every call of
the simulated modules, also while the firmware waits in `poll`, and survive a reset.
"""

import json
import os
import time

import ffi

BOARD: str = os.getenv("SIM_BOARD") or "esp32"
DIR: str = os.getenv("SIM_DIR") or "."
SPEED: float = float(os.getenv("SIM_SPEED") or 1)
SSID: str = os.getenv("SIM_SSID") or "sim"
PASSWORD: str = os.getenv("SIM_PASSWORD") or "simulated"
IS_ESP32: bool = BOARD == "esp32"
if BOARD not in ("esp32", "pico_w"):
    raise ValueError("SIM_BOARD must be esp32 or pico_w, not " + BOARD)

# A process that ends with this code asks to be started again, as a board does after a reset.
RESET_CODE: int = 75

COMMANDS: dict[str, str] = {
    "link": "off: no radio contact with the access point",
    "ap": "off: the access point is switched off",
    "password": "wrong: the access point has another password now",
    "dhcp": "off: the address is lost and none is given",
    "lie": "on: isconnected() stays True while nothing passes, until WiFi connects anew",
    "dns": "off: names are not resolved",
}
_FAULTY: tuple[str, ...] = ("off", "wrong", "on")
_GOOD: dict[str, str] = {"password": "right", "lie": "off"}
_BAD: dict[str, str] = {"password": "wrong", "lie": "on"}

pin_levels: dict[str, int] = {}  # what the outside drives pins to
warnings: list[str] = []  # what a board would silently do wrong
_faults: dict[str, int | None] = {}  # name -> end in sim milliseconds, None for no end
_state: dict[str, object] = {"reset": None, "rtc": "", "offset": 0, "faults": {}}
_last_ticks: int = time.ticks_ms()
_now: int = 0
_checked: int = 0
_virtual: bool = False
_exit = ffi.open(None).func("v", "_exit", "i")


def say(text: str) -> None:
    """One line on the console that tells what the simulation does."""
    print("[sim]", text)


# ------------------------------------------------------------------------ time


def now_ms() -> int:
    """Milliseconds since the start: SIM_SPEED times the real ones, or the virtual clock."""
    global _now, _last_ticks
    if not _virtual:
        ticks = time.ticks_ms()
        passed = int(time.ticks_diff(ticks, _last_ticks) * SPEED)
        if passed > 0:
            _now += passed
            _last_ticks = ticks
    return _now


def advance(milliseconds: int) -> int:
    """Use a virtual clock from now on and move it; for tests that need no real time."""
    global _now, _virtual
    _virtual = True
    _now += milliseconds
    return _now


def sleep_ms(milliseconds: int) -> None:
    """Pass time inside a call that blocks."""
    if _virtual:
        advance(milliseconds)
    else:
        time.sleep_ms(int(milliseconds / SPEED))


# ---------------------------------------------------------------------- faults


def has(fault: str) -> bool:
    """True while the fault is on; asks the control file first."""
    refresh()
    return fault in _faults


def _expire() -> None:
    """End the faults whose time is over."""
    for name in list(_faults):
        end = _faults[name]
        if end is not None and now_ms() >= end:
            del _faults[name]
            _save()
            say(name + " " + _GOOD.get(name, "on") + " again")


def command(line: str) -> None:
    """Carry out one line of the control file."""
    words = line.split()
    if not words:
        return
    if words[0] == "pin" and len(words) == 3 and words[2] in ("low", "high"):
        pin_levels[words[1]] = 1 if words[2] == "high" else 0
    elif words[0] not in COMMANDS or not 2 <= len(words) <= 3 or not _set_fault(words):
        say("unknown command: " + line + "; there are: pin NUMBER low|high")
        for name in COMMANDS:
            choice = _BAD.get(name, "off") + "|" + _GOOD.get(name, "on")
            say("  " + name + " " + choice + " [SECONDS] - " + COMMANDS[name])
        return
    say(line)
    _save()


def _set_fault(words: list[str]) -> bool:
    name, value = words[0], words[1]
    if value == _GOOD.get(name, "on"):
        _faults.pop(name, None)
        return len(words) == 2
    if value != _BAD.get(name, "off"):
        return False
    end = None
    if len(words) == 3:
        try:
            end = now_ms() + int(float(words[2]) * 1000)
        except ValueError:
            return False
    _faults[name] = end
    return True


def refresh() -> None:
    """Carry out what was appended to the control file, and end what is over."""
    global _checked
    if _faults:
        _expire()
    ticks = time.ticks_ms()
    if 0 <= time.ticks_diff(ticks, _checked) < 5:
        return
    _checked = ticks
    offset = _state["offset"]
    try:
        size = os.stat(DIR + "/control")[6]
        if size == offset:
            return
        with open(DIR + "/control") as file:
            if size > offset:
                file.seek(offset)
            else:
                offset = 0  # written anew
            text = file.read()
    except OSError:
        return  # no control file, no commands
    end = text.rfind("\n") + 1
    if end:
        _state["offset"] = offset + len(text[:end].encode())
        for line in text[:end].split("\n"):
            command(line)
        _save()


# ----------------------------------------------------- what survives the power


def _save() -> None:
    wall = time.real_ns() // 1_000_000
    now = now_ms()
    faults = {}
    for name in _faults:
        end = _faults[name]
        faults[name] = None if end is None else wall + int((end - now) / SPEED)
    _state["faults"] = faults
    path = DIR + "/sim_state.json"
    with open(path + ".new", "w") as file:
        json.dump(_state, file)
    os.rename(path + ".new", path)


def _load() -> None:
    try:
        with open(DIR + "/sim_state.json") as file:
            _state.update(json.load(file))
    except (OSError, ValueError):
        return  # the first start
    wall = time.real_ns() // 1_000_000
    for name in _state["faults"]:
        end = _state["faults"][name]
        _faults[name] = None if end is None else now_ms() + int((end - wall) * SPEED)


def take_reset_cause() -> str:
    """Why the board started: a word that `restart` left, or "PWRON" (also after SIGKILL)."""
    cause = _state["reset"] or "PWRON"
    if cause == "PWRON":
        _state["rtc"] = ""
    _state["reset"] = None
    _save()
    return cause


def restart(cause: str) -> None:
    """Reset the board: end at once, whatever runs, without closing anything."""
    _state["reset"] = cause
    _save()
    _exit(RESET_CODE)


def rtc_memory(data: bytes | None = None) -> bytes | None:
    """Memory that survives a reset but not a loss of power."""
    if data is None:
        return bytes.fromhex(_state["rtc"])
    _state["rtc"] = data.hex()
    _save()
    return None


_load()
REASON: str = take_reset_cause()
