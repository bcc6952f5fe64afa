"""The same for MQTT 5.0: valid packets with properties, aliases and reason codes, mutated.

A case comes of its number alone. It comes to what `fuzz_oracle5` says: outcome, messages, answers.
And as for any stream, no buffer or table grows, the strict parser of 5.0 reads all that is sent,
and the session serves the next connection.
"""

from __future__ import annotations

from typing import Any

import fuzz_mutate
import fuzz_oracle5
import fuzz_target
import strict5
from fuzz_mutate import Dice
from fuzz_target import Broken
from strict import Violation
from umqtt_full.errors import LimitError, ProtocolError, ReasonError
from unit_rig import frame, id_of
from unit_rig5 import CONNACK, RESUMED, Rig5, ack, connack, publish


def text(data: bytes) -> bytes:
    """As it is in a packet."""
    return id_of(len(data)) + data


def block(*parts: bytes) -> bytes:
    """Property length and properties."""
    data = b"".join(parts)
    return frame(0, data)[1:]


def alias(number: int) -> bytes:
    """A topic alias."""
    return b"\x23" + id_of(number)


USER, REASON = b"\x26" + text(b"k") + text(b"v"), b"\x1f" + text(b"why \xc3\xa4")
WORDY = (b"\x01\x01", b"\x02\0\0\0\x05", b"\x03" + text(b"text"), b"\x08" + text(b"re/sp"),
         b"\x09" + text(b"\0\xff"), USER, USER, b"\x0b\x01", b"\x0b\x85\x01")  # fmt: skip
SEEDS = (
    publish(b"t", b"x"),
    publish(b"t", b"x", 0, block=block(alias(1))),
    publish(b"", b"y", 1, 5, block=block(alias(1))),
    publish(b"u", b"z", 2, 6, block=block(alias(2))),
    publish(b"", b"zz", 2, 7, block=block(alias(2))),
    publish(b"", b"y", 0, block=block(alias(3))),
    publish(b"a/b", b"0123456789", 2, 10, retain=True, block=block(*WORDY)),
    publish(b"long/" + b"l" * 60, b"p" * 400, 2, 77, block=block(USER * 30)),
    publish(b"q", b"p" * 100, 1, 78, block=block(b"\x08" + text(b"r" * 90))),
    publish(b"a", b"\xc3\xa4", 1, 9, block=block(b"\x01\x01")),
    publish(b"w", b"\xff", 1, 19, block=block(b"\x01\x01")),
    *(ack(0x40, 1), ack(0x40, 1, 0), ack(0x40, 1, 0x10, block(USER))),
    *(ack(0x40, 1, 0x97, block(REASON, USER)), ack(0x50, 2), ack(0x50, 2, 0x10)),
    *(ack(0x50, 2, 0x87, block(REASON)), ack(0x50, 1), ack(0x50, 500), ack(0x62, 10)),
    *(ack(0x62, 10, 0x92, block(REASON)), ack(0x62, 300), ack(0x70, 2), ack(0x70, 2, 0x92)),
    *(frame(0x90, id_of(3) + b"\0\x01"), frame(0x90, id_of(3) + b"\0\x01\x01")),
    frame(0x90, id_of(3) + block(REASON, USER) + b"\x87"),
    *(frame(0xB0, id_of(4) + b"\0\0"), frame(0xB0, id_of(4) + b"\0")),
    frame(0xB0, id_of(4) + block(REASON) + b"\x11"),
    *(b"\xd0\0", b"\xe0\0", b"\xe0\x01\0", frame(0xE0, b"\x98\0")),
    frame(0xE0, b"\x8b" + block(REASON, USER, b"\x1c" + text(b"other"))),
    frame(0xF0, b"\x18" + block(b"\x15" + text(b"M"), b"\x16" + text(b"x"))),
    *(b"\xf0\0", frame(0xF0, b"\0\0")),
)
LIMITS = (b"\x24\x01", b"\x25\0", b"\x27\0\0\0\x40", b"\x12" + text(b"name"), b"\x13" + id_of(7),
          b"\x11\0\0\0\x09", b"\x1a" + text(b"info"), b"\x1c" + text(b"o"), USER, REASON,
          b"\x28\0", b"\x29\0", b"\x2a\0")  # fmt: skip
