"""MQTT 5.0, chapters 1 and 2: text, variable byte integers, fixed header, ids, properties."""

from __future__ import annotations

import pytest
import vectors5_properties as matrix
from conformance_kit5 import connect5, connects5, scenarios5
from umqtt_full.errors import ProtocolError
from umqtt_full.properties import check_properties, decode_properties, encode_properties
from unit_rig5 import Rig5, ack, publish

MALFORMED = "malformed/malformed_publish_closes."
BAD_TOPIC = "bad_arguments/bad_topic."
BAD_FILTER = "bad_arguments/bad_filter."
BAD_CLIENT = "bad_arguments/bad_client."
BROKEN = "v5_disconnect/broken_rule_is_answered_by_its_code."


def refused(place: int, block: bytes, code: int) -> None:
    """Received properties that are refused with this reason code."""
    with pytest.raises(ProtocolError) as caught:
        check_properties(place, bytearray(block), 0, len(block))
    assert caught.value.reason_code == code


def test_mqtt5_1_5_4_1_text_is_utf_8_without_surrogates() -> None:
    scenarios5(
        *(BAD_TOPIC + "surrogate", BAD_TOPIC + "bytes_*", BAD_FILTER + "surrogate"),
        *(BAD_FILTER + "bytes_not_utf_8", BAD_CLIENT + "*_surrogate"),
        *(MALFORMED + "topic_surrogate*", MALFORMED + "topic_overlong_*"),
        *(BROKEN + "topic_not_utf_8", BROKEN + "topic_surrogate", BROKEN + "property_not_utf_8"),
        "conformance/unusual_characters_pass_both_ways",
    )
    for name in ("content_type", "response_topic"):
        with pytest.raises(ValueError, match=name):
            encode_properties(3, {name: "\ud800"})
    with pytest.raises(ValueError, match="will topic"):
        connect5(will=("\ud800", b""))


def test_mqtt5_1_5_4_2_text_has_no_null_character() -> None:
    scenarios5(
        *(BAD_TOPIC + "nul*", BAD_FILTER + "nul", BAD_CLIENT + "*_nul", MALFORMED + "topic_nul*"),
        *(BROKEN + "topic_null", BROKEN + "property_null"),
    )
    with pytest.raises(ValueError, match="content_type"):
        encode_properties(3, {"content_type": "a\0"})


def test_mqtt5_1_5_4_3_a_byte_order_mark_is_a_character() -> None:
    scenarios5(
        "publish/publish_bytes.byte_order_mark_is_kept",
        "receive/message_arrives_as_sent.byte_order_mark",
        "conformance/byte_order_mark_is_a_character",
    )
    block = encode_properties(3, {"content_type": "\ufeffa"})
    assert bytes(block) == b"\7\3\0\4\xef\xbb\xbfa"
    assert decode_properties(3, block, 0, len(block)) == {"content_type": "\ufeffa"}


def test_mqtt5_1_5_5_1_variable_byte_integers_are_the_shortest() -> None:
    scenarios5("publish/remaining_length_at_its_borders", "v5_subscribe/subscribe_bytes.*ident*")
    for number, raw in ((127, b"\x7f"), (128, b"\x80\1"), (16383, b"\xff\x7f"),
                        (16384, b"\x80\x80\1"), (268435455, b"\xff\xff\xff\x7f")):  # fmt: skip
        block = encode_properties(8, {"subscription_identifier": number})
        assert bytes(block) == bytes([len(raw) + 1]) + b"\x0b" + raw
    scenarios5(
        *(BROKEN + "length_padded", BROKEN + "property_length_padded"),
        BROKEN + "identifier_padded",
    )


def test_mqtt5_1_5_7_1_both_strings_of_a_pair_are_utf_8() -> None:
    for pair in (("\ud800", ""), ("", "\ud800"), ("a\0", ""), ("", "\0"), (b"\xff", "")):
        with pytest.raises(ValueError, match="user_property"):
            encode_properties(3, {"user_property": [pair]})
    scenarios5(BROKEN + "user_property_not_utf_8", "v5_publish/properties_go_out.0")
    refused(3, b"\x08\x26\0\1\xff\0\1a", 0x81)
    refused(3, b"\x07\x26\0\0\0\1\xff\xff", 0x81)


def test_mqtt5_2_1_3_1_reserved_flags_have_their_fixed_values() -> None:
    scenarios5(
        *("conformance/first_byte_of_each_packet", "conformance/pubrel_again_*"),
        *("malformed/malformed_ack_closes.*_flags", "subscribe/suback_violation_*.flags"),
        *("subscribe/unsuback_malformed_closes.flags", "keep_alive/pingresp_malformed_*.flags"),
        *(BROKEN + "*_flags", "v5_connect/connack_malformed_closes.header_flags"),
        *("v5_subscribe/bad_suback_closes.flags", "v5_disconnect/bad_disconnect_of_*.flags"),
    )


