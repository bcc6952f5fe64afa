"""What is written: one packet at a time, frozen until taken whole, nothing behind DISCONNECT."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strict import Parser
from unit_rig import CONNACK, Rig, ack, publish

CONNECT = b"\x10\x0d\x00\x04MQTT\x04\x00\x00\x3c\x00\x01c"


def window_of(rig: Rig) -> bytes:
    """What the session offers now."""
    session = rig.session
    n = session.tx_window()
    buf = session.tx_buf
    assert not isinstance(buf, str)
    return bytes(buf[session.tx_off : session.tx_off + n])


def disturb(rig: Rig, n: int) -> None:
    """Anything that may happen while a packet is half written."""
    if n == 0:
        rig.session.feed(0)
        rig.feed(publish(b"t", b"x", 1 + n % 2, 40 + n))
    elif n == 1:
        rig.feed(publish(b"t", b"x", 2, 50) + ack(0x62, 50))
    elif n == 2:
        rig.publish("other", b"y" * 20, 2)
        rig.publish("other", "z", 0)
    elif n == 3:
        rig.subscribe("a/b", 1)
        rig.session.subscriptions.remove("c")
    elif n == 4:
        rig.session.poll(1)
        rig.session.poll(29999)
    elif n == 5:
        rig.feed(ack(0x40, 1) + ack(0x50, 2) + ack(0x50, 99))
    else:
        rig.feed(b"\xd0\x00")


@settings(max_examples=200, deadline=None, print_blob=True)
@given(st.integers(0, 3), st.lists(st.tuples(st.integers(0, 6), st.integers(1, 9)), max_size=40))
def test_a_slice_stays_as_it_is_until_it_is_taken(
    begun: int, steps: list[tuple[int, int]]
) -> None:
    """Whatever happens meanwhile; and what is written is a row of whole packets."""
    rig = Rig(tx_size=2048)
    parser = Parser()
    rig.session.open()
    parser.feed(rig.drain())
    rig.feed(CONNACK)
    for qos in range(begun):
        rig.publish("t", b"0123456789", qos)
    for kind, most in steps:
        before = window_of(rig)
        disturb(rig, kind)
        if before and not rig.written:
            assert window_of(rig) == before
        parser.feed(rig.written)
        rig.written = b""
        parser.feed(rig.take(most))
    rig.session.disconnect()
    packets = parser.feed(rig.drain(3))
    assert packets[-1]["type"] == "DISCONNECT" and not parser.pending


@pytest.mark.parametrize("most", [1, 2, 7, None])
def test_connect_is_first_and_alone_until_connack(most: int | None) -> None:
    rig = Rig()
    rig.publish("t", b"x", 1)
    rig.subscribe("a")
    rig.session.open()
    assert rig.drain(most) == CONNECT
    assert not rig.session.connected and rig.session.tx_window() == 0
    assert rig.exchange(CONNACK) == b"\x82\x06\x00\x02\x00\x01a\x00" + publish(b"t", b"x", 1, 1)


def test_before_open_and_after_close_nothing_is_offered() -> None:
    rig = Rig()
    rig.publish("t", b"x", 1)
    assert rig.session.tx_window() == 0
    rig.connect()
    rig.publish("t", b"x", 1)
    rig.feed(publish(b"t", b"x", 1, 3))
    rig.session.close()
    assert rig.session.tx_window() == 0


@pytest.mark.parametrize("cut", range(1, 8))
def test_disconnect_is_last_behind_a_half_written_packet(cut: int) -> None:
    rig = Rig()
    rig.connect()
    rig.publish("t", b"0123", 1)
    rig.publish("t", b"4567", 1)
    first = rig.take(cut)
    rig.session.disconnect()
    assert first + rig.drain() == publish(b"t", b"0123", 1, 1) + b"\xe0\x00"


@pytest.mark.parametrize("most", [1, 3])
def test_disconnect_is_last_behind_half_written_acks(most: int) -> None:
    rig = Rig()
    rig.connect()
    rig.feed(publish(b"t", b"x", 1, 7) + publish(b"t", b"x", 2, 8))
    first = rig.take(most)
    rig.feed(publish(b"t", b"x", 1, 9))
    rig.session.disconnect()
    acks = ack(0x40, 7) + ack(0x50, 8) + ack(0x40, 9)
    assert first + rig.drain(most) == acks + b"\xe0\x00"


@pytest.mark.parametrize(
    "data",
    [
        publish(b"t", b"x", 1, 7),
        publish(b"t", b"x", 2, 7),
        publish(b"t", b"x" * 60, 1, 7),
        ack(0x62, 7),
        ack(0x50, 7),
        b"\xd0\x00",
        b"\x20\x02\x00\x00",
    ],
)
@pytest.mark.parametrize("rx_size", [16, 1024])
def test_nothing_follows_disconnect(rx_size: int, data: bytes) -> None:
    """Whatever still comes in."""
    rig = Rig(rx_size=rx_size, read_size=8)
    rig.subscribe("t", 1, lambda message: rig.messages.append(("streamed",)), True)
    rig.connect()
    rig.session.disconnect()
    rig.publish("t", b"x", 1)
    rig.subscribe("b")
    assert rig.exchange(data) == b"\xe0\x00"
    rig.session.poll(60000)
    assert rig.drain() == b"" and rig.messages == []


def test_acks_go_before_new_packets() -> None:
    rig = Rig()
    rig.connect()
    rig.publish("t", b"x", 1)
    rig.feed(publish(b"t", b"x", 1, 7))
    assert rig.drain() == ack(0x40, 7) + publish(b"t", b"x", 1, 1)


@pytest.mark.parametrize("window", [1, 2, 16])
@pytest.mark.parametrize("qos", [1, 2])
def test_many_messages_in_one_read_pause_until_their_acks_are_written(
    qos: int, window: int
) -> None:
    """In order, each one acknowledged, however few acks there is room for."""
    rig = Rig(window=window, read_size=2000)
    rig.connect()
    data = b"".join(publish(b"t", b"%d" % n, qos, n) for n in range(1, 151))
    rig.session.rx_window[: len(data)] = data
    assert rig.session.feed(len(data)) and len(rig.messages) < 150
    assert rig.session.feed(0)  # still nothing was written
    before = len(rig.messages)
    out = rig.take(5)
    assert rig.session.feed(0) and len(rig.messages) == before  # not all of it was written
    while rig.session.feed(0):
        out += rig.drain()
    out += rig.drain()
    first = 0x40 if qos == 1 else 0x50
    assert out == b"".join(ack(first, n) for n in range(1, 151))
    assert [message[1] for message in rig.messages] == [b"%d" % n for n in range(1, 151)]


def test_acks_owed_stay_bounded_when_nothing_can_be_written() -> None:
    """Pings and DISCONNECT find room too."""
    rig = Rig(window=1, read_size=512, keep_alive=2)
    rig.connect()
    rig.session.poll(0)
    for n in range(1, 60):
        data = publish(b"t", b"x", 1, n) + b"\xd0\x00"
        rig.session.rx_window[: len(data)] = data
        if rig.session.feed(len(data)):
            break
        rig.session.poll(n * 1000)
    rig.session.disconnect()
    assert rig.drain().endswith(b"\xe0\x00")


def test_pubrels_of_a_resume_find_room_beside_other_acks() -> None:
    rig = Rig(window=16)
    rig.connect()
    for _ in range(16):
        rig.publish(qos=2)
    rig.drain()
    for n in range(1, 17):
        rig.exchange(ack(0x50, n))
    rig.session.close()
    rig.session.open()
    rig.drain()
    more = b"".join(publish(b"t", b"x", 1, n) for n in range(100, 130))
    out = rig.exchange(b"\x20\x02\x01\x00" + more)
    assert out[:64] == b"".join(ack(0x62, n) for n in range(1, 17))
    assert out[64:] == b"".join(ack(0x40, n) for n in range(100, 130))
