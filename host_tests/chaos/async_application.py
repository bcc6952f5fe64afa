"""The application that uses `AsyncClient`: the same steps, and tasks that are cancelled."""

import asyncio
import sys

import umqtt_full.aio as aio_module
import umqtt_full.link as link_module
import umqtt_full.supervisor as supervisor_module
import umqtt_full.waits as waits_module
from umqtt_full.aio import AsyncClient

from .application import Application
from .broker import FILTERS
from .ledger import serial_of

if sys.implementation.name == "cpython":
    from .loop import clock_of, run_virtually
else:
    from .loop_micropython import clock_of, run_virtually

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Concurrent(Application):
    """Uses `AsyncClient` from several tasks."""

    slack = 2

    def __init__(self, sim: "Any", client: "Any") -> None:
        super().__init__(sim, client)
        self.tasks: list[Any] = []
        self.owned: dict[str, list[int]] = {}  # what waits in the queue of an async handler
        self._drop = client.session.outbox.drop
        client.session.outbox.drop = self._hook_drop

    def _hook_drop(self) -> int:
        packet_id = self._drop()
        self.sim.ledger.dropped(packet_id)
        return int(packet_id)

    def may_drop(self, qos: int) -> bool:
        return not qos

    def run(self, steps: "Any") -> None:
        """Play the steps, in a loop whose time is the world's."""
        run_virtually(self.world, self.play, steps)

    async def play(self, steps: "Any") -> None:
        """The main task."""
        for step in steps:
            self.world.note("step " + repr(step))
            if not self.sim.weather_step(step):
                result = getattr(self, "do_" + step[0])(*step[1:])
                if result is not None:
                    await result

    async def call(self, limit: int, what: str, *args: "Any") -> "Any":
        """One call of the client; what it raised, or None."""
        start, blocked, problem = self.world.now, self.world.blocked_ms, None
        try:
            await getattr(self.client, what)(*args)
        except Exception as exc:
            problem = exc
        self.call_ended(start, blocked, limit, problem, what)
        return problem

    def publish_inside(self, qos: int) -> None:
        topic, payload = self.message(0, 20, False)
        self.tasks.append(asyncio.create_task(self._publish_one(topic, payload, qos)))

    async def _publish_one(self, topic: str, payload: bytes, qos: int) -> None:
        await self.call(self.client.timeout_ms * 2, "publish", topic, payload, qos)

    def close_inside(self) -> None:
        self.tasks.append(asyncio.create_task(self.do_close()))

    # steps

    async def do_connect(self, timeout: int) -> None:
        await self.call(timeout, "start", timeout)

    async def do_publish(
        self, topic: int, qos: int, size: int, retain: bool, timeout: int, text: bool
    ) -> None:
        name, payload = self.message(topic, size, text)
        serial = self.serial
        exc = await self.call(timeout, "publish", name, payload, qos, retain, timeout)
        self.outcome(serial, qos, exc)

    async def do_nowait(self, topic: int, qos: int, size: int, retain: bool, text: bool) -> None:
        name, payload = self.message(topic, size, text)
        await self.call(self.client.timeout_ms, "publish_nowait", name, payload, qos, retain)

    async def do_wait(self, which: int, timeout: int) -> None:
        if self.pending:
            packet_id = self.pending[which % len(self.pending)]
            await self.call(timeout, "wait", packet_id, timeout)

    async def do_subscribe(self, filters: list[int], qos: int, timeout: int) -> None:
        some = [(FILTERS[i], qos) for i in filters]
        one = some if len(some) > 1 else some[0][0]
        await self.call(timeout, "subscribe", one, qos, timeout)

    async def do_on(self, key: int, qos: int, stream: bool, queue: int) -> None:
        if not queue or FILTERS[key] in self.owned:
            self.step_on(key, qos, stream)
            return
        name = FILTERS[key]
        self.owned[name] = []
        messages = self.client.messages(name, qos, queue)
        entry = self.client.session.subscriptions.find(name.encode())
        entry.handler = lambda m: self._own(name, m, messages)
        self.tasks.append(asyncio.create_task(self._consume(name, messages)))

    def _own(self, key: str, m: "Any", messages: "Any") -> None:
        """A message goes into a queue, and is the application's from here on."""
        dropped = messages.dropped
        try:
            self.handle(key, m)
        except Exception as exc:
            self.client.on_error(exc)
            return
        messages.put(m)
        self.owned[key].append(serial_of(bytes(m.payload)))
        if messages.dropped != dropped:
            self.world.fail("I1", "a queue that waits dropped a message")

    async def _consume(self, key: str, messages: "Any") -> None:
        async for m in messages:
            serial = self.owned[key].pop(0)
            if serial_of(bytes(m.payload)) != serial:
                self.world.fail("I3", "the queue gave %r, not %d" % (bytes(m.payload), serial))
            await asyncio.sleep((serial % 3) * 0.05)

    async def do_unsubscribe(self, key: int, timeout: int) -> None:
        await self.call(timeout, "unsubscribe", FILTERS[key], timeout)

    async def do_poll(self, ms: int) -> None:
        await asyncio.sleep(ms / 1000)

    async def do_idle(self, ms: int) -> None:
        """Block the loop, as a program should not."""
        self.be_away(min(ms, 500))

    async def do_ping(self) -> None:
        """AsyncClient has no ping of its own."""

    async def do_disconnect(self) -> None:
        self.sim.ledger.leaves()
        await self.call(1000, "stop")

    async def do_close(self) -> None:
        await self.call(0, "close")

    async def do_task(self, step: "Any") -> None:
        """Do a step in a task of its own."""
        self.tasks.append(asyncio.create_task(self.play([step])))

    async def do_cancel(self, turns: int, step: "Any") -> None:
        """Cancel a step after so many turns of the loop, or ms if there are many."""
        task = asyncio.create_task(self.play([step]))
        if turns > 9:
            await asyncio.sleep(turns / 1000)
        else:
            for _ in range(turns):
                await asyncio.sleep(0)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            self.world.note("cancelled")

    def settle(self, limit: int, quiet: "Any") -> None:
        """Go on until all is quiet."""
        run_virtually(self.world, self._settle, limit, quiet)

    async def _settle(self, limit: int, quiet: "Any") -> None:
        end = self.world.now + limit
        for task in self.tasks:
            if self.world.now < end and not task.done() and not self._consumes(task):
                await asyncio.sleep(0.1)
        while self.world.now < end and not quiet():
            if self.client._reader is None:
                await self.call(5000, "start", 5000)
            await asyncio.sleep(0.2)

    def _consumes(self, task: "Any") -> bool:
        return False

    def finish(self) -> None:
        """End properly; no task of the client may be left."""
        self.run([["disconnect"]])
        self._count()
        run_virtually(self.world, self._leave)

    def _count(self) -> None:
        """What was accepted at QoS 0 and never written whole has to be counted."""
        lost = [o.serial for o in self.sim.ledger.out.values() if not o.qos and not o.conn]
        if self.client.dropped < len(lost):
            self.world.fail("I1", "lost at QoS 0: %s, counted %d" % (lost, self.client.dropped))

    async def _leave(self) -> None:
        for task in self.tasks:
            task.cancel()
        self.tasks = []
        for _ in range(20):
            await asyncio.sleep(0)
        if hasattr(asyncio, "all_tasks") and len(asyncio.all_tasks()) > 1:
            self.world.fail("I4", "tasks are left: %s" % asyncio.all_tasks())
        awaited = [w.packet_id for w in self.client._waiters if w.packet_id]
        if awaited or self.client._watched:
            self.world.fail("I4", "waiters are left: %s" % awaited)


def build(sim: "Any") -> Concurrent:
    """The client, made in the loop that it will live in."""
    clock = clock_of(sim.world)
    modules: tuple[Any, ...] = (aio_module, link_module, supervisor_module, waits_module)
    for module in modules:
        sim.replace(module, "ticks_ms", clock)
    client = run_virtually(sim.world, _make, sim)
    return Concurrent(sim, client)


async def _make(sim: "Any") -> AsyncClient:
    c = sim.config
    return AsyncClient("c", "broker", full=c["full"], keep=c["keep"], **sim.options())
