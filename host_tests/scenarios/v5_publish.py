"""MQTT 5.0: PUBLISH both ways with its properties, acks with reason codes, quota, limits."""
# fmt: off

VERSION = 5
LOST = ("raises", ("OSError", "MQTTError"), {}, ("poll_for", 3000))
END = ("expect", "PUBLISH", {"topic": "end"})
SAY_END = ("publish", ("end", b""))
ALL = {
    "payload_format_indicator": 1, "message_expiry_interval": 0xFFFFFFFF, "content_type": "ä",
    "response_topic": "r/s", "correlation_data": b"\0\xff",
    "user_property": [("b", "1"), ("a", ""), ("b", "1")],
}

SCENARIOS = (
    {
        "name": "publish_bytes",
        "covers": ("MQTT-2.2.2-1", "MQTT-2.2.1-2", "MQTT-3.3.2-1", "MQTT-4.3.1-1"),
        "cases": {
            "plain": {"@args": ("a", b"x"), "@more": {}, "@hex": "30 05 00 01 61 00 78"},
            "empty": {"@args": ("a", b""), "@more": {"properties": {}}, "@hex": "30 04 00 01 61 00"},
            "retained": {"@args": ("a", b"x"), "@more": {"retain": True},
                         "@hex": "31 05 00 01 61 00 78"},
            "text": {"@args": ("a", b"x"), "@more": {"properties": {"payload_format_indicator": 1}},
                     "@hex": "30 07 00 01 61 02 01 01 78"},
            "expiry": {"@args": ("a", b"x"),
                       "@more": {"properties": {"message_expiry_interval": 258}},
                       "@hex": "30 0a 00 01 61 05 02 00 00 01 02 78"},
            "user_properties": {
                "@args": ("a", b"x"),
                "@more": {"properties": {"user_property": [("b", "1"), ("b", "")]}},
                "@hex": "30 12 00 01 61 0d 26 00 01 62 00 01 31 26 00 01 62 00 00 78",
            },
        },
        "broker": (("greet",), ("expect_hex", "@hex")),
        "client": (("connect",), ("publish", "@args", "@more")),
    },
    {
        "name": "properties_go_out",
        "covers": ("MQTT-3.3.2-13", "MQTT-3.3.2-19", "MQTT-1.5.7-1"),
        "cases": {"0": {"@qos": 0}, "1": {"@qos": 1}, "2": {"@qos": 2}},
        "broker": (
            ("greet",),
            ("expect_delivery", {"topic": "a", "payload": b"x", "qos": "@qos", "properties": ALL}),
            ("expect_delivery", {"topic": "a", "payload": b"y", "properties": {}}),
        ),
        "client": (
            ("connect",), ("publish", ("a", b"x"), {"qos": "@qos", "properties": ALL}),
            ("publish", ("a", b"y"), {"qos": "@qos"}),
        ),
    },
    {
        "name": "properties_are_sent_again_as_they_were",
        "covers": ("MQTT-4.4.0-1",),
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"packet_id": "$a", "properties": ALL}),
            ("cut", "rst"), ("greet", {"session_present": 1}),
            ("expect_delivery", {"packet_id": "$a", "properties": ALL, "dup": True}),
        ),
        "client": (
            ("connect",),
            ("let", "$a", ("publish_nowait", ("a", b"x"), {"qos": 1, "properties": ALL})), LOST,
            ("connect",), ("wait", ("$a",)),
        ),
    },
    {
        "name": "bad_property_is_a_value_error",
        "covers": ("MQTT-3.3.4-6", "MQTT-3.3.2-14", "MQTT-1.5.4-2"),
        "cases": {
            "unknown": {"@own": {"no_such": 1}}, "of_connect": {"@own": {"receive_maximum": 1}},
            "range": {"@own": {"payload_format_indicator": 2}},
            "type": {"@own": {"content_type": 5}}, "null": {"@own": {"content_type": "\0"}},
            "wildcard": {"@own": {"response_topic": "a/#"}},
            "subscription_identifier": {"@own": {"subscription_identifier": 1}},
            "user_property": {"@own": {"user_property": [("a", 1)]}},
        },
        "broker": (("greet",), END),
        "client": (
            ("connect",),
            ("raises", "ValueError", {}, ("publish", ("a", b""), {"properties": "@own"})), SAY_END,
        ),
    },
    {
        "name": "properties_come_in",
        "covers": ("MQTT-3.3.2-4", "MQTT-3.3.2-6", "MQTT-3.3.2-15", "MQTT-3.3.2-16",
                   "MQTT-3.3.2-17", "MQTT-3.3.2-18", "MQTT-3.3.2-20"),
        "cases": {"0": {"@qos": 0}, "1": {"@qos": 1}, "2": {"@qos": 2}},
        "broker": (
            ("greet",),
            ("send", "PUBLISH", {"topic": "a", "payload": b"x", "qos": "@qos", "packet_id": 7,
                                 "properties": ALL}),
            ("send", "PUBLISH", {"topic": "a", "payload": b"y", "qos": "@qos", "packet_id": 8}),
            ("send", "PUBLISH", {"topic": "a", "payload": b"z", "qos": "@qos", "packet_id": 9,
                                 "properties": {"subscription_identifier": [1, 268435455, 1]}}),
            ("expect_eof", 5000, ("PUBACK", "PUBREC", "DISCONNECT")),
        ),
        "client": (
            ("connect",), ("poll_until", 3),
            ("messages", [("a", b"x", "@qos"), ("a", b"y", "@qos"), ("a", b"z", "@qos")]),
            ("properties", [ALL, {}, {"subscription_identifier": [1, 268435455, 1]}]),
        ),
    },
    {
        "name": "properties_of_a_streamed_message",
        "broker": (
            ("greet", {}, {"without": ("maximum_packet_size",)}),
            ("expect_subscriptions", (("s", 1),)),
            ("send", "PUBLISH", {"topic": "s", "payload": b"x" * 3000, "qos": 1, "packet_id": 7,
                                 "properties": ALL}),
            ("expect", "PUBACK", {"packet_id": 7}),
        ),
        "client": (
            ("on", "s", 1, {"stream": True}), ("connect",), ("poll_until_total", 3000),
            ("first_properties", ALL), ("joined", "s", b"x" * 3000), ("poll_for", 50),
        ),
    },
    {
        "name": "payload_format_is_checked_when_asked",
        "covers": ("U5-15",),
        "broker": (
            ("greet",),
            ("send", "PUBLISH", {"topic": "a", "payload": b"\xc3\xa4",
                                 "properties": {"payload_format_indicator": 1}}),
            ("send", "PUBLISH", {"topic": "a", "payload": b"\xff",
                                 "properties": {"payload_format_indicator": 0}}),
            ("send", "PUBLISH", {"topic": "a", "payload": b"\xff"}),
            ("send", "PUBLISH", {"topic": "a", "payload": b"\xff", "qos": 1, "packet_id": 7,
                                 "properties": {"payload_format_indicator": 1}}),
            ("expect", "PUBACK", {"packet_id": 7, "reason_code": 0x99}),
            ("send", "PUBLISH", {"topic": "a", "payload": b"\xff", "qos": 2, "packet_id": 8,
                                 "properties": {"payload_format_indicator": 1}}),
            ("expect", "PUBREC", {"packet_id": 8, "reason_code": 0x99}),
            ("send", "PUBLISH", {"topic": "a", "payload": b"ok", "qos": 2, "packet_id": 8,
                                 "properties": {"payload_format_indicator": 1}}),
            ("expect", "PUBREC", {"packet_id": 8, "reason_code": 0}),
        ),
        "client": (
            ("new", {"check_payload_format": True}), ("connect",), ("poll_until", 4),
            ("messages", [("a", b"\xc3\xa4"), ("a", b"\xff"), ("a", b"\xff"), ("a", b"ok")]),
        ),
    },
    {
        "name": "payload_format_is_not_checked_unless_asked",
        "covers": ("U5-15",),
        "broker": (
            ("greet",),
            ("send", "PUBLISH", {"topic": "a", "payload": b"\xff", "qos": 1, "packet_id": 7,
                                 "properties": {"payload_format_indicator": 1}}),
            ("expect", "PUBACK", {"packet_id": 7, "reason_code": 0}),
        ),
        "client": (("connect",), ("poll_until", 1), ("messages", [("a", b"\xff")])),
    },
    {
        "name": "refused_publish_is_raised",
        "covers": ("MQTT-3.4.2-1", "MQTT-3.5.2-1", "MQTT-4.4.0-2", "MQTT-4.3.3-4"),
        "cases": {
            "puback_80": {"@qos": 1, "@ack": "PUBACK", "@code": 0x80},
            "puback_83": {"@qos": 1, "@ack": "PUBACK", "@code": 0x83},
            "puback_87": {"@qos": 1, "@ack": "PUBACK", "@code": 0x87},
            "puback_90": {"@qos": 1, "@ack": "PUBACK", "@code": 0x90},
            "puback_91": {"@qos": 1, "@ack": "PUBACK", "@code": 0x91},
            "puback_97": {"@qos": 1, "@ack": "PUBACK", "@code": 0x97},
            "puback_99": {"@qos": 1, "@ack": "PUBACK", "@code": 0x99},
            "pubrec_80": {"@qos": 2, "@ack": "PUBREC", "@code": 0x80},
            "pubrec_97": {"@qos": 2, "@ack": "PUBREC", "@code": 0x97},
            "pubrec_99": {"@qos": 2, "@ack": "PUBREC", "@code": 0x99},
        },
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"packet_id": "$a"}),
            ("send", "@ack", {"packet_id": "$a", "reason_code": "@code"}),
            ("expect_nothing", 100), ("sync", "quiet"),
            ("expect", "PUBLISH", {"topic": "b", "packet_id": "$b"}),
            ("send", "@ack", {"packet_id": "$b", "reason_code": "@code",
                              "properties": {"reason_string": "no ä", "user_property": [("a", "b")]}}),
            END, ("cut", "rst"), ("greet", {"session_present": 1}), ("expect_nothing", 100),
            ("sync", "quiet again"), END,
        ),
        "client": (
            ("connect",),
            ("raises", "ReasonError", {"reason_code": "@code"},
                ("publish", ("a", b""), {"qos": "@qos"})),
            ("sync", "quiet"),
            ("raises", "ReasonError", {"reason_code": "@code", "properties": {
                "reason_string": "no ä", "user_property": [("a", "b")]}},
                ("publish", ("b", b""), {"qos": "@qos"})),
            ("check", "connected", True), SAY_END, LOST, ("connect",), ("poll_for", 100),
            ("sync", "quiet again"), SAY_END,
        ),
    },
    {
        "name": "refusal_that_nobody_waits_for_is_told",
        "covers": ("MQTT-4.4.0-2",),
        "cases": {"1": {"@qos": 1, "@ack": "PUBACK"}, "2": {"@qos": 2, "@ack": "PUBREC"}},
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"packet_id": "$a"}),
            ("send", "@ack", {"packet_id": "$a", "reason_code": 0x97}), END,
        ),
        "client": (
            ("connect",), ("events", [("connect", False)]),
            ("let", "$a", ("publish_nowait", ("a", b""), {"qos": "@qos"})),
            ("poll_until_event", "error"), ("events", [("error", "ReasonError", 0x97)]),
            ("pending", ("$a",), {}, False), SAY_END,
        ),
    },
    {
        "name": "no_matching_subscribers_is_no_refusal",
        "covers": ("MQTT-3.4.2-1", "MQTT-3.5.2-1", "MQTT-4.3.3-4"),
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"packet_id": "$a", "qos": 1}),
            ("send", "PUBACK", {"packet_id": "$a", "reason_code": 0x10}),
            ("expect", "PUBLISH", {"packet_id": "$b", "qos": 2}),
            ("send", "PUBREC", {"packet_id": "$b", "reason_code": 0x10}),
            ("expect", "PUBREL", {"packet_id": "$b", "reason_code": 0}),
            ("send", "PUBCOMP", {"packet_id": "$b", "reason_code": 0, "properties": {}}), END,
        ),
        "client": (
            ("connect",), ("publish", ("a", b""), {"qos": 1}), ("publish", ("a", b""), {"qos": 2}),
            SAY_END,
        ),
    },
    {
        "name": "acks_in_all_their_forms",
        "covers": ("U5-14", "MQTT-4.3.2-3", "MQTT-4.3.3-3", "MQTT-4.3.3-5"),
        "cases": {
            "code": {"@more": {"reason_code": 0}},
            "properties": {"@more": {"reason_code": 0, "properties": {"reason_string": "ok"}}},
            "user": {"@more": {"properties": {"user_property": [("a", "b"), ("a", "b")]}}},
            "long": {"@more": {"properties": {"reason_string": "r" * 500}}},
        },
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"packet_id": 5}),
            ("send_more", "PUBACK", {"packet_id": 5}, "@more"),
            ("expect", "PUBLISH", {"packet_id": 6}),
            ("send_more", "PUBREC", {"packet_id": 6}, "@more"),
            ("expect_hex", "62 02 00 06"), ("send_more", "PUBCOMP", {"packet_id": 6}, "@more"),
            ("send", "PUBLISH", {"topic": "i", "qos": 2, "packet_id": 9}),
            ("expect_hex", "50 02 00 09"), ("send_more", "PUBREL", {"packet_id": 9}, "@more"),
            ("expect_hex", "70 02 00 09"), END,
        ),
        "client": (
            ("connect",), ("next_id", 5), ("publish", ("a", b""), {"qos": 1}),
            ("publish", ("a", b""), {"qos": 2}), ("poll_until", 1), ("poll_for", 100), SAY_END,
        ),
    },
    {
        "name": "ids_that_are_not_known_get_0x92",
        "covers": ("MQTT-3.6.2-1", "MQTT-3.7.2-1", "MQTT-4.3.3-11"),
        "broker": (
            ("greet",), ("sync", "ready"), ("send", "PUBREL", {"packet_id": 77}),
            ("expect_hex", "70 03 00 4d 92"), ("send", "PUBREC", {"packet_id": 78}),
            ("expect_hex", "62 03 00 4e 92"), ("send", "PUBCOMP", {"packet_id": 78}),
            ("send", "PUBCOMP", {"packet_id": 79, "reason_code": 0x92}),
            ("send", "PUBACK", {"packet_id": 80}),
            ("send", "PUBREC", {"packet_id": 81, "reason_code": 0x80}), END,
        ),
        "client": (("connect",), ("sync", "ready"), ("poll_for", 150), SAY_END),
    },
    {
        "name": "pubcomp_0x92_ends_the_flow",
        "covers": ("MQTT-3.7.2-1", "MQTT-4.3.3-5"),
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"packet_id": "$a"}),
            ("send", "PUBREC", {"packet_id": "$a"}), ("expect", "PUBREL", {"packet_id": "$a"}),
            ("send", "PUBCOMP", {"packet_id": "$a", "reason_code": 0x92}), END,
        ),
        "client": (
            ("connect",), ("let", "$a", ("publish_nowait", ("a", b""), {"qos": 2})),
            ("poll_until_done", "$a"), SAY_END,
        ),
    },
    {
        "name": "qos_2_sent_again_is_acknowledged_and_delivered_once",
        "covers": ("MQTT-4.3.3-10", "MQTT-4.3.3-12"),
        "broker": (
            ("greet",), ("send", "PUBLISH", {"topic": "a", "qos": 2, "packet_id": 7}),
            ("expect", "PUBREC", {"packet_id": 7}), ("sync", "got"), ("cut", "rst"),
            ("greet", {"session_present": 1}),
            ("send", "PUBLISH", {"topic": "a", "qos": 2, "packet_id": 7, "dup": 1}),
            ("expect", "PUBREC", {"packet_id": 7, "reason_code": 0}),
            ("send", "PUBREL", {"packet_id": 7}),
            ("expect", "PUBCOMP", {"packet_id": 7, "reason_code": 0}),
            ("send", "PUBLISH", {"topic": "b", "qos": 2, "packet_id": 7}),
            ("expect", "PUBREC", {"packet_id": 7}),
        ),
        "client": (
            ("connect",), ("poll_until", 1), ("poll_for", 30), ("sync", "got"), LOST,
            ("connect",), ("poll_until", 2),
            ("poll_for", 50), ("messages", [("a",), ("b",)]),
        ),
    },
    {
        "name": "refusal_with_session_present_resumes_nothing",
        "covers": ("MQTT-3.2.2-6",),
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"packet_id": "$a"}), ("cut", "rst"), ("accept",),
            ("expect", "CONNECT"), ("send", "CONNACK", {"session_present": 1, "reason_code": 0x87}),
            ("expect_eof", 1000, ("DISCONNECT",)), ("greet", {"session_present": 1}),
            ("expect", "PUBLISH", {"packet_id": "$a", "dup": True}),
            ("send", "PUBACK", {"packet_id": "$a"}),
        ),
        "client": (
            ("connect",), ("let", "$a", ("publish_nowait", ("a", b""), {"qos": 1})), LOST,
            ("raises", "MQTTError", {}, ("connect",)), ("connect", (), {}, True), ("wait", ("$a",)),
        ),
    },
    {
        "name": "message_without_properties_reads_the_same_empty_dict",
        "broker": (("greet",), ("send", "PUBLISH", {"topic": "a", "payload": b"1"})),
        "client": (("connect",), ("poll_until", 1), ("properties", [{}])),
    },
)
