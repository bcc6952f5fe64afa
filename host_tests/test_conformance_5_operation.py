"""MQTT 5.0, sections 4.1 to 4.9: state, QoS, order, topics, flow control."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from conformance_kit5 import scenarios5
from strict5 import ACCEPTED, Parser
from umqtt_full.errors import ProtocolError
from umqtt_full.topic import encode_filter, encode_topic
from unit_rig5 import RESUMED, Rig5, ack, connack, publish

BAD = "bad_arguments/"
MALFORMED = "malformed/malformed_publish_closes."
BROKEN = "v5_disconnect/broken_rule_is_answered_by_its_code."
CONNECT = b"\x10\x12\0\4MQTT\5\2\0\x3c\4\x15\0\1m\0\1c"


def connected(**options: Any) -> Rig5:
    rig = Rig5(**options)
    rig.connect()
    return rig


# ------------------------------------------------------------------------- 4.1 to 4.6


def test_mqtt5_4_1_0_1_no_state_is_dropped_while_connected() -> None:
    scenarios5("receive/hundred_inbound_qos_2_ids_are_kept_apart")
    rig = connected(window=200, properties={"receive_maximum": 65535}, tx_size=4096)
    ids = [rig.publish("t", b"", 2) for _ in range(60)]
    assert rig.drain()
    for packet_id in range(1, 3001):
        rig.exchange(publish(b"t", b"", 2, packet_id))
    for packet_id in (1, 2, 1500, 3000):
        rig.exchange(publish(b"t", b"", 2, packet_id, dup=True))
    assert len(rig.messages) == 3000
    assert rig.pending(*ids) == ids


def test_mqtt5_4_2_0_1_the_transport_is_a_stream_of_bytes() -> None:
    scenarios5(
        *("receive/every_flow_byte_by_byte", "connack/connack_byte_by_byte"),
        *("streams/one_byte_a_write_*", "streams/packets_never_interleave_under_short_writes"),
    )


def test_mqtt5_4_3_1_1_a_qos_0_publish_has_no_dup() -> None:
    scenarios5("publish/publish_bytes", "v5_publish/publish_bytes")


def test_mqtt5_4_3_2_1_a_qos_1_message_takes_a_free_id() -> None:
    scenarios5("window/id_in_flight_is_skipped.publish", "window/packet_id_wraps_*")


def test_mqtt5_4_3_2_2_it_goes_without_dup_at_first() -> None:
    scenarios5("publish/qos_1_returns_at_puback", "resume/received_dup_is_published_without_dup")
    rig = connected()
    rig.publish(qos=1)
    assert rig.drain()[0] == 0x32


def test_mqtt5_4_3_2_3_it_is_unacknowledged_until_its_puback() -> None:
    scenarios5(
        *("publish/qos_1_returns_at_puback", "acks/ack_for_an_unknown_id_completes_nothing"),
        *("acks/ack_of_the_wrong_type_does_not_complete_qos_1", "acks/late_puback_does_not_*"),
        "v5_publish/acks_in_all_their_forms",
    )


def test_mqtt5_4_3_2_4_qos_1_is_owned_and_then_acknowledged() -> None:
    scenarios5("conformance/handler_has_run_before_*.1", "receive/qos_1_is_acknowledged_*")


def test_mqtt5_4_3_2_5_after_puback_its_id_is_new() -> None:
    scenarios5("receive/qos_1_id_again_is_a_new_message")


def test_mqtt5_4_3_3_1_a_qos_2_message_takes_a_free_id() -> None:
    scenarios5("window/id_in_flight_is_skipped.publish_qos_2", "window/id_is_in_use_until_*")


def test_mqtt5_4_3_3_2_it_goes_without_dup_at_first() -> None:
    rig = connected()
    rig.publish(qos=2)
    assert rig.drain()[0] == 0x34
    assert rig.reconnect()[0] == 0x3C


def test_mqtt5_4_3_3_3_it_is_unacknowledged_until_its_pubrec() -> None:
    scenarios5(
        *("publish/qos_2_returns_at_pubcomp", "v5_publish/acks_in_all_their_forms"),
        "acks/ack_of_the_wrong_type_does_not_complete_qos_2",
    )


def test_mqtt5_4_3_3_4_pubrec_below_0x80_is_answered_by_pubrel() -> None:
    scenarios5(
        *("v5_publish/no_matching_subscribers_is_no_refusal", "acks/pubrec_twice_gets_*"),
        "v5_publish/refused_publish_is_raised.pubrec_*",
    )
    for code in sorted(ACCEPTED["PUBREC"]):
        rig = connected()
        rig.publish(qos=2)
        rig.drain()
        assert rig.exchange(ack(0x50, 1, code)) == (b"\x62\2\0\1" if code < 0x80 else b"")


def test_mqtt5_4_3_3_5_pubrel_is_unacknowledged_until_its_pubcomp() -> None:
    scenarios5(
        *("acks/ack_of_the_wrong_type_does_not_complete_pubrel", "resume/pubrel_is_sent_again"),
        "v5_publish/pubcomp_0x92_ends_the_flow",
    )


def test_mqtt5_4_3_3_6_after_pubrel_its_publish_is_not_sent_again() -> None:
    scenarios5("resume/pubrel_is_sent_again", "reconnect/qos_2_is_delivered_once_whatever_*")


def test_mqtt5_4_3_3_7_a_message_that_was_sent_does_not_expire() -> None:
    scenarios5("peers/esp_mqtt_unacknowledged_messages_do_not_expire")
    rig = connected(keep_alive=0)
    rig.publish(qos=2, properties={"message_expiry_interval": 1})
    first = rig.drain()
    rig.session.poll(3_600_000)
    assert rig.reconnect(now=7_200_000) == bytes([first[0] | 8]) + first[1:]


def test_mqtt5_4_3_3_8_qos_2_is_owned_and_then_acknowledged() -> None:
    scenarios5("conformance/handler_has_run_before_*.2", "receive/qos_2_is_acknowledged_*")


def test_mqtt5_4_3_3_9_after_a_refusing_pubrec_its_id_is_new() -> None:
    scenarios5("v5_publish/payload_format_is_checked_when_asked")
    rig = connected(check_payload_format=True)
    assert rig.exchange(publish(b"t", b"\xff", 2, 1, block=b"\2\1\1")) == b"\x50\3\0\1\x99"
    assert rig.exchange(publish(b"t", b"ok", 2, 1)) == b"\x50\2\0\1"
    assert [message[1] for message in rig.messages] == [b"ok"]


def test_mqtt5_4_3_3_10_until_pubrel_it_is_not_delivered_again() -> None:
    scenarios5(
        *("receive/qos_2_again_before_pubrel_*", "resume/qos_2_received_is_deduplicated_*"),
        "v5_publish/qos_2_sent_again_is_acknowledged_and_delivered_once",
    )


def test_mqtt5_4_3_3_11_pubrel_is_answered_by_pubcomp() -> None:
    scenarios5("receive/pubrel_again_or_*", "v5_publish/ids_that_are_not_known_get_0x92")


def test_mqtt5_4_3_3_12_after_pubcomp_its_id_is_new() -> None:
    scenarios5("receive/qos_2_id_after_pubcomp_is_a_new_message", "v5_publish/qos_2_sent_again_*")


def test_mqtt5_4_3_3_13_the_exchange_goes_on_after_expiry() -> None:
    rig = connected(keep_alive=0)
    expiry = b"\5\2\0\0\0\1"
    assert rig.exchange(publish(b"t", b"", 2, 9, block=expiry)) == b"\x50\2\0\x09"
    rig.session.poll(3_600_000)
    assert rig.exchange(ack(0x62, 9)) == b"\x70\2\0\x09"
    assert rig.exchange(publish(b"t", b"", 2, 9, block=b"\5\2\0\0\0\0")) == b"\x50\2\0\x09"


def test_mqtt5_4_4_0_1_packets_are_sent_again_by_a_resumed_session_only() -> None:
    scenarios5(
        *("v5_limits/nothing_is_sent_again_on_a_live_link", "resume/nothing_is_sent_again_*"),
        *("resume/publish_is_sent_again_with_dup_and_the_same_id", "resume/acknowledged_is_*"),
    )


def test_mqtt5_4_4_0_2_a_refused_message_is_never_sent_again() -> None:
    scenarios5(
        "v5_publish/refused_publish_is_raised", "v5_publish/refusal_that_nobody_waits_for_is_told"
    )
    for qos, first in ((1, 0x40), (2, 0x50)):
        rig = connected()
        rig.publish(qos=qos)
        rig.drain()
        rig.feed(ack(first, 1, 0x97))
        assert rig.pending(1) == [] and rig.reconnect() == b""


def test_mqtt5_4_5_0_2_every_message_is_acknowledged() -> None:
    scenarios5(
        *("handlers/unmatched_message_is_acknowledged", "handlers/handler_that_raises_*"),
        "oversize/oversize_is_drained_counted_and_acknowledged",
    )


def test_mqtt5_4_6_0_1_messages_are_sent_again_in_their_order() -> None:
    scenarios5("resume/sent_again_in_the_first_order", "resume/lost_session_keeps_order")


def test_mqtt5_4_6_0_2_pubacks_are_in_the_order_of_messages() -> None:
    scenarios5("receive/pubacks_follow_the_order_of_messages")


def test_mqtt5_4_6_0_3_pubrecs_are_in_the_order_of_messages() -> None:
    scenarios5("receive/pubrecs_follow_the_order_of_messages")


def test_mqtt5_4_6_0_4_pubrels_are_in_the_order_of_pubrecs() -> None:
    scenarios5("acks/pubrels_follow_the_order_of_pubrecs", "resume/pubrels_are_sent_again_*")


def test_mqtt5_4_6_0_5_messages_are_handled_in_the_order_they_come() -> None:
    scenarios5("conformance/messages_keep_their_order_across_qos")


# ------------------------------------------------------------------------- 4.7 to 4.9


def refuses(check: Callable[[str], bytes], *values: str) -> None:
    """Each of the values is a ValueError."""
    for value in values:
        with pytest.raises(ValueError):
            check(value)


def test_mqtt5_4_7_0_1_wildcards_stand_in_filters_only() -> None:
    scenarios5(BAD + "bad_topic.plus", BAD + "bad_topic.hash*", "conformance/wildcards_*")
    refuses(encode_topic, "+", "#", "a/+/b", "a/#", "a+", "a#")


def test_mqtt5_4_7_1_1_the_number_sign_is_a_level_and_the_last() -> None:
    scenarios5(BAD + "bad_filter.hash_*", "conformance/wildcards_where_they_may_stand.*hash")
    refuses(encode_filter, "a#", "a/#/b", "#/a", "##", "$share/g/a#", "$share/g/#/a")


def test_mqtt5_4_7_1_2_the_plus_sign_is_a_level() -> None:
    scenarios5(BAD + "bad_filter.plus_*", "conformance/wildcards_where_they_may_stand.*plus*")
    refuses(encode_filter, "a+", "+a", "a/b+/c", "++", "$share/g/a+")


def test_mqtt5_4_7_2_1_wildcards_do_not_match_a_leading_dollar() -> None:
    scenarios5("handlers/filter_does_not_match_topic.*_dollar")


def test_mqtt5_4_7_3_1_topics_and_filters_are_not_empty() -> None:
    scenarios5(
        *(BAD + "bad_topic.empty", BAD + "bad_filter.empty"),
        "v5_alias/incoming_alias_at_a_bad_place_closes.neither_topic_nor_alias",
        "v5_alias/alias_replaces_the_topic_from_the_second_on",
    )


def test_mqtt5_4_7_3_2_topics_and_filters_have_no_null_character() -> None:
    scenarios5(BAD + "bad_topic.nul*", BAD + "bad_filter.nul", BROKEN + "topic_null")


def test_mqtt5_4_7_3_3_topics_and_filters_have_65535_bytes_at_most() -> None:
    scenarios5(
        *(BAD + "bad_topic.too_long*", BAD + "bad_filter.too_long", "publish/longest_topic"),
        "conformance/longest_filter",
    )


def test_mqtt5_4_7_3_4_nothing_is_normalised() -> None:
    scenarios5("handlers/filter_does_not_match_topic.normal_form", "receive/message_*.slashes")


def test_mqtt5_4_8_2_1_a_shared_filter_has_a_group_and_a_filter() -> None:
    scenarios5("v5_subscribe/subscribe_bytes.shared", "v5_subscribe/shared_subscription_is_*")
    refuses(encode_filter, "$share//a", "$share/", "$share//")


def test_mqtt5_4_8_2_2_the_group_has_no_wildcard_and_a_filter_follows() -> None:
    scenarios5("v5_subscribe/bad_options_are_value_errors.shared_*")
    refuses(encode_filter, "$share/g", "$share/g/", "$share/+/a", "$share/#/a", "$share/a+/b")


def test_mqtt5_4_8_2_6_a_client_of_the_group_may_refuse() -> None:
    rig = Rig5(check_payload_format=True)
    rig.subscribe("$share/g/t", 1)
    rig.connect()
    assert rig.exchange(publish(b"t", b"\xff", 1, 9, block=b"\2\1\1")) == b"\x40\3\0\x09\x99"
    assert rig.messages == []
    for qos in (0, 1, 2):  # its topic is looked at all the same
        rig.reconnect()
        with pytest.raises(ProtocolError):
            rig.feed(publish(b"\xff", b"\xff", qos, 9, block=b"\2\1\1"))


def test_mqtt5_4_9_0_1_the_quota_is_that_of_the_server() -> None:
    scenarios5("v5_limits/quota_*", "v5_limits/pubrels_of_before_*", "v5_limits/unknown_acks_*")


def test_mqtt5_4_9_0_2_each_publish_takes_from_the_quota() -> None:
    scenarios5("v5_limits/quota_holds_back_publish_*", "v5_limits/refusals_give_the_quota_back")
    for maximum in (1, 2, 7, 16, 65535):
        rig = Rig5(tx_size=2048)
        rig.connect(connack(b"\3\x21" + maximum.to_bytes(2, "big")))
        for number in range(20):
            rig.publish("t", b"", number % 2 + 1)
        parser = Parser()
        parser.feed(CONNECT)
        assert len(parser.feed(rig.drain())) == min(maximum, 16)  # our own window


def test_mqtt5_4_9_0_3_without_quota_all_else_goes_on() -> None:
    scenarios5("v5_limits/quota_holds_back_publish_*", "window/full_window_still_*")


# ----------------------------------------------------------------------- unnumbered


def test_u5_16_the_quota_begins_anew() -> None:
    scenarios5("v5_limits/quota_begins_anew_*", "v5_limits/pubrels_of_before_*")
    rig = Rig5()
    rig.connect(connack(b"\3\x21\0\2"))
    for _ in range(6):
        rig.publish("t", b"", 1)
    assert len(rig.drain()) == 2 * 8
    rig.session.close()
    assert len(rig.connect(connack(b"\3\x21\0\4", present=1))) == 4 * 8
    assert len(rig.reconnect(RESUMED)) == 6 * 8


def test_u5_17_limits_may_be_lower_after_a_reconnect() -> None:
    scenarios5("v5_limits/what_a_new_broker_does_not_take_is_given_up")
