"""`fallback=True`: a client of MQTT 5 goes on with 3.1.1 where the broker speaks nothing else."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest
from umqtt_full import AsyncClient, Client, ReasonError, Store, Will

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
