"""A CONNACK was missed: whether the broker still has the session of before is not known.

It may have lost it and told so in that CONNACK alone; the next one says session present = 1 all
the same. Then an id of a QoS 2 message received before may come back for another message.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from umqtt_full import Store
from umqtt_full.resume import attach
from umqtt_full.session import Session
from unit_rig import CONNACK, RESUMED, Rig, ack, publish

PUBREC, PUBREL, PUBCOMP = 0x50, 0x62, 0x70


def doubtful(*received: int, **options: int) -> Rig:
    """A session whose broker awaits no PUBREC for these ids, and whose last CONNACK was missed."""
    rig = Rig(**options)
    rig.connect()
    for packet_id in received:
        assert rig.exchange(publish(b"t", b"old", 2, packet_id)) == ack(PUBREC, packet_id)
    rig.session.close()
    rig.session.open()  # CONNECT leaves, and the connection ends
    rig.drain()
    rig.messages.clear()
    return rig


def got(rig: Rig) -> list[bytes]:
    """The payloads that were handled since."""
    return [message[1] for message in rig.messages]


@pytest.mark.parametrize("connections", [1, 2, 5])
def test_mqtt_3_3_1_1_without_dup_an_id_of_before_is_another_message(connections: int) -> None:
    """However many connections later: a message that is sent again bears DUP."""
    rig = doubtful(1)
    for _ in range(connections):
        rig.reconnect(RESUMED)
    assert rig.exchange(publish(b"t", b"new", 2, 1)) == ack(PUBREC, 1)
    assert got(rig) == [b"new"]
    assert rig.exchange(publish(b"t", b"new", 2, 1, dup=True)) == ack(PUBREC, 1)
    assert rig.exchange(ack(PUBREL, 1)) == ack(PUBCOMP, 1)
    assert got(rig) == [b"new"]


def test_mqtt_4_3_3_2_with_dup_it_is_the_message_of_before() -> None:
    rig = doubtful(1, 2)
    rig.reconnect(RESUMED)
    assert rig.exchange(publish(b"t", b"old", 2, 1, dup=True)) == ack(PUBREC, 1)
    assert rig.exchange(publish(b"t", b"old", 2, 1)) == ack(PUBREC, 1)
    assert got(rig) == []


@pytest.mark.parametrize("written", [0, 1, 5])
def test_a_connect_that_did_not_leave_whole_casts_no_doubt(written: int) -> None:
    """The broker cannot have begun a session: subscriptions are not made again, ids are known."""
    rig = Rig()
    rig.subscribe("t", 2)
    rig.connect()
    rig.feed(b"\x90\3\0\1\2" + publish(b"t", b"old", 2, 5))
    rig.drain()
    rig.session.close()
    rig.session.open()
    rig.take(written) if written else None
    assert rig.reconnect(RESUMED) == b""
    assert rig.exchange(publish(b"t", b"old", 2, 5, dup=True)) == ack(PUBREC, 5)
    assert len(rig.messages) == 1


def test_the_other_ids_stay_in_doubt() -> None:
    rig = doubtful(1, 2, 33)
    rig.reconnect(RESUMED)
    for packet_id in (2, 33, 1):
        rig.exchange(publish(b"t", b"%d" % packet_id, 2, packet_id))
        rig.exchange(publish(b"t", b"%d" % packet_id, 2, packet_id))
    assert got(rig) == [b"2", b"33", b"1"]


def test_pubrel_ends_the_doubt() -> None:
    rig = doubtful(1)
    rig.reconnect(RESUMED)
    assert rig.exchange(ack(PUBREL, 1)) == ack(PUBCOMP, 1)
    rig.exchange(publish(b"t", b"new", 2, 1))
    rig.exchange(publish(b"t", b"new", 2, 1))
    assert got(rig) == [b"new"]


def test_without_a_missed_connack_the_id_alone_decides() -> None:
    rig = Rig()
    rig.connect()
    rig.exchange(publish(b"t", b"old", 2, 1))
    rig.reconnect(RESUMED)
    rig.exchange(publish(b"t", b"old", 2, 1))
    assert got(rig) == [b"old"]


def test_session_present_0_ends_the_doubt() -> None:
    rig = doubtful(1)
    rig.reconnect(CONNACK)
    rig.exchange(publish(b"t", b"new", 2, 1))
    rig.exchange(publish(b"t", b"new", 2, 1))
    assert got(rig) == [b"new"]


@pytest.mark.parametrize("streamed", [False, True])
def test_a_long_message_with_an_id_of_before_is_another_one(streamed: bool) -> None:
    rig = doubtful(1, rx_size=32, read_size=16)
    pieces: list[bytes] = []
    if streamed:
        rig.subscribe("t", 2, lambda m: pieces.append(bytes(m.payload)), stream=True)
    rig.reconnect(RESUMED)
    for _ in range(2):
        assert rig.exchange(publish(b"t", b"x" * 100, 2, 1)) == ack(PUBREC, 1)
    assert b"".join(pieces) == b"x" * 100 * streamed
    assert rig.session.oversized == (not streamed)


def from_flash(path: Path) -> Rig:
    """What boots after the power went: the ids 7 and 8 are on flash, 8 came last."""
    store = Store(str(path))
    attach(store, Session("me"), "broker", 1883)
    store.receive(7)
    store.receive(8)
    store.close()
    rig = Rig(client_id="me")
    attach(Store(str(path)), rig.session, "broker", 1883)
    rig.connect(RESUMED)
    return rig


def test_a_session_from_flash_is_in_doubt(tmp_path: Path) -> None:
    """The power may have gone with a CONNACK under way."""
    rig = from_flash(tmp_path / "s")
    rig.exchange(publish(b"t", b"new", 2, 7))
    rig.exchange(publish(b"t", b"new", 2, 7))
    assert got(rig) == [b"new"]


def test_a_message_from_before_the_power_went_is_known(tmp_path: Path) -> None:
    rig = from_flash(tmp_path / "s")
    rig.exchange(publish(b"t", b"old", 2, 7, dup=True))
    assert got(rig) == []
