"""Where umqtt.simple and umqtt.robust fail: each of these through umqtt_full's modules."""

from __future__ import annotations

from typing import Any

import pytest
from broker_core import HOST
from fake_broker import FakeBroker
from running import HERE, Device, play

SEEN = ("expect", "PUBLISH", {"topic": "t", "qos": 1, "dup": False, "packet_id": "$a"})
ACK = ("send", "PUBACK", {"packet_id": "$a"})
BACK = ("greet", {"session_present": 1}, {"clean_session": False})
MARK = ("PUBLISH", {"topic": "mark"})
THREE = tuple(
    ("PUBLISH", {"topic": "t", "payload": b"%d" % n, "qos": n - 1, "packet_id": n})
    for n in (1, 2, 3)
)
ACKS = (("expect", "PUBACK", {"packet_id": 2}), ("expect", "PUBREC", {"packet_id": 3}))

SCRIPTS: dict[str, tuple[Any, ...]] = {
    "lost_puback_is_raised_in_time": (("greet",), SEEN),
    "cut_before_puback_is_sent_again_with_dup": (
        ("greet",), SEEN, ("cut", "fin"), BACK,
        ("expect", "PUBLISH", {"dup": True, "packet_id": "$a"}), ACK,
    ),
    "cut_before_puback_is_raised": (("greet",), SEEN, ("cut", "fin")),
    "end_of_stream_is_minus_1": (("greet",), ("sync", "cut"), ("cut", "fin")),
    "refusal_is_an_mqtt_exception": tuple(
        step for code in range(1, 6)
        for step in (("greet", {"return_code": code}), ("expect_eof", 1000))
    ),
    "refused_filter_is_an_mqtt_exception": (
        ("greet",), ("expect", "SUBSCRIBE", {"packet_id": "$s"}),
        ("send", "SUBACK", {"packet_id": "$s", "codes": (0x80,)}),
        ("expect", "PUBLISH", {"topic": "end"}),
    ),
    "user_without_a_password": (("greet", {}, {"username": "me", "password": None}),),
    "non_ascii_topic": (
        ("greet",), ("expect", "PUBLISH", {"topic": "温/é", "payload": b"\xc3\xbc"}),
        ("expect", "SUBSCRIBE", {"filters": (("温/#", 0),), "packet_id": "$s"}),
        ("send", "SUBACK", {"packet_id": "$s", "codes": (0,)}),
    ),
    "callback_publishes_at_qos_1": (
        ("greet",), ("expect", "PUBLISH", {"topic": "outer", "packet_id": "$a"}),
        ("send", "PUBLISH", {"topic": "in", "payload": b"x"}),
        ("expect", "PUBLISH", {"topic": "inner", "packet_id": "$b"}),
        ACK, ("send", "PUBACK", {"packet_id": "$b"}),
        ("expect", "PUBLISH", {"topic": "end", "packet_id": "$c"}),
        ("send", "PUBACK", {"packet_id": "$c"}),
    ),
    "one_message_a_call": (("greet",), ("sync", "sent"), ("send_together", *THREE), *ACKS),
    "messages_with_connack_wait_for_wait_msg": (
        ("accept",), ("expect", "CONNECT"), ("send_together", ("CONNACK", {}), *THREE),
        ("sync", "sent"), *ACKS,
    ),
    "ack_outside_its_waiter": (
        ("greet",), ("send_together", ("PUBACK", {"packet_id": 9}),
                     ("SUBACK", {"packet_id": 10, "codes": (0,)}),
                     ("UNSUBACK", {"packet_id": 11}), MARK),
    ),
    "packet_id_wraps": (
        ("greet",), ("expect", "PUBLISH", {"packet_id": 65535}),
        ("send", "PUBACK", {"packet_id": 65535}),
        ("expect", "PUBLISH", {"packet_id": 1}), ("send", "PUBACK", {"packet_id": 1}),
    ),
    "subscribe_without_a_callback": (("greet",),),
    "long_messages_come_whole": (
        ("greet",),
        ("send", "PUBLISH", {"topic": "a", "payload": b"x" * 5000, "qos": 1,
                             "packet_id": 7}),
        ("expect", "PUBACK", {"packet_id": 7}),
        ("send", "PUBLISH", {"topic": "b", "payload": b"y" * 3000, "qos": 2,
                             "packet_id": 8}),
        ("expect", "PUBREC", {"packet_id": 8}), ("send", "PUBREL", {"packet_id": 8}),
        ("expect", "PUBCOMP", {"packet_id": 8}),
        ("send", "PUBLISH", {"topic": "c", "payload": b"z" * 2000}),
        ("send", "PUBLISH", {"topic": "d", "payload": b"short"}), ("expect", "DISCONNECT"),
    ),
    "log_and_delay_are_called": (
        ("greet",), SEEN, ("cut", "rst"), ("accept",), ("cut", "rst"), BACK,
        ("expect", "PUBLISH", {"dup": True, "packet_id": "$a"}), ACK,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS)
def test_weakness(interpreter: str, name: str) -> None:
    """Both sides see what the script and `simple_ops.py` say."""
    broker = FakeBroker(name, SCRIPTS[name])
    script = str(HERE / "device" / "simple_ops.py")
    device = Device(interpreter, script, name, HOST, str(broker.port))
    play(broker, device)
