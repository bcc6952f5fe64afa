"""The send side: whatever the application passes, ValueError, LimitError, or packets that hold.

Every byte that comes of an accepted call is read by the strict parser, and the packet must say
what was asked for.
"""

from __future__ import annotations

import random
from typing import Any

from fuzz_target import Broken
from strict import Packet, Parser, Violation
from umqtt_full import Client, LimitError, Will
from umqtt_full.asking import ask

TEXTS = (
    *("a", "a/b", "", "+", "#", "a/+", "a/#", "#/a", "a+", "+/+/#", "/", "//", "$SYS/#", "ä/€"),
    *("\U0001f600", "\ud800", "a\0b", "$share/g/a", "$share//a", "x" * 127, "x" * 128, "y" * 900),
    *("z" * 65535, "z" * 65536, "ä" * 40000, "\x7f", "a/\uffff"),
)
RAW = (b"", b"a", b"\xff", b"\xc3\xa4", b"\xed\xa0\x80", b"\xc0\x80", b"a\0", b"+", b"x" * 65536)
THINGS = (None, 1, 1.5, [], (), {}, object(), True, ["a"], range(3))
LEVELS: tuple[Any, ...] = (0, 1, 2, 0, 1, 2, 3, -1, 255, None, "1", 1.0, True, b"\1")
SIZES = (0, 1, 2, 15, 16, 17, 63, 64, 100, 117, 118, 119, 120, 127, 128, 500, 1013, 1024, 20000)


class Sender:
    """A connected client without a network, and the strict reader of what it sends."""

    def __init__(self, tx_size: int) -> None:
        self.client = Client("c", "nowhere", tx_size=tx_size, timeout_ms=0)
        self.session = self.client.session
        self.parser = Parser()
        self.session.open()
        self.written()
        self.session.rx_window[:4] = b"\x20\x02\x00\x00"
        self.session.feed(4)
        self.client._up = True
        self.client._feeding = True  # as in a handler: no call waits or looks at the network

    def written(self) -> list[Packet]:
        """All that the session has to say now."""
        packets = []
        while n := self.session.tx_window():
            start = self.session.tx_off
            buffer = self.session.tx_buf
            data = buffer.encode() if isinstance(buffer, str) else bytes(buffer)
            packets += self.parser.feed(data[start : start + n])
            self.session.sent(n)
        return packets

    def acknowledge(self, packet: Packet) -> None:
        """Make room again."""
        name = {1: "PUBACK", 2: "PUBREC"}.get(packet.get("qos", 0))
        for first in {"PUBACK": (0x40,), "PUBREC": (0x50, 0x70)}.get(name or "", ()):
            answer = bytes((first, 2)) + packet["packet_id"].to_bytes(2, "big")
            self.session.rx_window[:4] = answer
            self.session.feed(4)
            self.written()


def text(dice: random.Random) -> Any:
    """What might be given for a text."""
    kind = dice.randrange(10)
    if kind < 5:
        return dice.choice(TEXTS)
    if kind < 7:
        data = dice.choice(RAW)
        return dice.choice((bytes, bytearray, memoryview))(data)
    if kind < 8:
        return "".join(chr(dice.randrange(0x500)) for _ in range(dice.randrange(40)))
    return dice.choice(THINGS) if kind == 9 else dice.choice(TEXTS).encode("utf-8", "ignore")


def payload(dice: random.Random) -> Any:
    """What might be given for a payload."""
    kind = dice.randrange(8)
    if kind == 0:
        return text(dice)
    data = dice.randbytes(dice.choice(SIZES))
    if kind == 1:
        return "é" * dice.choice(SIZES)
    if kind == 2:
        return "e" * dice.choice(SIZES)
    return dice.choice((bytes, bytes, bytearray, memoryview))(data)


def as_bytes(value: Any) -> bytes:
    """An accepted text or payload as it must be on the wire."""
    return value.encode() if isinstance(value, str) else bytes(value)


def publish(sender: Sender, dice: random.Random) -> None:
    """One publish with any arguments."""
    topic, body, qos = text(dice), payload(dice), dice.choice(LEVELS)
    retain = bool(dice.choice((False, True, 0, 1, None)))
    packet_id = sender.client.publish_nowait(topic, body, qos, retain)
    packets = sender.written()
    if [packet["type"] for packet in packets] != ["PUBLISH"]:
        raise Broken(f"publish({topic!r:.60}, …, {qos!r}) sent {packets!r:.200}")
    found = packets[0]
    wanted = (as_bytes(topic).decode(), as_bytes(body), int(qos), bool(retain), packet_id)
    names = ("topic", "payload", "qos", "retain", "packet_id")
    if tuple(found[name] for name in names) != wanted:
        raise Broken(f"publish({topic!r:.60}, {body!r:.60}, {qos!r}) sent {found!r:.200}")
    sender.acknowledge(found)


def subscribe(sender: Sender, dice: random.Random) -> None:
    """One subscribe with any arguments; nothing waits for the answer."""
    given: Any = text(dice)
    if dice.randrange(2):
        given = [
            dice.choice((text(dice), (text(dice), dice.choice(LEVELS))))
            for _ in range(dice.randrange(4))
        ]
    before = len(sender.session.subscriptions.all)
    try:
        ask(sender.client, given, dice.choice(LEVELS), {})
    except (ValueError, LimitError):
        if len(sender.session.subscriptions.all) != before:
            raise Broken(f"subscribe({given!r:.80}) was refused and kept") from None
        raise
    if any(packet["type"] != "SUBSCRIBE" for packet in sender.written()):
        raise Broken(f"subscribe({given!r:.80}) sent something else")


def connect(dice: random.Random) -> None:
    """One client with any arguments: its CONNECT must hold."""
    will = None
    if dice.randrange(3):
        will = Will(text(dice), payload(dice), dice.choice(LEVELS), bool(dice.randrange(2)))
    client = Client(
        text(dice),
        "nowhere",
        username=dice.choice((None, text(dice))),
        password=dice.choice((None, None, payload(dice))),
        keep_alive=dice.choice((0, 1, 60, 65535, 65536, -1, None, "60", 60)),
        clean_session=bool(dice.randrange(2)),
        will=will,
        window=dice.choice((1, 16, 16, 0, -1, 65536)),
    )
    client.session.open()
    n = client.session.tx_window()
    data = bytes(memoryview(client.session.tx_buf)[:n])  # type: ignore[arg-type]
    packets = Parser().feed(data)
    if [packet["type"] for packet in packets] != ["CONNECT"]:
        raise Broken(f"{packets!r} instead of CONNECT")


def judge(seed: int, calls: int = 8) -> dict[str, int]:
    """Some calls with arguments by chance; how often each came to what."""
    dice = random.Random(seed)
    sender = Sender(dice.choice((64, 100, 1024, 4096)))
    counts: dict[str, int] = {}
    for _ in range(calls):
        kind = dice.choice((publish, publish, publish, subscribe, connect))
        outcome = "sent"
        try:
            kind(*((dice,) if kind is connect else (sender, dice)))  # type: ignore[arg-type]
        except (ValueError, LimitError) as error:
            outcome = type(error).__name__
            if packets := sender.written():
                raise Broken(f"refused with {error}, but sent {packets!r:.100}") from error
        except Violation as error:
            raise Broken(f"{kind.__name__} sent what a client must not: {error}") from error
        counts[outcome] = counts.get(outcome, 0) + 1
    return counts
