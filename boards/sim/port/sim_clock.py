"""The clock of the simulated board: at its start it shows what a board's does that has no battery.

That is 2000 on an ESP32, whose epoch that is too, and 2021 on a Pico W. SIM_CLOCK=set begins with
the computer's. `time` (here or in ../fast) reads it and `machine.RTC` sets it.
"""

from os import getenv

import utime

_2000: int = 946684800
_2021: int = 1609459200
_IS_ESP32: bool = (getenv("SIM_BOARD") or "esp32") == "esp32"
EPOCH: int = _2000 if _IS_ESP32 else 0


def computer_s() -> int:
    """The computer's clock; `utime.time` is a float, of too few digits on 32 bits."""
    return utime.time_ns() // 1_000_000_000


# A second more, for the computer's clock is read by others in between.
_state: dict[str, int] = {"ahead": (_2000 if _IS_ESP32 else _2021) + 1 - computer_s()}
if getenv("SIM_CLOCK") == "set":
    _state["ahead"] = 0


def shown(seconds: int) -> int:
    """What the board's clock shows when it is so late on the computer's."""
    return seconds + _state["ahead"] - EPOCH


def put(seconds: int) -> None:
    """Set the clock to so many seconds since the board's epoch."""
    _state["ahead"] = seconds + EPOCH - computer_s()


def gmtime(seconds: int) -> tuple[int, ...]:
    """Year, month, … of so many seconds since the board's epoch."""
    return utime.gmtime(seconds + EPOCH)


def mktime(fields: tuple[int, ...]) -> int:
    """The opposite of gmtime."""
    return utime.mktime(fields) - EPOCH
