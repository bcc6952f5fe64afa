"""Starts amqtt for tools/interop.py: `python -m tools.interop_amqtt PORT USER PASSWORD DENIED`."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from amqtt.broker import Broker  # type: ignore[import-not-found]
from amqtt.plugins.base import (  # type: ignore[import-not-found]
    BaseAuthPlugin,
    BaseTopicPlugin,
)

PORT, USER, PASSWORD, DENIED = sys.argv[1:5]


class Password(BaseAuthPlugin):  # type: ignore[misc]
    """One user."""

    async def authenticate(self, *, session: Any) -> bool:
        """Tell whether it is that one."""
        return bool(session.username == USER and session.password == PASSWORD)


class Topics(BaseTopicPlugin):  # type: ignore[misc]
    """One branch of topics that nobody may use."""

    async def topic_filtering(
        self, *, session: Any = None, topic: str | None = None, action: Any = None
    ) -> bool:
        """Tell whether the topic lies elsewhere."""
        return not (topic or "").startswith(DENIED)


async def main() -> None:
    """Serve until the process is ended."""
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{PORT}"}},
            "plugins": {f"{__name__}.Password": {}, f"{__name__}.Topics": {}},
        }
    )
    await broker.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
