"""Evidence: what a broker does, seen byte by byte without any client library.

Each probe returns what the broker does otherwise than MQTT 3.1.1 has it, or "" when it does well.
"""

from __future__ import annotations

import socket
import uuid
from collections.abc import Callable

from tools.interop_brokers import DENIED, PASSWORD, USER, Server

_LIMIT_S = 4.0


def _field(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return len(data).to_bytes(2, "big") + data


def _packet(first: int, body: bytes) -> bytes:
    head, size = bytes([first]), len(body)
    while size > 127:
        head += bytes([size & 127 | 128])
        size >>= 7
    return head + bytes([size]) + body


class Raw:
    """A connection to a broker."""

    def __init__(
        self, server: Server, client_id: str, clean: bool = True, version: int = 4
    ) -> None:
        self.sock = socket.create_connection((server.host, server.port), _LIMIT_S)
        self.sock.settimeout(_LIMIT_S)
        self.closed = False
        head = _field("MQTT") + bytes([version, 0xC0 | clean << 1, 0, 60])
        head += b"\0" if version == 5 else b""
        self.send(0x10, head + _field(client_id) + _field(USER) + _field(PASSWORD))
        self.connack = self.read()

    def send(self, first: int, body: bytes) -> None:
        """Send one packet."""
        self.sock.sendall(_packet(first, body))

    def read(self) -> bytes:
        """The next packet; b"" when the broker closes or says nothing."""
        try:
            data = self._take(2)
            size, shift = data[1] & 127, 7
            while data[-1] & 128:
                data += self._take(1)
                size |= (data[-1] & 127) << shift
                shift += 7
            return data + self._take(size)
        except (OSError, EOFError) as error:
            self.closed = not isinstance(error, TimeoutError)
            return b""

    def _take(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self.sock.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def subscribe(self, topic_filter: str, qos: int) -> bytes:
        """SUBSCRIBE with id 1; the answer."""
        self.send(0x82, b"\0\1" + _field(topic_filter) + bytes([qos]))
        return self.read()

    def close(self) -> None:
        """Close without DISCONNECT."""
        self.sock.close()


def _told(packet: bytes) -> str:
    return packet.hex(" ") if packet else "nothing"


def publish_2(server: Server) -> str:
    """PUBLISH at QoS 2 is answered by PUBREC, PUBREL by PUBCOMP."""
    name = f"raw{uuid.uuid4().hex[:8]}"
    raw = Raw(server, name)
    raw.send(0x34, _field(name) + b"\0\7x")
    answer = raw.read()
    if answer == b"\x50\x02\0\7":
        raw.send(0x62, b"\0\7")
        answer = raw.read()
        raw.close()
        return "" if answer == b"\x70\x02\0\7" else f"answers PUBREL with {_told(answer)}"
    raw.close()
    return f"answers PUBLISH at QoS 2 with {_told(answer)} instead of PUBREC (50 02 00 07)"


def silent_on_5(server: Server) -> str:
    """A broker that does not speak 5.0 says so or closes: otherwise no client can know."""
    raw = Raw(server, f"raw{uuid.uuid4().hex[:8]}", version=5)
    raw.close()
    if raw.connack or raw.closed:
        return ""
    return "answers CONNECT of MQTT 5 with nothing, and does not close [MQTT-3.1.2-2]"


def level(qos: int) -> Callable[[Server], str]:
    """A message is delivered at the QoS it was published with, if that is the lower one."""

    def probe(server: Server) -> str:
        name = f"raw{uuid.uuid4().hex[:8]}"
        raw = Raw(server, name)
        raw.subscribe(name, 2)
        raw.send(0x30 | qos << 1, _field(name) + (b"\0\7x" if qos else b"x"))
        packets = [raw.read(), raw.read() if qos else b""]
        raw.close()
        found = [packet[0] >> 1 & 3 for packet in packets if packet[:1] and packet[0] >> 4 == 3]
        if found == [qos]:
            return ""
        return f"delivers what was published at QoS {qos} at QoS {found} [MQTT-3.8.4-6]"

    return probe


def receive_2(server: Server) -> str:
    """SUBSCRIBE with QoS 2 is granted QoS 2."""
    raw = Raw(server, f"raw{uuid.uuid4().hex[:8]}")
    answer = raw.subscribe("a", 2)
    raw.close()
    return "" if answer == b"\x90\x03\0\1\2" else f"answers SUBSCRIBE at QoS 2: {_told(answer)}"


def denied(server: Server) -> str:
    """A subscription that is not allowed is answered by 0x80."""
    raw = Raw(server, f"raw{uuid.uuid4().hex[:8]}")
    answer = raw.subscribe(f"{DENIED}/x", 1)
    told = "by closing the connection" if raw.closed else f"with {_told(answer)}"
    raw.close()
    return "" if answer == b"\x90\x03\0\1\x80" else f"answers {told}, not with 0x80"


def no_name(server: Server) -> str:
    """An empty client id is accepted with CleanSession."""
    raw = Raw(server, "")
    raw.close()
    return "" if raw.connack == b"\x20\x02\0\0" else f"answers CONNECT with {_told(raw.connack)}"


def resume(server: Server) -> str:
    """A session that was kept is told in CONNACK, and what waited is delivered."""
    name = f"raw{uuid.uuid4().hex[:8]}"
    first = Raw(server, name, clean=False)
    first.subscribe(name, 1)
    first.send(0xE0, b"")
    first.close()
    other = Raw(server, f"{name}b")
    other.send(0x32, _field(name) + b"\0\7x")
    other.read()
    other.close()
    again = Raw(server, name, clean=False)
    message = again.read()
    again.close()
    Raw(server, name).close()
    if again.connack != b"\x20\x02\1\0":
        return f"answers CONNECT with {_told(again.connack)}, session present is missing"
    return "" if message[:1] in (b"\x32", b"\x3a") else f"delivers {_told(message)}"


def retained(server: Server) -> str:
    """A retained message is delivered to who subscribes later, with the flag set."""
    name = f"raw{uuid.uuid4().hex[:8]}"
    raw = Raw(server, name)
    raw.send(0x33, _field(name) + b"\0\7x")
    raw.read()
    raw.subscribe(name, 1)
    message = raw.read()
    raw.send(0x33, _field(name) + b"\0\x08")
    raw.close()
    if message[:1] != b"\x33":
        return f"delivers {_told(message)} to a later subscriber, not a PUBLISH 33 …"
    return ""


def delivered(stream: bytes) -> list[tuple[bytes, int, bool]]:
    """(payload, QoS, retain) of each PUBLISH in what a broker sent, without those sent again."""
    found, at = [], 0
    while at + 2 <= len(stream):
        first, size, shift = stream[at], 0, 0
        at += 1
        while True:
            digit = stream[at]
            at += 1
            size |= (digit & 127) << shift
            shift += 7
            if digit < 128:
                break
        body, at = stream[at : at + size], at + size
        if first >> 4 == 3 and not first & 8:
            qos = first >> 1 & 3
            start = 2 + int.from_bytes(body[:2], "big") + (2 if qos else 0)
            found.append((body[start:], qos, bool(first & 1)))
    return found


def inbound(stream: bytes, count: int) -> str:
    """Whether a broker sent 0, 1, 2 … at QoS 1, each once and not as retained, in order."""
    found = delivered(stream)
    wanted = [(b"%d" % number, 1, False) for number in range(count)]
    if found == wanted:
        return ""
    missing = [number for number, one in enumerate(wanted) if one not in found]
    strange = [one for one in found if one not in wanted]
    return (f"sent {len(found)} messages for {count}: without {missing[:5]}, "
            f"with (payload, QoS, retain) {strange[:3]}")  # fmt: skip


INBOUND = {"resume": 3, "flight": 60}
PROBES = {
    "publish:0": level(0),
    "publish:1": level(1),
    "publish:2": publish_2,
    "receive:2": receive_2,
    "denied": denied,
    "no_name": no_name,
    "resume": resume,
    "retained": retained,
}
