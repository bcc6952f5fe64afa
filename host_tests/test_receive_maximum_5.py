"""Our Receive Maximum: what counts against it, and what does not (MQTT 5, 4.9)."""

from __future__ import annotations

import pytest
from umqtt_full.errors import ProtocolError
from unit_rig5 import RESUMED, Rig5, ack, connack, publish

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
