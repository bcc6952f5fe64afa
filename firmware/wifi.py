"""WiFi that comes up and comes back, on ESP32 and Pico W, without ever blocking.

    wifi = Wifi(settings)
    asyncio.create_task(wifi.run())
    await wifi.wait_up()

It is a state machine, and `run` the task that turns it: `step` does what is due, `due_ms` says
how long nothing is. (A program without asyncio calls `step` in its own loop.)

    OFF -> LEAVE -> JOIN -> SETTLE -> UP        the way up: disconnect, a second's pause,
             ^       |        |       |         connect, an address, some stable seconds
             |       v        v       v
           PAUSE <- fail     LOST <---+         LOST: an ESP32 rejoins by itself, so let it;
             ^       |        |                 a Pico W never does and goes to LEAVE at once
             |       v        v
             +--- RADIO    LEAVE                every third failure switches the radio off

No step waits: each makes a few calls of the port that return at once, and is over within 50 ms
(measured on the simulated board: 2). Only the port's own start of the radio may take longer, at
the beginning and after it was switched off.

Pauses grow exponentially, with jitter. The last resort is a reset of the board. That the
broker is silent is no reason to touch WiFi: `suspect` only makes it ask the name server
(see `probe`), and only when that has gone silent too, WiFi joins anew.
"""

import asyncio
import random
import time

import board
import machine
import network
from micropython import const
from probe import Probe

TYPE_CHECKING = const(False)
if TYPE_CHECKING:  # names that only a type checker needs
    from collections.abc import Callable
    from typing import Any

    from _mpy_shed.time_mp import _TicksMs as Ticks

_OFF = const(0)
_LEAVE = const(1)
_JOIN = const(2)
_SETTLE = const(3)
_UP = const(4)
_LOST = const(5)
_PAUSE = const(6)
_RADIO = const(7)
_RADIO_OFF_MS = const(1000)
_PROBE_AGAIN_MS = const(60000)
_LOOK_MS = const(100)  # how often the link is looked at while it may come
_WATCH_MS = const(500)  # … and while it is there
_LEAST_MS = const(20)  # whatever the settings say, the others get their time
_NO_ADDRESS = "0.0.0.0"


