"""Packets that break a rule: the link is closed, no handler is called, nothing is answered."""
# fmt: off

READY = ("sync", "ready")

SCENARIOS = (
    {
        "name": "malformed_publish_closes",
        "covers": (
            "MQTT-1.5.3-1", "MQTT-1.5.3-2", "MQTT-3.3.1-2", "MQTT-3.3.1-4", "MQTT-3.3.2-1",
            "MQTT-3.3.2-2", "MQTT-4.7.3-1", "MQTT-4.7.3-2", "MQTT-4.8.0-1",
        ),
        "cases": {
            "qos_3": {"@hex": "36 06 00 01 61 00 01 78"},
            "qos_3_dup_retain": {"@hex": "3f 06 00 01 61 00 01 78"},
            "qos_0_dup": {"@hex": "38 04 00 01 61 78"},
            "id_0_qos_1": {"@hex": "32 06 00 01 61 00 00 78"},
            "id_0_qos_2": {"@hex": "34 06 00 01 61 00 00 78"},
            "id_missing": {"@hex": "32 03 00 01 61"},
            "id_cut": {"@hex": "32 04 00 01 61 00"},
            "id_missing_qos_2": {"@hex": "34 03 00 01 61"},
            "empty_packet": {"@hex": "30 00"},
            "one_byte": {"@hex": "30 01 00"},
            "topic_empty": {"@hex": "30 03 00 00 78"},
            "topic_empty_qos_1": {"@hex": "32 04 00 00 00 01"},
            "topic_past_the_end": {"@hex": "30 04 00 05 61 62"},
            "topic_far_past_the_end": {"@hex": "30 04 ff ff 61 62"},
            "topic_past_the_end_by_one": {"@hex": "30 04 00 03 61 62"},
            "topic_past_the_end_qos_1": {"@hex": "32 06 00 05 61 62 00 01"},
            "topic_nul": {"@hex": "30 06 00 03 61 00 62 78"},
            "topic_nul_only": {"@hex": "32 05 00 01 00 00 01"},
            "topic_hash": {"@hex": "30 06 00 03 61 2f 23 78"},
            "topic_plus": {"@hex": "32 07 00 03 61 2f 2b 00 01"},
            "topic_surrogate": {"@hex": "30 05 00 03 ed a0 80"},
            "topic_surrogate_low": {"@hex": "30 05 00 03 ed bf bf"},
            "topic_overlong_2": {"@hex": "30 04 00 02 c0 af"},
            "topic_overlong_2_c1": {"@hex": "30 04 00 02 c1 bf"},
            "topic_overlong_3": {"@hex": "30 05 00 03 e0 80 af"},
            "topic_overlong_4": {"@hex": "30 06 00 04 f0 80 80 af"},
            "topic_above_10ffff": {"@hex": "30 06 00 04 f4 90 80 80"},
            "topic_f5": {"@hex": "30 06 00 04 f5 80 80 80"},
            "topic_f8": {"@hex": "32 09 00 05 f8 88 80 80 80 00 01"},
            "topic_ff": {"@hex": "30 04 00 02 61 ff"},
            "topic_lone_continuation": {"@hex": "30 04 00 02 61 80"},
            "topic_cut_sequence_2": {"@hex": "30 04 00 02 61 c3"},
            "topic_cut_sequence_3": {"@hex": "34 07 00 03 61 e2 82 00 01"},
            "topic_cut_sequence_4": {"@hex": "30 05 00 03 f0 9f 98"},
            "topic_bad_continuation": {"@hex": "30 04 00 02 c3 28"},
        },
        "broker": (("greet",), READY, ("send_hex", "@hex"), ("expect_eof", 2500)),
        "client": (
            ("connect",), READY, ("raises", "ProtocolError", {}, ("poll_for", 2000)),
            ("check", "connected", False), ("messages", []),
            ("blocking", "AsyncClient drops QoS 0 then, and counts it: see test_async_offline",
                ("raises", "OSError", {"errno": "ENOTCONN"}, ("publish", ("a", b"x")))),
        ),
    },
    {
        "name": "malformed_topic_that_a_filter_would_match_closes",
        "cases": {
            "nul": {"@hex": "30 06 00 03 61 00 62 78"}, "hash": {"@hex": "30 04 00 01 23 78"},
            "utf_8": {"@hex": "30 04 00 02 61 ff"},
        },
        "broker": (
            ("greet",), ("expect_subscriptions", (("#", 0),)), READY, ("send_hex", "@hex"),
            ("expect_eof", 2500),
        ),
        "client": (
            ("on", "#"), ("connect",), ("poll_for", 50), READY, ("raises", "ProtocolError", {},
                ("poll_for", 2000)),
            ("messages", []),
        ),
    },
    {
        "name": "malformed_ack_closes",
        "in_5": {"why": "a third byte is a reason code in 5.0, the fourth begins the properties",
                 "cases": {"puback_long": {"@hex": "5:40 05 00 01 00 00 00"},
                           "pubrec_long": {"@hex": "5:50 05 00 01 00 00 00"},
                           "pubrel_long": {"@hex": "5:62 05 00 01 00 00 00"}}},
        "covers": ("MQTT-2.2.2-2",),
        "cases": {
            "puback_flags": {"@hex": "41 02 00 01"}, "puback_empty": {"@hex": "40 00"},
            "puback_short": {"@hex": "40 01 00"}, "puback_long": {"@hex": "40 03 00 01 00"},
            "pubrec_flags": {"@hex": "52 02 00 01"}, "pubrec_short": {"@hex": "50 01 00"},
            "pubrec_long": {"@hex": "50 03 00 01 00"},
            "pubrel_no_flags": {"@hex": "60 02 00 01"}, "pubrel_flags": {"@hex": "63 02 00 01"},
            "pubrel_dup": {"@hex": "6a 02 00 01"}, "pubrel_empty": {"@hex": "62 00"},
            "pubrel_long": {"@hex": "62 04 00 01 00 00"},
            "pubcomp_flags": {"@hex": "78 02 00 01"}, "pubcomp_short": {"@hex": "70 01 01"},
            "suback_flags": {"@hex": "92 03 00 01 00"}, "unsuback_flags": {"@hex": "b2 02 00 01"},
        },
        "broker": (("greet",), READY, ("send_hex", "@hex"), ("expect_eof", 2500)),
        "client": (
            ("connect",), READY, ("raises", "ProtocolError", {}, ("poll_for", 2000)),
            ("check", "connected", False),
        ),
    },
    {
        "name": "packet_type_that_no_broker_sends_closes",
        "in_5": {"why": "a broker may send DISCONNECT in 5.0: see v5_disconnect",
                 "cases": {"disconnect": None}},
        "covers": ("MQTT-2.2.2-2", "MQTT-4.8.0-1"),
        "cases": {
            "0": {"@hex": "00 00"}, "0_flags": {"@hex": "0f 02 00 00"}, "15": {"@hex": "f0 00"},
            "15_flags": {"@hex": "ff 00"},
            "connect": {"@hex": "10 0c 00 04 4d 51 54 54 04 02 00 3c 00 00"},
            "subscribe": {"@hex": "82 06 00 01 00 01 61 00"},
            "unsubscribe": {"@hex": "a2 05 00 01 00 01 61"},
            "pingreq": {"@hex": "c0 00"}, "disconnect": {"@hex": "e0 00"},
        },
        "broker": (("greet",), READY, ("send_hex", "@hex"), ("expect_eof", 2500), ("greet",)),
        "client": (
            ("connect",), READY, ("raises", "ProtocolError", {}, ("poll_for", 2000)),
            ("check", "connected", False), ("connect", (), {}, False),
        ),
    },
    {
        "name": "remaining_length_of_five_bytes_closes_at_the_fourth",
        "covers": ("U311-1",),
        "cases": {
            "publish": {"@hex": "30 ff ff ff ff"}, "publish_zero": {"@hex": "30 80 80 80 80"},
            "puback": {"@hex": "40 82 80 80 80"}, "with_fifth": {"@hex": "30 ff ff ff ff 01"},
        },
        "broker": (("greet",), READY, ("send_hex", "@hex"), ("expect_eof", 2500)),
        "client": (
            ("connect",), READY, ("within_ms", 2000, ("raises", "ProtocolError", {},
                ("poll_for", 2500))),
            ("check", "connected", False),
        ),
    },
    {
        "name": "ack_with_a_huge_length_closes",
        "cases": {
            "puback": {"@hex": "40 ff ff ff 7f"}, "suback": {"@hex": "90 ff ff ff 7f 00 01"},
            "pingresp": {"@hex": "d0 ff 7f"}, "pubrel": {"@hex": "62 80 80 01"},
        },
        "broker": (
            ("greet",), READY, ("send_hex", "@hex"), ("flood_until_closed", 3000),
        ),
        "client": (
            ("connect",), READY, ("within_ms", 3000, ("raises", "MQTTError", {},
                ("poll_for", 4000))),
            ("check", "connected", False),
        ),
    },
    {
        "name": "good_message_before_a_bad_one_is_delivered",
        "broker": (
            ("greet",), READY,
            ("send_hex", "30 04 00 01 61 78  36 06 00 01 61 00 01 78  30 04 00 01 61 79"),
            ("expect_eof", 2500),
        ),
        "client": (
            ("connect",), READY, ("raises", "ProtocolError", {}, ("poll_for", 2000)),
            ("messages", [("a", b"x")]),
        ),
    },
    {
        "name": "malformed_while_publish_waits_is_raised_there",
        "broker": (("greet",), ("expect", "PUBLISH"), ("send_hex", "f0 00"), ("expect_eof", 2500)),
        "client": (
            ("connect",),
            ("within_ms", 2500, ("raises", "ProtocolError", {}, ("publish", ("a", b"x"),
                {"qos": 1}))),
            ("check", "connected", False),
            ("events", [("connect", False), ("disconnect", "ProtocolError")]),
        ),
    },
    {
        "name": "malformed_byte_by_byte_closes",
        "cases": {
            "qos_3": {"@hex": "36 06 00 01 61 00 01 78"},
            "topic_past_the_end": {"@hex": "30 04 00 05 61 62"},
            "reserved_15": {"@hex": "f0 00"}, "utf_8": {"@hex": "30 05 00 03 ed a0 80"},
        },
        "broker": (("greet",), READY, ("split", 1), ("send_hex", "@hex"), ("expect_eof", 2500)),
        "client": (
            ("connect",), READY, ("raises", "ProtocolError", {}, ("poll_for", 2000)), ("messages",
                []),
        ),
    },
)
