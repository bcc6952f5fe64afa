"""`check_payload_format`: what claims to be text, and is longer than the RX buffer (3.3.2.3.2)."""

from __future__ import annotations

import pytest
from unit_rig5 import Rig5, ack, frame, publish

IS_TEXT = b"\2\1\1"
RX_SIZE = 64
HEAD = 2 + 1 + 3 + 2 + len(IS_TEXT)  # bytes before the payload of a message of `t` at QoS 1 or 2
ACK = {1: 0x40, 2: 0x50}
MARKED = {"two": "é", "three": "€", "four": "😀"}
WRONG = {
    "continuation": b"\x80",
    "overlong": b"\xe0\x80",
    "surrogate": b"\xed\xa0",
    "too high": b"\xf4\x90",
    "no lead": b"\xf5",
    "short of a byte": b"\xc3x",
    "wrong third byte": b"\xf0\x9fx",
    "four continuations": b"\xf0\x9f\x98\x80\x80",
}


def streaming(stream: bool = True) -> tuple[Rig5, list[bytes]]:
    """A client that checks, and the pieces that its handler got."""
    got: list[bytes] = []
    own = {"maximum_packet_size": None}
    rig = Rig5(rx_size=RX_SIZE, check_payload_format=True, properties=own)
    rig.subscribe("t", 2, lambda message: got.append(bytes(message.payload)), stream)
    rig.connect()
    rig.feed(b"\x90\4\0\1\0\2")
    return rig, got


@pytest.mark.parametrize("qos", [1, 2])
@pytest.mark.parametrize("text", MARKED.values(), ids=MARKED)
def test_a_character_that_the_end_of_the_buffer_cuts_is_no_mistake(text: str, qos: int) -> None:
    for lead in range(5):
        rig, got = streaming()
        payload = b"x" * lead + text.encode() * 200
        assert rig.exchange(publish(b"t", payload, qos, 7, block=IS_TEXT)) == ack(ACK[qos], 7)
        assert b"".join(got) == payload and len(got) > 1
        assert rig.session.oversized == 0


@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("at_the_end", [True, False], ids=["end", "start"])
def test_what_the_buffer_holds_of_it_decides(wrong: bytes, qos: int, at_the_end: bool) -> None:
    """Nothing is handed on, and it is refused; the next one is not."""
    rig, got = streaming()
    room = RX_SIZE - HEAD + (0 if qos else 2)
    payload = b"x" * (room - len(wrong) if at_the_end else 0) + wrong + b"y" * 200
    refused = ack(ACK[qos], 7, 0x99) if qos else b""
    assert rig.exchange(publish(b"t", payload, qos, 7, block=IS_TEXT)) == refused
    assert not got and not rig.messages and rig.session.oversized == 0
    assert 7 not in rig.session.received
    assert rig.exchange(publish(b"t", payload, 1, 8)) == ack(0x40, 8)
    assert b"".join(got) == payload
    assert rig.exchange(publish(b"u" * 100, b"", 1, 9)) == ack(0x40, 9)


@pytest.mark.parametrize("name", [b"u" * 100, b"u"], ids=["topic", "properties"])
def test_what_passes_by_unread_is_not_refused_for_the_last_one(name: bytes) -> None:
    rig, _ = streaming()
    rig.exchange(publish(b"t", b"\xff" * 200, 1, 7, block=IS_TEXT))
    user = frame(0, b"\x26\0\1k\0\xc8" + b"v" * 200)[1:]
    assert rig.exchange(publish(name, b"", 1, 8, block=user)) == ack(0x40, 8)
    assert rig.session.oversized == 1


def test_what_comes_behind_the_buffer_is_handed_on_as_it_is() -> None:
    """Its first pieces are with the handler: it is not looked at any more."""
    rig, got = streaming()
    payload = b"x" * 200 + b"\xff"
    assert rig.exchange(publish(b"t", payload, 1, 7, block=IS_TEXT)) == ack(0x40, 7)
    assert b"".join(got) == payload


def test_a_character_cut_at_the_end_of_a_short_message_is_a_mistake() -> None:
    rig, got = streaming()
    assert rig.exchange(publish(b"t", b"x\xc3", 1, 7, block=IS_TEXT)) == ack(0x40, 7, 0x99)
    payload = b"x" * (RX_SIZE - HEAD - 1) + b"\xc3"
    assert rig.exchange(publish(b"t", payload, 1, 7, block=IS_TEXT)) == ack(0x40, 7, 0x99)
    assert not got


def test_one_that_nobody_streams_is_refused_too() -> None:
    """Else it would be told as delivered."""
    rig, _ = streaming(False)
    assert rig.exchange(publish(b"t", b"\xff" * 200, 2, 7, block=IS_TEXT)) == ack(0x50, 7, 0x99)
    assert rig.session.oversized == 0
    assert rig.exchange(publish(b"t", "é".encode() * 99, 2, 7, block=IS_TEXT)) == ack(0x50, 7)
    assert rig.session.oversized == 1
