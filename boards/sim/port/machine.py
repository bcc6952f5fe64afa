"""`machine` of the simulated board; what a board lacks is missing here too."""

import time

import sim
import sim_clock

PWRON_RESET: int = 1
WDT_RESET: int = 3
if sim.IS_ESP32:
    HARD_RESET: int = 2
    DEEPSLEEP_RESET: int = 4
    SOFT_RESET: int = 5

_frequency: int = 160_000_000 if sim.IS_ESP32 else 125_000_000
_start: int = time.ticks_ms()


def unique_id() -> bytes:
    """6 bytes on an ESP32, 8 on a Pico W."""
    given = sim.os.getenv("SIM_ID")
    if given:
        return bytes.fromhex(given)
    return bytes.fromhex("246f28000001" if sim.IS_ESP32 else "e6605481db000001")


def reset() -> None:
    """End the process in a way that asks to be started again."""
    sim.say("reset")
    sim.restart("HARD" if sim.IS_ESP32 else "WDT")


def soft_reset() -> None:
    """On the simulated board the same as a reset that leaves nothing behind."""
    sim.restart("SOFT")


def reset_cause() -> int:
    """Why the board started. On rp2 every reset of its own looks like the watchdog's."""
    if sim.REASON == "PWRON":
        return PWRON_RESET
    if not sim.IS_ESP32:
        return WDT_RESET
    return {"HARD": 2, "WDT": 3, "DEEPSLEEP": 4, "SOFT": 5}[sim.REASON]


def deepsleep(time_ms: int = 0) -> None:
    """Sleep, then start anew."""
    sim.say("deepsleep")
    time.sleep_ms(int(time_ms / sim.SPEED))
    sim.restart("DEEPSLEEP" if sim.IS_ESP32 else "WDT")


def lightsleep(time_ms: int = 0) -> None:
    """Sleep and go on."""
    time.sleep_ms(int(time_ms / sim.SPEED))


def idle() -> None:
    """Let the processor rest for a moment."""
    time.sleep_ms(1)


def freq(hertz: int | None = None) -> int | None:
    """Get or set the clock frequency."""
    global _frequency
    if hertz is None:
        return _frequency
    _frequency = hertz
    return None


def disable_irq() -> int:
    """There are no interrupts here."""
    return 0


def enable_irq(state: int) -> None:
    """There are no interrupts here."""


_outputs: dict[str, int] = {}


class Pin:
    """A pin; `pin NUMBER low|high` in the control file drives an input from outside."""

    IN: int = 0
    OUT: int = 1
    PULL_UP: int = 1
    PULL_DOWN: int = 2

    def __init__(
        self,
        id: int | str,
        mode: int = -1,
        pull: int | None = None,
        *,
        value: int | None = None,
    ) -> None:
        highest = 39 if sim.IS_ESP32 else 29
        named = not sim.IS_ESP32 and id == "LED"
        if not named and not (isinstance(id, int) and 0 <= id <= highest):
            raise ValueError("invalid pin")
        self._id = str(id)
        self.init(mode, pull, value=value)

    def init(self, mode: int = -1, pull: int | None = None, *, value: int | None = None) -> None:
        """Set direction, pull and, for an output, the level."""
        self._mode = mode
        self._pull = pull
        if value is not None:
            self.value(value)

    def value(self, level: object = None) -> int | None:
        """Get or set the level."""
        if level is not None:
            _outputs[self._id] = 1 if level else 0
            return None
        sim.refresh()
        if self._mode == Pin.OUT:
            return _outputs.get(self._id, 0)
        return sim.pin_levels.get(self._id, 1 if self._pull == Pin.PULL_UP else 0)

    def __call__(self, level: object = None) -> int | None:
        """As value()."""
        return self.value(level)

    def on(self) -> None:
        """Set the level high."""
        self.value(1)

    def off(self) -> None:
        """Set the level low."""
        self.value(0)

    def toggle(self) -> None:
        """Change the level."""
        self.value(not _outputs.get(self._id, 0))


class ADC:
    """An analog input; channel 4 of the Pico W is its temperature sensor."""

    CORE_TEMP: int = 4

    def __init__(self, id: object) -> None:
        self._id = id

    def read_u16(self) -> int:
        """A level between 0 and 65535."""
        if self._id != 4 or sim.IS_ESP32:
            return 32768
        volts = 0.706 - (temperature() - 27) * 0.001721
        return int(volts * 65535 / 3.3)


def temperature() -> float:
    """The simulated chip's temperature: between 24 and 30 degrees, in a slow triangle."""
    phase = time.ticks_diff(time.ticks_ms(), _start) // 100 % 600
    return 24 + (phase if phase < 300 else 600 - phase) / 50


class RTC:
    """The clock. Only on an ESP32 it has memory that survives a reset."""

    def __init__(self) -> None:
        if sim.IS_ESP32:
            self.memory = _memory

    def datetime(self, value: object = None) -> tuple[int, ...] | None:
        """Get or set the clock, in the order of the boards: the weekday before the hour."""
        if value is not None:
            v = tuple(value)
            if len(v) != 8:
                raise ValueError("requested length 8 but object has length " + str(len(v)))
            sim_clock.put(sim_clock.mktime((v[0], v[1], v[2], v[4], v[5], v[6], 0, 0)))
            return None
        t = time.gmtime()
        return (t[0], t[1], t[2], t[6], t[3], t[4], t[5], 0)


def _memory(data: object = None) -> bytes | None:
    if data is not None and len(data) > 2048:
        raise ValueError("buffer too long")
    return sim.rtc_memory(None if data is None else bytes(data))


_watchdog: list[int] = [0, 0]  # timeout and last feed, for the thread that watches


class WDT:
    """The watchdog: cannot be stopped, and resets the board when it is not fed."""

    def __init__(self, id: int = 0, timeout: int = 5000) -> None:
        if id != 0 or timeout < 1 or (not sim.IS_ESP32 and timeout > 8388):
            raise ValueError("timeout exceeds 8388" if timeout > 8388 else "invalid watchdog")
        running = _watchdog[0]
        _watchdog[0] = timeout
        self.feed()
        if not running:
            import _thread

            _thread.start_new_thread(_watch, ())

    def feed(self) -> None:
        """Start the time anew."""
        _watchdog[1] = time.ticks_ms()


def _watch() -> None:
    """Allocates nothing while it waits: it shares the heap without a lock."""
    while time.ticks_diff(time.ticks_ms(), _watchdog[1]) <= _watchdog[0]:
        time.sleep_ms(10)
    sim.say("the watchdog was not fed")
    sim.restart("WDT")
