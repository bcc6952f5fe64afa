"""Random histories of a session of 5.0: the referee sees each byte, and nothing may be lost.

A broker in the same process answers in any order, refuses, announces other limits with each
connection, sends messages with topic aliases of its own, and is cut off at any byte.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
import unit_rig5
from hypothesis import given, settings
from hypothesis import strategies as st
from strict5 import Packet, Parser, build
from strict5_flow import Flow
from umqtt_full.errors import LimitError, ReasonError
from unit_rig5 import Rig5

TOPICS = ("alias/a", "t", "alias/ä", "alias/b", "alias/" + "f" * 60, "alias/cc")
KINDS = (
    "put",
    "put",
    "put",
    "write",
    "write",
    "bit",
    "answer",
    "answer",
    "incoming",
    "cut",
    "lost",
)
PROPERTIES: tuple[dict[str, Any] | None, ...] = (
    None, {"content_type": "c"}, {"user_property": [("a", "b" * 50)]}, {"correlation_data": b"\0"},
)  # fmt: skip
LIMITS: tuple[dict[str, Any], ...] = (
    {}, {"topic_alias_maximum": 1}, {"topic_alias_maximum": 2, "receive_maximum": 1},
    {"topic_alias_maximum": 3, "receive_maximum": 3}, {"topic_alias_maximum": 9},
    {"topic_alias_maximum": 9, "maximum_packet_size": 120}, {"receive_maximum": 2},
    {"maximum_qos": 1, "topic_alias_maximum": 2},
)  # fmt: skip


class History:
    """A session and its broker. Payloads count up, so that each message is known."""

    def __init__(self, window: int, aliases: int, limits: int) -> None:
        own = {"topic_alias_maximum": 2, "maximum_packet_size": None}
        self.rig = Rig5(window=window, tx_size=900, topic_aliases=aliases, properties=own)
        self.flow = Flow()
        self.parser = Parser()
        self.count = 0
        self.put: dict[int, list[bytes]] = {1: [], 2: []}
        self.got: dict[int, list[bytes]] = {1: [], 2: []}
        self.given_up: set[bytes] = set()
        self.payloads: dict[int, bytes] = {}
        self.held: set[int] = set()  # ids of QoS 2 that are between PUBREC and PUBREL
        self.answers: list[tuple[str, Packet]] = []
        self.limits = limits
        self.incoming = 0
        self.lost = -1  # sessions; the first one is no loss
        self.connection(False)

    def connection(self, present: bool) -> None:
        """A new connection; what was on its way is lost."""
        self.rig.session.close()
        self.parser, self.answers = Parser(), []
        if not present:
            self.held.clear()
            self.lost += 1
        self.rig.session.open()
        self.write(self.rig.drain())
        self.limits += 1
        own = LIMITS[self.limits % len(LIMITS)]
        self.send("CONNACK", {"session_present": int(present), "properties": own})
        self.note_refusals()

    def note_refusals(self) -> None:
        """Messages that the session has given up are not waited for."""
        for packet_id in list(self.rig.session.refused):
            del self.rig.session.refused[packet_id]
            if packet_id in self.payloads:
                self.given_up.add(self.payloads[packet_id])

    def send(self, name: str, fields: Packet) -> None:
        """A packet of the broker."""
        self.flow.sent(name, fields)
        self.rig.feed(build(name, fields))
        self.write(self.rig.written)
        self.rig.written = b""

    def write(self, data: bytes) -> None:
        """Bytes of the client."""
        for packet in self.parser.feed(data):
            self.flow.received(packet)
            self.receive(packet)

    def receive(self, packet: Packet) -> None:
        """What the broker does with a packet; its answer waits."""
        name, packet_id = packet["type"], packet.get("packet_id", 0)
        if name == "PUBLISH":
            topic = self.flow.topic(packet)
            number = int(packet["payload"].partition(b".")[0])
            assert topic == TOPICS[number // 3 % len(TOPICS)]
            assert packet["properties"].get("content_type", "c") == "c"
            self.take(packet)
        elif name == "PUBREL":
            self.held.discard(packet_id)
            if packet["reason_code"] == 0:
                self.answers.append(("PUBCOMP", {"packet_id": packet_id}))
        elif name == "PUBREC":
            self.answers.append(("PUBREL", {"packet_id": packet_id}))

    def take(self, packet: Packet) -> None:
        packet_id, qos = packet["packet_id"], packet["qos"]
        if qos == 0:
            return
        if qos == 1 or packet_id not in self.held:
            self.got[qos].append(packet["payload"])
        if qos == 2:
            self.held.add(packet_id)
        self.answers.append(("PUBACK" if qos == 1 else "PUBREC", {"packet_id": packet_id}))

    def answer(self, n: int, refuse: bool = False) -> None:
        """One of the answers that wait; perhaps a refusal."""
        if not self.answers:
            return
        name, fields = self.answers.pop(n % len(self.answers))
        if refuse and name in ("PUBACK", "PUBREC"):
            fields = {**fields, "reason_code": 0x97, "properties": {"reason_string": "x"}}
            self.held.discard(fields["packet_id"])
        self.send(name, fields)
        self.note_refusals()

    def step(self, kind: str, n: int) -> None:
        """One thing that happens."""
        if kind == "put":
            self.publish(n)
        elif kind == "write":
            self.write(self.rig.drain())
        elif kind == "bit":
            self.write(self.rig.take(n * n + 1))
        elif kind == "answer":
            self.answer(n, n % 5 == 4)
        elif kind == "incoming":
            self.message(n)
        else:
            self.connection(kind == "cut")

    def publish(self, n: int) -> None:
        """Queue a message, if there is room and the broker would take it."""
        qos, number = n % 3, self.count
        payload = b"%d.%s" % (number, b"p" * (n * 7 % 40))
        try:
            packet_id = self.rig.publish(
                *(TOPICS[number // 3 % len(TOPICS)], payload, qos, False),
                properties=PROPERTIES[n % len(PROPERTIES)],
            )
        except (LimitError, ReasonError):
            return
        if packet_id < 0:
            return  # there is no room
        self.count += 1
        if qos:
            self.put[qos].append(payload)
            self.payloads[packet_id] = payload

    def message(self, n: int) -> None:
        """A message of the broker, by an alias or with its topic."""
        self.incoming += 1
        known = n % 4 == 3 and getattr(self.flow.here, "of_broker", False)
        fields: Packet = {"topic": "" if known else "in", "qos": n % 3, "packet_id": 0,
                          "properties": {"topic_alias": 2}, "payload": b"%d" % n}  # fmt: skip
        if n % 3:
            free = (one for one in range(1, 99) if one not in self.flow.incoming)
            taken = {one for _, one in self.flow.here.owed}
            fields["packet_id"] = next(one for one in free if one not in taken)
            if len(taken) + len(self.flow.incoming) > 25:
                return  # our Receive Maximum is 32
        self.flow.here.of_broker = True  # type: ignore[attr-defined]
        self.send("PUBLISH", fields)
        assert self.rig.messages.pop()[0] == "in"


def check(window: int, aliases: int, limits: int, steps: list[tuple[str, int]]) -> None:
    """What was accepted arrives in its order, QoS 2 once, unless a broker would not take it."""
    history = History(window, aliases, limits)
    for kind, n in steps:
        history.step(kind, n)
    history.limits = -1  # at last a broker without limits
    history.connection(True)
    for _ in range(200):
        history.write(history.rig.drain())
        while history.answers:
            history.answer(0)
    assert not history.rig.pending(*range(1, 300))
    if not history.lost:
        assert len(history.got[2]) == len(set(history.got[2]))
    for qos in (1, 2):
        first_seen = list(dict.fromkeys(history.got[qos]))
        wanted = [one for one in history.put[qos] if one not in history.given_up]
        assert [one for one in first_seen if one not in history.given_up] == wanted


@settings(max_examples=300, deadline=None, print_blob=True)
@given(
    st.integers(1, 6),
    st.integers(0, 4),
    st.integers(0, len(LIMITS) - 1),
    st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 24)), max_size=60),
)
def test_random_histories_keep_the_rules_and_lose_nothing(
    window: int, aliases: int, limits: int, steps: list[tuple[str, int]]
) -> None:
    """Short ones, which are made smaller when they fail."""
    check(window, aliases, limits, steps)


@pytest.mark.parametrize("part", range(10))
def test_long_histories_keep_the_rules_and_lose_nothing(part: int) -> None:
    """Long ones, in which the ring of the outbox wraps again and again."""
    for seed in range(part, 100, 10):
        chance = random.Random(seed)
        first = chance.randint(1, 6), chance.randint(0, 4), chance.randrange(len(LIMITS))
        count = chance.randint(1, 250)
        steps = [(chance.choice(KINDS), chance.randint(0, 24)) for _ in range(count)]
        check(*first, steps)


def test_the_rig_is_of_5() -> None:
    """Its CONNACK has properties."""
    assert unit_rig5.CONNACK[1] == 3
