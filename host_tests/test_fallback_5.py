"""`fallback=True`: a client of MQTT 5 goes on with 3.1.1 where the broker speaks nothing else."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from umqtt_full import AsyncClient, Client, ReasonError, Store, Will
from umqtt_full.fallback5 import fall_back
from unit_rig import CONNACK, RESUMED, Rig, ack
from unit_rig import publish as publish_3
from unit_rig5 import Rig5, publish

REFUSALS = {
    "by 3.1.1": b"\x20\x02\x00\x01",
    "by MQTT 5": b"\x20\x03\x00\x84\x00",
    "by closing": b"",
}


class OldBroker:
    """Refuses MQTT 5, and answers CONNECT, SUBSCRIBE and PUBLISH of 3.1.1."""

    def __init__(self, refusal: bytes) -> None:
        self.packets: list[bytes] = []
        self._refusal = refusal
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def said(self) -> list[bytes]:
        """The packets that came; where the broker only closes, the second CONNECT is left out."""
        return self.packets[not self._refusal :]

    def close(self) -> None:
        """End; the thread too."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        while True:
            try:
                sock = self._listener.accept()[0]
            except OSError:
                return
            with sock:
                sock.settimeout(5)
                self._answer(sock)

    def _answer(self, sock: socket.socket) -> None:
        data = b""
        while True:
            while len(data) < 2 or len(data) < 2 + data[1]:
                more = sock.recv(1000)
                if not more:
                    return
                data += more
            packet, data = data[: 2 + data[1]], data[2 + data[1] :]
            self.packets.append(packet)
            reply = self._reply(packet)
            sock.sendall(reply)
            if packet[0] == 0x10 and reply == self._refusal:
                return

    def _reply(self, packet: bytes) -> bytes:
        if packet[0] == 0x10:
            return self._refusal if packet[8] == 5 else b"\x20\x02\x00\x00"
        if packet[0] == 0x82:
            return b"\x90\x03" + packet[2:4] + b"\x01"
        if packet[0] & 0xF6 == 0x32:
            at = 4 + packet[3]
            return b"\x40\x02" + packet[at : at + 2]
        return b""


@pytest.fixture(params=list(REFUSALS.values()), ids=list(REFUSALS))
def broker(request: pytest.FixtureRequest) -> Iterator[OldBroker]:
    """An old broker."""
    one = OldBroker(request.param)
    yield one
    one.close()


def test_everything_goes_on_without_properties(broker: OldBroker) -> None:
    will = Will("w", b"x", properties={"will_delay_interval": 3})
    client = Client("x", "127.0.0.1", broker.port, version=5, fallback=True, will=will)
    client.on("t/+", print, 1, no_local=True, identifier=3)
    assert client.connect() is False
    client.publish("a/b", b"c", 1)
    client.disconnect()
    assert broker.said()[1:] == [
        b"\x10\x13\x00\x04MQTT\x04\x04\x00<\x00\x01x\x00\x01w\x00\x01x",
        b"\x82\x08\x00\x01\x00\x03t/+\x01",
        b"\x32\x08\x00\x03a/b\x00\x02c",
        b"\xe0\x00",
    ]
    with pytest.raises(ValueError, match="version=5"):
        client.publish("a", b"b", properties={"content_type": "x"})


def test_what_was_queued_is_sent_and_its_waiter_told(broker: OldBroker) -> None:
    async def main() -> None:
        client = AsyncClient(
            "x", "127.0.0.1", broker.port, version=5, fallback=True, backoff_ms=60000, tx_size=128
        )
        long = bytes(range(112))  # lent: it does not fit into the outbox
        first = await client.publish_nowait("q", b"1", 1, properties={"content_type": "t"})
        second = await client.publish_nowait("long", long, 1)
        async with client:
            await client.wait(first)
            await client.wait(second)
            await client.publish("q", b"3", 1)
        assert broker.said()[2] == b"\x32\x06\x00\x01q\x00\x011"
        assert broker.said()[3] == b"\x32\x78\x00\x04long\x00\x02" + long
        assert broker.said()[4] == b"\x32\x06\x00\x01q\x00\x033"

    asyncio.run(main())


def test_nobody_falls_back_unasked(broker: OldBroker) -> None:
    client = Client("x", "127.0.0.1", broker.port, version=5)
    with pytest.raises((ReasonError, OSError)) as caught:
        client.connect()
    if isinstance(caught.value, ReasonError):
        assert caught.value.reason_code == 0x84
        assert "unsupported protocol version" in str(caught.value)
    assert len(broker.packets) == 1


