"""The referee of 5.0 itself: what `strict5` and `strict5_flow` must refuse, with which clause."""

from __future__ import annotations

from typing import Any

import pytest
import strict5_properties as props
from paho.mqtt.client import CallbackAPIVersion, Client, MQTTv5
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions
from strict5 import ACCEPTED, CODES, Packet, Parser, Violation, build
from strict5_flow import Flow
from strict_base import TYPES, Reader, frame

CONNECT = "10 0d 00 04 4d 51 54 54 05 02 00 3c 00 00 00"
HEAD = "00 04 4d 51 54 54 05"
WITH_METHOD = "10 11 00 04 4d 51 54 54 05 02 00 3c 04 15 00 01 6d 00 00"

GOOD = (
    ("publish", "30 05 00 01 61 00 78"), ("publish_1", "32 06 00 01 61 00 01 00"),
    ("publish_dup", "3b 06 00 01 61 00 01 00"),
    ("publish_alias", "30 07 00 01 61 03 23 00 01"),
    ("publish_by_alias", "30 06 00 00 03 23 00 01"),
    ("publish_user_properties", "30 12 00 01 61 0e 26 00 01 61 00 01 62 26 00 01 61 00 01 62"),
    ("puback", "40 02 00 01"), ("puback_code", "40 03 00 01 10"),
    ("puback_all", "40 08 00 01 83 04 1f 00 01 78"), ("puback_no_properties", "40 04 00 01 00 00"),
    ("pubrec", "50 02 00 01"), ("pubrel", "62 02 00 01"), ("pubrel_92", "62 03 00 01 92"),
    ("pubcomp", "70 03 ff ff 92"),
    ("subscribe", "82 0b 00 01 00 00 01 61 02 00 01 23 2d"),
    ("subscribe_identifier", "82 0c 00 01 05 0b ff ff ff 7f 00 01 61 00"),
    ("subscribe_shared", "82 10 00 01 00 00 0a 24 73 68 61 72 65 2f 67 2f 23 00"),
    ("unsubscribe", "a2 06 00 01 00 00 01 61"), ("pingreq", "c0 00"),
    ("disconnect", "e0 00"), ("disconnect_code", "e0 01 04"), ("disconnect_all", "e0 02 00 00"),
)  # fmt: skip
BAD_FIRST = (
    ("MQTT-3.1.0-1", "c0 00"), ("MQTT-3.1.0-1", "f0 00"),
    ("MQTT-2.1.3-1", "11 0d 00 04 4d 51 54 54 05 02 00 3c 00 00 00"),
    ("MQTT-3.1.2-1", "10 0d 00 04 4d 51 54 58 05 02 00 3c 00 00 00"),
    ("MQTT-3.1.2-2", "10 0d 00 04 4d 51 54 54 04 02 00 3c 00 00 00"),
    ("MQTT-3.1.2-3", f"10 0d {HEAD} 03 00 3c 00 00 00"),
    ("MQTT-3.1.2-11", f"10 0d {HEAD} 0a 00 3c 00 00 00"),
    ("MQTT-3.1.2-12", f"10 14 {HEAD} 1e 00 3c 00 00 00 00 00 01 61 00 01 62"),
    ("MQTT-3.1.2-13", f"10 0d {HEAD} 22 00 3c 00 00 00"),
    ("MQTT-1.5.4-1", f"10 0e {HEAD} 02 00 3c 00 00 01 ff"),
    ("MQTT-1.5.4-2", f"10 0e {HEAD} 02 00 3c 00 00 01 00"),
    ("MQTT-4.7.3-1", f"10 12 {HEAD} 06 00 3c 00 00 00 00 00 00 00 00"),
    ("2.1.4", f"10 0e {HEAD} 02 00 3c 00 00 00 00"),
    ("2.1.4", f"10 0d {HEAD} 02 00 3c 00 00 01"),
    ("2.1.4", f"10 0e {HEAD} 02 00 3c 02 21 00 00"),  # a property ends inside
    ("2.1.4", f"10 0c {HEAD} 02 00 3c 00 00"),  # no property length: a client id is missing
    ("U5-3", f"10 13 {HEAD} 02 00 3c 06 21 00 01 21 00 01 00 00"),
    ("U5-4", f"10 10 {HEAD} 02 00 3c 03 21 00 00 00 00"),
    ("U5-2", f"10 10 {HEAD} 02 00 3c 03 13 00 01 00 00"),
    ("U5-2", f"10 0f {HEAD} 02 00 3c 02 7f 00 00 00"),
    ("U5-11", f"10 11 {HEAD} 02 00 3c 04 16 00 01 64 00 00"),
)  # fmt: skip
BAD = (
    ("MQTT-3.1.0-2", CONNECT),
    ("2.1.2", "20 03 00 00 00"), ("2.1.2", "00 00"), ("2.1.2", "d0 00"), ("2.1.2", "90 00"),
    ("MQTT-1.5.5-1", "30 85 00 00 01 61 00 78"), ("U5-1", "30 80 80 80 80 01"),
    ("MQTT-3.6.1-1", "60 02 00 01"), ("MQTT-3.8.1-1", "80 07 00 01 00 00 01 61 00"),
    ("MQTT-3.10.1-1", "a0 06 00 01 00 00 01 61"), ("MQTT-2.1.3-1", "c1 00"),
    ("MQTT-2.1.3-1", "42 02 00 01"), ("MQTT-3.14.1-1", "e1 00"), ("MQTT-3.15.1-1", "f1 00"),
    ("MQTT-2.2.1-3", "32 06 00 01 61 00 00 00"), ("MQTT-2.2.1-3", "40 02 00 00"),
    ("MQTT-2.2.1-3", "82 07 00 00 00 00 01 61 00"), ("MQTT-2.2.1-3", "a2 06 00 00 00 00 01 61"),
    ("MQTT-3.3.1-4", "36 06 00 01 61 00 01 00"), ("MQTT-3.3.1-2", "38 04 00 01 61 00"),
    ("MQTT-1.5.4-1", "30 06 00 03 ed a0 80 00"), ("MQTT-1.5.4-2", "30 04 00 01 00 00"),
    ("MQTT-4.7.3-1", "30 03 00 00 00"), ("MQTT-3.3.2-2", "30 04 00 01 23 00"),
    ("MQTT-3.3.2-8", "30 07 00 01 61 03 23 00 00"), ("MQTT-3.3.2-8", "30 06 00 00 03 23 00 00"),
    ("MQTT-3.3.4-6", "30 06 00 01 61 02 0b 01"),
    ("MQTT-3.3.2-14", "30 08 00 01 61 04 08 00 01 23"),
    ("MQTT-4.7.3-1", "30 07 00 01 61 03 08 00 00"),
    ("MQTT-1.5.4-1", "30 08 00 01 61 04 03 00 01 ff"),
    ("MQTT-1.5.7-1", "30 0b 00 01 61 07 26 00 01 61 00 01 ff"),
    ("MQTT-1.5.5-1", "30 05 00 01 61 80 00"), ("U5-1", "30 08 00 01 61 80 80 80 80 01"),
    ("U5-4", "30 06 00 01 61 02 01 02"), ("U5-3", "30 08 00 01 61 04 01 00 01 01"),
    ("2.1.4", "30 04 00 01 61 01"), ("2.1.4", "30 03 00 01 61"),
    ("2.1.4", "30 06 00 01 61 02 02 00"),
    ("MQTT-3.4.2-1", "40 03 00 01 01"), ("MQTT-3.4.2-1", "40 03 00 01 92"),
    ("MQTT-3.5.2-1", "50 03 00 01 92"), ("MQTT-3.6.2-1", "62 03 00 01 80"),
    ("MQTT-3.7.2-1", "70 03 00 01 10"), ("2.1.4", "40 01 00"), ("2.1.4", "40 05 00 01 00 00 00"),
    ("MQTT-3.8.3-2", "82 03 00 01 00"), ("MQTT-3.8.3-5", "82 07 00 01 00 00 01 61 03"),
    ("MQTT-3.8.3-5", "82 07 00 01 00 00 01 61 40"), ("MQTT-3.8.3-5", "82 07 00 01 00 00 01 61 80"),
    ("MQTT-3.8.3-5", "82 07 00 01 00 00 01 61 30"),
    ("MQTT-3.8.3-4", "82 10 00 01 00 00 0a 24 73 68 61 72 65 2f 67 2f 23 04"),
    ("MQTT-4.8.2-1", "82 0f 00 01 00 00 09 24 73 68 61 72 65 2f 2f 23 00"),
    ("MQTT-4.8.2-2", "82 0e 00 01 00 00 08 24 73 68 61 72 65 2f 67 00"),
    ("MQTT-4.8.2-2", "82 0f 00 01 00 00 09 24 73 68 61 72 65 2f 67 2f 00"),
    ("MQTT-4.8.2-2", "82 10 00 01 00 00 0a 24 73 68 61 72 65 2f 2b 2f 61 00"),
    ("U5-4", "82 09 00 01 02 0b 00 00 01 61 00"),
    ("U5-3", "82 0b 00 01 04 0b 01 0b 02 00 01 61 00"),
    ("MQTT-4.7.1-1", "82 09 00 01 00 00 03 61 23 62 00"),
    ("MQTT-4.7.1-2", "82 08 00 01 00 00 02 61 2b 00"), ("MQTT-4.7.3-1", "82 06 00 01 00 00 00 00"),
    ("MQTT-3.10.3-2", "a2 03 00 01 00"), ("2.1.4", "c0 01 00"),
    ("MQTT-3.14.2-1", "e0 01 01"), ("MQTT-3.14.2-1", "e0 01 8e"),
    ("U5-2", "e0 06 00 04 1c 00 01 73"), ("U5-9", "e0 07 00 05 11 00 00 00 01"),
    ("MQTT-4.12.0-7", "f0 00"), ("MQTT-4.12.0-7", "f0 06 18 04 15 00 01 6d"),
    ("MQTT-3.14.4-1", "e0 00 c0 00"),
)  # fmt: skip
BAD_WITH_METHOD = (
    ("MQTT-3.15.2-1", "f0 00"), ("MQTT-3.15.2-1", "f0 06 00 04 15 00 01 6d"),
    ("MQTT-4.12.0-5", "f0 02 18 00"), ("MQTT-4.12.0-5", "f0 06 19 04 15 00 01 6e"),
    ("U5-11", "f0 06 18 04 16 00 01 6d"),
)  # fmt: skip


