"""SUBSCRIBE and UNSUBSCRIBE."""
# fmt: off

ETIMEDOUT = {"errno": "ETIMEDOUT"}
SUB = ("expect", "SUBSCRIBE", {"packet_id": "$s"})

SCENARIOS = (
    {
        "name": "subscribe_bytes",
        "covers": ("MQTT-3.8.1-1", "MQTT-3.8.3-1", "MQTT-3.8.3-4", "MQTT-2.3.1-1"),
        "cases": {
            "qos_0": {"@args": ("a/b",), "@hex": "82 08 00 01 00 03 61 2f 62 00", "@code": 0},
            "qos_1": {"@args": ("a", 1), "@hex": "82 06 00 01 00 01 61 01", "@code": 1},
            "qos_2": {"@args": ("#", 2), "@hex": "82 06 00 01 00 01 23 02", "@code": 2},
            "non_ascii": {"@args": ("ü",), "@hex": "82 07 00 01 00 02 c3 bc 00", "@code": 0},
            "plus": {"@args": ("+/a",), "@hex": "82 08 00 01 00 03 2b 2f 61 00", "@code": 0},
        },
        "broker": (
            ("greet",), ("expect_hex", "@hex"),
            ("send", "SUBACK", {"packet_id": 1, "codes": ("@code",)}),
        ),
        "client": (
            ("connect",), ("next_id", 1),
            ("subscribe", "@args", {}, "@code"),
        ),
    },
    {
        "name": "several_filters_in_one_packet",
        "covers": ("MQTT-3.9.3-1", "MQTT-3.8.4-5", "MQTT-3.8.4-6"),
        "broker": (
            ("greet",),
            ("expect", "SUBSCRIBE", {"filters": (("a", 2), ("b/+", 1), ("c/#", 0), ("d", 2)),
                "packet_id": "$s"}),
            ("send", "SUBACK", {"packet_id": "$s", "codes": (2, 0x80, 0, 0)}),
        ),
        "client": (
            ("connect",),
            ("subscribe", ([("a", 2), ("b/+", 1), ("c/#", 0), ("d", 2)],), {}, [2, 0x80, 0, 0]),
            ("check", "connected", True),
        ),
    },
    {
        "name": "refused_filter_is_a_reason_error",
        "covers": ("MQTT-3.8.4-5",),
        "broker": (
            ("greet",), SUB, ("send", "SUBACK", {"packet_id": "$s", "codes": (0x80,)}),
            ("expect", "PUBLISH", {"topic": "still here"}),
        ),
        "client": (
            ("connect",),
            ("raises", "ReasonError", {"reason_code": 0x80}, ("subscribe", ("a", 1))),
            ("check", "connected", True), ("publish", ("still here", b"")),
        ),
    },
    {
        "name": "lower_qos_granted_is_told",
        "covers": ("MQTT-3.8.4-6",),
        "broker": (
            ("greet",), SUB, ("send", "SUBACK", {"packet_id": "$s", "codes": (0,)}),
            ("send", "PUBLISH", {"topic": "a"}),
        ),
        "client": (("connect",), ("subscribe", ("a", 2), {}, 0), ("poll_until", 1)),
    },
    {
        "name": "suback_violation_closes",
        "covers": ("MQTT-3.8.4-5", "MQTT-3.9.3-2", "MQTT-2.2.2-2"),
        "cases": {
            "code_3": {"@hex": "90 04 00 01 00 03"}, "code_0x7f": {"@hex": "90 04 00 01 7f 00"},
            "code_0x81": {"@hex": "90 04 00 01 81 00"}, "code_0xff": {"@hex": "90 04 00 01 00 ff"},
            "too_few": {"@hex": "90 03 00 01 00"}, "too_many": {"@hex": "90 05 00 01 00 00 00"},
            "none": {"@hex": "90 02 00 01"}, "short": {"@hex": "90 01 00"},
                "empty": {"@hex": "90 00"},
            "flags": {"@hex": "92 04 00 01 00 00"},
        },
        "broker": (("greet",), SUB, ("send_hex", "@hex"), ("expect_eof", 2500)),
        "client": (
            ("connect",), ("next_id", 1),
            ("raises", "ProtocolError", {}, ("subscribe", ([("a", 0), ("b", 1)],))),
            ("check", "connected", False),
        ),
    },
    {
        "name": "messages_before_suback_are_delivered",
        "covers": ("U311-3",),
        "broker": (
            ("greet",), ("expect", "SUBSCRIBE", {"packet_id": "$s"}),
            ("send", "PUBLISH", {"topic": "a", "payload": b"0", "retain": 1}),
            ("send", "PUBLISH", {"topic": "a", "payload": b"1", "qos": 1, "packet_id": 5}),
            ("send", "PUBLISH", {"topic": "a", "payload": b"2", "qos": 2, "packet_id": 6}),
            ("expect", "PUBACK", {"packet_id": 5}),
            ("expect", "PUBREC", {"packet_id": 6}),
            ("send", "PUBREL", {"packet_id": 6}),
            ("expect", "PUBCOMP", {"packet_id": 6}),
            ("send", "SUBACK", {"packet_id": "$s", "codes": (2,)}),
        ),
        "client": (
            ("connect",), ("subscribe", ("a", 2), {}, 2),
            ("messages", [("a", b"0", 0, True), ("a", b"1", 1), ("a", b"2", 2)]),
        ),
    },
    {
        "name": "suback_lost_ends_in_time",
        "covers": ("MQTT-3.8.4-1",),
        "broker": (
            ("greet",), SUB, ("meet", "over"), ("expect_nothing", 20), ("let_go", "over"),
        ),
        "client": (
            ("connect",),
            ("within_ms", 2000, ("not_before_ms", 250,
                ("raises", "OSError", ETIMEDOUT, ("subscribe", ("a",), {"timeout_ms": 300})))),
            ("poll_for", 300), ("sync", "over"), ("close",),
        ),
    },
    {
        "name": "late_suback_is_borne",
        "broker": (
            ("greet",), SUB, ("sync", "timed out"),
            ("send", "SUBACK", {"packet_id": "$s", "codes": (1,)}),
            ("expect", "SUBSCRIBE", {"packet_id": "$t"}),
            ("send", "SUBACK", {"packet_id": "$t", "codes": (2,)}),
        ),
        "client": (
            ("connect",),
            ("raises", "OSError", ETIMEDOUT, ("subscribe", ("a", 1), {"timeout_ms": 100})),
            ("sync", "timed out"),
            ("subscribe", ("b", 2), {}, 2),
        ),
    },
    {
        "name": "unsubscribe_bytes",
        "covers": ("MQTT-3.10.1-1", "MQTT-3.10.3-1", "MQTT-3.10.4-5"),
        "cases": {
            "one": {"@arg": "a", "@hex": "a2 05 00 01 00 01 61"},
            "two": {"@arg": ["a", "b/#"], "@hex": "a2 0a 00 01 00 01 61 00 03 62 2f 23"},
        },
        "broker": (
            ("greet",), ("expect_hex", "@hex"), ("send", "UNSUBACK", {"packet_id": 1}),
        ),
        "client": (
            ("connect",), ("next_id", 1),
            ("unsubscribe", ("@arg",), {}, None),
        ),
    },
    {
        "name": "unsuback_lost_or_of_another_id_ends_in_time",
        "covers": ("MQTT-3.10.4-4",),
        "cases": {
            "lost": {"@step": ("stall", 0)},
            "other": {"@step": ("send", "UNSUBACK", {"packet_id": 999})},
        },
        "broker": (
            ("greet",), ("expect", "UNSUBSCRIBE"), "@step",
            ("meet", "over"), ("expect_nothing", 20), ("let_go", "over"),
        ),
        "client": (
            ("connect",),
            ("within_ms", 2000, ("raises", "OSError", ETIMEDOUT,
                ("unsubscribe", ("a",), {"timeout_ms": 300}))),
            ("poll_for", 300), ("sync", "over"), ("close",),
        ),
    },
    {
        "name": "unsuback_malformed_closes",
        "cases": {
            "short": {"@hex": "b0 01 00"}, "long": {"@hex": "b0 03 00 01 00"},
            "flags": {"@hex": "b2 02 00 01"}, "empty": {"@hex": "b0 00"},
        },
        "broker": (("greet",), ("expect", "UNSUBSCRIBE"), ("send_hex", "@hex"),
            ("expect_eof", 2500)),
        "client": (
            ("connect",), ("next_id", 1),
            ("raises", "ProtocolError", {}, ("unsubscribe", ("a",))),
            ("check", "connected", False),
        ),
    },
    {
        "name": "cut_while_subscribing_is_raised",
        "cases": {"fin": {"@how": "fin"}, "rst": {"@how": "rst"}},
        "broker": (("greet",), SUB, ("cut", "@how")),
        "client": (
            ("connect",),
            ("within_ms", 2500, ("raises", ("OSError", "MQTTError"), {}, ("subscribe", ("a",)))),
            ("check", "connected", False),
        ),
    },
    {
        "name": "many_filters_longer_than_the_tx_buffer",
        "broker": (
            ("greet",),
            ("expect", "SUBSCRIBE", {"filters": (("a" * 60, 1), ("b" * 60, 1), ("c" * 60, 1)),
                "packet_id": "$s"}),
            ("send", "SUBACK", {"packet_id": "$s", "codes": (1, 0, 1)}),
        ),
        "client": (
            ("new", {"tx_size": 128}), ("connect",),
            ("subscribe", ([("a" * 60, 1), ("b" * 60, 1), ("c" * 60, 1)],), {}, [1, 0, 1]),
        ),
    },
    {
        "name": "handlers_are_subscribed_at_connect",
        "broker": (
            ("greet",), ("expect_subscriptions", (("a", 1), ("b/#", 2))),
            ("expect", "PUBLISH", {"topic": "end"}),
        ),
        "client": (
            ("on", "a", 1), ("on", "b/#", 2), ("connect",), ("poll_for", 100),
            ("publish", ("end", b"")),
        ),
    },
    {
        "name": "handlers_are_not_subscribed_again_when_the_session_is_present",
        "covers": ("MQTT-3.2.2-2",),
        "broker": (
            ("greet",), ("expect_subscriptions", (("a", 1),)),
            ("expect", "DISCONNECT"),
            ("greet", {"session_present": 1}), ("expect", "PUBLISH", {"topic": "end"}),
        ),
        "client": (
            ("on", "a", 1), ("connect",), ("poll_until_granted",), ("disconnect",),
            ("connect", (), {}, True), ("poll_for", 100), ("publish", ("end", b"")),
        ),
    },
    {
        "name": "subscriptions_are_made_again_when_the_session_is_lost",
        "covers": ("MQTT-3.2.2-3",),
        "broker": (
            ("greet",), ("expect_subscriptions", (("a", 1),)),
            ("expect", "SUBSCRIBE", {"filters": (("b", 2), ("c", 0)), "packet_id": "$s"}),
            ("send", "SUBACK", {"packet_id": "$s", "codes": (2, 0)}),
            ("expect", "UNSUBSCRIBE", {"filters": ("c",), "packet_id": "$u"}),
            ("send", "UNSUBACK", {"packet_id": "$u"}),
            ("expect", "DISCONNECT"),
            ("greet",), ("expect_subscriptions", (("a", 1), ("b", 2))),
            ("expect", "PUBLISH", {"topic": "end"}),
        ),
        "client": (
            ("on", "a", 1), ("connect",), ("poll_for", 100),
            ("subscribe", ([("b", 2), ("c", 0)],)), ("unsubscribe", ("c",)),
            ("disconnect",), ("connect", (), {}, False), ("poll_for", 100),
            ("publish", ("end", b"")),
        ),
    },
    {
        "name": "refused_handler_is_told_and_does_not_end_the_link",
        "broker": (
            ("greet",), SUB, ("send", "SUBACK", {"packet_id": "$s", "codes": (0x80,)}),
            ("expect", "PUBLISH", {"topic": "end"}),
        ),
        "client": (
            ("on", "a", 1), ("connect",), ("poll_for", 150),
            ("events", [("connect", False), ("error", "ReasonError")]),
            ("publish", ("end", b"")),
        ),
    },
    {
        "name": "subscription_refused_after_the_session_was_lost_is_told",
        "cases": {
            "of_one": {"@arg": "a", "@granted": 1}, "of_a_list": {"@arg": ["a"], "@granted": [1]},
        },
        "broker": (
            ("greet",), SUB, ("send", "SUBACK", {"packet_id": "$s", "codes": (1,)}),
            ("sync", "cut"), ("cut", "rst"), ("greet",),
            ("expect", "SUBSCRIBE", {"filters": (("a", 1),), "packet_id": "$t"}),
            ("send", "SUBACK", {"packet_id": "$t", "codes": (0x80,)}),
        ),
        "client": (
            ("new", {"reconnect": True}), ("connect",),
            ("subscribe", ("@arg", 1), {}, "@granted"), ("sync", "cut"),
            ("poll_until_event", "error"),
            ("events", [("connect", False), ("disconnect", "OSError"), ("connect", False),
                ("error", "ReasonError")]),
        ),
    },
    {
        "name": "subscription_refused_after_the_call_has_timed_out_is_told",
        "broker": (
            ("greet",), SUB, ("sync", "timed out"),
            ("send", "SUBACK", {"packet_id": "$s", "codes": (0x80,)}),
        ),
        "client": (
            ("connect",),
            ("raises", "OSError", ETIMEDOUT, ("subscribe", ("a", 1), {"timeout_ms": 100})),
            ("sync", "timed out"), ("poll_until_event", "error"),
            ("events", [("connect", False), ("error", "ReasonError")]),
        ),
    },
    {
        "name": "what_is_refused_of_a_list_is_told_when_the_call_times_out",
        "broker": (
            ("greet",), SUB, ("expect", "SUBSCRIBE", {"filters": (("last", 1),)}),
            ("send", "SUBACK", {"packet_id": "$s", "codes": (1, 0x80) + 30 * (1,)}), ("sync", "timed out"),
        ),
        "client": (
            ("connect",),
            ("raises", "OSError", ETIMEDOUT, ("subscribe", ([
                "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e", "f",
                "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t", "u", "v",
                "last"], 1), {"timeout_ms": 1000})),
            ("events", [("connect", False), ("error", "ReasonError")]), ("sync", "timed out"),
        ),
    },
)
