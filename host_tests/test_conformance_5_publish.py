"""MQTT 5.0, sections 3.3 to 3.7: PUBLISH and its acknowledgements."""

from __future__ import annotations

import pytest
from conformance_kit5 import scenarios5
from strict5 import ACCEPTED, Parser
from umqtt_full.errors import ProtocolError
from umqtt_full.properties import encode_properties
from unit_rig5 import Rig5, ack, connack, frame, publish

BAD = "bad_arguments/"
MALFORMED = "malformed/malformed_publish_closes."
BROKEN = "v5_disconnect/broken_rule_is_answered_by_its_code."
IN = "v5_publish/properties_come_in"
OUT = "v5_publish/properties_go_out"
CONNECT = b"\x10\x0e\0\4MQTT\5\2\0\x3c\0\0\1c"


def connected(**options: object) -> Rig5:
    rig = Rig5(**options)
    rig.connect()
    return rig


def test_mqtt5_3_3_1_1_what_is_sent_again_has_dup() -> None:
    scenarios5(
        *("resume/publish_is_sent_again_with_dup_and_the_same_id",),
        *("resume/half_sent_publish_is_sent_whole_on_reconnect",),
        "v5_alias/what_is_sent_again_sets_its_alias_anew_or_has_none",
    )


def test_mqtt5_3_3_1_2_qos_0_has_no_dup() -> None:
    scenarios5(
        *("publish/publish_bytes", "resume/qos_0_is_never_sent_again"), BROKEN + "dup_qos_0"
    )


def test_mqtt5_3_3_1_3_dup_is_not_handed_on() -> None:
    scenarios5("resume/received_dup_is_published_without_dup")


def test_mqtt5_3_3_1_4_qos_3_is_refused_both_ways() -> None:
    scenarios5(BAD + "bad_qos.3", MALFORMED + "qos_3*", BROKEN + "qos_3")


def test_mqtt5_3_3_2_1_the_topic_is_first_and_utf_8() -> None:
    scenarios5(
        *("publish/publish_bytes", "publish/longest_topic", "v5_publish/publish_bytes"),
        *(MALFORMED + "topic_past_*", BROKEN + "topic_*"),
    )


def test_mqtt5_3_3_2_2_a_topic_has_no_wildcard() -> None:
    scenarios5(
        *(BAD + "bad_topic.plus", BAD + "bad_topic.hash*", MALFORMED + "topic_plus*"),
        *(MALFORMED + "topic_hash*", BROKEN + "topic_wildcard"),
    )


def test_mqtt5_3_3_2_3_a_message_goes_to_the_handlers_whose_filter_matches() -> None:
    scenarios5("handlers/filter_matches_topic", "handlers/filter_does_not_match_topic")
    rig = Rig5()
    seen: list[str] = []
    for topic_filter in ("a/+", "a/#", "b"):
        rig.subscribe(topic_filter, 0, lambda m, name=topic_filter: seen.append(name))
    rig.connect()
    rig.feed(publish(b"a/b", b""))
    assert sorted(seen) == ["a/#", "a/+"]


def test_mqtt5_3_3_2_4_the_payload_format_is_told() -> None:
    scenarios5(IN, "v5_publish/payload_format_is_checked_when_asked")


def test_mqtt5_3_3_2_6_the_expiry_interval_is_told() -> None:
    scenarios5(IN)
    rig = connected()
    rig.feed(publish(b"t", b"", block=b"\5\2\0\0\0\x2a"))
    assert rig.messages[0][6] == {"message_expiry_interval": 42}


def test_mqtt5_3_3_2_7_aliases_end_with_their_connection() -> None:
    scenarios5(
        *("v5_alias/aliases_end_with_their_connection", "v5_alias/lost_session_sets_*"),
        *("v5_alias/incoming_aliases_end_with_their_connection",),
        "v5_alias/what_is_sent_again_sets_its_alias_anew_or_has_none",
    )


def test_mqtt5_3_3_2_8_there_is_no_alias_0() -> None:
    scenarios5("v5_alias/incoming_alias_at_a_bad_place_closes.0*", "v5_alias/alias_bytes")
    for topic_aliases in (1, 2, 40):
        rig = Rig5(topic_aliases=topic_aliases, tx_size=4096)
        rig.connect(connack(b"\3\x22\0\x20"))
        parser = Parser()
        parser.feed(CONNECT)
        for number in range(100):
            rig.publish(f"topic/{number % 41}", b"", 0)
            for packet in parser.feed(rig.drain()):
                assert packet["properties"].get("topic_alias", 1) > 0


