"""Our Receive Maximum: what counts against it, and what does not (MQTT 5, 4.9)."""

from __future__ import annotations

from typing import Any

import pytest
from umqtt_full.errors import ProtocolError
from unit_rig5 import RESUMED, Rig5, ack, connack, frame, publish

PUBACK, PUBREC, PUBREL, PUBCOMP = 0x40, 0x50, 0x62, 0x70


def connected() -> Rig5:
    """A client that takes one message at a time."""
    rig = Rig5(properties={"receive_maximum": 1})
    rig.connect()
    return rig


def test_a_pubrel_of_an_earlier_connection_takes_no_place() -> None:
    """A quota begins anew with each connection: one message may follow PUBREL at once."""
    rig = connected()
    assert rig.exchange(publish(b"t", b"1", 2, 7)) == ack(PUBREC, 7)
    rig.session.close()
    rig.session.open()
    rig.drain()
    data = RESUMED + ack(PUBREL, 7) + publish(b"t", b"2", 1, 8)
    assert rig.exchange(data) == ack(PUBCOMP, 7) + ack(PUBACK, 8)
    assert [message[1] for message in rig.messages] == [b"1", b"2"]


def test_a_pubrel_for_nothing_takes_no_place() -> None:
    rig = connected()
    data = ack(PUBREL, 9) + publish(b"t", b"1", 2, 8)
    assert rig.exchange(data) == ack(PUBCOMP, 9, 0x92) + ack(PUBREC, 8)


def test_a_message_keeps_its_place_until_pubcomp_is_written() -> None:
    rig = connected()
    assert rig.exchange(publish(b"t", b"1", 2, 7)) == ack(PUBREC, 7)
    with pytest.raises(ProtocolError, match="receive_maximum"):
        rig.feed(ack(PUBREL, 7) + publish(b"t", b"2", 1, 8))
    rig = connected()
    rig.exchange(publish(b"t", b"1", 2, 7))
    assert rig.exchange(ack(PUBREL, 7)) == ack(PUBCOMP, 7)
    assert rig.exchange(publish(b"t", b"2", 1, 8)) == ack(PUBACK, 8)


def test_so_it_does_among_pubcomps_for_nothing() -> None:
    rig = connected()
    rig.exchange(publish(b"t", b"1", 2, 7))
    with pytest.raises(ProtocolError, match="receive_maximum"):
        rig.feed(ack(PUBREL, 9) + ack(PUBREL, 7) + ack(PUBREL, 9) + publish(b"t", b"2", 1, 8))


def test_a_broker_that_takes_fewer_now_gets_no_more_than_that() -> None:
    """Two messages await PUBCOMP: each counts against the new maximum of one."""
    rig = Rig5()
    rig.connect()
    for _ in range(2):
        rig.publish("t", b"x", 2)
    rig.drain()
    rig.exchange(ack(PUBREC, 1) + ack(PUBREC, 2))
    few = connack(b"\3\x21\0\1", 1)
    assert rig.reconnect(few) == ack(PUBREL, 1) + ack(PUBREL, 2)
    rig.publish("t", b"y", 1)
    rig.publish("t", b"", 0)
    assert rig.exchange(b"") == b"\x30\4\0\1t\0", "QoS 0 goes on"
    assert rig.exchange(ack(PUBCOMP, 1)) == b""
    assert rig.exchange(ack(PUBCOMP, 2))[:1] == b"\x32"


def finished(receive_maximum: int) -> Rig5:
    """A client that has received a QoS 2 message to its end."""
    rig = Rig5(properties={"receive_maximum": receive_maximum})
    rig.connect()
    rig.exchange(publish(b"t", b"1", 2, 7))
    rig.exchange(ack(PUBREL, 7))
    return rig


def test_a_finished_exchange_is_not_counted_by_a_later_pubrel_for_nothing() -> None:
    rig = finished(1)
    data = ack(PUBREL, 5) + publish(b"t", b"2", 1, 8)
    assert rig.exchange(data) == ack(PUBCOMP, 5, 0x92) + ack(PUBACK, 8)


def test_a_finished_exchange_is_not_counted_by_a_pubrel_of_an_earlier_connection() -> None:
    """Something else is owed before it."""
    rig = Rig5(properties={"receive_maximum": 2})
    rig.connect()
    rig.exchange(publish(b"t", b"1", 2, 7))
    rig.reconnect(RESUMED)
    rig.exchange(publish(b"t", b"2", 2, 8))
    rig.exchange(ack(PUBREL, 8))
    data = publish(b"t", b"3", 1, 9) + ack(PUBREL, 7) + publish(b"t", b"4", 1, 10)
    assert rig.exchange(data) == ack(PUBACK, 9) + ack(PUBCOMP, 7) + ack(PUBACK, 10)


