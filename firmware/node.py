"""The sensor node: the tasks that publish and obey, on one asyncio loop.

Below the base topic (mqtt.base_topic, by default nodes/<client id>):
    status           online or offline (the will), retained
    birth            who this is and why it started, retained
    telemetry        QoS 1, every node.interval_s: readings, rssi, heap, uptime, a number
    event            QoS 2: boot, led, link; numbered on its own
    cmd/<name>       in, QoS 2; answered on answer/<name> (see `commands`)
What is in them is in `reports`. Each task below does one thing and waits for what it needs: WiFi
(see `wifi`), a connection to be announced, the time of a report, something to be said, a silence
that is too long. None waits for an acknowledgement or for room: what is published goes into
the client's outbox at once, or is counted as dropped.
"""

import asyncio
import json
import time

import board
import machine
from commands import Commands
from config import ConfigError
from micropython import const
from reports import Reports
from umqtt_full import AsyncClient, LimitError, MQTTError, Will

TYPE_CHECKING = const(False)
if TYPE_CHECKING:  # names that only a type checker needs
    from collections.abc import Callable, Coroutine
    from typing import Any

    from clock import Clock
    from umqtt_full import Message
    from wifi import Wifi

_ROOM_MS = const(100)  # how soon a full outbox is tried again with an announcement
_FAREWELL_MS = const(2000)
_DIAL_MS = const(4000)  # one attempt to connect, without name resolution
_DIAL_TLS_MS = const(10000)  # … and with the handshake, which has a second of computing in it


def client_id(settings: dict[str, Any]) -> str:
    """The configured client id, by default the chip's own number."""
    given = settings["mqtt"]["client_id"]
    return str(given) if given else machine.unique_id().hex()


async def came(event: asyncio.Event, ms: int) -> bool:
    """Wait for an event at most so long; whether it came."""
    try:
        await asyncio.wait_for_ms(event.wait(), ms)
    except asyncio.TimeoutError:
        return False
    return True


