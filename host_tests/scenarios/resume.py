"""What is sent again on a new connection, and what is not. Connections are made by hand here."""
# fmt: off

LOST = ("raises", ("OSError", "MQTTError"), {}, ("poll_for", 3000))
NOWAIT_1 = ("let", "$a", ("publish_nowait", ("a", b"1"), {"qos": 1}))
NOWAIT_2 = ("let", "$a", ("publish_nowait", ("a", b"1"), {"qos": 2}))
SEEN_1 = ("expect", "PUBLISH", {"qos": 1, "dup": False, "packet_id": "$a"})
SEEN_2 = ("expect", "PUBLISH", {"qos": 2, "dup": False, "packet_id": "$a"})
RESUMED = ("greet", {"session_present": 1}, {"clean_session": False})
FRESH = ("greet", {"session_present": 0}, {"clean_session": False})
RECONNECT = (LOST, ("check", "connected", False), ("connect", (), {}, True))
DONE = ("poll_until_done", "$a")

SCENARIOS = (
    {
        "name": "publish_is_sent_again_with_dup_and_the_same_id",
        "covers": ("MQTT-2.3.1-3", "MQTT-3.3.1-1", "MQTT-3.1.2-4", "MQTT-4.1.0-1", "MQTT-4.4.0-1"),
        "cases": {
            "qos_1_fin": {"@how": "fin", "@qos": 1}, "qos_1_rst": {"@how": "rst", "@qos": 1},
            "qos_2_fin": {"@how": "fin", "@qos": 2}, "qos_2_rst": {"@how": "rst", "@qos": 2},
        },
        "broker": (
            ("greet",),
            ("expect", "PUBLISH", {"qos": "@qos", "dup": False, "retain": True, "payload": b"1",
                "packet_id": "$a"}),
            ("cut", "@how"), RESUMED,
            ("expect", "PUBLISH", {"qos": "@qos", "dup": True, "retain": True, "payload": b"1",
                "topic": "a", "packet_id": "$a"}),
            ("expect_nothing", 100),
        ),
        "client": (
            ("connect",), ("publish_nowait", ("a", b"1"), {"qos": "@qos", "retain": True}),
        ) + RECONNECT + (("poll_for", 300),),
    },
    {
        "name": "pubrel_is_sent_again",
        "covers": ("MQTT-4.3.3-1", "MQTT-4.4.0-1", "MQTT-3.6.1-1"),
        "cases": {"fin": {"@how": "fin"}, "rst": {"@how": "rst"}},
        "broker": (
            ("greet",), SEEN_2, ("send", "PUBREC", {"packet_id": "$a"}),
            ("expect", "PUBREL", {"packet_id": "$a"}), ("cut", "@how"), RESUMED,
            ("expect", "PUBREL", {"packet_id": "$a"}),
            ("send", "PUBCOMP", {"packet_id": "$a"}),
            ("expect_nothing", 100),
        ),
        "client": (("connect",), NOWAIT_2) + RECONNECT + (DONE, ("poll_for", 200)),
    },
    {
        "name": "sent_again_in_the_first_order",
        "covers": ("MQTT-4.6.0-1", "MQTT-4.4.0-1"),
        "broker": (
            ("greet",),
            ("expect", "PUBLISH", {"payload": b"1", "packet_id": "$1"}),
            ("expect", "PUBLISH", {"payload": b"2", "packet_id": "$2"}),
            ("expect", "PUBLISH", {"payload": b"3", "packet_id": "$3"}),
            ("expect", "PUBLISH", {"payload": b"4", "packet_id": "$4"}),
            ("expect", "PUBLISH", {"payload": b"5", "packet_id": "$5"}),
            ("send", "PUBACK", {"packet_id": "$3"}), ("cut", "fin"), RESUMED,
            ("expect", "PUBLISH", {"payload": b"1", "dup": True, "packet_id": "$1", "qos": 1}),
            ("expect", "PUBLISH", {"payload": b"2", "dup": True, "packet_id": "$2", "qos": 2}),
            ("expect", "PUBLISH", {"payload": b"4", "dup": True, "packet_id": "$4", "qos": 2}),
            ("expect", "PUBLISH", {"payload": b"5", "dup": True, "packet_id": "$5", "qos": 1}),
            ("expect", "PUBLISH", {"payload": b"new", "dup": False, "qos": 1, "packet_id": "$6"}),
            ("send", "PUBACK", {"packet_id": "$6"}),
        ),
        "client": (
            ("connect",),
            ("publish_nowait", ("a", b"1"), {"qos": 1}),
            ("publish_nowait", ("a", b"2"), {"qos": 2}),
            ("publish_nowait", ("a", b"3"), {"qos": 1}),
            ("publish_nowait", ("a", b"4"), {"qos": 2}),
            ("publish_nowait", ("a", b"5"), {"qos": 1}),
        ) + RECONNECT + (("publish", ("a", b"new"), {"qos": 1}),),
    },
    {
        "name": "what_a_handler_echoes_is_sent_again_as_it_was",
        "cases": {"in_place": {"@read": 600}, "gathered": {"@read": 64}},
        "broker": (
            ("greet",), ("send", "PUBLISH", {"topic": "in", "payload": b"x" * 500}),
            ("expect", "PUBLISH", {"payload": b"x" * 500, "qos": 1, "packet_id": "$a"}),
            ("send", "PUBLISH", {"topic": "mark", "payload": b"y" * 498}), ("sync", "over"),
            ("cut", "rst"), RESUMED,
            ("expect", "PUBLISH", {"payload": b"x" * 500, "dup": True, "packet_id": "$a"}),
            ("send", "PUBACK", {"packet_id": "$a"}),
        ),
        "client": (
            ("new", {"tx_size": 64, "rx_size": 600, "read_size": "@read"}),
            ("on_message", {"do": (("message_is", "in", ("echo", "out", 1)),)}),
            ("connect",), ("poll_until", 2), ("sync", "over"),
        ) + RECONNECT + (("poll_for", 100),),
    },
    {
        "name": "pubrels_are_sent_again_in_order",
        "covers": ("MQTT-4.6.0-4",),
        "broker": (
            ("greet",),
            ("expect", "PUBLISH", {"packet_id": "$1"}), ("expect", "PUBLISH", {"packet_id": "$2"}),
            ("send_together", ("PUBREC", {"packet_id": "$2"}), ("PUBREC", {"packet_id": "$1"})),
            ("expect", "PUBREL", {"packet_id": "$2"}), ("expect", "PUBREL", {"packet_id": "$1"}),
            ("cut", "rst"), RESUMED,
            ("expect", "PUBREL", {"packet_id": "$2"}), ("expect", "PUBREL", {"packet_id": "$1"}),
        ),
        "client": (
            ("connect",), ("publish_nowait", ("a", b"1"), {"qos": 2}),
            ("publish_nowait", ("a", b"2"), {"qos": 2}),
        ) + RECONNECT + (("poll_for", 100),),
    },
    {
        "name": "acknowledged_is_not_sent_again",
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"payload": b"1", "packet_id": "$a"}),
            ("send", "PUBACK", {"packet_id": "$a"}), ("sync", "done"), ("cut", "rst"), RESUMED,
            ("expect_nothing", 200),
        ),
        "client": (
            ("connect",), ("publish", ("a", b"1"), {"qos": 1}), ("sync", "done"),
        ) + RECONNECT + (("poll_for", 300),),
    },
    {
        "name": "qos_0_is_never_sent_again",
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"qos": 0}), ("cut", "rst"), RESUMED,
            ("expect_nothing", 200),
        ),
        "client": (("connect",), ("publish", ("a", b"1"))) + RECONNECT + (("poll_for", 300),),
    },
    {
        "name": "nothing_is_sent_again_on_a_live_link",
        "covers": ("MQTT-4.4.0-1",),
        "broker": (
            ("greet",), SEEN_1, ("expect_nothing", 1500), ("send", "PUBACK", {"packet_id": "$a"}),
        ),
        "client": (("connect",), NOWAIT_1, ("poll_for", 1400), ("wait", ("$a",))),
    },
    {
        "name": "lost_session_sends_as_new",
        "covers": ("MQTT-3.2.2-3",),
        "cases": {"qos_1": {"@qos": 1}, "qos_2": {"@qos": 2}},
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"qos": "@qos", "dup": False}), ("cut", "rst"),
            FRESH,
            ("expect_delivery", {"payload": b"1", "qos": "@qos", "dup": False}),
            ("expect_nothing", 100),
        ),
        "client": (
            ("connect",), ("let", "$a", ("publish_nowait", ("a", b"1"), {"qos": "@qos"})), LOST,
            ("connect", (), {}, False), DONE, ("poll_for", 200),
        ),
    },
    {
        "name": "lost_session_past_pubrec_counts_as_done",
        "broker": (
            ("greet",), SEEN_2, ("send", "PUBREC", {"packet_id": "$a"}),
            ("expect", "PUBREL", {"packet_id": "$a"}), ("cut", "rst"), FRESH,
            ("expect_nothing", 200),
        ),
        "client": (
            ("connect",), NOWAIT_2, LOST, ("connect", (), {}, False), ("poll_for", 100),
            ("pending", ("$a",), {}, False), ("poll_for", 200),
        ),
    },
    {
        "name": "lost_session_keeps_order",
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"payload": b"1"}),
            ("expect", "PUBLISH", {"payload": b"2"}), ("expect", "PUBLISH", {"payload": b"3"}),
            ("cut", "fin"), FRESH,
            ("expect", "PUBLISH", {"payload": b"1", "dup": False, "qos": 1, "packet_id": "$1"}),
            ("expect", "PUBLISH", {"payload": b"2", "dup": False, "qos": 2, "packet_id": "$2"}),
            ("expect", "PUBLISH", {"payload": b"3", "dup": False, "qos": 1, "packet_id": "$3"}),
            ("send", "PUBACK", {"packet_id": "$1"}), ("send", "PUBREC", {"packet_id": "$2"}),
            ("expect", "PUBREL", {"packet_id": "$2"}), ("send", "PUBCOMP", {"packet_id": "$2"}),
            ("send", "PUBACK", {"packet_id": "$3"}),
        ),
        "client": (
            ("connect",), ("publish_nowait", ("a", b"1"), {"qos": 1}),
            ("publish_nowait", ("a", b"2"), {"qos": 2}),
            ("let", "$c", ("publish_nowait", ("a", b"3"), {"qos": 1})),
            LOST, ("connect", (), {}, False), ("wait", ("$c",)),
        ),
    },
    {
        "name": "clean_session_never_uses_what_was_before",
        "covers": ("MQTT-3.1.2-6",),
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"dup": False, "qos": 1}), ("cut", "rst"),
            ("greet", {}, {"clean_session": True}),
            ("expect_delivery", {"payload": b"1", "dup": False, "qos": 1}),
        ),
        "client": (
            ("new", {"clean_session": True}), ("connect",), NOWAIT_1, LOST,
            ("connect", (), {}, False), ("poll_for", 200),
        ),
    },
    {
        "name": "qos_2_received_is_deduplicated_over_a_reconnect",
        "covers": ("MQTT-4.3.3-2", "MQTT-3.1.2-4"),
        "broker": (
            ("greet",), ("send", "PUBLISH", {"topic": "in", "qos": 2, "packet_id": 7}),
            ("expect", "PUBREC", {"packet_id": 7}), ("cut", "rst"), RESUMED,
            ("send", "PUBLISH", {"topic": "in", "qos": 2, "packet_id": 7, "dup": 1}),
            ("expect", "PUBREC", {"packet_id": 7}), ("cut", "fin"), RESUMED,
            ("send", "PUBREL", {"packet_id": 7}), ("expect", "PUBCOMP", {"packet_id": 7}),
            ("send", "PUBREL", {"packet_id": 7}), ("expect", "PUBCOMP", {"packet_id": 7}),
            ("send", "PUBLISH", {"topic": "mark"}),
        ),
        "client": (("connect",),) + RECONNECT + RECONNECT + (
            ("poll_until", 2), ("messages", [("in",), ("mark",)]),
        ),
    },
    {
        "name": "qos_2_received_is_new_when_the_session_was_lost",
        "covers": ("MQTT-3.1.2-6",),
        "broker": (
            ("greet",), ("send", "PUBLISH", {"topic": "in", "payload": b"1", "qos": 2,
                "packet_id": 7}),
            ("expect", "PUBREC", {"packet_id": 7}), ("cut", "rst"), FRESH,
            ("send", "PUBLISH", {"topic": "in", "payload": b"2", "qos": 2, "packet_id": 7}),
            ("expect", "PUBREC", {"packet_id": 7}),
        ),
        "client": (
            ("connect",), LOST, ("connect", (), {}, False), ("poll_until", 2),
            ("messages", [("in", b"1"), ("in", b"2")]),
        ),
    },
    {
        "name": "received_dup_is_published_without_dup",
        "covers": ("MQTT-3.3.1-3",),
        "broker": (
            ("greet",), ("send", "PUBLISH", {"topic": "in", "qos": 1, "packet_id": 7, "dup": 1}),
            ("expect_all", ("PUBACK", {"packet_id": 7}),
                ("PUBLISH", {"topic": "out", "qos": 1, "dup": False})),
        ),
        "client": (
            ("on_message", {"do": (("publish", ("out", b""), {"qos": 1}),)}),
            ("connect",), ("poll_until", 1), ("poll_for", 50),
        ),
    },
    {
        "name": "half_received_packet_is_forgotten_on_reconnect",
        "broker": (
            ("greet",), ("sync", "ready"), ("cut_out", "rst", 5, "PUBLISH", {"topic": "in",
                "payload": b"lost"}),
            RESUMED, ("send", "PUBLISH", {"topic": "in", "payload": b"whole"}),
        ),
        "client": (("connect",), ("sync", "ready")) + RECONNECT + (
            ("poll_until", 1), ("messages", [("in", b"whole")]),
        ),
    },
    {
        "name": "half_sent_publish_is_sent_whole_on_reconnect",
        "cases": {"1": {"@n": 1}, "2": {"@n": 2}, "700": {"@n": 700}},
        "broker": (
            ("greet",), ("cut_in", "rst", "@n"), RESUMED,
            ("expect", "PUBLISH", {"payload": b"z" * 900, "packet_id": "$a"}),
            ("send", "PUBACK", {"packet_id": "$a"}),
        ),
        "client": (
            ("connect",), ("let", "$a", ("publish_nowait", ("a", b"z" * 900), {"qos": 1})),
        ) + RECONNECT + (("wait", ("$a",)),),
    },
    {
        "name": "longer_than_the_tx_buffer_is_sent_again",
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"payload": b"z" * 3000, "packet_id": "$a"}),
            ("cut", "rst"), RESUMED,
            ("expect", "PUBLISH", {"payload": b"z" * 3000, "dup": True, "packet_id": "$a"}),
            ("send", "PUBACK", {"packet_id": "$a"}),
        ),
        "client": (
            ("new", {"reconnect": True, "tx_size": 256}), ("connect",),
            ("publish", ("a", b"z" * 3000), {"qos": 1}, None),
        ),
    },
    {
        "name": "session_goes_on_at_the_first_connect",
        "in_5": {"why": "a session that the client knows nothing of is refused [MQTT-3.2.2-4]",
                 "new": {"accept_session": True}},
        "covers": ("U311-5",),
        "broker": (
            ("greet", {"session_present": 1}, {"clean_session": False}),
            ("send", "PUBREL", {"packet_id": 44}), ("expect", "PUBCOMP", {"packet_id": 44}),
            ("send", "PUBLISH", {"topic": "old", "qos": 1, "packet_id": 45, "dup": 1}),
            ("expect", "PUBACK", {"packet_id": 45}),
            ("send", "PUBREC", {"packet_id": 46}), ("expect", "PUBREL", {"packet_id": 46}),
            ("send", "PUBCOMP", {"packet_id": 46}), ("send", "PUBLISH", {"topic": "last"}),
        ),
        "client": (("connect", (), {}, True), ("poll_until", 2)),
    },
)
