"""The demo's witness: a subscriber that shares no code with the library (paho-mqtt).

It has a session of its own at the broker (clean_session False, everything at QoS 2), so what
is published while it is away itself is kept for it, and comes once.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

_RETRY_S = (0.1, 0.5)


class Observer:
    """Hears everything below the base topic, and sends commands to the node.

    `heard` is called, in a thread of paho's, with name below the base, payload, QoS and the
    retain flag; `joined` with whether the broker still knew the session.
    """

    def __init__(
        self,
        base: str,
        heard: Callable[[str, bytes, int, bool], None],
        joined: Callable[[bool], None],
        tls: dict[str, Any] | None = None,
    ) -> None:
        """`tls` has the arguments of paho's `tls_set`."""
        self._base = base
        self._heard = heard
        self._joined = joined
        self._subscribed = threading.Event()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"observer-{random.getrandbits(48):012x}",
            clean_session=False,
            protocol=paho.MQTTv311,
        )
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.reconnect_delay_set(*_RETRY_S)  # type: ignore[arg-type]
        if tls is not None:
            self._client.tls_set(**tls)

    def start(self, host: str, port: int, limit: float = 10) -> None:
        """Connect and subscribe; OSError or TimeoutError when that fails."""
        self._client.connect(host, port, keepalive=5)
        self._client.loop_start()
        if not self._subscribed.wait(limit):
            raise TimeoutError(f"the observer got no SUBACK in {limit} s")

    def send(self, name: str, value: str) -> None:
        """A command to the node at QoS 2; it waits here while the broker is away."""
        self._client.publish(f"{self._base}/cmd/{name}", value, 2)

    def look_again(self) -> None:
        """Subscribe anew: the broker then sends the retained messages, as to a newcomer."""
        self._client.subscribe(self._base + "/#", 2)

    def is_connected(self) -> bool:
        """Whether it is connected to the broker now."""
        return self._client.is_connected()

    def close(self) -> None:
        """Leave the broker and end the thread."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(
        self,
        client: paho.Client,
        userdata: object,
        flags: paho.ConnectFlags,
        reason: ReasonCode,
        properties: object,
    ) -> None:
        if reason.is_failure:
            return
        self._joined(flags.session_present)
        if not flags.session_present:
            self.look_again()

    def _on_subscribe(
        self,
        client: paho.Client,
        userdata: object,
        mid: int,
        granted: list[ReasonCode],
        properties: object,
    ) -> None:
        if not any(code.is_failure for code in granted):
            self._subscribed.set()

    def _on_message(
        self, client: paho.Client, userdata: object, message: paho.MQTTMessage
    ) -> None:
        name = message.topic[len(self._base) + 1 :]
        self._heard(name, bytes(message.payload), message.qos, message.retain)
