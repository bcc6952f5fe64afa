"""The sensor node: what it publishes, what it obeys, and the loop that turns it.

Below the base topic (mqtt.base_topic, by default nodes/<client id>):
    status           online or offline (the will), retained
    birth            who this is and why it started, retained
    telemetry        QoS 1, every node.interval_s: readings, rssi, heap, uptime, a number
    event            QoS 2: boot, led, link; numbered on its own
    cmd/<name>       in, QoS 2; answered on answer/<name> (see `commands`)
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
import machine
from commands import Commands
from micropython import const
from umqtt_full import Client, LimitError, MQTTError, Will

TYPE_CHECKING = const(False)
if TYPE_CHECKING:  # names that only a type checker needs
    from collections.abc import Callable
    from typing import Any, Protocol

    from _mpy_shed.time_mp import _TicksMs as Ticks
    from umqtt_full import Message
    from wifi import Wifi

    class Fed(Protocol):
        """Something that wants to hear of every turn."""

        def feed(self) -> None:
            """Called after each turn."""


VERSION: str = "0.1.0"
_TURN_MS = const(50)  # the longest wait in one turn of the loop
_ROOM_MS = const(100)  # the longest wait for room in a full outbox
_FAREWELL_MS = const(2000)
_DIAL_MS = const(4000)  # one attempt to connect; with DNS below the RP2040's watchdog


def client_id(settings: dict[str, Any]) -> str:
    """The configured client id, by default the chip's own number."""
    given = settings["mqtt"]["client_id"]
    return str(given) if given else machine.unique_id().hex()


