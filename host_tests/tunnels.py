"""The fake broker behind TLS and WebSocket: what a connection's bytes pass on their way.

A tunnel is a chain of layers: bytes that came from the socket go up through `pull`, what the
broker sends goes down through `push`. Nothing is waited for: a handshake goes on whenever
something comes. Cuts and resets are those of the socket, so TLS sees what a bad network does.
"""

from __future__ import annotations

import base64
import hashlib
import select
import socket
import ssl
import time
from pathlib import Path
from typing import Any

from fake_broker import FakeBroker
from wire import Link

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_LIMIT_S = 5.0
_CLOSE, _PING, _PONG = 8, 9, 10


class Ended(Exception):
    """The client has closed."""


class Raw:
    """The lowest layer: the socket."""

    def __init__(self, raw: socket.socket) -> None:
        self.raw = raw

    def pull(self) -> bytes:
        """What has come; `Ended` at the end."""
        data = self.raw.recv(65536)
        if not data:
            raise Ended
        return data

    def push(self, data: bytes) -> None:
        """Send all."""
        self.raw.sendall(data)

    def finish_handshake(self) -> None:
        """There is none."""


def wait_for(raw: socket.socket, seconds: float = _LIMIT_S) -> None:
    """Wait until something comes."""
    if not select.select([raw], [], [], seconds)[0]:
        raise OSError("the client does not go on with its handshake")


class Tls:
    """TLS, as the server."""

    def __init__(self, inner: Raw, context: ssl.SSLContext) -> None:
        self._inner = inner
        self._came, self._goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._came, self._goes, server_side=True)
        self._open = False

    def pull(self) -> bytes:
        """What has come, decrypted; b"" when that was nothing whole."""
        self._came.write(self._inner.pull())
        return self._read() if self._open or self._shake() else b""

    def _shake(self) -> bool:
        try:
            self._tls.do_handshake()
            self._open = True
        except ssl.SSLWantReadError:
            self._open = False
        finally:
            self._flush()
        return self._open

    def _read(self) -> bytes:
        data = b""
        try:
            while one := self._tls.read(65536):
                data += one
        except ssl.SSLWantReadError:
            return data
        except ssl.SSLZeroReturnError:
            pass  # close_notify: what came before it counts
        if not data:
            raise Ended
        return data

    def _flush(self) -> None:
        if self._goes.pending:
            self._inner.push(self._goes.read())

    def push(self, data: bytes) -> None:
        """Send all, encrypted."""
        self.finish_handshake()
        self._tls.write(data)
        self._flush()

    def finish_handshake(self) -> None:
        """Wait for it: the broker has something to send."""
        while not self._open:
            wait_for(self._inner.raw)
            self._came.write(self._inner.pull())
            self._shake()

    @property
    def raw(self) -> socket.socket:
        """The socket."""
        return self._inner.raw


class WebSocket:
    """WebSocket, as the server (RFC 6455). Every third packet goes out in fragments."""

    def __init__(self, inner: Raw | Tls) -> None:
        self._inner = inner
        self._data = b""
        self._open = False
        self._sent = 0

    def pull(self) -> bytes:
        """The payload of what has come."""
        self._data += self._inner.pull()
        return self._frames() if self._open or self._greet() else b""

    def _greet(self) -> bool:
        head, end, rest = self._data.partition(b"\r\n\r\n")
        if not end:
            return False
        lines = head.split(b"\r\n")
        pairs = (line.split(b":", 1) for line in lines[1:])
        fields = {name.strip().lower(): value.strip() for name, value in pairs}
        if lines[0] != b"GET /mqtt HTTP/1.1" or fields[b"sec-websocket-protocol"] != b"mqtt":
            raise OSError(f"not the opening of a WebSocket for MQTT: {head!r}")
        accept = base64.b64encode(hashlib.sha1(fields[b"sec-websocket-key"] + GUID).digest())
        self._inner.push(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
        )
        self._data, self._open = rest, True
        return True

    def _frames(self) -> bytes:
        data = b""
        while (frame := self._frame()) is not None:
            opcode, payload = frame
            if opcode == _CLOSE:
                if not data:
                    raise Ended
                break
            if opcode in (0, 2):
                data += payload
            elif opcode not in (_PING, _PONG):
                raise OSError(f"a frame with opcode {opcode}")
        return data

    def _frame(self) -> tuple[int, bytes] | None:
        """The next whole frame, unmasked."""
        data = self._data
        if len(data) < 2:
            return None
        if not data[1] & 0x80:
            raise OSError("a frame that is not masked")
        extra = {126: 2, 127: 8}.get(data[1] & 0x7F, 0)
        size = int.from_bytes(data[2 : 2 + extra], "big") if extra else data[1] & 0x7F
        start = 6 + extra
        if len(data) < start + size:
            return None
        mask = data[start - 4 : start]
        payload = bytes(c ^ mask[i & 3] for i, c in enumerate(data[start : start + size]))
        self._data = data[start + size :]
        return data[0] & 15, payload

    def push(self, data: bytes) -> None:
        """Send a message."""
        self.finish_handshake()
        self._sent += 1
        half = len(data) // 2
        if self._sent % 3 or not half:
            self._inner.push(_framed(0x82, data))
        else:  # with a ping between the fragments
            parts = _framed(0x02, data[:half]) + _framed(0x89, b"?") + _framed(0x80, data[half:])
            self._inner.push(parts)

    def finish_handshake(self) -> None:
        """Wait for it: the broker has something to send."""
        while not self._open:
            wait_for(self._inner.raw)
            self._data += self._inner.pull()
            self._greet()


def _framed(first: int, data: bytes) -> bytes:
    size = len(data)
    if size < 126:
        return bytes((first, size)) + data
    if size < 65536:
        return bytes((first, 126)) + size.to_bytes(2, "big") + data
    return bytes((first, 127)) + size.to_bytes(8, "big") + data


class Tunnel(Link):
    """A connection of the fake broker through layers."""

    def __init__(self, raw: socket.socket, log: Any, parser: Any, layer: Any) -> None:
        super().__init__(raw, log, parser)
        self._layer = layer
        self._have = b""
        self._over = False

    def read(self, deadline: float, count: int = 65536) -> bytes | None:
        """The next bytes through the parser: b'' at the end, None when the time is over."""
        if self.ended:
            return b""
        while not self._have and not self._over:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self.raw], [], [], left)[0]:
                return None
            try:
                self._have = self._layer.pull()
            except (Ended, ssl.SSLError, ConnectionError, TimeoutError):
                self._over = True
        data, self._have = self._have[:count], self._have[count:]
        self.ended = not data
        self._log("<", "end of stream" if self.ended else "", data)
        self.packets += self.parser.feed(data)
        return data

    def write(self, data: bytes) -> None:
        """Send all; a client that is gone already shows when something is expected of it."""
        try:
            self._layer.push(data)
        except (Ended, OSError) as error:
            self._log(">", f"not sent: {error!r}", b"")


def server_context(files: Path) -> ssl.SSLContext:
    """TLS by the test CA's server certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files / "server.crt", files / "server.key")
    return context


def through(broker: FakeBroker, kind: str, context: ssl.SSLContext) -> FakeBroker:
    """Have a broker's connections come through "tls", "ws" or "wss"."""

    def accepted() -> Link:
        raw = broker._listener.accept()[0]
        layer: Any = Raw(raw)
        if kind in ("tls", "wss"):
            layer = Tls(layer, context)
        if "ws" in kind:
            layer = WebSocket(layer)
        return Tunnel(raw, broker._log, broker.parser(), layer)

    broker._accepted = accepted  # type: ignore[method-assign]
    return broker