def test_mqtt5_3_3_2_9_an_alias_is_within_the_server_s_maximum() -> None:
    scenarios5(
        *("v5_alias/least_recently_used_alias_is_given_away",),
        *("v5_alias/fixed_aliases_above_the_maximum_are_not_used",),
        "v5_alias/alias_replaces_the_topic_from_the_second_on",
    )


def test_mqtt5_3_3_2_10_each_alias_up_to_our_maximum_is_accepted() -> None:
    scenarios5("v5_alias/incoming_alias_stands_for_its_topic")
    rig = connected(properties={"topic_alias_maximum": 300})
    for alias in range(1, 301):
        raw = bytes((alias >> 8, alias & 255))
        rig.feed(publish(b"t%d" % alias, b"", block=b"\3\x23" + raw))
    for alias in range(1, 301):
        raw = bytes((alias >> 8, alias & 255))
        rig.feed(publish(b"", b"", block=b"\3\x23" + raw))
    assert [m[0] for m in rig.messages] == [f"t{n}" for n in range(1, 301)] * 2


def test_mqtt5_3_3_2_11_an_alias_above_our_maximum_closes() -> None:
    scenarios5("v5_alias/incoming_alias_at_a_bad_place_closes.*above")


def test_mqtt5_3_3_2_13_the_response_topic_is_utf_8() -> None:
    scenarios5(OUT)
    for bad in ("\ud800", b"\xff", "a\0"):
        with pytest.raises(ValueError, match="response_topic"):
            encode_properties(3, {"response_topic": bad})


def test_mqtt5_3_3_2_14_the_response_topic_has_no_wildcard() -> None:
    scenarios5(
        "v5_publish/bad_property_is_a_value_error.wildcard", BROKEN + "response_topic_wildcard"
    )
    for place in (0, 3):
        for bad in ("#", "a/+", "+/a"):
            with pytest.raises(ValueError, match="response_topic"):
                encode_properties(place, {"response_topic": bad})


def test_mqtt5_3_3_2_15_the_response_topic_is_told() -> None:
    scenarios5(IN)


def test_mqtt5_3_3_2_16_correlation_data_are_told() -> None:
    scenarios5(IN)
    rig = connected()
    for data in (b"", b"\0\xff", bytes(range(256))):
        block = encode_properties(3, {"correlation_data": data})
        rig.feed(publish(b"t", b"", block=bytes(block)))
        assert rig.messages.pop()[6] == {"correlation_data": data}


def test_mqtt5_3_3_2_17_user_properties_are_told() -> None:
    scenarios5(IN, "v5_publish/properties_of_a_streamed_message")


def test_mqtt5_3_3_2_18_user_properties_keep_their_order() -> None:
    scenarios5(IN, OUT)
    pairs = [("b", "1"), ("a", "2"), ("b", "1"), ("", ""), ("a", "0")]
    rig = connected()
    rig.publish("t", b"", 0, properties={"user_property": pairs})
    parser = Parser()
    parser.feed(CONNECT)
    (packet,) = parser.feed(rig.drain())
    assert packet["properties"] == {"user_property": pairs}
    rig.feed(packet["raw"])
    assert rig.messages[0][6] == {"user_property": pairs}


def test_mqtt5_3_3_2_19_the_content_type_is_utf_8() -> None:
    scenarios5(OUT, "v5_publish/bad_property_is_a_value_error.null")
    with pytest.raises(ValueError, match="content_type"):
        encode_properties(3, {"content_type": b"\xff"})


def test_mqtt5_3_3_2_20_the_content_type_is_told() -> None:
    scenarios5(IN)


def test_mqtt5_3_3_4_1_each_publish_is_answered_as_its_qos_demands() -> None:
    scenarios5(
        *("conformance/qos_0_is_not_answered", "receive/qos_1_is_acknowledged_with_its_id"),
        "receive/qos_2_is_acknowledged_with_its_id",
    )


def test_mqtt5_3_3_4_3_a_message_brings_its_identifiers() -> None:
    scenarios5("v5_subscribe/identifiers_lead_to_the_handler", IN)


def test_mqtt5_3_3_4_4_a_message_for_several_subscriptions_goes_to_each() -> None:
    scenarios5("v5_subscribe/identifiers_lead_to_the_handler")
    rig = Rig5()
    seen: list[int] = []
    rig.subscribe("a", 0, lambda m: seen.append(1), identifier=1)
    rig.subscribe("#", 0, lambda m: seen.append(2), identifier=2)
    rig.subscribe("+", 0, lambda m: seen.append(3), identifier=3)
    rig.connect()
    rig.feed(publish(b"a", b"", block=b"\4\x0b\1\x0b\2"))
    assert sorted(seen) == [1, 2]


