"""The codec against paho-mqtt's, in both directions."""

from __future__ import annotations

from typing import Any

import unit_rig
from hypothesis import given, settings
from hypothesis import strategies as st
from paho.mqtt.client import CallbackAPIVersion, Client, MQTTMessage, MQTTv311
from umqtt_full.will import Will
from unit_rig import Rig

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
TOPIC = st.text(st.characters(exclude_characters="\0+#", exclude_categories=["Cs"]), min_size=1)
TOPIC = TOPIC.filter(lambda text: 0 < len(text.encode()) < 65536)
PAYLOAD = st.binary(max_size=40) | st.integers(0, 20000).map(lambda size: b"x" * size)
QOS = st.integers(0, 2)
PACKET_ID = st.integers(1, 65535)
LEVEL = st.sampled_from(["a", "b/c", "", "é", "$SYS", "😀"])
FILTER = st.builds("/".join, st.lists(LEVEL | st.just("+"), min_size=1, max_size=4)).filter(bool)
SETTINGS = settings(max_examples=250, deadline=None, print_blob=True)


class Paho(Client):
    """paho's client without a socket: packets are caught, and read from bytes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, protocol=MQTTv311, **options)
        self.caught: list[bytes] = []
        self.seen: list[Any] = []
        self.on_message = lambda client, data, message: self.seen.append(message)
        self.on_subscribe = lambda client, data, mid, codes, properties: self.seen.append(
            (mid, [code.value for code in codes])
        )
        self.on_publish = lambda client, data, mid, reason, properties: self.seen.append(mid)
        self._rest = b""

    def _packet_queue(  # type: ignore[override]
        self, command: int, packet: bytes, *_: Any, **__: Any
    ) -> Any:
        self.caught.append(bytes(packet))
        return 0

    def _sock_recv(self, size: int) -> bytes:
        data, self._rest = self._rest[:size], self._rest[size:]
        if not data and size:
            raise BlockingIOError
        return data

    def read(self, data: bytes) -> bytes:
        """Take what a broker sends; return what is answered."""
        self._sock = self  # type: ignore[assignment]
        self._rest = data
        while self._rest:
            assert self._packet_read() == 0
        self._sock = None
        return b"".join(self.caught)

    def close(self) -> None:
        """As a socket."""


WILL = st.none() | st.tuples(TOPIC, st.binary(max_size=20), QOS, st.booleans())


@SETTINGS
@given(
    client_id=TEXT,
    username=st.none() | TEXT.filter(bool),
    password=st.none() | TEXT,
    keep_alive=st.integers(0, 65535),
    clean_session=st.booleans(),
    will=WILL,
)
def test_connect_is_what_paho_sends(
    client_id: str,
    username: str | None,
    password: str | None,
    keep_alive: int,
    clean_session: bool,
    will: tuple[str, bytes, int, bool] | None,
) -> None:
    clean_session = clean_session or not client_id
    password = None if username is None else password
    paho = Paho(client_id=client_id, clean_session=clean_session)
    paho.username_pw_set(username, password)
    if will is not None:
        paho.will_set(*will)
    paho._client_id = client_id.encode()
    paho._send_connect(keep_alive)
    rig = Rig(
        client_id=client_id,
        username=username,
        password=password,
        keep_alive=keep_alive,
        clean_session=clean_session,
        will=None if will is None else Will(*will),
    )
    rig.session.open()
    assert rig.drain() == paho.caught[0]


@SETTINGS
@given(TOPIC, PAYLOAD, QOS, st.booleans(), PACKET_ID, st.sampled_from([64, 1024, 40000]))
def test_publish_is_what_paho_sends(
    topic: str, payload: bytes, qos: int, retain: bool, packet_id: int, tx_size: int
) -> None:
    paho = Paho()
    paho._sock = paho  # type: ignore[assignment]
    paho._send_publish(packet_id, topic.encode(), payload, qos, retain, False, None)
    rig = Rig(tx_size=max(tx_size, 20 + len(topic.encode())))
    rig.connect()
    rig.session.ids.next = packet_id
    assert rig.publish(topic, payload, qos, retain) == (packet_id if qos else 0)
    assert rig.drain() == paho.caught[0]


@SETTINGS
@given(st.lists(st.tuples(FILTER, QOS), min_size=1, max_size=9), PACKET_ID)
def test_subscribe_and_unsubscribe_are_what_paho_sends(
    filters: list[tuple[str, int]], packet_id: int
) -> None:
    filters = list(dict(filters).items())
    paho = Paho()
    paho._last_mid = packet_id - 1
    paho._send_subscribe(False, [(name.encode(), qos) for name, qos in filters])
    paho._last_mid = packet_id - 1
    paho._send_unsubscribe(False, [name.encode() for name, _ in filters])
    rig = Rig()
    rig.connect()
    rig.session.ids.next = packet_id
    for name, qos in filters:
        rig.subscribe(name, qos)
    assert rig.drain() == paho.caught[0]
    rig.feed(unit_rig.suback(packet_id, *[qos for _, qos in filters]))
    rig.session.ids.next = packet_id
    for name, _ in filters:
        rig.session.subscriptions.remove(name)
    assert rig.drain() == paho.caught[1]


def as_tuple(message: MQTTMessage) -> tuple[Any, ...]:
    """A message of paho as `unit_rig.copied` gives ours."""
    packet_id = message.mid if message.qos else 0
    retain, dup = bool(message.retain), bool(message.dup)
    return message.topic, message.payload, message.qos, retain, dup, packet_id


@st.composite
def inbound(draw: st.DrawFn) -> bytes:
    """A PUBLISH of a broker; QoS 2 with its PUBREL, for paho delivers then."""
    qos = draw(QOS)
    packet_id = draw(PACKET_ID) if qos else 0
    dup = bool(qos) and draw(st.booleans())
    topic = draw(TOPIC.filter(lambda text: len(text) < 400)).encode()
    data = unit_rig.publish(topic, draw(PAYLOAD), qos, packet_id, draw(st.booleans()), dup)
    return data + (unit_rig.ack(0x62, packet_id) if qos == 2 else b"")


@SETTINGS
@given(st.lists(inbound(), max_size=4), st.integers(8, 600), st.integers(1, 600))
def test_publish_is_read_as_paho_reads_it(packets: list[bytes], read_size: int, most: int) -> None:
    data = b"".join(packets)
    paho = Paho()
    replies = paho.read(data)
    rig = Rig(rx_size=40000, read_size=read_size)
    rig.connect()
    assert rig.exchange(data, most) == replies
    assert rig.messages == [as_tuple(message) for message in paho.seen]


@SETTINGS
@given(st.lists(st.sampled_from([0, 1, 2, 0x80]), min_size=1, max_size=9), PACKET_ID)
def test_suback_is_read_as_paho_reads_it(codes: list[int], packet_id: int) -> None:
    data = unit_rig.suback(packet_id, *codes)
    paho = Paho()
    paho.read(data)
    rig = Rig()
    rig.connect()
    rig.session.ids.next = packet_id
    some = [rig.subscribe(f"f/{n}", 2) for n in range(len(codes))]
    rig.drain()
    rig.feed(data)
    assert paho.seen == [(packet_id, [one.granted for one in some])]
    assert not rig.session.pending(packet_id)


@SETTINGS
@given(st.lists(st.tuples(st.integers(1, 2), st.booleans()), min_size=1, max_size=6), st.data())
def test_acks_complete_what_they_complete_in_paho(
    kinds: list[tuple[int, bool]], data: st.DataObject
) -> None:
    """In any order; PUBCOMP only where the PUBREC came."""
    paho, rig = Paho(), Rig()
    rig.connect()
    stream = b""
    acks: list[bytes] = []
    paho._sock = paho  # type: ignore[assignment]
    for n, (qos, recorded) in enumerate(kinds, 1):
        assert paho.publish("t", b"x", qos).mid == rig.publish("t", b"x", qos) == n
        acks.append(unit_rig.ack(0x40 if qos == 1 else 0x50, n))
        if qos == 2 and recorded:
            acks[-1] += unit_rig.ack(0x70, n)
    assert rig.drain() == b"".join(paho.caught)
    paho.caught.clear()
    stream = b"".join(data.draw(st.permutations(acks)))
    assert rig.exchange(stream) == paho.read(stream)
    ids = range(1, len(kinds) + 1)
    assert {n for n in ids if not rig.session.pending(n)} == set(paho.seen)
