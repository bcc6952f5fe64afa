"""Acknowledgements that come twice, late, unasked or of the wrong type.

What must hold: nothing is completed by another's ack, and the stream stays in step. An ack
that fits nothing is passed over; the session may be older than this client.
"""
# fmt: off

MARK = ("send", "PUBLISH", {"topic": "mark", "payload": b""})
MARKED = (("poll_until", 1), ("messages", [("mark",)]))
SEND_1 = ("let", "$a", ("publish_nowait", ("a", b"x"), {"qos": 1}))
SEND_2 = ("let", "$a", ("publish_nowait", ("a", b"x"), {"qos": 2}))
SEEN_1 = ("expect", "PUBLISH", {"qos": 1, "packet_id": "$a"})
SEEN_2 = ("expect", "PUBLISH", {"qos": 2, "packet_id": "$a"})
PENDING = ("pending", ("$a",), {}, True)
DONE = ("poll_until_done", "$a")

SCENARIOS = (
    {
        "name": "ack_for_an_unknown_id_completes_nothing",
        "covers": ("MQTT-4.3.2-1",),
        "cases": {
            "puback": {"@ack": ("send", "PUBACK", {"packet_id": 999})},
            "pubcomp": {"@ack": ("send", "PUBCOMP", {"packet_id": 999})},
            "suback": {"@ack": ("send", "SUBACK", {"packet_id": 999, "codes": (0,)})},
            "unsuback": {"@ack": ("send", "UNSUBACK", {"packet_id": 999})},
        },
        "broker": (
            ("greet",), SEEN_1, "@ack", MARK, ("sync", "looked"),
            ("send", "PUBACK", {"packet_id": "$a"}),
        ),
        "client": (("connect",), SEND_1) + MARKED + (PENDING, ("sync", "looked"), DONE),
    },
    {
        "name": "ack_of_the_wrong_type_does_not_complete_qos_1",
        "cases": {
            "pubcomp": {"@ack": ("send", "PUBCOMP", {"packet_id": "$a"})},
            "suback": {"@ack": ("send", "SUBACK", {"packet_id": "$a", "codes": (0,)})},
            "unsuback": {"@ack": ("send", "UNSUBACK", {"packet_id": "$a"})},
        },
        "broker": (
            ("greet",), SEEN_1, "@ack", MARK, ("sync", "looked"),
            ("send", "PUBACK", {"packet_id": "$a"}),
        ),
        "client": (("connect",), SEND_1) + MARKED + (PENDING, ("sync", "looked"), DONE),
    },
    {
        "name": "ack_of_the_wrong_type_does_not_complete_qos_2",
        "cases": {
            "puback": {"@ack": ("send", "PUBACK", {"packet_id": "$a"})},
            "pubcomp": {"@ack": ("send", "PUBCOMP", {"packet_id": "$a"})},
            "suback": {"@ack": ("send", "SUBACK", {"packet_id": "$a", "codes": (0,)})},
            "unsuback": {"@ack": ("send", "UNSUBACK", {"packet_id": "$a"})},
        },
        "broker": (
            ("greet",), SEEN_2, "@ack", MARK, ("sync", "looked"),
            ("send", "PUBREC", {"packet_id": "$a"}),
            ("expect", "PUBREL", {"packet_id": "$a"}),
            ("send", "PUBCOMP", {"packet_id": "$a"}),
        ),
        "client": (("connect",), SEND_2) + MARKED + (PENDING, ("sync", "looked"), DONE),
    },
    {
        "name": "ack_of_the_wrong_type_does_not_complete_pubrel",
        "cases": {
            "puback": {"@ack": ("send", "PUBACK", {"packet_id": "$a"})},
            "suback": {"@ack": ("send", "SUBACK", {"packet_id": "$a", "codes": (0,)})},
            "unsuback": {"@ack": ("send", "UNSUBACK", {"packet_id": "$a"})},
        },
        "broker": (
            ("greet",), SEEN_2,
            ("send", "PUBREC", {"packet_id": "$a"}),
            ("expect", "PUBREL", {"packet_id": "$a"}),
            "@ack", MARK, ("sync", "looked"),
            ("send", "PUBCOMP", {"packet_id": "$a"}),
        ),
        "client": (("connect",), SEND_2) + MARKED + (PENDING, ("sync", "looked"), DONE),
    },
    {
        "name": "ack_of_the_wrong_type_does_not_complete_subscribe",
        "cases": {
            "puback": {"@ack": ("send", "PUBACK", {"packet_id": "$a"})},
            "pubcomp": {"@ack": ("send", "PUBCOMP", {"packet_id": "$a"})},
            "unsuback": {"@ack": ("send", "UNSUBACK", {"packet_id": "$a"})},
        },
        "broker": (
            ("greet",), ("expect", "SUBSCRIBE", {"packet_id": "$a"}), "@ack", ("stall", 300),
            ("send", "SUBACK", {"packet_id": "$a", "codes": (1,)}),
        ),
        "client": (("connect",), ("not_before_ms", 250, ("subscribe", ("a", 1), {}, 1))),
    },
    {
        "name": "puback_twice_is_borne",
        "broker": (
            ("greet",), SEEN_1,
            ("send_together", ("PUBACK", {"packet_id": "$a"}), ("PUBACK", {"packet_id": "$a"})),
            MARK, ("expect", "PUBLISH", {"qos": 1, "packet_id": "$b"}),
            ("send", "PUBACK", {"packet_id": "$b"}),
        ),
        "client": (("connect",), SEND_1, DONE) + MARKED + (
            ("publish", ("a", b"y"), {"qos": 1}),
        ),
    },
    {
        "name": "late_puback_does_not_complete_the_next_one",
        "broker": (
            ("greet",), SEEN_1, ("send", "PUBACK", {"packet_id": "$a"}),
            ("expect", "PUBLISH", {"packet_id": "$b"}),
            ("send", "PUBACK", {"packet_id": "$a"}),
            ("stall", 300),
            ("send", "PUBACK", {"packet_id": "$b"}),
        ),
        "client": (
            ("connect",), ("publish", ("a", b"x"), {"qos": 1}),
            ("not_before_ms", 250, ("publish", ("a", b"y"), {"qos": 1})),
        ),
    },
    {
        "name": "pubrec_twice_gets_pubrel_twice",
        "broker": (
            ("greet",), SEEN_2,
            ("send", "PUBREC", {"packet_id": "$a"}),
            ("expect", "PUBREL", {"packet_id": "$a"}),
            ("send", "PUBREC", {"packet_id": "$a"}),
            ("expect", "PUBREL", {"packet_id": "$a"}),
            ("send", "PUBCOMP", {"packet_id": "$a"}),
            MARK,
        ),
        "client": (("connect",), ("publish", ("a", b"x"), {"qos": 2})) + MARKED,
    },
    {
        "name": "pubcomp_twice_is_borne",
        "broker": (
            ("greet",), SEEN_2,
            ("send", "PUBREC", {"packet_id": "$a"}),
            ("expect", "PUBREL", {"packet_id": "$a"}),
            ("send_together", ("PUBCOMP", {"packet_id": "$a"}), ("PUBCOMP", {"packet_id": "$a"})),
            MARK,
        ),
        "client": (("connect",), ("publish", ("a", b"x"), {"qos": 2})) + MARKED,
    },
    {
        "name": "pubrec_after_pubcomp_gets_a_pubrel",
        "broker": (
            ("greet",), SEEN_2,
            ("send", "PUBREC", {"packet_id": "$a"}),
            ("expect", "PUBREL", {"packet_id": "$a"}),
            ("send", "PUBCOMP", {"packet_id": "$a"}),
            ("send", "PUBREC", {"packet_id": "$a"}),
            ("expect", "PUBREL", {"packet_id": "$a"}),
            ("send", "PUBCOMP", {"packet_id": "$a"}), MARK,
        ),
        "client": (("connect",), ("publish", ("a", b"x"), {"qos": 2})) + MARKED,
    },
    {
        "name": "unknown_pubrec_gets_a_pubrel",
        "covers": ("MQTT-4.3.3-1",),
        "broker": (
            ("greet",), ("send", "PUBREC", {"packet_id": 77}),
            ("expect", "PUBREL", {"packet_id": 77}), ("send", "PUBCOMP", {"packet_id": 77}), MARK,
        ),
        "client": (("connect",),) + MARKED,
    },
    {
        "name": "pubrec_for_qos_1_does_not_complete_it",
        "broker": (
            ("greet",), SEEN_1, ("send", "PUBREC", {"packet_id": "$a"}), MARK, ("sync", "looked"),
            ("send", "PUBACK", {"packet_id": "$a"}),
        ),
        "client": (("connect",), SEND_1) + MARKED + (PENDING, ("sync", "looked"), DONE),
    },
    {
        "name": "pubrels_follow_the_order_of_pubrecs",
        "covers": ("MQTT-4.6.0-4",),
        "broker": (
            ("greet",),
            ("expect", "PUBLISH", {"packet_id": "$a"}),
            ("expect", "PUBLISH", {"packet_id": "$b"}),
            ("expect", "PUBLISH", {"packet_id": "$c"}),
            ("send_together", ("PUBREC", {"packet_id": "$b"}), ("PUBREC", {"packet_id": "$c"}),
                ("PUBREC", {"packet_id": "$a"})),
            ("expect", "PUBREL", {"packet_id": "$b"}),
            ("expect", "PUBREL", {"packet_id": "$c"}),
            ("expect", "PUBREL", {"packet_id": "$a"}),
            ("send_together", ("PUBCOMP", {"packet_id": "$c"}), ("PUBCOMP", {"packet_id": "$a"}),
                ("PUBCOMP", {"packet_id": "$b"})),
        ),
        "client": (
            ("connect",), SEND_2,
            ("publish_nowait", ("a", b"y"), {"qos": 2}),
            ("let", "$c", ("publish_nowait", ("a", b"z"), {"qos": 2})),
            ("wait", ("$a",)), ("wait", ("$c",)),
        ),
    },
    {
        "name": "pubacks_in_reverse_order_complete_their_own",
        "covers": ("MQTT-2.3.1-7",),
        "broker": (
            ("greet",),
            ("expect", "PUBLISH", {"packet_id": "$a"}),
            ("expect", "PUBLISH", {"packet_id": "$b"}),
            ("expect", "PUBLISH", {"packet_id": "$c"}),
            ("send", "PUBACK", {"packet_id": "$c"}), ("sync", "c"),
            ("send", "PUBACK", {"packet_id": "$b"}), ("sync", "b"),
            ("send", "PUBACK", {"packet_id": "$a"}),
        ),
        "client": (
            ("connect",), SEND_1,
            ("let", "$b", ("publish_nowait", ("a", b"y"), {"qos": 1})),
            ("let", "$c", ("publish_nowait", ("a", b"z"), {"qos": 1})),
            ("wait", ("$c",)), PENDING, ("pending", ("$b",), {}, True), ("sync", "c"),
            ("wait", ("$b",)), PENDING, ("sync", "b"),
            ("wait", ("$a",)),
        ),
    },
    {
        "name": "subacks_in_reverse_order_are_credited_rightly",
        "covers": ("MQTT-2.3.1-7", "MQTT-3.8.4-2"),
        "broker": (
            ("greet",),
            ("expect", "SUBSCRIBE", {"filters": (("a", 1),), "packet_id": "$a"}),
            ("expect", "SUBSCRIBE", {"filters": (("b", 2),), "packet_id": "$b"}),
            ("send", "SUBACK", {"packet_id": "$b", "codes": (2,)}),
            ("send", "SUBACK", {"packet_id": "$a", "codes": (0x80,)}),
        ),
        "client": (
            ("connect",),
            ("raises", "OSError", {"errno": "ETIMEDOUT"},
                ("subscribe", ("a", 1), {"timeout_ms": 100})),
            ("subscribe", ("b", 2), {}, 2),
        ),
    },
    {
        "name": "acks_with_id_0_close",
        "cases": {
            "puback": {"@hex": "40 02 00 00"}, "pubrec": {"@hex": "50 02 00 00"},
            "pubrel": {"@hex": "62 02 00 00"}, "pubcomp": {"@hex": "70 02 00 00"},
            "suback": {"@hex": "90 03 00 00 00"}, "unsuback": {"@hex": "b0 02 00 00"},
        },
        "broker": (("greet",), ("sync", "ready"), ("send_hex", "@hex"), ("expect_eof", 2500)),
        "client": (
            ("connect",), ("sync", "ready"), ("raises", "ProtocolError", {}, ("poll_for", 2000)),
            ("check", "connected", False),
        ),
    },
)