def test_mqtt5_3_3_4_5_a_message_per_subscription_goes_to_its_own() -> None:
    scenarios5("v5_subscribe/identifiers_lead_to_the_handler")
    rig = Rig5()
    seen: list[int] = []
    rig.subscribe("a", 0, lambda m: seen.append(1), identifier=1)
    rig.subscribe("#", 0, lambda m: seen.append(2), identifier=2)
    rig.connect()
    for number in (1, 2, 2, 1):
        rig.feed(publish(b"a", b"", block=bytes((2, 0x0B, number))))
    assert seen == [1, 2, 2, 1]


def test_mqtt5_3_3_4_6_a_client_s_publish_has_no_subscription_identifier() -> None:
    scenarios5("v5_publish/bad_property_is_a_value_error.subscription_identifier")
    with pytest.raises(ValueError, match="subscription_identifier"):
        connected().publish("t", b"", 0, properties={"subscription_identifier": 1})


def test_mqtt5_3_3_4_7_the_server_s_receive_maximum_is_kept() -> None:
    scenarios5(
        *("v5_limits/quota_holds_back_publish_and_nothing_else", "v5_limits/refusals_give_*"),
        "v5_limits/unknown_acks_do_not_raise_the_quota",
    )


def test_mqtt5_3_3_4_8_it_holds_back_nothing_but_publish() -> None:
    scenarios5("v5_limits/quota_holds_back_publish_and_nothing_else", "window/full_window_still_*")


def test_mqtt5_3_3_4_9_our_receive_maximum_is_demanded() -> None:
    scenarios5(
        *("v5_limits/more_messages_than_our_receive_maximum_are_answered_by_0x93",),
        "v5_limits/our_receive_maximum_is_used_to_the_full_again_and_again",
    )


def listed(name: str, first: int, **options: object) -> None:
    """Received reason codes of an ack: those of the standard and no others."""
    for code in range(256):
        rig = connected(**options)
        if first in (0x40, 0x50, 0x70):
            rig.publish(qos=1 if first == 0x40 else 2)
            rig.drain()
        if first == 0x62:
            rig.feed(publish(b"t", b"", 2, 1))
            rig.drain()
        if first == 0x70:
            rig.exchange(ack(0x50, 1))
        if code in ACCEPTED[name]:
            rig.feed(ack(first, 1, code))
        else:
            with pytest.raises(ProtocolError):
                rig.feed(ack(first, 1, code))


def all_acks(*steps: bytes) -> set[tuple[str, int, bool]]:
    """(type, reason code, with properties) of all acks that a client sends in these cases."""
    seen = set()
    parser = Parser()
    parser.feed(CONNECT)
    rig = connected(check_payload_format=True, rx_size=64, read_size=32,
                    properties={"maximum_packet_size": None})  # fmt: skip
    for step in steps:
        for packet in parser.feed(rig.exchange(step)):
            seen.add((packet["type"], packet["reason_code"], bool(packet["properties"])))
    return seen


STEPS = (
    publish(b"t", b"", 1, 1), publish(b"t", b"", 2, 2), ack(0x62, 2), ack(0x62, 3),
    ack(0x50, 9), publish(b"t", b"\xff", 1, 4, block=b"\2\1\1"),
    publish(b"t", b"\xff", 2, 5, block=b"\2\1\1"), publish(b"t", b"x" * 200, 1, 6),
    publish(b"t", b"x" * 200, 2, 7), ack(0x62, 7), ack(0x62, 7, 0x92),
)  # fmt: skip


def test_mqtt5_3_4_2_1_reason_codes_of_puback_are_listed_ones() -> None:
    scenarios5(BROKEN + "puback_code_*", "v5_publish/refused_publish_is_raised.puback_*")
    listed("PUBACK", 0x40)
    assert {one[1] for one in all_acks(*STEPS) if one[0] == "PUBACK"} == {0, 0x99}


def test_mqtt5_3_4_2_2_puback_has_no_reason_string() -> None:
    assert not any(one[2] for one in all_acks(*STEPS) if one[0] == "PUBACK")


def test_mqtt5_3_4_2_3_puback_has_no_user_properties() -> None:
    rig = connected()
    assert rig.exchange(publish(b"t", b"", 1, 1)) == b"\x40\2\0\1"
    assert not any(one[2] for one in all_acks(*STEPS) if one[0] == "PUBACK")


