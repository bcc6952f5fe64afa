"""What single statements demand and no other table shows as sharply."""
# fmt: off

ENOTCONN, ETIMEDOUT = {"errno": "ENOTCONN"}, {"errno": "ETIMEDOUT"}
LOST = ("raises", ("OSError", "MQTTError"), {}, ("poll_for", 3000))
END = ("expect", "PUBLISH", {"topic": "end"})
SAY_END = ("publish", ("end", b""))
ACCEPTS = {"accept_session": True}

SCENARIOS = (
    {
        "name": "first_byte_of_each_packet",
        "covers": ("MQTT-2.2.2-1", "MQTT-3.6.1-1", "MQTT-3.8.1-1", "MQTT-3.10.1-1",
            "MQTT-3.14.1-1"),
        "broker": (
            ("accept",), ("expect_hex", "10 0f 00 04 4d 51 54 54 04 00 00 3c 00 03 64 65 76"),
            ("send", "CONNACK"),
            ("expect_hex", "82 06 00 01 00 01 61 00"),
            ("send", "SUBACK", {"packet_id": 1, "codes": (0,)}),
            ("expect_hex", "a2 05 00 02 00 01 61"), ("send", "UNSUBACK", {"packet_id": 2}),
            ("expect_hex", "30 04 00 01 61 78"), ("expect_hex", "31 04 00 01 61 78"),
            ("expect_hex", "32 06 00 01 61 00 03 78"), ("send", "PUBACK", {"packet_id": 3}),
            ("expect_hex", "34 06 00 01 61 00 04 78"), ("send", "PUBREC", {"packet_id": 4}),
            ("expect_hex", "62 02 00 04"), ("send", "PUBCOMP", {"packet_id": 4}),
            ("sync", "sent"),
            ("send", "PUBLISH", {"topic": "i", "qos": 1, "packet_id": 9}),
            ("expect_hex", "40 02 00 09"),
            ("send", "PUBLISH", {"topic": "i", "qos": 2, "packet_id": 10}),
            ("expect_hex", "50 02 00 0a"), ("send", "PUBREL", {"packet_id": 10}),
            ("expect_hex", "70 02 00 0a"), ("send", "PUBLISH", {"topic": "last"}),
            ("sync", "received"), ("expect_hex", "c0 00"), ("send", "PINGRESP"),
            ("expect_hex", "e0 00"), ("expect_eof", 1000), ("sync", "closed"),
        ),
        "client": (
            ("connect",), ("next_id", 1), ("subscribe", ("a",)), ("unsubscribe", ("a",)),
            ("publish", ("a", b"x")), ("publish", ("a", b"x"), {"retain": True}),
            ("publish", ("a", b"x"), {"qos": 1}), ("publish", ("a", b"x"), {"qos": 2}),
            ("sync", "sent"), ("poll_until", 3), ("sync", "received"),
            ("ping",), ("poll_for", 50), ("disconnect",), ("sync", "closed"),
        ),
    },
    {
        "name": "pubrel_again_has_the_same_bytes",
        "covers": ("MQTT-3.6.1-1", "MQTT-2.3.1-3"),
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"packet_id": 7}),
            ("send", "PUBREC", {"packet_id": 7}), ("expect_hex", "62 02 00 07"), ("cut", "fin"),
            ("greet", {"session_present": 1}), ("expect_hex", "62 02 00 07"),
            ("send", "PUBCOMP", {"packet_id": 7}), END,
        ),
        "client": (
            ("connect",), ("next_id", 7), ("let", "$a", ("publish_nowait", ("a", b""),
                {"qos": 2})), LOST,
            ("connect", (), {}, True), ("poll_until_done", "$a"), SAY_END,
        ),
    },
    {
        "name": "id_is_free_after_its_last_ack",
        "covers": ("MQTT-2.3.1-3",),
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"packet_id": 7, "qos": 1}),
            ("send", "PUBACK", {"packet_id": 7}),
            ("expect", "PUBLISH", {"packet_id": 7, "qos": 2}),
            ("send", "PUBREC", {"packet_id": 7}), ("expect", "PUBREL", {"packet_id": 7}),
            ("send", "PUBCOMP", {"packet_id": 7}),
            ("expect", "SUBSCRIBE", {"packet_id": 7}),
            ("send", "SUBACK", {"packet_id": 7, "codes": (0,)}),
            ("expect", "UNSUBSCRIBE", {"packet_id": 7}), ("send", "UNSUBACK", {"packet_id": 7}),
            ("expect", "PUBLISH", {"packet_id": 7, "qos": 1}),
            ("send", "PUBACK", {"packet_id": 7}),
        ),
        "client": (
            ("connect",),
            ("next_id", 7), ("publish", ("a", b""), {"qos": 1}),
            ("next_id", 7), ("publish", ("a", b""), {"qos": 2}),
            ("next_id", 7), ("subscribe", ("a",)), ("next_id", 7), ("unsubscribe", ("a",)),
            ("next_id", 7), ("publish", ("a", b""), {"qos": 1}),
        ),
    },
    {
        "name": "id_of_an_unanswered_request_is_skipped",
        "covers": ("MQTT-2.3.1-2",),
        "broker": (
            ("greet",), ("expect", "SUBSCRIBE", {"packet_id": 7}),
            ("expect", "UNSUBSCRIBE", {"packet_id": 8}),
            ("expect", "PUBLISH", {"packet_id": 9}), ("send", "PUBACK", {"packet_id": 9}),
        ),
        "client": (
            ("connect",), ("next_id", 7),
            ("raises", "OSError", ETIMEDOUT, ("subscribe", ("a",), {"timeout_ms": 100})),
            ("next_id", 7),
            ("raises", "OSError", ETIMEDOUT, ("unsubscribe", ("b",), {"timeout_ms": 100})),
            ("next_id", 7), ("publish", ("a", b""), {"qos": 1}),
        ),
    },
    {
        "name": "unsubacks_are_credited_by_their_id",
        "covers": ("MQTT-2.3.1-7", "MQTT-3.10.4-4"),
        "broker": (
            ("greet",), ("expect", "UNSUBSCRIBE", {"filters": ("a",), "packet_id": "$a"}),
            ("expect", "UNSUBSCRIBE", {"filters": ("b",), "packet_id": "$b"}),
            ("send", "UNSUBACK", {"packet_id": "$a"}),
            ("send", "UNSUBACK", {"packet_id": 999}), ("stall", 300),
            ("send", "UNSUBACK", {"packet_id": "$b"}), END,
        ),
        "client": (
            ("connect",),
            ("raises", "OSError", ETIMEDOUT, ("unsubscribe", ("a",), {"timeout_ms": 100})),
            ("not_before_ms", 200, ("unsubscribe", ("b",))), SAY_END,
        ),
    },
    {
        "name": "connect_twice_sends_one_connect",
        "in_5": {"why": "unknown sessions are refused [MQTT-3.2.2-4]", "new": ACCEPTS},
        "covers": ("MQTT-3.1.0-2",),
        "broker": (
            ("greet", {"session_present": 1}), ("expect", "PUBLISH", {"topic": "once"}),
            ("no_accept", 150), ("expect", "DISCONNECT"), ("expect_eof", 1000), ("greet",), END,
        ),
        "client": (
            ("connect", (), {}, True), ("connect", (), {}, True), ("publish", ("once", b"")),
            ("poll_for", 200), ("disconnect",), ("connect", (), {}, False), SAY_END,
        ),
    },
    {
        "name": "ping_before_connect_sends_nothing",
        "covers": ("MQTT-3.1.0-1",),
        "broker": (("no_accept", 100),),
        "client": (("raises", "OSError", ENOTCONN, ("ping",)),),
    },
    {
        "name": "queued_before_connect_waits_for_connack",
        "covers": ("MQTT-3.1.0-1", "U311-4"),
        "broker": (
            ("accept",), ("expect", "CONNECT"), ("expect_nothing", 200), ("send", "CONNACK"),
            ("expect_all", ("PUBLISH", {"packet_id": "$a", "dup": False}),
                ("SUBSCRIBE", {"filters": (("f", 1),), "packet_id": "$s"})),
            ("send", "SUBACK", {"packet_id": "$s", "codes": (1,)}),
            ("send", "PUBACK", {"packet_id": "$a"}),
        ),
        "client": (
            ("new", {"reconnect": True}), ("on", "f", 1),
            ("let", "$a", ("publish_nowait", ("a", b"x"), {"qos": 1})),
            ("connect", (), {}, False), ("wait", ("$a",)),
        ),
    },
    {
        "name": "queued_before_a_refusal_is_not_sent_by_it",
        "covers": ("U311-4", "MQTT-3.2.2-5"),
        "broker": (
            ("accept",), ("expect", "CONNECT"), ("send", "CONNACK", {"return_code": 3}),
            ("expect_eof", 1000), ("greet",),
            ("expect", "PUBLISH", {"packet_id": "$a", "dup": False}),
            ("send", "PUBACK", {"packet_id": "$a"}),
        ),
        "client": (
            ("new", {"reconnect": True}),
            ("let", "$a", ("publish_nowait", ("a", b"x"), {"qos": 1})),
            ("connect", (), {}, False), ("wait", ("$a",)),
        ),
    },
    {
        "name": "refusal_ends_connect_and_is_not_tried_again",
        "covers": ("MQTT-3.1.2-2", "MQTT-3.1.3-9"),
        "cases": {"1": {"@code": 1}, "2": {"@code": 2}},
        "broker": (("greet", {"return_code": "@code"}), ("expect_eof", 1000), ("no_accept", 300)),
        "client": (
            ("new", {"reconnect": True}),
            ("raises", "ReasonError", {"reason_code": "@code"}, ("connect",)), ("sleep", 250),
        ),
    },
    {
        "name": "refusal_at_a_reconnect_is_backed_off",
        "covers": ("MQTT-3.1.3-9",),
        "broker": (
            ("greet",), ("sync", "cut"), ("cut", "rst"),
            ("greet", {"return_code": 2}), ("expect_eof", 1000), ("no_accept", 200), ("greet",),
        ),
        "client": (
            ("new", {"reconnect": True, "backoff_ms": 1600, "backoff_max_ms": 1600}), ("connect",),
            ("events", [("connect", False)]), ("sync", "cut"), ("poll_until_event", "connect", 6000),
        ),
    },
    {
        "name": "empty_client_id_may_be_refused",
        "covers": ("MQTT-3.1.3-8",),
        "broker": (
            ("greet", {"return_code": 2}, {"client_id": "", "clean_session": True}),
            ("expect_eof", 1000),
        ),
        "client": (
            ("new", {"client_id": "", "clean_session": True}),
            ("raises", "ReasonError", {"reason_code": 2}, ("connect",)),
            ("check", "connected", False),
        ),
    },
    {
        "name": "clean_session_forgets_both_directions",
        "covers": ("MQTT-3.1.2-6",),
        "broker": (
            ("greet", {}, {"clean_session": True}),
            ("expect", "PUBLISH", {"qos": 2, "packet_id": 7}),
            ("send", "PUBREC", {"packet_id": 7}), ("expect", "PUBREL", {"packet_id": 7}),
            ("send", "PUBLISH", {"topic": "in", "payload": b"1", "qos": 2, "packet_id": 7}),
            ("expect", "PUBREC", {"packet_id": 7}), ("cut", "rst"),
            ("greet", {}, {"clean_session": True}), ("expect_nothing", 100),
            ("send", "PUBLISH", {"topic": "in", "payload": b"2", "qos": 2, "packet_id": 7}),
            ("expect", "PUBREC", {"packet_id": 7}),
        ),
        "client": (
            ("new", {"clean_session": True}), ("connect",), ("next_id", 7),
            ("publish_nowait", ("a", b""), {"qos": 2}), LOST, ("connect", (), {}, False),
            ("poll_until", 2), ("messages", [("in", b"1"), ("in", b"2")]),
        ),
    },
    {
        "name": "refusal_with_session_present_resumes_nothing",
        "in_5": "such a refusal breaks a rule [MQTT-3.2.2-6]: the same is in v5_publish",
        "covers": ("MQTT-3.2.2-4",),
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"packet_id": "$a"}), ("cut", "rst"), ("accept",),
            ("expect", "CONNECT"), ("send", "CONNACK", {"session_present": 1, "return_code": 5}),
            ("expect_eof", 1000), ("greet", {"session_present": 1}),
            ("expect", "PUBLISH", {"packet_id": "$a", "dup": True}),
            ("send", "PUBACK", {"packet_id": "$a"}),
        ),
        "client": (
            ("connect",), ("let", "$a", ("publish_nowait", ("a", b""), {"qos": 1})), LOST,
            ("events", [("connect", False), ("disconnect", "OSError")]),
            ("raises", "ReasonError", {"reason_code": 5}, ("connect",)), ("events", []),
            ("connect", (), {}, True), ("wait", ("$a",)),
        ),
    },
    {
        "name": "retain_is_told_at_each_qos",
        "covers": ("MQTT-3.3.1-8", "MQTT-3.3.1-9"),
        "cases": {"0": {"@qos": 0}, "1": {"@qos": 1}, "2": {"@qos": 2}},
        "broker": (
            ("greet",),
            ("send", "PUBLISH", {"topic": "a", "qos": "@qos", "packet_id": 7, "retain": 1}),
            ("send", "PUBLISH", {"topic": "a", "qos": "@qos", "packet_id": 8}),
            ("expect_eof", 5000, ("PUBACK", "PUBREC", "DISCONNECT")),
        ),
        "client": (
            ("connect",), ("poll_until", 2),
            ("messages", [("a", b"", "@qos", True), ("a", b"", "@qos", False)]),
        ),
    },
    {
        "name": "retained_message_is_cleared_at_each_qos",
        "covers": ("MQTT-3.3.1-10",),
        "cases": {
            "1": {"@qos": 1, "@hex": "33 05 00 01 61 00 07"},
            "2": {"@qos": 2, "@hex": "35 05 00 01 61 00 07"},
        },
        "broker": (("greet",), ("expect_hex", "@hex"), ("expect_eof", 5000, ("DISCONNECT",))),
        "client": (
            ("connect",), ("next_id", 7),
            ("publish_nowait", ("a", b""), {"qos": "@qos", "retain": True}), ("poll_for", 50),
        ),
    },
    {
        "name": "qos_0_is_not_answered",
        "covers": ("MQTT-3.3.4-1",),
        "broker": (
            ("greet",), ("send", "PUBLISH", {"topic": "a", "payload": b"\0\1"}),
            ("expect_nothing", 200), ("sync", "quiet"),
        ),
        "client": (("connect",), ("poll_until", 1), ("poll_for", 150), ("sync", "quiet")),
    },
    {
        "name": "handler_has_run_before_the_ack",
        "covers": ("MQTT-4.3.2-2", "MQTT-4.3.3-2"),
        "cases": {"1": {"@qos": 1, "@ack": "PUBACK"}, "2": {"@qos": 2, "@ack": "PUBREC"}},
        "broker": (
            ("greet",), ("send", "PUBLISH", {"topic": "a", "qos": "@qos", "packet_id": 7}),
            ("expect_nothing", 200), ("sync", "handling"), ("expect", "@ack", {"packet_id": 7}),
        ),
        "client": (
            ("on_message", {"do": (("sync", "handling"),)}), ("connect",), ("poll_until", 1),
        ),
    },
    {
        "name": "codes_follow_the_order_of_filters",
        "covers": ("MQTT-3.9.3-1",),
        "broker": (
            ("greet",),
            ("expect", "SUBSCRIBE", {"filters": (("a", 2), ("b", 2), ("c", 2)),
                "packet_id": "$s"}),
            ("send", "SUBACK", {"packet_id": "$s", "codes": (0, 1, 2)}),
        ),
        "client": (
            ("connect",), ("subscribe", ([("a", 2), ("b", 2), ("c", 2)],), {}, [0, 1, 2]),
        ),
    },
    {
        "name": "disconnect_leaves_the_queue_unsent",
        "covers": ("MQTT-3.14.4-2",),
        "broker": (("greet",), ("expect", "PUBLISH"), ("expect_hex", "e0 00"), ("expect_eof", 1000)),
        "client": (
            ("new", {"window": 1}), ("connect",),
            ("repeat", 3, ("publish_nowait", ("a", b""), {"qos": 1})), ("disconnect",),
            ("raises", "OSError", ENOTCONN, ("ping",)),
            ("raises", "OSError", ENOTCONN, ("subscribe", ("a",))),
        ),
    },
    {
        "name": "disconnect_in_a_handler_is_followed_by_no_ack",
        "covers": ("MQTT-3.14.4-2",),
        "cases": {"1": {"@qos": 1, "@acks": {"PUBACK": 1, "DISCONNECT": 1}},
                  "2": {"@qos": 2, "@acks": {"DISCONNECT": 1}}},
        "broker": (
            ("greet",), ("sync", "ready"),
            ("send_together", ("PUBLISH", {"topic": "a", "qos": "@qos", "packet_id": 7}),
                ("PUBLISH", {"topic": "a", "qos": "@qos", "packet_id": 8})),
            ("expect_mix", "@acks"), ("expect_eof", 1000),
        ),
        "client": (
            ("on_message", {"do": (("disconnect",),)}), ("connect",), ("sync", "ready"),
            ("poll_until", 1), ("check", "connected", False)),
    },
    {
        "name": "wildcards_where_they_may_stand",
        "covers": ("MQTT-4.7.1-1", "MQTT-4.7.1-2", "MQTT-4.7.1-3"),
        "cases": {
            "hash": {"@f": "#"}, "a_hash": {"@f": "a/#"}, "slash_hash": {"@f": "/#"},
            "plus": {"@f": "+"}, "plus_a": {"@f": "+/a"}, "a_plus_b": {"@f": "a/+/b"},
            "plus_plus": {"@f": "+/+"}, "plus_hash": {"@f": "+/#"}, "slash_plus": {"@f": "/+"},
        },
        "broker": (
            ("greet",), ("expect", "SUBSCRIBE", {"filters": (("@f", 0),), "packet_id": "$s"}),
            ("send", "SUBACK", {"packet_id": "$s", "codes": (0,)}),
            ("expect", "UNSUBSCRIBE", {"filters": ("@f",), "packet_id": "$u"}),
            ("send", "UNSUBACK", {"packet_id": "$u"}),
        ),
        "client": (("connect",), ("subscribe", ("@f",), {}, 0), ("unsubscribe", ("@f",))),
    },
    {
        "name": "longest_filter",
        "covers": ("MQTT-4.7.3-3",),
        "broker": (
            ("greet",), ("expect", "SUBSCRIBE", {"filters": (("f" * 65535, 0),),
                "packet_id": "$s"}),
            ("send", "SUBACK", {"packet_id": "$s", "codes": (0,)}),
        ),
        "client": (
            ("connect",), ("raises", "ValueError", {}, ("subscribe", ("\xfc" * 32768,))),
            ("subscribe", ("f" * 65535,), {}, 0),
        ),
    },
    {
        "name": "unusual_characters_pass_both_ways",
        "covers": ("U311-7", "MQTT-1.5.3-1"),
        "cases": {
            "1": {"@t": "a\x01"}, "1f": {"@t": "\x1fa"}, "7f": {"@t": "a\x7f"},
            "9f": {"@t": "a\x9f"}, "fdd0": {"@t": "\ufdd0"}, "fffe": {"@t": "\ufffe"},
            "ffff": {"@t": "\uffff"}, "10ffff": {"@t": "\U0010ffff"}, "d7ff": {"@t": "\ud7ff"},
            "e000": {"@t": "\ue000"}, "10000": {"@t": "\U00010000"}, "80": {"@t": "\x80"},
            "800": {"@t": "\u0800"},
        },
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"topic": "@t"}), ("send", "PUBLISH", {"topic": "@t"}),
        ),
        "client": (
            ("connect",), ("publish", ("@t", b"")), ("poll_until", 1), ("messages", [("@t",)]),
        ),
    },
    {
        "name": "byte_order_mark_is_a_character",
        "covers": ("MQTT-1.5.3-3",),
        "broker": (
            ("greet", {}, {"client_id": "\ufeffid"}),
            ("expect", "SUBSCRIBE", {"filters": (("\ufeffa", 0),), "packet_id": "$s"}),
            ("send", "SUBACK", {"packet_id": "$s", "codes": (0,)}),
            ("send_together", ("PUBLISH", {"topic": "\ufeffa"}), ("PUBLISH", {"topic": "a"})),
        ),
        "client": (
            ("new", {"client_id": "\ufeffid"}), ("on", "\ufeffa"), ("connect",),
            ("poll_until", 2), ("handled", [("\ufeffa", "\ufeffa"), (None, "a")]),
        ),
    },
    {
        "name": "messages_keep_their_order_across_qos",
        "covers": ("MQTT-4.6.0-6",),
        "broker": (
            ("greet",),
            ("send_together", ("PUBLISH", {"topic": "a", "payload": b"1", "qos": 2,
                "packet_id": 5}), ("PUBLISH", {"topic": "a", "payload": b"2"}),
                ("PUBLISH", {"topic": "a", "payload": b"3", "qos": 1, "packet_id": 3}),
                ("PUBLISH", {"topic": "a", "payload": b"4"}),
                ("PUBLISH", {"topic": "a", "payload": b"5", "qos": 2, "packet_id": 1})),
            ("expect", "PUBREC", {"packet_id": 5}), ("expect", "PUBACK", {"packet_id": 3}),
            ("expect", "PUBREC", {"packet_id": 1}),
        ),
        "client": (
            ("connect",), ("poll_until", 5),
            ("messages", [("a", b"1"), ("a", b"2"), ("a", b"3"), ("a", b"4"), ("a", b"5")]),
        ),
    },
)