CONNACKS = (
    *(CONNACK, RESUMED, b"\x20\x02\0\x01", connack(b"\0", 0, 0x84)),
    connack(block(b"\x21" + id_of(1), b"\x22" + id_of(4))),
    connack(block(*LIMITS)),
    connack(block(REASON), 0, 0x87),
    connack(block(b"\x15" + text(b"M"), b"\x16" + text(b"d"))),
    connack(block(b"\x1c" + text(b"o")), 0, 0x9C),
    *(connack(b"\0", 2), connack(b"\0", 1, 0x87), connack(b"\0", 0, 1)),
)
PARTS = (USER, REASON, alias(1), alias(0), b"\x01\x01", b"\x21\0\0", b"\x0b\0", b"\x7f",
         b"\x11\0\0\0\0", b"\x0b\x81\0", b"\x01\x02", b"\x08" + text(b"a/+"))  # fmt: skip
TOPICS = (b"t", b"", b"other", b"\xc3\xa4", b"a/b", b"x+", b"\xc3")
PAYLOADS = (b"", b"p", b"\xff\xfe", b"\xc3\xa4")
CODES = (0, 0, 0, 0x10, 0x87, 1, 0x11, 0x80, 0x83, 0x91, 0x92, 0x97, 0x99, 0xA2, 0xFF)
OUTCOMES = (ProtocolError, ReasonError, LimitError)


def splice(dice: Any, data: bytes) -> bytes:
    """The beginning of this one, the end of another."""
    other = dice.one(SEEDS + CONNACKS)
    return bytes(data[: dice.upto(len(data) + 1)] + other[dice.upto(len(other)) :])


def property_(dice: Any, data: bytes) -> bytes:
    """A property where there is none, and may be none."""
    at = dice.upto(len(data) + 1)
    return bytes(data[:at] + dice.one(PARTS) + data[at:])


EDITS = (*(one for one in fuzz_mutate.EDITS if one is not fuzz_mutate.splice), splice, property_)


def made(dice: Any, calm: bool) -> bytes:
    """A packet of fields that fit together, each of which may be wrong where it stands."""
    parts = WORDY + (alias(1),) if calm or dice.upto(2) else WORDY + PARTS
    topics, codes = (TOPICS[:4], CODES[:5]) if calm else (TOPICS, CODES)
    more = block(*(dice.one(parts) for _ in range(dice.upto(3))))
    kind, code = dice.upto(16), dice.one(codes)
    if kind > 5:
        qos, topic, payload = dice.upto(3), dice.one(topics), dice.one(PAYLOADS)
        dup, retain = bool(qos and dice.upto(2)), bool(dice.upto(2))
        packet_id = dice.one((1, 5, 6, 10))
        return bytes(publish(topic, payload, qos, packet_id, retain, dup, more))
    more = block(*(USER, REASON)[: dice.upto(3)]) if calm else more
    if kind > 1:
        first, packet_id = dice.one((0x40, 0x50, 0x62, 0x70)), dice.one((1, 2, 3, 6, 10, 500))
        return bytes(ack(first, packet_id, code, more if dice.upto(2) else b""))
    if kind:
        answer = id_of(dice.one((3, 4, 9))) + more + bytes((code, dice.one(codes)))
        return bytes(frame(dice.one((0x90, 0xB0)), answer))
    return bytes(frame(0xE0, bytes((code,)) + more))


def packet(dice: Any, some: tuple[bytes, ...] = SEEDS, calm: bool = False) -> bytes:
    """A valid packet, edited up to three times: three in four; in a calm case one in forty."""
    data = bytes(dice.one(some)) if some is CONNACKS or not dice.upto(3) else made(dice, calm)
    for _ in range(dice.upto(4) if not calm or not dice.upto(32) else 0):
        if len(data) > 1:
            data = dice.one(EDITS)(dice, data)
    return data


