"""The fake broker for MQTT 5.0: the same steps, and what a script of 5.0 may say beyond them.

A packet of the client is compared field by field as before; further keys are "with" (a dict of
properties that must be among those of the packet), "without" (names of properties that must not)
and "resolved" (the topic that an alias stands for). What is sent may have "properties" and
"reason_code". Packets are judged by `strict5` and `strict5_flow`.

The scripts of 3.1.1 are played as they are: an UNSUBACK gets its codes, hexadecimal bytes are
translated (by `to5`, but for those that begin with "5:"), and where the end of the stream is
expected the client may say why it leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import strict
import strict5
from broker_core import WAIT_MS, Step, StepFailed, shown
from fake_broker import FakeBroker
from strict5 import Packet, Parser, build
from strict5_flow import Flow
from to5 import connect_fields, translated

_OTHER = ("with", "without", "resolved")


class FakeBroker5(FakeBroker):
    """All steps that a script may have, in 5.0."""

    parser = Parser
    new_flow = Flow
    build = staticmethod(build)

    def __init__(self, name: str, steps: Sequence[Step], native: bool = True) -> None:
        super().__init__(name, steps)
        self._native = native
        self._asked: dict[int, int] = {}  # id of an UNSUBSCRIBE -> how many filters

    def _bytes(self, text: str) -> bytes:
        data = bytes.fromhex(text.removeprefix("5:"))
        return data if self._native or text.startswith("5:") else translated(data)

    def _poll_packet(self, deadline: float, at_end: bool = False) -> Packet | None:
        packet = super()._poll_packet(deadline, at_end)
        if packet and packet["type"] == "UNSUBSCRIBE":
            self._asked[packet["packet_id"]] = len(packet["filters"])
        return packet

    def _packet(self, name: str, fields: Packet) -> bytes:
        if name == "UNSUBACK" and "codes" not in fields:
            packet_id = self._with_ids(fields)["packet_id"]
            fields = {**fields, "codes": bytes(self._asked.get(packet_id, 1))}
        return super()._packet(name, fields)

    def _difference(self, packet: Packet, name: str, fields: Packet) -> str:
        plain = {key: part for key, part in fields.items() if key not in _OTHER}
        return super()._difference(packet, name, plain) or self._other(packet, fields)

    def _other(self, packet: Packet, fields: Packet) -> str:
        own: dict[str, Any] = packet.get("properties", {})
        for name, value in fields.get("with", {}).items():
            if name not in own or own[name] != value:
                return f"{name} is {own.get(name)!r:.100} in {shown(packet)}"
        for name in fields.get("without", ()):
            if name in own:
                return f"{name} is there in {shown(packet)}"
        if "resolved" in fields and self._flow.topic(packet) != fields["resolved"]:
            return f"the topic is {self._flow.topic(packet)!r} in {shown(packet)}"
        return ""

    # ------------------------------------------------------------------ steps

    def do_speak(self, version: int) -> None:
        """From the next connection on, this is a broker of 3.1.1 (4), or of 5.0 again."""
        other = strict if version == 4 else strict5
        self.parser, self.build = other.Parser, other.build  # type: ignore[attr-defined]
        self._flow = strict.Flow() if version == 4 else Flow()
        self._flow.open = True  # what was sent before may come again

    def do_send_hex(self, text: str) -> None:
        """Send these bytes."""
        if isinstance(self._flow, Flow):
            self._flow.inexact()
        self._send(self._bytes(text), "raw")

    def do_expect_hex(self, text: str, within_ms: int = WAIT_MS) -> None:
        """The next packet is this one; of a CONNECT of 3.1.1, all that it says."""
        wanted = self._bytes(text)
        if not self._native and wanted[:1] == b"\x10" and not text.startswith("5:"):
            self.do_expect("CONNECT", connect_fields(wanted), within_ms)
            return
        raw = self._next(within_ms, text)["raw"]
        if raw != wanted:
            raise StepFailed(f"expected {wanted.hex(' ')}, came {raw.hex(' ')}")

    def do_send_more(self, name: str, fields: Packet, more: Packet) -> None:
        """Send a packet whose fields stand in two places."""
        self.do_send(name, {**fields, **more})

    def do_steps(self, steps: Sequence[Step]) -> None:
        """These steps."""
        for step in steps:
            getattr(self, f"do_{step[0]}")(*step[1:])

    def do_expect_unsubscriptions(self, wanted: Sequence[str]) -> None:
        """These filters are unsubscribed from, in one packet or several, which is answered."""
        left = set(wanted)
        while left:
            packet = self._next(WAIT_MS, f"UNSUBSCRIBE from {left}")
            if packet["type"] != "UNSUBSCRIBE" or not set(packet["filters"]) <= left:
                raise StepFailed(f"expected UNSUBSCRIBE from {left}, came {shown(packet)}")
            left -= set(packet["filters"])
            self.do_send("UNSUBACK", {"packet_id": packet["packet_id"]})

    def do_expect_refusal(self, code: int, within_ms: int = WAIT_MS) -> None:
        """The client says why it leaves, and closes."""
        self.do_expect("DISCONNECT", {"reason_code": code}, within_ms)
        self.do_expect_eof(within_ms)

    def do_expect_one_of(self, code: int, within_ms: int = WAIT_MS) -> None:
        """As `expect_refusal`; 0x81 and 0x82 stand for each other: the text leaves it open."""
        fits = (0x81, 0x82) if code in (0x81, 0x82) else (code,)
        packet = self._next(within_ms, f"DISCONNECT {code:#x}")
        if packet["type"] != "DISCONNECT" or packet["reason_code"] not in fits:
            raise StepFailed(f"expected DISCONNECT {code:#x}, came {shown(packet)}")
        self.do_expect_eof(within_ms)

    def _may_end_with(self, packet: Packet, allowed: Sequence[str]) -> bool:
        said_why = packet["type"] == "DISCONNECT" and packet["reason_code"] >= 0x80
        return packet["type"] in allowed or (said_why and not self._native)

    def _is_farewell(self, packet: Packet) -> bool:
        content = packet.get("reason_code", 0) < 0x80
        return super()._is_farewell(packet) and content


def broker_of(scenario: dict[str, Any]) -> FakeBroker:
    """The broker that plays a scenario, in the version that it is for."""
    name, steps = scenario["name"], scenario["broker"]
    if scenario.get("version", 4) == 4:
        return FakeBroker(name, steps)
    return FakeBroker5(name, steps, scenario["native"])
