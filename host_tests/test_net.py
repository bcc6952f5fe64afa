"""Dialling: the address that is chosen, the one that is remembered, no socket left open."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from umqtt_full import net

V4 = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 1883))
V6 = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:db8::1", 1883, 0, 0))


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    net._known.clear()
    yield
    net._known.clear()


def answers(monkeypatch: pytest.MonkeyPatch, found: Any) -> None:
    """Make the resolver return `found`, or raise it."""

    def getaddrinfo(*_: Any) -> Any:
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(net.socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize(
    ("found", "wanted"), [([V4], V4), ([V6, V4], V4), ([V4, V6], V4), ([V6], V6)]
)
def test_ipv4_is_preferred(monkeypatch: pytest.MonkeyPatch, found: list, wanted: tuple) -> None:
    answers(monkeypatch, found)
    assert net.resolve("broker", 1883) == (wanted[0], wanted[4])


def test_the_last_address_serves_when_the_name_cannot_be_resolved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of that host and port only."""
    answers(monkeypatch, [V4])
    net.resolve("broker", 1883)
    answers(monkeypatch, OSError(-2))
    assert net.resolve("broker", 1883)[1] == ("192.0.2.1", 1883)
    for host, port in (("broker", 8883), ("other", 1883)):
        with pytest.raises(OSError):
            net.resolve(host, port)


class FakeSocket:
    """Fails to connect as told."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.closed = False

    def setblocking(self, flag: bool) -> None:
        assert not flag

    def setsockopt(self, *_: int) -> None:
        return None

    def connect(self, address: tuple) -> None:
        raise OSError(self.number, "")

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("number", [errno.ENETUNREACH, errno.ECONNREFUSED, errno.ENOMEM])
def test_a_socket_that_fails_at_once_is_closed(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    answers(monkeypatch, [V4])
    fake = FakeSocket(number)
    monkeypatch.setattr(net.socket, "socket", lambda *_: fake)
    with pytest.raises(OSError) as raised:
        net.dial("broker", 1883)
    assert raised.value.errno == number and fake.closed


def test_connecting_goes_on_in_the_background() -> None:
    """And small writes are not held back."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        stream = net.dial("127.0.0.1", server.getsockname()[1])
        assert not stream.sock.getblocking()
        assert stream.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert stream.readinto(bytearray(4)) is None
        peer, _ = server.accept()
        with peer:
            peer.sendall(b"abc")
            poll = net.Poll()
            poll.register(stream, 1)
            assert [event & 1 for _, event in poll.ipoll(2000)] == [1]
            buf = bytearray(8)
            assert stream.readinto(buf) == 3 and buf[:3] == b"abc"
            assert stream.write(bytearray(b"--xyz--"), 2, 3) == 3
            assert peer.recv(8) == b"xyz"
        stream.close()
