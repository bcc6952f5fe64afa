# A node that says hello and sends a reading, in the style of umqtt.simple's examples.
import sys

from umqtt.simple import MQTTClient


def main(server, port, name):
    c = MQTTClient(name, server, port=port)
    c.connect()
    c.publish(name + "/hello", b"hello")
    c.publish(bytes(name, "utf-8") + b"/reading", b"21.5", retain=True)
    c.publish(name + "/sure", b"at least once", qos=1)
    c.publish(name + "/once", b"exactly once", qos=2)
    c.disconnect()


main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
print("OK")
