"""The referee itself: what `strict` must refuse, and with which clause."""

from __future__ import annotations

import pytest
from strict import Flow, Packet, Parser, Violation, build, remaining_length

CONNECT = "10 0c 00 04 4d 51 54 54 04 02 00 3c 00 00"
HEAD = "00 04 4d 51 54 54 04"

GOOD = (
    ("00", ""),
    ("publish", "30 04 00 01 61 78"),
    ("publish_dup", "3b 06 00 01 61 00 01 78"),
    ("puback", "40 02 00 01"), ("pubrec", "50 02 00 01"), ("pubrel", "62 02 00 01"),
    ("pubcomp", "70 02 ff ff"), ("subscribe", "82 0a 00 01 00 01 61 02 00 01 23 00"),
    ("unsubscribe", "a2 05 00 01 00 01 61"), ("pingreq", "c0 00"), ("disconnect", "e0 00"),
)  # fmt: skip
BAD_FIRST = (
    ("MQTT-3.1.0-1", "c0 00"),
    ("MQTT-2.2.2-1", "11 0c 00 04 4d 51 54 54 04 02 00 3c 00 00"),
    ("MQTT-3.1.2-1", "10 0c 00 04 4d 51 54 58 04 02 00 3c 00 00"),
    ("MQTT-3.1.2-2", "10 0c 00 04 4d 51 54 54 05 02 00 3c 00 00"),
    ("MQTT-3.1.2-3", f"10 0c {HEAD} 03 00 3c 00 00"),
    ("MQTT-3.1.2-13", f"10 0c {HEAD} 0a 00 3c 00 00"),
    ("MQTT-3.1.2-14", f"10 12 {HEAD} 1e 00 3c 00 00 00 01 61 00 01 62"),
    ("MQTT-3.1.2-15", f"10 0c {HEAD} 22 00 3c 00 00"),
    ("MQTT-3.1.2-22", f"10 0e {HEAD} 42 00 3c 00 00 00 00"),
    ("MQTT-3.1.3-7", f"10 0c {HEAD} 00 00 3c 00 00"),
    ("MQTT-4.7.3-1", f"10 10 {HEAD} 06 00 3c 00 00 00 00 00 00"),
    ("MQTT-2.2.3", f"10 0d {HEAD} 02 00 3c 00 00 00"),
    ("MQTT-2.2.3", f"10 0c {HEAD} 02 00 3c 00 01"),
)
BAD = (
    ("MQTT-3.1.0-2", CONNECT),
    ("MQTT-2.2.1", "20 02 00 00"), ("MQTT-2.2.1", "00 00"), ("MQTT-2.2.1", "f0 00"),
    ("MQTT-2.2.3", "30 84 00 00 01 61 78"), ("MQTT-2.2.3", "30 80 80 80 80 01"),
    ("MQTT-2.2.2-1", "60 02 00 01"), ("MQTT-2.2.2-1", "80 06 00 01 00 01 61 00"),
    ("MQTT-2.2.2-1", "a0 05 00 01 00 01 61"), ("MQTT-2.2.2-1", "c1 00"),
    ("MQTT-2.2.2-1", "42 02 00 01"),
    ("MQTT-2.3.1-1", "32 05 00 01 61 00 00"), ("MQTT-2.3.1-1", "40 02 00 00"),
    ("MQTT-2.3.1-1", "82 06 00 00 00 01 61 00"), ("MQTT-2.3.1-1", "a2 05 00 00 00 01 61"),
    ("MQTT-3.3.1-4", "36 05 00 01 61 00 01"), ("MQTT-3.3.1-2", "38 03 00 01 61"),
    ("MQTT-1.5.3-1", "30 05 00 03 ed a0 80"), ("MQTT-1.5.3-1", "30 04 00 02 c0 af"),
    ("MQTT-1.5.3-2", "30 03 00 01 00"), ("MQTT-4.7.3-1", "30 02 00 00"),
    ("MQTT-3.3.2-2", "30 03 00 01 23"), ("MQTT-3.3.2-2", "30 05 00 03 61 2f 2b"),
    ("MQTT-2.2.3", "30 03 00 02 61"),
    ("MQTT-3.8.3-3", "82 02 00 01"), ("MQTT-3.8.3-4", "82 06 00 01 00 01 61 03"),
    ("MQTT-4.7.1-2", "82 08 00 01 00 03 61 23 62 00"),
    ("MQTT-4.7.1-2", "82 0a 00 01 00 05 61 2f 23 2f 62 00"),
    ("MQTT-4.7.1-3", "82 07 00 01 00 02 61 2b 00"), ("MQTT-4.7.3-1", "82 05 00 01 00 00 00"),
    ("MQTT-3.10.3-2", "a2 02 00 01"), ("MQTT-2.2.3", "40 03 00 01 00"),
    ("MQTT-2.2.3", "c0 01 00"), ("MQTT-2.2.3", "e0 01 00"), ("MQTT-2.2.3", "40 01 00"),
    ("MQTT-3.14.4-2", "e0 00 c0 00"),
)  # fmt: skip


