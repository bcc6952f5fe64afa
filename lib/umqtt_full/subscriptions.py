"""Topic filters, who handles what they match, and what the broker still has to be told of them."""

from micropython import const

from .errors import Guard, ProtocolError, ReasonError
from .ids import Ids
from .packet import Message, check_qos, check_topic, encode_subscribe
from .topic import encode_filter, matches, unshared

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Handler = Callable[[Message], object]
    Filters = str | bytes | list[Any]

_SUBSCRIBE = const(0x82)
_UNSUBSCRIBE = const(0xA2)
_REFUSED = const(0x80)
_MOST = const(32)  # filters in one packet
_CODES = (0, 1, 2, 0x80)  # of a SUBACK

_TODO = const(0)  # the broker is to be told
_ASKED = const(1)  # it was, its answer is awaited
_DONE = const(2)


class Subscription:
    """A filter: `granted` is None until the broker has answered, then 0, 1, 2 or 0x80."""

    joined = False  # its handler has got all pieces so far of the long message that passes
    queue: "Any" = None  # the `Messages` that its handler fills, if it does

    def __init__(self, topic_filter: bytes) -> None:
        self.filter = topic_filter
        self.match = unshared(topic_filter)
        self.size = len(self.match)
        self.exact = b"+" not in topic_filter and b"#" not in topic_filter
        # what every topic that matches begins with: most of the others need no closer look
        self.prefix = b"" if self.exact else self.match.split(b"+")[0].split(b"#")[0].rstrip(b"/")
        self.handler: Handler | None = None
        self.options = 0  # QoS; with MQTT 5 the Subscription Options
        self.block = b""  # MQTT 5: the properties of its SUBSCRIBE or UNSUBSCRIBE …
        self.identifier = 0  # … and its Subscription Identifier
        self.stream = False
        self.gate: Callable[[], bool] | None = None  # has the consumer room for a message?
        self.granted: int | None = None
        self.wanted = True
        self.awaited = 0  # how many calls wait for the answer and will see a refusal
        self.state = _TODO
        self.asked = 0  # packet id of the last request


