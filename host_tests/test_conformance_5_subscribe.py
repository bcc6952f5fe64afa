"""MQTT 5.0, sections 3.8 to 3.12: SUBSCRIBE, UNSUBSCRIBE, PINGREQ."""

from __future__ import annotations

import pytest
from conformance_kit5 import scenarios5
from strict5 import ACCEPTED
from umqtt_full.errors import ProtocolError
from unit_rig5 import Rig5, frame, publish

BAD_FILTER = "bad_arguments/bad_filter."
BYTES = "v5_subscribe/subscribe_bytes."


def asked(verb: str, *filters: str) -> Rig5:
    """A session whose SUBSCRIBE or UNSUBSCRIBE, id 1, is not answered yet."""
    rig = Rig5()
    rig.connect()
    for one in filters:
        if verb == "subscribe":
            rig.subscribe(one, 1)
        else:
            rig.session.subscriptions.remove(one)
    assert rig.drain()
    return rig


def codes(first: int, *some: int) -> bytes:
    """A SUBACK (0x90) or UNSUBACK (0xB0) for id 1."""
    return frame(first, b"\0\1\0" + bytes(some))


def test_mqtt5_3_8_1_1_subscribe_begins_with_82() -> None:
    scenarios5("conformance/first_byte_of_each_packet", BYTES + "plain")


def test_mqtt5_3_8_3_1_filters_are_utf_8() -> None:
    scenarios5(
        *("subscribe/subscribe_bytes.non_ascii", BAD_FILTER + "surrogate"),
        BAD_FILTER + "bytes_not_utf_8",
    )


def test_mqtt5_3_8_3_2_subscribe_has_a_filter_and_its_options() -> None:
    scenarios5(
        *("bad_arguments/no_filter_at_all", "subscribe/several_filters_in_one_packet"),
        BYTES + "all_options",
    )


def test_mqtt5_3_8_3_3_no_local_is_bit_2() -> None:
    scenarios5(BYTES + "no_local", "v5_subscribe/options_of_a_handler")


def test_mqtt5_3_8_3_4_a_shared_subscription_is_never_no_local() -> None:
    scenarios5("v5_subscribe/bad_options_are_value_errors.no_local_*", BYTES + "shared")
    for name in ("$share/g/a", b"$share/g/#"):
        with pytest.raises(ValueError, match="no_local"):
            Rig5().subscribe(name, no_local=True)


def test_mqtt5_3_8_3_5_reserved_options_are_not_used() -> None:
    scenarios5("v5_subscribe/bad_options_are_value_errors.*_3", BYTES + "*")
    for qos in range(3):
        for bits in range(12):
            rig = Rig5()
            rig.connect()
            rig.subscribe(
                *("a", qos),
                no_local=bool(bits & 1),
                retain_as_published=bool(bits & 2),
                retain_handling=bits >> 2,
            )
            assert rig.drain()[-1] == qos | (bits & 1) << 2 | (bits & 2) << 2 | bits >> 2 << 4


def test_mqtt5_3_8_4_1_suback_is_waited_for_in_bounded_time() -> None:
    scenarios5("subscribe/suback_lost_ends_in_time", "subscribe/refused_filter_is_a_reason_error")


def test_mqtt5_3_8_4_2_suback_has_the_id_of_its_subscribe() -> None:
    scenarios5(
        "acks/subacks_in_reverse_order_are_credited_rightly", "subscribe/late_suback_is_borne"
    )


def test_mqtt5_3_8_4_6_each_filter_has_its_reason_code() -> None:
    scenarios5(
        "v5_subscribe/refusal_in_a_list_is_in_the_list", "v5_subscribe/bad_suback_closes.*_code*"
    )


def test_mqtt5_3_8_4_7_it_is_the_qos_or_why_not() -> None:
    scenarios5(
        *("v5_subscribe/refusal_is_raised", "v5_subscribe/refusal_of_a_handler_is_told"),
        "subscribe/lower_qos_granted_is_told",
    )


