"""Messages that come in: handlers, what they raise, long ones, and connections that end in one."""

from __future__ import annotations

from typing import Any

import pytest
from umqtt_full.errors import LimitError, ProtocolError
from umqtt_full.packet import Message
from unit_rig import CONNACK, RESUMED, Rig, ack, copied, publish, suback

PUBACK, PUBREC, PUBREL, PUBCOMP = 0x40, 0x50, 0x62, 0x70


def listening(*filters: str, **options: int) -> tuple[Rig, dict[str, list[Any]]]:
    """Connected, a handler for each filter that keeps what it got."""
    rig = Rig(**options)
    got: dict[str, list[Any]] = {}
    for name in filters:
        got[name] = []
        rig.subscribe(name, 2, lambda message, name=name: got[name].append(copied(message)))
    rig.connect()
    if filters:
        rig.feed(suback(1, *[2 for _ in filters]))
    return rig, got


def test_each_handler_whose_filter_matches_is_called_once_and_the_rest_is_on_message() -> None:
    rig, got = listening("a/b", "a/+", "#", "b")
    rig.exchange(publish(b"a/b", b"1", 1, 5) + publish(b"b", b"2") + publish(b"$SYS/x", b"3"))
    counts = {name: [message[1] for message in got[name]] for name in got}
    assert counts == {"a/b": [b"1"], "a/+": [b"1"], "#": [b"1", b"2"], "b": [b"2"]}
    assert [message[1] for message in rig.messages] == [b"3"]


@pytest.mark.parametrize(("qos", "first"), [(1, PUBACK), (2, PUBREC)])
@pytest.mark.parametrize("kind", [ValueError, OSError, MemoryError, ProtocolError, KeyError])
def test_what_a_handler_raises_is_reported_and_the_message_acknowledged(
    kind: type[Exception], qos: int, first: int
) -> None:
    rig, got = listening("a", "+")

    def handler(message: Message) -> None:
        raise kind("of a handler")

    rig.subscribe("a", 2, handler)
    rig.drain()
    data = publish(b"a", b"x", qos, 5)
    assert rig.exchange(data + data.replace(b"\x05", b"\x06")[: len(data)]).startswith(
        ack(first, 5)
    )
    assert {type(error) for error in rig.errors} == {kind}
    assert len(got["+"]) == len(rig.errors)


def test_keyboard_interrupt_in_a_handler_ends_the_turn_without_an_ack() -> None:
    """The message was not handled to its end: after a resume it comes again."""
    rig = Rig()
    rig.connect()

    def stop(message: Message) -> None:
        raise KeyboardInterrupt

    rig.session.subscriptions.on_message = stop
    with pytest.raises(KeyboardInterrupt):
        rig.feed(publish(b"t", b"x", 2, 5))
    rig.session.subscriptions.on_message = rig._keep
    assert rig.reconnect(RESUMED) == b""
    assert rig.exchange(publish(b"t", b"x", 2, 5, False, True)) == ack(PUBREC, 5)
    assert len(rig.messages) == 1


def test_a_handler_may_publish_and_subscribe() -> None:
    rig = Rig()
    rig.connect()

    def answer(message: Message) -> None:
        rig.publish("answer", bytes(message.payload), 1)
        rig.subscribe("more", 1)

    rig.session.subscriptions.on_message = answer
    out = rig.exchange(publish(b"t", b"x", 1, 5))
    request = b"\x82\x09\x00\x02\x00\x04more\x01"
    assert out == ack(PUBACK, 5) + request + publish(b"answer", b"x", 1, 1)


@pytest.mark.parametrize("qos", [1, 2])
@pytest.mark.parametrize("rest", [b"", publish(b"t", b"more", 1, 9), ack(PUBREL, 4), b"\x32"])
def test_a_handler_may_close(rest: bytes, qos: int) -> None:
    """Nothing more of what was read is taken, and no ack crosses to the next connection."""
    rig = Rig()
    rig.connect()

    def close(message: Message) -> None:
        rig.messages.append(copied(message))
        rig.session.close()

    rig.session.subscriptions.on_message = close
    data = publish(b"t", b"x", qos, 5) + rest
    rig.session.rx_window[: len(data)] = data
    rig.session.feed(len(data))
    assert len(rig.messages) == 1
    assert rig.connect(RESUMED) == b""


@pytest.mark.parametrize("piece", [0, 1, 2])
def test_a_handler_that_streams_may_close(piece: int) -> None:
    """What it did not get to the end comes again, from the start."""
    rig = Rig(rx_size=16, read_size=8)
    got: list[tuple[int, bytes]] = []

    def stream(message: Message) -> None:
        got.append((message.offset, bytes(message.payload)))
        if len(got) == piece + 1:
            rig.session.close()

    rig.subscribe("t", 2, stream, True)
    rig.connect()
    rig.drain()
    data = publish(b"t", b"0123456789" * 4, 2, 5)
    for at in range(0, len(data), 8):
        part = data[at : at + 8]
        rig.session.rx_window[: len(part)] = part
        rig.session.feed(len(part))
        if not rig.session.connected:
            break
    rig.connect(RESUMED)
    got.clear()
    got += [(-1, b"")] * (piece + 1)  # does not close again
    rig.exchange(data)
    assert b"".join(part for _, part in got) == b"0123456789" * 4


