"""What the node tells: birth, telemetry and events, apart from how they are sent.

Numbers rise by one for each message that was accepted for sending, so an observer sees from
a gap that something was lost; what found the outbox full is counted in `dropped` instead.
`boot` is different after every start, when the numbers begin anew.
"""

import gc
import json
import random
import sys
import time

import board
from micropython import const

TYPE_CHECKING = const(False)
if TYPE_CHECKING:  # names that only a type checker needs
    from collections.abc import Callable
    from typing import Any

    from wifi import Wifi

VERSION: str = "0.1.0"


class Reports:
    """Contents and numbers of what is published."""

    def __init__(
        self,
        client_id: str,
        wifi: Wifi,
        sensors: list[tuple[str, Callable[[], Any]]],
        log: Callable[..., None] = print,
    ) -> None:
        self._id = client_id
        self._wifi = wifi
        self._sensors = sensors
        self._log = log
        self._boot = hex(random.getrandbits(30))[2:]
        self._now = time.ticks_ms()
        self._uptime_ms = 0
        self.telemetry_number = 0  # of the last one that was accepted
        self.event_number = 0
        self.dropped = 0

    def uptime_s(self) -> int:
        """Seconds since the start; right as long as it is asked for once in six days."""
        now = time.ticks_ms()
        self._uptime_ms += time.ticks_diff(now, self._now)
        self._now = now
        return self._uptime_ms // 1000

    def sensor_names(self) -> list[str]:
        """The names of the sensors, in their order."""
        return [name for name, _ in self._sensors]

    def readings(self, wanted: str | None = None) -> dict[str, Any]:
        """Readings by name; a sensor that fails reads None."""
        readings = {}
        for name, read in self._sensors:
            if wanted is None or name == wanted:
                try:
                    readings[name] = read()
                except (OSError, ValueError, RuntimeError) as error:
                    self._log("sensor", name, repr(error))
                    readings[name] = None
        return readings

    def birth(self, connections: int) -> str:
        """Who this is and why it started."""
        birth = {
            "client_id": self._id,
            "board": board.NAME,
            "version": VERSION,
            "micropython": ".".join([str(part) for part in sys.implementation.version[:3]]),
            "reset_cause": board.reset_cause(),
            "boot": self._boot,
            "ip": self._wifi.address(),
            "uptime_s": self.uptime_s(),
            "connections": connections,
            "wifi_losses": self._wifi.losses,
        }
        return json.dumps(birth)

    def telemetry(self) -> str:
        """The readings and how the node is, with the number that is due."""
        report = self.readings()
        report["seq"] = self.telemetry_number + 1
        report["boot"] = self._boot
        report["rssi"] = self._wifi.rssi()
        report["free_heap"] = gc.mem_free()
        report["uptime_s"] = self.uptime_s()
        report["dropped"] = self.dropped
        return json.dumps(report)

    def event(self, name: str, value: str) -> str:
        """Something that happened, with the number that is due."""
        number = self.event_number + 1
        return json.dumps({"seq": number, "boot": self._boot, "event": name, "value": value})

    def drop(self, what: str) -> None:
        """Count what found the outbox full."""
        self.dropped += 1
        if self.dropped & (self.dropped - 1) == 0:  # 1, 2, 4, 8, ...: no flood of lines
            self._log("outbox full,", what, "dropped,", self.dropped, "so far")
