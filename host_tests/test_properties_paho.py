"""The codec of properties against paho-mqtt's and against the referee's, which is our own."""

from __future__ import annotations

from typing import Any

import pytest
import strict5_properties as referee
from hypothesis import example, given, settings
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from strict5 import CLAUSES5, Violation
from strict_base import Reader, remaining_length
from umqtt_full.errors import ProtocolError
from umqtt_full.properties import check_properties, decode_properties, encode_properties

SETTINGS = settings(max_examples=400, deadline=None, print_blob=True)
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9)
LONG = st.integers(0, 30000).map(lambda size: "ä" * size)
TOPIC = TEXT.filter(lambda text: text and "+" not in text and "#" not in text)
VALUES: dict[str, Any] = {
    "text": TEXT | LONG,
    "binary": st.binary(max_size=9) | st.integers(0, 65535).map(bytes),
    "pair": st.tuples(TEXT, TEXT),
}
# What a packet that breaks these statements is answered by; 0x81 for all others.
WRONG = {
    **dict.fromkeys(("U5-3", "U5-4", "U5-11", "MQTT-3.3.2-14", "MQTT-4.7.3-1"), 0x82),
    "MQTT-3.3.2-8": 0x94,
}


def values(number: int) -> Any:
    """Values that a property may have."""
    name, kind, least, most, _ = referee.TABLE[number]
    if name == "response_topic":
        return TOPIC
    if kind in VALUES:
        return VALUES[kind]
    return st.integers(least, 2**28 - 1 if number == 39 else most)  # paho takes no larger size


@st.composite
def blocks(draw: Any) -> tuple[int, dict[str, Any]]:
    """A place and properties that may stand there, as the library takes them."""
    place = draw(st.sampled_from(referee.PLACES))
    found: dict[str, Any] = {}
    numbers = [number for number, row in referee.TABLE.items() if place in row[4]]
    for number in draw(st.lists(st.sampled_from(numbers), unique=True, max_size=6)):
        name = referee.TABLE[number][0]
        value = values(number)
        many = name == "user_property"
        found[name] = draw(st.lists(value, min_size=1, max_size=3) if many else value)
    return place, found


def as_received(place: int, found: dict[str, Any]) -> dict[str, Any]:
    """Subscription identifiers of a PUBLISH come as a list."""
    name = "subscription_identifier"
    if name in found and place == referee.PUBLISH:
        return {**found, name: [found[name]]}
    return found


def in_paho(place: int, found: dict[str, Any]) -> Any:
    """paho's properties with these values."""
    block = Properties(PacketTypes.WILLMESSAGE if place == referee.WILL else place)
    for name, value in found.items():
        word = "".join(part.capitalize() for part in name.split("_")).replace("Qos", "QoS")
        setattr(block, word, value)
    return block


def decoded(place: int, data: bytes) -> dict[str, Any]:
    """What the library reads, somewhere in a larger buffer."""
    buf = bytearray(b"\xff" * 3 + data + b"\xee" * 2)
    end = check_properties(place, buf, 3, len(buf))
    assert end == 3 + len(data)
    return decode_properties(place, buf, 3, len(buf))


@SETTINGS
@given(blocks())
def test_paho_reads_what_is_written(block: tuple[int, dict[str, Any]]) -> None:
    place, found = block
    data = bytes(encode_properties(place, found))
    paho = in_paho(place, {})
    assert paho.unpack(data)[1] == len(data)
    assert paho.json() == in_paho(place, found).json()
    assert sorted(paho.pack()) == sorted(data)  # in another order


@SETTINGS
@given(blocks())
def test_what_paho_writes_is_read(block: tuple[int, dict[str, Any]]) -> None:
    place, found = block
    assert decoded(place, bytes(in_paho(place, found).pack())) == as_received(place, found)


