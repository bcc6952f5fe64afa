"""MQTT over WebSocket (RFC 6455): a stream around another stream.

`readinto` takes frame headers and control frames out of what it has read, in place, and keeps no
payload back; `write` masks into one buffer, from which a frame is offered until it is taken whole.
Like TLS, a `write` that would block has to be tried again with the same bytes. The handshake is
done by `write` too, step by step.
"""

import errno
import os
import sys
from binascii import b2a_base64
from hashlib import sha1

from micropython import const

from .errors import ProtocolError

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

if TYPE_CHECKING or sys.implementation.name == "cpython":
    from ._cpython import Scratch as Scratch
    from ._cpython import xor as xor

    new_buffer = bytearray
    CHUNK = 16384
else:
    from array import array
    from io import BytesIO as Scratch

    CHUNK = 1024  # bytes of payload in a frame, at most

    def new_buffer(n: int) -> "array[int]":
        """Return `n` bytes as half-words: of 16 bits, every value is a small int."""
        return array("H", bytes(n))

    def xor(buf: "array[int]", i: int, end: int) -> None:
        """Mask the half-words from `i` to `end` with the two in front of them."""
        m = buf[i - 2]
        k = buf[i - 1]
        while i < end:
            buf[i] ^= m
            i += 1
            buf[i] ^= k
            i += 1


aes: "Any" = None
if not TYPE_CHECKING:
    try:
        from cryptolib import aes
    except ImportError:
        aes = None

_IN = const(1)
_OUT = const(4)
_BINARY = const(2)
_CLOSE = const(8)
_PING = const(9)
_PONG = const(10)
_FINAL = const(0x80)  # in the first byte; in the second: masked
_FRAME_HEAD = const(8)  # the longest header that is sent
_POOL = const(16)
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_REQUEST = (
    "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
)


class Hello:
    """The opening handshake, RFC 6455 section 4.1."""

    def __init__(self, inner: "Any", host: str, port: int, path: str) -> None:
        self._inner = inner
        self._key = b2a_base64(os.urandom(16)).strip()
        if ":" in host:
            host = "[" + host + "]"
        if port not in (80, 443):
            host += ":" + str(port)
        self._request = (_REQUEST % (path, host, self._key.decode())).encode()
        self._pos = 0
        self._one = bytearray(1)  # one byte a read: what follows the reply is not ours
        self._reply = bytearray()

    def step(self) -> int:
        """Go on; return the event that it waits for, or 0 when the connection is open."""
        while self._pos < len(self._request):
            n = self._inner.write(self._request, self._pos, len(self._request) - self._pos)
            if not n:
                return _OUT
            self._pos += n
        while not self._reply.endswith(b"\r\n\r\n"):
            n = self._inner.readinto(self._one)
            if n is None:
                return _IN
            if not n or len(self._reply) > 2048:
                raise OSError(errno.ECONNRESET, "WebSocket: no proper answer" + self._start())
            self._reply.extend(self._one)
        self._check(bytes(self._reply).split(b"\r\n"))
        return 0

    def _start(self) -> str:
        """Return the first line of the reply, for an error."""
        line = bytes(self._reply[:80]).split(b"\r\n")[0]
        return ": " + "".join(chr(c) if 31 < c < 127 else "?" for c in line) if line else ""

    def _check(self, lines: "list[bytes]") -> None:
        status = lines[0].split(None, 2)
        if len(status) < 2 or status[0] != b"HTTP/1.1" or status[1] != b"101":
            text = "WebSocket refused" + self._start() + " (host, port and path right?)"
            raise OSError(errno.ECONNREFUSED, text)
        headers: dict[bytes, bytes] = {}
        for line in lines[1:-2]:
            name, colon, value = line.partition(b":")
            name = name.lower()
            if not colon or name.strip() != name:
                raise ProtocolError("WebSocket: bad header " + repr(bytes(line[:60])))
            value = value.strip()
            headers[name] = headers[name] + b"," + value if name in headers else value
        accept = b2a_base64(sha1(self._key + _GUID).digest()).strip()
        for name, wanted in (
            (b"upgrade", b"websocket"),
            (b"connection", b"upgrade"),
            (b"sec-websocket-accept", accept),
            (b"sec-websocket-protocol", b"mqtt"),  # [MQTT-6.0.0-3]
            (b"sec-websocket-extensions", b""),
        ):
            value = headers.get(name, b"")
            words = [value] if wanted is accept else value.lower().split(b",")
            if wanted not in [word.strip() for word in words]:
                raise ProtocolError("WebSocket: wrong " + name.decode() + ": " + repr(value[:60]))


