"""The host's side of `recv`: puts messages into the broker as fast as it takes them."""

from __future__ import annotations

import select
import socket


def packet(first: int, body: bytes) -> bytes:
    """A control packet."""
    n, size = len(body), bytearray()
    while n > 127:
        size.append(n & 127 | 128)
        n >>= 7
    size.append(n)
    return bytes((first,)) + bytes(size) + body


def text(value: str) -> bytes:
    """A string field."""
    data = value.encode()
    return len(data).to_bytes(2, "big") + data


def publishes(topic: str, payload: bytes, qos: int, count: int) -> bytes:
    """So many packets, with the PUBRELs that QoS 2 needs. No answer is waited for."""
    if not qos:
        return packet(0x30, text(topic) + payload) * count
    one = packet(0x30 | qos << 1, text(topic) + b"\0\1" + payload)
    if qos == 2:
        one += b"\x62\2\0\1"
    return one * count


def feed(host: str, port: int, topic: str, payload: bytes, qos: int, count: int) -> None:
    """Publish, and return when the broker has processed the last."""
    with socket.create_connection((host, port), 30) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(packet(0x10, b"\0\4MQTT\4\2\0\0" + text("feeder")))
        sock.recv(4, socket.MSG_WAITALL)
        data = memoryview(publishes(topic, payload, qos, count) + b"\xc0\0")
        expected = (0, 4, 8)[qos] * count + 2
        sock.setblocking(False)
        while data or expected:
            readable, writable, _ = select.select([sock], [sock] if data else [], [], 30)
            if not readable and not writable:
                raise OSError("the broker takes no more")
            if readable:
                got = len(sock.recv(65536))
                if not got:
                    raise OSError("the broker has closed")
                expected -= got
            if writable:
                data = data[sock.send(data[:65536]) :]
        sock.setblocking(True)
        sock.sendall(b"\xe0\0")