@pytest.mark.parametrize(("name", "text"), GOOD)
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_well_formed_packets_are_read(name: str, text: str, size: int) -> None:
    data = bytes.fromhex(CONNECT + text)
    parser = Parser()
    packets = [p for at in range(0, len(data), size) for p in parser.feed(data[at : at + size])]
    assert b"".join(packet["raw"] for packet in packets) == data
    assert not parser.pending


def refused(clause: str, first: str, text: str) -> None:
    parser = Parser()
    parser.feed(bytes.fromhex(first))
    with pytest.raises(Violation) as caught:
        parser.feed(bytes.fromhex(text))
    assert caught.value.clause == clause, caught.value


@pytest.mark.parametrize(("clause", "text"), BAD_FIRST)
def test_bad_first_packet_is_refused(clause: str, text: str) -> None:
    refused(clause, "", text)


@pytest.mark.parametrize(("clause", "text"), BAD)
def test_bad_packet_is_refused(clause: str, text: str) -> None:
    refused(clause, CONNECT, text)


@pytest.mark.parametrize(("clause", "text"), BAD_WITH_METHOD)
def test_bad_auth_is_refused(clause: str, text: str) -> None:
    refused(clause, WITH_METHOD, text)
    parser = Parser()
    parser.feed(bytes.fromhex(WITH_METHOD + "f0 06 19 04 15 00 01 6d"))