def test_pieces_of_a_long_message_follow_each_other() -> None:
    for rx_size in (16, 20, 64):
        for read_size in (8, 13, 64):
            rig = Rig(rx_size=rx_size, read_size=read_size)
            got: list[tuple[int, int, bytes, str]] = []
            rig.subscribe(
                "long/#",
                2,
                lambda m, got=got: got.append((m.offset, m.total, bytes(m.payload), m.topic)),
                True,
            )
            rig.connect()
            payload = bytes(range(200))
            assert rig.exchange(publish(b"long/t", payload, 2, 5), 7) == ack(PUBREC, 5)
            at = 0
            for offset, total, part, topic in got:
                assert (offset, total, topic) == (at, 200, "long/t")
                at += len(part)
            assert b"".join(one[2] for one in got) == payload


def test_a_long_message_again_is_acknowledged_and_not_handled_again() -> None:
    rig = Rig(rx_size=16, read_size=8)
    got: list[bytes] = []
    rig.subscribe("t", 2, lambda message: got.append(bytes(message.payload)), True)
    rig.connect()
    data = publish(b"t", b"0123456789" * 4, 2, 5)
    assert rig.exchange(data) == ack(PUBREC, 5)
    assert rig.exchange(data) == ack(PUBREC, 5)
    assert b"".join(got) == b"0123456789" * 4 and rig.session.oversized == 0
    assert rig.exchange(ack(PUBREL, 5)) == ack(PUBCOMP, 5)
    rig.exchange(data)
    assert b"".join(got) == b"0123456789" * 8


def test_long_messages_that_nobody_streams_are_counted() -> None:
    """Also where another handler takes short ones; once for QoS 2 sent twice."""
    rig, got = listening("t", rx_size=16, read_size=8)
    for qos in (0, 1, 2, 2):
        reply = rig.exchange(publish(b"t", b"0123456789" * 4, qos, qos and 5))
        assert reply == (b"", ack(PUBACK, 5), ack(PUBREC, 5))[qos]
    assert rig.session.oversized == 3 and got["t"] == []
    rig.exchange(publish(b"t", b"x"))
    assert len(got["t"]) == 1


def test_a_handler_that_comes_amid_a_long_message_begins_with_the_next() -> None:
    """New, in another's place, or wanted again: half a message is of no use to anybody."""
    rig = Rig(rx_size=16, read_size=8)
    rig.connect()
    got: dict[str, list[tuple[int, bytes]]] = {name: [] for name in "abcd"}

    def on(name: str, topic_filter: str) -> None:
        rig.subscribe(
            topic_filter, 0, lambda m: got[name].append((m.offset, bytes(m.payload))), stream=True
        )

    on("a", "t")
    on("b", "#")
    on("d", "+")
    rig.exchange(publish(b"t", b"x" * 60))
    data = publish(b"t", b"0123456789" * 6)
    rig.exchange(data[:40])
    on("c", "t")  # in the place of a
    on("d", "t/#")
    rig.session.subscriptions.remove("+")
    rig.subscribe("+", 0)
    rig.subscribe("#", 1)  # asked again, and heard all along
    rig.exchange(data[40:])
    assert b"".join(piece for _, piece in got["b"]) == b"x" * 60 + b"0123456789" * 6
    assert got["c"] == [] and len(b"".join(piece for _, piece in got["a"])) < 100
    assert len(b"".join(piece for _, piece in got["d"])) < 100
    rig.exchange(data)
    assert b"".join(piece for _, piece in got["c"]) == b"0123456789" * 6
    assert got["c"][0][0] == 0


LETTERS = "tä€😀\u07ff\uffff\U0010ffff"
BROKEN = [
    *(b"\x80", b"\xbf", b"\xc0\x80", b"\xc1\xbf", b"\xc3t", b"\xe0\x9f\xbf", b"\xed\xa0\x80"),
    *(b"\xef\xbft", b"\xf0\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xff"),
    *(b"\xf0\x9f\x98t", b"\0", b"+", b"#"),
]


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_mqtt_1_5_3_1_a_topic_longer_than_the_buffer_may_hold_any_character(qos: int) -> None:
    """Wherever its characters are split by the reads."""
    for pad in range(12):
        topic = (LETTERS * 3 + "x" * pad).encode()
        for most in (1, 3, 8):
            rig = Rig(rx_size=16, read_size=8)
            rig.connect()
            reply = rig.exchange(publish(topic, b"payload", qos, qos and 5), most)
            assert reply == (b"", ack(PUBACK, 5), ack(PUBREC, 5))[qos]
            assert rig.session.oversized == 1