class Node:
    """Publishes and obeys: `await run()` until a restart is asked for, then `await stop()`."""

    def __init__(
        self,
        settings: dict[str, Any],
        wifi: Wifi,
        sensors: list[tuple[str, Callable[[], Any]]],
        log: Callable[..., None] = print,
    ) -> None:
        mqtt = settings["mqtt"]
        self._wifi = wifi
        self._log = log
        self._id = client_id(settings)
        self._base = mqtt["base_topic"] or "nodes/" + self._id
        self._suspect_ms = int(settings["wifi"]["suspect_s"] * 1000)
        self._led = board.led(settings["node"]["led_pin"])
        self._reports = Reports(self._id, wifi, sensors, log)
        self._commands = Commands(self)
        self._links = 0  # connections to the broker
        self._linked = asyncio.Event()  # a connection that is to be announced
        self._born = False  # the birth message of this connection is on its way
        self._announced = False  # and the status too
        self._boot_told = False
        self._unsaid: list[tuple[str, str, str]] = []  # events and answers, for `_talk`
        self._talking = asyncio.Event()
        self._planned = asyncio.Event()  # the time of the next report has changed
        self.set_interval(settings["node"]["interval_s"])
        self._end = asyncio.Event()
        self._failure: Exception | None = None  # what a task raised
        self._told: BaseException | None = None  # the last failure to connect that was logged
        self._clock: Clock | None = None
        if mqtt["tls"]:
            import clock  # without TLS nobody needs it

            self._clock = clock.Clock(settings["node"]["ntp_host"], wifi.wait_up, log)
        try:
            self.client = self._make_client(mqtt)
        except ValueError as error:  # a certificate that is none, and the like
            raise ConfigError("config.json: mqtt: " + str(error)) from None

    def _make_client(self, mqtt: dict[str, Any]) -> AsyncClient:
        options: dict[str, Any] = {}
        if mqtt["tls"]:
            options["tls"] = True
            for name in ("ca", "cert", "key", "server_hostname"):
                options[name] = mqtt[name]
        if mqtt["version"] == 5:  # after a restart the broker's session is still the node's
            options["version"] = 5
            options["accept_session"] = True
        client = AsyncClient(
            self._id,
            mqtt["host"],
            mqtt["port"],
            username=mqtt["username"],
            password=mqtt["password"],
            keep_alive=mqtt["keep_alive"],
            will=Will(self._base + "/status", b"offline", qos=1, retain=True),
            backoff_ms=int(mqtt["retry_s"] * 1000),
            backoff_max_ms=int(mqtt["retry_max_s"] * 1000),
            websocket=mqtt["websocket"],
            connect_timeout_ms=_DIAL_TLS_MS if mqtt["tls"] else _DIAL_MS,
            tx_size=mqtt["outbox_bytes"],
            full="raise",
            network=self._network,
            **options,
        )
        client.on(self._base + "/cmd/#", self._on_command, 2)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        return client

    # ----------------------------------------------------------------- the life

    async def run(self) -> None:
        """Live until a restart is asked for; what a task raises ends it, and is raised here."""
        works = (
            self._wifi.run(),
            self._announce(),
            self._talk(),
            self._report(),
            self._watch_silence(),
        )
        tasks = [asyncio.create_task(self._work(work)) for work in works]
        try:
            await self.client.start(0)
            await self._end.wait()
        finally:
            for task in tasks:
                task.cancel()
        if self._failure is not None:
            await self.client.close()  # without a DISCONNECT, so the broker sends the will
            raise self._failure

    async def _work(self, work: Coroutine[Any, Any, None]) -> None:
        """A task of the node: the others cannot do without it."""
        try:
            await work
        except Exception as error:
            self._failure = self._failure or error
            self._end.set()

    async def stop(self) -> None:
        """Say goodbye: status offline, and after its acknowledgement DISCONNECT, so no will.

        The goodbye is acknowledged after all before it was, so a command to restart is done
        with; otherwise the broker would send it again after the restart, and for ever. Without
        that the connection is only closed, and the broker says offline by the will.
        """
        try:
            if self.client.connected:
                await self._say_unsaid()
                topic = self._base + "/status"
                await self.client.publish(topic, "offline", 1, True, timeout_ms=_FAREWELL_MS)
                await self.client.stop()
        except (OSError, MQTTError) as error:
            self._log("mqtt: goodbye:", repr(error))
        finally:
            await self.client.close()

    def is_online(self) -> bool:
        """True while the broker is connected and knows who this is."""
        return self._announced and self.client.connected

    # ----------------------------------------------------------- the connection

    async def _network(self) -> None:
        """The client waits here before each attempt to connect."""
        error = self.client.error
        if error is not self._told:  # one line for each attempt that failed
            self._told = error
            if error is not None:
                self._log("mqtt: no connection,", repr(error))
        await self._wifi.wait_up()
        if self._clock is not None:
            await self._clock.before(error)
            await self._wifi.wait_up()

    def _on_connect(self, session_present: bool) -> None:
        self._links += 1
        self._born = self._announced = False
        self._linked.set()
        self._log("mqtt: connected, session", "resumed" if session_present else "new")

    def _on_disconnect(self, error: object) -> None:
        self._told = self.client.error
        self._log("mqtt: lost,", repr(error))

    async def _watch_silence(self) -> None:
        """Tell WiFi when the broker has been unreachable for long; it finds out the rest."""
        client, wifi = self.client, self._wifi
        while True:
            await client.down.wait()
            await wifi.wait_up()
            losses = wifi.losses
            if not await came(client.up, self._suspect_ms) and losses == wifi.losses:
                wifi.suspect()

    async def _announce(self) -> None:
        """Birth, status and an event after each connect; again when the outbox was full."""
        while True:
            await self._linked.wait()
            self._linked.clear()
            while self.client.connected and not await self._introduce():
                await asyncio.sleep_ms(_ROOM_MS)

    async def _introduce(self) -> bool:
        if not self._born:
            birth = self._reports.birth(self._links)
            self._born = bool(await self._publish("birth", birth, 1, True))
        if not self._born or not await self._publish("status", "online", 1, True):
            return False
        self._announced = True
        if self._boot_told:
            await self._event("link", "back")
        else:
            self._boot_told = True
            self._plan(0)  # the first report at once
            await self._event("boot", board.reset_cause())
        return True

    # -------------------------------------------------------------- what is sent

    async def _publish(
        self, name: str, payload: str, qos: int, retain: bool = False
    ) -> int | None:
        """Accept a message for sending, at once; None when there was no room for it.

        Nothing comes in between, for with full="raise" the client does not wait: so a number
        is given to one message only.
        """
        try:
            topic = self._base + "/" + name
            return await self.client.publish_nowait(topic, payload, qos, retain)
        except LimitError:
            return None

    def _plan(self, ms: int) -> None:
        """Set the time of the next report."""
        self._report_at = time.ticks_add(time.ticks_ms(), ms)
        self._planned.set()

    async def _report(self) -> None:
        """Telemetry, in the pace that is set."""
        while True:
            left = time.ticks_diff(self._report_at, time.ticks_ms())
            if left > 0:
                self._planned.clear()
                await came(self._planned, left)
                continue
            self._plan(self._interval_ms)
            if await self._publish("telemetry", self._reports.telemetry(), 1) is None:
                self._reports.drop("telemetry")
            else:
                self._reports.telemetry_number += 1

    async def _event(self, name: str, value: str) -> None:
        if await self._publish("event", self._reports.event(name, value), 2) is None:
            self._reports.drop("event " + name)
        else:
            self._reports.event_number += 1

    async def _talk(self) -> None:
        """Publish what a command has led to: its handler is a plain one and cannot."""
        while True:
            await self._talking.wait()
            self._talking.clear()
            await self._say_unsaid()

    async def _say_unsaid(self) -> None:
        while self._unsaid:
            what, name, value = self._unsaid.pop(0)
            if what == "event":
                await self._event(name, value)
            elif not await self._publish(what, value, 1):
                self._reports.drop("answer " + name)

    # ------------------------------------------------------------- what is done

    def _on_command(self, message: Message) -> None:
        """Done at once, before it is acknowledged, so it is not lost by a reset in between."""
        name = message.topic[len(self._base) + 5 :]
        if message.retain:  # meant for whoever was here then; a retained restart has no end
            self._log("retained command ignored:", name)
            return
        answer = self._commands.run(name, message.payload)
        self._log("command", name, "ok" if answer["ok"] else answer["error"])
        topic = "answer/" + name if name and len(name) <= 32 else "answer/unknown"
        self._unsaid.append((topic, name, json.dumps(answer)))
        self._talking.set()

    def sensor_names(self) -> list[str]:
        """The names of the sensors, in their order."""
        return self._reports.sensor_names()

    def read_sensors(self, wanted: str | None = None) -> dict[str, Any]:
        """Readings by name; a sensor that fails reads None."""
        return self._reports.readings(wanted)

    def led_is_on(self) -> bool:
        """True while the LED is lit."""
        return bool(self._led.value() == board.LED_ON)

    def set_led(self, on: bool) -> None:
        """Switch the LED; an event tells of a change."""
        if on != self.led_is_on():
            self._led.value(board.LED_ON if on else 1 - board.LED_ON)
            self._unsaid.append(("event", "led", "on" if on else "off"))
            self._talking.set()

    def set_interval(self, seconds: float) -> None:
        """Change the pace of the telemetry; the next one comes after the new interval."""
        self._interval_ms = int(seconds * 1000)
        self._plan(self._interval_ms)

    def restart(self) -> None:
        """End `run`; `stop` gets the answer and the goodbye through."""
        self._end.set()
