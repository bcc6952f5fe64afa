"""As `wire`, for MQTT 5.0: it knows the properties that these histories judge, and no others."""

from .wire import Parser as Parser4
from .wire import split_filters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NUMBERS = {
    0x11: ("session_expiry_interval", 4), 0x21: ("receive_maximum", 2),
    0x22: ("topic_alias_maximum", 2), 0x23: ("topic_alias", 2), 0x27: ("maximum_packet_size", 4),
}  # fmt: skip


def _block(raw: bytes, i: int) -> tuple["Any", int]:
    """The properties at `i`, fewer than 128 bytes of them, and where they end."""
    end = i + 1 + raw[i]
    i += 1
    found: dict[str, int] = {}
    while i < end:
        name, n = _NUMBERS[raw[i]]
        found[name] = int.from_bytes(raw[i + 1 : i + 1 + n], "big")
        i += 1 + n
    return found, end


class Parser(Parser4):
    """The packets of one connection; topics that an alias stands for are put in."""

    def __init__(self) -> None:
        super().__init__()
        self._aliases: dict[int, str] = {}

    def packet(self, raw: bytes, i: int) -> "Any":
        first = raw[0]
        if first & 0xF0 == 0x30:
            return self._publish(raw, i)
        n = {0x10: len(raw), 0xE0: 0}.get(first, 2)  # what 3.1.1 has too
        head = raw[: i + n]
        packet = super().packet(head, i)
        packet["raw"] = raw
        if first == 0x10:
            packet["properties"] = _block(raw, i + 10)[0]
        elif first in (0x82, 0xA2):
            packet["filters"] = split_filters(first, raw, _block(raw, i + 2)[1])
        elif first == 0xE0:
            packet["reason_code"] = raw[i] if len(raw) > i else 0
        elif first != 0xC0:
            packet["reason_code"] = raw[i + 2] if len(raw) > i + 2 else 0
        return packet

    def _publish(self, raw: bytes, i: int) -> "Any":
        packet = super().packet(raw, i)
        at = len(raw) - len(packet["payload"])
        own, end = _block(raw, at)
        packet["payload"] = raw[end:]
        alias = own.get("topic_alias", 0)
        if packet["topic"] and alias:
            self._aliases[alias] = packet["topic"]
        elif alias:
            packet["topic"] = self._aliases[alias]
        packet["properties"] = own
        return packet
