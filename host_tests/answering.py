"""A broker that answers whatever comes, and judges each byte of it by `strict`.

For tests in which tasks are cancelled or links cut at any moment, so that no script can tell
what comes next. It keeps no messages; its sessions are always new.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from strict import Flow, Packet, Violation, build
from wire import Link

HOST = "127.0.0.1"


class Answering(threading.Thread):
    """Serves one connection after the other until `close`; `failure` says what was wrong.

    `published` has (topic, payload, QoS) of each PUBLISH, a QoS 2 message counted once.
    `delay_s` passes before each answer but CONNACK. After `cut_after` packets a connection is
    reset (0: never).
    """

    def __init__(self, delay_s: float = 0.0, cut_after: int = 0) -> None:
        super().__init__(daemon=True)
        self.failure = ""
        self.published: list[tuple[str, bytes, int]] = []
        self.log: list[str] = []
        self.connections = 0
        self._delay_s = delay_s
        self._cut_after = cut_after
        self._closed = threading.Event()
        self._listener = socket.socket()
        self._listener.bind((HOST, 0))
        self._listener.listen(16)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Answering:
        self.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._closed.set()
        self.join(10)
        self._listener.close()

    def run(self) -> None:
        while not self._closed.is_set():
            if select.select([self._listener], [], [], 0.05)[0]:
                link = Link(self._listener.accept()[0], lambda *_: None)
                self.connections += 1
                try:
                    self._serve(link)
                except (Violation, ValueError, KeyError) as error:
                    self.failure = self.failure or f"{type(error).__name__}: {error}"
                link.raw.close()

    def _serve(self, link: Link) -> None:
        flow, count = Flow(), 0
        known: set[int] = set()
        while not self._closed.is_set() and not link.ended:
            link.read(time.monotonic() + 0.05)
            while link.packets:
                packet = link.packets.pop(0)
                flow.received(packet)
                self.log.append(packet["type"])
                count += 1
                if count == self._cut_after:
                    link.reset()
                    return
                if packet["type"] == "DISCONNECT":
                    return
                self._answer(link, flow, packet, known)
        if link.parser.pending:
            raise Violation("MQTT-7.1.2-1", f"half a packet: {link.parser.pending[:20].hex()}")

    def _answer(self, link: Link, flow: Flow, packet: Packet, known: set[int]) -> None:
        answer = ANSWERS.get(packet["type"])
        if packet["type"] == "PUBLISH":
            if packet["qos"] < 2 or packet["packet_id"] not in known:
                self.published.append((packet["topic"], packet["payload"], packet["qos"]))
            if packet["qos"] == 2:
                known.add(packet["packet_id"])
            answer = (None, _puback, _pubrec)[packet["qos"]]
        elif packet["type"] == "PUBREL":
            known.discard(packet["packet_id"])
        if answer is None:
            return
        if packet["type"] != "CONNECT" and self._delay_s:
            time.sleep(self._delay_s)
        name, fields = answer(packet)
        flow.sent(name, fields)
        link.write(build(name, fields))


def _puback(packet: Packet) -> tuple[str, Packet]:
    return "PUBACK", {"packet_id": packet["packet_id"]}


def _pubrec(packet: Packet) -> tuple[str, Packet]:
    return "PUBREC", {"packet_id": packet["packet_id"]}


ANSWERS: dict[str, Callable[[Packet], tuple[str, Packet]]] = {
    "CONNECT": lambda p: ("CONNACK", {}),
    "PUBREL": lambda p: ("PUBCOMP", {"packet_id": p["packet_id"]}),
    "SUBSCRIBE": lambda p: (
        "SUBACK",
        {"packet_id": p["packet_id"], "codes": tuple(qos for _, qos in p["filters"])},
    ),
    "UNSUBSCRIBE": lambda p: ("UNSUBACK", {"packet_id": p["packet_id"]}),
    "PINGREQ": lambda p: ("PINGRESP", {}),
}
