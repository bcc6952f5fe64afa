"""The message that a broker publishes for a client that is gone."""

from micropython import const

from .packet import binary, check_qos
from .topic import encode_topic

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import Any


class Will:
    """The message that the broker publishes when it loses the client without a DISCONNECT.

    `topic` is a topic name, `payload` str or bytes of at most 65,535 bytes, `qos` 0, 1 or 2.
    `properties` go with MQTT 5 alone. ValueError says what is wrong with an argument.
    """

    def __init__(
        self,
        topic: str | bytes,
        payload: str | bytes,
        qos: int = 0,
        retain: bool = False,
        properties: "dict[str, Any] | None" = None,
    ) -> None:
        self.topic = encode_topic(topic, "will topic")
        self.payload = binary(payload, "will payload")
        self.qos = check_qos(qos)
        self.retain = bool(retain)
        if properties is not None and not isinstance(properties, dict):
            raise ValueError("properties of a will must be a dict, not " + repr(properties))
        self.properties = properties