def test_a_connection_lost_later_is_no_refusal() -> None:
    broker = OldBroker(REFUSALS["by closing"])
    client = Client("x", "127.0.0.1", broker.port, version=5, fallback=True)
    client.connect()
    assert client.session.version == 4
    client.close()
    broker.close()
    client = Client("x", "127.0.0.1", broker.port, version=5, fallback=True)
    with pytest.raises(OSError, match=r"refused|reset|connect"):
        client.connect(500)
    assert client.session.version == 5  # nobody has seen a CONNECT


def test_what_3_1_1_cannot_do_is_refused_at_once(tmp_path: object) -> None:
    with pytest.raises(ValueError, match="password"):
        Client("x", "127.0.0.1", 1, version=5, fallback=True, username=None, password=b"p")
    with pytest.raises(ValueError, match="authentication"):
        Client("x", "127.0.0.1", 1, version=5, fallback=True, authentication=("m", bytes))
    with pytest.raises(ValueError, match="store"):
        Client("x", "127.0.0.1", 1, version=5, fallback=True, store=Store(str(tmp_path)))


def fallen_back(rig: Rig5) -> Rig:
    """What goes on in 3.1.1, when the connection of `rig` has ended."""
    rig.session.close()
    other = Rig()
    other._start(fall_back(rig.session))
    return other


def under_way() -> Rig5:
    """Received: a QoS 2 message, id 9; published: QoS 2 up to PUBREC and QoS 1, ids 1 and 2."""
    rig = Rig5(tx_size=128)
    rig.connect()
    rig.exchange(publish(b"in", b"i", 2, 9))
    rig.publish("a", b"1", 2, properties={"content_type": "c"})
    rig.drain()
    assert rig.exchange(ack(0x50, 1)) == ack(0x62, 1)
    rig.publish("b", b"2", 1, properties={"content_type": "c"})
    rig.drain()
    return rig


def test_what_is_under_way_goes_on_in_a_session_that_was_kept() -> None:
    rig = fallen_back(under_way())
    assert rig.pending(1, 2, 3) == [1, 2]
    assert rig.publish("c", b"3", 1) == 3
    assert rig.connect(RESUMED) == (
        ack(0x62, 1) + b"\x3a\x06\0\1b\0\x022" + b"\x32\x06\0\1c\0\x033"
    )
    again = publish_3(b"in", b"i", 2, 9, dup=True)
    assert rig.exchange(again) == ack(0x50, 9) and not rig.messages
    rig.exchange(ack(0x70, 1) + ack(0x40, 2) + ack(0x40, 3))
    assert rig.pending(1, 2, 3) == []


def test_what_is_under_way_begins_anew_when_the_session_was_lost() -> None:
    rig = fallen_back(under_way())
    assert rig.connect(CONNACK) == b"\x32\x06\0\1b\0\x022"
    assert rig.pending(1, 2) == [2]
    assert rig.exchange(publish_3(b"in", b"i", 2, 9)) == ack(0x50, 9)
    assert len(rig.messages) == 1


def test_no_message_is_left_out_and_what_is_lent_stays_lent() -> None:
    """However full the outbox is."""
    rig = Rig5(tx_size=200)
    payloads = [b"1" * 20, b"2" * 3000, b"3" * 40, b"4" * 700]
    for payload in payloads:
        assert rig.publish("t", payload, 1) > 0
    once = b"\0" * 300
    assert rig.publish("o", once, 0) == 0
    other = fallen_back(rig)
    assert len(other.session.outbox.buf) == 200
    assert other.pending(1, 2, 3, 4) == [1, 2, 3, 4]
    wanted = [publish_3(b"t", payload, 1, 1 + i) for i, payload in enumerate(payloads)]
    assert other.connect() == b"".join(wanted) + publish_3(b"o", once)
    assert other.exchange(b"".join(ack(0x40, 1 + i) for i in range(4))) == b""
    assert not other.session.outbox.lent and not other.session.outbox.queued_once


@pytest.mark.parametrize(
    ("options", "clean"),
    [
        ({}, False),
        ({"clean_start": True}, True),
        ({"client_id": ""}, True),
        ({"session_expiry_interval": 0}, True),
        ({"session_expiry_interval": 60}, False),
    ],
)
def test_a_session_that_ends_with_its_connection_is_a_clean_one(
    options: dict[str, Any], clean: bool
) -> None:
    """So 3.1.1 calls it; without a client identifier it knows no other."""
    session = fallen_back(Rig5(**options)).session
    assert session.clean_session is clean
    assert session.connect_packet[9] == 2 * clean
