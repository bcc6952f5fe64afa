"""Programs around AsyncClient on CPython: how `asyncio.run` ends them, and what it is given."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from answering import HOST, Answering
from umqtt_full import AsyncClient, Message

Main = Callable[[], Coroutine[Any, Any, None]]


def run(*mains: Main) -> list[BaseException | None]:
    """What each of these programs raised; AssertionError if one does not end."""

    def programs() -> None:
        for main in mains:
            raised.append(None)
            try:
                asyncio.run(main())
            except BaseException as error:
                raised[-1] = error
        ended.set()

    raised: list[BaseException | None] = []
    ended = threading.Event()
    threading.Thread(target=programs, daemon=True).start()
    assert ended.wait(10), "asyncio.run does not return"
    return raised


@pytest.mark.parametrize("woken", ["ticker", "reader"])
def test_a_program_ends_in_the_turn_in_which_a_task_is_woken(woken: str) -> None:
    """The loop's last cancellation and our own signal are two things, also at once."""

    async def main() -> None:
        async def publishes() -> None:
            await go.wait()
            if woken == "reader":
                client._stream.sock.shutdown(2)  # as after a reset: the write fails
                client.enqueue("t", b"", 1)
            await client.publish("t", b"", 1)

        client = AsyncClient("c", HOST, broker.port)
        go = asyncio.Event()
        await client.start()
        task = asyncio.create_task(publishes())
        await asyncio.sleep(0.1)
        go.set()
        assert not task.done()

    with Answering() as broker:
        assert run(main) == [None]


def eager(loop: Any, coroutine: Any, **options: Any) -> Any:
    """Do what `asyncio.eager_task_factory` of Python 3.12 does: a task begins at once."""
    task = asyncio.Task(coroutine, loop=loop, **options)
    here = asyncio.current_task(loop)
    if here is None:
        return task
    first_step = loop._ready.pop()
    asyncio.tasks._leave_task(loop, here)
    try:
        first_step._run()
    finally:
        asyncio.tasks._enter_task(loop, here)
    return task


def test_tasks_may_be_eager() -> None:
    """A task that runs before `create_task` has returned is the reader all the same."""

    async def main() -> None:
        asyncio.get_running_loop().set_task_factory(eager)
        client = AsyncClient("c", HOST, broker.port, timeout_ms=3000)
        async with client:
            await client.publish("t", b"", 1)

    with Answering() as broker:
        assert run(main) == [None]


def test_an_eager_handler_gets_all_that_waits_at_start() -> None:
    """Also where it needs no turn for the first message."""
    seen = []

    async def heard(message: Any) -> None:
        seen.append(message.payload)

    async def main() -> None:
        asyncio.get_running_loop().set_task_factory(eager)
        client = AsyncClient("c", HOST, broker.port, timeout_ms=3000)
        client.on("q", heard, 1)
        message = Message()
        message.buf = message.topic_buf = bytearray(b"q1")
        message.topic_end = message.start = 1
        message.end = 2
        for _ in range(3):
            client.session.subscriptions.all[0].queue.put(message)
        async with client:
            await client.publish("t", b"", 1)

    with Answering() as broker:
        assert run(main) == [None]
    assert seen == [b"1"] * 3


def test_one_client_serves_several_runs() -> None:
    """Made before the loop; with messages, an async handler, a run without `stop` and outages."""

    async def heard(message: Any) -> None:
        pass

    async def properly() -> None:
        async with client:
            await client.subscribe("t", 1)
            await client.publish("t", b"", 1)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(messages.__anext__(), 0.05)
            assert client.up.is_set()
        await client.down.wait()

    async def cut_off() -> None:
        await client.start()
        await client.publish("t", b"", 1)

    with Answering() as broker:
        client = AsyncClient("c", HOST, broker.port, timeout_ms=3000)
        client.on("s", heard, 1)
        messages = client.messages("r", 1)
        assert run(properly, properly, cut_off, cut_off, properly) == [None] * 5
        assert len(broker.published) == 5