class WebSocket:
    """A WebSocket connection to an MQTT broker, as a non-blocking stream."""

    def __init__(self, inner: "Any", host: str, port: int, path: str) -> None:
        self.source = getattr(inner, "source", inner)  # what is to be watched by poll
        self.wants = 0  # the one event that a blocked write waits for; 0: any
        self.error: OSError | None = None  # what went wrong while closing
        self.inner = inner
        self._hints = hasattr(inner, "wants")
        self._hello: Hello | None = Hello(inner, host, port, path)
        self._scratch = Scratch(bytes(CHUNK + _FRAME_HEAD))
        self._out = new_buffer(CHUNK + _FRAME_HEAD + 4)  # one frame at a time
        self._pos = self._end = 0
        self._credit = 0  # bytes of the caller's that this frame stands for
        self._head = bytearray(_FRAME_HEAD)
        self._pool = bytearray(os.urandom(_POOL))
        self._pool_at = _POOL
        self._aes = aes(os.urandom(16), 1) if aes else None
        self._at = 0  # bytes of a header that have come
        self._opcode = self._left = 0  # of this frame; bytes of its payload still to come
        self._long = self._size = 0  # bytes of its length still to come; what is known of it
        self._fragmented = False  # the message goes on in another frame
        self._control = bytearray(125)  # payload of the last ping or close
        self._control_n = 0
        self._answer = 0  # pong or close that has to be sent
        self._closed = False  # a close frame was sent or received

    def write(self, buf: "Any", off: int, n: int) -> int | None:
        """Send `n` bytes of `buf[off:]`; return how many were taken.

        None: it would block, and the same bytes have to be offered again.
        """
        if self._hello is not None and not self._greet():
            return None
        if self._closed:
            raise OSError(errno.ECONNRESET, "WebSocket closed")
        if not self._push():
            return None
        done = self._credit
        while done < n:
            self._credit = 0
            if self._answer and not self._send_answer():
                break
            self._credit = min(n - done, CHUNK)
            self._frame(_FINAL | _BINARY, buf, off + done, self._credit)
            if not self._push():
                return done or None
            done += self._credit
        self._credit = 0
        return done or None

    def _greet(self) -> bool:
        """Take a step of the handshake; tell whether it is done."""
        wants = self._hello.step() if self._hello is not None else 0
        self.wants = wants and ((self._hints and self.inner.wants) or wants)
        if not wants:
            self._hello = None
        return not wants

    def _push(self) -> bool:
        """Write what is left of the frame; tell whether all of it is gone."""
        n = self._end - self._pos
        if n:
            n -= self.inner.write(self._out, self._pos, n) or 0
            self._pos = self._end - n
            if n:
                self.wants = self.inner.wants if self._hints else 0
                return False
            self.wants = 0
        return True

    def _frame(self, first: int, buf: "Any", off: int, n: int) -> None:
        """Put a frame around `n` bytes of `buf[off:]`."""
        head = self._head
        head[0] = first
        head[1] = _FINAL | min(n, 126)
        first = 2
        if n > 125:
            head[2] = n >> 8
            head[3] = n & 0xFF
            first = 4
        self._mask(head, first)
        first += 4
        self._scratch.seek(0)
        self._scratch.write(head, 0, first)
        self._scratch.write(buf, off, n)
        self._scratch.seek(0)
        n += first
        self._scratch.readinto(self._out, n)
        xor(self._out, first >> 1, n + 1 >> 1)
        self._pos = 0
        self._end = n

    def _mask(self, head: bytearray, off: int) -> None:
        """Put a new mask into `head`: four bytes that cannot be foreseen, never all 0.

        They are AES in output feedback, with a key of the port's random source: taking them from
        there every time would take from the heap.
        """
        any_bit = 0
        while not any_bit:
            i = self._pool_at
            if i == _POOL:
                i = 0
                if self._aes is not None:
                    self._aes.encrypt(self._pool, self._pool)
                else:
                    self._pool[:] = os.urandom(_POOL)
            self._pool_at = i + 4
            while i < self._pool_at:
                head[off + (i & 3)] = self._pool[i]
                any_bit |= self._pool[i]
                i += 1

    def _send_answer(self) -> bool:
        """Answer a ping or a close, unless a frame is half written; tell whether that is gone."""
        if self._credit or not self._push():
            return False
        self._frame(_FINAL | self._answer, self._control, 0, self._control_n)
        self._answer = 0
        return self._push()

    def close(self) -> None:
        """Send a close frame if that can be done at once, and close."""
        try:
            if self._hello is None and not self._closed:
                self._say_goodbye(1000)
        except OSError as exc:
            self.error = exc
        finally:
            self.inner.close()

    def _say_goodbye(self, code: int) -> None:
        self._closed = True
        self._control[:2] = code.to_bytes(2, "big")
        self._control_n = 2
        self._answer = _CLOSE
        self._send_answer()

    def readinto(self, buf: bytearray, most: int = 0) -> int | None:
        """Return how many bytes of payload were read to the start of `buf`, at most `most`.

        0: closed; None: nothing has come. ProtocolError: the broker broke a rule.
        """
        if self._hello is not None:
            return None  # `write` takes the steps of the handshake
        if self._closed:
            return 0
        rounds = 4
        while rounds:
            if self._answer:
                self._send_answer()
            n = self.inner.readinto(buf, most or len(buf))
            if not n:
                return n
            if self._left < n or self._opcode > _BINARY:
                n = self._unframe(buf, n)
                if self._answer:
                    self._send_answer()
            else:
                self._left -= n
            if n or self._closed:
                return n
            rounds -= 1  # nothing but headers and control frames: look once more
        return None

    def _unframe(self, buf: bytearray, n: int) -> int:
        """Take everything but payload out of `buf[:n]`; return how much that leaves."""
        kept = i = 0
        self._scratch.seek(0)
        while i < n and not self._closed:
            if self._left:
                k = min(self._left, n - i)
                self._left -= k
                if self._opcode > _BINARY:
                    self._gather(buf, i, k)
                else:
                    self._scratch.write(buf, i, k)
                    kept += k
                i += k
            else:
                self._header(buf[i])
                i += 1
        if kept:
            self._scratch.seek(0)
            self._scratch.readinto(buf, kept)
        return kept

    def _header(self, c: int) -> None:
        """Take a byte of a frame's header."""
        self._at += 1
        if self._at == 1:
            self._first(c)
        elif self._at == 2:
            if c & _FINAL:
                self._bad("a masked frame")
            self._size = 0
            self._long = 0 if c < 126 else 2 if c == 126 else 8
            if self._opcode > _BINARY and c > 125:
                self._bad("a control frame that is too long")
            if not self._long:
                self._begin(c)
        else:
            if self._size > 0x3FFFFF:  # no small int on 32 bits
                self._bad("a frame that is too long", 1009)
            self._size = self._size << 8 | c
            self._long -= 1
            if not self._long:
                self._begin(self._size)

    def _first(self, c: int) -> None:
        """Take the first byte of a header: flags and opcode."""
        self._opcode = c & 15
        if c & 0x70:
            self._bad("reserved bits")
        elif self._opcode == 1:
            self._bad("a text frame", 1003)  # [MQTT-6.0.0-1]
        elif self._opcode <= _BINARY:
            if self._fragmented == (self._opcode == _BINARY):
                self._bad("fragments in disorder")
            self._fragmented = not c & _FINAL
        elif not _CLOSE <= self._opcode <= _PONG or not c & _FINAL:
            self._bad("opcode " + hex(c))

    def _begin(self, n: int) -> None:
        """The header is whole: `n` bytes of payload follow."""
        self._at = 0
        self._left = n
        if self._opcode > _BINARY:
            if self._opcode != _PONG:  # an earlier ping need not be answered any more
                self._control_n = self._answer = 0
            self._gather(self._control, 0, 0)

    def _gather(self, buf: bytearray, i: int, n: int) -> None:
        """Keep the payload of a control frame; when it is whole, it has to be answered."""
        while n and self._opcode != _PONG:
            self._control[self._control_n] = buf[i]
            self._control_n += 1
            i += 1
            n -= 1
        if not self._left and self._opcode != _PONG:
            self._answer = _PONG if self._opcode == _PING else _CLOSE
            self._closed = self._opcode == _CLOSE

    def _bad(self, what: str, code: int = 1002) -> None:
        """The peer broke a rule: say so, and give up."""
        if not self._closed:
            self._say_goodbye(code)
        raise ProtocolError("WebSocket: " + what)


def upgrade(dial: "Callable[[str, int], Any]", path: str) -> "Callable[[str, int], Any]":
    """Return a `dial` that puts WebSocket around the streams of another.

    ValueError: `path` does not begin with "/", or has characters that no URL has.
    """
    if not isinstance(path, str) or path[:1] != "/" or not all(32 < ord(c) < 127 for c in path):
        raise ValueError("websocket must be a path as /mqtt, %-encoded, not " + repr(path))

    def dial_websocket(host: str, port: int) -> "Any":
        return WebSocket(dial(host, port), host, port, path)

    return dial_websocket
