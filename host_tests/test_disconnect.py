"""Client.disconnect ends with a closed connection, whatever comes in behind DISCONNECT."""

from __future__ import annotations

import errno

import pytest
from umqtt_full import Client, ProtocolError

GREETING = b"\x20\x02\x00\x00"


class Stream:
    """A stream that is greeted, and fails with `end` when DISCONNECT was written."""

    def __init__(self, end: BaseException) -> None:
        self.end = end
        self.written = b""
        self.answer = GREETING
        self.closed = 0

    def write(self, buf: bytearray, off: int, n: int) -> int:
        self.written += bytes(buf[off : off + n])
        return n

    def readinto(self, buf: bytearray, n: int = 0) -> int | None:
        if self.written.endswith(b"\xe0\x00"):
            raise self.end
        data, self.answer = self.answer, b""
        buf[: len(data)] = data
        return len(data) or None

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def _polled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The streams of these tests are ready."""

    class Poll:
        def register(self, *_: object) -> None: ...

        def modify(self, *_: object) -> None: ...

        def ipoll(self, _ms: int) -> list[tuple[object, int]]:
            return [(self, 5)]

    monkeypatch.setattr("umqtt_full.client.Poll", Poll)


ENDS = (ProtocolError("WebSocket: a text frame"), OSError(errno.ECONNRESET, "reset"))


@pytest.mark.usefixtures("_polled")
@pytest.mark.parametrize("end", ENDS)
def test_what_fails_behind_disconnect_is_kept_and_not_raised(end: Exception) -> None:
    streams: list[Stream] = []
    ends: list[BaseException | None] = []

    def dial(_host: str, _port: int) -> Stream:
        streams.append(Stream(end))
        return streams[-1]

    client = Client("x", "broker", 1883, dial=dial)
    client.on_disconnect = ends.append
    for n in (1, 2):  # the second `connect` does connect
        client.connect()
        client.disconnect()
        assert client.error is end and not client.connected
        assert len(streams) == n and streams[-1].closed == 1 and client._stream is None
        assert ends == [None] * n


@pytest.mark.usefixtures("_polled")
def test_an_interrupt_behind_disconnect_closes_too() -> None:
    stream = Stream(KeyboardInterrupt())
    client = Client("x", "broker", 1883, dial=lambda *_: stream)
    client.connect()
    with pytest.raises(KeyboardInterrupt):
        client.disconnect()
    assert stream.closed == 1 and client._stream is None and not client.connected
