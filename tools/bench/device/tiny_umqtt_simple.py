# mypy: ignore-errors
"""The smallest program with umqtt.simple: connect, publish at QoS 1, receive it."""

import sys

from umqtt.simple import MQTTClient

got = []
client = MQTTClient(sys.argv[3], sys.argv[1], int(sys.argv[2]), keepalive=60)
client.set_callback(lambda topic, payload: got.append(payload))
client.connect()
client.subscribe(sys.argv[3], 1)
client.publish(sys.argv[3], b"21.5", False, 1)
while not got:
    client.wait_msg()
client.disconnect()
print("OK" if got == [b"21.5"] else "not received")
