"""Runs on MicroPython: what the smallest heap of umqtt.simple's API is measured with.

Connects, subscribes, publishes at QoS 2, receives that message and disconnects; prints OK.
Arguments: host, port, topic.
"""

import sys

from umqtt_full.simple import MQTTClient

received = 0


def take(topic, payload):
    """Count what was sent."""
    global received
    if payload == b"21.5":
        received += 1


def run(host, port, topic):
    """Once all that a small node does."""
    client = MQTTClient(topic, host, port)
    client.set_callback(take)
    client.connect()
    client.subscribe(topic, 2)
    client.publish(topic, b"21.5", False, 2)
    turns = 0
    while not received and turns < 10:
        client.wait_msg()
        turns += 1
    client.disconnect()


run(sys.argv[1], int(sys.argv[2]), sys.argv[3])
print("OK" if received else "not received")