@pytest.mark.parametrize("name", CODES)
def test_exactly_the_listed_reason_codes_are_accepted(name: str) -> None:
    body = {"DISCONNECT": "", "AUTH": ""}.get(name, "00 01")
    method = " 04 15 00 01 6d" if name == "AUTH" else ""
    first = TYPES.index(name) << 4 | (2 if name == "PUBREL" else 0)
    accepted = set()
    for code in range(256):
        packet = frame(first, bytes.fromhex(f"{body} {code:02x}{method}"))
        try:
            Parser.feed(parser := Parser(), bytes.fromhex(WITH_METHOD))
            accepted |= {parser.feed(packet)[0]["reason_code"]}
        except Violation as error:
            assert error.clause == CODES[name][0]
    assert accepted == CODES[name][1]


VALUES: dict[str, tuple[Any, ...]] = {
    "u8": (0, 1), "u16": (1, 65535), "u32": (1, 2**28 - 1), "varint": (1, 127, 128, 268435455),
    "text": ("t", "é" * 100), "binary": (b"", b"\0\xff"), "pair": (("", ""), ("n", "v")),
}  # fmt: skip


def paho_block(place: int, name: str, value: Any) -> bytes:
    """What paho makes of one property."""
    types = {props.WILL: PacketTypes.WILLMESSAGE}
    block = Properties(types.get(place, place))
    words = [word.capitalize() for word in name.split("_")]
    setattr(block, "".join(words).replace("Qos", "QoS"), value)
    return bytes(block.pack())