@pytest.mark.parametrize("broken", BROKEN)
def test_mqtt_1_5_3_1_a_topic_longer_than_the_buffer_is_checked(broken: bytes) -> None:
    """At each place of it: in the buffer, behind it, at its end [MQTT-1.5.3-2, MQTT-3.3.2-2]."""
    for before in range(30):
        for rest in (b"", b"t", b"t" * 20):
            for qos in (0, 1):
                topic = b"t" * max(before, 20 - len(rest)) + broken + rest
                rig = Rig(rx_size=16, read_size=8)
                rig.connect()
                with pytest.raises(ProtocolError):
                    rig.feed(publish(topic, b"payload", qos, qos and 5))
                assert rig.drain() == b"" and rig.session.oversized == 0


@pytest.mark.parametrize("first", [0x90, 0x40, 0xB0, 0xD0])
def test_another_packet_than_publish_may_not_be_longer_than_the_buffer(first: int) -> None:
    rig = Rig(rx_size=16, read_size=8)
    rig.connect()
    with pytest.raises((LimitError, ProtocolError)):
        rig.feed(bytes((first, 100)) + b"\x00\x01" + b"\x00" * 98)
    assert rig.connect(CONNACK) == b""


def test_a_long_message_before_connack_is_a_protocol_error() -> None:
    """Nobody is handed a piece of it, and it is not acknowledged."""
    rig = Rig(rx_size=16, read_size=8)
    got: list[bytes] = []
    rig.subscribe("t", 0, lambda message: got.append(bytes(message.payload)), True)
    rig.session.open()
    rig.drain()
    with pytest.raises(ProtocolError):
        rig.feed(publish(b"t", b"x" * 40, 1, 5))
    assert got == [] and rig.drain() == b""


def message_of(payload: bytes, topic: bytes = b"t") -> Message:
    """A message as a handler gets it."""
    rig = Rig(rx_size=4000)
    kept: list[Message] = []
    rig.session.subscriptions.on_message = kept.append
    rig.connect()
    rig.feed(publish(topic, payload))
    return kept[0]


@pytest.mark.parametrize("text", [b"0", b"7", b"-7", b"0012", b"-0", b"1234567890123456789"])
def test_payload_int_reads_decimals(text: bytes) -> None:
    assert message_of(text).payload_int() == int(text)


@pytest.mark.parametrize("text", [b"", b"-", b"+1", b" 1", b"1 ", b"1.0", b"1e3", b"a", b"--1"])
def test_payload_int_refuses_anything_else(text: bytes) -> None:
    with pytest.raises(ValueError):
        message_of(text).payload_int()


def test_comparing_is_exact() -> None:
    message = message_of(b"on", b"a/b")
    assert message.payload_is(b"on") and message.payload_is("on")
    assert message.topic_is(b"a/b") and message.topic_is("a/b")
    for other in (b"", b"o", b"onn", b"ON", b"no"):
        assert not message.payload_is(other)
    for name in ("", "a/", "a/bb", "/b", "a/B"):
        assert not message.topic_is(name)


def test_copy_into_says_how_much_and_refuses_what_is_too_small() -> None:
    message = message_of(b"12345")
    target = bytearray(b"........")
    assert message.copy_into(target) == 5 and target == b"12345..."
    with pytest.raises(ValueError):
        message.copy_into(bytearray(4))


@pytest.mark.parametrize("qos", [1, 2])
def test_a_long_message_that_our_disconnect_cuts_short_comes_again(qos: int) -> None:
    """What came after DISCONNECT was not handed on, so the message was not received."""
    rig = Rig(rx_size=32, read_size=16)
    pieces: list[bytes] = []
    rig.subscribe("s", 2, lambda message: pieces.append(bytes(message.payload)), True)
    rig.connect()
    rig.feed(suback(1, 2))
    data = bytes(range(100))
    packet = publish(b"s", data, qos, 7)
    rig.feed(packet[:60])
    rig.session.disconnect()
    assert rig.exchange(packet[60:]) == b"\xe0\0"
    assert len(b"".join(pieces)) < 60
    pieces.clear()
    rig.reconnect()
    answer = rig.exchange(publish(b"s", data, qos, 7, dup=True))
    assert answer == ack(PUBREC if qos == 2 else PUBACK, 7)
    assert b"".join(pieces) == data


@pytest.mark.parametrize("size", [5, 90, 600, 1000])
@pytest.mark.parametrize("window", [1024, 2048])
def test_reads_come_back_to_the_ends_of_packets(size: int, window: int) -> None:
    """However odd it begins: a packet in two reads has to be copied."""
    packet = publish(b"t", bytes(size), 1, 7)
    count = 20 * (window // len(packet))
    rig = Rig(read_size=window, rx_size=1024)
    rig.connect()
    data = b"\xd0\0\xd0\0" + packet * count
    taken, feed = [], rig.session.feed

    def noted(n: int) -> bool:
        taken.append(n)
        return feed(n)

    rig.session.feed = noted  # type: ignore[method-assign]
    rig.feed(data)
    assert len(rig.messages) == count
    reads = [n for n in taken if n]
    whole = window // len(packet) * len(packet)
    assert set(reads[6:-1]) == {whole}
    assert (sum(reads[:6]) - 4) % len(packet) == 0
