"""`time` of the simulated board: all that the unix port has, and the board's own clock."""

import sim_clock
import utime
from sim_clock import mktime as mktime
from utime import clock as clock
from utime import sleep as sleep
from utime import sleep_ms as sleep_ms
from utime import sleep_us as sleep_us
from utime import ticks_add as ticks_add
from utime import ticks_cpu as ticks_cpu
from utime import ticks_diff as ticks_diff
from utime import ticks_ms as ticks_ms
from utime import ticks_us as ticks_us

real_ns = utime.time_ns  # for what has to go on over a reset of the board


def time() -> int:
    """The board's clock in seconds."""
    return sim_clock.shown(sim_clock.computer_s())


def time_ns() -> int:
    """The board's clock in nanoseconds."""
    return sim_clock.shown(0) * 1_000_000_000 + utime.time_ns()


def gmtime(seconds: int | None = None) -> tuple[int, ...]:
    """Year, month, … of the board's clock, or of so many seconds."""
    return sim_clock.gmtime(time() if seconds is None else seconds)


localtime = gmtime
