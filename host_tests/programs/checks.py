# Looks for messages with check_msg() between other work.
import sys
import time

from umqtt.simple import MQTTClient

seen = []


def sub_cb(topic, msg):
    seen.append(msg)
    print("SEEN", topic.decode(), msg.decode())


def main(server, port, name):
    c = MQTTClient(name, server, port)
    c.set_callback(sub_cb)
    c.connect()
    c.subscribe(name + "/in")
    print("SYNC subscribed")
    if hasattr(sys.stdout, "flush"):
        sys.stdout.flush()
    for _ in range(400):
        before = len(seen)
        c.check_msg()
        if len(seen) - before > 1:
            print("TWO AT ONCE")
        if len(seen) == 3:
            break
        time.sleep(0.02)
    c.disconnect()


main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
print("OK" if len(seen) == 3 else "LATE")
