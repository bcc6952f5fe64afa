"""What a broken or hostile peer sends: packets, or one of the three errors, and nothing else."""

from __future__ import annotations

import pytest
import unit_rig
import vectors
from hypothesis import given, settings
from hypothesis import strategies as st
from umqtt_full import long
from umqtt_full.errors import LimitError, MQTTError, ProtocolError, ReasonError
from unit_rig import Rig
from vector_runner import call, spread

SHORT = [
    data
    for vector in [*vectors.IN, *vectors.INVALID]
    if len(data := spread(vector[2])) < 300  # type: ignore[arg-type]
]
STEPS = (
    ("publish", ("t", b"x", 1, False)),
    ("publish", ("t", b"x", 2, False)),
    ("subscribe", [("a", 1), ("a/#", 1)]),
    ("unsubscribe", ["b"]),
)
SIZES = st.sampled_from([(8, 16), (16, 64), (64, 16), (512, 1024), (2048, 2048)])
EDIT = st.tuples(st.sampled_from("sidcx"), st.integers(0, 10**6), st.binary(max_size=5))


def mutated(data: bytes, edits: list[tuple[str, int, bytes]]) -> bytes:
    """Bytes set, inserted, deleted, cut off or doubled."""
    for kind, place, new in edits:
        at = place % (len(data) + 1)
        if kind == "s":
            data = data[:at] + new + data[at + len(new) :]
        elif kind == "i":
            data = data[:at] + new + data[at:]
        elif kind == "d":
            data = data[:at] + data[at + 1 :]
        elif kind == "c":
            data = data[at:]
        else:
            data = data[:at] + data[at // 2 :]
    return data[:3000]


STREAMS = st.builds(
    mutated,
    st.lists(st.sampled_from(SHORT), min_size=1, max_size=8).map(b"".join),
    st.lists(EDIT, max_size=6),
) | st.binary(max_size=200)


def prepared(sizes: tuple[int, int], stream: bool) -> Rig:
    """A connected session in which each kind of packet is awaited."""
    rig = Rig(read_size=sizes[0], rx_size=sizes[1])
    rig.connect()
    if stream:
        rig.subscribe("#", 0, lambda message: bytes(message.payload), True)
    for name, arguments in STEPS:
        call(rig, name, arguments)
    rig.drain()
    return rig


def outcome(rig: Rig, data: bytes, most: int) -> type[MQTTError] | None:
    """Feed until the end or an error, and check what must hold in any case."""
    kind = None
    try:
        rig.feed(data, most)
    except (ProtocolError, ReasonError, LimitError) as error:
        kind = type(error)
    replies = rig.written + rig.drain()
    assert len(replies) <= 2 * len(data) + 64
    assert 2 * len(rig.messages) <= len(data)
    rig.written = b""
    return kind


@settings(max_examples=1500, deadline=None, print_blob=True)
@given(STREAMS, SIZES, st.integers(1, 512), st.booleans())
def test_any_stream_is_parsed_or_refused(
    data: bytes, sizes: tuple[int, int], most: int, stream: bool
) -> None:
    rig = prepared(sizes, stream)
    outcome(rig, data, most)
    rig.reconnect()  # the object can be used again
    assert rig.exchange(unit_rig.publish(b"t", b"x", 1, 9)) == unit_rig.ack(0x40, 9)


@settings(max_examples=800, deadline=None, print_blob=True)
@given(STREAMS, st.integers(1, 40), st.integers(8, 200))
def test_the_cuts_of_a_stream_change_nothing(data: bytes, most: int, read_size: int) -> None:
    """With room for each packet the same packets and the same end, however it is cut."""
    results = []
    for size, step in ((512, 512), (512, most), (read_size, most)):
        rig = prepared((size, 4096), False)
        kind = outcome(rig, data, step)
        results.append((kind, rig.messages, rig.pending(*range(1, 9)), rig.errors == []))
    assert results[0] == results[1] == results[2]


LENGTHS = st.one_of(st.just(-1), st.integers(0, 30), st.integers(0, 5000))
WINDOWS = st.sampled_from((64, 100, 512, 1024, 4096, 5100))


@settings(max_examples=500, deadline=None, print_blob=True)
@given(
    st.lists(LENGTHS, min_size=1, max_size=12),
    WINDOWS,
    st.integers(300, 5100),
    st.lists(st.integers(1, 6000), min_size=1, max_size=5),
    st.booleans(),
)
def test_payloads_of_any_length_arrive_whole(
    lengths: list[int], read_size: int, rx_size: int, cuts: list[int], grows: bool
) -> None:
    """Between packets of two bytes (-1), however reads are cut; what is too long is counted."""
    rig = Rig(read_size=read_size, rx_size=rx_size)
    rig.connect()
    if grows:
        rig.session.begin_long = long.grow
    sent = [bytes((i * 31 + k) & 255 for k in range(n)) for i, n in enumerate(lengths) if n >= 0]
    payloads = iter(sent)
    data = b"".join(
        b"\xd0\0" if n < 0 else unit_rig.publish(b"topic", next(payloads)) for n in lengths
    )
    at = 0
    for cut in cuts:
        rig.feed(data[at : at + cut])
        at += cut
    rig.feed(data[at:])
    fits = [one for one in sent if grows or len(unit_rig.publish(b"topic", one)) <= rx_size]
    assert [one[1] for one in rig.messages] == fits
    assert rig.session.oversized == len(sent) - len(fits)
    assert len(rig.session.buf) == rx_size


@pytest.mark.parametrize("most", [1, 300, 700])
def test_a_buffer_that_grew_is_gone_with_its_connection(most: int) -> None:
    rig = Rig(read_size=512, rx_size=256)
    rig.connect()
    rig.session.begin_long = long.grow
    packet = unit_rig.publish(b"topic", bytes(range(250)) * 4, 2, 9)
    rig.feed(packet[:700], most)
    assert len(rig.session.buf) == len(packet)
    rig.reconnect()
    assert len(rig.session.buf) == 256
    for dup in (packet, b"\x3c" + packet[1:]):  # the second one is known, so not delivered
        assert rig.exchange(dup, most) == unit_rig.ack(0x50, 9)
        assert len(rig.session.buf) == 256
    assert [one[1] for one in rig.messages] == [bytes(range(250)) * 4]


@settings(max_examples=400, deadline=None, print_blob=True)
@given(st.binary(max_size=60), st.integers(1, 60), st.booleans())
def test_before_connack_any_stream_is_refused_or_awaited(
    data: bytes, most: int, clean_session: bool
) -> None:
    rig = Rig(clean_session=clean_session, rx_size=16, read_size=8)
    rig.session.open()
    rig.drain()
    outcome(rig, data, most)
    assert rig.session.connected or not rig.messages
    rig.session.close()
    assert rig.connect() == b"" and rig.session.connected
