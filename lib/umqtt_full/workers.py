"""The tasks that run what an application gave an AsyncClient: async handlers and async hooks.

What these raise is reported and ends nothing; only their own cancellation ends them.
"""

import asyncio

from micropython import const

from .waits import cancelled, pause_ms

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import Any

    from .messages import Messages
    from .supervisor import Supervisor


async def work(client: "Supervisor", messages: "Messages") -> None:
    """Give an async handler its messages, one after the other."""
    me = asyncio.current_task()
    await pause_ms(0)  # an eager task begins before it is among the workers
    async for message in messages:
        try:
            await messages.handler(message)  # type: ignore[misc]
        except asyncio.CancelledError as exc:
            if messages.worker is not me or not await _lives(client, me):
                raise
            client._report(exc)
        except Exception as exc:
            client._report(exc)
        if messages.worker is not me or me not in client._workers:
            return  # the handler's filter has gone meanwhile, or the client has ended


async def hook(client: "Supervisor", call: "Any") -> None:
    """Run an async hook."""
    try:
        await call
    except asyncio.CancelledError as exc:
        if not await _lives(client, asyncio.current_task()):
            raise
        client._report(exc)
    except Exception as exc:
        client._report(exc)


async def _lives(client: "Supervisor", me: "Any") -> bool:
    """Tell whether a worker goes on: what was cancelled is something that it awaited."""
    await pause_ms(0)  # who cancels all tasks, as `asyncio.run` does, has the reader end too
    ended = client._reader is not None and client._reader.done()
    return me in client._workers and not ended and not cancelled(me)
