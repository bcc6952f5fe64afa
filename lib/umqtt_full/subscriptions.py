"""Topic filters, who handles what they match, and what the broker still has to be told of them."""

from micropython import const

from .errors import ProtocolError, ReasonError
from .ids import Ids
from .packet import Message, check_qos, check_topic, encode_subscribe
from .topic import encode_filter, matches, unshared

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Handler = Callable[[Message], object]

_SUBSCRIBE = const(0x82)
_UNSUBSCRIBE = const(0xA2)
_REFUSED = const(0x80)
_MOST = const(32)  # filters in one packet

_TODO = const(0)  # the broker is to be told
_ASKED = const(1)  # it was, its answer is awaited
_DONE = const(2)


class Subscription:
    """A filter: `granted` is None until the broker has answered, then 0, 1, 2 or 0x80."""

    def __init__(self, topic_filter: bytes) -> None:
        self.filter = topic_filter
        self.match = unshared(topic_filter)
        self.size = len(self.match)
        self.exact = b"+" not in topic_filter and b"#" not in topic_filter
        self.handler: Handler | None = None
        self.qos = 0
        self.stream = False
        self.gate: Callable[[], bool] | None = None  # has the consumer room for a message?
        self.granted: int | None = None
        self.wanted = True
        self.awaited = False  # somebody waits for the answer and will see a refusal
        self.state = _TODO
        self.asked = 0  # packet id of the last request


class Subscriptions:
    """All subscriptions of a client, in the order they were made."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self.all: list[Subscription] = []
        self.gates = 0  # how many subscriptions have a gate
        self.todo = False  # something is in state TODO
        self.on_message: Handler | None = None
        self.on_error: Callable[[Exception], object] = print
        self._reporter = Reporter(self)
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
        self, topic_filter: str | bytes, qos: int, handler: "Handler | None", stream: bool = False
    ) -> Subscription:
        """Subscribe, or subscribe anew with another QoS; `handler` None leaves the present one."""
        data = encode_filter(topic_filter)
        check_qos(qos)
        s = self.find(data)
        if s is None:
            s = Subscription(data)
            self.all.append(s)
        if handler is not None:
            s.handler = handler
            s.stream = stream
        s.qos = qos
        self._tell(s, True)
        return s

    def remove(self, topic_filter: str | bytes) -> Subscription:
        """Unsubscribe; the filter leaves the table when the broker has answered."""
        data = encode_filter(topic_filter)
        s = self.find(data)
        if s is None:
            s = Subscription(data)
            self.all.append(s)
        self._tell(s, False)
        return s

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
                if not some or s.wanted == some[0].wanted:
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
        return encode_subscribe(first, packet_id, [(s.filter, s.qos) for s in some])

    def answered(self, first: int, packet_id: int, codes: bytes | bytearray) -> None:
        """Take the SUBACK or UNSUBACK of request `first`; one that was not asked is ignored."""
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
        for code in codes:
            if code > 2 and code != _REFUSED:
                raise ProtocolError("SUBACK with return code " + hex(code))
        for i in range(len(some)):
            s = some[i]
            if s.state == _ASKED and s.asked == packet_id and s.wanted:
                s.state = _DONE
                s.granted = codes[i]
                if codes[i] == _REFUSED and not s.awaited:
                    self.on_error(ReasonError(_REFUSED, str(s.filter, "utf-8")))

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
                if s.handler is not None and (s.stream or not long):
                    self._call(s.handler, m)
        if not checked:
            check_topic(m)
        if not self._taken and self.on_message is not None and not long:
            self._call(self.on_message, m)
        return self._taken

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
        return s.wanted and matches(s.match, m.topic_buf, m.topic_start, m.topic_end)

    def _call(self, handler: "Handler", m: Message) -> None:
        self._taken = True
        with self._reporter:
            self._result = handler(m)
            if self._result is not None:
                self._odd()

    def _odd(self) -> None:
        """A handler returned something: a coroutine is a mistake that must not go unseen."""
        result = self._result
        self._result = None
        if hasattr(result, "send"):
            result.close()
            raise TypeError("an async handler here needs queue=, see AsyncClient.on")


class Reporter:
    """Hands what a handler raises to `on_error`; it ends neither the loop nor the connection.

    A `with` block because, unlike `except … as`, it needs no frame on the heap.
    """

    def __init__(self, table: Subscriptions) -> None:
        self._table = table

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, exc: BaseException | None, trace: object) -> bool:
        if isinstance(exc, Exception):
            self._table.on_error(exc)
            return True
        return False
