"""Keep alive with a clock of the test's own: when a ping is due, when a link is dead."""

from __future__ import annotations

import pytest
from unit_rig import Rig

PING, PONG = b"\xc0\x00", b"\xd0\x00"
WRAP = 1 << 30
STARTS = [0, 1, WRAP - 1, WRAP - 2500, WRAP - 5000, WRAP - 7500, WRAP // 2 - 1]


def alive(start: int, **options: int) -> Rig:
    """A link with a keep alive of 10 s, idle since `start`."""
    rig = Rig(**{"keep_alive": 10, **options})
    rig.connect(now=start % WRAP)
    assert rig.session.poll(start)
    return rig


@pytest.mark.parametrize("start", STARTS)
def test_a_ping_is_due_at_half_the_keep_alive(start: int) -> None:
    """And not a millisecond before; the clock wraps at 2**30."""
    rig = alive(start)
    assert rig.session.next_deadline(start) == 5000
    assert rig.session.poll((start + 4999) % WRAP) and rig.drain() == b""
    assert rig.session.next_deadline((start + 4999) % WRAP) == 1
    assert rig.session.poll((start + 5000) % WRAP) and rig.drain() == PING


@pytest.mark.parametrize("wrap", [1 << 30, 1 << 31, 1 << 62])
def test_clocks_that_wrap_later_do_too(wrap: int) -> None:
    start = wrap - 3000
    rig = alive(start)
    assert rig.session.poll(wrap - 1) and rig.drain() == b""
    assert rig.session.poll(2000) and rig.drain() == PING


@pytest.mark.parametrize("start", STARTS)
def test_sending_alone_does_not_put_off_a_ping(start: int) -> None:
    """A dead link that swallows what is sent is found."""
    rig = alive(start)
    for passed in range(500, 5000, 500):
        rig.publish(qos=0)
        rig.drain()
        assert rig.session.poll((start + passed) % WRAP)
        assert rig.drain() == b""
    rig.publish(qos=0)
    rig.drain()
    assert rig.session.poll((start + 5000) % WRAP) and rig.drain() == PING


@pytest.mark.parametrize("start", STARTS)
def test_receiving_alone_does_not_put_off_a_ping(start: int) -> None:
    """The broker counts what it gets [MQTT-3.1.2-23]."""
    rig = alive(start)
    for passed in range(500, 5001, 500):
        rig.feed(b"\x30\x04\x00\x01tx")
        assert rig.session.poll((start + passed) % WRAP)
    assert rig.drain() == PING


def test_traffic_both_ways_needs_no_ping() -> None:
    rig = alive(0)
    for now in range(1000, 30000, 1000):
        rig.publish(qos=0)
        rig.drain()
        rig.feed(b"\x30\x04\x00\x01tx")
        assert rig.session.poll(now) and rig.drain() == b""


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize(
    ("options", "timeout"),
    [({}, 5000), ({"keep_alive": 60}, 10000), ({"ping_timeout_ms": 1500}, 1500)],
)
def test_a_link_without_pingresp_is_dead(start: int, options: dict, timeout: int) -> None:
    """Within the ping timeout, whatever else goes on; one ping at a time."""
    rig = alive(start, **options)
    start += rig.session.next_deadline(start)
    assert rig.session.poll(start % WRAP) and rig.drain() == PING
    for passed in range(100, timeout, 700):
        rig.publish(qos=0)
        rig.drain()
        rig.feed(b"\x30\x04\x00\x01tx")
        assert rig.session.poll((start + passed) % WRAP)
        assert rig.drain() == b""
    assert rig.session.poll((start + timeout - 1) % WRAP)
    assert rig.session.next_deadline((start + timeout - 1) % WRAP) == 1
    assert not rig.session.poll((start + timeout) % WRAP)


def test_a_late_pingresp_keeps_the_link() -> None:
    """And the next ping is due half the keep alive after this one, give or take a turn."""
    rig = alive(0)
    rig.session.poll(5000)
    assert rig.drain() == PING
    assert rig.session.poll(9999) and rig.drain() == b""
    rig.feed(PONG)
    assert rig.session.poll(10000)
    first = rig.drain()
    assert rig.session.poll(14999)
    assert first + rig.drain() == PING


def test_pingresp_twice_or_unasked_is_borne() -> None:
    rig = alive(0)
    rig.feed(PONG + PONG)
    rig.session.poll(1)
    assert rig.session.poll(5000) and rig.drain() == PING
    rig.feed(PONG + PONG)
    assert rig.session.poll(5001) and rig.session.poll(9000) and rig.drain() == b""


def test_keep_alive_0_never_pings() -> None:
    rig = alive(0, keep_alive=0)
    assert rig.session.next_deadline(0) == -1
    assert rig.session.poll(1 << 29) and rig.drain() == b""


def test_a_long_write_that_moves_is_not_a_dead_link() -> None:
    """PINGREQ waits behind it, so PINGRESP cannot have come."""
    rig = alive(0, tx_size=64)
    rig.publish("t", b"x" * 5000, 0)
    for now in range(0, 40000, 1000):
        rig.take(50)
        assert rig.session.poll(now)
    assert not rig.session.poll(39000 + 5000)  # now it stands still


def test_a_write_that_stands_still_is_a_dead_link() -> None:
    rig = alive(0, tx_size=64)
    rig.publish("t", b"x" * 5000, 0)
    rig.take(50)
    rig.session.poll(1000)
    assert rig.session.poll(6000)
    assert not rig.session.poll(11000)


def test_it_is_one_too_while_a_message_waits_for_its_consumer() -> None:
    """What is not read says nothing about the link; what cannot be written does."""
    rig = alive(0, tx_size=64)
    rig.publish("t", b"x" * 5000, 0)
    rig.take(50)
    rig.session.held = True
    rig.session.poll(1000)
    assert rig.session.poll(6000)
    assert not rig.session.poll(11000)


def test_a_message_that_waits_for_its_consumer_is_no_dead_link() -> None:
    """PINGRESP may be behind it."""
    rig = alive(0)
    rig.session.held = True
    for now in range(1000, 60000, 1000):
        assert rig.session.poll(now)
        rig.drain()


def test_a_write_that_has_not_begun_is_no_move() -> None:
    """What was written whole before it says nothing new; PINGRESP is as late as it is."""
    rig = alive(0, tx_size=64)
    rig.session.poll(5000)
    assert rig.drain() == PING
    rig.publish(qos=0)
    rig.drain()
    rig.publish(qos=0)
    assert rig.session.tx_window() > 0  # offered, and not one byte was taken
    assert rig.session.poll(9000)
    assert not rig.session.poll(10000)


def test_before_connack_and_after_the_end_nothing_is_due() -> None:
    rig = Rig(keep_alive=10)
    rig.session.open()
    rig.drain()
    assert rig.session.poll(0) and rig.session.poll(100000)
    assert rig.session.next_deadline(100000) == -1 and rig.drain() == b""
    rig.feed(b"\x20\x02\x00\x00")
    rig.session.poll(100001)
    rig.session.close()
    assert rig.session.poll(300000) and rig.session.next_deadline(300000) == -1


def slow(start: int, connack_ms: int) -> Rig:
    """A link with a keep alive of 10 s: CONNECT left at `start`, CONNACK came so much later."""
    rig = Rig(keep_alive=10)
    rig.session.open()
    rig.session.poll(start % WRAP)
    rig.drain()
    for passed in range(1000, connack_ms, 1000):
        assert rig.session.poll((start + passed) % WRAP) and rig.drain() == b""
    rig.feed(b"\x20\x02\x00\x00")
    return rig


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("connack_ms", [1500, 3000, 4999])
def test_mqtt_3_1_2_24_connect_counts_however_slow_connack_is(start: int, connack_ms: int) -> None:
    """The interval runs between Control Packets sent: the first PINGREQ is due after CONNECT."""
    rig = slow(start, connack_ms)
    now = (start + connack_ms) % WRAP
    assert rig.session.poll(now) and rig.drain() == b""
    assert rig.session.next_deadline(now) <= 5000 - connack_ms
    assert rig.session.poll((start + 5000) % WRAP) and rig.drain() == PING


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("connack_ms", [5000, 8000, 20000])
def test_mqtt_3_1_2_24_pingreq_follows_a_late_connack_at_once(start: int, connack_ms: int) -> None:
    rig = slow(start, connack_ms)
    assert rig.session.next_deadline((start + connack_ms) % WRAP) == 0
    assert rig.session.poll((start + connack_ms) % WRAP) and rig.drain() == PING


def test_what_the_last_connection_sent_does_not_count() -> None:
    """A link that comes back after an hour owes no PINGREQ at once."""
    rig = alive(0)
    rig.publish(qos=0)
    rig.drain()
    rig.session.close()
    rig.session.poll(3600000)
    rig.reconnect(now=3600010)
    assert rig.session.poll(3600020) and rig.drain() == b""
    assert rig.session.next_deadline(3600020) == 4990


def test_a_new_connection_begins_without_the_old_ones_ping() -> None:
    rig = alive(0)
    rig.session.poll(5000)
    assert rig.drain() == PING
    rig.reconnect(now=50000)
    assert rig.session.poll(50000) and rig.drain() == b""
    assert rig.session.poll(54999) and rig.drain() == b""
    assert rig.session.poll(55000) and rig.drain() == PING
