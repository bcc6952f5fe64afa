"""MQTT 3.1.1, chapters 1 and 2: text, fixed header, packet identifiers."""

from __future__ import annotations

import pytest
from conformance_kit import connect_packet, scenarios
from unit_rig import Rig, ack, id_of, publish

MALFORMED = "malformed/malformed_publish_closes."
BAD_TOPIC = "bad_arguments/bad_topic."
BAD_FILTER = "bad_arguments/bad_filter."
BAD_CLIENT = "bad_arguments/bad_client."


def test_mqtt_1_5_3_1_text_is_utf_8_without_surrogates() -> None:
    scenarios(
        *(BAD_TOPIC + "surrogate", BAD_TOPIC + "bytes_*", BAD_FILTER + "surrogate"),
        *(BAD_FILTER + "bytes_not_utf_8", BAD_CLIENT + "*_surrogate"),
        *(MALFORMED + "topic_surrogate*", MALFORMED + "topic_overlong_*"),
        *(MALFORMED + "topic_above_10ffff", MALFORMED + "topic_f*", MALFORMED + "topic_cut_*"),
        *(MALFORMED + "topic_lone_continuation", MALFORMED + "topic_bad_continuation"),
        *("malformed/malformed_topic_that_a_filter_would_match_closes.utf_8",),
        "conformance/unusual_characters_pass_both_ways",
    )
    with pytest.raises(ValueError, match="will topic"):
        connect_packet("c", will=("\ud800", b""))


def test_mqtt_1_5_3_2_text_has_no_null_character() -> None:
    scenarios(
        *(BAD_TOPIC + "nul*", BAD_FILTER + "nul", BAD_CLIENT + "*_nul", MALFORMED + "topic_nul*"),
        "malformed/malformed_topic_that_a_filter_would_match_closes.nul",
    )


def test_mqtt_1_5_3_3_a_byte_order_mark_is_a_character() -> None:
    scenarios(
        "publish/publish_bytes.byte_order_mark_is_kept",
        "receive/message_arrives_as_sent.byte_order_mark",
        "conformance/byte_order_mark_is_a_character",
    )


def test_mqtt_2_2_2_1_reserved_flags_have_their_fixed_values() -> None:
    scenarios("conformance/first_byte_of_each_packet", "conformance/pubrel_again_*")


def test_mqtt_2_2_2_2_wrong_reserved_flags_close() -> None:
    scenarios(
        *("malformed/malformed_ack_closes.*_flags", "malformed/malformed_ack_closes.pubrel_dup"),
        *("connack/connack_malformed_closes.header_flags", "subscribe/suback_violation_*.flags"),
        *("subscribe/unsuback_malformed_closes.flags", "keep_alive/pingresp_malformed_*.flags"),
    )


def test_mqtt_2_3_1_1_ids_are_never_0() -> None:
    scenarios("window/packet_id_wraps_from_65535_to_1", "window/packet_id_wraps_for_subscribe_too")
    rig = Rig(window=3)
    rig.connect()
    for qos in (1, 2):
        rig.session.ids.next = 65535
        assert rig.publish(qos=qos) == 65535
        assert rig.publish(qos=qos) == qos
        rig.drain()
        rig.exchange(ack(0x50, 65535) + ack(0x40, 65535) + ack(0x70, 65535))


def test_mqtt_2_3_1_2_a_new_packet_takes_an_id_that_is_not_in_use() -> None:
    scenarios(
        *("window/id_in_flight_is_skipped", "window/id_is_in_use_until_pubcomp"),
        *("window/id_of_a_lost_suback_is_not_used_again", "window/packet_id_wraps_past_*"),
        "conformance/id_of_an_unanswered_request_is_skipped",
    )


def test_mqtt_2_3_1_3_what_is_sent_again_keeps_its_id_and_an_ack_frees_it() -> None:
    scenarios(
        *("resume/publish_is_sent_again_with_dup_and_the_same_id", "resume/pubrel_is_sent_again"),
        *("window/id_is_in_use_until_pubcomp", "conformance/id_is_free_after_its_last_ack"),
    )


def test_mqtt_2_3_1_5_qos_0_has_no_id() -> None:
    scenarios(
        *("publish/publish_bytes.plain", "publish/publish_bytes.retained"),
        "receive/message_arrives_as_sent.looks_like_an_id",
    )


def test_mqtt_2_3_1_6_acks_carry_the_id_of_the_publish() -> None:
    scenarios(
        *("receive/qos_1_is_acknowledged_with_its_id", "receive/qos_2_is_acknowledged_*"),
        *("acks/pubrels_follow_the_order_of_pubrecs", "receive/ids_of_both_directions_are_apart"),
    )
    rig = Rig()
    rig.connect()
    for packet_id in (1, 255, 256, 65535):  # PUBREL: the client's own ids
        rig.session.ids.next = packet_id
        assert rig.publish(qos=2) == packet_id
        rig.drain()
        assert rig.exchange(ack(0x50, packet_id)) == b"\x62\2" + id_of(packet_id)
        assert rig.exchange(publish(b"t", b"", 1, packet_id)) == b"\x40\2" + id_of(packet_id)


def test_mqtt_2_3_1_7_answers_complete_the_request_of_their_id() -> None:
    scenarios(
        *("acks/subacks_in_reverse_order_are_credited_rightly", "subscribe/late_suback_*"),
        *("acks/ack_for_an_unknown_id_completes_nothing", "conformance/unsubacks_are_credited_*"),
        "acks/ack_of_the_wrong_type_does_not_complete_subscribe",
    )


def test_u311_1_the_length_of_a_packet_has_four_bytes_at_most() -> None:
    scenarios(
        "malformed/remaining_length_of_five_bytes_closes_at_the_fourth",
        "connack/connack_malformed_closes.length_of_5_bytes",
    )


def test_u311_7_control_characters_and_noncharacters_are_accepted() -> None:
    scenarios(
        "conformance/unusual_characters_pass_both_ways",
        "receive/message_arrives_as_sent.control_character",
    )
