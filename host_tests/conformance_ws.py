"""A WebSocket server, written from RFC 6455, that plays one connection to a client's script."""

from __future__ import annotations

import base64
import hashlib
import socket
import threading
from collections.abc import Callable

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
BINARY, TEXT, CLOSE = 2, 1, 8
CONNACK = b"\x20\2\0\0"


class Peer(threading.Thread):
    """Accepts one connection, answers the handshake with `subprotocol`, then runs `play`.

    `request` has the header lines of the client; `error` what went wrong in `play`.
    """

    def __init__(self, play: Callable[[Peer], None], subprotocol: bytes | None = b"mqtt") -> None:
        super().__init__(daemon=True)
        self.request: dict[bytes, bytes] = {}
        self.error: Exception | None = None
        self._play = play
        self._subprotocol = subprotocol
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._link = socket.socket()
        self.start()

    def run(self) -> None:
        try:
            self._link = self._listener.accept()[0]
            self._link.settimeout(5)
            self._link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._greet()
            self._play(self)
        except (OSError, AssertionError) as error:
            self.error = error
        finally:
            self._link.close()
            self._listener.close()

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += self._link.recv(count - len(data)) or b"\0" * count
        assert len(data) == count, "the client closed"
        return data

    def _greet(self) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self._exactly(1)
        for line in head.split(b"\r\n")[1:-2]:
            name, value = line.split(b":", 1)
            self.request[name.lower()] = value.strip()
        key = self.request[b"sec-websocket-key"]
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        lines = [b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket"]
        lines += [b"Connection: Upgrade", b"Sec-WebSocket-Accept: " + accept]
        if self._subprotocol is not None:
            lines.append(b"Sec-WebSocket-Protocol: " + self._subprotocol)
        self._link.sendall(b"\r\n".join(lines) + b"\r\n\r\n")

    def receive(self) -> tuple[int, bytes]:
        """The next frame of the client: its first byte and its payload, unmasked."""
        first, size = self._exactly(2)
        assert size & 0x80, "the frame is not masked"
        size &= 0x7F
        if size > 125:
            size = int.from_bytes(self._exactly(2 if size == 126 else 8), "big")
        mask = self._exactly(4)
        data = self._exactly(size)
        return first, bytes(byte ^ mask[index & 3] for index, byte in enumerate(data))

    def packets(self, count: int) -> bytes:
        """So many bytes of MQTT, each in a binary frame."""
        data = b""
        while len(data) < count:
            first, part = self.receive()
            assert first & 15 in (BINARY, 0), f"a frame of opcode {first & 15}"
            data += part
        return data

    def send(self, opcode: int, data: bytes, final: bool = True) -> None:
        """A frame of the server."""
        assert len(data) < 126
        self._link.sendall(bytes((opcode | final << 7, len(data))) + data)

    def expect_end(self) -> list[int]:
        """The client closes: the opcodes of what it sends until then."""
        opcodes = []
        try:
            while True:
                opcodes.append(self.receive()[0] & 15)
        except AssertionError:
            return opcodes
