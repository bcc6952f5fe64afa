"""Runs on MicroPython: the smallest heap in which AsyncClient outlives the loss of its connection.

As smallest_async.py, and then: the broker hangs up, the client connects again, subscribes again
since the broker has forgotten the session, publishes again at QoS 2 and receives that; prints OK.
Arguments: host, port, topic.
"""

import asyncio
import sys

from umqtt_full import AsyncClient
from umqtt_full.net import dial

received = 0
stream = None
dials = 0


def take(message):
    """Read the payload where it is."""
    global received
    if message.payload_is(b"21.5"):
        received += 1


def dialled(host, port):
    """Keep the stream, to spoil it."""
    global stream, dials
    dials += 1
    stream = dial(host, port)
    return stream


async def publish(client, topic, wanted):
    """Publish, and wait until it has come back."""
    await client.publish(topic, b"21.5", 2)
    turns = 0
    while received < wanted and turns < 100:
        await asyncio.sleep_ms(20)
        turns += 1


async def run(host, port, topic):
    """An outage between two messages."""
    client = AsyncClient(
        topic,
        host,
        port,
        clean_session=True,
        tx_size=256,
        rx_size=128,
        read_size=64,
        window=4,
        dial=dialled,
        backoff_ms=10,
        timeout_ms=2000,
    )
    client.on(topic, take, 2)
    await client.start()
    await publish(client, topic, 1)
    stream.write(b"\0\0")  # no packet begins like this: the broker hangs up
    turns = 0
    while dials < 2 and turns < 100:
        await asyncio.sleep_ms(20)
        turns += 1
    await publish(client, topic, 2)
    await client.stop()


asyncio.run(run(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
print("OK" if received == dials == 2 else "%d received, %d dials" % (received, dials))
