"""Raspberry Pi Pico W: pins, temperature, and how its WiFi behaves."""

import machine
from machine import ADC, Pin

NAME: str = "pico_w"
LED_PIN: str = "LED"  # it hangs on the WiFi chip and has no number
LED_ON: int = 1
SKIP_PIN: int = 22  # to GND; the pin next to a GND pin on the right side
WDT_MAX_MS: int = 8388

# The chip never rejoins by itself: nothing to wait for.
WIFI_SELF_REJOIN_MS: int = 0
_WIFI_STATUS: dict[int, str] = {
    0: "down",
    1: "joining",
    2: "joined, no address yet",
    3: "connected",
    -1: "failed",
    -2: "no access point found",
    -3: "wrong password",
}


def wifi_status(code: int) -> str:
    """A status code in words."""
    return _WIFI_STATUS.get(code, "status " + str(code))


def wifi_failed(code: int) -> bool:
    """True when an attempt has ended without success."""
    return code < 0


def led(pin: int | None = None) -> Pin:
    """The LED, switched off."""
    return Pin(LED_PIN if pin is None else pin, Pin.OUT, value=1 - LED_ON)


def skip_held(pin: int | None = None) -> bool:
    """True while the pin that skips the program is held low."""
    return Pin(SKIP_PIN if pin is None else pin, Pin.IN, Pin.PULL_UP).value() == 0


def temperature() -> float:
    """The chip's temperature in degrees Celsius, from the data sheet's straight line."""
    volts = ADC(4).read_u16() * 3.3 / 65535
    return round(27 - (volts - 0.706) / 0.001721, 1)


def reset_cause() -> str:
    """Why the board started. `reset()` uses the watchdog here, so both look the same."""
    if machine.reset_cause() == machine.PWRON_RESET:
        return "power on"
    return "reset or watchdog"
