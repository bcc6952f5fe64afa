# Leaves a will and vanishes.
import sys

from umqtt.simple import MQTTClient


def main(server, port, name):
    c = MQTTClient(name, server, port, keepalive=30)
    c.set_last_will(name + "/status", b"gone", retain=False, qos=1)
    c.connect()
    c.publish(name + "/status", b"here", qos=1)
    c.ping()
    c.sock.close()


main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
print("OK")
