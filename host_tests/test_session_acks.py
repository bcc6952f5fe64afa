"""The state table at the head of session.py: every state, every ack; ids, window, policy."""

from __future__ import annotations

import pytest
from umqtt_full.errors import ProtocolError
from unit_rig import CONNACK, RESUMED, Rig, ack, publish, suback

PUBACK, PUBREC, PUBREL, PUBCOMP, UNSUBACK = 0x40, 0x50, 0x62, 0x70, 0xB0
ACKS = {"PUBACK": PUBACK, "PUBREC": PUBREC, "PUBCOMP": PUBCOMP, "UNSUBACK": UNSUBACK}
ID = 1


def queued() -> Rig:
    """Id 1 is a QoS 2 message that the full window keeps back."""
    rig = Rig(window=1)
    rig.connect()
    rig.session.ids.next = 2
    rig.publish(qos=1)
    rig.session.ids.next = ID
    rig.publish(qos=2)
    rig.drain()
    return rig


def in_flight(qos: int) -> Rig:
    """Id 1 is sent and awaits its first ack."""
    rig = Rig()
    rig.connect()
    assert rig.publish(qos=qos) == ID
    rig.drain()
    return rig


def half_written() -> Rig:
    """Id 1 is being written: nothing can have answered it."""
    rig = Rig()
    rig.connect()
    assert rig.publish(qos=1) == ID
    rig.take(3)
    return rig


def released() -> Rig:
    """Id 1 had its PUBREC, the PUBREL is sent."""
    rig = in_flight(2)
    assert rig.exchange(ack(PUBREC, ID)) == ack(PUBREL, ID)
    return rig


def subscribing() -> Rig:
    """Id 1 is a SUBSCRIBE."""
    rig = Rig()
    rig.connect()
    rig.subscribe("a", 1)
    rig.drain()
    return rig


def unsubscribing() -> Rig:
    """Id 1 is an UNSUBSCRIBE."""
    rig = Rig()
    rig.connect()
    rig.session.subscriptions.remove("a")
    rig.drain()
    return rig


def unused() -> Rig:
    """Id 1 is not in use."""
    rig = Rig()
    rig.connect()
    return rig


STATES = {
    "queued": queued,
    "half written": half_written,
    "awaits PUBACK": lambda: in_flight(1),
    "awaits PUBREC": lambda: in_flight(2),
    "awaits PUBCOMP": released,
    "awaits SUBACK": subscribing,
    "awaits UNSUBACK": unsubscribing,
    "unused": unused,
}
# what happens where it is not "ignored": (reply, still pending)
TABLE = {
    ("awaits PUBACK", "PUBACK"): (b"", False),
    ("awaits PUBREC", "PUBREC"): (ack(PUBREL, ID), True),
    ("awaits PUBCOMP", "PUBREC"): (ack(PUBREL, ID), True),
    ("awaits PUBCOMP", "PUBCOMP"): (b"", False),
    ("awaits SUBACK", "SUBACK"): (b"", False),
    ("awaits UNSUBACK", "UNSUBACK"): (b"", False),
    ("unused", "PUBREC"): (ack(PUBREL, ID), False),
}


@pytest.mark.parametrize("name", [*ACKS, "SUBACK"])
@pytest.mark.parametrize("state", STATES)
def test_each_ack_in_each_state(state: str, name: str) -> None:
    """Once, then again: a doubled ack ends nothing either."""
    rig = STATES[state]()
    packet = suback(ID, 1) if name == "SUBACK" else ack(ACKS[name], ID)
    reply, pending = TABLE.get((state, name), (b"", state != "unused"))
    half = publish(b"t", b"x", 1, ID)[3:] if state == "half written" else b""
    assert rig.exchange(packet) == half + reply
    assert rig.session.pending(ID) is pending
    if not half:
        again = ack(PUBREL, ID) if name == "PUBREC" and (reply or not pending) else b""
        assert rig.exchange(packet) == again
        assert rig.session.pending(ID) is pending


@pytest.mark.parametrize("name", [*ACKS, "SUBACK"])
@pytest.mark.parametrize("state", STATES)
def test_an_unknown_ack_ends_nothing(state: str, name: str) -> None:
    rig = STATES[state]()
    rig.drain()
    packet = suback(77, 1) if name == "SUBACK" else ack(ACKS[name], 77)
    before = rig.pending(1, 2, 77)
    assert rig.exchange(packet) == (ack(PUBREL, 77) if name == "PUBREC" else b"")
    assert rig.pending(1, 2, 77) == before


@pytest.mark.parametrize("first", [PUBACK, PUBREC, PUBREL, PUBCOMP])
@pytest.mark.parametrize("state", STATES)
def test_packet_id_0_is_a_protocol_error(state: str, first: int) -> None:
    rig = STATES[state]()
    with pytest.raises(ProtocolError):
        rig.feed(ack(first, 0))


def test_no_id_is_pending_before_it_is_given_out() -> None:
    """Nor id 0, which a message at QoS 0 has."""
    rig = Rig()
    rig.connect()
    assert rig.publish(qos=0) == 0
    assert rig.pending(*range(100)) == []


