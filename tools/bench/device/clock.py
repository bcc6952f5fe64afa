# mypy: ignore-errors
"""What a measurement reads: the time, the CPU time of this process, all bytes asked of the heap.

Runs on MicroPython and CPython.
"""

import sys
import time

MICROPYTHON = sys.implementation.name == "micropython"

if MICROPYTHON:
    import micropython

    def wall_us():
        """Microseconds of a monotonic clock."""
        return time.ticks_us()

    def since_us(start):
        """Microseconds since then."""
        return time.ticks_diff(time.ticks_us(), start)

    sleep_ms = time.sleep_ms
    asked = getattr(micropython, "mem_total", None) or (lambda: 0)
else:

    def wall_us():
        """Microseconds of a monotonic clock."""
        return time.monotonic_ns() // 1000

    def since_us(start):
        """Microseconds since then."""
        return wall_us() - start

    def sleep_ms(ms):
        """Sleep."""
        time.sleep(ms / 1000)

    def asked():
        """CPython does not tell."""
        return 0


def cpu_us():
    """Microseconds of CPU this process has had; to a microsecond where the kernel tells."""
    if not MICROPYTHON:
        return time.process_time_ns() // 1000
    try:
        with open("/proc/self/schedstat") as file:
            return int(file.read().split()[0]) // 1000
    except OSError:
        return int(time.clock() * 1000000)


def mark(number):
    """Leave a trace for whoever counts this process's system calls."""
    try:
        open("/bench-mark-%d" % number)  # noqa: SIM115
    except OSError:
        return
