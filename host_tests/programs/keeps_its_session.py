# Goes away and gets what came meanwhile.
import sys

from umqtt.simple import MQTTClient

seen = []


def sub_cb(topic, msg):
    seen.append(msg)
    print("SEEN", topic.decode(), msg.decode())


def new_client(server, port, name):
    c = MQTTClient(name, server, port)
    c.set_callback(sub_cb)
    return c


def main(server, port, name):
    c = new_client(server, port, name)
    print("PRESENT", c.connect(clean_session=False))
    c.subscribe(name + "/in", 1)
    c.disconnect()
    print("SYNC away")
    if hasattr(sys.stdout, "flush"):
        sys.stdout.flush()
    sys.stdin.readline()
    c = new_client(server, port, name)
    print("PRESENT", c.connect(clean_session=False))
    while len(seen) < 2:
        c.wait_msg()
    c.disconnect()
    c = new_client(server, port, name)
    print("PRESENT", c.connect())
    c.disconnect()


main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
print("OK")
