"""Publishes and obeys with a store, until it is killed; the last life ends by itself.

Arguments: port, folder of the store, True for the last life.
"""

import sys

from umqtt_full import Client, Store


def main(port, folder, last):
    client = Client(
        "power", "127.0.0.1", int(port), store=Store(folder, 65536, 4096), window=4, keep_alive=10
    )
    client.on("power/in", lambda m: print("handled", m.payload_int(), int(m.dup)), 2)
    client.connect()
    number = client.session.ids.next * 7919 + int(client.session.session_present)
    print("connected", number)
    n = 0
    while last == "False" or n < 20:
        n += 1
        qos = 1 + n % 2
        text = "%d:%d:%d" % (qos, number, n)
        client.publish_nowait("power/out", text, qos)
        print("accepted", text)
        if n % 3 == 0:
            client.poll(0)
    while client.session.outbox.head != client.session.outbox.tail or client.session.released.n:
        client.poll(100)
    while client.poll(300):
        pass
    client.disconnect()
    print("OK")


main(*sys.argv[1:])
