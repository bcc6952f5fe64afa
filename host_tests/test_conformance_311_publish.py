"""MQTT 3.1.1, sections 3.3 to 3.11: PUBLISH and its acks, SUBSCRIBE, UNSUBSCRIBE."""

from __future__ import annotations

import pytest
from conformance_kit import connect_packet, scenarios
from strict import Parser
from unit_rig import RESUMED, Rig

BAD = "bad_arguments/"
MALFORMED = "malformed/malformed_publish_closes."
SUB = "subscribe/"


def test_mqtt_3_3_1_1_what_is_sent_again_has_dup() -> None:
    scenarios(
        *("resume/publish_is_sent_again_with_dup_and_the_same_id", "resume/longer_than_the_tx_*"),
        "reconnect/qos_1_in_flight_is_delivered_after_a_cut",
    )


def test_mqtt_3_3_1_2_qos_0_has_no_dup() -> None:
    scenarios(
        *("publish/publish_bytes.plain", "publish/publish_bytes.retained"),
        *("resume/qos_0_is_never_sent_again", MALFORMED + "qos_0_dup"),
    )
    rig = Rig()
    rig.connect()
    for topic in ("begun", "waiting"):
        rig.publish(topic, qos=0)
    rig.take(5)  # the first is half written when the connection ends
    assert rig.reconnect(RESUMED) == b"\x30\x0a\0\7waitingx"


def test_mqtt_3_3_1_3_dup_is_not_handed_on() -> None:
    scenarios("resume/received_dup_is_published_without_dup", "resume/lost_session_sends_as_new")


def test_mqtt_3_3_1_4_qos_3_is_refused_both_ways() -> None:
    scenarios(BAD + "bad_qos", MALFORMED + "qos_3*", "malformed/malformed_byte_by_byte_*.qos_3")


def test_mqtt_3_3_1_8_retain_1_is_told() -> None:
    scenarios("receive/message_arrives_as_sent.retained", "conformance/retain_is_told_at_each_qos")


def test_mqtt_3_3_1_9_retain_0_is_told() -> None:
    scenarios("receive/message_arrives_as_sent.plain", "conformance/retain_is_told_at_each_qos")


def test_mqtt_3_3_1_10_a_retained_message_can_be_cleared() -> None:
    scenarios(
        *("publish/publish_bytes.clears_retained",),
        "conformance/retained_message_is_cleared_at_each_qos",
    )


def test_mqtt_3_3_2_1_the_topic_is_first_and_inside_the_packet() -> None:
    scenarios(
        *("publish/publish_bytes.plain", "publish/publish_bytes.non_ascii_topic"),
        *(MALFORMED + "topic_*past_the_end*", MALFORMED + "one_byte", MALFORMED + "empty_packet"),
    )


def test_mqtt_3_3_2_2_a_topic_has_no_wildcard() -> None:
    scenarios(
        *(BAD + "bad_topic.plus", BAD + "bad_topic.hash*", MALFORMED + "topic_hash"),
        *(MALFORMED + "topic_plus", "malformed/malformed_topic_that_a_filter_would_*.hash"),
    )


def test_mqtt_3_3_2_3_a_message_goes_to_the_handlers_whose_filter_matches() -> None:
    scenarios(
        *("handlers/filter_matches_topic", "handlers/filter_does_not_match_topic"),
        "handlers/unmatched_message_is_acknowledged",
    )


def test_mqtt_3_3_4_1_each_publish_is_answered_as_its_qos_demands() -> None:
    scenarios(
        *("conformance/qos_0_is_not_answered", "receive/qos_1_is_acknowledged_with_its_id"),
        "receive/qos_2_is_acknowledged_with_its_id",
    )


def test_mqtt_3_6_1_1_pubrel_begins_with_62() -> None:
    scenarios("conformance/first_byte_of_each_packet", "conformance/pubrel_again_*")


def test_mqtt_3_8_1_1_subscribe_begins_with_82() -> None:
    scenarios(SUB + "subscribe_bytes", "conformance/first_byte_of_each_packet")


def test_mqtt_3_8_3_1_filters_are_utf_8() -> None:
    scenarios(
        *(SUB + "subscribe_bytes.non_ascii", BAD + "bad_filter.surrogate", BAD + "bad_filter.nul"),
        BAD + "bad_filter.bytes_not_utf_8",
    )


