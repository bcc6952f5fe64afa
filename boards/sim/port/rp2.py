"""`rp2` of the simulated board; an ESP32 has no such module."""

import sim

if sim.IS_ESP32:
    raise ImportError("no module named 'rp2'")


def bootsel_button() -> int:
    """1 while the BOOTSEL button is held: `pin BOOTSEL low` in the control file."""
    sim.refresh()
    return 1 - sim.pin_levels.get("BOOTSEL", 1)


def country(code: str | None = None) -> str | None:
    """As network.country."""
    import network

    return network.country(code)
