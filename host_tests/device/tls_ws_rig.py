"""A WebSocket stream around a stream in memory, and the peer behind it; for `tls_ws_unit.py`."""

from binascii import b2a_base64
from hashlib import sha1

from umqtt_full import ws

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
HEADERS = (
    b"HTTP/1.1 101 Switching Protocols",
    b"Upgrade: WebSocket",
    b"Connection: keep-alive, Upgrade",
    b"Sec-WebSocket-Accept: %s",
    b"Sec-WebSocket-Protocol: mqtt",
)


class Inner:
    """A stream in memory: `given` is what it will read, `taken` what was written."""

    def __init__(self):
        self.given = bytearray()
        self.taken = bytearray()
        self.offered = []  # what a write that would block had offered
        self.room = 1 << 30  # how many bytes it still takes
        self.most = 1 << 30  # … in one write
        self.ended = self.closed = False

    def readinto(self, buf, most=1 << 30):
        """Non-blocking."""
        n = min(len(buf), most, len(self.given))
        if not n:
            return 0 if self.ended else None
        buf[:n] = self.given[:n]
        self.given = self.given[n:]
        return n

    def write(self, buf, off, n):
        """Non-blocking, as strict as TLS: what did not go must be offered again."""
        data = bytes(memoryview(buf))[off : off + n]
        for before in self.offered:
            check(data[: len(before)] == before, "other bytes than before are offered")
        k = min(n, self.room, self.most)
        self.taken.extend(data[:k])
        self.room -= k
        self.offered = [data[k:]] if k < n else []
        return k or None

    def close(self):
        """Note it."""
        self.closed = True


def check(true, text="wrong"):
    """Raise unless it is true."""
    if not true:
        raise ValueError(text)


def raises(kind, text, function, *args):
    """The function raises that exception with that text in it."""
    try:
        function(*args)
    except kind as exc:
        check(text in str(exc), "%r lacks %r" % (str(exc), text))
        return exc
    raise ValueError("nothing raised, expected " + text)


def reply_to(inner, headers=HEADERS):
    """The answer to the request that was written."""
    lines = bytes(inner.taken).split(b"\r\n")
    key = next(line[19:] for line in lines if line.startswith(b"Sec-WebSocket-Key: "))
    accept = b2a_base64(sha1(key + GUID).digest()).strip()
    text = b"\r\n".join(headers) + b"\r\n\r\n"
    return text.replace(b"%s", accept)


def opened(**settings):
    """A WebSocket whose handshake is done, and its inner stream."""
    inner = Inner()
    stream = ws.upgrade(lambda host, port: inner, "/mqtt")("h", 80)
    check(stream.write(b"x", 0, 1) is None)
    check(stream.wants == 1)
    inner.given.extend(reply_to(inner))
    inner.taken = bytearray()
    check(stream.write(b"x", 0, 1) == 1)
    check(bytes(parse(inner)[0][1]) == b"x")
    check(stream.wants == 0)
    for name in settings:
        setattr(inner, name, settings[name])
    return stream, inner


def parse(inner):
    """All frames that were written: (first byte, payload, mask); then forget them."""
    data = bytes(inner.taken)
    inner.taken = bytearray()
    frames = []
    while data:
        n = data[1] & 127
        check(data[1] & 128, "not masked")
        i = 2
        if n == 126:
            n = data[2] << 8 | data[3]
            i = 4
            check(n > 125, "length not minimal")
        mask = data[i : i + 4]
        check(mask != bytes(4), "mask 0")
        i += 4
        check(len(data) >= i + n, "half a frame")
        payload = bytearray(data[i : i + n])
        for k in range(n):
            payload[k] ^= mask[k & 3]
        frames.append((data[0], bytes(payload), mask))
        data = data[i + n :]
    return frames


def frame(payload, first=0x82, wide=0):
    """A frame of a server; `wide` 2 or 8 for a longer length than is needed."""
    n = len(payload)
    if wide == 8 or n > 65535:
        head = bytes([first, 127]) + n.to_bytes(8, "big")
    elif wide == 2 or n > 125:
        head = bytes([first, 126]) + n.to_bytes(2, "big")
    else:
        head = bytes([first, n])
    return head + payload


def received(stream, size=512):
    """All that can be read now."""
    buf = bytearray(size)
    whole = bytearray()
    while True:
        n = stream.readinto(buf)
        if not n:
            return bytes(whole)
        whole.extend(buf[:n])


def data_of(n):
    """Bytes that tell where they are."""
    data = bytearray(n)
    for i in range(n):
        data[i] = (i * 7 + (i >> 8)) & 255
    return bytes(data)
