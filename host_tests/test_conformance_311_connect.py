"""MQTT 3.1.1, sections 3.1, 3.2, 3.12 and 3.14: CONNECT, CONNACK, pings, DISCONNECT."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from conformance_kit import connect_packet, connects, expected_fields, fields, scenarios
from strict import Parser
from umqtt_full.resume import attach
from umqtt_full.store import Store
from unit_rig import RESUMED, Rig

BAD = "bad_arguments/bad_client."
BYTES = "connect/connect_bytes."
FIELDS = "connect/connect_fields."


def refused(**options: object) -> None:
    """No CONNECT can be made of these options."""
    with pytest.raises(ValueError):
        connect_packet(**{"client_id": "c", **options})  # type: ignore[arg-type]


def flag_follows(mask: int, wanted: Callable[[dict[str, object]], int]) -> None:
    """The connect flags under the mask are as wanted for each combination of options."""
    for options, raw, _ in connects():
        assert raw[9] & mask == wanted(options), options


def test_mqtt_3_1_0_1_connect_is_the_first_packet() -> None:
    scenarios(
        *("connect/nothing_is_sent_before_connect", "conformance/ping_before_connect_*"),
        "conformance/queued_before_connect_waits_for_connack",
    )


def test_mqtt_3_1_0_2_a_connection_has_one_connect() -> None:
    scenarios(
        "conformance/connect_twice_sends_one_connect", "connect/connect_again_after_disconnect"
    )


def test_mqtt_3_1_2_1_the_protocol_name_is_mqtt() -> None:
    scenarios(BYTES + "default")
    assert all(raw[2:8] == b"\0\4MQTT" for _, raw, _ in connects())


def test_mqtt_3_1_2_2_the_level_is_4_and_its_refusal_is_told() -> None:
    scenarios(
        *(BYTES + "default", "connack/return_code_is_a_reason_error.1_*"),
        "conformance/refusal_ends_connect_and_is_not_tried_again.1",
    )
    assert all(raw[8] == 4 for _, raw, _ in connects())


def test_mqtt_3_1_2_3_the_reserved_connect_flag_is_0() -> None:
    flag_follows(0x01, lambda options: 0)


def test_mqtt_3_1_2_4_the_session_goes_on_without_clean_session(tmp_path: Path) -> None:
    flag_follows(0x02, lambda options: 2 * bool(options["clean_session"]))
    scenarios(
        *("resume/publish_is_sent_again_with_dup_and_the_same_id", "resume/qos_2_received_is_d*"),
        "reconnect/subscribed_again_only_when_the_session_was_lost",
    )
    first, second = Rig(), Rig()
    for rig in (first, second):  # as if the power had been lost between them
        attach(Store(str(tmp_path)), rig.session, "host", 1883)
        if rig is first:
            rig.connect(RESUMED)
            rig.publish(qos=1)
            assert rig.drain() == b"\x32\6\0\1t\0\1x"
    assert second.connect(RESUMED) == b"\x3a\6\0\1t\0\1x"


def test_mqtt_3_1_2_6_a_clean_session_reuses_nothing() -> None:
    scenarios(
        *("resume/clean_session_never_uses_what_was_before", "resume/qos_2_received_is_new_*"),
        "conformance/clean_session_forgets_both_directions",
    )
    flag_follows(0x02, lambda options: 2 * bool(options["clean_session"]))


def test_mqtt_3_1_2_9_a_will_has_topic_and_message() -> None:
    flag_follows(0x04, lambda options: 4 * bool(options["will"]))
    for options, raw, packet in connects():
        will = options["will"]
        assert (packet["will"] or ())[:2] == (will or ())[:2]
        assert fields(raw)[1:3] == list(expected_fields(options)[1:3])


def test_mqtt_3_1_2_11_without_a_will_nothing_of_it_is_there() -> None:
    scenarios(BYTES + "default")
    flag_follows(0x04, lambda options: 4 * bool(options["will"]))
    for options, raw, _ in connects():
        if options["will"] is None:
            assert not raw[9] & 0x3C and fields(raw) == expected_fields(options)


def test_mqtt_3_1_2_13_without_a_will_its_qos_is_0() -> None:
    scenarios(BAD + "will_without_topic", BAD + "will_topic_none")
    flag_follows(0x18, lambda options: qos_of(options) << 3)


def test_mqtt_3_1_2_14_the_qos_of_a_will_is_never_3() -> None:
    scenarios(BAD + "will_qos_*", FIELDS + "will_qos_*")
    flag_follows(0x18, lambda options: qos_of(options) << 3)


def test_mqtt_3_1_2_15_without_a_will_its_retain_flag_is_0() -> None:
    flag_follows(0x20, lambda options: 0x20 * ((options["will"] or ())[3:] == (True,)))  # type: ignore[index]


def qos_of(options: dict[str, object]) -> int:
    """The QoS of the will, 0 without one."""
    will = options["will"]
    return will[2] if isinstance(will, tuple) and len(will) > 2 else 0


def test_mqtt_3_1_2_18_without_the_flag_there_is_no_user_name() -> None:
    flag_follows(0x80, lambda options: 0x80 * (options["username"] is not None))
    for options, raw, packet in connects():
        if options["username"] is None:
            assert packet["username"] is None and fields(raw) == expected_fields(options)


def test_mqtt_3_1_2_19_with_the_flag_there_is_a_user_name_even_if_empty() -> None:
    scenarios(FIELDS + "empty_username")
    for options, raw, packet in connects():
        if raw[9] & 0x80:
            assert packet["username"] == options["username"]


def test_mqtt_3_1_2_20_without_the_flag_there_is_no_password() -> None:
    scenarios(BYTES + "default", FIELDS + "username_without_password")
    flag_follows(0x40, lambda options: 0x40 * (options["password"] is not None))
    for options, raw, packet in connects():
        if options["password"] is None:
            assert packet["password"] is None and fields(raw) == expected_fields(options)


def test_mqtt_3_1_2_21_with_the_flag_there_is_a_password_of_any_bytes() -> None:
    scenarios(FIELDS + "*_password")
    for options, raw, packet in connects():
        if raw[9] & 0x40:
            assert packet["password"] == options["password"]


def test_mqtt_3_1_2_22_no_password_without_a_user_name() -> None:
    scenarios(BAD + "password_without_username")
    refused(password=b"")
    assert all(raw[9] & 0x80 or not raw[9] & 0x40 for _, raw, _ in connects())


def largest_gap(keep_alive: int, each_ms: int, inbound: bytes, outbound: bool) -> int:
    """The longest time between two packets of a client in ten minutes, in ms."""
    rig = Rig(keep_alive=keep_alive)
    rig.connect()
    last = gap = 0
    for now in range(0, 600000, each_ms):
        rig.feed(inbound)
        if outbound and now % (keep_alive * 1300) < each_ms:
            rig.publish(qos=0)
        assert rig.session.poll(now)
        if data := rig.drain():
            gap = max(gap, now - last)
            last = now
            rig.feed(b"\xd0\0" * data.count(b"\xc0\0"))
    return max(gap, 600000 - last)


def test_mqtt_3_1_2_23_no_gap_is_longer_than_the_keep_alive() -> None:
    for keep_alive in (1, 10, 100):
        for inbound in (b"", b"\x30\4\0\1ax"):
            for outbound in (False, True):
                gap = largest_gap(keep_alive, 250, inbound, outbound)
                assert gap <= keep_alive * 1000, (keep_alive, inbound, outbound, gap)
    assert largest_gap(0, 250, b"", False) == 600000
    scenarios(
        *("keep_alive/inbound_traffic_does_not_*", "keep_alive/waiting_for_an_ack_pings"),
        *("keep_alive/one_long_poll_pings", "keep_alive/no_keep_alive_no_ping"),
        *("keep_alive/idle_client_pings", "keep_alive/pings_go_on_while_an_answer_is_awaited"),
    )


def test_mqtt_3_1_3_1_the_payload_has_its_order() -> None:
    scenarios(BYTES + "everything_in_order")
    for options, raw, _ in connects():
        assert fields(raw) == expected_fields(options)


def test_mqtt_3_1_3_2_the_client_id_names_the_stored_session(tmp_path: Path) -> None:
    for client_id, host, kept in (("one", "host", False), ("one", "host", True),
                                  ("two", "host", False), ("two", "other", False),
                                  ("two", "other", True)):  # fmt: skip
        rig = Rig(client_id=client_id)
        attach(Store(str(tmp_path)), rig.session, host, 1883)
        sent = rig.connect(RESUMED)
        assert bool(sent) == kept, (client_id, host, sent)
        if not kept:
            rig.publish(qos=1)
            rig.drain()
    scenarios("resume/session_goes_on_at_the_first_connect")


def test_mqtt_3_1_3_3_the_client_id_is_there_and_first() -> None:
    scenarios(BYTES + "default", BYTES + "empty_client_id")
    assert all(fields(raw)[0] == b"dev" for _, raw, _ in connects())


def test_mqtt_3_1_3_4_the_client_id_is_utf_8() -> None:
    scenarios(FIELDS + "non_ascii_client_id", FIELDS + "long_client_id", BAD + "client_id_*")
    refused(client_id="\xfc" * 32768)
    refused(client_id=b"\xff")


def test_mqtt_3_1_3_7_an_empty_client_id_needs_clean_session() -> None:
    scenarios(BYTES + "empty_client_id", BAD + "empty_client_id_without_clean_session")


def test_mqtt_3_1_3_8_the_refusal_of_an_empty_client_id_is_told() -> None:
    scenarios("conformance/empty_client_id_may_be_refused")


def test_mqtt_3_1_3_9_the_refusal_of_a_client_id_is_told_without_a_storm() -> None:
    scenarios(
        *("connack/return_code_is_a_reason_error.2_*", "reconnect/refusal_by_the_broker_is_*"),
        *("conformance/refusal_ends_connect_*.2", "conformance/refusal_at_a_reconnect_*"),
    )


def test_mqtt_3_1_3_10_the_will_topic_is_utf_8() -> None:
    scenarios(FIELDS + "will_text_payload", BAD + "will_topic_*")
    for topic in ("\ud800", b"\xff", "\xfc" * 32768):
        refused(will=(topic, b""))


def test_mqtt_3_1_3_11_the_user_name_is_utf_8() -> None:
    scenarios(FIELDS + "username_without_password", BAD + "username_*")
    for username in (b"\xff", "\xfc" * 32768):
        refused(username=username)
    (packet,) = Parser().feed(connect_packet("c", username="\xfc" * 32767))
    assert packet["username"] == "\xfc" * 32767


def test_mqtt_3_2_0_1_connack_comes_first() -> None:
    scenarios(
        "connack/another_packet_before_connack_closes", "connect/connack_missing_ends_in_time"
    )


def test_mqtt_3_2_2_1_a_clean_session_is_never_present() -> None:
    scenarios("connack/session_present_after_clean_*", "connack/clean_session_has_none_present")


def test_mqtt_3_2_2_2_a_session_that_is_present_is_gone_on_with() -> None:
    scenarios(
        *("connack/session_present_is_told.yes", "resume/sent_again_in_the_first_order"),
        "subscribe/handlers_are_not_subscribed_again_when_the_session_is_present",
    )


def test_mqtt_3_2_2_3_a_lost_session_is_told_and_made_good() -> None:
    scenarios(
        *("connack/session_present_is_told.no", "resume/lost_session_*"),
        "subscribe/subscriptions_are_made_again_when_the_session_is_lost",
    )


def test_mqtt_3_2_2_4_a_refusal_has_no_session() -> None:
    scenarios(
        *("connack/session_present_with_a_refusal_is_no_session",),
        "conformance/refusal_with_session_present_resumes_nothing",
    )


def test_mqtt_3_2_2_5_nothing_goes_on_after_a_refusal() -> None:
    scenarios(
        *("connack/return_code_is_a_reason_error", "connack/reserved_return_code_is_refused"),
        "conformance/queued_before_a_refusal_is_not_sent_by_it",
    )


def test_mqtt_3_2_2_6_an_end_instead_of_connack_is_told() -> None:
    scenarios("connect/connack_cut_short")


def test_mqtt_3_12_4_1_pingresp_answers_pingreq() -> None:
    scenarios(
        *("keep_alive/pingresp_lost_closes_in_time", "keep_alive/pingresp_late_is_borne"),
        *("keep_alive/pingresp_twice_or_unasked_is_borne", "keep_alive/pingresp_unasked_does_*"),
    )


def test_mqtt_3_14_1_1_disconnect_is_e0_00() -> None:
    scenarios("connect/disconnect_is_the_last_word", "conformance/first_byte_of_each_packet")


def test_mqtt_3_14_4_1_disconnect_closes() -> None:
    scenarios(
        *("connect/disconnect_is_the_last_word", "window/full_window_still_disconnects"),
        *("connect/disconnect_while_a_publish_is_in_flight", "conformance/first_byte_of_each_*"),
    )


def test_mqtt_3_14_4_2_nothing_follows_disconnect() -> None:
    scenarios(
        *("connect/disconnect_is_the_last_word", "connect/disconnect_while_a_publish_*"),
        *("conformance/disconnect_leaves_the_queue_unsent", "conformance/disconnect_in_*"),
    )


def test_u311_2_a_missing_pingresp_ends_the_connection_in_time() -> None:
    scenarios(
        *("keep_alive/pingresp_lost_closes_in_time", "keep_alive/half_open_link_is_found"),
        "keep_alive/default_ping_timeout_is_half_the_keep_alive",
    )


def test_u311_4_nothing_is_sent_before_connack() -> None:
    scenarios(
        "conformance/queued_before_connect_waits_for_connack",
        "conformance/queued_before_a_refusal_is_not_sent_by_it",
    )


def test_u311_5_a_session_of_an_earlier_life_is_gone_on_with() -> None:
    scenarios("resume/session_goes_on_at_the_first_connect", "connack/session_present_is_told.yes")
