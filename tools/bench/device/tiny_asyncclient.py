# mypy: ignore-errors
"""The smallest program with AsyncClient: connect, publish at QoS 2, receive it."""

import asyncio
import sys

from umqtt_full import AsyncClient

got = []


async def main():
    """Once all that a small node does."""
    client = AsyncClient(
        sys.argv[3],
        sys.argv[1],
        int(sys.argv[2]),
        clean_session=True,
        tx_size=256,
        rx_size=128,
        read_size=64,
        window=4,
    )
    client.on(sys.argv[3], lambda message: got.append(message.payload_is(b"21.5")), 2)
    async with client:
        await client.publish(sys.argv[3], b"21.5", 2)
        for _ in range(50):
            if not got:
                await asyncio.sleep_ms(20)


asyncio.run(main())
print("OK" if got == [True] else "not received")
