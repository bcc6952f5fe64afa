"""Milliseconds by the same names on MicroPython and CPython."""

try:
    from time import sleep_ms, ticks_diff, ticks_ms
except ImportError:
    from time import monotonic, sleep

    def ticks_ms():
        """A count of milliseconds."""
        return int(monotonic() * 1000)

    def ticks_diff(end, start):
        """From start to end."""
        return end - start

    def sleep_ms(ms):
        """Sleep."""
        sleep(ms / 1000)
