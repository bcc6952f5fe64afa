# mypy: ignore-errors
"""The smallest program with mqtt_as: connect, publish at QoS 1, receive it."""

import asyncio
import sys

from mqtt_as import MQTTClient, config

got = []
config.update(
    server=sys.argv[1],
    port=int(sys.argv[2]),
    client_id=sys.argv[3],
    subs_cb=lambda topic, payload, retained: got.append(payload),
)


async def main():
    """Once all that a small node does."""
    client = MQTTClient(config)
    await client.connect(quick=True)
    await client.subscribe(sys.argv[3], 1)
    await client.publish(sys.argv[3], b"21.5", qos=1)
    while not got:
        await asyncio.sleep_ms(20)
    await client.disconnect()


asyncio.run(main())
print("OK" if got == [b"21.5"] else "not received")
