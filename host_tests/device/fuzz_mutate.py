"""Valid packets of a broker, and their mutations: seeded, the same on every interpreter."""

from fuzz_target import BEFORE, WHOLE
from unit_rig import ack, publish, suback

SEEDS = (
    publish(b"t", b"x"),
    publish(b"a", b"", 1, 9),
    publish(b"a/b", b"0123456789", 2, 10, retain=True),
    publish(b"a/b/c", b"abc" * 20, 1, 11, dup=True),
    publish(b"a/\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", b"\0\xff" * 40, 2, 12),
    publish(b"a" * 30, b"z" * 140, 0),
    publish(b"$SYS/x", b"1", 2, 65535),
    publish(b"long/" + b"l" * 60, b"p" * 400, 2, 77),
    ack(0x40, 1),
    ack(0x40, 2),
    ack(0x50, 2),
    ack(0x50, 1),
    ack(0x62, 10),
    ack(0x62, 300),
    ack(0x70, 2),
    suback(3, 1, 0x80),
    suback(3, 1, 1),
    suback(3, 0),
    ack(0xB0, 4),
    b"\xd0\x00",
)
CONNACKS = (b"\x20\x02\x00\x00", b"\x20\x02\x01\x00", b"\x20\x02\x00\x05", b"\x20\x02\x00\x01")
VALUES = (0, 1, 2, 3, 0x7F, 0x80, 0x81, 0xC0, 0xED, 0xF4, 0xFE, 0xFF, 0x2B, 0x23, 0x30, 0x36)
LENGTHS = (
    b"\x00", b"\x01", b"\x02", b"\x7f", b"\x80\x01", b"\x80\x00", b"\xff\xff\x03",
    b"\xff\xff\xff\x7f", b"\x80\x80\x80\x80\x01", b"\xff\xff\xff\xff\x7f", b"\x82\x80\x00",
)  # fmt: skip

TEXTS = (
    b"\xe0\x80\x80", b"\xe0\x9f\xbf", b"\xe0\xa0\x80", b"\xed\x9f\xbf", b"\xed\xa0\x80",
    b"\xf0\x80\x80\x80", b"\xf0\x90\x80\x80", b"\xf4\x8f\xbf\xbf", b"\xf4\x90\x80\x80",
    b"\xc0\x80", b"\xc1\xbf", b"\xc2\x80", b"\xf5\x80\x80\x80", b"\xef\xbf\xbf",
)  # fmt: skip


class Dice:
    """Numbers that look random and are the same on every interpreter."""

    def __init__(self, seed):
        self._state = (seed + 1) * 2654435761 & 0xFFFFFFFF
        self.upto(2)

    def upto(self, n):
        """A number from 0 to n - 1; n at most 65536."""
        self._state = self._state * 1664525 + 1013904223 & 0xFFFFFFFF
        return (self._state >> 16) % n

    def one(self, some):
        """One of them."""
        return some[self.upto(len(some))]


def flip(dice, data):
    """One bit."""
    at = dice.upto(len(data))
    return data[:at] + bytes((data[at] ^ 1 << dice.upto(8),)) + data[at + 1 :]


def put(dice, data):
    """One byte, to a value that means something somewhere."""
    at = dice.upto(len(data))
    return data[:at] + bytes((dice.one(VALUES),)) + data[at + 1 :]


def relength(dice, data):
    """Another Remaining Length, right behind the first byte."""
    if data[1] < 128 and dice.upto(2):
        return data[:1] + bytes((data[1] + dice.upto(5) - 2 & 127,)) + data[2:]
    return data[:1] + dice.one(LENGTHS) + data[2:]


def cut(dice, data):
    """The end or the beginning is missing."""
    at = 1 + dice.upto(len(data))
    return data[:at] if dice.upto(3) else data[at - 1 :]


def drop(dice, data):
    """One byte is missing."""
    at = dice.upto(len(data))
    return data[:at] + data[at + 1 :]


def insert(dice, data):
    """Some bytes more."""
    at = dice.upto(len(data) + 1)
    return data[:at] + bytes([dice.upto(256) for _ in range(1 + dice.upto(4))]) + data[at:]


def splice(dice, data):
    """The beginning of this one, the end of another."""
    other = dice.one(SEEDS)
    return data[: dice.upto(len(data) + 1)] + other[dice.upto(len(other)) :]


def text(dice, data):
    """A sequence on a border of UTF-8, good or bad, where a topic may be."""
    at = 4 + dice.upto(8)
    sequence = dice.one(TEXTS)
    return data[:at] + sequence + data[at + len(sequence) :]


EDITS = (flip, put, relength, cut, drop, insert, splice, text)


def packet(dice):
    """A valid packet, edited up to three times (one in four is left as it is)."""
    data = dice.one(SEEDS)
    for _ in range(dice.upto(4)):
        if len(data) > 1:
            data = dice.one(EDITS)(dice, data)
    return data


def case(seed):
    """(a case for `fuzz_target.run`, how many packets are in it)."""
    dice = Dice(seed)
    flags = dice.upto(256)
    if dice.upto(8):
        flags &= ~BEFORE
    stream = b""
    if flags & BEFORE and dice.upto(4):
        stream = dice.one(CONNACKS)
        if dice.upto(2):
            stream = dice.one(EDITS)(dice, stream)
    n = 1 + dice.upto(6)
    for _ in range(n):
        stream += packet(dice)
    step = dice.upto(256) if dice.upto(2) else WHOLE
    return bytes((flags, step)) + stream, n
