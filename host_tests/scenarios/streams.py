"""The stream below: one write a packet, short writes, failing writes."""
# fmt: off

COUNTED = ("new", {"dial": "counted"})

SCENARIOS = (
    {
        "name": "one_write_a_packet",
        "in_5": {
            "why": "CONNECT has properties, the others are longer by their property length",
            "client": (
                COUNTED, ("connect",), ("writes", [31]),
                ("publish", ("a", b"x")), ("writes", [7]),
                ("publish", ("a", b"x"), {"qos": 1}), ("writes", [9]),
                ("publish", ("a", b"x"), {"qos": 2}), ("writes", [9, 4]),
                ("subscribe", ("i", 1)), ("writes", [9]), ("sync", "subscribed"),
                ("poll_until", 1), ("poll_for", 50), ("writes", [4]),
                ("disconnect",), ("writes", [2]),
            ),
        },
        "broker": (
            ("greet",),
            ("expect", "PUBLISH", {"qos": 0}),
            ("expect", "PUBLISH", {"qos": 1, "packet_id": "$a"}), ("send", "PUBACK",
                {"packet_id": "$a"}),
            ("expect", "PUBLISH", {"qos": 2, "packet_id": "$b"}), ("send", "PUBREC",
                {"packet_id": "$b"}),
            ("expect", "PUBREL"), ("send", "PUBCOMP", {"packet_id": "$b"}),
            ("expect", "SUBSCRIBE", {"packet_id": "$s"}),
            ("send", "SUBACK", {"packet_id": "$s", "codes": (1,)}), ("sync", "subscribed"),
            ("send", "PUBLISH", {"topic": "i", "qos": 1, "packet_id": 5}), ("expect", "PUBACK"),
        ),
        "client": (
            COUNTED, ("connect",), ("writes", [17]),
            ("publish", ("a", b"x")), ("writes", [6]),
            ("publish", ("a", b"x"), {"qos": 1}), ("writes", [8]),
            ("publish", ("a", b"x"), {"qos": 2}), ("writes", [8, 4]),
            ("subscribe", ("i", 1)), ("writes", [8]), ("sync", "subscribed"),
            ("poll_until", 1), ("poll_for", 50), ("writes", [4]),
            ("disconnect",), ("writes", [2]),
        ),
    },
    {
        "name": "one_byte_a_write_gives_the_same_packets",
        "broker": (
            ("greet",), ("expect_hex", "30 04 00 01 61 78"),
            ("expect", "PUBLISH", {"qos": 2, "packet_id": "$b", "payload": b"y" * 200}),
            ("send", "PUBREC", {"packet_id": "$b"}),
            ("expect", "PUBREL"), ("send", "PUBCOMP", {"packet_id": "$b"}),
            ("send_together", ("PUBLISH", {"topic": "i", "qos": 1, "packet_id": 5}),
                ("PUBLISH", {"topic": "i", "qos": 2, "packet_id": 6})),
            ("expect", "PUBACK", {"packet_id": 5}), ("expect", "PUBREC", {"packet_id": 6}),
            ("expect", "SUBSCRIBE", {"packet_id": "$s", "filters": (("f" * 80, 1),)}),
            ("send", "SUBACK", {"packet_id": "$s", "codes": (1,)}),
            ("expect", "DISCONNECT"), ("expect_eof", 1000),
        ),
        "client": (
            ("new", {"dial": "dribbling"}), ("connect",), ("publish", ("a", b"x")),
            ("publish", ("a", b"y" * 200), {"qos": 2}), ("poll_until", 2),
            ("subscribe", ("f" * 80, 1), {}, 1),
            ("disconnect",),
        ),
    },
    {
        "name": "packets_never_interleave_under_short_writes",
        "covers": ("MQTT-7.1.2-1",),
        "broker": (
            ("greet",),
            ("send_together",) + (("PUBLISH", {"topic": "i", "qos": 1, "packet_id": 5}),) * 20,
            ("expect_mix", {"PUBACK": 20, "PUBLISH": 10}), ("send", "PUBLISH", {"topic": "done"}),
        ),
        "client": (
            ("new", {"dial": "dribbling", "tx_size": 2048}), ("connect",),
            ("repeat", 10, ("publish_nowait", ("a", b"z" * 60), {"qos": 1}), ("poll",)),
            ("poll_until", 21, 10000),
        ),
    },
    {
        "name": "long_payload_from_the_callers_buffer_under_short_writes",
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"payload": b"q" * 700, "packet_id": "$a"}),
            ("send", "PUBACK", {"packet_id": "$a"}),
        ),
        "client": (
            ("new", {"dial": "dribbling", "tx_size": 128}), ("connect",),
            ("publish", ("a", ("bytearray", b"q" * 700)), {"qos": 1}, None),
        ),
    },
    {
        "name": "write_that_fails_inside_a_packet_closes",
        "in_5": {
            "why": "CONNECT is longer by its properties",
            "client": (
                ("new", {"dial": "failing", "dial_args": (40,)}), ("connect",),
                ("raises", "OSError", {"errno": "ENOMEM"},
                    ("repeat", 1, ("publish", ("a", b"x" * 50), {"qos": "@qos"}),
                        ("poll_for", 500))),
                ("check", "connected", False),
            ),
        },
        "cases": {"qos_0": {"@qos": 0}, "qos_1": {"@qos": 1}},
        "broker": (("accept",), ("expect", "CONNECT"), ("send", "CONNACK"), ("expect_eof", 2500)),
        "client": (
            ("new", {"dial": "failing", "dial_args": (20,)}), ("connect",),
            ("raises", "OSError", {"errno": "ENOMEM"},  # AsyncClient does not raise it at QoS 0
                ("repeat", 1, ("publish", ("a", b"x" * 50), {"qos": "@qos"}), ("poll_for", 500))),
            ("check", "connected", False),
        ),
    },
    {
        "name": "write_that_fails_is_made_good_after_reconnect",
        "in_5": {
            "why": "CONNECT is longer by its properties",
            "client": (
                ("new", {"reconnect": True, "dial": "failing", "dial_args": (40,)}), ("connect",),
                ("publish", ("a", b"x" * 50), {"qos": 1}, None),
            ),
        },
        "broker": (
            ("greet",), ("expect_eof", 2500), ("greet", {"session_present": 1}),
            ("expect", "PUBLISH", {"payload": b"x" * 50, "packet_id": "$a"}),
            ("send", "PUBACK", {"packet_id": "$a"}),
        ),
        "client": (
            ("new", {"reconnect": True, "dial": "failing", "dial_args": (20,)}), ("connect",),
            ("publish", ("a", b"x" * 50), {"qos": 1}, None),
        ),
    },
)