@pytest.mark.parametrize("number", props.TABLE)
def test_properties_are_paho_s(number: int) -> None:
    """Both take each property in the same places, and write the same bytes."""
    name, kind, _, _, places = props.TABLE[number]
    for place in props.PLACES:
        for value in VALUES[kind]:
            wanted = props.write({name: [value] if kind in ("pair", "varint") else value})
            clauses = Parser.clauses
            if place not in places:
                with pytest.raises(Violation):
                    props.read(Reader(wanted, clauses), place)
                continue
            if name != "authentication_data":
                found = props.read(Reader(wanted, clauses), place)[name]
                assert found in (value, [value])
            assert paho_block(place, name, value) == wanted


class Caught(Client):
    """paho's client without a socket: what it would send is kept."""

    def __init__(self, **options: Any) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, protocol=MQTTv5, **options)
        self.caught: list[bytes] = []
        self._sock = self  # type: ignore[assignment]

    def _packet_queue(  # type: ignore[override]
        self, command: int, packet: bytes, *_: Any, **__: Any
    ) -> Any:
        self.caught.append(bytes(packet))
        return 0

    def close(self) -> None:
        """As a socket."""


def test_what_paho_sends_is_accepted() -> None:
    paho = Caught(client_id="id")
    paho.username_pw_set("u", "p")
    will = Properties(PacketTypes.WILLMESSAGE)
    will.WillDelayInterval = 9
    paho.will_set("w", b"m", 1, True, will)
    own = Properties(PacketTypes.CONNECT)
    own.ReceiveMaximum, own.UserProperty = 7, ("a", "b")
    paho._connect_properties = own
    paho._send_connect(60)
    message = Properties(PacketTypes.PUBLISH)
    message.ResponseTopic, message.CorrelationData = "r", b"\0"
    paho._send_publish(1, b"t", b"x", 1, True, False, None, message)
    paho._send_subscribe(False, [(b"f", SubscribeOptions(1))], None)
    paho._send_unsubscribe(False, [b"f"], None)
    paho._send_puback(5)
    paho._send_pubrel(6)
    paho._send_disconnect()
    parser, flow = Parser(), Flow()
    packets = parser.feed(b"".join(paho.caught))
    names = ("CONNECT", "PUBLISH", "SUBSCRIBE", "UNSUBSCRIBE", "PUBACK", "PUBREL", "DISCONNECT")
    assert tuple(packet["type"] for packet in packets) == names
    assert packets[0]["will_properties"] == {"will_delay_interval": 9}
    assert packets[0]["properties"] == {"receive_maximum": 7, "user_property": [("a", "b")]}
    assert packets[1]["properties"] == {"response_topic": "r", "correlation_data": b"\0"}
    for packet in packets[:2]:
        flow.received(packet)