def test_mqtt_3_8_3_3_subscribe_has_a_filter() -> None:
    scenarios(BAD + "no_filter_at_all")


def test_mqtt_3_8_3_4_the_qos_asked_for_is_0_1_or_2() -> None:
    scenarios(SUB + "subscribe_bytes.qos_*", BAD + "bad_qos")


def test_mqtt_3_8_4_1_suback_is_waited_for_in_bounded_time() -> None:
    scenarios(SUB + "suback_lost_ends_in_time", SUB + "messages_before_suback_are_delivered")


def test_mqtt_3_8_4_2_suback_has_the_id_of_its_subscribe() -> None:
    scenarios(
        *("acks/subacks_in_reverse_order_are_credited_rightly", SUB + "late_suback_is_borne"),
        "acks/ack_for_an_unknown_id_completes_nothing.suback",
    )


def test_mqtt_3_8_4_5_each_filter_has_its_return_code() -> None:
    scenarios(
        *(SUB + "several_filters_in_one_packet", SUB + "refused_filter_is_a_reason_error"),
        *(SUB + "suback_violation_closes.too_*", SUB + "suback_violation_closes.none"),
    )


def test_mqtt_3_8_4_6_a_lower_qos_may_be_granted() -> None:
    scenarios(SUB + "lower_qos_granted_is_told", SUB + "several_filters_in_one_packet")


def test_mqtt_3_9_3_1_return_codes_are_in_the_order_of_filters() -> None:
    scenarios("conformance/codes_follow_the_order_of_filters", SUB + "several_filters_*")


def test_mqtt_3_9_3_2_other_return_codes_close() -> None:
    scenarios(SUB + "suback_violation_closes.code_*")


def test_mqtt_3_10_1_1_unsubscribe_begins_with_a2() -> None:
    scenarios(SUB + "unsubscribe_bytes", "conformance/first_byte_of_each_packet")


def test_mqtt_3_10_3_1_filters_of_unsubscribe_are_utf_8_one_behind_the_other() -> None:
    scenarios(
        *(SUB + "unsubscribe_bytes.two", BAD + "bad_filter.surrogate", BAD + "bad_filter.nul"),
        BAD + "bad_filter.bytes_not_utf_8",
    )


def test_mqtt_3_10_3_2_unsubscribe_has_a_filter() -> None:
    scenarios(BAD + "no_filter_at_all")


def test_mqtt_3_10_4_3_deliveries_that_have_begun_end_after_unsubscribe() -> None:
    scenarios("receive/started_delivery_ends_after_unsubscribe")


def test_mqtt_3_10_4_4_unsuback_has_the_id_of_its_unsubscribe() -> None:
    scenarios(
        SUB + "unsuback_lost_or_of_another_id_ends_in_time", "conformance/unsubacks_are_credited_*"
    )


def test_mqtt_3_10_4_5_unsubscribing_from_what_is_unknown_succeeds() -> None:
    scenarios(SUB + "unsubscribe_bytes.one")


def test_u311_3_messages_may_come_before_suback() -> None:
    scenarios(SUB + "messages_before_suback_are_delivered")


def test_u311_6_messages_nobody_subscribed_to_are_acknowledged() -> None:
    scenarios("handlers/unmatched_message_is_acknowledged")


def test_u311_8_payloads_of_any_length() -> None:
    scenarios(
        *("publish/publish_bytes.empty", "publish/remaining_length_*"),
        *("receive/message_arrives_as_sent.empty", "receive/message_arrives_as_sent.12?_bytes"),
        *("receive/message_arrives_as_sent.longer_*", "oversize/longest_remaining_length_*"),
    )
    parser = Parser()
    parser.feed(connect_packet("c"))
    for length in (0, 1, 124, 125, 16380, 16381, 2097148, 2097149):
        rig = Rig(tx_size=64 + length)
        rig.connect()
        rig.publish("t", b"x" * length, 0)
        (packet,) = parser.feed(rig.drain())
        assert len(packet["payload"]) == length
    with pytest.raises(ValueError, match="maximum_packet_size"):
        Rig().publish("t", Huge(), 1)


class Huge(bytes):
    """A payload that only says how long it is."""

    def __len__(self) -> int:
        return 268435455