class Case:
    """A session of some sizes and options, and what comes in."""

    def __init__(self, seed: int) -> None:
        dice = Dice(seed)
        calm = bool(dice.upto(2))
        self.sizes = dice.one(fuzz_target.SIZES)
        self.before = not dice.upto(6)
        self.stream = not dice.upto(4)
        self.options: dict[str, Any] = {
            "clean_start": bool(dice.upto(2)),
            "topic_aliases": dice.upto(3),
            "check_payload_format": not dice.upto(3),
            "properties": {
                "topic_alias_maximum": calm + dice.upto(4),
                "maximum_packet_size": None if dice.upto(2) else self.sizes[1],
                "receive_maximum": 1 + dice.upto(30),
            },
        }
        packets = [packet(dice, CONNACKS, calm)] if self.before else []
        packets += [packet(dice, calm=calm) for _ in range(1 + dice.upto(14 if calm else 7))]
        self.count = len(packets)
        self.data = b"".join(packets)
        self.step = 1 + dice.upto(self.sizes[0]) if dice.upto(3) else self.sizes[0]

    def rig(self) -> tuple[Any, bytes]:
        """A session in which each kind of answer is awaited, and what it has sent until then."""
        read_size, rx_size = self.sizes
        rig = Rig5(read_size=read_size, rx_size=rx_size, window=16, **self.options)
        rig.session.open()
        sent = rig.drain()
        if self.before:
            return rig, sent
        rig.feed(CONNACK)
        rig.publish("t", b"x", 1)
        rig.publish("t", b"x", 2)
        sent += rig.drain()
        rig.subscribe("a", 1)
        rig.subscribe("a/#", 1, rig._keep, self.stream)
        rig.session.tx_window()  # the order of the ids is the order of these lines
        sent += rig.drain()
        rig.session.subscriptions.remove("b")
        return rig, sent + rig.drain()


def judge(seed: int) -> tuple[str, int]:
    """Run a case; its outcome and how many packets it had, or `Broken` with what is wrong."""
    case = Case(seed)
    rig, sent = case.rig()
    outcome, code = "parsed", 0
    try:
        fuzz_target.feed(rig, case.data, case.step)
    except OUTCOMES as error:
        outcome = type(error).__name__
        code = getattr(error, "reason_code", 0)
        str(error)
    replies = rig.written + rig.drain()
    compare(case, rig, outcome, code, replies)
    try:
        parser = strict5.Parser()
        parser.feed(sent)
        parser.feed(replies)
    except Violation as violation:
        raise Broken(f"sent what a client must not: {violation}") from violation
    check(case, rig, len(replies))
    reusable(rig)
    return outcome, case.count


def compare(case: Case, rig: Any, outcome: str, code: int, replies: bytes) -> None:
    """What it came to, and what it must come to."""
    wanted = fuzz_oracle5.expected(case)
    if wanted.outcome is None:
        return
    if outcome != wanted.outcome:
        raise Broken(f"came to {outcome}, must be {wanted.outcome}")
    if wanted.codes and code not in wanted.codes:
        raise Broken(f"ended with {code:#x}, must be one of {sorted(map(hex, wanted.codes))}")
    if not case.stream and rig.messages != wanted.messages:
        raise Broken(f"handed on {rig.messages}, must be {wanted.messages}")
    if wanted.replies is not None and replies != wanted.replies:
        raise Broken(f"answered {replies.hex(' ')}, must be {wanted.replies.hex(' ')}")


def check(case: Case, rig: Any, replies: int) -> None:
    """Sizes of everything that could grow."""
    session = rig.session
    if len(session.buf) != case.sizes[1] or len(session.rx_window) != case.sizes[0]:
        raise Broken("an RX buffer has grown")
    if len(session.outbox.buf) != 1024:
        raise Broken("the outbox has grown")
    if len(session.subscriptions.all) > 3 or session.outbox.lent:
        raise Broken("a table has grown")
    if replies > 2 * len(case.data) + 64:
        raise Broken("answered more than it was asked")


def reusable(rig: Any) -> None:
    """The object must serve the next connection."""
    rig.written = b""
    rig.reconnect(CONNACK)
    if ack(0x40, 9) not in rig.exchange(publish(b"t", b"x", 1, 9)):
        raise Broken("the session cannot be used again")
