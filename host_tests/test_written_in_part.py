"""What a call promises when the stream takes only a part of what it has to write."""

from __future__ import annotations

import asyncio
import select
import socket
import threading
import time
from typing import Any

import pytest
from umqtt_full import AsyncClient, Client
from umqtt_full.net import dial

HOST = "127.0.0.1"
LONG = 6_000_000  # bytes: more than the buffers of both sockets


def dial_with_little_room(host: str, port: int) -> Any:
    """A stream whose socket buffers little of what is written."""
    stream = dial(host, port)
    stream.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    return stream


class Slow(threading.Thread):
    """A broker that answers each read with the next of `answers`, then reads late and slowly."""

    def __init__(self, *answers: bytes) -> None:
        super().__init__(daemon=True)
        self.answers, self.came = answers, b""
        self.listener = socket.create_server((HOST, 0))
        self.port: int = self.listener.getsockname()[1]
        self.start()

    def run(self) -> None:
        with self.listener, self.listener.accept()[0] as link:
            for answer in self.answers:
                link.recv(1000)
                link.sendall(answer)
            time.sleep(0.3)
            while select.select([link], [], [], 5)[0]:
                data = link.recv(65536)
                if not data:
                    break
                self.came += data


@pytest.mark.parametrize("length", [LONG, 1000])
def test_publish_at_qos_0_returns_when_the_payload_is_written(length: int) -> None:
    """The caller may use its buffer for the next one then."""
    broker = Slow(b"\x20\2\0\0")
    mqtt = Client("c", HOST, broker.port, keep_alive=0, dial=dial_with_little_room)
    mqtt.connect()
    payload: Any = bytearray(b"A" * length)
    for _ in range(LONG // length if length == LONG else 20):
        mqtt.publish("t", payload)
        assert not mqtt.session.outbox.queued_once
    payload[:] = b"B" * length
    mqtt.disconnect()
    broker.join(10)
    assert b"B" not in broker.came
    assert broker.came.count(b"A") % length == 0
    assert broker.came.endswith(b"A\xe0\0")


def test_publish_at_qos_0_ends_within_its_time() -> None:
    """A broker that takes nothing does not keep it for ever."""
    broker = Slow(b"\x20\2\0\0", b"")
    mqtt = Client("c", HOST, broker.port, keep_alive=0, dial=dial_with_little_room)
    mqtt.connect()
    start = time.monotonic()
    with pytest.raises(OSError, match="110"):
        mqtt.publish("t", bytes(LONG), timeout_ms=100)
    assert time.monotonic() - start < 2
    mqtt.close()


def test_publish_nowait_at_qos_0_says_when_the_payload_is_written() -> None:
    """Until then the caller must leave its buffer alone."""
    broker = Slow(b"\x20\2\0\0")
    mqtt = Client("c", HOST, broker.port, keep_alive=0, dial=dial_with_little_room)
    mqtt.connect()
    assert not mqtt.pending(0)
    mqtt.publish_nowait("t", bytearray(b"A" * LONG))
    assert mqtt.pending(0)
    mqtt.wait(0)
    assert not mqtt.pending(0)
    mqtt.close()
    broker.join(10)
    assert broker.came.count(b"A") == LONG


def test_so_does_the_one_of_the_async_client() -> None:
    broker = Slow(b"\x20\2\0\0")

    async def main() -> None:
        options: Any = {"keep_alive": 0, "dial": dial_with_little_room}
        mqtt = AsyncClient("c", HOST, broker.port, **options)
        async with mqtt:
            await mqtt.publish_nowait("t", bytearray(b"A" * LONG))
            assert mqtt.pending(0)
            with pytest.raises(OSError, match="110"):
                await mqtt.wait(0, 10)
            await mqtt.wait(0)
            assert not mqtt.pending(0)

    asyncio.run(main())
    broker.join(10)
    assert broker.came.count(b"A") == LONG


def test_auth_does_not_come_into_the_middle_of_a_message() -> None:
    """A handler publishes while the answer to AUTH is queued."""
    connack = b"\x20\7\0\0\4\x15\0\1m"
    auth = b"\xf0\6\x18\4\x15\0\1m"
    broker = Slow(connack, b"\x90\4\0\1\0\0", auth + b"\x30\5\0\1t\0x")
    mqtt = Client("c", HOST, broker.port, version=5, keep_alive=0, dial=dial_with_little_room,
                  authentication=("m", lambda data: None))  # fmt: skip
    payload = b"A" * LONG
    mqtt.on("t", lambda message: mqtt.publish("r", payload))
    mqtt.connect()
    while mqtt.session.subscriptions.all[0].granted is None:
        mqtt.poll(100)
    mqtt.reauthenticate()
    while len(broker.came) < LONG and broker.is_alive():
        mqtt.poll(100)
    mqtt.disconnect()
    broker.join(10)
    assert broker.came.endswith(b"\0\1r\0" + payload + auth + b"\xe0\0")
