"""MQTT 5.0: a broker that has 3.1.1 alone."""
# fmt: off

VERSION = 5
END = ("expect", "PUBLISH", {"topic": "end"})
SAY_END = ("publish", ("end", b""))
LOST = ("raises", ("OSError", "MQTTError"), {}, ("poll_for", 3000))
NOT_ANSWERED = ("raises", ("OSError", "MQTTError"), {}, ("connect",))
CLOSED = ("steps", (("accept",), ("expect", "CONNECT"), ("cut", "fin")))
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
    {
        "name": "closing_is_no_refusal_where_a_session_of_5_was",
        "broker": (
            ("greet",), ("sync", "up"), ("cut", "rst"), CLOSED, CLOSED, CLOSED,
            ("greet", {"session_present": 1}), END,
        ),
        "client": (
            ("new", {"fallback": True}), ("connect",), ("sync", "up"), LOST, NOT_ANSWERED,
            NOT_ANSWERED, NOT_ANSWERED, ("connect", (), {}, True), SAY_END,
        ),
    },
    {
        "name": "closing_is_no_refusal_where_5_was_refused_for_another_reason",
        "broker": (
            ("accept",), ("expect", "CONNECT"), ("send", "CONNACK", {"reason_code": 0x88}),
            ("expect_eof", 1000), CLOSED, CLOSED, CLOSED, ("greet",), END,
        ),
        "client": (
            ("new", {"fallback": True}),
            ("raises", "ReasonError", {"reason_code": 0x88}, ("connect",)), NOT_ANSWERED,
            NOT_ANSWERED, NOT_ANSWERED, ("connect",), SAY_END,
        ),
    },
    {
        "name": "refusal_after_a_closing_is_one",
        "cases": REFUSALS,
        "broker": (
            ("accept",), ("expect", "CONNECT"), ("cut", "fin"),
            ("accept",), ("expect", "CONNECT"), "@step", ("expect_eof", 1000),
            ("speak", 4), ("greet",), END,
        ),
        "client": (("new", {"fallback": True}), ("connect",), SAY_END),
    },
    {
        "name": "what_is_under_way_goes_on_in_3_1_1",
        "cases": REFUSALS,
        "broker": (
            ("greet",), ("send", "PUBLISH", {"topic": "in", "qos": 2, "packet_id": 9}),
            ("expect", "PUBREC", {"packet_id": 9}),
            ("expect", "PUBLISH", {"topic": "a", "qos": 2, "packet_id": "$a"}),
            ("expect", "PUBLISH", {"topic": "b", "qos": 2, "packet_id": "$b"}),
            ("expect", "PUBLISH", {"topic": "c", "qos": 1, "packet_id": "$c"}),
            ("send", "PUBREC", {"packet_id": "$a"}), ("expect", "PUBREL", {"packet_id": "$a"}),
            ("cut", "rst"),
            ("accept",), ("expect", "CONNECT"), "@step", ("expect_eof", 1000),
            ("speak", 4), ("greet", {"session_present": 1}),
            ("expect", "PUBREL", {"packet_id": "$a"}),
            ("expect", "PUBLISH", {"topic": "b", "qos": 2, "packet_id": "$b", "dup": True}),
            ("expect", "PUBLISH", {"topic": "c", "qos": 1, "packet_id": "$c", "dup": True}),
            ("send", "PUBLISH", {"topic": "in", "qos": 2, "packet_id": 9, "dup": True}),
            ("expect", "PUBREC", {"packet_id": 9}), ("send", "PUBREL", {"packet_id": 9}),
            ("expect", "PUBCOMP", {"packet_id": 9}), ("send", "PUBCOMP", {"packet_id": "$a"}),
            ("send", "PUBREC", {"packet_id": "$b"}), ("expect", "PUBREL", {"packet_id": "$b"}),
            ("send", "PUBCOMP", {"packet_id": "$b"}), ("send", "PUBACK", {"packet_id": "$c"}),
            END,
        ),
        "client": (
            ("new", {"fallback": True}), ("connect",), ("poll_until", 1),
            ("let", "$a", ("publish_nowait", ("a", b""), {"qos": 2})),
            ("let", "$b", ("publish_nowait", ("b", b""), {"qos": 2})),
            ("let", "$c", ("publish_nowait", ("c", b""), {"qos": 1})), LOST,
            ("pending", ("$a",), {}, True), ("connect", (), {}, True),
            ("wait", ("$a",)), ("wait", ("$b",)), ("wait", ("$c",)),
            ("messages", [("in",)]), SAY_END,
        ),
    },
)
