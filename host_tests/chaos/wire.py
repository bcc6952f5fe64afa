"""Cuts what the client sends into packets where the strict parser does not run: MicroPython.

It trusts the client; the strict parser reads the same bytes afterwards, on the computer.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NAMES = {
    0x10: "CONNECT", 0x40: "PUBACK", 0x50: "PUBREC", 0x60: "PUBREL", 0x70: "PUBCOMP",
    0x80: "SUBSCRIBE", 0xA0: "UNSUBSCRIBE", 0xC0: "PINGREQ", 0xE0: "DISCONNECT",
}  # fmt: skip


def _text(raw: bytes, i: int) -> tuple[str, int]:
    n = raw[i] << 8 | raw[i + 1]
    return raw[i + 2 : i + 2 + n].decode(), i + 2 + n


class Parser:
    """The packets of one connection; the same fields as the strict parser's."""

    def __init__(self) -> None:
        self.pending = b""

    def feed(self, data: bytes) -> list["Any"]:
        """The packets that `data` completes."""
        self.pending += data
        found = []
        while True:
            end, i = self._end()
            if not end or end > len(self.pending):
                return found
            found.append(self.packet(self.pending[:end], i))
            self.pending = self.pending[end:]

    def _end(self) -> tuple[int, int]:
        n = shift = 0
        for i in range(1, min(5, len(self.pending))):
            n |= (self.pending[i] & 127) << shift
            shift += 7
            if self.pending[i] < 128:
                return i + 1 + n, i + 1
        return 0, 0

    def packet(self, raw: bytes, i: int) -> "Any":
        """The fields of a packet whose body begins at `i`."""
        return _packet(raw, i)


def _packet(raw: bytes, i: int) -> "Any":
    if raw[0] & 0xF0 == 0x30:
        return _publish(raw, i)
    packet: dict[str, Any] = {"type": _NAMES[raw[0] & 0xF0], "raw": raw}
    if raw[0] == 0x10:
        packet["clean_session"] = bool(raw[i + 7] & 2)
        packet["keep_alive"] = raw[i + 8] << 8 | raw[i + 9]
    elif len(raw) > 2:
        packet["packet_id"] = raw[i] << 8 | raw[i + 1]
    if raw[0] in (0x82, 0xA2):
        packet["filters"] = split_filters(raw[0], raw, i + 2)
    return packet


def split_filters(first: int, raw: bytes, i: int) -> list["Any"]:
    """The filters of a SUBSCRIBE or UNSUBSCRIBE, which begin at `i`."""
    filters: list[Any] = []
    while i < len(raw):
        name, i = _text(raw, i)
        if first == 0x82:
            filters.append((name, raw[i] & 3))
            i += 1
        else:
            filters.append(name)
    return filters


def _publish(raw: bytes, i: int) -> "Any":
    qos = raw[0] >> 1 & 3
    topic, i = _text(raw, i)
    packet_id = 0
    if qos:
        packet_id = raw[i] << 8 | raw[i + 1]
        i += 2
    return {"type": "PUBLISH", "raw": raw, "topic": topic, "payload": raw[i:], "qos": qos,
            "retain": bool(raw[0] & 1), "dup": bool(raw[0] & 8),
            "packet_id": packet_id}  # fmt: skip
