"""The table of subscriptions: what the broker is told, what its answers mean, over reconnects."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strict import Parser
from umqtt_full.errors import ProtocolError, ReasonError
from unit_rig import CONNACK, RESUMED, Rig, ack, publish, suback


def online() -> Rig:
    rig = Rig()
    rig.connect()
    return rig


def names(rig: Rig) -> list[bytes]:
    """The filters in the table."""
    return [one.filter for one in rig.session.subscriptions.all]


def remove(rig: Rig, name: str) -> None:
    rig.session.subscriptions.remove(name)


def test_each_filter_gets_its_own_answer() -> None:
    rig = online()
    some = [rig.subscribe(name, 2) for name in ("a", "b", "c")]
    for one in some:
        one.awaited = True
    rig.drain()
    rig.feed(suback(1, 2, 0x80, 0))
    assert [one.granted for one in some] == [2, 0x80, 0] and rig.errors == []


def test_a_refusal_that_nobody_waits_for_is_reported() -> None:
    rig = online()
    rig.subscribe("b", 2)
    rig.drain()
    rig.feed(suback(1, 0x80))
    assert [type(error) for error in rig.errors] == [ReasonError]
    assert rig.errors[0].reason_code == 0x80


def test_a_refused_filter_is_tried_again_when_the_session_is_lost() -> None:
    rig = online()
    rig.subscribe("b", 2)
    rig.drain()
    rig.feed(suback(1, 0x80))
    assert rig.reconnect(RESUMED) == b""
    assert rig.reconnect(CONNACK)[:1] == b"\x82"


def test_the_answer_that_counts_is_that_of_the_last_subscribe() -> None:
    """Subscribed anew with another QoS before the first answer came."""
    rig = online()
    rig.subscribe("a", 0)
    rig.drain()
    one = rig.subscribe("a", 2)
    rig.drain()
    rig.feed(suback(1, 0))
    assert one.granted is None
    rig.feed(suback(2, 2))
    assert one.granted == 2


def test_unsubscribing_takes_the_filter_and_its_handler_away() -> None:
    rig = online()
    got: list[str] = []
    rig.subscribe("a", 0, lambda message: got.append("a"))
    rig.drain()
    rig.feed(suback(1, 0))
    remove(rig, "a")
    rig.exchange(publish(b"a", b"x"))
    assert got == [] and len(rig.messages) == 1  # at once, for the handler
    assert names(rig) == [b"a"]
    rig.feed(ack(0xB0, 2))
    assert names(rig) == [] and not rig.pending(1, 2)


@pytest.mark.parametrize("how", ["unsubscribed", "replaced"])
def test_a_handler_that_goes_takes_its_gate_with_it(how: str) -> None:
    """Another's gate stays; a queue that is full for ever would hold all that comes."""
    rig = online()
    table = rig.session.subscriptions
    got: list[str] = []
    for name in ("a", "b"):
        rig.subscribe(name, 0, lambda message: got.append("old")).gate = lambda: False
        table.gates += 1
    if how == "unsubscribed":
        remove(rig, "a")
        rig.subscribe("a", 0)
    else:
        rig.subscribe("a", 0, lambda message: got.append("new"))
    rig.exchange(publish(b"a", b"x"))
    assert got == ["new"] * (how == "replaced")
    assert len(rig.messages) == (how == "unsubscribed") and table.gates == 1
    assert [one.gate is not None for one in table.all] == [False, True]


def test_unsubscribing_again_before_the_answer_is_borne() -> None:
    rig = online()
    for _ in range(3):
        remove(rig, "a")
        rig.drain()
    for packet_id in (1, 2, 3):
        rig.feed(ack(0xB0, packet_id))
    assert names(rig) == [] and not rig.pending(1, 2, 3)


@pytest.mark.parametrize("connack", [CONNACK, RESUMED])
def test_an_unsubscribe_is_not_lost_with_the_connection(connack: bytes) -> None:
    """Asked again if the broker may still have the filter."""
    rig = online()
    rig.subscribe("a")
    rig.drain()
    rig.feed(suback(1, 0))
    remove(rig, "a")
    rig.drain()
    out = rig.reconnect(connack)
    if connack == RESUMED:
        assert out == b"\xa2\x05\x00\x03\x00\x01a"
        rig.feed(ack(0xB0, 3))
    else:
        assert out == b""
    assert names(rig) == []


@pytest.mark.parametrize("connack", [CONNACK, RESUMED])
def test_a_subscribe_without_an_answer_is_asked_again(connack: bytes) -> None:
    rig = online()
    one = rig.subscribe("a", 1)
    rig.drain()
    assert rig.reconnect(connack) == b"\x82\x06\x00\x02\x00\x01a\x01"
    rig.feed(suback(1, 0))  # the answer to the lost one
    assert one.granted is None
    rig.feed(suback(2, 1))
    assert one.granted == 1 and not rig.pending(1, 2)