class Node:
    """Publishes and obeys; `turn` is called again and again by `run`."""

    def __init__(
        self,
        settings: dict[str, Any],
        wifi: Wifi,
        sensors: list[tuple[str, Callable[[], Any]]],
        log: Callable[..., None] = print,
    ) -> None:
        mqtt = settings["mqtt"]
        self._settings = settings
        self._wifi = wifi
        self._sensors = sensors
        self._log = log
        self._id = client_id(settings)
        self._base = mqtt["base_topic"] or "nodes/" + self._id
        self._boot = hex(random.getrandbits(30))[2:]
        self._led = board.led(settings["node"]["led_pin"])
        self._commands = Commands(self)
        self._interval_ms = int(settings["node"]["interval_s"] * 1000)
        self._now = time.ticks_ms()
        self._uptime_ms = 0
        self._telemetry_at = time.ticks_add(self._now, self._interval_ms)
        self._telemetry_number = 0
        self._event_number = 0
        self._dropped = 0
        self._links = 0  # connections to the broker
        self._born = False  # the birth message of this connection is on its way
        self._announced = False  # and the status too
        self._boot_told = False
        self._silent_since = self._now
        self._restarting = False
        self._told: BaseException | None = None  # the last failure that was logged
        self.client = self._make_client(mqtt)

    def _make_client(self, mqtt: dict[str, Any]) -> Client:
        client = Client(
            self._id,
            mqtt["host"],
            mqtt["port"],
            username=mqtt["username"],
            password=mqtt["password"],
            keep_alive=mqtt["keep_alive"],
            will=Will(self._base + "/status", b"offline", qos=1, retain=True),
            reconnect=True,
            backoff_ms=int(mqtt["retry_s"] * 1000),
            backoff_max_ms=int(mqtt["retry_max_s"] * 1000),
            timeout_ms=_ROOM_MS,
            connect_timeout_ms=_DIAL_MS,
            tx_size=mqtt["outbox_bytes"],
            ready=self._wifi.is_up,
        )
        client.on(self._base + "/cmd/#", self._on_command, 2)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        return client

    # ----------------------------------------------------------------- the loop

    def turn(self) -> None:
        """One turn: WiFi, the client, what is due. Never blocks for long."""
        now = time.ticks_ms()
        self._uptime_ms += time.ticks_diff(now, self._now)
        self._now = now
        if not self._wifi.step(now):
            time.sleep_ms(_TURN_MS // 2)
        try:
            self.client.poll(_TURN_MS)
        except (OSError, MQTTError) as error:
            self._log("mqtt:", repr(error))
            time.sleep_ms(_TURN_MS)
        self._tell_failure()
        self._watch_silence(now)
        self._announce()
        if time.ticks_diff(now, self._telemetry_at) >= 0:
            self._telemetry_at = time.ticks_add(now, self._interval_ms)
            self._telemetry()

    def run(self, guard: Fed | None = None) -> None:
        """Turn until a restart was asked for; the guard hears of every turn."""
        while not self._restarting:
            self.turn()
            if guard is not None:
                guard.feed()

    def stop(self) -> None:
        """Say goodbye: after a DISCONNECT the broker sends no will.

        The goodbye is acknowledged after all before it was, so a command to restart is done
        with; otherwise the broker would send it again after the restart, and for ever.
        """
        try:
            if self.client.connected:
                topic = self._base + "/status"
                self.client.publish(topic, "offline", 1, True, timeout_ms=_FAREWELL_MS)
            self.client.disconnect()
        except (OSError, MQTTError) as error:
            self._log("mqtt: goodbye:", repr(error))

    def is_online(self) -> bool:
        """True while the broker is connected and knows who this is."""
        return self._announced and self.client.connected

    def _watch_silence(self, now: Ticks) -> None:
        """Tell WiFi when the broker has been unreachable for long; it finds out the rest."""
        if self.client.connected or not self._wifi.is_up():
            self._silent_since = now
        elif time.ticks_diff(now, self._silent_since) >= self._suspect_ms():
            self._silent_since = now
            self._wifi.suspect()

    def _suspect_ms(self) -> int:
        return int(self._settings["wifi"]["suspect_s"] * 1000)

    # ----------------------------------------------------------- the connection

    def _on_connect(self, session_present: bool) -> None:
        self._links += 1
        self._born = self._announced = False
        self._log("mqtt: connected, session", "resumed" if session_present else "new")

    def _on_disconnect(self, error: object) -> None:
        self._told = self.client.error
        self._log("mqtt: lost,", repr(error))

    def _tell_failure(self) -> None:
        """One line for each attempt to connect that failed."""
        error = self.client.error
        if error is not self._told:
            self._told = error
            if error is not None:
                self._log("mqtt: no connection,", repr(error))

    def _announce(self) -> None:
        """Birth, status and an event after each connect; again when the outbox was full."""
        if self._announced or not self.client.connected:
            return
        self._born = self._born or self._birth()
        if self._born and self._publish("status", "online", 1, True):
            self._announced = True
            self._after_announcing()

    def _birth(self) -> bool:
        birth = {
            "client_id": self._id,
            "board": board.NAME,
            "version": VERSION,
            "micropython": ".".join([str(part) for part in sys.implementation.version[:3]]),
            "reset_cause": board.reset_cause(),
            "boot": self._boot,
            "ip": self._wifi.address(),
            "uptime_s": self._uptime_ms // 1000,
            "connections": self._links,
            "wifi_losses": self._wifi.losses,
        }
        return bool(self._publish("birth", json.dumps(birth), 1, True))

    def _after_announcing(self) -> None:
        if not self._boot_told:
            self._boot_told = True
            self._telemetry_at = self._now  # the first report at once
            self._event("boot", board.reset_cause())
        else:
            self._event("link", "back")

    def _publish(self, name: str, payload: str, qos: int, retain: bool = False) -> int | None:
        """Accept a message for sending, at once; None when there was no room for it."""
        try:
            topic = self._base + "/" + name
            return int(self.client.publish_nowait(topic, payload, qos, retain))
        except (LimitError, OSError):
            return None

    # ------------------------------------------------------------- what is told

    def sensor_names(self) -> list[str]:
        """The names of the sensors, in their order."""
        return [name for name, _ in self._sensors]

    def read_sensors(self, wanted: str | None = None) -> dict[str, Any]:
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

    def _telemetry(self) -> None:
        report = self.read_sensors()
        report["seq"] = self._telemetry_number + 1
        report["boot"] = self._boot
        report["rssi"] = self._wifi.rssi()
        report["free_heap"] = gc.mem_free()
        report["uptime_s"] = self._uptime_ms // 1000
        report["dropped"] = self._dropped
        if self._publish("telemetry", json.dumps(report), 1) is None:
            self._drop("telemetry")
        else:
            self._telemetry_number += 1

    def _event(self, name: str, value: str) -> None:
        number = self._event_number + 1
        event = {"seq": number, "boot": self._boot, "event": name, "value": value}
        if self._publish("event", json.dumps(event), 2) is None:
            self._drop("event " + name)
        else:
            self._event_number = number

    def _drop(self, what: str) -> None:
        self._dropped += 1
        if self._dropped & (self._dropped - 1) == 0:  # 1, 2, 4, 8, ...: no flood of lines
            self._log("outbox full,", what, "dropped,", self._dropped, "so far")

    # ------------------------------------------------------------- what is done

    def _on_command(self, message: Message) -> None:
        name = message.topic[len(self._base) + 5 :]
        if message.retain:  # meant for whoever was here then; a retained restart has no end
            self._log("retained command ignored:", name)
            return
        answer = self._commands.run(name, message.payload)
        self._log("command", name, "ok" if answer["ok"] else answer["error"])
        topic = "answer/" + name if name and len(name) <= 32 else "answer/unknown"
        if not self._publish(topic, json.dumps(answer), 1):
            self._drop("answer " + name)

    def led_is_on(self) -> bool:
        """True while the LED is lit."""
        return bool(self._led.value() == board.LED_ON)

    def set_led(self, on: bool) -> None:
        """Switch the LED; an event tells of a change."""
        if on != self.led_is_on():
            self._led.value(board.LED_ON if on else 1 - board.LED_ON)
            self._event("led", "on" if on else "off")

    def set_interval(self, seconds: float) -> None:
        """Change the pace of the telemetry; the next one comes after the new interval."""
        self._interval_ms = int(seconds * 1000)
        self._telemetry_at = time.ticks_add(self._now, self._interval_ms)

    def restart(self) -> None:
        """End the loop after this turn; `stop` gets the answer and the goodbye through."""
        self._restarting = True