@pytest.mark.parametrize(("name", "text"), GOOD)
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_well_formed_packets_are_read(name: str, text: str, size: int) -> None:
    data = bytes.fromhex(CONNECT + text)
    parser = Parser()
    packets = [p for at in range(0, len(data), size) for p in parser.feed(data[at : at + size])]
    assert b"".join(packet["raw"] for packet in packets) == data
    assert not parser.pending


@pytest.mark.parametrize(("clause", "text"), [(c, t) for c, t in BAD_FIRST])
def test_bad_first_packet_is_refused(clause: str, text: str) -> None:
    with pytest.raises(Violation) as caught:
        Parser().feed(bytes.fromhex(text))
    assert caught.value.clause == clause


@pytest.mark.parametrize(("clause", "text"), BAD)
def test_bad_packet_is_refused(clause: str, text: str) -> None:
    parser = Parser()
    parser.feed(bytes.fromhex(CONNECT))
    with pytest.raises(Violation) as caught:
        parser.feed(bytes.fromhex(text))
    assert caught.value.clause == clause


def publish(packet_id: int, qos: int = 1, dup: bool = False) -> tuple[str, Packet]:
    return "<", {"type": "PUBLISH", "qos": qos, "dup": dup, "packet_id": packet_id}


def connect(present: int = 0) -> list[tuple[str, Packet]]:
    return [
        ("<", {"type": "CONNECT", "clean_session": False}),
        (">", {"type": "CONNACK", "session_present": present}),
    ]


def ack(name: str, packet_id: int) -> tuple[str, Packet]:
    return ">", {"type": name, "packet_id": packet_id}


SUBSCRIBE = ("<", {"type": "SUBSCRIBE", "packet_id": 1})
DISCONNECT = ("<", {"type": "DISCONNECT"})


def follow(*events: tuple[str, Packet]) -> None:
    flow = Flow()
    for arrow, packet in events:
        if arrow == "<":
            flow.received(packet)
        else:
            flow.sent(packet["type"], packet)


def test_good_histories_are_accepted() -> None:
    follow(*connect(), publish(1), ack("PUBACK", 1), publish(1), ack("PUBACK", 1), SUBSCRIBE)
    follow(*connect(), publish(1), *connect(1), publish(1, dup=True), ack("PUBACK", 1))
    follow(*connect(), publish(1), *connect(0), publish(1))
    follow(*connect(), publish(1, 2), ack("PUBREC", 1), ack("PUBCOMP", 1), publish(1, 2))


@pytest.mark.parametrize(
    ("clause", "events"),
    [
        ("MQTT-2.3.1-2", [publish(1), publish(1)]),
        ("MQTT-2.3.1-2", [publish(1), SUBSCRIBE]),
        ("MQTT-2.3.1-2", [publish(1, 2), ack("PUBREC", 1), publish(1)]),
        ("MQTT-2.3.1-2", [publish(1, 2), ack("PUBACK", 1), publish(1)]),
        ("MQTT-2.3.1-2", [publish(1), *connect(1), publish(1)]),
        ("MQTT-4.4.0-1", [publish(1), publish(1, dup=True)]),
        ("MQTT-3.3.1-1", [publish(1, dup=True)]),
        ("MQTT-3.3.1-1", [DISCONNECT, *connect(1), publish(1, dup=True)]),
        ("MQTT-4.3.3-1", [publish(1, 2), ack("PUBREC", 1), *connect(1), publish(1, 2, True)]),
    ],
)
def test_bad_histories_are_refused(clause: str, events: list[tuple[str, Packet]]) -> None:
    with pytest.raises(Violation) as caught:
        follow(*connect(), *events)
    assert caught.value.clause == clause


@pytest.mark.parametrize(
    ("size", "expected"),
    [(0, "00"), (127, "7f"), (128, "80 01"), (16383, "ff 7f"), (16384, "80 80 01"),
     (2097151, "ff ff 7f"), (268435455, "ff ff ff 7f")],
)  # fmt: skip
def test_remaining_length(size: int, expected: str) -> None:
    assert remaining_length(size) == bytes.fromhex(expected)


@pytest.mark.parametrize(
    ("name", "fields", "expected"),
    [
        ("CONNACK", {"session_present": 1, "return_code": 5}, "20 02 01 05"),
        ("PUBLISH", {"topic": "a", "payload": b"x"}, "30 04 00 01 61 78"),
        ("PUBLISH", {"topic": "a", "qos": 2, "packet_id": 258, "dup": 1, "retain": 1},
         "3d 05 00 01 61 01 02"),
        ("PUBREL", {"packet_id": 1}, "62 02 00 01"),
        ("PUBREL", {"packet_id": 1, "flags": 0}, "60 02 00 01"),
        ("SUBACK", {"packet_id": 1, "codes": (0, 0x80)}, "90 04 00 01 00 80"),
        ("PINGRESP", {}, "d0 00"),
    ],
)  # fmt: skip
def test_packets_of_a_broker(name: str, fields: Packet, expected: str) -> None:
    assert build(name, fields) == bytes.fromhex(expected)
