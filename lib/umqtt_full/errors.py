"""What can go wrong between a client and its broker.

Bad arguments are `ValueError` and transport failures stay `OSError`; everything else is an
`MQTTError`. After a `ProtocolError` or a `ReasonError` of CONNACK the connection is closed and the
client may connect again.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class MQTTError(Exception):
    """Base of the three errors below."""


class ProtocolError(MQTTError):
    """The peer broke a rule of the specification; the connection is closed [MQTT-4.8.0-1].

    MQTT 5: `reason_code` is what our DISCONNECT tells it, malformed packet unless set.
    """

    reason_code = 0x81


class LimitError(MQTTError):
    """A buffer, the outbox or a table of ours is too small for what was asked."""


class ReasonError(MQTTError):
    """The broker refused: `reason_code` is CONNACK's return code or SUBACK's 0x80.

    MQTT 5: any reason code from 0x80, and those of DISCONNECT; `properties` came with it.
    """

    def __init__(
        self, reason_code: int, about: str = "", properties: "dict[str, Any] | None" = None
    ) -> None:
        super().__init__(reason_code, about)
        self.reason_code = reason_code
        self.about = about
        self.properties = properties

    def __str__(self) -> str:
        from .reason import text

        return text(self)


def tell(session: "Any", link: "Any") -> None:
    """Hand to `on_error` what became of messages for which no call of `link` waits."""
    for packet_id in list(session.refused):
        if not link._awaited(packet_id):
            link._report(session.refused.pop(packet_id))


def told(session: "Any", exc: BaseException) -> None:
    """What became of a message is raised where the connection ended: nobody else is told."""
    for packet_id in list(session.refused):
        if session.refused[packet_id] is exc:
            session.refused.pop(packet_id)


class Guard:
    """`with guard:` hands what is raised in the block to `failed(exc)`; True: it ends there.

    A `with` block because, unlike `except … as`, it needs no frame on the heap.
    """

    def __init__(self, failed: "Callable[[BaseException], bool]") -> None:
        self._failed = failed

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, exc: BaseException | None, trace: object) -> bool:
        return exc is not None and self._failed(exc)
