"""MQTT 3.1.1, chapters 4 to 7: state, QoS, order, topics, errors, WebSocket, transport."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conformance_kit import HOST, broker, scenarios
from conformance_ws import BINARY, CLOSE, CONNACK, TEXT, Peer
from umqtt_full import Client, Message, ProtocolError, Store
from umqtt_full.topic import encode_filter, encode_topic, matches
from unit_rig import RESUMED, Rig, ack, publish

from tools.broker import Broker

BAD = "bad_arguments/"
MALFORMED = "malformed/malformed_publish_closes."


def test_mqtt_4_1_0_1_both_ends_keep_the_session() -> None:
    scenarios(
        *("resume/publish_is_sent_again_with_dup_and_the_same_id", "resume/pubrel_is_sent_again"),
        *("resume/qos_2_received_is_deduplicated_*", "reconnect/subscribed_again_only_when_*"),
        "reconnect/offline_messages_are_kept_in_order",
    )


def test_mqtt_4_1_0_2_no_state_is_dropped_while_connected() -> None:
    scenarios("receive/hundred_inbound_qos_2_ids_are_kept_apart")
    rig = Rig(window=200)
    rig.connect()
    ids = [rig.publish("t", b"", 2) for _ in range(60)]
    assert rig.drain()
    for packet_id in range(1, 3001):
        rig.exchange(publish(b"t", b"", 2, packet_id))
    for packet_id in (1, 2, 1500, 3000):
        rig.exchange(publish(b"t", b"", 2, packet_id, dup=True))
    assert len(rig.messages) == 3000
    assert rig.pending(*ids) == ids


def test_mqtt_4_3_1_1_a_qos_0_publish_has_qos_0_and_no_dup() -> None:
    scenarios("publish/publish_bytes", "publish/qos_0_returns_when_written")


def test_mqtt_4_3_2_1_qos_1_is_unacknowledged_until_its_puback() -> None:
    scenarios(
        *("publish/qos_1_returns_at_puback", "acks/ack_for_an_unknown_id_completes_nothing"),
        *("acks/ack_of_the_wrong_type_does_not_complete_qos_1", "acks/late_puback_does_not_*"),
        "acks/pubrec_for_qos_1_does_not_complete_it",
    )


def test_mqtt_4_3_2_2_qos_1_is_acknowledged_and_then_its_id_is_new() -> None:
    scenarios(
        *("receive/qos_1_id_again_is_a_new_message", "conformance/handler_has_run_before_*.1"),
        "receive/qos_1_is_acknowledged_with_its_id",
    )


def test_mqtt_4_3_3_1_qos_2_goes_publish_pubrel_and_never_back() -> None:
    scenarios(
        *("publish/qos_2_returns_at_pubcomp", "resume/pubrel_is_sent_again"),
        *("reconnect/qos_2_is_delivered_once_whatever_the_cut", "acks/pubrec_twice_gets_*"),
        *("acks/ack_of_the_wrong_type_does_not_complete_qos_2", "acks/unknown_pubrec_gets_*"),
        "acks/ack_of_the_wrong_type_does_not_complete_pubrel",
    )


def test_mqtt_4_3_3_2_qos_2_is_handled_once_and_then_its_id_is_new() -> None:
    scenarios(
        *("receive/qos_2_again_before_pubrel_is_delivered_once", "receive/pubrel_again_or_*"),
        *("receive/qos_2_id_after_pubcomp_is_a_new_message", "resume/qos_2_received_is_d*"),
        "conformance/handler_has_run_before_the_ack.2",
    )


def test_mqtt_4_4_0_1_a_resumed_session_sends_what_is_unacknowledged_once() -> None:
    scenarios(
        *("resume/publish_is_sent_again_with_dup_and_the_same_id", "resume/pubrel_is_sent_again"),
        *("resume/sent_again_in_the_first_order", "resume/nothing_is_sent_again_on_a_live_link"),
        "resume/acknowledged_is_not_sent_again",
    )


def test_mqtt_4_5_0_2_every_message_is_acknowledged() -> None:
    scenarios(
        *("handlers/unmatched_message_is_acknowledged", "handlers/handler_that_raises_*"),
        "oversize/oversize_is_drained_counted_and_acknowledged",
    )


def test_mqtt_4_6_0_1_messages_are_sent_again_in_their_order() -> None:
    scenarios("resume/sent_again_in_the_first_order", "resume/lost_session_keeps_order")


def test_mqtt_4_6_0_2_pubacks_are_in_the_order_of_messages() -> None:
    scenarios("receive/pubacks_follow_the_order_of_messages")


def test_mqtt_4_6_0_3_pubrecs_are_in_the_order_of_messages() -> None:
    scenarios("receive/pubrecs_follow_the_order_of_messages")


def test_mqtt_4_6_0_4_pubrels_are_in_the_order_of_pubrecs() -> None:
    scenarios("acks/pubrels_follow_the_order_of_pubrecs", "resume/pubrels_are_sent_again_in_order")


def test_mqtt_4_6_0_6_messages_are_handled_in_the_order_they_come() -> None:
    scenarios(
        *("receive/pubacks_follow_the_order_of_messages", "receive/pubrecs_follow_the_order_*"),
        "conformance/messages_keep_their_order_across_qos",
    )


def refuses(check: Callable[[str], bytes], *values: str) -> None:
    """Each of the values is a ValueError."""
    for value in values:
        with pytest.raises(ValueError):
            check(value)


def test_mqtt_4_7_1_1_wildcards_stand_in_filters_only() -> None:
    scenarios(
        *(BAD + "bad_topic.plus", BAD + "bad_topic.hash*", BAD + "bad_client.will_topic_wildcard"),
        "conformance/wildcards_where_they_may_stand",
    )
    refuses(encode_topic, "+", "#", "a/+/b", "a/#", "a+", "a#")


def test_mqtt_4_7_1_2_the_number_sign_is_a_level_and_the_last() -> None:
    scenarios(
        *(BAD + "bad_filter.hash_*", BAD + "bad_filter.plus_hash"),
        "conformance/wildcards_where_they_may_stand.*hash",
    )
    refuses(encode_filter, "a#", "a/#/b", "#/a", "##", "a/b#", "#/#", "+#", "a/#b")


def test_mqtt_4_7_1_3_the_plus_sign_is_a_level() -> None:
    scenarios(BAD + "bad_filter.plus_*", "conformance/wildcards_where_they_may_stand.*plus*")
    refuses(encode_filter, "a+", "+a", "a/b+/c", "a/+b", "++", "+/a+")


def test_mqtt_4_7_2_1_wildcards_do_not_match_a_leading_dollar() -> None:
    scenarios(
        *("handlers/filter_does_not_match_topic.*_dollar", "handlers/filter_matches_topic.dollar*")
    )
    for topic_filter, topic, wanted in (
        *((b"#", b"$SYS", False), (b"+", b"$SYS", False), (b"+/a", b"$SYS/a", False)),
        *((b"+/#", b"$SYS/a", False), (b"$SYS/#", b"$SYS/a", True), (b"$SYS/+", b"$SYS/a", True)),
        *((b"a/#", b"a/$b", True), (b"a/+", b"a/$b", True), (b"#", b"a/$b", True)),
    ):
        assert matches(topic_filter, topic, 0, len(topic)) == wanted, (topic_filter, topic)


def test_mqtt_4_7_3_1_topics_and_filters_are_not_empty() -> None:
    scenarios(
        *(BAD + "bad_topic.empty", BAD + "bad_filter.empty", BAD + "bad_client.will_without_*"),
        MALFORMED + "topic_empty*",
    )


def test_mqtt_4_7_3_2_topics_and_filters_have_no_null_character() -> None:
    scenarios(
        *(BAD + "bad_topic.nul*", BAD + "bad_filter.nul", BAD + "bad_client.will_topic_nul"),
        MALFORMED + "topic_nul*",
    )


def test_mqtt_4_7_3_3_topics_and_filters_have_65535_bytes_at_most() -> None:
    scenarios(
        *(BAD + "bad_topic.too_long*", BAD + "bad_filter.too_long", "publish/longest_topic"),
        "conformance/longest_filter",
    )
    refuses(encode_filter, "\xfc" * 32768)
    refuses(encode_topic, "\xfc" * 32768)


def test_mqtt_4_7_3_4_nothing_is_normalised() -> None:
    scenarios("handlers/filter_does_not_match_topic", "handlers/filter_matches_topic")
    for one, other in (("a//b", "a/b"), ("a/", "a"), ("A", "a"), ("\xe9", "e\u0301"),
                       ("/a", "a"), ("a b", "a  b"), (" a", "a")):  # fmt: skip
        left, right = one.encode(), other.encode()
        assert matches(left, left, 0, len(left)) and matches(right, right, 0, len(right))
        assert not matches(left, right, 0, len(right))
        assert not matches(right, left, 0, len(left))


def test_mqtt_4_8_0_1_a_violation_closes_its_connection() -> None:
    scenarios(
        *(MALFORMED + "qos_*", MALFORMED + "id_*", "malformed/packet_type_that_no_broker_*"),
        *("malformed/malformed_ack_closes", "malformed/malformed_byte_by_byte_closes"),
        *("malformed/ack_with_a_huge_length_closes", "acks/acks_with_id_0_close"),
        *("connack/connack_malformed_closes", "connack/second_connack_closes"),
        *("subscribe/suback_violation_closes", "malformed/malformed_while_publish_waits_*"),
    )
    with broker(
        *(("greet",), ("expect", "PUBLISH", {"topic": "go"}), ("send_hex", "f0 00")),
        ("expect_eof", 1000),
    ) as peer:  # it sees the end while the client still exists and nobody touches it
        client = Client("dev", HOST, peer.port, timeout_ms=4000)
        client.connect()
        client.publish("go", b"")
        with pytest.raises(ProtocolError):
            turn(client, lambda: False)
    assert not client.connected


class Failing(Store):
    """A store on a flash that fails `fails` times."""

    fails = 1

    def receive(self, packet_id: int) -> None:
        """Fail, or go on."""
        if self.fails:
            self.fails -= 1
            raise OSError(28, "by the test")
        super().receive(packet_id)


def out_of_memory_once(client: Client) -> None:
    """Have the client run out of memory in the middle of the next message."""
    table = client.session.subscriptions
    deliver = table.deliver

    def failing(m: Message, long: bool) -> bool:
        table.deliver = deliver  # type: ignore[method-assign]
        raise MemoryError("by the test")

    table.deliver = failing  # type: ignore[method-assign]


@pytest.mark.parametrize("fault", ["flash", "memory"])
def test_mqtt_4_8_0_2_an_error_of_ours_closes_without_an_ack(fault: str, tmp_path: Path) -> None:
    message = {"topic": "a", "qos": 2, "packet_id": 7}
    with broker(
        *(("greet",), ("expect", "PUBLISH", {"topic": "go"}), ("send", "PUBLISH", message)),
        ("expect_eof", 2500),
        *(("greet", {"session_present": 1}), ("send", "PUBLISH", {**message, "dup": 1})),
        *(("expect", "PUBREC", {"packet_id": 7}), ("send", "PUBREL", {"packet_id": 7})),
        ("expect", "PUBCOMP", {"packet_id": 7}),
    ) as peer:
        store = Failing(str(tmp_path)) if fault == "flash" else None
        client = Client("dev", HOST, peer.port, timeout_ms=4000, store=store)
        if store is None:
            out_of_memory_once(client)
        seen: list[str] = []
        client.on_message = lambda m: seen.append(m.topic)
        client.connect()
        client.publish("go", b"")
        with pytest.raises((OSError, MemoryError), match="by the test"):
            turn(client, lambda: False)
        assert not seen and not client.connected
        client.connect()
        turn(client, lambda: bool(seen))
        turn(client, lambda: 7 not in client.session.received)
        client.disconnect()
    assert seen == ["a"]


def turn(client: Client, done: Callable[[], bool]) -> None:
    """Poll until it is done, for two seconds at most."""
    for _ in range(100):
        if done():
            return
        client.poll(20)


# -------------------------------------------------------------------- WebSocket


def over_websocket(play: Callable[[Peer], None], **options: Any) -> tuple[Peer, Client]:
    """A client, not connected yet, and its peer."""
    peer = Peer(play, **options)
    return peer, Client("c", HOST, peer.port, websocket="/mqtt", timeout_ms=4000)


def ended(peer: Peer) -> None:
    """The peer's script came true."""
    peer.join(8)
    assert not peer.is_alive() and peer.error is None, peer.error


