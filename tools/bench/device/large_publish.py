# mypy: ignore-errors
"""A file, published at QoS 1 or 2 while it is read: HOST PORT TOPIC FILE QOS.

Prints OK when the broker has acknowledged it.
"""

import sys

from umqtt_full import Client, Upload


def main(host, port, topic, path, qos):
    """Publish, wait."""
    client = Client(
        topic, host, int(port), clean_session=True, tx_size=256, rx_size=256, timeout_ms=30000
    )
    client.connect()
    with open(path, "rb") as file:
        client.publish(topic, Upload(file), int(qos))
    client.disconnect()
    print("OK")


if __name__ == "__main__":
    main(*sys.argv[1:])
