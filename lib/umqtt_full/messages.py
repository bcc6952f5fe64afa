"""Messages that are kept: a bounded queue between the connection and whoever takes its time."""

import asyncio
from collections import deque

from micropython import const

from .packet import Message, check_range
from .waits import Event

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def keep(message: Message) -> Message:
    """Return a copy of a borrowed message, with a buffer of its own."""
    kept = type(message)()
    topic = message.topic_buf[message.topic_start : message.topic_end]
    kept.buf = kept.topic_buf = topic + message.buf[message.start : message.end]
    kept.topic_end = kept.start = len(topic)
    kept.end = len(kept.buf)
    kept.header = message.header
    kept.packet_id = message.packet_id
    kept.total = message.total
    if hasattr(message, "keep_more"):  # MQTT 5
        message.keep_more(kept)
    return kept


class Messages:
    """An async iterator over the messages of a filter; `size` wait in it.

    `overflow` says what happens to a message that finds it full: "wait" (it stays unacknowledged,
    nothing more is read from the broker, pings go on; but while a call waits for an answer, which
    may lie behind that message, `window` more are taken), "drop_new" or "drop_old" (counted in
    `dropped`). A message is acknowledged when it is in the queue. Without memory for it the
    connection ends, and the broker sends it again on the next one; at QoS 0 it is lost, which
    `on_error` is told.
    """

    handler: "Callable[[Message], Any] | None" = None  # async, of AsyncClient.on …
    worker: "Any" = None  # … and the task that calls it, while the client runs

    def __init__(self, size: int, overflow: str, client: "Any") -> None:
        if overflow not in ("wait", "drop_new", "drop_old"):
            raise ValueError(
                "overflow must be 'wait', 'drop_new' or 'drop_old', not " + repr(overflow)
            )
        self.size = check_range("size", size, 1, 65535)
        self.overflow = overflow
        self.dropped = 0
        self._most = size + client.session.window if overflow == "wait" else size
        self._kept: deque[Message] = deque((), self._most)  # noqa: RUF037
        self._some = Event()
        self._client = client

    def room(self) -> bool:
        """Tell whether a message can be put in."""
        n = len(self._kept)
        return n < self.size or (n < self._most and self._client._waits())

    def put(self, message: Message) -> None:
        """Keep a borrowed message, or drop one, as `overflow` says."""
        full = len(self._kept) >= self._most
        if not full or self.overflow == "drop_old":
            kept = keep(message)  # first: without memory for it nothing has changed
            if full:
                self._kept.popleft()
            self._kept.append(kept)
            self._some.set()
        self.dropped += full

    def leave(self) -> None:
        """Another handler has its filter, or none: the worker ends, nobody waits for room.

        A handler that does this itself goes on to its end.
        """
        worker = self.worker
        self.worker = None
        if worker is not None and not worker.done() and worker is not asyncio.current_task():
            worker.cancel()
        self._client._resume()

    def __aiter__(self) -> "Messages":
        return self

    async def __anext__(self) -> Message:
        while not self._kept:
            self._some.clear()
            await self._some.wait()
        message = self._kept.popleft()
        self._client._resume()
        return message
