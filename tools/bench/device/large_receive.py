# mypy: ignore-errors
"""A long message, received at QoS 1 into a file: HOST PORT TOPIC FILE.

Prints READY when subscribed and OK when all of it is in the file.
"""

import sys

from umqtt_full import Client


class Download:
    """Takes the pieces of one message as they come."""

    def __init__(self, path):
        self.file = open(path, "wb")  # noqa: SIM115
        self.done = False

    def piece(self, message):
        """In order, from offset 0 to the end."""
        if self.file.tell() != message.offset:
            raise ValueError("a piece is missing")
        piece = message.payload
        self.file.write(piece)
        if message.offset + len(piece) == message.total:
            self.file.close()
            self.done = True


def main(host, port, topic, path):
    """Subscribe, receive."""
    client = Client(topic, host, int(port), clean_session=True, tx_size=256, rx_size=256)
    download = Download(path)
    client.on(topic, download.piece, 1, stream=True)
    client.connect()
    client.subscribe(topic, 1)
    print("READY")
    if hasattr(sys.stdout, "flush"):
        sys.stdout.flush()
    while not download.done:
        client.poll(1000)
    client.disconnect()
    print("OK")


if __name__ == "__main__":
    main(*sys.argv[1:])
