"""Runs on MicroPython: what the smallest heap is measured with (see tools/smallest.py).

Connects, subscribes, publishes at QoS 2, receives that message and disconnects; prints OK.
Arguments: host, port, topic, and a folder for the store where there is one.
"""

import sys

from umqtt_full import Client

received = 0


def take(message):
    """Read the payload where it is."""
    global received
    if message.payload_is(b"21.5"):
        received += 1


def run(host, port, topic):
    """Once all that a small node does."""
    client = Client(
        topic, host, port, clean_session=True, tx_size=256, rx_size=128, read_size=64, window=4
    )
    client.on(topic, take, 2)
    client.connect()
    client.publish(topic, b"21.5", 2)
    turns = 0
    while not received and turns < 10:
        client.poll(500)
        turns += 1
    client.disconnect()


run(sys.argv[1], int(sys.argv[2]), sys.argv[3])
print("OK" if received else "not received")
