"""What umqtt.simple and umqtt.robust get wrong, done by umqtt_full's modules of that name.

    simple_ops.py NAME HOST PORT

The broker's side is in `test_simple_weaknesses.py`.
"""

import sys

from umqtt_full import robust, simple
from umqtt_full.net import ticks_ms
from umqtt_full.robust import MQTTClient as Robust
from umqtt_full.simple import MQTTClient, MQTTException

seen = []


def check(true, what):
    """Raise unless it is true."""
    if not true:
        raise AssertionError(what)


def heard(topic, msg):
    """A callback."""
    seen.append((topic, msg))


def connected(host, port, kind=MQTTClient, clean=True, timeout=None, **options):
    """A client with a callback."""
    client = kind("c", host, port, **options)
    client.set_callback(heard)
    client.connect(clean, timeout)
    return client


def raised(call, *args):
    """What a call raises, and how many ms it took."""
    start = ticks_ms()
    try:
        call(*args)
    except Exception as error:
        return error, ticks_ms() - start
    return None, ticks_ms() - start


class Quick(Robust):
    """Does not wait long."""

    def delay(self, i):
        """Hardly."""


def run_lost_puback_is_raised_in_time(host, port):
    """simple: no hang."""
    client = connected(host, port, timeout=0.4)
    error, took = raised(client.publish, "t", b"x", False, 1)
    check(isinstance(error, OSError) and took < 2000, "%r after %d ms" % (error, took))
    client.disconnect()


def run_cut_before_puback_is_sent_again_with_dup(host, port):
    """robust: no hang, no other id, DUP."""
    client = connected(host, port, Quick, clean=False)
    client.publish("t", b"x", qos=1)
    client.disconnect()


def run_cut_before_puback_is_raised(host, port):
    """simple: no hang."""
    client = connected(host, port)
    error, took = raised(client.publish, "t", b"x", False, 1)
    check(isinstance(error, OSError) and took < 2000, "%r after %d ms" % (error, took))


def run_end_of_stream_is_minus_1(host, port):
    """wait_msg and check_msg raise OSError(-1)."""
    client = connected(host, port)
    print("SYNC cut")
    flush()
    sys.stdin.readline()
    error, _ = raised(client.wait_msg)
    check(isinstance(error, OSError) and error.args[0] == -1, repr(error))


def run_refusal_is_an_mqtt_exception(host, port):
    """With CONNACK's code."""
    for code in range(1, 6):
        error, _ = raised(connected, host, port)
        check(isinstance(error, MQTTException) and error.args[0] == code, repr(error))


def run_refused_filter_is_an_mqtt_exception(host, port):
    """With SUBACK's code."""
    client = connected(host, port)
    error, _ = raised(client.subscribe, "t", 1)
    check(isinstance(error, MQTTException) and error.args[0] == 0x80, repr(error))
    client.publish("end", b"")
    client.disconnect()


def run_user_without_a_password(host, port):
    """No TypeError."""
    connected(host, port, user="me").disconnect()


def run_non_ascii_topic(host, port):
    """Measured in bytes."""
    client = connected(host, port)
    client.publish("\u6e29/\xe9", "\xfc")
    client.subscribe("\u6e29/#")
    client.disconnect()


def run_callback_publishes_at_qos_1(host, port):
    """The outer PUBACK is not eaten."""
    client = connected(host, port, timeout=2)
    client.set_callback(lambda topic, msg: client.publish("inner", msg, qos=1))
    client.publish("outer", b"1", qos=1)
    client.publish("end", b"", qos=1)
    client.disconnect()


def run_one_message_a_call(host, port):
    """Three in one segment: three calls."""
    client = connected(host, port)
    print("SYNC sent")
    flush()
    sys.stdin.readline()
    for count in range(1, 4):
        client.wait_msg()
        check(len(seen) == count, "%d messages after %d calls" % (len(seen), count))
    check(client.check_msg() is None, "something else came")
    check([m for _, m in seen] == [b"1", b"2", b"3"], seen)
    client.disconnect()


run_messages_with_connack_wait_for_wait_msg = run_one_message_a_call


def run_ack_outside_its_waiter(host, port):
    """The stream stays in step."""
    client = connected(host, port)
    while not seen:
        client.wait_msg()
    client.disconnect()


def run_packet_id_wraps(host, port):
    """After 65535 comes 1."""
    client = connected(host, port)
    client._client.session.ids.next = 65535
    for _ in range(2):
        client.publish("t", b"x", qos=1)
    check(client.pid == 1, client.pid)
    client.disconnect()


def run_subscribe_without_a_callback(host, port):
    """An assertion, as in umqtt.simple."""
    client = MQTTClient("c", host, port)
    client.connect()
    error, _ = raised(client.subscribe, "t")
    check(isinstance(error, AssertionError), repr(error))
    client.disconnect()


def run_long_messages_come_whole(host, port):
    """What is longer than our buffer is handed over like any other message; errors come out."""
    client = connected(host, port)
    for topic, msg in ((b"a", b"x" * 5000), (b"b", b"y" * 3000)):
        seen.clear()
        while not seen:
            client.wait_msg()
        check(seen == [(topic, msg)], repr(seen)[:60])
    while client.check_msg() != 0x62:  # PUBREL
        pass

    def fails(topic, msg):
        raise ValueError(topic)

    client.set_callback(fails)
    error, _ = raised(client.wait_msg)
    check(isinstance(error, ValueError) and error.args == (b"c",), repr(error))
    client.set_callback(heard)
    seen.clear()
    while not seen:
        client.wait_msg()
    check(seen == [(b"d", b"short")], repr(seen)[:60])
    client.disconnect()


def run_log_and_delay_are_called(host, port):
    """Overridden, they are told of each failure and each attempt."""
    told = []

    class Telling(Robust):
        def delay(self, i):
            told.append(("delay", i))

        def log(self, in_reconnect, e):
            told.append(("log", in_reconnect))

    client = connected(host, port, Telling, clean=False)
    client.publish("t", b"x", qos=1)
    check(told[0] == ("log", False), told)
    check(("log", True) in told and ("delay", 1) in told, told)
    client.disconnect()


def flush():
    """Let the other side see what was printed."""
    if hasattr(sys.stdout, "flush"):
        sys.stdout.flush()


if __name__ == "__main__":
    check(simple.MQTTClient is not robust.MQTTClient, "one class")
    globals()["run_" + sys.argv[1]](sys.argv[2], int(sys.argv[3]))
    print("OK")
