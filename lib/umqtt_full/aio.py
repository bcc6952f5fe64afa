"""AsyncClient: connects once and stays connected; its methods are those of Client, awaited."""

import errno

from micropython import const

from .errors import LimitError
from .messages import Messages
from .net import ticks_ms
from .packet import check_call, check_qos, check_range
from .supervisor import _STOPPED, Supervisor
from .topic import encode_filter
from .waits import DONE, Waiter, is_async
from .workers import work

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from .packet import Payload
    from .subscriptions import Filters

_TICKS = const(0x3FFFFFFF)


class AsyncClient(Supervisor):
    """An MQTT client for asyncio: `async with AsyncClient(…)`, or `start` and `stop`.

    The methods are those of `Client`, awaited; the arguments those of `Supervisor`,
    `Link` and `Session`, and:
    `full` says what a QoS 1 or 2 publish does while the outbox has no room: "wait" (up to its
    timeout), "raise" LimitError, or "drop" the oldest message that was not sent yet (counted in
    `dropped`; none is while a packet is half written). `keep` tells whether a QoS 0 message is
    kept for later while there is no connection (False: dropped and counted, as is one that a
    connection takes with it half-written).

    Any task may call any method at any time, and be cancelled at any await: what was accepted
    stays accepted, and no packet is left half-written.
    """

    def __init__(
        self,
        client_id: str | bytes,
        host: str,
        port: int | None = None,
        *,
        full: str = "wait",
        keep: bool = False,
        **options: "Any",
    ) -> None:
        if full not in ("wait", "raise", "drop"):
            raise ValueError("full must be 'wait', 'raise' or 'drop', not " + repr(full))
        super().__init__(client_id, host, port, **options)
        self.full = full
        self.keep = keep
        self.session.on_done = self._done
        self._waiters: list[Waiter] = []
        self._flags = 0  # of the message that is put: QoS << 1 | RETAIN
        self._asking = 0  # how many other calls wait for an answer

    @property
    def dropped(self) -> int:
        """How many messages were given up: at QoS 0, or from an outbox that was full."""
        return self.session.outbox.dropped

    def on(
        self,
        topic_filter: str | bytes,
        handler: "Any" = None,
        qos: int = 0,
        stream: bool = False,
        queue: int | None = None,
        **options: "Any",
    ) -> "Any":
        """Subscribe a handler, plain or async; see `Link.on`.

        An async handler gets its messages one after the other from a queue of `queue` (4) places,
        so it may take its time: while the queue is full nothing more is read, but pings go on.
        The answer to a call lies behind what is not read: while one waits, as `publish` at QoS 1
        in a handler does, the queue takes `window` messages more. For larger bursts give a larger
        `queue`, or use `enqueue`, which does not wait; else such calls end by their timeout.
        When its filter is unsubscribed or gets another handler, it is cancelled where it waits,
        unless it does that itself, and what is in its queue goes with it. Given again, as in
        `on_connect`, it keeps its queue.
        On MicroPython a bound async method, or one in a closure, cannot be told from a plain one:
        give `queue`.
        """
        if handler is None:
            return lambda f: self.on(topic_filter, f, qos, stream, queue, **options)
        if queue is None and not is_async(handler):
            super().on(topic_filter, handler, qos, stream, **options)
            self._write()
            return handler
        check_call("handler", handler)
        size = check_range("queue", 4 if queue is None else queue, 1, 65535)
        table = self.session.subscriptions
        found = table.find(encode_filter(topic_filter))
        if found and found.queue and found.queue.handler is handler:  # it keeps what it has
            table.add(topic_filter, qos, None, **options)
            self._write()
            return handler
        messages = self.messages(topic_filter, qos, size, **options)
        messages.handler = handler
        if self._reader is not None:
            messages.worker = self._spawn(work(self, messages))
        return handler

    def messages(
        self,
        topic_filter: str | bytes,
        qos: int = 0,
        size: int = 8,
        overflow: str = "wait",
        **options: "Any",
    ) -> Messages:
        """Subscribe, and return an async iterator over the messages; see `Messages`.

        One that nobody takes messages from holds up the connection when it is full, and with it
        the answers to all calls: unsubscribe then, or let it drop (`overflow`).
        """
        messages = Messages(size, overflow, self)
        table = self.session.subscriptions
        subscription = table.add(topic_filter, qos, messages.put, **options)
        subscription.queue = messages
        if overflow == "wait":
            subscription.gate = messages.room
            table.gates += 1
        self._write()
        return messages

    def publish(
        self,
        topic: str | bytes,
        payload: "Payload",
        qos: int = 0,
        retain: bool = False,
        timeout_ms: int | None = None,
        properties: "dict[str, Any] | None" = None,
    ) -> "Coroutine[Any, Any, None]":
        """Publish, and return when the QoS is fulfilled; arguments and errors as `Client.publish`.

        Offline, QoS 1 and 2 wait in the outbox. After a timeout or a cancellation a message that
        was accepted stays accepted. What can go out at once at QoS 0 does so before this is
        awaited, and takes no coroutine of its own.
        """
        if timeout_ms is not None:
            self._limit(timeout_ms)
        if properties is not None:
            topic = self.session.outbox.describe(topic, properties)
        self._flags = 0
        if retain or qos != 0 or type(qos) is not int:
            self._flags = check_qos(qos) << 1 | bool(retain)
        if self._flags < 2 and self._brief(topic, payload):
            if self._blocked and self.session.connected:
                return self.wait(0, timeout_ms)
            return DONE
        qos = (payload, self._flags, timeout_ms)  # type: ignore[assignment]  # no local more
        return self._publish(topic, qos)

    async def _publish(self, topic: str | bytes, message: "Any") -> None:
        payload, flags, timeout_ms = message
        timeout_ms = self._limit(timeout_ms)
        packet_id = self._put(topic, payload, flags)
        if packet_id < 0:
            start = ticks_ms()
            packet_id = await self._put_full(topic, payload, flags, timeout_ms)
            timeout_ms = max(0, timeout_ms - (ticks_ms() - start & _TICKS))
        if packet_id or (self._blocked and self.session.connected):
            await self.wait(packet_id, timeout_ms)

    async def publish_nowait(
        self,
        topic: str | bytes,
        payload: "Payload",
        qos: int = 0,
        retain: bool = False,
        properties: "dict[str, Any] | None" = None,
    ) -> int:
        """Publish without waiting for acknowledgement; return the packet id, for `wait`.

        A payload longer than `tx_size` is not copied: leave it unchanged until `pending` says so.
        """
        if properties is not None:
            topic = self.session.outbox.describe(topic, properties)
        qos = check_qos(qos) << 1 | bool(retain)
        packet_id = self._put(topic, payload, qos)
        if packet_id < 0:
            packet_id = await self._put_full(topic, payload, qos, None)
        return packet_id

    def enqueue(
        self,
        topic: str | bytes,
        payload: "Payload",
        qos: int = 0,
        retain: bool = False,
        properties: "dict[str, Any] | None" = None,
    ) -> int:
        """Publish where nothing can be awaited, as in a plain handler; return the packet id.

        LimitError: the outbox has no room. With `full="drop"` the oldest message that was not sent
        yet gives way, if there is one.
        """
        if properties is not None:
            topic = self.session.outbox.describe(topic, properties)
        qos = check_qos(qos) << 1 | bool(retain)
        return self._put_now(topic, payload, qos)

    def _put_now(self, topic: str | bytes, payload: "Payload", flags: int) -> int:
        packet_id = self._put(topic, payload, flags)
        while packet_id < 0 and self.full == "drop" and self._drop():
            packet_id = self._put(topic, payload, flags)
        if packet_id < 0:
            raise LimitError("outbox full: raise tx_size, publish less, or wait")
        return packet_id

    def _put(self, topic: str | bytes, payload: "Payload", flags: int) -> int:
        """Queue a message and write what can be written; -1: the outbox is full."""
        self._flags = flags
        if flags < 2 and self._brief(topic, payload):
            return 0
        packet_id = self.session.publish(topic, payload, flags)
        self._write()
        return packet_id

    def _brief(self, topic: str | bytes, payload: "Payload") -> bool:
        """Write a QoS 0 message now, or drop it; False: it has to go the long way."""
        if self.session.connected:
            if self._fatal is not None or not self._express(topic, payload, self._flags):
                return False
            with self._fuse:
                self._push()
        elif self.keep:
            return False
        if self._fatal is not None or not self.session.connected:
            self.session.outbox.dropped += 1  # the connection took it with it, or there is none
        return True

    async def _put_full(
        self, topic: str | bytes, payload: "Payload", flags: int, timeout_ms: int | None
    ) -> int:
        """Do what `full` says, until the message is in."""
        start = ticks_ms()
        self._asks(1)
        try:
            while True:
                left = self._limit(timeout_ms) - (ticks_ms() - start & _TICKS)
                if left <= 0 or self.full == "raise" or self._feeding:
                    raise LimitError("outbox full: raise tx_size, publish less, or wait")
                if self.full != "drop" or not self._drop():
                    await self._change(left)
                packet_id = self._put(topic, payload, flags)
                if packet_id >= 0:
                    return packet_id
        finally:
            self._asks(-1)

    def _drop(self) -> bool:
        """Give up the oldest message, if it was not sent yet; tell whether there was one."""
        session = self.session
        packet_id = session.outbox.drop() if not session.writing else -1
        if packet_id < 0:
            return False
        if packet_id:
            session.forget(packet_id)
        session.outbox.dropped += 1
        for waiter in self._waiters:
            if waiter.packet_id == packet_id:
                waiter.dropped = True
                waiter.event.set()
        return True

    async def wait(self, packet_id: int, timeout_ms: int | None = None) -> None:
        """Return when the message is acknowledged to its end (0: when all QoS 0 are written).

        OSError(ETIMEDOUT) when that takes too long: the message stays accepted. LimitError when it
        was dropped for a newer one.
        """
        timeout_ms = self._limit(timeout_ms)
        if not self.pending(packet_id) or self._feeding:
            return
        if not packet_id:
            await self._until(lambda: not self.pending(0), timeout_ms)
            return
        waiter = self._waiter(packet_id, timeout_ms)
        try:
            while self.session.pending(packet_id) and not waiter.dropped:
                if self._ticker is None:
                    raise OSError(errno.ENOTCONN, _STOPPED)
                if waiter.left() <= 0:
                    raise OSError(errno.ETIMEDOUT, "not acknowledged")
                await waiter.event.wait()
                waiter.event.clear()
            if waiter.dropped:
                raise LimitError("dropped from a full outbox")
            if packet_id in self.session.refused:
                raise self._refusal(waiter, packet_id)
        finally:
            waiter.packet_id = 0
            if self.session.refused:  # the call was cancelled as the refusal came
                self.session.tell(self)

    def _refusal(self, waiter: Waiter, packet_id: int) -> Exception:
        """Return why the broker refused; it is kept while another call waits for it too."""
        exc = self.session.refused.pop(packet_id)
        waiter.packet_id = 0
        if self._awaited(packet_id):
            self.session.refused[packet_id] = exc
        return exc

    def _waiter(self, packet_id: int, timeout_ms: int) -> Waiter:
        for waiter in self._waiters:
            if not waiter.packet_id:
                break
        else:
            waiter = Waiter()
            self._waiters.append(waiter)
        waiter.packet_id, waiter.dropped = packet_id, False
        waiter.since, waiter.timeout_ms = ticks_ms(), timeout_ms
        waiter.event.clear()
        self._nudge(timeout_ms)
        self._resume()
        return waiter

    def _waits(self) -> bool:
        """Tell whether some call waits for the broker's answer."""
        return self._asking > 0 or any([waiter.packet_id for waiter in self._waiters])

    def _asks(self, one: int) -> None:
        """A call begins (1) or ends (-1) to wait for an answer, perhaps behind a held message."""
        self._asking += one
        self._resume()

    def _awaited(self, packet_id: int) -> bool:
        # 0 is of QoS 0, for which `wait` only sees that it was written
        return packet_id > 0 and any(waiter.packet_id == packet_id for waiter in self._waiters)

    def _done(self, packet_id: int) -> None:
        for waiter in self._waiters:
            if waiter.packet_id == packet_id:
                waiter.event.set()

    async def subscribe(
        self,
        topic_filter: "Filters",
        qos: int = 0,
        timeout_ms: int | None = None,
        **options: "Any",
    ) -> int | list[int] | None:
        """Subscribe, and return what the broker granted; as `Client.subscribe`."""
        from .asking import Waiting, answered, ask, granted

        timeout_ms = self._limit(timeout_ms)
        some = ask(self, topic_filter, qos, options)
        self._write()
        if self._feeding:
            return None
        with Waiting(self.session.subscriptions, some):
            await self._answer(lambda: answered(some), timeout_ms)
        return granted(self.session.subscriptions, topic_filter, some)

    async def unsubscribe(
        self, topic_filter: "Filters", timeout_ms: int | None = None, **options: "Any"
    ) -> None:
        """Unsubscribe from a filter, or from a list of them; their handlers go too."""
        from .asking import Waiting, ask_no_more, check, gone

        timeout_ms = self._limit(timeout_ms)
        some = ask_no_more(self, topic_filter, options)
        self._write()
        if not self._feeding:
            table = self.session.subscriptions
            with Waiting(table, some):
                await self._answer(lambda: gone(table, some), timeout_ms)
            check(table, some)

    async def _answer(self, done: "Callable[[], bool]", timeout_ms: int) -> None:
        try:
            self._asks(1)
            await self._until(done, timeout_ms)
        finally:
            self._asks(-1)

    def _wake(self) -> None:
        for waiter in self._waiters:
            waiter.event.set()

    def _expire(self, wait: int) -> int:
        i = len(self._waiters)
        while i:
            i -= 1
            if self._waiters[i].packet_id:
                wait = min(wait, self._waiters[i].due())
        return wait