def test_all_are_made_again_when_the_session_is_lost() -> None:
    rig = online()
    for name in ("a", "b", "c"):
        rig.subscribe(name, 1)
    rig.drain()
    rig.feed(suback(1, 1, 1, 1))
    remove(rig, "b")
    rig.drain()
    assert rig.reconnect(CONNACK) == b"\x82\x0a\x00\x03\x00\x01a\x01\x00\x01c\x01"


def test_many_filters_go_in_packets_whose_answers_fit() -> None:
    rig = Rig(rx_size=16)
    rig.connect()
    for n in range(40):
        rig.subscribe("filter/%d" % n, n % 3)
    parser = Parser()
    parser.feed(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01c")
    packets = parser.feed(rig.drain())
    assert all(4 + len(packet["filters"]) <= 16 for packet in packets)
    for packet in packets:
        rig.feed(suback(packet["packet_id"], *[qos for _, qos in packet["filters"]]))
    granted = [one.granted for one in rig.session.subscriptions.all]
    assert granted == [n % 3 for n in range(40)]


@pytest.mark.parametrize("codes", [(), (0,), (0, 0, 0)])
def test_an_answer_of_the_wrong_length_is_a_protocol_error(codes: tuple[int, ...]) -> None:
    rig = online()
    rig.subscribe("a")
    rig.subscribe("b")
    rig.drain()
    with pytest.raises(ProtocolError):
        rig.feed(suback(1, *codes))


@pytest.mark.parametrize("code", [3, 0x7F, 0x81, 0xFF])
@pytest.mark.parametrize("packet_id", [1, 77])
def test_mqtt_3_9_3_2_a_reserved_return_code_is_refused(packet_id: int, code: int) -> None:
    """Also in an answer to what was not asked; without one such an answer is ignored."""
    rig = online()
    rig.subscribe("a")
    rig.drain()
    rig.feed(suback(77, 0, 1, 2, 0x80))
    with pytest.raises(ProtocolError):
        rig.feed(suback(packet_id, code))


def test_a_shared_filter_matches_and_never_breaks_the_loop() -> None:
    rig = online()
    got: list[str] = []
    for name in ("$share/g/a/+", "$share/+/", "$share/g", "$share/#", "$share/g/"):
        try:
            rig.subscribe(name, 0, lambda message: got.append(message.topic))
        except ValueError:
            continue
    rig.drain()
    rig.exchange(publish(b"a/b", b"x") + publish(b"$x", b"y") + publish(b"/", b"z"))
    assert got == ["a/b"]


STEP = st.tuples(st.sampled_from("sssruuuuaacl"), st.integers(0, 8))


@settings(max_examples=400, deadline=None, print_blob=True)
@given(st.lists(STEP, min_size=3, max_size=60))
def test_in_the_end_the_broker_has_what_the_table_says(steps: list[tuple[str, int]]) -> None:
    """Subscribed, unsubscribed, answered late, cut off, resumed and lost in any order."""
    rig = online()
    broker = Broker()
    for kind, n in steps:
        name = "f%d" % (n % 3)
        if kind == "s":
            rig.subscribe(name, n // 3 % 3)
        elif kind == "r":
            remove(rig, name)
        elif kind in "ua":
            broker.read(rig)
            broker.answer(rig, 1 if kind == "a" else 0)
        else:
            broker.reconnect(rig, kind == "c")
    for _ in range(8):
        broker.read(rig)
        broker.answer(rig, 99)
    table = rig.session.subscriptions.all
    assert all(one.wanted and one.granted == one.options for one in table)
    assert {str(one.filter, "utf-8"): one.options for one in table} == broker.filters
    assert not rig.pending(*range(1, 200))


class Broker:
    """The filters of one session at the broker."""

    def __init__(self) -> None:
        self.filters: dict[str, int] = {}
        self.answers: list[bytes] = []
        self.begin()

    def begin(self) -> None:
        self.parser = Parser()
        self.parser.feed(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01c")

    def read(self, rig: Rig) -> None:
        for packet in self.parser.feed(rig.drain()):
            if packet["type"] == "SUBSCRIBE":
                self.filters.update(packet["filters"])
                codes = [qos for _, qos in packet["filters"]]
                self.answers.append(suback(packet["packet_id"], *codes))
            else:
                for name in packet["filters"]:
                    self.filters.pop(name, None)
                self.answers.append(ack(0xB0, packet["packet_id"]))

    def answer(self, rig: Rig, most: int) -> None:
        for data in self.answers[:most]:
            rig.feed(data)
        del self.answers[:most]

    def reconnect(self, rig: Rig, resumed: bool) -> None:
        self.answers = []
        self.begin()
        if not resumed:
            self.filters = {}
        rig.session.close()
        rig.session.open()
        rig.drain()
        rig.feed(RESUMED if resumed else CONNACK)