class Wifi:
    """The station interface as a state machine; `settings` is the file's wifi section."""

    def __init__(self, settings: dict[str, Any], log: Callable[..., None] = print) -> None:
        self._settings = settings
        self._log = log
        self._state = _OFF
        self._since = time.ticks_ms()
        self._wait_ms = 0
        self.failures = 0
        self.losses = 0  # times the link was lost since the start
        self.rejoins = 0  # times WiFi was told to leave and join
        self._probe: Probe | None = None
        self._probe_works: bool | None = None  # None: not known yet
        self._probed_at = self._since
        self._may_probe = False  # again, after _PROBE_AGAIN_MS
        self._suspected = False
        self._believed = False  # the silence of a server that has never answered
        if settings["hostname"]:
            network.hostname(settings["hostname"])
        if settings["country"]:
            network.country(settings["country"])
        self._wlan = network.WLAN(network.STA_IF)
        self.up = asyncio.Event()

    # --------------------------------------------------------------- what it is

    def is_up(self) -> bool:
        """True when there is an address and it has been stable; free of side effects."""
        return self._state == _UP

    def address(self) -> str:
        """The board's IP address, 0.0.0.0 when there is none."""
        return str(self._wlan.ifconfig()[0])

    def rssi(self) -> int | None:
        """Signal strength in dBm, None when there is no link."""
        try:
            return self._wlan.status("rssi") or None
        except OSError:  # an ESP32 that is not associated
            return None

    def _has_link(self) -> bool:
        """isconnected() does not notice a lost address on an ESP32, so look at both."""
        return self._wlan.isconnected() and self.address() != _NO_ADDRESS

    # ----------------------------------------------------------------- the task

    async def run(self) -> None:
        """Step for ever, and sleep in between for as long as there is nothing to do."""
        while True:
            now = time.ticks_ms()
            self.step(now)
            await asyncio.sleep_ms(self.due_ms(now))

    async def wait_up(self) -> None:
        """Return when WiFi can be used, at this very moment.

        So it steps by itself: to resolve a name without a link can block for long, on a Pico 2 W
        for ever.
        """
        while not self.step(time.ticks_ms()):
            await self.up.wait()

    def due_ms(self, now_ms: Ticks) -> int:
        """How long nothing is due: the rest of a pause, or until the next look at the link."""
        state = self._state
        if state == _UP:
            return _WATCH_MS if self._probe is None else _LOOK_MS
        left = max(_LEAST_MS, self._wait_ms - self._passed(now_ms))
        return left if state in (_LEAVE, _PAUSE, _RADIO) else min(left, _LOOK_MS)

    # ---------------------------------------------------------------- the steps

    def step(self, now_ms: Ticks) -> bool:
        """Do what is due, at once; True when WiFi can be used."""
        self._wait_to_probe(now_ms)
        state = self._state
        if state == _UP:
            self._step_up(now_ms)
        elif state == _SETTLE:
            self._step_settle(now_ms)
        elif state == _JOIN:
            self._step_join(now_ms)
        elif state == _LOST and self._has_link():
            self._settle(now_ms)
        elif state == _OFF:
            self._start(now_ms)
        elif self._passed(now_ms) >= self._wait_ms:
            self._step_waited(now_ms)
        return self._state == _UP

    def _step_waited(self, now_ms: Ticks) -> None:
        """A pause is over."""
        state = self._state
        if state == _LEAVE:
            self._join(now_ms)
        elif state == _RADIO:
            self._radio_on()
            self._pause(now_ms)
        else:
            self._leave(now_ms)

    def _passed(self, now_ms: Ticks) -> int:
        return time.ticks_diff(now_ms, self._since)

    def _go(self, state: int, now_ms: Ticks, wait_ms: int = 0) -> None:
        self._state = state
        self._since = now_ms
        self._wait_ms = wait_ms
        if state == _UP:
            self.up.set()
        else:
            self.up.clear()

    def _start(self, now_ms: Ticks) -> None:
        if self._wlan.active() and self._has_link():
            self._settle(now_ms)  # it survived a soft reset
            return
        self._radio_on()
        self._leave(now_ms)

    def _radio_on(self) -> None:
        self._wlan.active(True)
        mode = self._settings["power_save"]
        value = getattr(network.WLAN, "PM_" + mode.upper(), None)
        if value is not None:
            self._wlan.config(pm=value)  # active(True) has reset it

    def _leave(self, now_ms: Ticks) -> None:
        """connect() while the chip is connecting raises, so always leave first."""
        self.rejoins += 1
        self._disconnect()
        self._go(_LEAVE, now_ms, int(self._settings["leave_s"] * 1000))

    def _disconnect(self) -> None:
        try:
            self._wlan.disconnect()
        except OSError as error:
            self._log("wifi: disconnect:", error)

    def _join(self, now_ms: Ticks) -> None:
        self._log("wifi: joining", self._settings["ssid"])
        try:
            self._wlan.connect(self._settings["ssid"], self._settings["password"])
        except OSError as error:
            self._fail(now_ms, str(error))
            return
        self._go(_JOIN, now_ms, int(self._settings["join_s"] * 1000))

    def _step_join(self, now_ms: Ticks) -> None:
        if self._has_link():
            self._settle(now_ms)
            return
        code = self._wlan.status()
        if board.wifi_failed(code) or self._passed(now_ms) >= self._wait_ms:
            self._fail(now_ms, board.wifi_status(code))

    def _settle(self, now_ms: Ticks) -> None:
        self._go(_SETTLE, now_ms, int(self._settings["stable_s"] * 1000))

    def _step_settle(self, now_ms: Ticks) -> None:
        if not self._has_link():
            self._lost(now_ms)
        elif self._passed(now_ms) >= self._wait_ms:
            self._log("wifi: up", self.address(), self.rssi(), "dBm")
            self.failures = 0
            self._go(_UP, now_ms)

    def _lost(self, now_ms: Ticks) -> None:
        self.losses += 1
        self._end_probe()
        why = "no address" if self._wlan.isconnected() else board.wifi_status(self._wlan.status())
        self._log("wifi: lost,", why)
        if board.WIFI_SELF_REJOIN_MS:
            self._go(_LOST, now_ms, board.WIFI_SELF_REJOIN_MS)
        else:
            self._leave(now_ms)

    # ----------------------------------------------------------------- failures

    def _fail(self, now_ms: Ticks, why: str) -> None:
        self.failures += 1
        self._log("wifi: attempt", self.failures, "failed:", why)
        self._disconnect()
        limit = self._settings["reset_after"]
        if limit and self.failures >= limit:
            self._log("wifi: giving up, reset")
            machine.reset()
        elif self.failures % self._settings["radio_off_after"] == 0:
            self._log("wifi: radio off and on")
            self._wlan.active(False)
            self._go(_RADIO, now_ms, _RADIO_OFF_MS)
        else:
            self._pause(now_ms)

    def _pause(self, now_ms: Ticks) -> None:
        """Twice as long each time; the upper half of it at random, against herds."""
        longest = self._settings["retry_max_s"] * 1000
        full = min(self._settings["retry_s"] * 1000 * (1 << min(self.failures, 12)) / 2, longest)
        self._go(_PAUSE, now_ms, int(full * (0.5 + random.random() / 2)))

    # ------------------------------------------------------- connected but dead

    def suspect(self) -> None:
        """Say that nothing has been heard from the broker for long; may be repeated."""
        self._suspected = True

    def _step_up(self, now_ms: Ticks) -> None:
        if not self._has_link():
            self._lost(now_ms)
        elif self._probe is not None:
            answered = self._probe.step(now_ms)
            if answered is not None:
                self._judge(answered, now_ms)
        elif self._probe_due():
            self._probed_at = now_ms
            self._may_probe = False
            self._probe = Probe(self._wlan.ifconfig()[3], now_ms)

    def _wait_to_probe(self, now_ms: Ticks) -> None:
        """Remember that the pause is over: ticks that are days old are in the future again."""
        if time.ticks_diff(now_ms, self._probed_at) >= _PROBE_AGAIN_MS:
            self._may_probe = True

    def _probe_due(self) -> bool:
        """Once after coming up, to learn whether the server answers here at all."""
        return self._probe_works is None or (self._suspected and self._may_probe)

    def _judge(self, answered: bool, now_ms: Ticks) -> None:
        suspected = self._suspected
        self._end_probe()
        if answered:
            self._probe_works = True
            return
        # The silence of a server that never answered proves little: believe it only once.
        if self._probe_works or (suspected and not self._believed):
            self._believed = not self._probe_works
            self.losses += 1
            self._log("wifi: connected but dead, joining anew")
            self._leave(now_ms)
        self._probe_works = bool(self._probe_works)

    def _end_probe(self) -> None:
        self._suspected = False
        if self._probe is not None:
            self._probe.close()
            self._probe = None
