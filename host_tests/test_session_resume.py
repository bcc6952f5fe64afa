"""Lost connections: what is sent again, with which id and flag, in which order; what is not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strict import Flow, Parser
from unit_rig import CONNACK, RESUMED, Rig, ack, publish, suback

PUBACK, PUBREC, PUBREL, PUBCOMP = 0x40, 0x50, 0x62, 0x70


def test_resumed_the_unacknowledged_go_again_with_dup_in_their_order() -> None:
    rig = Rig()
    rig.connect()
    ids = [rig.publish("t", b"%d" % n, 1 + n % 2, n == 2) for n in range(6)]
    rig.drain()
    rig.feed(ack(PUBACK, ids[2]))
    for _ in range(3):
        out = rig.reconnect(RESUMED)
        wanted = [(0, 1, 1), (1, 2, 2), (3, 2, 4), (4, 1, 5), (5, 2, 6)]
        packets = [publish(b"t", b"%d" % n, qos, i, False, True) for n, qos, i in wanted]
        assert out == b"".join(packets)


def test_resumed_pubrel_goes_again_in_the_order_of_the_pubrecs() -> None:
    rig = Rig()
    rig.connect()
    for _ in range(4):
        rig.publish(qos=2)
    rig.drain()
    rig.exchange(ack(PUBREC, 3) + ack(PUBREC, 1) + ack(PUBREC, 4))
    rig.exchange(ack(PUBCOMP, 1))
    out = rig.reconnect(RESUMED)
    assert out == ack(PUBREL, 3) + ack(PUBREL, 4) + publish(b"t", b"x", 2, 2, False, True)
    rig.exchange(ack(PUBCOMP, 4))
    assert rig.reconnect(RESUMED).startswith(ack(PUBREL, 3) + b"\x3c")
    assert rig.pending(1, 2, 3, 4) == [2, 3]


def test_session_lost_the_unacknowledged_go_once_more_as_new() -> None:
    """And what had its PUBREC counts as done."""
    rig = Rig()
    rig.connect()
    for n in range(4):
        rig.publish("t", b"%d" % n, 1 + n % 2)
    rig.drain()
    rig.exchange(ack(PUBREC, 2))
    out = rig.reconnect(CONNACK)
    packets = [publish(b"t", b"%d" % n, 1 + n % 2, n + 1) for n in (0, 2, 3)]
    assert out == b"".join(packets)
    assert rig.pending(1, 2, 3, 4) == [1, 3, 4]
    assert rig.exchange(ack(PUBCOMP, 2)) == b""


def test_dup_is_cleared_when_the_session_is_lost_after_a_resume() -> None:
    rig = Rig()
    rig.connect()
    rig.publish(qos=1)
    rig.drain()
    assert rig.reconnect(RESUMED) == publish(b"t", b"x", 1, 1, False, True)
    assert rig.reconnect(CONNACK) == publish(b"t", b"x", 1, 1)
    assert rig.reconnect(RESUMED) == publish(b"t", b"x", 1, 1, False, True)


def test_what_was_never_sent_has_no_dup() -> None:
    rig = Rig(window=1)
    rig.connect()
    rig.publish("t", b"1")
    rig.publish("t", b"2")
    rig.drain()
    rig.reconnect(RESUMED)
    assert rig.exchange(ack(PUBACK, 1)) == publish(b"t", b"2", 1, 2)


def test_what_was_half_written_goes_again_with_dup() -> None:
    rig = Rig()
    rig.connect()
    rig.publish("t", b"1")
    rig.publish("t", b"2")
    rig.take(1)
    out = rig.reconnect(RESUMED)
    assert out == publish(b"t", b"1", 1, 1, False, True) + publish(b"t", b"2", 1, 2)


def test_qos_0_is_not_sent_again() -> None:
    """Neither when it was written, nor when it was half written."""
    rig = Rig()
    rig.connect()
    rig.publish("t", b"1", 0)
    rig.drain()
    rig.publish("t", b"2", 0)
    rig.take(3)
    assert rig.reconnect(RESUMED) == b""
    assert rig.session.outbox.queued_once == 0


def test_qos_0_that_was_not_begun_goes_out() -> None:
    rig = Rig()
    rig.connect()
    rig.publish("t", b"1", 0)
    assert rig.reconnect(RESUMED) == publish(b"t", b"1")


def test_nothing_is_sent_again_within_a_connection() -> None:
    rig = Rig(keep_alive=10)
    rig.connect()
    rig.publish(qos=1)
    rig.publish(qos=2)
    rig.drain()
    rig.exchange(ack(PUBREC, 2))
    for now in range(0, 5000, 500):
        assert rig.session.poll(now)
        rig.session.fed = rig.session.wrote = 1
        assert rig.drain() == b""


@pytest.mark.parametrize("connack", [CONNACK, RESUMED])
def test_messages_put_in_while_offline_follow_the_older_ones(connack: bytes) -> None:
    rig = Rig()
    rig.publish("t", b"0")
    assert rig.connect() == publish(b"t", b"0", 1, 1)
    rig.session.close()
    rig.publish("t", b"1")
    again = publish(b"t", b"0", 1, 1, False, connack == RESUMED)
    assert rig.connect(connack) == again + publish(b"t", b"1", 1, 2)


def test_an_attempt_that_fails_before_connack_changes_nothing() -> None:
    rig = Rig()
    rig.connect()
    rig.publish("t", b"1")
    rig.publish("t", b"2", 2)
    rig.drain()
    rig.exchange(ack(PUBREC, 2))
    for cut in range(4):
        rig.session.close()
        rig.session.open()
        rig.take(1 + cut * 4)
        rig.session.close()
    assert rig.connect(RESUMED) == ack(PUBREL, 2) + publish(b"t", b"1", 1, 1, False, True)


def test_acks_owed_are_forgotten_with_the_connection() -> None:
    """The broker sends again what it did not see acknowledged."""
    rig = Rig()
    rig.connect()
    rig.feed(publish(b"t", b"x", 1, 7) + publish(b"t", b"x", 2, 8) + ack(PUBREL, 9))
    assert rig.reconnect(RESUMED) == b""


def test_a_half_written_ack_is_not_finished_on_the_next_connection() -> None:
    rig = Rig()
    rig.connect()
    rig.feed(publish(b"t", b"x", 1, 7))
    rig.take(2)
    assert rig.reconnect(RESUMED) == b""


def test_a_packet_half_received_is_forgotten_with_the_connection() -> None:
    data = publish(b"t", b"0123456789" * 4, 1, 7)
    for rx_size in (16, 100):
        for cut in range(1, len(data)):
            rig = Rig(rx_size=rx_size, read_size=8)
            rig.connect()
            rig.feed(data[:cut])
            rig.reconnect(RESUMED)
            assert rig.exchange(publish(b"t", b"new", 2, 3)) == ack(PUBREC, 3)
            assert [message[1] for message in rig.messages] == [b"new"]


def test_qos_2_is_delivered_once_over_reconnects_until_pubrel() -> None:
    rig = Rig()
    rig.connect()
    rig.exchange(publish(b"t", b"x", 2, 5))
    for _ in range(3):
        rig.reconnect(RESUMED)
        again = publish(b"t", b"x", 2, 5, False, True)
        assert rig.exchange(again) == ack(PUBREC, 5)
    assert len(rig.messages) == 1
    assert rig.exchange(ack(PUBREL, 5)) == ack(PUBCOMP, 5)
    assert rig.exchange(ack(PUBREL, 5)) == ack(PUBCOMP, 5)
    rig.exchange(publish(b"t", b"y", 2, 5))
    assert len(rig.messages) == 2


def test_qos_2_ids_received_are_forgotten_with_the_session() -> None:
    rig = Rig()
    rig.connect()
    rig.exchange(publish(b"t", b"x", 2, 5))
    rig.reconnect(CONNACK)
    assert rig.exchange(publish(b"t", b"y", 2, 5)) == ack(PUBREC, 5)
    assert len(rig.messages) == 2


KINDS = st.sampled_from(["pub", "pub", "ack", "ack", "write", "part", "lose", "lost", "sub"])


def answers(packet: dict) -> bytes:
    """What a broker answers."""
    packet_id = packet.get("packet_id", 0)
    if packet["type"] == "PUBLISH" and packet["qos"]:
        return ack(PUBACK if packet["qos"] == 1 else PUBREC, packet_id)
    if packet["type"] == "PUBREL":
        return ack(PUBCOMP, packet_id)
    if packet["type"] == "SUBSCRIBE":
        return suback(packet_id, *[qos for _, qos in packet["filters"]])
    return b""


NAMES = {0x20: "CONNACK", 0x40: "PUBACK", 0x50: "PUBREC", 0x70: "PUBCOMP", 0x90: "SUBACK"}


class History:
    """A rig, a strict reader of all it writes, and answers that wait to be given."""

    def __init__(self, window: int) -> None:
        self.rig = Rig(window=window, tx_size=400)
        self.flow = Flow()
        self.got: dict[int, list[bytes]] = {1: [], 2: []}
        self.put: dict[int, list[bytes]] = {1: [], 2: []}
        self.connection(False)

    def connection(self, resumed: bool) -> None:
        """Lose the connection, and make another."""
        self.answers: list[bytes] = []
        self.parser = Parser()
        self.rig.session.close()
        self.rig.session.open()
        self.write(self.rig.drain())
        self.answer(RESUMED if resumed else CONNACK)

    def write(self, data: bytes) -> None:
        """The broker reads."""
        for packet in self.parser.feed(data):
            self.flow.received(packet)
            if packet["type"] == "PUBLISH" and packet["qos"]:
                self.got[packet["qos"]].append(packet["payload"])
            reply = answers(packet)
            if reply:
                self.answers.append(reply)

    def answer(self, data: bytes) -> None:
        """The broker writes."""
        fields = {"packet_id": data[2] << 8 | data[3], "session_present": data[2]}
        self.flow.sent(NAMES[data[0]], fields)
        self.rig.feed(data)

    def step(self, kind: str, n: int) -> None:
        """One step of a history."""
        if kind == "pub":
            payload = b"%d" % sum(map(len, self.put.values()))
            if self.rig.publish("t", payload, 1 + n % 2) > 0:
                self.put[1 + n % 2].append(payload)
        elif kind == "ack" and self.answers:
            self.answer(self.answers.pop(n % len(self.answers)))
        elif kind == "write":
            self.write(self.rig.drain(1 + n))
        elif kind == "part":
            self.write(self.rig.take(1 + n))
        elif kind in ("lose", "lost") and n < 6:
            self.connection(kind == "lose")
        elif kind == "sub":
            self.rig.subscribe("f%d" % (n % 3), n % 3)


@settings(max_examples=300, deadline=None, print_blob=True)
@given(st.integers(1, 5), st.lists(st.tuples(KINDS, st.integers(0, 20)), max_size=60))
def test_random_histories_keep_the_rules_and_lose_nothing(
    window: int, steps: list[tuple[str, int]]
) -> None:
    """I1, I3, I7, I8 of a session that may be cut, resumed and lost at any byte."""
    history = History(window)
    for kind, n in steps:
        history.step(kind, n)
    history.connection(True)
    for _ in range(200):
        history.write(history.rig.drain())
        while history.answers:
            history.answer(history.answers.pop(0))
    assert not history.rig.pending(*range(1, 200))
    for qos in (1, 2):
        first_seen = list(dict.fromkeys(history.got[qos]))
        assert first_seen == history.put[qos]


def test_resumed_subscriptions_are_not_made_again() -> None:
    rig = Rig()
    rig.connect()
    rig.subscribe("a", 1)
    rig.drain()
    rig.feed(suback(1, 1))
    assert rig.reconnect(RESUMED) == b""
    assert rig.reconnect(CONNACK) == b"\x82\x06\x00\x02\x00\x01a\x01"


def test_without_memory_for_pubrel_the_message_goes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was accepted is in one place or the other at any instant."""
    rig = Rig()
    rig.connect()
    rig.publish("t", b"x", 2)
    first = rig.drain()

    def full(_: int) -> None:
        raise MemoryError

    monkeypatch.setattr(rig.session.released, "add", full)
    with pytest.raises(MemoryError):
        rig.feed(ack(0x50, 1))
    monkeypatch.undo()
    assert rig.reconnect(RESUMED) == bytes((first[0] | 8,)) + first[1:]
    assert rig.exchange(ack(0x50, 1)) == ack(0x62, 1)
    rig.feed(ack(0x70, 1))
    assert not rig.session.pending(1)


def test_after_an_interrupt_at_pubrec_only_pubrel_goes_again() -> None:
    rig = Rig()
    rig.connect()
    rig.publish("t", b"x", 2)
    rig.drain()
    rig.session.released.add(1)  # … and before the record was freed
    assert rig.reconnect(RESUMED) == ack(0x62, 1)
    rig.feed(ack(0x70, 1))
    assert rig.session.outbox.head == rig.session.outbox.tail
