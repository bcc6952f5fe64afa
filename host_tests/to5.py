"""Bytes of MQTT 3.1.1 as 5.0 has them, for scenarios that are written once for both.

What is malformed stays so: only whole fields are moved.
"""

from __future__ import annotations

from strict import Parser
from strict_base import Packet, remaining_length

_CODES = {1: 0x84, 2: 0x85, 3: 0x88, 4: 0x86, 5: 0x87}
_CONNECT = bytes.fromhex("10 0c 00 04 4d 51 54 54 04 02 00 3c 00 00")


def translated(data: bytes) -> bytes:
    """Packets of either side but CONNECT; a part that is no packet goes on as it is."""
    out = b""
    while data:
        start, size = _length(data)
        if not start or start + size > len(data):
            return out + data
        body = _body(data[0], data[start : start + size])
        if body == data[start : start + size]:
            out += data[: start + size]
        else:
            out += data[:1] + remaining_length(len(body)) + body
        data = data[start + size :]
    return out


def _length(data: bytes) -> tuple[int, int]:
    """Where the body begins (0: nowhere) and how long it is."""
    size = 0
    for index in range(1, min(5, len(data))):
        size |= (data[index] & 0x7F) << 7 * (index - 1)
        if not data[index] & 0x80:
            return index + 1, size
    return 0, 0


def _body(first: int, body: bytes) -> bytes:
    kind = first & 0xF0
    if kind == 0x30:
        return _publish(first, body)
    if kind == 0x20 and len(body) == 2:
        return bytes([body[0], _CODES.get(body[1], body[1]), 0])
    if kind == 0xB0 and len(body) == 2:
        return body + b"\0\0"
    if kind in (0x80, 0x90, 0xA0) and len(body) >= 2:
        return body[:2] + b"\0" + body[2:]
    return body


def _publish(first: int, body: bytes) -> bytes:
    end = 2 + int.from_bytes(body[:2], "big") + (2 if first & 6 else 0)
    return body[:end] + b"\0" + body[end:] if 2 <= end <= len(body) else body


def connect_fields(data: bytes) -> Packet:
    """What a CONNECT of 3.1.1 says, and 5.0 says too."""
    (packet,) = Parser().feed(data)
    return {key: part for key, part in packet.items() if key not in ("type", "raw")}


def client_packet(data: bytes) -> Packet:
    """The one packet of a client that these bytes are, read strictly."""
    parser = Parser()
    if data[:1] != b"\x10":
        parser.feed(_CONNECT)
    (packet,) = parser.feed(data)
    return packet