def test_mqtt5_3_5_2_1_reason_codes_of_pubrec_are_listed_ones() -> None:
    scenarios5(BROKEN + "pubrec_code_*", "v5_publish/refused_publish_is_raised.pubrec_*")
    listed("PUBREC", 0x50)
    assert {one[1] for one in all_acks(*STEPS) if one[0] == "PUBREC"} == {0, 0x99}


def test_mqtt5_3_5_2_2_pubrec_has_no_reason_string() -> None:
    assert not any(one[2] for one in all_acks(*STEPS) if one[0] == "PUBREC")


def test_mqtt5_3_5_2_3_pubrec_has_no_user_properties() -> None:
    assert connected().exchange(publish(b"t", b"", 2, 1)) == b"\x50\2\0\1"
    assert not any(one[2] for one in all_acks(*STEPS) if one[0] == "PUBREC")


def test_mqtt5_3_6_1_1_pubrel_begins_with_62() -> None:
    scenarios5(
        *("conformance/first_byte_of_each_packet", "conformance/pubrel_again_*"),
        BROKEN + "pubrel_flags",
    )


def test_mqtt5_3_6_2_1_the_reason_code_of_pubrel_is_0_or_0x92() -> None:
    scenarios5("v5_publish/ids_that_are_not_known_get_0x92", BROKEN + "pubrel_code_10")
    listed("PUBREL", 0x62)
    assert {one[1] for one in all_acks(*STEPS) if one[0] == "PUBREL"} == {0x92}


def test_mqtt5_3_6_2_2_pubrel_has_no_reason_string() -> None:
    assert connected().exchange(ack(0x50, 9)) == b"\x62\3\0\x09\x92"
    assert not any(one[2] for one in all_acks(*STEPS) if one[0] == "PUBREL")


def test_mqtt5_3_6_2_3_pubrel_has_no_user_properties() -> None:
    rig = connected()
    rig.publish(qos=2)
    rig.drain()
    long = frame(0x50, b"\0\1\0" + encode_properties(5, {"user_property": [("a", "b" * 90)]}))
    assert rig.exchange(long) == b"\x62\2\0\1"


def test_mqtt5_3_7_2_1_the_reason_code_of_pubcomp_is_0_or_0x92() -> None:
    scenarios5(
        *("v5_publish/ids_that_are_not_known_get_0x92", BROKEN + "pubcomp_code_80"),
        "v5_publish/pubcomp_0x92_ends_the_flow",
    )
    listed("PUBCOMP", 0x70)
    assert {one[1] for one in all_acks(*STEPS) if one[0] == "PUBCOMP"} == {0, 0x92}


def test_mqtt5_3_7_2_2_pubcomp_has_no_reason_string() -> None:
    assert connected().exchange(ack(0x62, 9)) == b"\x70\3\0\x09\x92"
    assert not any(one[2] for one in all_acks(*STEPS) if one[0] == "PUBCOMP")


def test_mqtt5_3_7_2_3_pubcomp_has_no_user_properties() -> None:
    rig = connected()
    rig.exchange(publish(b"t", b"", 2, 1))
    long = frame(0x62, b"\0\1\0" + encode_properties(6, {"user_property": [("a", "b" * 90)]}))
    assert rig.exchange(long) == b"\x70\2\0\1"


def test_u5_6_too_many_messages_are_answered_by_0x93() -> None:
    scenarios5("v5_limits/more_messages_than_our_receive_maximum_are_answered_by_0x93")


def test_u5_7_bad_aliases_are_answered_by_0x94_and_0x82() -> None:
    scenarios5("v5_alias/incoming_alias_at_a_bad_place_closes")


def test_u5_14_acks_leave_out_what_says_nothing() -> None:
    scenarios5("v5_publish/acks_in_all_their_forms")
    rig = connected()
    rig.publish(qos=2)
    rig.drain()
    assert rig.exchange(ack(0x50, 1, 0, b"\0")) == b"\x62\2\0\1"
    assert rig.exchange(publish(b"t", b"", 1, 7) + publish(b"t", b"", 2, 8)) == (
        b"\x40\2\0\7\x50\2\0\x08"
    )
    assert rig.exchange(ack(0x62, 8, 0)) == b"\x70\2\0\x08"


def test_u5_15_payload_format_may_be_checked() -> None:
    scenarios5(
        "v5_publish/payload_format_is_checked_when_asked", "v5_publish/payload_format_is_n*"
    )
