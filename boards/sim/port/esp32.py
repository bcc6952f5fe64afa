"""`esp32` of the simulated board; a Pico W has no such module."""

import sim

if not sim.IS_ESP32:
    raise ImportError("no module named 'esp32'")


def raw_temperature() -> int:
    """The chip's temperature in degrees Fahrenheit; the first ESP32 has only this one."""
    import machine

    return round(machine.temperature() * 1.8 + 32)