class Subscriptions:
    """All subscriptions of a client, in the order they were made."""

    codes: "bytes | tuple[int, ...]" = _CODES

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self.all: list[Subscription] = []
        self.gates = 0  # how many subscriptions have a gate
        self.todo = False  # something is in state TODO
        self.on_message: Handler | None = None
        self.on_error: Callable[[Exception], object] = print
        self._guard = Guard(self._raised)
        self._taken = False
        self._result: Any = None  # what a handler returned
        self._asked: list[tuple[int, int, list[Subscription]]] = []

    def find(self, topic_filter: bytes) -> Subscription | None:
        """Return the subscription to exactly this filter."""
        for s in self.all:
            if s.filter == topic_filter:
                return s
        return None

    def add(
        self,
        topic_filter: str | bytes,
        qos: int,
        handler: "Handler | None",
        stream: bool = False,
        **options: "Any",
    ) -> Subscription:
        """Subscribe, or subscribe anew with another QoS; `handler` None leaves the present one."""
        check_qos(qos)
        s = self.get(topic_filter, options)
        if handler is not None:
            s.joined = s.joined and handler is s.handler
            self._release(s)
            s.handler = handler
            s.stream = stream
        s.options = qos
        self._tell(s, True)
        return s

    def get(self, topic_filter: str | bytes, options: "dict[str, Any]") -> Subscription:
        """Return the subscription to this filter, a new one if there is none."""
        if options:
            from .wrong import option_error

            raise option_error(options)
        data = encode_filter(topic_filter)
        s = self.find(data)
        if s is None:
            s = Subscription(data)
            self.all.append(s)
        return s

    def remove(self, topic_filter: str | bytes, **options: "Any") -> Subscription:
        """Unsubscribe; the filter leaves the table when the broker has answered."""
        s = self.get(topic_filter, options)
        s.joined = False
        self._release(s)
        self._tell(s, False)
        return s

    def _release(self, s: Subscription) -> None:
        """Its handler goes: nobody waits for room in that one's queue any more."""
        queue = s.queue
        s.handler = s.queue = None
        if s.gate is not None:
            s.gate = None
            self.gates -= 1
        if queue is not None:
            queue.leave()

    def _tell(self, s: Subscription, wanted: bool) -> None:
        s.wanted = wanted
        s.granted = None
        s.state = _TODO
        self.todo = True

    def lost(self) -> None:
        """The connection ended: what was asked on it will not be answered."""
        while self._asked:  # not by a new list: this must work without memory
            self._ids.discard(self._asked.pop()[0])

    def connected(self, resumed: bool, unsure: bool = False) -> None:
        """A connection begins: decide what the broker has to be told; all again if `unsure`."""
        for s in list(self.all):
            if not resumed and not s.wanted:
                self.all.remove(s)
            elif not resumed or unsure or s.state != _DONE:
                self._tell(s, s.wanted)

    def request(self, most: int) -> bytes:
        """Return the next SUBSCRIBE or UNSUBSCRIBE packet; b"" when there is none to be sent.

        `most` bounds the filters in it: the answer has to fit into the RX buffer.
        """
        some: list[Subscription] = []
        for s in self.all:
            if s.state == _TODO and len(some) < min(most, _MOST):
                if not some or (s.wanted == some[0].wanted and s.block == some[0].block):
                    some.append(s)
                    s.state = _ASKED
        if not some:
            self.todo = False
            return b""
        first = _SUBSCRIBE if some[0].wanted else _UNSUBSCRIBE
        packet_id = self._ids.new()
        for s in some:
            s.asked = packet_id
        self._asked.append((packet_id, first, some))
        pairs = [(s.filter, s.options) for s in some]
        return encode_subscribe(first, packet_id, pairs, some[0].block)

    def answered(self, first: int, packet_id: int, codes: bytes | bytearray) -> None:
        """Take the SUBACK or UNSUBACK of request `first`; one that was not asked is ignored.

        Unless it breaks a rule, asked or not: a reserved return code [MQTT-3.9.3-2].
        """
        if first == _SUBSCRIBE:
            for code in codes:
                if code not in self.codes:
                    raise ProtocolError("SUBACK with return code " + hex(code))
        for asked in self._asked:
            if asked[0] == packet_id and asked[1] == first:
                break
        else:
            return
        if first == _SUBSCRIBE:
            self._granted(packet_id, asked[2], codes)
        else:
            for s in asked[2]:
                if not s.wanted and s.asked == packet_id:
                    self.all.remove(s)
        self._asked.remove(asked)
        self._ids.discard(packet_id)

    def _granted(self, packet_id: int, some: list[Subscription], codes: bytes | bytearray) -> None:
        if len(codes) != len(some):
            raise ProtocolError("SUBACK answers " + str(len(codes)) + " of " + str(len(some)))
        for i in range(len(some)):
            s = some[i]
            if s.state == _ASKED and s.asked == packet_id and s.wanted:
                s.state = _DONE
                s.granted = codes[i]
                if codes[i] >= _REFUSED and not s.awaited:
                    self.on_error(self.refusal(s))

    def refusal(self, s: Subscription) -> ReasonError:
        """Return the error that says that the broker refused."""
        return ReasonError(s.granted or 0, str(s.filter, "utf-8"))

    def deliver(self, m: Message, long: bool) -> bool:
        """Give a message to each handler whose filter matches it; tell whether one took it.

        A message that is longer than the RX buffer (`long`) goes to handlers that stream only.
        ProtocolError if its topic is malformed; then no handler is called.
        """
        self._taken = checked = False
        i = 0
        while i < len(self.all):
            s = self.all[i]
            i += 1
            if not s.exact and not checked:
                check_topic(m)
                checked = True
            if self._hit(s, m):
                checked = True  # or it equals a filter that was checked
                if s.handler is not None and (not long or (s.stream and self._joins(s, m))):
                    if s.queue is not None and m.header & 6:
                        self._taken = True
                        s.handler(m)  # unguarded: what is not in the queue is not acknowledged
                    else:
                        self._call(s.handler, m)
        if not checked:
            check_topic(m)
        if not self._taken and self.on_message is not None and not long:
            self._call(self.on_message, m)
        return self._taken

    def _joins(self, s: Subscription, m: Message) -> bool:
        """Tell whether a handler gets this piece: not if it came when others had passed."""
        if not m.offset:
            s.joined = True
        return s.joined

    def ready(self, m: Message) -> bool:
        """Tell whether each consumer of the message has room for it."""
        for s in self.all:
            if s.gate is not None and self._hit(s, m) and not s.gate():
                return False
        return True

    def _hit(self, s: Subscription, m: Message) -> bool:
        if s.exact:
            return (
                m.topic_end - m.topic_start == s.size
                and m.topic_buf.startswith(s.match, m.topic_start)
                and s.wanted
            )
        if not s.wanted or not m.topic_buf.startswith(s.prefix, m.topic_start):
            return False
        return matches(s.match, m.topic_buf, m.topic_start, m.topic_end)

    def _call(self, handler: "Handler", m: Message) -> None:
        self._taken = True
        with self._guard:
            self._result = handler(m)
            if self._result is not None:
                self._odd()

    def _raised(self, exc: BaseException) -> bool:
        """Hand what a handler raised to `on_error`; it ends neither loop nor connection."""
        if isinstance(exc, Exception):
            self.on_error(exc)
            return True
        return False

    def _odd(self) -> None:
        """A handler returned something: a coroutine is a mistake that must not go unseen."""
        result = self._result
        self._result = None
        if hasattr(result, "send"):
            result.close()
            raise TypeError("an async handler here needs queue=, see AsyncClient.on")
