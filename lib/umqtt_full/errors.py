"""What can go wrong between a client and its broker.

Bad arguments are `ValueError` and transport failures stay `OSError`; everything else is an
`MQTTError`. After a `ProtocolError` or a `ReasonError` of CONNACK the connection is closed and the
client may connect again.
"""


class MQTTError(Exception):
    """Base of the three errors below."""


class ProtocolError(MQTTError):
    """The peer broke a rule of the specification; the connection is closed [MQTT-4.8.0-1]."""


class LimitError(MQTTError):
    """A buffer, the outbox or a table of ours is too small for what was asked."""


class ReasonError(MQTTError):
    """The broker refused: `reason_code` is CONNACK's return code or SUBACK's 0x80."""

    def __init__(self, reason_code: int, about: str = "") -> None:
        super().__init__(reason_code, about)
        self.reason_code = reason_code
        self.about = about

    def __str__(self) -> str:
        from .reason import text

        return text(self.reason_code, self.about)