# ----------------------------------------------------------------------- the flow


def came(name: str, packet_id: int = 0, **fields: Any) -> tuple[str, Packet]:
    """A packet of the client."""
    usual = {"topic": "a", "qos": 1, "dup": False, "retain": False, "properties": {}, "raw": b"",
             "reason_code": 0, "filters": (("a", 0),), "clean_start": False}  # fmt: skip
    return "<", {"type": name, "packet_id": packet_id, **usual, **fields}


def publish(packet_id: int, qos: int = 1, dup: bool = False, **fields: Any) -> tuple[str, Packet]:
    return came("PUBLISH", packet_id, qos=qos, dup=dup, **fields)


def told(name: str, packet_id: int = 0, **fields: Any) -> tuple[str, Packet]:
    """A packet of the broker."""
    return ">", {"type": name, "packet_id": packet_id, **fields}


def connect(present: int = 0, **limits: Any) -> list[tuple[str, Packet]]:
    return [came("CONNECT"), told("CONNACK", session_present=present, properties=limits)]


def alias(number: int, topic: str = "a") -> tuple[str, Packet]:
    return publish(0, 0, topic=topic, properties={"topic_alias": number})


METHOD = {"authentication_method": "m"}
SUBSCRIBE = came("SUBSCRIBE", 1)
TWO_1 = (told("PUBLISH", 1, qos=1), told("PUBLISH", 2, qos=1))
TWO_2 = (told("PUBLISH", 1, qos=2), told("PUBLISH", 2, qos=2))


def follow(*events: tuple[str, Packet]) -> None:
    flow = Flow()
    for arrow, packet in events:
        if arrow == "<":
            flow.received(packet)
        else:
            flow.sent(packet["type"], packet)


@pytest.mark.parametrize(
    "events",
    [
        [publish(1), told("PUBACK", 1), publish(1), told("PUBACK", 1), SUBSCRIBE],
        [publish(1), *connect(1), publish(1, dup=True), told("PUBACK", 1)],
        [publish(1), *connect(0), publish(1)],
        [publish(1, 2), told("PUBREC", 1), came("PUBREL", 1), told("PUBCOMP", 1), publish(1, 2)],
        [publish(1, 2), told("PUBREC", 1, reason_code=0x97), publish(1, 2)],
        [publish(1, 2), told("PUBREC", 1), came("PUBREL", 1), *connect(1), came("PUBREL", 1)],
        [told("PUBREC", 9), came("PUBREL", 9, reason_code=0x92)],
        [told("PUBLISH", 5, qos=2), came("PUBREC", 5), told("PUBREL", 5), came("PUBCOMP", 5)],
        [*connect(topic_alias_maximum=2), alias(1), alias(1, ""), alias(2, "b"), alias(1, "b")],
        [*connect(receive_maximum=1), publish(1), told("PUBACK", 1), publish(2)],
        [*connect(receive_maximum=1), publish(1, 2), told("PUBREC", 1, reason_code=0x80),
         publish(2, 2), told("PUBREC", 2), came("PUBREL", 2), told("PUBCOMP", 2), publish(3)],
        [came("CONNECT", properties=METHOD), told("AUTH", reason_code=0x18),
         came("AUTH", reason_code=0x18), told("CONNACK"), came("AUTH", reason_code=0x19)],
    ],
)  # fmt: skip
def test_good_histories_are_accepted(events: list[tuple[str, Packet]]) -> None:
    follow(*connect(), *events)


