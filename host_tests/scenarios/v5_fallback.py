"""MQTT 5.0: a broker that has 3.1.1 alone."""
# fmt: off

VERSION = 5
END = ("expect", "PUBLISH", {"topic": "end"})
SAY_END = ("publish", ("end", b""))
REFUSALS = {
    "0x84": {"@step": ("send", "CONNACK", {"reason_code": 0x84})},
    "of_3_1_1": {"@step": ("send_hex", "20 02 00 01")},
}

SCENARIOS = (
    {
        "name": "goes_on_with_3_1_1",
        "covers": ("MQTT-3.1.2-2",),
        "cases": REFUSALS,
        "broker": (
            ("accept",), ("expect", "CONNECT", {"keep_alive": 60}), "@step", ("expect_eof", 1000),
            ("speak", 4),
            ("greet", {}, {"client_id": "dev", "clean_session": False, "username": "u",
                "password": b"p", "will": ("w", b"m", 1, False)}),
            ("expect", "SUBSCRIBE", {"filters": (("f", 1),), "packet_id": "$s"}),
            ("send", "SUBACK", {"packet_id": "$s", "codes": (1,)}),
            ("expect_delivery", {"topic": "a", "qos": 1}),
            ("expect_delivery", {"topic": "a", "qos": 2}),
            ("send", "PUBLISH", {"topic": "f", "payload": b"x", "qos": 1, "packet_id": 9}),
            ("expect", "PUBACK", {"packet_id": 9}), END,
        ),
        "client": (
            ("new", {"fallback": True, "username": "u", "password": "p",
                     "will": ("w", b"m", 1)}),
            ("on", "f", 1), ("connect", (), {}, False), ("publish", ("a", b""), {"qos": 1}),
            ("publish", ("a", b""), {"qos": 2}), ("poll_until", 1),
            ("handled", [("f", "f", b"x")]), ("poll_for", 50), SAY_END,
        ),
    },
    {
        "name": "does_not_unless_asked_for",
        "cases": REFUSALS,
        "broker": (
            ("accept",), ("expect", "CONNECT"), "@step", ("expect_eof", 1000), ("no_accept", 200),
        ),
        "client": (
            ("raises", "ReasonError", {"reason_code": 0x84}, ("connect",)), ("sleep", 150),
        ),
    },
    {
        "name": "another_refusal_is_told",
        "cases": {"85": {"@code": 0x85}, "87": {"@code": 0x87}, "88": {"@code": 0x88}},
        "broker": (
            ("accept",), ("expect", "CONNECT"), ("send", "CONNACK", {"reason_code": "@code"}),
            ("expect_eof", 1000), ("no_accept", 200),
        ),
        "client": (
            ("new", {"fallback": True}),
            ("raises", "ReasonError", {"reason_code": "@code"}, ("connect",)), ("sleep", 150),
        ),
    },
    {
        "name": "stays_with_3_1_1_at_a_reconnect",
        "broker": (
            ("accept",), ("expect", "CONNECT"), ("send", "CONNACK", {"reason_code": 0x84}),
            ("expect_eof", 1000), ("speak", 4), ("greet",), ("expect", "PUBLISH",
                {"packet_id": "$a"}), ("cut", "rst"),
            ("greet", {"session_present": 1}),
            ("expect_delivery", {"packet_id": "$a", "dup": True}), END,
        ),
        "client": (
            ("new", {"fallback": True}), ("connect",),
            ("let", "$a", ("publish_nowait", ("a", b"x"), {"qos": 1})),
            ("raises", ("OSError", "MQTTError"), {}, ("poll_for", 3000)),
            ("connect", (), {}, True), ("wait", ("$a",)), SAY_END,
        ),
    },
    {
        "name": "what_waited_goes_out_in_3_1_1",
        "broker": (
            ("accept",), ("expect", "CONNECT"), ("send", "CONNACK", {"reason_code": 0x84}),
            ("expect_eof", 1000), ("speak", 4), ("greet",),
            ("expect_delivery", {"topic": "a", "payload": b"1", "qos": 1}),
            ("expect_delivery", {"topic": "a", "payload": b"2", "qos": 1}), END,
        ),
        "client": (
            ("new", {"fallback": True, "reconnect": True, "window": 1}),
            ("publish_nowait", ("a", b"1"), {"qos": 1}),
            ("let", "$b", ("publish_nowait", ("a", b"2"), {"qos": 1})),
            ("connect",), ("wait", ("$b",)), SAY_END,
        ),
    },
)
