"""The ring of the outbox against a plain list (see `device/unit_outbox.py`)."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
import umqtt_full.outbox as module
import unit_outbox
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from running import HERE, INTERPRETERS, Device
from umqtt_full.errors import LimitError
from unit_outbox import LENGTHS, SIZES, TOPICS, Model
from unit_rig import RESUMED, Rig

real_put = module.put


def scribbled(buf: bytearray, start: int, wanted: int, end: int) -> None:
    """Spoil what may be spoiled behind a copy: MicroPython writes zeros there."""
    size = 16
    while size < wanted:
        size *= 2
    for place in range(start + wanted, min(end, start + size)):
        buf[place] = 0xEE


def put(buf: bytearray, off: int, src: bytes | str, n: int, end: int) -> int:
    """As on MicroPython, and worse."""
    assert off + n <= end <= len(buf)
    scribbled(buf, off, n, end)
    return real_put(buf, off, src, n, end)


def is_ascii(text: str, buf: bytearray, off: int, end: int) -> bool:
    """As on MicroPython, which tries a copy."""
    assert off + 2 * len(text) + 16 <= end <= len(buf)
    scribbled(buf, off, 0, end)
    return text.isascii() and "\0" not in text


@pytest.fixture
def _as_on_micropython(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(module, "put", put)
    monkeypatch.setattr(module, "is_ascii", is_ascii)
    yield


class Ring(RuleBasedStateMachine):
    """Messages are queued, written, acknowledged; connections are lost."""

    model: Model

    @initialize(size=st.sampled_from(SIZES) | st.integers(64, 400), window=st.integers(1, 6))
    def start(self, size: int, window: int) -> None:
        self.model = Model(size, window)

    @rule(
        topic=st.sampled_from(TOPICS),
        length=st.sampled_from(LENGTHS) | st.integers(0, 400),
        qos=st.integers(0, 2),
        retain=st.booleans(),
        as_text=st.booleans(),
    )
    def publish(self, topic: str, length: int, qos: int, retain: bool, as_text: bool) -> None:
        self.model.publish(topic, length, qos, retain, as_text)

    @rule(whole=st.booleans())
    def write(self, whole: bool) -> None:
        self.model.write(whole)

    @rule()
    def write_all(self) -> None:
        for _ in range(4):
            self.model.write()

    @rule(n=st.integers(0, 5))
    def acknowledge(self, n: int) -> None:
        self.model.acknowledge(n)

    @rule(resumed=st.booleans(), times=st.integers(1, 3))
    def lose(self, resumed: bool, times: int) -> None:
        self.model.lose(resumed, times)

    @rule()
    def empty(self) -> None:
        self.model.empty()


class RingThatDrops(Ring):
    """Messages that were never sent are given up too."""

    @rule()
    def drop(self) -> None:
        self.model.drop()


@pytest.mark.usefixtures("_as_on_micropython")
@pytest.mark.parametrize("machine", [Ring, RingThatDrops])
def test_the_ring_is_a_list(machine: type[Ring]) -> None:
    """In order, intact, room found again: whatever happens."""
    limits = settings(max_examples=150, stateful_step_count=50, deadline=None, print_blob=True)
    run_state_machine_as_test(machine, settings=limits)


@pytest.mark.usefixtures("_as_on_micropython")
@pytest.mark.parametrize("seed", range(3))
def test_no_room_leaks_over_ten_thousand_operations(seed: int) -> None:
    """On each of the sizes 1,000; the model empties the ring in between and at the end."""
    unit_outbox.main(seed, 1000, False)


@pytest.mark.parametrize("drops", [(), ("drop",)], ids=["", "drop"])
@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_the_ring_is_a_list_on_each_python(interpreter: str, drops: tuple[str, ...]) -> None:
    seed = str(random.randrange(1 << 20))
    device = Device(interpreter, str(HERE / "device" / "unit_outbox.py"), seed, "600", *drops)
    device.start()
    problem = device.finish(60)
    assert not problem, f"seed {seed}: {problem}"


def test_what_can_never_fit_is_a_limit_error() -> None:
    """Also while other messages wait: there is nothing to wait for."""
    rig = Rig(tx_size=64)
    for size in (48, 1):
        with pytest.raises(LimitError):
            rig.publish("t" * 70, b"", 1)
        with pytest.raises(LimitError):
            rig.publish("t" * 70, b"x" * 100, 0)
        assert rig.publish("t" * size, b"") == (1 if size == 48 else -1)


def test_a_packet_over_the_maximum_is_refused_before_it_is_queued() -> None:
    rig = Rig(maximum_packet_size=20)
    assert rig.publish("t", b"x" * 13, 1) == 1  # 20 bytes
    for payload, qos in ((b"x" * 14, 1), (b"x" * 16, 0)):
        with pytest.raises(ValueError, match="21"):
            rig.publish("t", payload, qos)
    rig.connect()
    assert rig.session.outbox.queued_once == 0 and not rig.pending(2)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_payload_longer_than_the_ring_is_lent(kind: type) -> None:
    """In two pieces of one packet; let go when it is acknowledged."""
    rig = Rig(tx_size=64)
    rig.connect()
    payload = kind(b"0123456789" * 30)
    assert rig.publish("t", payload, 1) == 1
    data = b"\x32\xb1\x02\x00\x01t\x00\x01" + bytes(payload)
    assert rig.drain(7) == data
    assert rig.reconnect() == b"\x3a" + data[1:]
    rig.feed(b"\x40\x02\x00\x01")
    assert not rig.pending(1) and not rig.session.outbox.lent


@pytest.mark.parametrize(
    "topic", ["", b"", bytearray(), "a/+", b"#", "\0", b"a\0", "\ud800", b"\xff", 7, None]
)
@pytest.mark.parametrize("payload", [b"x", "x"])
def test_a_bad_topic_is_refused_and_nothing_is_queued(topic: str, payload: str) -> None:
    rig = Rig()
    rig.connect()
    for _ in range(2):
        with pytest.raises(ValueError):
            rig.publish(topic, payload, 1)
    assert rig.publish("t", b"x") == 1
    with pytest.raises(ValueError):
        rig.publish(topic, payload, 1)
    assert rig.drain() == b"\x32\x06\x00\x01t\x00\x01x"


def test_a_bad_topic_after_one_that_is_not_kept_is_refused() -> None:
    rig = Rig()
    rig.connect()
    rig.publish(bytearray(b"t"), b"x", 0)
    with pytest.raises(ValueError):
        rig.publish(b"", b"x", 0)


@pytest.mark.parametrize("topic", [b"a/+", b"#", b"", b"a\0"])
def test_a_bad_topic_in_a_memoryview_is_refused(topic: bytes) -> None:
    rig = Rig()
    with pytest.raises(ValueError):
        rig.publish(memoryview(topic), b"x", 0)


@pytest.mark.parametrize("tx_size", [64, 1024])
@pytest.mark.parametrize("qos", [0, 1])
def test_a_memoryview_that_is_a_matrix_or_has_gaps_is_sent_whole(tx_size: int, qos: int) -> None:
    data = bytes(range(200))
    for payload in (memoryview(data)[::2], memoryview(data)[::-1],
                    memoryview(data).cast("B", (100, 2))):  # fmt: skip
        rig = Rig(tx_size=tx_size)
        rig.connect()
        rig.publish("t", payload, qos)
        assert rig.drain().endswith(payload.tobytes())
        if not qos:
            n = rig.session.outbox.once("t", payload, 0)
            written = bytes(rig.session.outbox.buf[6 : 6 + n])
            assert (written + bytes(rig.session.outbox.rest or b"")).endswith(payload.tobytes())


def test_a_memoryview_of_numbers_is_measured_in_bytes_or_refused() -> None:
    rig = Rig()
    rig.connect()
    payload = memoryview(bytes(range(8))).cast("H")
    try:
        rig.publish("t", payload, 0)
    except ValueError:
        return
    assert rig.drain() == b"\x30\x0b\x00\x01t" + bytes(range(8))


@pytest.mark.parametrize("payload", [None, 5, 1.5, ["x"], object()])
def test_a_payload_that_is_no_bytes_is_refused(payload: bytes) -> None:
    rig = Rig()
    with pytest.raises(ValueError):
        rig.publish("t", payload)
    assert not rig.pending(1)


def test_dropping_goes_past_what_was_written() -> None:
    """Record C, at QoS 0, overtook B in a full window: it is not there to be dropped."""
    rig = Rig(window=1)
    rig.connect()
    rig.publish("a", qos=1)
    rig.publish("b", qos=1)
    rig.publish("c", qos=0)
    rig.drain()
    rig.feed(b"\x40\x02\x00\x01")
    rig.session.close()
    assert [rig.session.outbox.drop(), rig.session.outbox.drop()] == [2, -1]


@pytest.mark.parametrize("acknowledged", range(4))
def test_what_gives_way_behind_messages_in_flight_makes_room(acknowledged: int) -> None:
    """Also where the ring has gone round. In order, and what was sent stays, in use by its id."""
    rig = Rig(tx_size=256)
    rig.connect()
    for number in range(4):
        assert rig.publish("t", b"sent %d" % number + b"." * 20, 1) == 1 + number
    rig.drain()
    for number in range(acknowledged):
        rig.feed(b"\x40\x02\x00" + bytes([1 + number]))
    rig.session.close()
    kept = [b"sent %d" % number + b"." * 20 for number in range(acknowledged, 4)]
    waiting = [b"lent" * 100]
    assert rig.publish("t", waiting[0], 1) == 5
    outbox = rig.session.outbox
    for number in range(100):
        payload = b"%d" % number + b"-" * (number % 7)
        while (packet_id := rig.publish("t", payload, 1)) < 0:
            dropped = outbox.drop()
            rig.session.forget(dropped)
            assert dropped > 4 and waiting.pop(0)
        assert packet_id > 4
        waiting.append(payload)
    assert len(waiting) > 2 and not outbox.lent
    sent = rig.reconnect(RESUMED)
    ends = [sent.index(payload) for payload in kept + waiting]
    assert ends == sorted(ends) and sent.count(b"\x3a") >= len(kept)


def test_memory_that_is_short_for_a_drop_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()
    rig.connect()
    rig.publish("a", b"1", 1)
    rig.drain()
    rig.session.close()
    rig.publish("b", b"2", 1)
    outbox = rig.session.outbox

    def fail(_n: int) -> int:
        raise MemoryError

    monkeypatch.setattr(outbox, "length", fail)
    with pytest.raises(MemoryError):
        outbox.drop()
    monkeypatch.undo()
    assert rig.session.pending(1) and rig.session.pending(2)
    assert rig.reconnect(RESUMED) == b"\x3a\x06\0\1a\0\0011\x32\x06\0\1b\0\0022"


def test_dropping_leaves_what_was_acknowledged() -> None:
    """Its id may be in use again."""
    rig = Rig()
    rig.connect()
    rig.publish("a", qos=1)
    rig.publish("b", qos=1)
    rig.drain()
    rig.feed(b"\x40\x02\x00\x02")
    rig.session.close()
    rig.session.open()
    rig.drain()
    rig.feed(b"\x20\x02\x00\x00")
    rig.session.close()
    rig.session.ids.next = 2
    assert rig.publish("c") == 2
    assert rig.session.outbox.drop() == 1
    assert rig.session.outbox.drop() == 2  # c, not b
    assert rig.session.outbox.drop() == -1


@pytest.mark.parametrize("payload", [b"\xa5" * 480, "a" * 480])
def test_a_message_that_fits_exactly_is_taken(payload: bytes | str) -> None:
    """Also where there is no room for the zeros that a quick copy writes behind itself."""
    rig = Rig(tx_size=512)
    rig.connect()
    assert rig.publish("t", b"", 1) == 1
    assert rig.publish("t", payload, 1) == 2
    assert rig.publish("t", b"", 1) == -1
    raw = payload.encode() if isinstance(payload, str) else payload
    wanted = b"\x32\5\0\1t\0\1" + b"\x32\xe5\3\0\1t\0\2" + raw
    assert rig.drain() == wanted