@SETTINGS
@given(blocks())
def test_the_referee_agrees(block: tuple[int, dict[str, Any]]) -> None:
    place, found = block
    data = referee.write(found)
    assert bytes(encode_properties(place, found)) == data
    assert decoded(place, data) == as_received(place, found)


def told(place: int, data: bytes) -> tuple[Any, Any]:
    """The referee's judgement: (reason code, or nothing, and the properties)."""
    reader = Reader(data, CLAUSES5)
    try:
        found = referee.read(reader, place)
    except Violation as error:
        return WRONG.get(error.clause, 0x81), error
    return reader.at, found


MORE = (b"\1\1", b"\x23\0\1", b"\x0b\x80\0", b"\x26\0\0\0\0")


@st.composite
def broken(draw: Any) -> tuple[int, bytes]:
    """A block in which one thing was changed, or that is nonsense."""
    place, found = draw(blocks())
    body = bytearray(referee.write(found)[1:] if len(found) < 3 else b"")
    how = draw(st.sampled_from(("byte", "cut", "more", "place", "length")))
    if how == "byte" and body:
        body[draw(st.integers(0, len(body) - 1))] = draw(st.integers(0, 255))
    elif how == "cut":
        body = body[: draw(st.integers(0, len(body)))]
    elif how == "more":
        body += draw(st.sampled_from(MORE) | st.just(bytes(body)))
    elif how == "place":
        place = draw(st.sampled_from(referee.PLACES))
    head = remaining_length(len(body))
    if how == "length":
        head = draw(st.binary(min_size=1, max_size=5))
    return place, head + bytes(body)


@settings(max_examples=1500, deadline=None, print_blob=True)
@given(broken())
@example((3, b"\3\x08\0\0"))  # an empty response topic
def test_the_referee_agrees_on_what_is_wrong(block: tuple[int, bytes]) -> None:
    place, data = block
    wanted, found = told(place, data)
    lenient = isinstance(found, Violation) and found.clause in ("U5-11",)
    try:
        end = check_properties(place, bytearray(data), 0, len(data))
    except ProtocolError as error:
        assert isinstance(found, Violation), (data.hex(" "), error)
        assert error.reason_code == wanted, (data.hex(" "), error, found)
        return
    assert lenient or not isinstance(found, Violation), (data.hex(" "), found)
    if not lenient:
        assert (end, decode_properties(place, bytearray(data), 0, end)) == (wanted, found)


@pytest.mark.parametrize(
    ("place", "properties"),
    [
        (3, {"no_such": 1}), (1, {"topic_alias": 1}), (3, {"receive_maximum": 1}),
        (3, {"topic_alias": 0}), (3, {"topic_alias": 65536}), (3, {"topic_alias": "1"}),
        (3, {"payload_format_indicator": 2}), (3, {"payload_format_indicator": -1}),
        (3, {"message_expiry_interval": 2**32}), (3, {"message_expiry_interval": 1.5}),
        (3, {"content_type": b"\xff"}), (3, {"content_type": "\0"}), (3, {"content_type": 5}),
        (3, {"content_type": "\ud800"}), (3, {"content_type": "x" * 65536}),
        (3, {"response_topic": "a/+"}), (3, {"response_topic": "#"}), (3, {"response_topic": ""}),
        (3, {"correlation_data": "text"}), (3, {"correlation_data": bytes(65536)}),
        (3, {"user_property": "ab"}), (3, {"user_property": [("a",)]}),
        (3, {"user_property": [("a", 1)]}), (3, {"user_property": {"a": "b"}}),
        (8, {"subscription_identifier": 0}), (8, {"subscription_identifier": 268435456}),
        (1, {"receive_maximum": 0}), (1, {"maximum_packet_size": 0}),
        (1, {"request_problem_information": 2}), (0, {"session_expiry_interval": 1}),
    ],
)  # fmt: skip
def test_bad_properties_are_refused_before_anything_is_sent(
    place: int, properties: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=next(iter(properties))):
        encode_properties(place, properties)
