"""Supervisor: keeps a link alive under asyncio.

Three tasks, and none of them polls. The *reader* owns the socket: it dials, waits until the stream
is readable, dispatches, and begins again when the connection ends. The *ticker* sleeps until the
next deadline: keep alive, CONNACK, a call's time limit. The *drainer* exists only while the stream
takes no more, and waits until it does. Whoever publishes writes at once: writing never waits, so
no task can be cancelled in the middle of a packet. Reader and ticker are woken, not cancelled: a
cancellation is always the application's, or the end.
"""

import asyncio
import errno

from micropython import const

from .errors import Guard
from .link import Link
from .net import ticks_ms
from .waits import Event, Readiness, pause_ms, wait_ms, wake
from .workers import hook, work

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_TICKS = const(0x3FFFFFFF)
_IN = const(1)
_LONG = const(3600000)  # ms the ticker sleeps when nothing is due
_STOPPED = "not started, or stopped"
_FAREWELL = const(300)  # how long the broker gets to close after DISCONNECT, in ms


class Supervisor(Link):
    """A link that is opened again whenever it ends, between `start` and `stop`.

    `network` is an async hook that is awaited before each attempt to connect.
    """

    def __init__(
        self,
        client_id: str | bytes,
        host: str,
        port: int | None = None,
        *,
        network: "Callable[[], Any] | None" = None,
        **options: "Any",
    ) -> None:
        self._network = network
        if "reconnect" in options:
            raise ValueError("reconnect is for Client, an AsyncClient always connects again")
        super().__init__(client_id, host, port, reconnect=True, **options)
        self.up = Event()
        self.down = Event()
        self.down.set()
        self._fuse = Guard(self._die)  # for what may end it outside the reader
        self._changed = Event()  # something that `_until` may wait for
        self._watched = 0  # how many wait for it
        self._go = Event()  # what was paused may go on
        self._readable = Readiness(False)
        self._writable = Readiness(True)
        self._reader: Any = None
        self._ticker: Any = None
        self._drainer: Any = None
        self._workers: list[Any] = []  # tasks: one an async handler, and async hooks that run
        self._fatal: BaseException | None = None  # why another task has the reader end it
        self._alarm = -1  # when the ticker wakes; -1: it is awake, or has not begun
        self._stopping = False

    # the life of a client

    async def __aenter__(self) -> "Supervisor":
        await self.start()
        return self

    async def __aexit__(self, kind: object, exc: object, trace: object) -> None:
        await self.stop()

    async def start(self, timeout_ms: int | None = None) -> bool:
        """Connect, and stay connected from here on; return whether the broker kept the session.

        Waits for the first connection at most `timeout_ms`. If there is none by then, or the
        broker refuses, the client is stopped and OSError or ReasonError raised. With 0 it does not
        wait, and goes on trying for ever. OSError(ENOTCONN) when it is stopped meanwhile.
        """
        self._limit(timeout_ms)
        if self._reader is not None and self._reader.done():
            await self.close()  # it went with a loop that ended without `stop`
        if self._reader is None:
            self._stopping = False
            self.error = None
            self._delay = 0
            self._alarm = -1
            self._reader = asyncio.create_task(self._run())
            self._ticker = asyncio.create_task(self._tick())
            for s in self.session.subscriptions.all:
                if s.queue is not None and s.queue.handler is not None:
                    s.queue.worker = self._spawn(work(self, s.queue))
        if timeout_ms == 0:
            return False
        reader = self._reader
        error = None
        try:
            await self._until(lambda: self._up or self._refused(), timeout_ms)
        except OSError as exc:
            error = exc
        except BaseException:
            await self._end(reader)
            raise
        if self._reader is not reader:
            raise OSError(errno.ENOTCONN, _STOPPED)
        if not self._up:
            self.error = self.error or error
            await self.close()
            raise self.error or OSError(errno.ETIMEDOUT, "no connection")
        return self.session.session_present

    async def stop(self, reason_code: int = 0, properties: "dict[str, Any] | None" = None) -> None:
        """Send DISCONNECT after what is half written, and end; takes at most a second.

        A reason code and properties go with MQTT 5 alone. Messages that are not acknowledged stay
        for the next `start`.
        """
        reader = self._reader
        connected = self.session.connected
        if connected:
            self.session.disconnect(reason_code, properties)
        self._stopping = True
        try:
            if connected:
                self._write()
                await self._until(lambda: self._stream is None, _FAREWELL)
        except OSError:
            pass  # the broker did not close: we do
        finally:
            await self._end(reader)

    async def _end(self, reader: "Any") -> None:
        """Close, unless that was done already, and perhaps another start made."""
        if self._reader is reader:
            await self.close()

    async def close(self) -> None:
        """End without DISCONNECT; the broker will publish the will."""
        self._stopping = True
        tasks = [self._reader, self._ticker, self._drainer] + self._workers
        self._reader = self._ticker = self._drainer = None
        self._workers = []
        for task in tasks:
            if task is not None and task is not asyncio.current_task():  # a handler may close
                task.cancel()
        up = self._up
        self._up = False
        self._close()
        self._turned_down()
        self._wake()
        if up:
            self._tell(self.on_disconnect, None)

    def _wake(self) -> None:
        """Let every call that waits see that the client has ended."""

    # waiting

    def _resume(self) -> None:
        """A queue may have room now: let the reader look at the message that it holds."""
        if self.session.held:
            self._go.set()

    def _online(self) -> None:
        if self._ticker is None:
            raise OSError(errno.ENOTCONN, _STOPPED)

    async def _until(self, done: "Callable[[], bool]", timeout_ms: int | None) -> None:
        """Return when `done`; OSError when that takes too long, or the client is stopped."""
        reader = self._reader
        timeout_ms = self._limit(timeout_ms)
        start = ticks_ms()
        while not done():
            if self._reader is not reader or reader is None:
                raise OSError(errno.ENOTCONN, _STOPPED)
            left = timeout_ms - (ticks_ms() - start & _TICKS)
            if left <= 0:
                raise OSError(errno.ETIMEDOUT, "no answer")
            await self._change(left)

    async def _change(self, ms: int) -> None:
        """Wait until something has changed, at most `ms`."""
        self._watched += 1
        try:
            await wait_ms(self._changed, ms)
        finally:
            self._watched -= 1

    def _notify(self) -> None:
        """Something has changed: wake whoever waits for that.

        Who waits from now on gets another event: to clear this one would take it from those whose
        wait has not had its first turn yet.
        """
        if self._watched:
            changed = self._changed
            try:
                self._changed = Event()
            except MemoryError:
                pass  # the next one: until then who waits looks in each turn
            changed.set()

    # the three tasks

    async def _run(self) -> None:
        """The reader: one connection after the other."""
        self._reader = me = asyncio.current_task()  # an eager task begins before `start` knows it
        while self._reader is me and not self._stopping:
            try:
                if self._network is not None:
                    await self._network()
                    if self._reader is not me:
                        break
                pause = self._pause_ms()
                if pause:
                    await pause_ms(pause)
                    continue
                await self._connection()
            except Exception as exc:
                self._ended(exc)

    def _ended(self, exc: BaseException) -> None:
        """`_lost`; should that itself fail, it is reported and the reader goes on."""
        try:
            self._lost(exc)
        except Exception as more:
            self._report(more)
            self._since = ticks_ms()
            self._delay = min(self.backoff_max_ms, max(self._delay * 2, self.backoff_ms))
            try:
                self._close()
            except Exception as again:
                self._report(again)
            if self._up:
                self._up = False
                self._tell(self.on_disconnect, exc)
            self._turned_down()

    async def _connection(self) -> None:
        self._fatal = None
        self._open()
        self._nudge(0)
        while self._blocked and self._fatal is None:  # connected, all handshakes done, CONNECT out
            await (self._readable if self._wants == _IN else self._writable)(self._source)
            if self._fatal is None:
                self._flush()
        while self._fatal is None:
            if self._paused and (self._blocked or self.session.held):
                self._go.clear()
                await self._go.wait()
            elif self._paused or self._more:
                await pause_ms(0)
            else:
                await self._readable(self._source)
            if self._fatal is None:  # else `_die` has woken it
                self._receive(_IN)
        raise self._fatal

    async def _tick(self) -> None:
        """The ticker: sleep until something is due."""
        while True:
            wait = self._due()
            self._alarm = ticks_ms() + wait & _TICKS
            await pause_ms(wait)
            self._alarm = -1

    def _due(self) -> int:
        """Do what is due; return in how many ms the next thing is."""
        wait = -1
        if self._stream is not None and self._fatal is None:
            with self._fuse:
                wait = self._serve()
        if wait < 0:
            wait = _LONG
        return self._expire(wait)

    def _expire(self, wait: int) -> int:
        """End the calls whose time is over; return `wait`, or what is left of the next if less."""
        return wait

    def _nudge(self, ms: int) -> None:
        """Wake the ticker if it would sleep longer than `ms`."""
        if self._ticker is None or self._alarm < 0:
            return
        if (self._alarm - ticks_ms() & _TICKS) > ms:
            self._alarm = -1
            wake(self._ticker)

    async def _drain(self) -> None:
        """The drainer: write on as the stream takes more."""
        while self._blocked and self._stream is not None and self._fatal is None:
            await self._writable(self._source)
            if self._stream is not None and self._fatal is None:
                self._write(True)
            self._notify()
        self._drainer = None
        self._go.set()

    # the hooks of Link

    def _close(self) -> None:
        drainer = self._drainer
        self._drainer = None
        if drainer is not None and drainer is not asyncio.current_task():
            drainer.cancel()  # it waits for the stream that ends now
        super()._close()

    def _write(self, blocked: bool = False) -> None:
        """Flush what is due; an end of the connection is the reader's to deal with."""
        if self._blocked == blocked and self._stream is not None and self._fatal is None:
            with self._fuse:
                self._flush()

    def _die(self, exc: BaseException) -> bool:
        """Have the reader end this connection; only a cancellation goes on its way."""
        if not isinstance(exc, Exception):
            return False
        if self._fatal is None:
            self._fatal = exc
            self._blocked = True
            if self._reader is not None:
                wake(self._reader)
                self._go.set()
        return True

    def _watch(self, blocked: bool) -> None:
        super()._watch(blocked)
        if blocked and self._drainer is None and self._up:
            self._drainer = asyncio.create_task(self._drain())

    def _spawn(self, coroutine: "Any") -> "Any":
        """Run a coroutine until it ends or the client does; return its task."""
        self._workers = [task for task in self._workers if not task.done()]
        self._workers.append(asyncio.create_task(coroutine))
        return self._workers[-1]

    def _begin(self, result: "Any") -> None:
        if hasattr(result, "send"):  # an async hook
            self._spawn(hook(self, result))

    def _turned_up(self) -> None:
        self.down.clear()
        self.up.set()
        self._nudge(0)  # its alarm was for CONNACK; the keep alive may be due before that
        super()._turned_up()

    def _feed(self, n: int) -> None:
        super()._feed(n)
        self._notify()

    def _lost(self, exc: BaseException) -> None:
        self._fatal = None
        if self._stopping:
            self._close()  # as asked: `close` tells the application
        else:
            super()._lost(exc)
        self._turned_down()

    def _turned_down(self) -> None:
        self.up.clear()
        self.down.set()
        self._notify()
