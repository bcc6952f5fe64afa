"""Packet ids and the window of messages in flight."""
# fmt: off

SEND = ("publish_nowait", ("a", b"x"), {"qos": 1})
FULL = (("new", {"window": 2}), ("connect",), ("let", "$a", SEND), ("let", "$b", SEND))
SEEN = (
    ("greet",),
    ("expect", "PUBLISH", {"packet_id": "$a"}),
    ("expect", "PUBLISH", {"packet_id": "$b"}),
)
LET_GO = (("send", "PUBACK", {"packet_id": "$a"}), ("send", "PUBACK", {"packet_id": "$b"}))

SCENARIOS = (
    {
        "name": "packet_id_wraps_from_65535_to_1",
        "covers": ("MQTT-2.3.1-1",),
        "broker": (
            ("greet",),
            ("expect", "PUBLISH", {"packet_id": 65535}), ("send", "PUBACK", {"packet_id": 65535}),
            ("expect", "PUBLISH", {"packet_id": 1}), ("send", "PUBACK", {"packet_id": 1}),
            ("expect", "PUBLISH", {"packet_id": 2}), ("send", "PUBACK", {"packet_id": 2}),
        ),
        "client": (
            ("connect",), ("next_id", 65535),
            ("repeat", 3, ("publish", ("a", b"x"), {"qos": 1})),
        ),
    },
    {
        "name": "packet_id_wraps_past_ids_in_flight",
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"packet_id": 65534}),
            ("expect", "PUBLISH", {"packet_id": 65535}), ("expect", "PUBLISH", {"packet_id": 1}),
        ),
        "client": (
            ("connect",), ("next_id", 65534), SEND, SEND, ("next_id", 65534), SEND,
            ("poll_for", 50),
        ),
    },
    {
        "name": "packet_id_wraps_for_subscribe_too",
        "broker": (
            ("greet",),
            ("expect", "SUBSCRIBE", {"packet_id": 65535}),
            ("send", "SUBACK", {"packet_id": 65535, "codes": (0,)}),
            ("expect", "UNSUBSCRIBE", {"packet_id": 1}), ("send", "UNSUBACK", {"packet_id": 1}),
        ),
        "client": (
            ("connect",), ("next_id", 65535),
            ("subscribe", ("a",), {}, 0), ("unsubscribe", ("a",), {}, None),
        ),
    },
    {
        "name": "id_in_flight_is_skipped",
        "covers": ("MQTT-2.3.1-2", "MQTT-2.3.1-3"),
        "cases": {
            "publish": {"@step": SEND, "@seen": ("expect", "PUBLISH", {"packet_id": 8}),
                        "@ack": ("send", "PUBACK", {"packet_id": 8})},
            "publish_qos_2": {
                "@step": ("publish_nowait", ("a", b"y"), {"qos": 2}),
                "@seen": ("expect", "PUBLISH", {"packet_id": 8}),
                "@ack": ("send", "PUBREC", {"packet_id": 8}),
            },
            "subscribe": {
                "@step": ("subscribe", ("s",), {}, 0),
                "@seen": ("expect", "SUBSCRIBE", {"packet_id": 8}),
                "@ack": ("send", "SUBACK", {"packet_id": 8, "codes": (0,)}),
            },
            "unsubscribe": {
                "@step": ("unsubscribe", ("s",)),
                "@seen": ("expect", "UNSUBSCRIBE", {"packet_id": 8}),
                "@ack": ("send", "UNSUBACK", {"packet_id": 8}),
            },
        },
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"packet_id": 7}), "@seen", "@ack",
            ("expect_eof", 5000, ("PUBREL", "DISCONNECT")),
        ),
        "client": (
            ("connect",), ("next_id", 7), SEND,
            ("next_id", 7), "@step", ("poll_for", 100),
        ),
    },
    {
        "name": "id_is_in_use_until_pubcomp",
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"packet_id": 7, "qos": 2}),
            ("send", "PUBREC", {"packet_id": 7}),
            ("expect_all", ("PUBREL", {"packet_id": 7}), ("PUBLISH", {"packet_id": 8})),
            ("send", "PUBACK", {"packet_id": 8}),
            ("send", "PUBCOMP", {"packet_id": 7}), ("sync", "free again"),
            ("expect", "PUBLISH", {"packet_id": 7}), ("send", "PUBACK", {"packet_id": 7}),
        ),
        "client": (
            ("connect",), ("next_id", 7),
            ("raises", "OSError", {"errno": "ETIMEDOUT"},
                ("publish", ("a", b"x"), {"qos": 2, "timeout_ms": 200})),
            ("next_id", 7),
            ("publish", ("a", b"y"), {"qos": 1}),
            ("sync", "free again"), ("poll_for", 50),
            ("next_id", 7),
            ("publish", ("a", b"z"), {"qos": 1}),
        ),
    },
    {
        "name": "id_of_a_lost_suback_is_not_used_again",
        "broker": (
            ("greet",), ("expect", "SUBSCRIBE", {"packet_id": 7}),
            ("expect", "PUBLISH", {"packet_id": 8}), ("send", "PUBACK", {"packet_id": 8}),
        ),
        "client": (
            ("connect",), ("next_id", 7),
            ("raises", "OSError", {"errno": "ETIMEDOUT"}, ("subscribe", ("a",),
                {"timeout_ms": 200})),
            ("next_id", 7),
            ("publish", ("a", b"y"), {"qos": 1}),
        ),
    },
    {
        "name": "window_holds_back_what_does_not_fit",
        "broker": SEEN + (
            ("expect_nothing", 200),
            ("send", "PUBACK", {"packet_id": "$a"}),
            ("expect", "PUBLISH", {"packet_id": "$c", "payload": b"third"}),
            ("send", "PUBACK", {"packet_id": "$c"}),
        ),
        "client": FULL + (
            ("let", "$c", ("publish_nowait", ("a", b"third"), {"qos": 1})),
            ("pending", ("$c",), {}, True),
            ("wait", ("$c",)),
            ("pending", ("$a",), {}, False),
            ("pending", ("$b",), {}, True),
        ),
    },
    {
        "name": "window_of_one_keeps_order",
        "broker": (
            ("greet",),
            ("expect", "PUBLISH", {"payload": b"1", "packet_id": "$a"}),
            ("send", "PUBACK", {"packet_id": "$a"}),
            ("expect", "PUBLISH", {"payload": b"2", "packet_id": "$b"}),
            ("send", "PUBREC", {"packet_id": "$b"}),
            ("expect", "PUBREL", {"packet_id": "$b"}),
            ("expect_nothing", 100),
            ("send", "PUBCOMP", {"packet_id": "$b"}),
            ("expect", "PUBLISH", {"payload": b"3", "packet_id": "$c"}),
            ("send", "PUBACK", {"packet_id": "$c"}),
        ),
        "client": (
            ("new", {"window": 1}), ("connect",),
            ("publish_nowait", ("a", b"1"), {"qos": 1}),
            ("publish_nowait", ("a", b"2"), {"qos": 2}),
            ("let", "$c", ("publish_nowait", ("a", b"3"), {"qos": 1})),
            ("wait", ("$c",)),
        ),
    },
    {
        "name": "full_window_ends_publish_in_time",
        "broker": SEEN + (
            ("meet", "timed out"), ("expect_nothing", 20), ("let_go", "timed out"),
        ) + LET_GO + (
            ("expect", "PUBLISH", {"payload": b"y"}),  # it stays accepted
            ("send", "PUBLISH", {"topic": "last"}),
        ),
        "client": FULL + (
            ("within_ms", 2000, ("not_before_ms", 250,
                ("raises", ("OSError", "LimitError"), {},
                    ("publish", ("a", b"y"), {"qos": 1, "timeout_ms": 300})))),
            ("check", "connected", True), ("sync", "timed out"), ("poll_until", 1), ("close",),
        ),
    },
    {
        "name": "full_window_still_subscribes",
        "broker": SEEN + (
            ("expect", "SUBSCRIBE", {"packet_id": "$s"}),
            ("send", "SUBACK", {"packet_id": "$s", "codes": (0,)}),
            ("expect", "UNSUBSCRIBE", {"packet_id": "$u"}),
            ("send", "UNSUBACK", {"packet_id": "$u"}),
        ) + LET_GO,
        "client": FULL + (
            ("subscribe", ("s",), {}, 0), ("unsubscribe", ("s",)),
            ("wait", ("$a",)), ("wait", ("$b",)),
        ),
    },
    {
        "name": "full_window_still_acknowledges",
        "broker": SEEN + (
            ("send", "PUBLISH", {"topic": "i", "qos": 1, "packet_id": 5}),
            ("expect", "PUBACK", {"packet_id": 5}),
            ("send", "PUBLISH", {"topic": "i", "qos": 2, "packet_id": 6}),
            ("expect", "PUBREC", {"packet_id": 6}),
            ("send", "PUBREL", {"packet_id": 6}),
            ("expect", "PUBCOMP", {"packet_id": 6}),
        ) + LET_GO,
        "client": FULL + (
            ("poll_until", 2), ("wait", ("$a",)), ("wait", ("$b",)),
        ),
    },
    {
        "name": "full_window_still_pings",
        "broker": SEEN + (("expect", "PINGREQ", {}, 1800), ("send", "PINGRESP")) + LET_GO,
        "client": (
            ("new", {"window": 2, "keep_alive": 1, "ping_timeout_ms": 3000}),
        ) + FULL[1:] + (
            ("wait", ("$a",)), ("wait", ("$b",)),
        ),
    },
    {
        "name": "full_window_still_sends_qos_0",
        "broker": SEEN + (("expect", "PUBLISH", {"qos": 0}),) + LET_GO,
        "client": FULL + (
            ("publish", ("a", b"0"), {}, None), ("wait", ("$a",)), ("wait", ("$b",)),
        ),
    },
    {
        "name": "full_window_still_disconnects",
        "broker": SEEN + (("expect", "DISCONNECT"), ("expect_eof", 1000)),
        "client": FULL + (("disconnect",), ("check", "connected", False)),
    },
    {
        "name": "full_buffer_is_a_limit_error_or_a_timeout",
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"packet_id": "$a"}), ("expect_nothing", 500),
        ),
        "client": (
            ("new", {"tx_size": 128, "timeout_ms": 400}), ("connect",),
            ("publish_nowait", ("a", b"x" * 80), {"qos": 1}),
            ("within_ms", 2000, ("raises", ("LimitError", "OSError"), {},
                ("publish", ("a", b"y" * 80), {"qos": 1, "timeout_ms": 300}))),
            ("raises", "LimitError", {}, ("publish_nowait", ("a", b"y" * 80), {"qos": 1})),
            ("check", "connected", True),
            ("poll_for", 100),
        ),
    },
    {
        "name": "buffer_is_used_again_when_acknowledged",
        "broker": (("greet",), ("sync", "go"), ("expect", "PUBLISH", {"packet_id": "$a"}),
            ("send", "PUBACK", {"packet_id": "$a"}),
            ("expect", "PUBLISH", {"packet_id": "$b"}), ("send", "PUBACK", {"packet_id": "$b"}),
            ("expect", "PUBLISH", {"packet_id": "$c"}), ("send", "PUBACK", {"packet_id": "$c"}),
        ),
        "client": (
            ("new", {"tx_size": 128}), ("connect",), ("sync", "go"),
            ("publish", ("a", b"1" * 80), {"qos": 1}),
            ("publish", ("a", b"2" * 70), {"qos": 1}),
            ("publish", ("a", b"3" * 90), {"qos": 1}),
        ),
    },
    {
        "name": "sixteen_in_flight_by_default",
        "broker": (("greet",),) + (("expect", "PUBLISH", {"qos": 1}),) * 16 + (
            ("expect_nothing", 100), ("sync", "quiet"),
        ),
        "client": (
            ("new", {"tx_size": 4096}), ("connect",), ("repeat", 20, SEND), ("poll_for", 200),
            ("sync", "quiet"),
        ),
    },
)
