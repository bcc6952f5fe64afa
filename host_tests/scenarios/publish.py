"""PUBLISH from the client: bytes, payloads, the three levels of QoS."""
# fmt: off

ACK = ("send", "PUBACK", {"packet_id": "$a"})
COMPLETE_2 = (
    ("send", "PUBREC", {"packet_id": "$a"}),
    ("expect", "PUBREL", {"packet_id": "$a"}),
    ("send", "PUBCOMP", {"packet_id": "$a"}),
)
LONG = b"0123456789abcdef" * 400

SCENARIOS = (
    {
        "name": "publish_bytes",
        "covers": (
            "MQTT-2.2.2-1", "MQTT-2.3.1-5", "MQTT-3.3.1-2", "MQTT-3.3.1-10", "MQTT-3.3.2-1",
            "MQTT-4.3.1-1",
        ),
        "cases": {
            "plain": {"@args": ("a/b", b"hi"), "@kw": {}, "@hex": "30 07 00 03 61 2f 62 68 69"},
            "retained": {
                "@args": ("a", b"x"), "@kw": {"retain": True}, "@hex": "31 04 00 01 61 78",
            },
            "empty": {"@args": ("a", b""), "@kw": {}, "@hex": "30 03 00 01 61"},
            "clears_retained": {
                "@args": ("a", b""), "@kw": {"retain": True}, "@hex": "31 03 00 01 61",
            },
            "text": {"@args": ("a", "ü€"), "@kw": {}, "@hex": "30 08 00 01 61 c3 bc e2 82 ac"},
            "empty_text": {"@args": ("a", ""), "@kw": {}, "@hex": "30 03 00 01 61"},
            "non_ascii_topic": {
                "@args": ("ü/温", b"x"), "@kw": {},
                "@hex": "30 09 00 06 c3 bc 2f e6 b8 a9 78",
            },
            "emoji_topic": {
                "@args": ("\U0001f600", b"x"), "@kw": {}, "@hex": "30 07 00 04 f0 9f 98 80 78",
            },
            "byte_order_mark_is_kept": {
                "@args": ("\ufeffa", b"x"), "@kw": {}, "@hex": "30 07 00 04 ef bb bf 61 78",
            },
            "slash_topic": {"@args": ("/", b"x"), "@kw": {}, "@hex": "30 04 00 01 2f 78"},
            "dollar_topic": {"@args": ("$x", b"x"), "@kw": {}, "@hex": "30 05 00 02 24 78 78"},
            "bytes_topic": {"@args": (b"a", b"x"), "@kw": {}, "@hex": "30 04 00 01 61 78"},
            "bytearray": {
                "@args": ("a", ("bytearray", b"\0\1")), "@kw": {}, "@hex": "30 05 00 01 61 00 01",
            },
            "memoryview": {
                "@args": ("a", ("memoryview", b"\0\1")), "@kw": {}, "@hex": "30 05 00 01 61 00 01",
            },
        },
        "broker": (("greet",), ("expect_hex", "@hex")),
        "client": (("connect",), ("publish", "@args", "@kw", None)),
    },
    {
        "name": "payload_of_any_kind_at_qos_1_and_2",
        "cases": {
            "str_1": {"@payload": "ü", "@raw": b"\xc3\xbc", "@qos": 1},
            "bytearray_1": {"@payload": ("bytearray", b"\0x"), "@raw": b"\0x", "@qos": 1},
            "memoryview_1": {"@payload": ("memoryview", b"\0x"), "@raw": b"\0x", "@qos": 1},
            "empty_1": {"@payload": b"", "@raw": b"", "@qos": 1},
        },
        "broker": (
            ("greet",),
            ("expect", "PUBLISH", {"qos": "@qos", "payload": "@raw", "packet_id": "$a",
                "dup": False, "retain": True}),
            ("send", "PUBACK", {"packet_id": "$a"}),
        ),
        "client": (
            ("connect",), ("publish", ("a", "@payload"), {"qos": "@qos", "retain": True}, None),
        ),
    },
    {
        "name": "a_long_text_in_a_large_outbox",
        "cases": {
            "16383": {"@text": "x" * 16383, "@raw": b"x" * 16383},
            "16384": {"@text": "x" * 16384, "@raw": b"x" * 16384},
            "20000": {"@text": "xy" * 10000, "@raw": b"xy" * 10000},
            "not_ascii": {"@text": "x" * 16384 + "\xfc", "@raw": b"x" * 16384 + b"\xc3\xbc"},
        },
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"payload": "@raw", "packet_id": "$a"}), ACK,
            ("expect", "PUBLISH", {"payload": "@raw", "qos": 0}),
        ),
        "client": (
            ("new", {"tx_size": 65536}), ("connect",),
            ("publish", ("a", "@text"), {"qos": 1}, None), ("publish", ("a", "@text"), {}, None),
        ),
    },
    {
        "name": "a_text_that_a_long_topic_leaves_no_room_for",
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"topic": "a" * 900, "payload": b"b" * 300}),
            ("expect", "PUBLISH", {"topic": "a" * 900, "payload": b"b" * 300, "packet_id": "$a"}),
            ACK, ("expect", "PUBLISH", {"payload": b"next", "packet_id": "$b"}),
            ("send", "PUBACK", {"packet_id": "$b"}),
        ),
        "client": (
            ("connect",), ("publish", ("a" * 900, "b" * 300), {}, None),
            ("publish", ("a" * 900, "b" * 300), {"qos": 1}, None),
            ("publish", ("a", b"next"), {"qos": 1}, None),
        ),
    },
    {
        "name": "remaining_length_at_its_borders",
        "covers": ("U311-8",),
        "cases": {
            "127": {"@payload": b"x" * 124, "@size": 2 + 127},
            "128": {"@payload": b"x" * 125, "@size": 3 + 128},
            "16383": {"@payload": b"x" * 16380, "@size": 3 + 16383},
            "16384": {"@payload": b"x" * 16381, "@size": 4 + 16384},
        },
        "broker": (("greet",), ("expect", "PUBLISH", {"payload": "@payload"})),
        "client": (("connect",), ("publish", ("a", "@payload"))),
    },
    {
        "name": "remaining_length_of_four_bytes",
        "heap": "16m",
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"payload": ("times", b"x", 2097152)}),
        ),
        "client": (
            ("connect",), ("publish", ("a", ("times", b"x", 2097152)), {"timeout_ms": 20000}),
        ),
    },
    {
        "name": "longest_topic",
        "covers": ("MQTT-4.7.3-3",),
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"topic": "t" * 65535, "payload": b"x"}),
        ),
        "client": (
            ("new", {"tx_size": 70000}), ("connect",), ("publish", ("t" * 65535, b"x")),
        ),
    },
    {
        "name": "longer_than_the_tx_buffer_at_qos_0",
        "broker": (("greet",), ("expect", "PUBLISH", {"payload": LONG, "qos": 0})),
        "client": (("new", {"tx_size": 256}), ("connect",), ("publish", ("a", LONG), {}, None)),
    },
    {
        "name": "longer_than_the_tx_buffer_at_qos_1",
        "broker": (("greet",), ("expect", "PUBLISH", {"payload": LONG, "packet_id": "$a"}), ACK),
        "client": (
            ("new", {"tx_size": 256}), ("connect",), ("publish", ("a", LONG), {"qos": 1}, None),
        ),
    },
    {
        "name": "longer_than_the_tx_buffer_at_qos_2",
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"payload": LONG, "qos": 2, "packet_id": "$a"}),
        ) + COMPLETE_2,
        "client": (
            ("new", {"tx_size": 256}), ("connect",), ("publish", ("a", LONG), {"qos": 2}, None),
        ),
    },
    {
        "name": "qos_0_returns_when_written",
        "broker": (("greet",), ("expect", "PUBLISH", {"qos": 0}), ("expect", "PUBLISH",
            {"qos": 0})),
        "client": (
            ("connect",), ("publish", ("a", b"x"), {}, None),
            ("publish_nowait", ("a", b"x"), {}, 0), ("poll_for", 50),
            ("wait", (0,)), ("pending", (0,), {}, False),
        ),
    },
    {
        "name": "qos_1_returns_at_puback",
        "covers": ("MQTT-2.3.1-1", "MQTT-4.3.2-1"),
        "broker": (
            ("greet",),
            ("expect", "PUBLISH", {"topic": "a", "payload": b"x", "qos": 1, "dup": False,
                "packet_id": "$a"}),
            ("stall", 300),
            ("send", "PUBACK", {"packet_id": "$a"}),
            ("expect_nothing", 100),
        ),
        "client": (
            ("connect",),
            ("not_before_ms", 250, ("publish", ("a", b"x"), {"qos": 1}, None)),
            ("sleep", 200),
        ),
    },
    {
        "name": "qos_2_returns_at_pubcomp",
        "covers": ("MQTT-3.6.1-1", "MQTT-4.3.3-1"),
        "broker": (
            ("greet",),
            ("expect", "PUBLISH", {"qos": 2, "dup": False, "packet_id": "$a"}),
            ("send", "PUBREC", {"packet_id": "$a"}),
            ("expect", "PUBREL", {"packet_id": "$a"}),
            ("stall", 300),
            ("send", "PUBCOMP", {"packet_id": "$a"}),
        ),
        "client": (
            ("connect",), ("not_before_ms", 250, ("publish", ("a", b"x"), {"qos": 2}, None)),
        ),
    },
    {
        "name": "nowait_and_wait",
        "broker": (
            ("greet",),
            ("expect", "PUBLISH", {"qos": 1, "packet_id": "$a"}),
            ("expect", "PUBLISH", {"qos": 2, "packet_id": "$b"}),
            ("send", "PUBREC", {"packet_id": "$b"}),
            ("expect", "PUBREL", {"packet_id": "$b"}),
            ("send", "PUBCOMP", {"packet_id": "$b"}),
            ("sync", "second is done"),
            ("send", "PUBACK", {"packet_id": "$a"}),
        ),
        "client": (
            ("connect",),
            ("let", "$a", ("publish_nowait", ("a", b"x"), {"qos": 1})),
            ("let", "$b", ("publish_nowait", ("a", b"y"), {"qos": 2})),
            ("pending", ("$a",), {}, True),
            ("wait", ("$b",), {}, None),
            ("pending", ("$b",), {}, False),
            ("pending", ("$a",), {}, True),
            ("sync", "second is done"),
            ("wait", ("$a",), {}, None),
            ("wait", ("$a",), {}, None),
            ("pending", ("$a",), {}, False),
        ),
    },
    {
        "name": "wait_ends_in_time_and_the_message_stays_accepted",
        "broker": (
            ("greet",),
            ("expect", "PUBLISH", {"qos": 1, "packet_id": "$a"}),
            ("sync", "timed out"),
            ("send", "PUBACK", {"packet_id": "$a"}),
            ("expect", "PUBLISH", {"payload": b"next", "qos": 0}),
        ),
        "client": (
            ("connect",),
            ("let", "$a", ("publish_nowait", ("a", b"x"), {"qos": 1})),
            ("within_ms", 2000, ("not_before_ms", 250,
                ("raises", "OSError", {"errno": "ETIMEDOUT"}, ("wait", ("$a",),
                    {"timeout_ms": 300})))),
            ("pending", ("$a",), {}, True),
            ("check", "connected", True),
            ("sync", "timed out"),
            ("poll_until_done", "$a"),
            ("publish", ("a", b"next")),
        ),
    },
    {
        "name": "publish_ends_in_time_without_its_ack",
        "cases": {"qos_1": {"@qos": 1}, "qos_2": {"@qos": 2}},
        "broker": (("greet",), ("expect", "PUBLISH", {"qos": "@qos"}), ("expect_nothing", 500)),
        "client": (
            ("connect",),
            ("within_ms", 2000, ("not_before_ms", 250,
                ("raises", "OSError", {"errno": "ETIMEDOUT"},
                    ("publish", ("a", b"x"), {"qos": "@qos", "timeout_ms": 300})))),
            ("check", "connected", True),
            ("poll_for", 400),
        ),
    },
    {
        "name": "qos_2_without_pubcomp_ends_in_time",
        "broker": (
            ("greet",),
            ("expect", "PUBLISH", {"qos": 2, "packet_id": "$a"}),
            ("send", "PUBREC", {"packet_id": "$a"}),
            ("expect", "PUBREL", {"packet_id": "$a"}),
            ("expect_nothing", 300),
        ),
        "client": (
            ("connect",),
            ("raises", "OSError", {"errno": "ETIMEDOUT"},
                ("publish", ("a", b"x"), {"qos": 2, "timeout_ms": 300})),
            ("poll_for", 300),
        ),
    },
    {
        "name": "cut_in_each_phase_is_raised",
        "cases": {
            "fin_before_puback": {"@how": "fin", "@qos": 1},
            "rst_before_puback": {"@how": "rst", "@qos": 1},
            "fin_before_pubrec": {"@how": "fin", "@qos": 2},
            "rst_before_pubrec": {"@how": "rst", "@qos": 2},
        },
        "broker": (("greet",), ("expect", "PUBLISH", {"qos": "@qos"}), ("cut", "@how")),
        "client": (
            ("connect",),
            ("within_ms", 2500, ("raises", ("OSError", "MQTTError"), {},
                ("publish", ("a", b"x"), {"qos": "@qos"}))),
            ("check", "connected", False),
        ),
    },
    {
        "name": "cut_before_pubcomp_is_raised",
        "cases": {"fin": {"@how": "fin"}, "rst": {"@how": "rst"}},
        "broker": (
            ("greet",),
            ("expect", "PUBLISH", {"qos": 2, "packet_id": "$a"}),
            ("send", "PUBREC", {"packet_id": "$a"}),
            ("expect", "PUBREL"),
            ("cut", "@how"),
        ),
        "client": (
            ("connect",),
            ("within_ms", 2500, ("raises", ("OSError", "MQTTError"), {},
                ("publish", ("a", b"x"), {"qos": 2}))),
            ("check", "connected", False),
        ),
    },
    {
        "name": "cut_inside_a_long_publish_is_raised",
        "cases": {
            "fin_qos_1": {"@how": "fin", "@qos": 1}, "rst": {"@how": "rst", "@qos": 0},
            "rst_qos_1": {"@how": "rst", "@qos": 1},
        },
        "broker": (("greet",), ("cut_in", "@how", 5000)),
        "client": (
            ("connect",),
            ("within_ms", 4500, ("raises", ("OSError", "MQTTError"), {},
                ("repeat", 20, ("publish", ("a", ("times", b"x", 300000)), {"qos": "@qos"})))),
            ("check", "connected", False),
        ),
    },
    {
        "name": "broker_that_does_not_read_bounds_a_long_publish",
        "heap": "32m",
        "broker": (("small_buffer",), ("greet",), ("half_open",)),
        "client": (
            ("connect",),
            ("within_ms", 3000, ("raises", "OSError", {"errno": "ETIMEDOUT"},
                ("publish", ("a", ("times", b"x", 9000000)), {"timeout_ms": 500}))),
            ("close",),
        ),
    },
    {
        "name": "one_after_the_other_at_each_qos",
        "broker": (
            ("greet",),
            ("expect", "PUBLISH", {"qos": 2, "packet_id": "$a"}),
        ) + COMPLETE_2 + (
            ("expect", "PUBLISH", {"qos": 1, "packet_id": "$b"}),
            ("send", "PUBACK", {"packet_id": "$b"}),
            ("expect", "PUBLISH", {"qos": 0}),
        ),
        "client": (
            ("connect",),
            ("publish", ("a", b"1"), {"qos": 2}),
            ("publish", ("a", b"2"), {"qos": 1}),
            ("publish", ("a", b"3"), {"qos": 0}),
        ),
    },
)
