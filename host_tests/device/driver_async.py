"""Runs a script of `driver` with an `AsyncClient`.

`AsyncClient` always connects again by itself. A scenario without `reconnect` describes a client
that raises a lost link instead; here it gets one that would wait a minute before it tries again,
and the call that goes on, or the next one, closes the client and raises what `on_disconnect` (or,
before CONNACK, `error`) told. So one table says what both clients must see and send.
"""

import asyncio
import errno
import sys

from looking import Mismatch, check
from umqtt_full import AsyncClient
from umqtt_full.net import ticks_ms
from umqtt_full.waits import pause_ms, wait_ms

NEVER = 60000
METHODS = {"connect": "start", "disconnect": "stop"}
ENDS = ("start", "stop", "close")
MICROPYTHON = sys.implementation.name == "micropython"


def left_behind():
    """What still runs beside the task that asks; nothing may, once a client has ended."""
    if not MICROPYTHON:
        return len(asyncio.all_tasks()) - 1
    queued = asyncio.core._task_queue.peek() is not None
    return int(queued) + len(asyncio.core._io_queue.map)


def renew():
    """Forget what a loop before this one left."""
    if MICROPYTHON:
        asyncio.new_event_loop()


class Awaiting:
    """What runs a script with a client whose methods are awaited."""

    def __init__(self):
        self.script = None
        self.clients = []
        self.error = None  # why the link ended, until a call has raised it
        self.manual = True
        self.wake = None
        self.ending = None  # what a handler began

    def make(self, client_id, host, port, options):
        """A client."""
        self.manual = not options.pop("reconnect", False)
        if self.manual:
            options["backoff_ms"] = options["backoff_max_ms"] = NEVER
        self.error = None
        client = AsyncClient(client_id, host, port, **options)
        self.clients.append(client)
        return client

    def lost(self, error):
        """A client without `reconnect` has it raised by the call that goes on."""
        if self.manual and error is not None:
            self.error = error
            self.wake.set()

    def inside(self, script, calls):
        """Run steps inside a plain handler: there no call waits."""
        reply, resume = None, calls.send
        while True:
            try:
                name, args, kwargs = resume(reply)
            except StopIteration as end:
                return end.value
            try:
                reply = self.at_once(script.client, METHODS.get(name, name), args, kwargs)
                resume = calls.send
            except Exception as error:
                reply, resume = error, calls.throw

    def at_once(self, client, name, args, kwargs):
        """A call inside a plain handler; only the end of the client is another task's."""
        result = getattr(client, name)(*args, **kwargs)
        if not hasattr(result, "send"):
            return result
        if name in ENDS:
            self.ending = asyncio.create_task(result)
            return None
        try:
            result.send(None)
        except StopIteration as end:
            return end.value
        raise Mismatch(name + " waits inside a handler")

    # ------------------------------------------------------------ the loop

    def run(self, script, calls):
        """Run a script in a loop of its own."""
        self.script = script
        renew()
        try:
            asyncio.run(self.main(script, calls))
        finally:
            renew()

    async def main(self, script, calls):
        """Run a script; then nothing may be left."""
        self.wake = asyncio.Event()
        try:
            await self.play(script, calls)
            for _ in range(50):
                if not left_behind():
                    break
                await pause_ms(2)
            check(not left_behind(), "tasks are left behind: %r" % (left_behind(),))
        finally:
            for client in self.clients:
                await client.close()

    async def play(self, script, calls):
        """Make each call that the script yields."""
        reply, resume = None, calls.send
        while True:
            try:
                name, args, kwargs = resume(reply)
            except StopIteration as end:
                return end.value
            try:
                reply = await self.call(script.client, METHODS.get(name, name), args, kwargs)
                resume = calls.send
            except Exception as error:
                reply, resume = error, calls.throw

    async def call(self, client, name, args, kwargs):
        """One call; it raises a link that was lost before it or is lost during it."""
        if name == "sleep_ms":
            return await pause_ms(*args)
        if name in ENDS:
            self.error = None
            if name != "start" or client.connected:
                return await getattr(client, name)(*args, **kwargs)
            await client.close()
        await self.raise_loss(client)
        if name == "poll":
            return await self.poll(client, *args)
        result = getattr(client, name)(*args, **kwargs)
        if not hasattr(result, "send"):
            return result
        return await (self.race(client, result, name == "start") if self.manual else result)

    async def raise_loss(self, client):
        """Raise why the link ended, and stay away."""
        error, self.error = self.error, None
        if error is not None:
            await client.close()
            raise error

    async def poll(self, client, ms=0):
        """What `Client.poll` does, watched from outside: wait until something happens."""
        if self.manual and not client.connected:
            raise OSError(errno.ENOTCONN, "not connected")
        start = ticks_ms()
        before = len(self.script.received), len(self.script.happened)
        while True:
            await pause_ms(0)
            await self.raise_loss(client)
            if before != (len(self.script.received), len(self.script.happened)):
                return True
            left = ms - (ticks_ms() - start & 0x3FFFFFFF)
            if left <= 0:
                return False
            await pause_ms(min(left, 4))

    async def race(self, client, call, starting):
        """Wait for a call, or for the end of the link."""
        self.wake.clear()
        before = len(self.script.happened)
        end = []
        task = asyncio.create_task(self.finish(call, end))
        while not end and self.error is None:
            await wait_ms(self.wake, 5 if starting else 1000)
            self.wake.clear()
            if starting and not end and client.error is not None and not client.connected:
                self.error = client.error
        if not end:
            while not task.done():
                task.cancel()
                await pause_ms(1)
            for event in self.script.happened[before:]:
                if starting and event[0] == "connect":
                    return event[1]  # and lost at once: the next call raises that
            await self.raise_loss(client)
        if isinstance(end[0], BaseException):
            raise end[0]
        return end[0]

    async def finish(self, call, end):
        """A call in a task of its own."""
        try:
            end.append(await call)
        except Exception as error:
            end.append(error)
        self.wake.set()
