"""MQTT 5.0, sections 3.14, 3.15, 4.12, 4.13 and 6: DISCONNECT, AUTH, errors, WebSocket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from conformance_kit import HOST
from conformance_kit5 import scenarios5
from conformance_ws import BINARY, CLOSE, TEXT, Peer
from strict5 import ACCEPTED, CODES, Parser
from umqtt_full import Client, ProtocolError
from umqtt_full.errors import ReasonError
from unit_rig5 import CONNACK, Rig5, connack, frame, publish

BROKEN = "v5_disconnect/broken_rule_is_answered_by_its_code."


def connected(**options: Any) -> Rig5:
    rig = Rig5(**options)
    rig.connect()
    return rig


# --------------------------------------------------------------------- 3.14, 3.15


def test_mqtt5_3_14_0_1_no_disconnect_before_connack() -> None:
    scenarios5("v5_connect/another_packet_before_connack_closes.disconnect*")


def test_mqtt5_3_14_1_1_the_flags_of_disconnect_are_0() -> None:
    scenarios5(
        "v5_disconnect/disconnect_bytes", "v5_disconnect/bad_disconnect_of_the_broker.flags"
    )


def test_mqtt5_3_14_2_1_reason_codes_of_disconnect_are_listed_ones() -> None:
    scenarios5(
        *("v5_disconnect/bad_disconnect_is_a_value_error.code_*",),
        *("v5_disconnect/bad_disconnect_of_the_broker.code_*",),
        "v5_disconnect/disconnect_of_the_broker_is_raised",
    )
    for code in range(256):
        error = ReasonError if code in ACCEPTED["DISCONNECT"] else ProtocolError
        with pytest.raises(error):
            connected().feed(bytes((0xE0, 1, code)))
        rig = connected()
        if code in CODES["DISCONNECT"][1]:
            rig.session.disconnect(code)
            assert rig.drain() == (bytes((0xE0, 1, code)) if code else b"\xe0\0")
        else:
            with pytest.raises(ValueError, match="reason_code"):
                rig.session.disconnect(code)


def test_mqtt5_3_14_2_2_a_server_gives_no_session_expiry() -> None:
    scenarios5("v5_disconnect/bad_disconnect_of_the_broker.session_expiry")


def test_mqtt5_3_14_2_3_disconnect_leaves_out_a_reason_string() -> None:
    scenarios5("v5_disconnect/disconnect_that_is_too_long_*.reason_string")
    rig = Rig5()
    rig.connect(connack(b"\5\x27\0\0\0\x0a"))
    rig.session.disconnect(0x80, {"reason_string": "seven"})
    assert rig.drain()[:3] in (b"\xe0\1\x80", b"\xe0\2\x80")


def test_mqtt5_3_14_2_4_disconnect_leaves_out_user_properties() -> None:
    scenarios5("v5_disconnect/disconnect_that_is_too_long_*.user_property")
    rig = Rig5()
    rig.connect(connack(b"\5\x27\0\0\0\x0a"))
    rig.session.disconnect(0, {"user_property": [("a", "b" * 9)]})
    assert len(rig.drain()) <= 10


def test_mqtt5_3_14_4_1_disconnect_is_the_last_packet() -> None:
    scenarios5(
        *("connect/disconnect_is_the_last_word", "conformance/disconnect_leaves_the_queue_unsent"),
        *("v5_disconnect/nothing_follows_our_refusal",),
        "conformance/disconnect_in_a_handler_is_followed_by_no_ack",
    )


def test_mqtt5_3_14_4_2_who_sends_disconnect_closes() -> None:
    scenarios5("v5_disconnect/disconnect_bytes", "v5_disconnect/error_carries_the_code_*")


def test_mqtt5_3_15_1_1_the_flags_of_auth_are_0() -> None:
    scenarios5("v5_auth/auth_bytes", "v5_auth/bad_auth_closes.flags")


def test_mqtt5_3_15_2_1_the_reason_code_of_auth_is_0x18_or_0x19() -> None:
    scenarios5(
        *("v5_auth/challenge_and_response", "v5_auth/authenticates_again_on_a_live_link"),
        "v5_auth/bad_auth_closes.code_*",
    )


def test_mqtt5_3_15_2_2_auth_has_no_reason_string() -> None:
    for packet in authentication():
        assert set(packet["properties"]) <= {"authentication_method", "authentication_data"}


def test_mqtt5_3_15_2_3_auth_has_no_user_properties() -> None:
    scenarios5("v5_auth/auth_bytes")
    assert all("user_property" not in packet["properties"] for packet in authentication())


def authentication() -> list[dict[str, Any]]:
    """All AUTH packets of an authentication and another one on the same connection."""
    rig = Rig5(authentication=("m", lambda data: b"x"))
    parser = Parser()
    rig.session.open()
    parser.feed(rig.drain())
    auth = frame(0xF0, b"\x18\4\x15\0\1m")
    packets = parser.feed(rig.exchange(auth))
    rig.feed(connack(b"\4\x15\0\1m"))
    rig.session.reauthenticate()
    packets += parser.feed(rig.drain()) + parser.feed(rig.exchange(auth))
    assert [packet["reason_code"] for packet in packets] == [0x18, 0x19, 0x18]
    return packets


# --------------------------------------------------------------------- 4.12, 4.13, 6


def test_mqtt5_4_12_0_2_a_challenge_is_0x18() -> None:
    scenarios5("v5_auth/challenge_and_response", "v5_auth/bad_auth_closes.code_*")


def test_mqtt5_4_12_0_3_the_answer_is_0x18() -> None:
    scenarios5("v5_auth/auth_bytes", "v5_auth/challenge_and_response")


def test_mqtt5_4_12_0_5_the_method_is_that_of_connect() -> None:
    scenarios5("v5_auth/another_method_closes", "v5_auth/authenticates_again_on_a_live_link")


def test_mqtt5_4_12_0_6_without_a_method_there_is_no_auth_from_the_server() -> None:
    scenarios5(
        "v5_auth/unasked_auth_on_a_live_link_closes.no_method",
        "v5_connect/another_packet_before_connack_closes.auth",
    )


def test_mqtt5_4_12_0_7_without_a_method_there_is_no_auth_from_us() -> None:
    scenarios5("v5_auth/without_a_method_there_is_no_auth")


def test_mqtt5_4_12_1_1_reauthentication_is_0x19_with_the_method() -> None:
    scenarios5("v5_auth/authenticates_again_*", "v5_auth/messages_flow_while_authenticating_*")


def test_mqtt5_4_12_1_2_a_failed_reauthentication_closes() -> None:
    scenarios5("v5_auth/failed_reauthentication_closes")


def test_mqtt5_4_13_2_1_an_error_ends_the_connection() -> None:
    scenarios5(
        *("v5_connect/refusal_is_a_reason_error", "v5_disconnect/error_carries_the_code_*"),
        "v5_disconnect/disconnect_of_the_broker_ends_what_waits",
    )


def over_websocket(play: Callable[[Peer], None], **options: Any) -> tuple[Peer, Client]:
    """A client, not connected yet, and its peer."""
    peer = Peer(play, **options)
    client = Client("c", HOST, peer.port, version=5, websocket="/mqtt", timeout_ms=4000)
    return peer, client


def ended(peer: Peer) -> None:
    """The peer's script came true."""
    peer.join(8)
    assert not peer.is_alive() and peer.error is None, peer.error


