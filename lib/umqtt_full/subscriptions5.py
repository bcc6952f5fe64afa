"""The subscriptions of MQTT 5: options, identifiers, and what the broker says it has not."""

from micropython import const

from .errors import ReasonError
from .packet import check_qos, check_range, length_size
from .properties import encode_properties, named, wrong
from .subscriptions import Subscription, Subscriptions
from .topic import encode_filter

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import Any

    from .ids import Ids
    from .message5 import Message5
    from .subscriptions import Handler

_AT_SUBSCRIBE = const(8)
_AT_UNSUBSCRIBE = const(10)
_UNSUBSCRIBE = const(0xA2)
_TODO = const(0)
_DONE = const(2)
_LARGEST = const(268435460)
_TOO_LARGE = const(0x95)
_NO_SHARED = const(0x9E)
_NO_IDENTIFIERS = const(0xA1)
_NO_WILDCARDS = const(0xA2)
_GRANTED = b"\0\1\2\x80\x83\x87\x8f\x91\x97\x9e\xa1\xa2"  # reason codes of a SUBACK …
_ENDED = b"\0\x11\x80\x83\x87\x8f\x91"  # … and of an UNSUBACK


class Subscriptions5(Subscriptions):
    """A table of subscriptions that also keeps to the last CONNACK's limits."""

    codes = _GRANTED

    def __init__(self, ids: "Ids") -> None:
        super().__init__(ids)
        self.connack: dict[str, Any] = {}

    def add(  # type: ignore[override]
        self,
        topic_filter: str | bytes,
        qos: int,
        handler: "Handler | None",
        stream: bool = False,
        *,
        no_local: bool = False,
        retain_as_published: bool = False,
        retain_handling: int = 0,
        identifier: int = 0,
        properties: "dict[str, Any] | None" = None,
    ) -> Subscription:
        """Subscribe; see `Subscriptions.add`. The options are those of 3.8.3.1.

        `no_local`: not what this client publishes. `retain_as_published`: RETAIN as it was sent.
        `retain_handling`: retained messages 0 at each subscribe, 1 if it is new, 2 never.
        `identifier` (1 to 268,435,455): messages that carry it go to this handler.
        ReasonError: the broker has said that it does not support this.
        """
        check_qos(qos)
        options = check_range("retain_handling", retain_handling, 0, 2) << 4
        options |= bool(no_local) << 2 | bool(retain_as_published) << 3
        more = dict(named(properties))
        if check_range("identifier", identifier, 0, 268435455):
            more["subscription_identifier"] = identifier
        block = encode_properties(_AT_SUBSCRIBE, more)
        trial = Subscription(encode_filter(topic_filter))
        if no_local and trial.match is not trial.filter:
            raise ValueError("a shared subscription cannot have no_local")  # [MQTT-3.8.3-4]
        code = self._missing(trial, identifier, len(block))
        if code:
            raise ReasonError(code, str(trial.filter, "utf-8"), {})
        s = super().add(topic_filter, qos, handler, stream)
        s.options |= options
        s.block = block
        s.identifier = identifier
        if identifier:
            self._hit = self._identified  # type: ignore[method-assign,assignment]
        return s

    def remove(  # type: ignore[override]
        self, topic_filter: str | bytes, properties: "dict[str, Any] | None" = None
    ) -> Subscription:
        """Unsubscribe; see `Subscriptions.remove`."""
        block = encode_properties(_AT_UNSUBSCRIBE, properties)
        self._check_size(Subscription(encode_filter(topic_filter)), block)
        s = super().remove(topic_filter)
        s.block = block
        return s

    def _check_size(self, s: Subscription, block: bytes) -> None:
        s.wanted = False
        if self._missing(s, 0, len(block)):
            raise ReasonError(_TOO_LARGE, str(s.filter, "utf-8"), {})

    def _missing(self, s: Subscription, identifier: int, block_n: int) -> int:
        """Return the reason code with which the broker would refuse; 0 if it would not."""
        get = self.connack.get
        n = 4 + block_n + len(s.filter) + s.wanted  # SUBSCRIBE has options, UNSUBSCRIBE none
        if 1 + length_size(n) + n > get("maximum_packet_size", _LARGEST):
            return _TOO_LARGE
        if not s.wanted:
            return 0
        if not s.exact and not get("wildcard_subscription_available", 1):
            return _NO_WILDCARDS
        if identifier and not get("subscription_identifier_available", 1):
            return _NO_IDENTIFIERS
        if s.match is not s.filter and not get("shared_subscription_available", 1):
            return _NO_SHARED
        return 0

    def connected(self, resumed: bool, unsure: bool = False) -> None:
        """A connection begins; what its broker does not support is not asked for."""
        super().connected(resumed, unsure)
        for s in list(self.all):
            code = 0
            if s.state == _TODO:
                code = self._missing(s, s.identifier, len(s.block))
            if code:
                s.state = _DONE
                if not s.wanted:
                    self.all.remove(s)  # as with an UNSUBACK that refuses
                self._refused(s, code)

    def request(self, most: int) -> bytes:
        """Return the next packet; where the broker bounds its size, with one filter alone."""
        return super().request(1 if "maximum_packet_size" in self.connack else most)

    def answered(self, first: int, packet_id: int, codes: bytes | bytearray) -> None:
        """Take the reason codes of a SUBACK or UNSUBACK."""
        if first == _UNSUBSCRIBE:
            for asked in self._asked:
                if asked[0] == packet_id and asked[1] == first:
                    self._ended(packet_id, asked[2], codes)
        super().answered(first, packet_id, codes)

    def _ended(self, packet_id: int, some: list[Subscription], codes: bytes | bytearray) -> None:
        if len(codes) != len(some):
            raise wrong("UNSUBACK answers %d of %d" % (len(codes), len(some)))
        for i in range(len(some)):
            if codes[i] not in _ENDED:
                raise wrong("UNSUBACK with reason code " + hex(codes[i]))
            s = some[i]
            if codes[i] >= 0x80 and not s.wanted and s.asked == packet_id:  # not asked anew since
                self._refused(s, codes[i])

    def _refused(self, s: Subscription, code: int) -> None:
        """Tell whoever asked, or `on_error`."""
        s.granted = code
        if not s.awaited:
            self.on_error(self.refusal(s))

    def refusal(self, s: Subscription) -> ReasonError:
        """Return the error that says that the broker refused."""
        return ReasonError(s.granted or 0, str(s.filter, "utf-8"), {})

    def _identified(self, s: Subscription, m: "Message5") -> bool:
        """Do what `_hit` does, once there is a subscription that has an identifier."""
        if s.identifier and m.identified:
            return s.wanted and m.carries(s.identifier)
        return Subscriptions._hit(self, s, m)


class CheckingSubscriptions5(Subscriptions5):
    """… that does not deliver a message that says that it is text, and is not."""

    def deliver(self, m: "Message5", long: bool) -> bool:  # type: ignore[override]
        """Give a message to its handlers."""
        return not m.invalid and super().deliver(m, long)
