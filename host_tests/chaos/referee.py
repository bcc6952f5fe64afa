"""Has `strict5_flow` judge the packets of a simulated client, on the computer.

It is told what the client has read, in the client's own order. For each connection it begins with
what the ledger knows of the session; where that is in doubt, it does not judge acks.
"""

from __future__ import annotations

from typing import Any

from strict5 import Violation
from strict5_flow import Flow

from .ledger5 import Ledger5
from .records import RELEASED, SENT


class Referee:
    """The flow of the newest connection."""

    def __init__(self) -> None:
        self.flow = Flow()

    def received(self, ledger: Ledger5, packet: dict[str, Any]) -> None:
        """The client has written a packet; a topic that an alias stands for is put in."""
        if packet["type"] == "CONNECT":
            self.flow = Flow()
            self._begin(ledger, packet)
        try:
            self.flow.received(packet)
        except Violation as exc:
            ledger.fail("I7", str(exc))
        if packet["type"] == "CONNECT":
            self.flow.torn = True
        elif packet["type"] == "PUBLISH":
            packet["topic"] = self.flow.topic(packet)

    def _begin(self, ledger: Ledger5, connect: dict[str, Any]) -> None:
        if connect["clean_start"] != ledger.clean:
            ledger.fail("I7", f"Clean Start {connect['clean_start']}")
        if bool(connect["properties"].get("session_expiry_interval")) == ledger.clean:
            ledger.fail("I7", "a session that is kept ends with its connection, or the reverse")

    def sent(self, ledger: Ledger5, name: str, fields: dict[str, Any]) -> None:
        """The client has read a packet."""
        link = ledger.link
        if link.bad or link.over or ledger.may_disconnect or ledger.unsure():
            self.flow.inexact()
        out = ledger.ids.get(fields.get("packet_id", 0))
        if name == "PUBREC" and out is not None and out.qos == 1:
            return  # it is not what this id awaits, although it may not have been sent yet
        if name != "GARBAGE":
            self.flow.sent(name, fields)
        if name == "CONNACK" and link.up:
            self._seed(ledger)

    def _seed(self, ledger: Ledger5) -> None:
        flow = self.flow
        for out in sorted(ledger.ids.values(), key=lambda out: out.order):
            if not out.tried:
                continue  # not in this session
            flow.count += 1
            flow.order[out.id] = flow.count
            if out.state in (SENT, RELEASED) and not out.doubt:
                flow.awaited[out.id] = "PUBACK" if out.qos == 1 else "PUBCOMP"
            if out.state == RELEASED and not out.doubt:
                flow.recs.add(out.id)