@pytest.mark.parametrize(
    ("clause", "events"),
    [
        ("MQTT-2.2.1-3", [publish(1), publish(1)]),
        ("MQTT-2.2.1-3", [publish(1), SUBSCRIBE]),
        ("MQTT-2.2.1-3", [publish(1, 2), told("PUBREC", 1), publish(1)]),
        ("MQTT-2.2.1-3", [publish(1, 2), told("PUBACK", 1), publish(1)]),
        ("MQTT-2.2.1-3", [publish(1), *connect(1), publish(1)]),
        ("MQTT-2.2.1-5", [came("PUBACK", 1)]),
        ("MQTT-2.2.1-5", [told("PUBLISH", 1, qos=1), came("PUBACK", 2)]),
        ("MQTT-2.2.1-5", [told("PUBLISH", 1, qos=2), came("PUBACK", 1)]),
        ("MQTT-2.2.1-5", [told("PUBLISH", 1, qos=1), came("PUBACK", 1), came("PUBACK", 1)]),
        ("MQTT-2.2.1-5", [told("PUBLISH", 1, qos=1), *connect(1), came("PUBACK", 1)]),
        ("MQTT-2.2.1-5", [came("PUBCOMP", 1)]),
        ("MQTT-4.6.0-2", [*TWO_1, came("PUBACK", 2)]),
        ("MQTT-4.6.0-3", [*TWO_2, came("PUBREC", 2)]),
        ("MQTT-4.6.0-4", [publish(1, 2), publish(2, 2), told("PUBREC", 1), told("PUBREC", 2),
                          came("PUBREL", 2)]),
        ("MQTT-4.3.3-4", [publish(1, 2), came("PUBREL", 1)]),
        ("MQTT-4.3.3-4", [publish(1, 2), told("PUBREC", 1, reason_code=0x80), came("PUBREL", 1)]),
        ("MQTT-4.3.3-4", [publish(1, 2), told("PUBREC", 1), came("PUBREL", 1), came("PUBREL", 1),
                          came("PUBREL", 1)]),
        ("MQTT-4.4.0-1", [publish(1), publish(1, dup=True)]),
        ("MQTT-3.3.1-1", [publish(1, dup=True)]),
        ("MQTT-3.3.1-1", [came("DISCONNECT"), *connect(1), publish(1, dup=True)]),
        ("MQTT-4.3.3-6", [publish(1, 2), told("PUBREC", 1), *connect(1), publish(1, 2, True)]),
        ("MQTT-4.6.0-1", [publish(1), publish(2), *connect(1), publish(2, dup=True),
                          publish(1, dup=True)]),
        ("MQTT-3.2.2-18", [alias(1)]),
        ("MQTT-3.2.2-18", [*connect(topic_alias_maximum=0), alias(1)]),
        ("MQTT-3.2.2-17", [*connect(topic_alias_maximum=2), alias(3)]),
        ("MQTT-3.3.2-7", [*connect(topic_alias_maximum=2), alias(1, "")]),
        ("MQTT-3.3.2-7", [*connect(topic_alias_maximum=2), alias(1),
                          *connect(1, topic_alias_maximum=2), alias(1, "")]),
        ("MQTT-3.3.4-7", [*connect(receive_maximum=1), publish(1), publish(2)]),
        ("MQTT-3.3.4-7", [*connect(receive_maximum=1), publish(1, 2), told("PUBREC", 1),
                          came("PUBREL", 1), publish(2)]),
        ("MQTT-3.2.2-11", [*connect(maximum_qos=1), publish(1, 2)]),
        ("MQTT-3.2.2-11", [*connect(maximum_qos=0), publish(1, 1)]),
        ("MQTT-3.2.2-14", [*connect(retain_available=0), publish(1, 1, retain=True)]),
        ("MQTT-3.2.2-15", [*connect(maximum_packet_size=9), publish(1, raw=bytes(10))]),
        ("U5-8", [*connect(wildcard_subscription_available=0),
                  came("SUBSCRIBE", 1, filters=(("a/#", 0),))]),
        ("U5-8", [*connect(shared_subscription_available=0),
                  came("SUBSCRIBE", 1, filters=(("$share/g/a", 0),))]),
        ("U5-8", [*connect(subscription_identifier_available=0),
                  came("SUBSCRIBE", 1, properties={"subscription_identifier": 1})]),
        ("MQTT-3.1.2-30", [came("CONNECT", properties=METHOD), publish(1)]),
        ("MQTT-3.1.2-30", [came("CONNECT", properties=METHOD), came("PINGREQ")]),
        ("MQTT-4.12.1-1", [came("CONNECT", properties=METHOD), came("AUTH", reason_code=0x19)]),
        ("MQTT-4.12.0-3", [came("CONNECT", properties=METHOD), came("AUTH", reason_code=0x18)]),
    ],
)  # fmt: skip
def test_bad_histories_are_refused(clause: str, events: list[tuple[str, Packet]]) -> None:
    with pytest.raises(Violation) as caught:
        follow(*connect(), *events)
    assert caught.value.clause == clause, caught.value