def test_a_pubcomp_that_has_left_before_the_others_is_not_counted() -> None:
    """The stream took a part of the acks, and another one was owed meanwhile."""
    rig = Rig5(properties={"receive_maximum": 1})
    rig.connect()
    rig.exchange(publish(b"t", b"1", 2, 7))
    rig.feed(ack(PUBREL, 7))
    assert rig.take(3) + ack(PUBCOMP, 7)[3:] == ack(PUBCOMP, 7)
    rig.feed(ack(PUBREL, 5))
    assert rig.take(1) == ack(PUBCOMP, 7)[3:]
    data = publish(b"t", b"2", 1, 8)
    assert rig.exchange(data) == ack(PUBCOMP, 5, 0x92) + ack(PUBACK, 8)


TOO_LONG = {  # for the buffer, topic and payload
    "payload": (b"t", b"p" * 200),
    "topic": (b"t" * 200, b"p"),
}
PROPERTIES = {"none": b"\0", "long": frame(0, b"\x26\0\1k\0\x40" + b"v" * 64)[1:]}


def small(**options: Any) -> tuple[Rig5, list[int]]:
    """A client with a short buffer that takes one message at a time, and offsets of pieces."""
    offsets: list[int] = []
    own = {"receive_maximum": 1, "maximum_packet_size": None}
    rig = Rig5(rx_size=64, properties=own, **options)
    rig.subscribe("t", 2, lambda message: offsets.append(message.offset), True)
    rig.connect()
    rig.feed(b"\x90\4\0\1\0\2")
    return rig, offsets


@pytest.mark.parametrize("what", TOO_LONG)
@pytest.mark.parametrize("properties", PROPERTIES.values(), ids=PROPERTIES)
@pytest.mark.parametrize("qos", [1, 2])
def test_a_message_longer_than_the_buffer_takes_a_place(
    what: str, properties: bytes, qos: int
) -> None:
    """It is refused before a piece of it is handed on; one that fits into the quota is not."""
    rig, offsets = small()
    long = publish(*TOO_LONG[what], qos, 8, block=properties)
    assert rig.exchange(long) == ack(PUBACK if qos == 1 else PUBREC, 8)
    rig, offsets = small()
    assert rig.exchange(publish(b"t", b"1", 2, 7)) == ack(PUBREC, 7)
    del offsets[:]
    with pytest.raises(ProtocolError, match="receive_maximum") as info:
        rig.feed(long)
    assert info.value.reason_code == 0x93 and not offsets
    assert rig.session.message.packet_id == 7


@pytest.mark.parametrize("what", TOO_LONG)
def test_a_long_message_keeps_its_place_until_pubcomp(what: str) -> None:
    rig, _ = small()
    assert rig.exchange(publish(*TOO_LONG[what], 2, 7)) == ack(PUBREC, 7)
    with pytest.raises(ProtocolError, match="receive_maximum"):
        rig.feed(publish(*TOO_LONG[what], 2, 8))
    rig, _ = small()
    for packet_id in (7, 8, 9):
        assert rig.exchange(publish(*TOO_LONG[what], 2, packet_id)) == ack(PUBREC, packet_id)
        assert rig.exchange(ack(PUBREL, packet_id)) == ack(PUBCOMP, packet_id)


@pytest.mark.parametrize("what", TOO_LONG)
def test_a_long_message_that_comes_again_takes_no_other_place(what: str) -> None:
    """It was received on an earlier connection, and its PUBREC was lost."""
    rig, _ = small()
    assert rig.exchange(publish(*TOO_LONG[what], 2, 7)) == ack(PUBREC, 7)
    rig.reconnect(RESUMED)
    assert rig.exchange(publish(b"t", b"2", 2, 8)) == ack(PUBREC, 8)
    again = publish(*TOO_LONG[what], 2, 7, dup=True)
    assert rig.exchange(again) == ack(PUBREC, 7)


def test_a_long_message_after_our_disconnect_is_not_judged() -> None:
    rig, _ = small()
    rig.exchange(publish(b"t", b"1", 2, 7))
    rig.session.disconnect()
    rig.feed(publish(b"t", b"p" * 200, 2, 8))
