# mypy: ignore-errors
"""The smallest program with Client: connect, publish at QoS 2, receive it."""

import sys

from umqtt_full import Client

client = Client(
    sys.argv[3],
    sys.argv[1],
    int(sys.argv[2]),
    clean_session=True,
    tx_size=256,
    rx_size=128,
    read_size=64,
    window=4,
)
got = []
client.on(sys.argv[3], lambda message: got.append(message.payload_is(b"21.5")), 2)
client.connect()
client.publish(sys.argv[3], b"21.5", 2)
for _ in range(10):
    if not got:
        client.poll(500)
client.disconnect()
print("OK" if got == [True] else "not received")
