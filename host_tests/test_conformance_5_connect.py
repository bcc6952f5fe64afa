"""MQTT 5.0, sections 3.1 and 3.2: CONNECT and CONNACK."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conformance_kit5 import connect5, connects5, flags_of, read5, scenarios5
from strict5 import ACCEPTED
from umqtt_full.errors import ProtocolError, ReasonError
from umqtt_full.resume import attach
from umqtt_full.store import Store
from unit_rig5 import RESUMED, Rig5, connack, publish

BAD = "bad_arguments/bad_client."
BYTES = "connect/connect_bytes."
FIELDS = "connect/connect_fields."
WRONG = "v5_connect/connack_malformed_closes."


def flag_follows(mask: int, wanted: Callable[[dict[str, Any]], int]) -> None:
    """The connect flags under the mask are as wanted for each combination of options."""
    for options, raw, _ in connects5():
        assert flags_of(raw) & mask == wanted(options), options


def test_mqtt5_3_1_0_1_connect_is_the_first_packet() -> None:
    scenarios5(
        *("connect/nothing_is_sent_before_connect", "conformance/ping_before_connect_*"),
        "conformance/queued_before_connect_waits_for_connack",
    )


def test_mqtt5_3_1_0_2_a_connection_has_one_connect() -> None:
    scenarios5(
        "conformance/connect_twice_sends_one_connect", "connect/connect_again_after_disconnect"
    )


def test_mqtt5_3_1_2_1_the_protocol_name_is_mqtt() -> None:
    scenarios5("v5_connect/connect_bytes.least")
    for _, raw, _ in connects5():
        assert raw[flag_place(raw) - 7 : flag_place(raw) - 1] == b"\0\4MQTT"


def flag_place(raw: bytes) -> int:
    """Where the connect flags are."""
    return 9 + (raw[1] > 127)


def test_mqtt5_3_1_2_2_the_version_is_5_and_its_refusal_is_told() -> None:
    scenarios5(
        *("v5_connect/connect_says_version_5", "v5_connect/refusal_is_a_reason_error.84"),
        "v5_connect/broker_of_3_1_1_is_told",
    )
    assert all(raw[flag_place(raw) - 1] == 5 for _, raw, _ in connects5())


def test_mqtt5_3_1_2_3_the_reserved_connect_flag_is_0() -> None:
    flag_follows(0x01, lambda options: 0)


def test_mqtt5_3_1_2_4_clean_start_reuses_nothing() -> None:
    scenarios5(
        *("resume/clean_session_never_uses_what_was_before", "resume/qos_2_received_is_new_*"),
        *("conformance/clean_session_forgets_both_directions",),
        "v5_connect/session_present_after_clean_start_is_a_violation",
    )
    flag_follows(0x02, lambda options: 2 * options["clean_start"])


def test_mqtt5_3_1_2_9_a_will_has_properties_topic_and_payload() -> None:
    scenarios5("v5_connect/will")
    flag_follows(0x04, lambda options: 4 * bool(options["will"]))
    for options, _, packet in connects5():
        will = options["will"]
        assert (packet["will"] or ())[:2] == (will or ())[:2]
        assert packet["will_properties"] == ((will and will[4]) or {})


def test_mqtt5_3_1_2_11_without_a_will_its_qos_is_0() -> None:
    flag_follows(0x18, lambda options: (options["will"] or (0, 0, 0))[2] << 3)


def test_mqtt5_3_1_2_12_the_qos_of_a_will_is_never_3() -> None:
    scenarios5(BAD + "will_qos_*", FIELDS + "will_qos_*")
    flag_follows(0x18, lambda options: (options["will"] or (0, 0, 0))[2] << 3)


def test_mqtt5_3_1_2_13_without_a_will_its_retain_flag_is_0() -> None:
    flag_follows(0x20, lambda options: 0x20 * bool(options["will"] and options["will"][3]))


def test_mqtt5_3_1_2_16_without_the_flag_there_is_no_user_name() -> None:
    scenarios5("v5_connect/login.none", "v5_connect/login.*password")
    flag_follows(0x80, lambda options: 0x80 * (options["username"] is not None))


def test_mqtt5_3_1_2_17_with_the_flag_there_is_a_user_name_even_if_empty() -> None:
    scenarios5("v5_connect/login.name", FIELDS + "empty_username")
    for options, raw, packet in connects5():
        if flags_of(raw) & 0x80:
            assert packet["username"] == options["username"]


def test_mqtt5_3_1_2_18_without_the_flag_there_is_no_password() -> None:
    scenarios5("v5_connect/login.name", "v5_connect/login.none")
    flag_follows(0x40, lambda options: 0x40 * (options["password"] is not None))


def test_mqtt5_3_1_2_19_a_password_needs_no_user_name() -> None:
    scenarios5("v5_connect/login.*password", "v5_connect/login.both")
    for options, raw, packet in connects5():
        if flags_of(raw) & 0x40:
            assert packet["password"] == options["password"]


def test_mqtt5_3_1_2_20_an_idle_client_pings() -> None:
    scenarios5("keep_alive/idle_client_pings", "keep_alive/waiting_for_an_ack_pings")


def test_mqtt5_3_1_2_21_the_keep_alive_of_the_server_counts() -> None:
    scenarios5("v5_connect/server_keep_alive_*")


def test_mqtt5_3_1_2_23_a_session_is_kept_beyond_its_connection(tmp_path: Path) -> None:
    scenarios5(
        *("resume/publish_is_sent_again_with_dup_and_the_same_id", "resume/qos_2_received_is_d*"),
        "v5_connect/properties_of_connect.session_for_an_hour",
    )
    first, second = Rig5(), Rig5()
    for rig in (first, second):  # as if the power had been lost between them
        attach(Store(str(tmp_path)), rig.session, "host", 1883)
        if rig is first:
            rig.connect()
            rig.publish(qos=1)
            assert rig.drain() == b"\x32\7\0\1t\0\1\0x"
    assert second.connect(RESUMED) == b"\x3a\7\0\1t\0\1\0x"


def test_mqtt5_3_1_2_24_a_packet_above_our_maximum_is_not_taken() -> None:
    scenarios5(
        *("v5_limits/message_above_our_maximum_is_answered_by_0x95",),
        *("v5_limits/longest_message_is_taken", "v5_connect/properties_of_connect.packet_size_*"),
    )


def test_mqtt5_3_1_2_26_an_alias_above_our_maximum_is_not_taken() -> None:
    scenarios5("v5_alias/incoming_alias_at_a_bad_place_closes.*above")


def test_mqtt5_3_1_2_27_without_a_maximum_no_alias_is_taken() -> None:
    scenarios5(
        "v5_alias/without_a_maximum_no_alias_is_announced_or_taken",
        "v5_alias/incoming_alias_at_a_bad_place_closes.none_allowed",
    )


def test_mqtt5_3_1_2_28_response_information_is_asked_for() -> None:
    scenarios5("v5_connect/properties_of_connect.requests", "v5_connect/connack_is_kept")
    assert "request_response_information" not in read5(connect5())["properties"]


def test_mqtt5_3_1_2_29_problem_information_can_be_declined() -> None:
    scenarios5("v5_connect/properties_of_connect.requests")
    raw = connect5(properties={"request_problem_information": 0})
    assert read5(raw)["properties"]["request_problem_information"] == 0
    assert "request_problem_information" not in read5(connect5())["properties"]


def test_mqtt5_3_1_2_30_only_auth_or_disconnect_before_connack() -> None:
    scenarios5("v5_auth/only_auth_before_connack", "v5_auth/challenge_and_response")


def test_mqtt5_3_1_3_1_the_payload_has_its_order() -> None:
    scenarios5("v5_connect/will.all_properties")
    raw = connect5(
        client_id="i", clean_start=True, username="u", password="p",
        properties={"receive_maximum": 1, "maximum_packet_size": None},
        will=("w", b"m", 1, True, {"content_type": "t"}),
    )  # fmt: skip
    tail = b"\0\1i\4\3\0\1t\0\1w\0\1m\0\1u\0\1p"
    assert raw == b"\x10\x22\0\4MQTT\5\xee\0\x3c\3\x21\0\1" + tail


def test_mqtt5_3_1_3_2_the_client_id_names_the_session() -> None:
    scenarios5("v5_connect/assigned_client_id_is_used_from_then_on")
    rig = Rig5(client_id="one")
    for _ in range(3):
        rig.session.open()
        assert read5(rig.drain())["client_id"] == "one"


def test_mqtt5_3_1_3_3_the_client_id_is_there_and_first() -> None:
    scenarios5(FIELDS + "long_client_id", BYTES + "default", "v5_connect/assigned_client_id_*")
    assert connect5(client_id="", clean_start=True).endswith(b"\0\0")


def test_mqtt5_3_1_3_4_the_client_id_is_utf_8() -> None:
    scenarios5(FIELDS + "non_ascii_client_id", BAD + "client_id_*")


def test_mqtt5_3_1_3_7_an_assigned_client_id_is_demanded_and_taken() -> None:
    scenarios5(
        "v5_connect/assigned_client_id_is_used_from_then_on",
        "v5_connect/empty_client_id_without_an_assigned_one_is_a_violation",
    )


def test_mqtt5_3_1_3_8_the_refusal_of_a_client_id_is_told() -> None:
    scenarios5(
        *("v5_connect/refusal_is_a_reason_error.85", "conformance/empty_client_id_may_be_refused"),
        *("conformance/refusal_at_a_reconnect_*", "conformance/refusal_ends_connect_and_*"),
    )


def test_mqtt5_3_1_3_11_the_will_topic_is_utf_8() -> None:
    scenarios5("v5_connect/will.qos_2_retained", BAD + "will_topic_*", FIELDS + "will_text_*")


def test_mqtt5_3_1_3_12_the_user_name_is_utf_8() -> None:
    scenarios5("v5_connect/login.both", BAD + "username_*")


def test_mqtt5_3_1_4_3_who_is_pushed_out_is_told() -> None:
    scenarios5("v5_disconnect/disconnect_of_the_broker_is_raised.8e")


def test_mqtt5_3_2_0_1_connack_comes_first() -> None:
    scenarios5(
        *("v5_connect/another_packet_before_connack_closes",),
        *("connack/another_packet_before_connack_closes", "v5_auth/challenge_and_response"),
    )


def test_mqtt5_3_2_0_2_there_is_one_connack() -> None:
    scenarios5("v5_connect/second_connack_closes", "connack/second_connack_closes")


def test_mqtt5_3_2_2_1_the_flags_of_connack_are_reserved() -> None:
    scenarios5(WRONG + "reserved_flag", WRONG + "all_flags")


def test_mqtt5_3_2_2_2_a_clean_start_is_never_present() -> None:
    scenarios5(
        *("v5_connect/session_present_after_clean_start_is_a_violation",),
        "connack/clean_session_has_none_present",
    )


def test_mqtt5_3_2_2_3_session_present_is_told() -> None:
    scenarios5("connack/session_present_is_told", "connect/connect_again_after_disconnect")


def test_mqtt5_3_2_2_4_an_unknown_session_is_not_gone_on_with() -> None:
    scenarios5("v5_connect/session_present_of_an_unknown_session_is_not_taken")
    rig = Rig5()
    rig.session.open()
    with pytest.raises(ProtocolError):
        rig.feed(RESUMED)
    assert not rig.session.connected


def test_mqtt5_3_2_2_5_a_lost_session_is_dropped_and_made_anew() -> None:
    scenarios5(
        *("resume/lost_session_sends_as_new", "resume/lost_session_past_pubrec_counts_as_done"),
        *("resume/qos_2_received_is_new_when_the_session_was_lost",),
        "subscribe/subscriptions_are_made_again_when_the_session_is_lost",
    )


def test_mqtt5_3_2_2_6_a_refusal_has_no_session() -> None:
    scenarios5(
        "v5_connect/session_present_with_a_refusal_is_no_session",
        "v5_publish/refusal_with_session_present_resumes_nothing",
    )


def test_mqtt5_3_2_2_7_a_refusal_ends_the_connection() -> None:
    scenarios5(
        *("v5_connect/refusal_is_a_reason_error", "connack/return_code_and_close"),
        "conformance/queued_before_a_refusal_is_not_sent_by_it",
    )


def test_mqtt5_3_2_2_8_reason_codes_of_connack_are_listed_ones() -> None:
    scenarios5("v5_connect/reason_code_that_is_not_listed_closes")
    for code in range(1, 256):
        rig = Rig5()
        rig.session.open()
        rig.drain()
        error = ReasonError if code in ACCEPTED["CONNACK"] else ProtocolError
        with pytest.raises(error):
            rig.feed(connack(code=code))


def test_mqtt5_3_2_2_11_no_qos_above_the_server_s() -> None:
    scenarios5(
        *("v5_limits/limits_of_the_broker_are_kept_before_anything_is_sent.qos_*",),
        *("v5_limits/limits_of_the_broker_are_reached.qos_*",),
        "v5_limits/what_a_new_broker_does_not_take_is_given_up.qos",
    )


def test_mqtt5_3_2_2_14_nothing_is_retained_where_it_is_not_to_be() -> None:
    scenarios5(
        "v5_limits/limits_of_the_broker_are_kept_before_anything_is_sent.retain*",
        "v5_limits/what_a_new_broker_does_not_take_is_given_up.retain",
    )


def test_mqtt5_3_2_2_15_no_packet_is_longer_than_the_server_allows() -> None:
    scenarios5(
        *("v5_limits/limits_of_the_broker_are_kept_before_anything_is_sent.size_*",),
        *("v5_limits/limits_of_the_broker_are_reached.size_*",),
        *("v5_limits/subscribe_that_is_too_long_is_not_sent",),
        *("v5_limits/what_a_new_broker_does_not_take_is_given_up.size",),
        "v5_disconnect/disconnect_that_is_too_long_goes_without_its_strings",
    )


def test_mqtt5_3_2_2_16_the_assigned_client_id_is_ours() -> None:
    scenarios5("v5_connect/assigned_client_id_is_used_from_then_on")


def test_mqtt5_3_2_2_17_no_alias_is_above_the_server_s_maximum() -> None:
    scenarios5(
        *("v5_alias/least_recently_used_alias_is_given_away",),
        "v5_alias/fixed_aliases_above_the_maximum_are_not_used",
    )


def test_mqtt5_3_2_2_18_without_a_maximum_there_is_no_alias() -> None:
    scenarios5(
        "v5_alias/no_alias_without_being_asked", "v5_alias/no_alias_where_the_broker_takes_none"
    )


def test_mqtt5_3_2_2_21_the_keep_alive_of_connack_counts() -> None:
    scenarios5("v5_connect/server_keep_alive_*", "keep_alive/no_keep_alive_no_ping")


def test_u5_11_authentication_data_need_a_method() -> None:
    scenarios5("v5_auth/no_data_at_first", "v5_auth/without_a_method_there_is_no_auth")
    with pytest.raises(ValueError, match="authentication"):
        connect5(properties={"authentication_data": b"x"})
    rig = Rig5(authentication=("m", lambda data: b"d"))
    rig.session.open()
    own = read5(rig.drain())["properties"]
    assert (own["authentication_method"], own["authentication_data"]) == ("m", b"d")


def test_u5_12_session_expiry() -> None:
    scenarios5("v5_connect/properties_of_connect.*clean_start*", "v5_connect/connack_is_kept")
    for expiry, clean, wanted in (
        (None, False, 0xFFFFFFFF), (None, True, None), (0, False, None), (7, True, 7),
        (0xFFFFFFFF, True, 0xFFFFFFFF),
    ):  # fmt: skip
        raw = connect5(session_expiry_interval=expiry, clean_start=clean)
        assert (read5(raw)["properties"].get("session_expiry_interval") or None) == wanted
    with pytest.raises(ValueError, match="session_expiry_interval"):
        connect5(session_expiry_interval=2**32)


def test_u5_5_a_packet_that_is_too_long_is_answered_by_0x95() -> None:
    scenarios5("v5_limits/message_above_our_maximum_is_answered_by_0x95")
    rig = Rig5(properties={"maximum_packet_size": 50})
    rig.connect()
    rig.feed(publish(b"t", b"x" * 44))
    with pytest.raises(ProtocolError) as caught:
        rig.feed(publish(b"t", b"x" * 45))
    assert caught.value.reason_code == 0x95