def greet(peer: Peer) -> None:
    assert peer.packets(15) == b"\x10\x0d\0\4MQTT\4\0\0\x3c\0\1c"
    peer.send(BINARY, CONNACK)


@pytest.mark.parametrize("opcode", [TEXT, 3, 11])
def test_mqtt_6_0_0_1_websocket_frames_are_binary(opcode: int) -> None:
    def play(peer: Peer) -> None:
        greet(peer)
        assert peer.packets(6) == b"\x30\4\0\1ax"
        peer.send(opcode, b"\x30\4\0\1ax")
        assert set(peer.expect_end()) <= {CLOSE}

    peer, client = over_websocket(play)
    seen: list[str] = []
    client.on_message = lambda m: seen.append(m.topic)
    client.connect()
    client.publish("a", b"x")
    with pytest.raises(ProtocolError, match="WebSocket"):
        turn(client, lambda: False)
    assert not client.connected and not seen
    ended(peer)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 20, 125])
def test_mqtt_6_0_0_2_packets_and_websocket_frames_are_apart(size: int) -> None:
    data = CONNACK + publish(b"a", b"1") + publish(b"a", b"2" * 30) + publish(b"a", b"3")

    def play(peer: Peer) -> None:
        assert peer.packets(15)
        for at in range(0, len(data), size):
            peer.send(BINARY, data[at : at + size])
        peer.send(BINARY, publish(b"a", b"4")[:4], final=False)
        peer.send(0, publish(b"a", b"4")[4:])
        assert peer.packets(2) == b"\xe0\0"
        peer.expect_end()

    peer, client = over_websocket(play)
    seen: list[bytes] = []
    client.on_message = lambda m: seen.append(bytes(m.payload))
    client.connect()
    turn(client, lambda: len(seen) == 4)
    client.disconnect()
    assert seen == [b"1", b"2" * 30, b"3", b"4"]
    ended(peer)


