"""Topics, filters and UTF-8, against Python's decoder, paho's matcher and a plain model."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub
from umqtt_full.ids import Ids
from umqtt_full.packet import Message
from umqtt_full.subscriptions import Subscription, Subscriptions
from umqtt_full.topic import (
    encode_filter,
    encode_topic,
    is_topic,
    matches,
    unshared,
    valid_utf8,
)

LEVELS = st.sampled_from(["", "a", "b", "ab", "é", "$x", "$"])
TOPICS = st.lists(LEVELS, min_size=1, max_size=5).map("/".join).filter(bool)
FILTERS = st.builds(
    lambda levels, last: "/".join([*levels, *last]),
    st.lists(LEVELS | st.just("+"), max_size=4),
    st.sampled_from([["#"], ["+"], ["a"], [""], []]),
).filter(bool)
LEAD = st.sampled_from([0x7F, 0x80, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE])
HIGH = st.sampled_from([0x8F, 0x90, 0x9F, 0xA0, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF, 0x41])
TRICKY = st.lists(LEAD | HIGH, max_size=7).map(bytes)

FILTER_MODEL = re.compile(r"(?:(?:\+|[^+#/\0]*)/)*(?:\+|#|[^+#/\0]*)")


def matched(topic_filter: str, topic: str) -> bool:
    """`matches` of text that lies in the middle of a buffer."""
    data = topic.encode()
    buf = bytearray(b"//" + data + b"/#+")
    return matches(topic_filter.encode(), buf, 2, 2 + len(data))


@settings(max_examples=1500, deadline=None, print_blob=True)
@given(FILTERS, TOPICS)
@example("a/#", "a")
@example("+/#", "/")
@example("#", "$SYS")
@example("+", "$SYS")
@example("+/+", "/a")
@example("/#", "/")
@example("a/b/#", "a/b/c/d")
def test_matching_agrees_with_paho(topic_filter: str, topic: str) -> None:
    assert matched(topic_filter, topic) == topic_matches_sub(topic_filter, topic)


@settings(max_examples=1500, deadline=None, print_blob=True)
@given(FILTERS, TOPICS)
@example("a/#", "a")
@example("a//#", "a/")
@example("+/#", "/")
def test_a_subscription_is_hit_by_what_its_filter_matches(topic_filter: str, topic: str) -> None:
    """Its quick look first loses none."""
    data = topic.encode()
    message = Message()
    message.decode(bytearray(b"xx\0" + bytes([len(data)]) + data + b"x/#"), 2, len(data) + 7, 0x30)
    subscription = Subscription(topic_filter.encode())
    hit = Subscriptions(Ids())._hit(subscription, message)
    assert hit == topic_matches_sub(topic_filter, topic)


@pytest.mark.parametrize(
    ("topic_filter", "topic", "wanted"),
    [
        ("sport/tennis/player1/#", "sport/tennis/player1", True),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", True),
        ("sport/#", "sport", True),
        ("sport/#", "sports", False),
        ("sport/tennis/+", "sport/tennis/player1/ranking", False),
        ("sport/+", "sport", False),
        ("sport/+", "sport/", True),
        ("+/+", "/finance", True),
        ("/+", "/finance", True),
        ("+", "/finance", False),
        ("#", "$SYS/a", False),
        ("+/monitor/Clients", "$SYS/monitor/Clients", False),
        ("$SYS/#", "$SYS/a", True),
        ("$SYS/#", "$SYS", True),
        ("$SYS/monitor/+", "$SYS/monitor/Clients", True),
        ("a", "A", False),
        ("a/", "a", False),
        ("a", "a/", False),
        ("a/#", "a/", True),
        ("a/+/#", "a/b", True),
        ("a/+/#", "a", False),
    ],
)
def test_matching_of_the_examples_of_the_specification(
    topic_filter: str, topic: str, wanted: bool
) -> None:
    """4.7.1 and 4.7.2."""
    assert matched(topic_filter, topic) is wanted


@settings(max_examples=1500, deadline=None, print_blob=True)
@given(st.binary(max_size=8) | TRICKY | st.text(max_size=5).map(lambda text: text.encode()))
@example(b"\xed\x9f\xbf")
@example(b"\xed\xa0\x80")
@example(b"\xf4\x8f\xbf\xbf")
@example(b"\xf4\x90\x80\x80")
@example(b"\xf0\x8f\xbf\xbf")
def test_utf8_agrees_with_pythons_decoder(data: bytes) -> None:
    try:
        data.decode("utf-8")
        wanted = True
    except UnicodeDecodeError:
        wanted = False
    assert valid_utf8(data, 0, len(data)) is wanted
    assert valid_utf8(bytearray(b"\xff" + data + b"\x80"), 1, 1 + len(data)) is wanted


def test_utf8_agrees_with_pythons_decoder_on_all_pairs_of_bytes() -> None:
    """And a tail that completes each kind of sequence."""
    for first in range(0x80, 256):
        for second in range(256):
            for tail in (b"", b"\x80", b"\x80\x80"):
                data = bytes((first, second)) + tail
                wanted = data.decode("utf-8", "replace").encode() == data
                wanted = wanted and "\ufffd" not in data.decode("utf-8", "replace")
                if data.find(b"\xef\xbf\xbd") < 0:
                    assert valid_utf8(data, 0, len(data)) is wanted, data


def accepts(check: object, value: str | bytes) -> bool:
    """Whether a check lets the value pass; all it may raise is ValueError."""
    try:
        check(value)  # type: ignore[operator]
    except ValueError:
        return False
    return True


WILD = st.text(st.sampled_from("ab/+#\0$é"), max_size=6)


@settings(max_examples=1500, deadline=None, print_blob=True)
@given(WILD)
def test_filters_are_checked_as_the_model_says(value: str) -> None:
    wanted = bool(value) and FILTER_MODEL.fullmatch(value) is not None
    assert accepts(encode_filter, value) is wanted
    assert accepts(encode_filter, value.encode()) is wanted


@settings(max_examples=1500, deadline=None, print_blob=True)
@given(WILD)
def test_topics_are_checked_as_the_model_says(value: str) -> None:
    wanted = re.fullmatch(r"[^+#\0]+", value) is not None
    assert accepts(encode_topic, value) is wanted
    assert accepts(encode_topic, value.encode()) is wanted
    assert is_topic(value.encode()) is wanted


@pytest.mark.parametrize("length", [65535, 65536])
@pytest.mark.parametrize("unit", ["t", "é", "€"])
def test_length_is_measured_in_bytes(unit: str, length: int) -> None:
    size = len(unit.encode())
    value = unit * (length // size) + "x" * (length % size)
    for given_as in (value, value.encode()):
        assert accepts(encode_topic, given_as) is (length == 65535)
        assert accepts(encode_filter, given_as) is (length == 65535)


@pytest.mark.parametrize("check", [encode_topic, encode_filter])
@pytest.mark.parametrize("value", ["", b"", "\0", "a\ud800", b"\xff", b"\xc0\x80", None, 5, ["a"]])
def test_what_is_no_text_is_refused(check: object, value: str | bytes) -> None:
    with pytest.raises(ValueError):
        check(value)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("topic_filter", "wanted"),
    [
        (b"$share/g/a/+", b"a/+"),
        (b"$share/g//a", b"/a"),
        (b"$shared/g/a", b"$shared/g/a"),
        (b"a/$share/g", b"a/$share/g"),
    ],
)
def test_a_shared_filter_is_matched_without_its_group(topic_filter: bytes, wanted: bytes) -> None:
    assert unshared(topic_filter) == wanted
