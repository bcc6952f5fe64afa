"""Inbound packets longer than the RX buffer: drained and acknowledged, or streamed."""
# fmt: off

SMALL = {"rx_size": 128, "read_size": 64}
BIG = b"0123456789" * 100
MARK = ("send", "PUBLISH", {"topic": "mark", "payload": b"ok"})
LOST = ("raises", ("OSError", "MQTTError"), {}, ("poll_for", 2000))
MARKED = (("poll_until", 1), ("messages", [("mark", b"ok")]))

SCENARIOS = (
    {
        "name": "oversize_is_drained_counted_and_acknowledged",
        "in_5": {"why": "what is longer than announced is answered by 0x95: see v5_limits",
                 "new": {"properties": {"maximum_packet_size": None}}},
        "cases": {
            "qos_0": {"@qos": 0, "@ack": ("stall", 0)},
            "qos_1": {"@qos": 1, "@ack": ("expect", "PUBACK", {"packet_id": 7})},
            "qos_2": {"@qos": 2, "@ack": ("expect", "PUBREC", {"packet_id": 7})},
        },
        "broker": (
            ("greet",),
            ("send", "PUBLISH", {"topic": "big", "payload": BIG, "qos": "@qos", "packet_id": 7}),
            "@ack", MARK, ("expect", "PUBLISH", {"topic": "end"}),
        ),
        "client": (("new", SMALL), ("connect",)) + MARKED + (
            ("check", "session.oversized", 1), ("check", "connected", True),
            ("publish", ("end", b"")),
        ),
    },
    {
        "name": "oversize_at_qos_2_completes_and_counts_once",
        "in_5": {"why": "what is longer than announced is answered by 0x95: see v5_limits",
                 "new": {"properties": {"maximum_packet_size": None}}},
        "broker": (
            ("greet",),
            ("send", "PUBLISH", {"topic": "big", "payload": BIG, "qos": 2, "packet_id": 7}),
            ("expect", "PUBREC", {"packet_id": 7}),
            ("send", "PUBLISH", {"topic": "big", "payload": BIG, "qos": 2, "packet_id": 7,
                "dup": 1}),
            ("expect", "PUBREC", {"packet_id": 7}),
            ("send", "PUBREL", {"packet_id": 7}), ("expect", "PUBCOMP", {"packet_id": 7}), MARK,
        ),
        "client": (("new", SMALL), ("connect",)) + MARKED + (("check", "session.oversized", 1),),
    },
    {
        "name": "oversize_with_a_topic_longer_than_the_buffer",
        "in_5": {"why": "what is longer than announced is answered by 0x95: see v5_limits",
                 "new": {"properties": {"maximum_packet_size": None}}},
        "cases": {
            "qos_0": {"@qos": 0, "@ack": ("stall", 0)},
            "qos_1": {"@qos": 1, "@ack": ("expect", "PUBACK", {"packet_id": 4660})},
            "qos_2": {"@qos": 2, "@ack": ("expect", "PUBREC", {"packet_id": 4660})},
        },
        "broker": (
            ("greet",),
            ("send", "PUBLISH", {"topic": "t" * 500, "payload": b"x", "qos": "@qos",
                "packet_id": 4660}),
            "@ack", MARK,
        ),
        "client": (("new", SMALL), ("connect",)) + MARKED + (("check", "session.oversized", 1),),
    },
    {
        "name": "oversize_where_the_id_straddles_the_buffer",
        "in_5": {"why": "what is longer than announced is answered by 0x95: see v5_limits",
                 "new": {"properties": {"maximum_packet_size": None}}},
        "cases": {
            "115": {"@topic": "t" * 115}, "118": {"@topic": "t" * 118},
                "119": {"@topic": "t" * 119},
            "120": {"@topic": "t" * 120}, "121": {"@topic": "t" * 121},
                "122": {"@topic": "t" * 122},
            "123": {"@topic": "t" * 123}, "124": {"@topic": "t" * 124},
                "125": {"@topic": "t" * 125},
            "126": {"@topic": "t" * 126}, "187": {"@topic": "t" * 187},
                "188": {"@topic": "t" * 188},
            "189": {"@topic": "t" * 189},
        },
        "broker": (
            ("greet",),
            ("send", "PUBLISH", {"topic": "@topic", "payload": BIG, "qos": 1, "packet_id": 4660}),
            ("expect", "PUBACK", {"packet_id": 4660}), MARK,
        ),
        "client": (("new", SMALL), ("connect",)) + MARKED + (("check", "session.oversized", 1),),
    },
    {
        "name": "packet_at_the_size_of_the_buffer",
        "in_5": {"why": "a PUBLISH is longer by its property length",
                 "new": {"properties": {"maximum_packet_size": None}},
                 "cases": {"one_less": {"@p": b"x" * 121, "@seen": [("a", b"x" * 121)]},
                           "same": {"@p": b"x" * 122, "@seen": [("a", b"x" * 122)]},
                           "one_more": {"@p": b"x" * 123}}},
        "cases": {
            "one_less": {"@p": b"x" * 122, "@seen": [("a", b"x" * 122)], "@n": 0},
            "same": {"@p": b"x" * 123, "@seen": [("a", b"x" * 123)], "@n": 0},
            "one_more": {"@p": b"x" * 124, "@seen": [], "@n": 1},
        },
        "broker": (
            ("greet",), ("send", "PUBLISH", {"topic": "a", "payload": "@p"}), ("sync", "sent"),
        ),
        "client": (
            ("new", SMALL), ("connect",), ("sync", "sent"), ("poll_for", 300),
            ("messages", "@seen"), ("check", "session.oversized", "@n"),
        ),
    },
    {
        "name": "oversize_is_streamed_in_pieces",
        "cases": {
            "qos_0": {"@qos": 0, "@ack": ("stall", 0)},
            "qos_1": {"@qos": 1, "@ack": ("expect", "PUBACK", {"packet_id": 7})},
            "qos_2": {"@qos": 2, "@ack": ("expect", "PUBREC", {"packet_id": 7})},
        },
        "broker": (
            ("greet",), ("expect_subscriptions", (("big", "@qos"),)),
            ("send", "PUBLISH", {"topic": "big", "payload": BIG, "qos": "@qos", "packet_id": 7}),
            "@ack", ("expect", "PUBLISH", {"topic": "end"}),
        ),
        "client": (
            ("new", SMALL), ("on", "big", "@qos", {"stream": True}), ("connect",),
            ("poll_until_total", 1000), ("joined", "big", BIG), ("check", "session.oversized", 0),
            ("publish", ("end", b"")),
        ),
    },
    {
        "name": "stream_at_qos_2_is_delivered_once",
        "broker": (
            ("greet",), ("expect_subscriptions", (("big", 2),)),
            ("send", "PUBLISH", {"topic": "big", "payload": BIG, "qos": 2, "packet_id": 7}),
            ("expect", "PUBREC", {"packet_id": 7}),
            ("send", "PUBLISH", {"topic": "big", "payload": BIG, "qos": 2, "packet_id": 7,
                "dup": 1}),
            ("expect", "PUBREC", {"packet_id": 7}),
            ("send", "PUBREL", {"packet_id": 7}), ("expect", "PUBCOMP", {"packet_id": 7}), MARK,
        ),
        "client": (
            ("new", SMALL), ("on", "big", 2, {"stream": True}), ("connect",),
            ("poll_until_total", 1002), ("joined", "big", BIG, ("mark", b"ok")),
        ),
    },
    {
        "name": "small_message_to_a_streaming_handler_is_one_piece",
        "broker": (
            ("greet",), ("expect_subscriptions", (("s", 0),)),
            ("send", "PUBLISH", {"topic": "s", "payload": b"abc"}),
            ("send", "PUBLISH", {"topic": "s", "payload": b""}),
        ),
        "client": (
            ("new", SMALL), ("on", "s", 0, {"stream": True}), ("connect",), ("poll_until", 2),
            ("pieces", [(0, 3, b"abc"), (0, 0, b"")]),
        ),
    },
    {
        "name": "stream_byte_by_byte",
        "broker": (
            ("greet",), ("expect_subscriptions", (("big", 1),)), ("split", 1),
            ("send", "PUBLISH", {"topic": "big", "payload": BIG[:300], "qos": 1, "packet_id": 7}),
            ("expect", "PUBACK", {"packet_id": 7}),
        ),
        "client": (
            ("new", SMALL), ("on", "big", 1, {"stream": True}), ("connect",),
            ("poll_until_total", 300, 8000), ("joined", "big", BIG[:300]),
        ),
    },
    {
        "name": "cut_inside_a_drained_message_is_not_acknowledged",
        "broker": (
            ("greet",), ("sync", "ready"),
            ("cut_out", "rst", 600, "PUBLISH",
                {"topic": "big", "payload": BIG, "qos": 1, "packet_id": 7}),
            ("greet", {"session_present": 1}), MARK,
        ),
        "client": (
            ("new", SMALL), ("connect",), ("sync", "ready"), LOST, ("connect", (), {}, True),
        ) + MARKED,
    },
    {
        "name": "cut_inside_a_streamed_message_is_not_acknowledged",
        "broker": (
            ("greet",), ("expect_subscriptions", (("big", 1),)), ("sync", "ready"),
            ("cut_out", "rst", 600, "PUBLISH",
                {"topic": "big", "payload": BIG, "qos": 1, "packet_id": 7}),
            ("greet", {"session_present": 1}),
            ("send", "PUBLISH", {"topic": "big", "payload": BIG, "qos": 1, "packet_id": 7,
                "dup": 1}),
            ("expect", "PUBACK", {"packet_id": 7}),
        ),
        "client": (
            ("new", SMALL), ("on", "big", 1, {"stream": True}), ("connect",), ("poll_for", 50),
            ("sync", "ready"), LOST, ("forget",), ("connect", (), {}, True),
            ("poll_until_total", 1000), ("joined", "big", BIG),
        ),
    },
    {
        "name": "huge_message_does_not_stop_the_pings",
        "covers": ("MQTT-3.1.2-23",),
        "broker": (
            ("greet",), ("send_hex", "30 ff ff 7f 00 01 61"),
            ("expect", "PINGREQ", {}, 1800), ("expect_eof", 3000),
        ),
        "client": (
            ("new", {"rx_size": 128, "keep_alive": 1}), ("connect",),
            ("within_ms", 4000, ("raises", "OSError", {}, ("poll_for", 5000))),
        ),
    },
    {
        "name": "longest_remaining_length_is_taken_piece_by_piece",
        "in_5": {
            "why": "what is longer than announced is answered by 0x95; its properties end",
            "new": {"properties": {"maximum_packet_size": None}},
            "broker": (
                ("greet",), ("send_hex", "5:30 ff ff ff 7f 00 01 61 00"), ("flood", 3000000),
                ("expect", "PUBLISH", {"topic": "end"}),
            ),
        },
        "broker": (
            ("greet",), ("send_hex", "30 ff ff ff 7f 00 01 61"), ("flood", 3000000),
            ("expect", "PUBLISH", {"topic": "end"}),
        ),
        "client": (
            ("new", SMALL), ("connect",), ("poll_for", 800), ("check", "connected", True),
            ("publish", ("end", b"")), ("close",),
        ),
    },
)