def test_mqtt_6_0_0_3_websocket_offers_the_subprotocol_mqtt() -> None:
    peer, client = over_websocket(greet)
    client.connect()
    client.disconnect()
    ended(peer)
    offered = peer.request[b"sec-websocket-protocol"].split(b",")
    assert b"mqtt" in [word.strip() for word in offered]


def test_mqtt_6_0_0_4_websocket_demands_the_subprotocol_mqtt() -> None:
    for subprotocol in (None, b"mqttv3.1", b"chat"):

        def play(peer: Peer) -> None:
            assert BINARY not in peer.expect_end()

        peer, client = over_websocket(play, subprotocol=subprotocol)
        with pytest.raises(ProtocolError, match="protocol"):
            client.connect()
        ended(peer)


# -------------------------------------------------------------------- 7


def test_mqtt_7_0_0_2_a_broker_needs_no_extension() -> None:
    with Broker() as real:
        client = Client("conformance", real.host, real.port, clean_session=True)
        seen: list[tuple[str, bytes, int]] = []
        client.on_message = lambda m: seen.append((m.topic, bytes(m.payload), m.qos))
        assert client.connect() is False
        assert client.subscribe([("7/0", 0), ("7/+", 1), ("7/2", 2)]) == [0, 1, 2]
        client.unsubscribe("7/+")
        assert client.subscribe("7/1", 1) == 1
        for qos in (0, 1, 2):
            client.publish(f"7/{qos}", b"x", qos)
        turn(client, lambda: len(seen) == 3)
        client.disconnect()
    assert sorted(seen) == [("7/0", b"x", 0), ("7/1", b"x", 1), ("7/2", b"x", 2)]


def test_mqtt_7_1_2_1_the_transport_is_a_stream_of_bytes() -> None:
    scenarios(
        *("receive/every_flow_byte_by_byte", "connack/connack_byte_by_byte"),
        *("streams/one_byte_a_write_*", "streams/packets_never_interleave_under_short_writes"),
        "receive/twenty_packets_in_one_segment",
    )
    rig = Rig(rx_size=16, read_size=8)
    rig.connect(RESUMED)
    packets = publish(b"a", b"1" * 9, 1, 5) + publish(b"b", b"", 2, 6) + ack(0x62, 6)
    for size in range(1, 9):
        assert rig.exchange(packets, size) == b"\x40\2\0\5\x50\2\0\6\x70\2\0\6"
    assert len(rig.messages) == 16
