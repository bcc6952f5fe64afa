"""Runs on MicroPython: what AsyncClient's smallest heap is measured with (see tools/smallest.py).

Connects, subscribes, publishes at QoS 2, receives that message and stops; prints OK.
Arguments: host, port, topic, and a folder for the store where there is one.
"""

import asyncio
import sys

from umqtt_full import AsyncClient

received = 0


def take(message):
    """Read the payload where it is."""
    global received
    if message.payload_is(b"21.5"):
        received += 1


async def run(host, port, topic):
    """Once all that a small node does."""
    client = AsyncClient(
        topic,
        host,
        port,
        clean_session=True,
        tx_size=256,
        rx_size=128,
        read_size=64,
        window=4,
        timeout_ms=2000,
    )
    client.on(topic, take, 2)
    await client.start()
    await client.publish(topic, b"21.5", 2)
    turns = 0
    while not received and turns < 100:
        await asyncio.sleep_ms(20)
        turns += 1
    await client.stop()


asyncio.run(run(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
print("OK" if received else "not received")