@pytest.mark.parametrize(
    ("name", "fields", "expected"),
    [
        ("CONNACK", {"session_present": 1}, "20 03 01 00 00"),
        ("CONNACK", {"reason_code": 0x87, "properties": {"reason_string": "x"}},
         "20 07 00 87 04 1f 00 01 78"),
        ("PUBLISH", {"topic": "a", "payload": b"x"}, "30 05 00 01 61 00 78"),
        ("PUBLISH", {"topic": "", "qos": 2, "packet_id": 258, "dup": 1, "retain": 1,
                     "properties": {"topic_alias": 1, "subscription_identifier": [1, 128]}},
         "3d 0d 00 00 01 02 08 23 00 01 0b 01 0b 80 01"),
        ("PUBACK", {"packet_id": 1}, "40 02 00 01"),
        ("PUBREC", {"packet_id": 1, "reason_code": 0x97}, "50 03 00 01 97"),
        ("PUBREL", {"packet_id": 1, "properties": {}}, "62 04 00 01 00 00"),
        ("PUBREL", {"packet_id": 1, "flags": 0}, "60 02 00 01"),
        ("SUBACK", {"packet_id": 1, "codes": (0, 0x80)}, "90 05 00 01 00 00 80"),
        ("UNSUBACK", {"packet_id": 1, "codes": (0x11,)}, "b0 04 00 01 00 11"),
        ("DISCONNECT", {}, "e0 00"), ("DISCONNECT", {"reason_code": 0x8E}, "e0 01 8e"),
        ("AUTH", {"reason_code": 0x18, "properties": METHOD}, "f0 06 18 04 15 00 01 6d"),
        ("PINGRESP", {}, "d0 00"),
        ("PUBLISH", {"topic": "a", "properties": (("topic_alias", 1), ("topic_alias", 1),
                                                  (0x7F, b"\1"))},
         "30 0c 00 01 61 08 23 00 01 23 00 01 7f 01"),
    ],
)  # fmt: skip
def test_packets_of_a_broker(name: str, fields: Packet, expected: str) -> None:
    assert build(name, fields) == bytes.fromhex(expected)


def test_reason_codes_of_a_broker_are_those_of_the_standard() -> None:
    """Tables 3-1, 3-4 to 3-10; counted from the text."""
    counts = {"CONNACK": 22, "PUBACK": 9, "PUBREC": 9, "PUBREL": 2, "PUBCOMP": 2, "SUBACK": 12,
              "UNSUBACK": 7, "DISCONNECT": 28, "AUTH": 2}  # fmt: skip
    assert {name: len(codes) for name, codes in ACCEPTED.items()} == counts
