# A node that goes on when the broker restarts, in the style of umqtt.robust's example.
import sys

from umqtt.robust import MQTTClient

seen = []


def sub_cb(topic, msg):
    seen.append(msg)
    print("SEEN", topic.decode(), msg.decode())


class Client(MQTTClient):
    DELAY = 1
    DEBUG = True


def main(server, port, name):
    c = Client(name, server, port, keepalive=60)
    c.set_callback(sub_cb)
    if not c.connect(clean_session=False):
        c.subscribe(name + "/in", 1)
    c.publish(name + "/out", b"0", qos=1)
    print("SYNC restart")
    if hasattr(sys.stdout, "flush"):
        sys.stdout.flush()
    sys.stdin.readline()
    for n in range(1, 6):
        c.publish(name + "/out", b"%d" % n, qos=1)
    print("SYNC again")
    if hasattr(sys.stdout, "flush"):
        sys.stdout.flush()
    sys.stdin.readline()
    while not seen:
        c.wait_msg()
    c.disconnect()


main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
print("OK")
