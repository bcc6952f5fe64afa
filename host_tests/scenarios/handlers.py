"""Which handler gets a message, and what a handler may do."""
# fmt: off

SUB = ("expect", "SUBSCRIBE", {"packet_id": "$s"})
SUBACK = ("send", "SUBACK", {"packet_id": "$s", "codes": (0,)})
GREET_ON = (("greet",), SUB, SUBACK)
MARK = ("send", "PUBLISH", {"topic": "mark", "payload": b""})
IN_1 = ("send", "PUBLISH", {"topic": "in", "payload": b"x", "qos": 1, "packet_id": 7})
OUT_IN = ("expect", "PUBACK", {"packet_id": 7})

SCENARIOS = (
    {
        "name": "filter_matches_topic",
        "covers": ("MQTT-4.7.2-1", "MQTT-4.7.3-4"),
        "cases": {
            "same": {"@f": "a/b", "@t": "a/b"},
            "plus": {"@f": "a/+/c", "@t": "a/b/c"},
            "plus_empty_level": {"@f": "a/+", "@t": "a/"},
            "plus_first": {"@f": "+/b", "@t": "a/b"},
            "plus_only": {"@f": "+", "@t": "a"},
            "plus_plus": {"@f": "+/+", "@t": "/a"},
            "hash": {"@f": "#", "@t": "a/b/c"},
            "hash_below": {"@f": "a/#", "@t": "a/b/c"},
            "hash_parent": {"@f": "a/#", "@t": "a"},
            "plus_hash": {"@f": "+/b/#", "@t": "a/b/c/d"},
            "dollar": {"@f": "$SYS/#", "@t": "$SYS/x"},
            "dollar_plus": {"@f": "$SYS/+", "@t": "$SYS/x"},
            "non_ascii": {"@f": "ü/+", "@t": "ü/温"},
            "slash": {"@f": "/", "@t": "/"},
        },
        "broker": GREET_ON + (("send", "PUBLISH", {"topic": "@t", "payload": b"x"}),),
        "client": (
            ("on", "@f"), ("connect",), ("poll_until", 1), ("handled", [("@f", "@t", b"x")]),
        ),
    },
    {
        "name": "filter_does_not_match_topic",
        "covers": ("MQTT-4.7.2-1", "MQTT-4.7.3-4"),
        "cases": {
            "case": {"@f": "a/b", "@t": "a/B"},
            "longer": {"@f": "a/b", "@t": "a/b/"},
            "shorter": {"@f": "a/b/", "@t": "a/b"},
            "prefix": {"@f": "a/b", "@t": "a/bc"},
            "plus_one_level": {"@f": "a/+", "@t": "a/b/c"},
            "plus_needs_a_level": {"@f": "a/+", "@t": "a"},
            "plus_is_not_two": {"@f": "+", "@t": "/a"},
            "hash_other": {"@f": "a/#", "@t": "ab"},
            "hash_dollar": {"@f": "#", "@t": "$SYS/x"},
            "plus_dollar": {"@f": "+/x", "@t": "$SYS/x"},
            "double_slash": {"@f": "a/b", "@t": "a//b"},
            "normal_form": {"@f": "\xe9", "@t": "e\u0301"},
        },
        "broker": GREET_ON + (("send", "PUBLISH", {"topic": "@t", "payload": b"x"}),),
        "client": (
            ("on", "@f"), ("connect",), ("poll_until", 1), ("handled", [(None, "@t", b"x")]),
        ),
    },
    {
        "name": "overlapping_filters_each_get_the_message",
        "broker": (
            ("greet",),
            ("expect_subscriptions", (("a/+", 0), ("a/#", 1), ("a/b", 2))),
            ("send", "PUBLISH", {"topic": "a/b", "payload": b"x"}), MARK,
        ),
        "client": (
            ("on", "a/+", 0), ("on", "a/#", 1), ("on", "a/b", 2), ("connect",),
            ("poll_until", 4),
            ("handled", [("a/+", "a/b"), ("a/#", "a/b"), ("a/b", "a/b"), (None, "mark")]),
        ),
    },
    {
        "name": "decorator_registers",
        "broker": (("greet",), ("expect", "SUBSCRIBE", {"filters": (("a", 1),),
            "packet_id": "$s"}),
            ("send", "SUBACK", {"packet_id": "$s", "codes": (1,)}),
            ("send", "PUBLISH", {"topic": "a"})),
        "client": (
            ("on", "a", 1, {"decorator": True}), ("connect",), ("poll_until", 1),
            ("handled", [("a", "a")]),
        ),
    },
    {
        "name": "on_while_connected_subscribes",
        "broker": (
            ("greet",), ("sync", "connected"),
            ("expect", "SUBSCRIBE", {"filters": (("a", 1),), "packet_id": "$s"}),
            ("send", "SUBACK", {"packet_id": "$s", "codes": (1,)}),
            ("send", "PUBLISH", {"topic": "a"}),
        ),
        "client": (
            ("connect",), ("sync", "connected"), ("on", "a", 1), ("poll_until", 1),
            ("handled", [("a", "a")]),
        ),
    },
    {
        "name": "unmatched_message_is_acknowledged",
        "covers": ("MQTT-3.3.2-3", "MQTT-4.5.0-2", "U311-6"),
        "cases": {
            "qos_1": {"@qos": 1, "@ack": "PUBACK"}, "qos_2": {"@qos": 2, "@ack": "PUBREC"},
        },
        "broker": (
            ("greet",),
            ("send", "PUBLISH", {"topic": "nobody", "qos": "@qos", "packet_id": 7}),
            ("expect", "@ack", {"packet_id": 7}),
            ("send", "PUBLISH", {"topic": "nobody"}),
            ("expect", "PUBLISH", {"topic": "end"}),
        ),
        "client": (
            ("on_message", None), ("connect",), ("poll_for", 200), ("messages", []),
            ("publish", ("end", b"")),
        ),
    },
    {
        "name": "handler_that_raises_does_not_end_the_link",
        "covers": ("MQTT-4.5.0-2",),
        "cases": {
            "ValueError": {"@error": "ValueError"}, "OSError": {"@error": "OSError"},
            "KeyError": {"@error": "KeyError"}, "MQTTError": {"@error": "MQTTError"},
            "ProtocolError": {"@error": "ProtocolError"},
        },
        "broker": (
            ("greet",), SUB, SUBACK, ("sync", "ready"), IN_1, OUT_IN, MARK,
            ("expect", "PUBLISH", {"topic": "end"}),
        ),
        "client": (
            ("on", "in", 0, {"do": (("raise", "@error"),)}), ("connect",),
            ("poll_for", 50), ("events", [("connect", False)]), ("sync", "ready"),
            ("poll_until", 2), ("handled", [("in", "in"), (None, "mark")]),
            ("events", [("error", "@error")]),
            ("check", "connected", True), ("publish", ("end", b"")),
        ),
    },
    {
        "name": "handler_that_raises_at_qos_2_is_called_once",
        "broker": (
            ("greet",), ("sync", "ready"),
            ("send", "PUBLISH", {"topic": "in", "qos": 2, "packet_id": 7}),
            ("expect", "PUBREC", {"packet_id": 7}),
            ("send", "PUBLISH", {"topic": "in", "qos": 2, "packet_id": 7, "dup": 1}),
            ("expect", "PUBREC", {"packet_id": 7}),
            ("send", "PUBREL", {"packet_id": 7}), ("expect", "PUBCOMP", {"packet_id": 7}), MARK,
        ),
        "client": (
            ("on_message", {"do": (("raise", "ValueError"),)}), ("connect",), ("sync", "ready"),
            ("poll_until", 2), ("messages", [("in",), ("mark",)]),
            ("events", [("connect", False), ("error", "ValueError"), ("error", "ValueError")]),
        ),
    },
    {
        "name": "handler_publishes",
        "cases": {"qos_0": {"@qos": 0}, "qos_1": {"@qos": 1}, "qos_2": {"@qos": 2}},
        "broker": (
            ("greet",), IN_1,
            ("expect_all", ("PUBACK", {"packet_id": 7}),
                ("PUBLISH", {"topic": "out", "payload": b"y", "qos": "@qos", "dup": False})),
        ),
        "client": (
            ("on_message", {"do": (
                ("within_ms", 500, ("publish", ("out", b"y"), {"qos": "@qos"})),
            )}),
            ("connect",), ("poll_until", 1), ("poll_for", 100),
        ),
    },
    {
        "name": "handler_publishes_while_publish_waits",
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"topic": "outer", "packet_id": "$a"}),
            IN_1,
            ("expect_all", ("PUBACK", {"packet_id": 7}),
                ("PUBLISH", {"topic": "inner", "packet_id": "$b"})),
            ("send", "PUBACK", {"packet_id": "$a"}),
            ("send", "PUBACK", {"packet_id": "$b"}),
        ),
        "client": (
            ("on_message", {"do": (("publish", ("inner", b""), {"qos": 1}),)}),
            ("connect",), ("publish", ("outer", b""), {"qos": 1}, None), ("poll_for", 100),
        ),
    },
    {
        "name": "handler_called_with_connack_may_subscribe_and_publish",
        "broker": (
            ("accept",), ("expect", "CONNECT"),
            ("send_together", ("CONNACK", {}), ("PUBLISH", {"topic": "in"})),
            ("expect_all", ("PUBLISH", {"topic": "out"}),
                ("SUBSCRIBE", {"filters": (("new", 1),), "packet_id": "$s"})),
            ("send", "SUBACK", {"packet_id": "$s", "codes": (1,)}),
        ),
        "client": (
            ("on_message", {"do": (
                ("check", "connected", True), ("subscribe", ("new", 1)), ("publish", ("out", b"")),
            )}),
            ("connect",), ("poll_for", 100), ("events", [("connect", False)]),
        ),
    },
    {
        "name": "handler_subscribes",
        "broker": (
            ("greet",), ("sync", "ready"), IN_1,
            ("expect_all", ("PUBACK", {"packet_id": 7}),
                ("SUBSCRIBE", {"filters": (("new", 1),), "packet_id": "$s"})),
            ("send", "SUBACK", {"packet_id": "$s", "codes": (1,)}),
            MARK,
        ),
        "client": (
            ("on_message", {"do": (
                ("message_is", "in", ("within_ms", 500, ("subscribe", ("new", 1)))),
            )}),
            ("connect",), ("sync", "ready"), ("poll_until", 2),
        ),
    },
    {
        "name": "handler_disconnects",
        "broker": (
            ("greet",), ("sync", "ready"), ("send", "PUBLISH", {"topic": "in"}),
            ("expect", "DISCONNECT"), ("expect_eof", 1000),
        ),
        "client": (
            ("on_message", {"do": (("disconnect",),)}), ("connect",), ("sync", "ready"),
            ("poll_until", 1), ("sleep", 50),
            ("check", "connected", False),
        ),
    },
    {
        "name": "message_methods",
        "broker": (("greet",), ("send", "PUBLISH", {"topic": "a/b", "payload": b"-42"})),
        "client": (
            ("on_message", {"do": (
                ("message", "topic_is", ("a/b",), True),
                ("message", "topic_is", (b"a/b",), True),
                ("message", "topic_is", ("a/bc",), False),
                ("message", "topic_is", ("a",), False),
                ("message", "payload_is", (b"-42",), True),
                ("message", "payload_is", ("-42",), True),
                ("message", "payload_is", (b"-4",), False),
                ("message", "payload_is", (b"-421",), False),
                ("message", "payload_int", (), -42),
                ("message", "packet_id", None, 0),
                ("message", "offset", None, 0),
                ("message", "total", None, 3),
                ("copy_into", 3, b"-42"),
                ("copy_into", 10, b"-42"),
                ("raises", "ValueError", {}, ("copy_into", 2, b"")),
            )}),
            ("connect",), ("poll_until", 1), ("events", [("connect", False)]),
        ),
    },
    {
        "name": "payload_that_is_no_integer_is_a_value_error",
        "cases": {
            "empty": {"@payload": b""}, "letters": {"@payload": b"on"},
                "minus": {"@payload": b"-"},
            "float": {"@payload": b"1.5"}, "non_ascii": {"@payload": b"\xb2"},
        },
        "broker": (("greet",), ("send", "PUBLISH", {"topic": "a", "payload": "@payload"})),
        "client": (
            ("on_message", {"do": (("raises", "ValueError", {}, ("message", "payload_int",
                ())),)}),
            ("connect",), ("poll_until", 1),
        ),
    },
)