def test_a_late_puback_does_not_end_the_next_use_of_the_id() -> None:
    """As QoS 2 it awaits PUBREC."""
    rig = in_flight(1)
    rig.feed(ack(PUBACK, ID))
    rig.session.ids.next = ID
    assert rig.publish(qos=2) == ID
    rig.drain()
    assert rig.exchange(ack(PUBACK, ID) + ack(PUBCOMP, ID)) == b""
    assert rig.pending(ID) == [ID]


def test_acks_may_come_in_any_order() -> None:
    rig = Rig()
    rig.connect()
    ids = [rig.publish(qos=1 + n % 2) for n in range(8)]
    rig.drain()
    for packet_id in ids[1::2][::-1]:
        assert rig.exchange(ack(PUBREC, packet_id)) == ack(PUBREL, packet_id)
    for packet_id in ids[::2][::-1]:
        assert rig.exchange(ack(PUBACK, packet_id)) == b""
    assert rig.pending(*ids) == ids[1::2]
    for packet_id in ids[1::2]:
        rig.feed(ack(PUBCOMP, packet_id))
    assert rig.pending(*ids) == []


def test_ids_wrap_at_65535_and_step_over_those_in_use() -> None:
    rig = Rig(window=4, tx_size=4096)
    rig.connect()
    rig.session.ids.next = 65534
    assert [rig.publish(qos=1) for _ in range(4)] == [65534, 65535, 1, 2]
    rig.drain()
    rig.feed(ack(PUBACK, 65535))
    rig.session.ids.next = 65533
    assert [rig.publish(qos=2) for _ in range(4)] == [65533, 65535, 3, 4]
    rig.subscribe("a")
    assert rig.drain().startswith(b"\x82\x06\x00\x05")


def test_an_id_is_not_used_again_before_pubcomp() -> None:
    rig = released()
    rig.session.ids.next = ID
    assert rig.publish(qos=1) == 2
    rig.feed(ack(PUBCOMP, ID))
    rig.session.ids.next = ID
    assert rig.publish(qos=1) == ID


@pytest.mark.parametrize("window", [1, 2, 5])
@pytest.mark.parametrize("qos", [1, 2])
def test_the_window_bounds_what_is_unacknowledged(window: int, qos: int) -> None:
    """Each end lets one more out; what QoS 2 has released still counts."""
    rig = Rig(window=window)
    rig.connect()
    for _ in range(window + 3):
        rig.publish(qos=qos)
    assert rig.drain() == b"".join(publish(b"t", b"x", qos, n) for n in range(1, window + 1))
    following = publish(b"t", b"x", qos, window + 1)
    if qos == 2:
        assert rig.exchange(ack(PUBREC, 1)) == ack(PUBREL, 1)
        assert rig.exchange(ack(PUBREC, 1)) == ack(PUBREL, 1)
        assert rig.exchange(ack(PUBCOMP, 1)) == following
        assert rig.exchange(ack(PUBCOMP, 1)) == b""
    else:
        assert rig.exchange(ack(PUBACK, 1)) == following
        assert rig.exchange(ack(PUBACK, 1)) == b""


def test_a_full_window_lets_everything_else_through() -> None:
    rig = Rig(window=1, keep_alive=10)
    rig.connect()
    rig.session.poll(0)
    for qos in (1, 2, 0, 1, 0):
        rig.publish(qos=qos)
    once = publish(b"t", b"x")
    assert rig.drain() == publish(b"t", b"x", 1, 1) + once + once
    rig.subscribe("a")
    assert rig.drain()[0] == 0x82
    rig.session.poll(0)
    rig.session.poll(5000)
    assert rig.drain() == b"\xc0\x00"
    assert rig.exchange(publish(b"t", b"x", 1, 9)) == ack(PUBACK, 9)
    rig.session.disconnect()
    assert rig.drain() == b"\xe0\x00"


@pytest.mark.parametrize("connack", [CONNACK, RESUMED])
def test_the_window_is_whole_again_after_a_reconnect(connack: bytes) -> None:
    """But for what is still released."""
    rig = Rig(window=3)
    rig.connect()
    for _ in range(6):
        rig.publish(qos=2)
    rig.drain()
    rig.exchange(ack(PUBREC, 2))
    out = rig.reconnect(connack)
    assert out.count(b"x") == (2 if connack == RESUMED else 3)
    assert out.startswith(ack(PUBREL, 2)) == (connack == RESUMED)


def test_unacknowledged_pubrecs_never_pass_the_window() -> None:
    """Foreign PUBRECs are answered and take no place."""
    rig = Rig(window=2)
    rig.connect()
    for _ in range(4):
        rig.publish(qos=2)
    rig.drain()
    for packet_id in range(100, 140):
        assert rig.exchange(ack(PUBREC, packet_id)) == ack(PUBREL, packet_id)
    assert rig.exchange(ack(PUBREC, 1) + ack(PUBREC, 2)) == ack(PUBREL, 1) + ack(PUBREL, 2)
    assert rig.exchange(ack(PUBREC, 3)) == b""  # not sent yet
    assert rig.exchange(ack(PUBCOMP, 2)) == publish(b"t", b"x", 2, 3)
