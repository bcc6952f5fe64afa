"""`time` that runs SIM_TIME times faster: for the firmware, asyncio and the simulation alike.

Put this folder before `port/` on MICROPYPATH. Ten minutes of an outage, with the settings
and pauses as they are on a board, pass in seconds then; only what is real stays as slow as it
is, so the broker seems to answer later. The clock starts at the real one and is ahead from there
on, never behind: asyncio's task queue, which is C, takes the real one.
"""

from os import getenv

import sim_clock
import utime
from sim_clock import mktime as mktime
from utime import sleep_us as sleep_us
from utime import ticks_add as ticks_add
from utime import ticks_cpu as ticks_cpu
from utime import ticks_diff as ticks_diff
from utime import ticks_us as ticks_us

SCALE: int = int(getenv("SIM_TIME") or 1)
_start: int = utime.ticks_ms()
_start_ns: int = utime.time_ns()


def ticks_ms() -> int:
    """Milliseconds, SCALE times faster."""
    return ticks_add(_start, ticks_diff(utime.ticks_ms(), _start) * SCALE)


def sleep_ms(milliseconds: int) -> None:
    """Sleep, SCALE times shorter."""
    utime.sleep_us(milliseconds * 1000 // SCALE)


def sleep(seconds: float) -> None:
    """Sleep, SCALE times shorter."""
    sleep_ms(int(seconds * 1000))


def real_ns() -> int:
    """The computer's clock in nanoseconds, SCALE times faster since the start."""
    return _start_ns + (utime.time_ns() - _start_ns) * SCALE


def time_ns() -> int:
    """The board's clock in nanoseconds."""
    return sim_clock.shown(0) * 1_000_000_000 + real_ns()


def time() -> int:
    """The board's clock in seconds."""
    return sim_clock.shown(real_ns() // 1_000_000_000)


def gmtime(seconds: int | None = None) -> tuple[int, ...]:
    """Year, month, … of the board's clock, or of so many seconds."""
    return sim_clock.gmtime(time() if seconds is None else seconds)


localtime = gmtime


def clock() -> float:
    """The processor's time, which is as it is."""
    return utime.clock()