def turn(client: Client, done: Callable[[], bool]) -> None:
    """Poll until it is done, for two seconds at most."""
    for _ in range(100):
        if done():
            return
        client.poll(20)


def greet(peer: Peer) -> None:
    assert peer.packets(29)[:9] == b"\x10\x1b\0\4MQTT\5"
    peer.send(BINARY, CONNACK)


@pytest.mark.parametrize("opcode", [TEXT, 3, 11])
def test_mqtt5_6_0_0_1_websocket_frames_are_binary(opcode: int) -> None:
    def play(peer: Peer) -> None:
        greet(peer)
        assert peer.packets(7) == b"\x30\5\0\1a\0x"
        peer.send(opcode, b"\x30\5\0\1a\0x")
        assert set(peer.expect_end()) <= {CLOSE, BINARY}

    peer, client = over_websocket(play)
    client.connect()
    client.publish("a", b"x")
    with pytest.raises(ProtocolError, match="WebSocket"):
        turn(client, lambda: False)
    assert not client.connected
    ended(peer)


@pytest.mark.parametrize("size", [1, 3, 7, 125])
def test_mqtt5_6_0_0_2_packets_and_websocket_frames_are_apart(size: int) -> None:
    data = CONNACK + publish(b"a", b"1") + publish(b"a", b"2" * 30) + publish(b"a", b"3")

    def play(peer: Peer) -> None:
        assert peer.packets(29)
        for at in range(0, len(data), size):
            peer.send(BINARY, data[at : at + size])
        assert peer.packets(2) == b"\xe0\0"
        peer.expect_end()

    peer, client = over_websocket(play)
    seen: list[bytes] = []
    client.on_message = lambda m: seen.append(bytes(m.payload))
    client.connect()
    turn(client, lambda: len(seen) == 3)
    client.disconnect()
    assert seen == [b"1", b"2" * 30, b"3"]
    ended(peer)


def test_mqtt5_6_0_0_3_websocket_offers_the_subprotocol_mqtt() -> None:
    peer, client = over_websocket(greet)
    client.connect()
    client.disconnect()
    ended(peer)
    offered = peer.request[b"sec-websocket-protocol"].split(b",")
    assert b"mqtt" in [word.strip() for word in offered]


def test_mqtt5_6_0_0_4_websocket_demands_the_subprotocol_mqtt() -> None:
    for subprotocol in (None, b"mqttv3.1", b"chat"):

        def play(peer: Peer) -> None:
            assert BINARY not in peer.expect_end()

        peer, client = over_websocket(play, subprotocol=subprotocol)
        with pytest.raises(ProtocolError, match="protocol"):
            client.connect()
        ended(peer)


# ----------------------------------------------------------------------- unnumbered


def test_u5_9_disconnect_gives_no_session_an_expiry() -> None:
    scenarios5("v5_disconnect/bad_disconnect_is_a_value_error.expiry_*")
    rig = connected(clean_start=True)
    rig.session.disconnect(0, {"session_expiry_interval": 0})
    assert rig.drain() == b"\xe0\7\0\5\x11\0\0\0\0"


def test_u5_10_we_say_why_we_leave() -> None:
    scenarios5("v5_disconnect/broken_rule_is_answered_by_its_code")


def test_u5_13_auth_that_nobody_asked_for_is_a_protocol_error() -> None:
    scenarios5("v5_auth/unasked_auth_on_a_live_link_closes", BROKEN + "auth*")