def test_mqtt5_2_2_1_2_qos_0_has_no_id() -> None:
    scenarios5(
        *("publish/publish_bytes.plain", "v5_publish/publish_bytes.plain"),
        "receive/message_arrives_as_sent.looks_like_an_id",
    )


def test_mqtt5_2_2_1_3_a_new_packet_takes_a_free_id_that_is_not_0() -> None:
    scenarios5(
        *("window/packet_id_wraps_*", "window/id_in_flight_is_skipped"),
        *("window/id_is_in_use_until_pubcomp", "window/id_of_a_lost_suback_is_not_used_again"),
        "conformance/id_of_an_unanswered_request_is_skipped",
    )


def test_mqtt5_2_2_1_4_an_incoming_id_is_never_0() -> None:
    scenarios5(BROKEN + "id_0", "receive/ids_of_both_directions_are_apart")
    for qos in (1, 2):
        rig = Rig5()
        rig.connect()
        with pytest.raises(ProtocolError):
            rig.feed(publish(b"t", b"", qos, 0))


def test_mqtt5_2_2_1_5_acks_carry_the_id_of_the_publish() -> None:
    scenarios5(
        *("receive/qos_1_is_acknowledged_with_its_id", "receive/qos_2_is_acknowledged_*"),
        "acks/pubrels_follow_the_order_of_pubrecs",
    )
    rig = Rig5()
    rig.connect()
    for packet_id in (1, 255, 256, 65535):  # PUBREL: the client's own ids
        rig.session.ids.next = packet_id
        assert rig.publish(qos=2) == packet_id
        rig.drain()
        assert rig.exchange(ack(0x50, packet_id, 0)) == ack(0x62, packet_id)
        rig.feed(ack(0x70, packet_id))


def test_mqtt5_2_2_1_6_answers_complete_the_request_of_their_id() -> None:
    scenarios5(
        *("acks/subacks_in_reverse_order_are_credited_rightly", "subscribe/late_suback_*"),
        *("acks/ack_for_an_unknown_id_completes_nothing", "conformance/unsubacks_are_credited_*"),
        "acks/ack_of_the_wrong_type_does_not_complete_subscribe",
    )


def test_mqtt5_2_2_2_1_no_properties_have_the_length_0() -> None:
    scenarios5("v5_publish/publish_bytes.*", "v5_subscribe/*subscribe_bytes*")
    assert bytes(encode_properties(3, None)) == bytes(encode_properties(3, {})) == b"\0"
    for options, _, packet in connects5():
        if options["will"] is not None and options["will"][4] is None:
            assert packet["will_properties"] == {}
    raw = connect5(will=("w", b"m"), clean_start=True)
    assert raw.endswith(b"\0\1c\0\0\1w\0\1m")


def test_u5_1_a_variable_byte_integer_has_four_bytes_at_most() -> None:
    scenarios5(
        *("malformed/remaining_length_of_five_bytes_*", BROKEN + "length_of_5_bytes"),
        *(BROKEN + "property_length_of_5_bytes", "v5_limits/long_message_with_bad_properties_*"),
        "v5_connect/connack_malformed_closes.property_length_of_5_bytes",
    )
    refused(3, b"\x80\x80\x80\x80\x01", 0x81)
    refused(3, b"\x06\x0b\x80\x80\x80\x80\x01", 0x81)


def test_u5_2_a_property_out_of_place_is_malformed() -> None:
    scenarios5(
        *(BROKEN + "unknown_property", BROKEN + "misplaced_property", BROKEN + "puback_property"),
        *("v5_connect/connack_malformed_closes.*_property", "v5_auth/bad_auth_closes.misplaced"),
    )
    for row in matrix.ROWS:
        for place in (2, 3, 4, 5, 6, 7, 9, 11, 14, 15):
            for name, block, code in matrix.wrong(row, place):
                if "place" in name:
                    refused(place, block, code)
            for _, block, code in matrix.unknown():
                refused(place, block, code)


def test_u5_3_a_property_stands_once() -> None:
    scenarios5(BROKEN + "*property_twice", "v5_auth/bad_auth_closes.twice")
    for row in matrix.ROWS:
        for place in (2, 3, 4, 5, 6, 7, 9, 11, 14, 15):
            for name, block, code in matrix.wrong(row, place):
                if "twice" in name:
                    assert code == 0x82
                    refused(place, block, code)
            for name, block, found in matrix.allowed(row, place):
                if "repeated" in name:
                    assert check_properties(place, block, 0, len(block)) == len(block)
                    assert decode_properties(place, block, 0, len(block)) == found


def test_u5_4_values_are_within_their_ranges() -> None:
    scenarios5("v5_connect/connack_malformed_closes.*_[02]", BROKEN + "property_range")
    for row in matrix.ROWS:
        for place in (2, 3, 4, 5, 6, 7, 9, 11, 14, 15):
            for name, block, code in matrix.wrong(row, place):
                if "value" in name:
                    refused(place, block, code)
