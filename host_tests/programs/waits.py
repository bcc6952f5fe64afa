# Waits for messages with wait_msg(), as the subscriber of umqtt.simple's examples does.
import sys

from umqtt.simple import MQTTClient

seen = []


def sub_cb(topic, msg):
    seen.append((topic, msg))
    print("SEEN", topic.decode(), msg.decode())


def main(server, port, name):
    c = MQTTClient(name, server, port)
    c.set_callback(sub_cb)
    print("PRESENT", c.connect())
    c.subscribe(name.encode() + b"/in", qos=1)
    print("SYNC subscribed")
    if hasattr(sys.stdout, "flush"):
        sys.stdout.flush()
    while len(seen) < 3:
        before = len(seen)
        c.wait_msg()
        if len(seen) - before > 1:
            print("TWO AT ONCE")
    c.disconnect()


main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
print("OK")