def test_mqtt5_3_8_4_8_messages_come_at_the_lower_qos() -> None:
    scenarios5("subscribe/lower_qos_granted_is_told")
    rig = asked("subscribe", "t")  # at QoS 1; 0 is granted, and messages of any QoS are taken
    rig.feed(codes(0x90, 0))
    assert rig.exchange(publish(b"t", b"") + publish(b"t", b"", 1, 3)) == b"\x40\2\0\3"


def test_mqtt5_3_9_3_1_reason_codes_are_in_the_order_of_filters() -> None:
    scenarios5("conformance/codes_follow_the_order_of_filters", "v5_subscribe/refusal_in_a_*")


def test_mqtt5_3_9_3_2_other_reason_codes_of_suback_close() -> None:
    scenarios5("v5_subscribe/bad_suback_closes.code_*", "subscribe/suback_violation_closes")
    for code in range(256):
        rig = asked("subscribe", "a")
        if code in ACCEPTED["SUBACK"]:
            rig.feed(codes(0x90, code))
            assert rig.pending(1) == []
        else:
            with pytest.raises(ProtocolError):
                rig.feed(codes(0x90, code))


def test_mqtt5_3_10_1_1_unsubscribe_begins_with_a2() -> None:
    scenarios5("conformance/first_byte_of_each_packet", "v5_subscribe/unsubscribe_bytes")


def test_mqtt5_3_10_3_1_filters_of_unsubscribe_are_utf_8() -> None:
    scenarios5("subscribe/unsubscribe_bytes", BAD_FILTER + "surrogate")


def test_mqtt5_3_10_3_2_unsubscribe_has_a_filter() -> None:
    scenarios5("bad_arguments/no_filter_at_all", "v5_subscribe/unsubscribe_bytes")


def test_mqtt5_3_10_4_3_deliveries_that_have_begun_end_after_unsubscribe() -> None:
    scenarios5(
        "v5_subscribe/deliveries_go_on_after_unsubscribe",
        "receive/started_delivery_ends_after_unsubscribe",
    )


def test_mqtt5_3_10_4_4_unsuback_is_waited_for_in_bounded_time() -> None:
    scenarios5(
        *("subscribe/unsuback_lost_or_of_another_id_ends_in_time",),
        "v5_subscribe/bad_unsuback_closes",
    )


def test_mqtt5_3_10_4_5_unsuback_has_the_id_of_its_unsubscribe() -> None:
    scenarios5("conformance/unsubacks_are_credited_by_their_id", "v5_subscribe/unsubscribe_bytes")


def test_mqtt5_3_11_3_1_codes_of_unsuback_are_in_the_order_of_filters() -> None:
    scenarios5("v5_subscribe/unsubscribe_bytes", "v5_subscribe/refused_unsubscribe_is_raised")
    for some in ((0,), (0, 0, 0)):
        with pytest.raises(ProtocolError):
            asked("unsubscribe", "a", "b").feed(codes(0xB0, *some))
    asked("unsubscribe", "a", "b").feed(codes(0xB0, 0, 0x11))


def test_mqtt5_3_11_3_2_other_reason_codes_of_unsuback_close() -> None:
    scenarios5("v5_subscribe/bad_unsuback_closes.code_*")
    for code in range(256):
        rig = asked("unsubscribe", "a")
        if code in ACCEPTED["UNSUBACK"]:
            rig.feed(codes(0xB0, code))
            assert rig.pending(1) == []
        else:
            with pytest.raises(ProtocolError):
                rig.feed(codes(0xB0, code))


def test_mqtt5_3_12_4_1_pingresp_answers_pingreq() -> None:
    scenarios5(
        *("keep_alive/idle_client_pings", "keep_alive/pingresp_lost_closes_in_time"),
        "keep_alive/ping_bytes",
    )


def test_u5_8_what_the_broker_has_not_is_not_asked_for() -> None:
    scenarios5(
        "v5_subscribe/what_the_broker_has_not_is_not_asked_for",
        "v5_subscribe/what_a_new_broker_has_not_is_told_and_not_asked_for",
    )
