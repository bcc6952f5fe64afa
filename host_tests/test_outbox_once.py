"""QoS 0 straight to the stream: whatever came before it, its bytes are those of this message."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strict import frame
from umqtt_full.errors import ReasonError
from umqtt_full.ids import Ids
from umqtt_full.outbox import Outbox
from umqtt_full.outbox5 import Outbox5

TOPICS: tuple[str | bytes, ...] = (
    "a",
    b"b/c",
    "greenhouse/temperature",
    b"greenhouse/fan/1234567",
)
SIZES = (0, 1, 16, 17, 40, 130, 200, 600)
_ONCE = 1

message = st.tuples(st.sampled_from(TOPICS), st.sampled_from(SIZES), st.integers(0, 1))
Steps = list[tuple[str, tuple[str | bytes, int, int]]]
step = st.one_of(
    st.tuples(st.just("once"), message),
    st.tuples(st.just("once"), message),
    st.tuples(st.just("queue"), message),
    st.tuples(st.just("queue as before"), message),
    st.tuples(st.just("queue as before"), message),
    st.tuples(st.just("queue over a loss"), message),
    st.tuples(st.just("as str"), message),
    st.tuples(st.just("bad payload"), message),
    st.tuples(st.just("bad topic"), message),
)


def written(box: Outbox, topic: str | bytes, payload: bytes, retain: int) -> bytes:
    """What `once` has the stream write; empty: it has to be queued."""
    n = box.once(topic, payload, retain)
    return bytes(box.buf[6 : 6 + n]) + bytes(box.rest or b"") if n else b""


def queued(
    box: Outbox, topic: str | bytes, payload: bytes | str, flags: int, head: bytes, lost: bool
) -> None:
    """A message goes through the ring as it is, which is empty again afterwards."""
    packet_id = box.publish(topic, payload, flags)
    if packet_id < 0:
        return
    while box.head != box.tail:
        first = box.first(9)
        name, data = (x if isinstance(x, bytes) else x.encode() for x in (topic, payload))
        number = packet_id.to_bytes(2, "big") if flags > 1 else b""
        whole = len(name).to_bytes(2, "big") + name + number + head + data
        record = bytes(box.buf[first + 6 : first + 6 + box.length(first)])
        assert record + bytes(box.lent.get(first, b"")) == frame(0x30 | flags, whole)
        at_once = box.buf[first + 3] == _ONCE
        box.sent(first)
        if lost and not at_once:
            box.mark_dup(-1)
            box.rewind(True)
            assert box.first(9) == first and box.buf[first + 6] & 8
            box.sent(first)
        if not at_once:
            assert box.find(0x50 if flags > 3 else 0x40, packet_id) == first
            box.free(first)
            box.ids.discard(packet_id)


def play(box: Outbox, steps: Steps, head: bytes) -> int:
    """Do the steps; return how many messages were written at once."""
    count, flags = 0, 2
    last: tuple[str | bytes | None, int] = None, 0
    for serial, (kind, (topic, size, retain)) in enumerate(steps):
        payload = bytes([serial & 255]) * size
        if kind == "once":
            data = written(box, topic, payload, retain)
            name = topic if isinstance(topic, bytes) else topic.encode()
            whole = len(name).to_bytes(2, "big") + name + head + payload
            expected = frame(0x30 | retain, whole)
            assert data == expected or not data, (serial, topic, size)
            count += bool(data)
        elif kind == "bad payload":
            with pytest.raises(ValueError, match="payload"):
                box.once(topic, None, retain)  # type: ignore[arg-type]
        elif kind == "bad topic":
            with pytest.raises(ValueError, match="wildcard"):
                box.once(b"a/+" if isinstance(topic, bytes) else "a/+", payload, retain)
        else:
            text: bytes | str = "x" * size if kind == "as str" else payload
            if kind != "queue as before" or last[0] is None:
                last, flags = (topic, size), retain | (serial % 3) << 1
            else:
                topic, text = last[0], payload[:1] * last[1]
            queued(box, topic, text, flags, head, kind == "queue over a loss")
    return count


@settings(max_examples=400, deadline=None, print_blob=True)
@given(st.sampled_from((64, 100, 256, 1024)), st.lists(step, max_size=40))
def test_what_is_written_at_once_is_this_message(size: int, steps: Steps) -> None:
    count = play(Outbox(size, 268435460, Ids()), steps, b"")
    assert count == sum(kind == "once" for kind, _ in steps)


@settings(max_examples=200, deadline=None, print_blob=True)
@given(st.sampled_from((64, 1024)), st.lists(step, max_size=40))
def test_so_it_is_with_mqtt_5(size: int, steps: Steps) -> None:
    count = play(Outbox5(size, 268435460, Ids()), steps, b"\0")
    assert count == sum(kind == "once" for kind, _ in steps)


def test_properties_of_one_message_are_not_those_of_the_next() -> None:
    box = Outbox5(256, 268435460, Ids())
    plain = written(box, "a", b"12345678", 0)
    typed = box.describe("a", {"content_type": "text"})
    other = box.describe("a", {"content_type": "json"})
    assert b"text" in written(box, typed, b"12345678", 0)
    assert b"json" in written(box, other, b"12345678", 0)
    assert written(box, "a", b"12345678", 0) == plain


def test_a_smaller_maximum_of_the_broker_counts_from_the_next_message_on() -> None:
    box = Outbox5(256, 268435460, Ids())
    assert written(box, "a", b"x" * 100, 0)
    box.limit({"maximum_packet_size": 50})
    with suppress(ReasonError):
        assert not written(box, "a", b"x" * 100, 0)
    with pytest.raises(ReasonError):
        box.publish("a", b"x" * 100, 0)


def test_a_topic_whose_first_payload_was_refused_is_not_the_one_before() -> None:
    box = Outbox(256, 268435460, Ids())
    assert written(box, b"a", b"12345678", 0)
    with pytest.raises(ValueError, match="payload"):
        box.once(b"b", None, 0)  # type: ignore[arg-type]
    assert written(box, b"b", b"12345678", 0) == b"\x30\x0b\0\1b12345678"
