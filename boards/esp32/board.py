"""ESP32 boards: pins, temperature, and how their WiFi behaves."""

import machine
from machine import Pin

NAME: str = "esp32"
LED_PIN: int = 2
LED_ON: int = 1  # the level that lights it
SKIP_PIN: int = 0  # the BOOT button pulls it low; press it after the reset, not during it
WDT_MAX_MS: int = 600_000

# After a lost link the chip rejoins by itself; leave it alone for so long.
WIFI_SELF_REJOIN_MS: int = 15_000
_WIFI_STATUS: dict[int, str] = {
    1000: "idle",
    1001: "connecting",
    1010: "connected",
    200: "beacon timeout",
    201: "no access point found",
    202: "wrong password",
    203: "association failed",
    204: "handshake timeout",
    210: "no access point with this security",
    211: "no access point with this authentication",
    212: "signal too weak",
}


def wifi_status(code: int) -> str:
    """A status code in words."""
    return _WIFI_STATUS.get(code, "status " + str(code))


def wifi_failed(code: int) -> bool:
    """False: a reason stays shown while the chip tries again, so no code is final."""
    return False


def led(pin: int | None = None) -> Pin:
    """The LED, switched off."""
    return Pin(LED_PIN if pin is None else pin, Pin.OUT, value=1 - LED_ON)


def skip_held(pin: int | None = None) -> bool:
    """True while the pin that skips the program is held low."""
    return Pin(SKIP_PIN if pin is None else pin, Pin.IN, Pin.PULL_UP).value() == 0


def temperature() -> float:
    """The chip's temperature in degrees Celsius; the first ESP32 counts in Fahrenheit."""
    import esp32

    if hasattr(esp32, "mcu_temperature"):
        return float(esp32.mcu_temperature())
    return round((esp32.raw_temperature() - 32) / 1.8, 1)


def reset_cause() -> str:
    """Why the board started."""
    causes = {
        machine.PWRON_RESET: "power on",
        machine.HARD_RESET: "reset",
        machine.WDT_RESET: "watchdog",
        machine.DEEPSLEEP_RESET: "deep sleep",
        machine.SOFT_RESET: "soft reset",
    }
    return causes.get(machine.reset_cause(), "unknown")
