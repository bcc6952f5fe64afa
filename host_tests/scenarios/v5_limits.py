"""MQTT 5.0: quota, what the broker does not take, our own limits, nothing sent twice."""
# fmt: off

VERSION = 5
LOST = ("raises", ("OSError", "MQTTError"), {}, ("poll_for", 3000))
ETIMEDOUT = {"errno": "ETIMEDOUT"}
END = ("expect", "PUBLISH", {"topic": "end"})
SAY_END = ("publish", ("end", b""))
LAST = ("send", "PUBLISH", {"topic": "last"})

SCENARIOS = (
    {
        "name": "nothing_is_sent_again_on_a_live_link",
        "covers": ("MQTT-4.4.0-1",),
        "cases": {"1": {"@qos": 1}, "2": {"@qos": 2}},
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"packet_id": "$a"}), ("expect_nothing", 600),
            ("sync", "quiet"), END,
        ),
        "client": (
            ("connect",),
            ("raises", "OSError", ETIMEDOUT,
                ("publish", ("a", b""), {"qos": "@qos", "timeout_ms": 200})),
            ("poll_for", 400), ("sync", "quiet"), SAY_END,
        ),
    },
    {
        "name": "quota_holds_back_publish_and_nothing_else",
        "covers": ("MQTT-3.3.4-7", "MQTT-3.3.4-8", "MQTT-4.9.0-1", "MQTT-4.9.0-2",
                   "MQTT-4.9.0-3"),
        "broker": (
            ("greet", {"properties": {"receive_maximum": 2}}),
            ("expect", "PUBLISH", {"payload": b"1", "packet_id": "$a", "qos": 1}),
            ("expect", "PUBLISH", {"payload": b"2", "packet_id": "$b", "qos": 2}),
            ("expect", "PUBLISH", {"payload": b"q0", "qos": 0}),
            ("expect", "SUBSCRIBE", {"packet_id": "$s"}),
            ("send", "SUBACK", {"packet_id": "$s", "codes": (0,)}),
            ("send", "PUBLISH", {"topic": "i", "qos": 1, "packet_id": 9}),
            ("expect", "PUBACK", {"packet_id": 9}), ("expect_nothing", 100),
            ("send", "PUBREC", {"packet_id": "$b"}), ("expect", "PUBREL", {"packet_id": "$b"}),
            ("expect_nothing", 100), ("send", "PUBCOMP", {"packet_id": "$b"}),
            ("expect", "PUBLISH", {"payload": b"3", "packet_id": "$c"}), ("expect_nothing", 100),
            ("send", "PUBACK", {"packet_id": "$a"}),
            ("expect", "PUBLISH", {"payload": b"4", "packet_id": "$d"}),
            ("send", "PUBACK", {"packet_id": "$c"}), ("send", "PUBACK", {"packet_id": "$d"}),
        ),
        "client": (
            ("connect",),
            ("publish_nowait", ("a", b"1"), {"qos": 1}),
            ("publish_nowait", ("a", b"2"), {"qos": 2}), ("publish", ("a", b"q0")),
            ("subscribe", ("i",)), ("publish_nowait", ("a", b"3"), {"qos": 1}),
            ("let", "$d", ("publish_nowait", ("a", b"4"), {"qos": 1})),
            ("wait", ("$d",)),
        ),
    },
    {
        "name": "refusals_give_the_quota_back",
        "covers": ("MQTT-4.9.0-2",),
        "broker": (
            ("greet", {"properties": {"receive_maximum": 1}}),
            ("expect", "PUBLISH", {"payload": b"1", "packet_id": "$a"}),
            ("send", "PUBREC", {"packet_id": "$a", "reason_code": 0x97}),
            ("expect", "PUBLISH", {"payload": b"2", "packet_id": "$b"}),
            ("send", "PUBACK", {"packet_id": "$b", "reason_code": 0x97}),
            ("expect_delivery", {"payload": b"3"}),
        ),
        "client": (
            ("connect",), ("publish_nowait", ("a", b"1"), {"qos": 2}),
            ("publish_nowait", ("a", b"2"), {"qos": 1}), ("publish", ("a", b"3"), {"qos": 1}),
        ),
    },
    {
        "name": "unknown_acks_do_not_raise_the_quota",
        "covers": ("MQTT-4.9.0-1",),
        "broker": (
            ("greet", {"properties": {"receive_maximum": 1}}), ("sync", "ready"),
            ("send", "PUBACK", {"packet_id": 500}), ("send", "PUBCOMP", {"packet_id": 501}),
            ("send", "PUBREC", {"packet_id": 502, "reason_code": 0x80}),
            ("expect", "PUBLISH", {"payload": b"1", "packet_id": "$a"}), ("expect_nothing", 200),
            ("send", "PUBACK", {"packet_id": "$a"}), ("expect_delivery", {"payload": b"2"}),
        ),
        "client": (
            ("connect",), ("sync", "ready"), ("poll_for", 100),
            ("publish_nowait", ("a", b"1"), {"qos": 1}), ("publish", ("a", b"2"), {"qos": 1}),
        ),
    },
    {
        "name": "quota_begins_anew_with_a_connection",
        "covers": ("MQTT-4.9.0-1", "U5-16", "U5-17"),
        "cases": {
            "smaller": {"@n": 1, "@then": (("expect_delivery", {"payload": b"1", "dup": True}),
                                           ("expect_delivery", {"payload": b"2", "dup": True}),
                                           ("expect_delivery", {"payload": b"3"}))},
            "larger": {"@n": 3, "@then": (
                ("expect", "PUBLISH", {"payload": b"1", "dup": True, "packet_id": "$a"}),
                ("expect", "PUBLISH", {"payload": b"2", "dup": True, "packet_id": "$b"}),
                ("expect", "PUBLISH", {"payload": b"3", "packet_id": "$c"}),
                ("send", "PUBACK", {"packet_id": "$a"}), ("send", "PUBACK", {"packet_id": "$b"}),
                ("send", "PUBACK", {"packet_id": "$c"}))},
        },
        "broker": (
            ("greet", {"properties": {"receive_maximum": 2}}),
            ("expect", "PUBLISH", {"payload": b"1", "packet_id": "$a"}),
            ("expect", "PUBLISH", {"payload": b"2", "packet_id": "$b"}), ("sync", "queued"),
            ("cut", "rst"), ("accept",), ("expect", "CONNECT"),
            ("send", "CONNACK", {"session_present": 1, "properties": {"receive_maximum": "@n"}}),
            ("steps", "@then"),
        ),
        "client": (
            ("connect",), ("publish_nowait", ("a", b"1"), {"qos": 1}),
            ("publish_nowait", ("a", b"2"), {"qos": 1}),
            ("let", "$c", ("publish_nowait", ("a", b"3"), {"qos": 1})), ("sync", "queued"), LOST,
            ("connect",), ("wait", ("$c",)),
        ),
    },
    {
        "name": "pubrels_of_before_leave_room_for_their_pubcomps",
        "covers": ("MQTT-4.9.0-1", "U5-16"),
        "broker": (
            ("greet", {"properties": {"receive_maximum": 2}}),
            ("expect", "PUBLISH", {"payload": b"1", "packet_id": "$a", "qos": 2}),
            ("send", "PUBREC", {"packet_id": "$a"}), ("expect", "PUBREL"), ("cut", "rst"),
            ("greet", {"session_present": 1, "properties": {"receive_maximum": 1}}),
            ("expect", "PUBREL", {"packet_id": "$a", "reason_code": 0}),
            ("send", "PUBCOMP", {"packet_id": "$a"}), ("expect_delivery", {"payload": b"2"}),
        ),
        "client": (
            ("connect",), ("publish_nowait", ("a", b"1"), {"qos": 2}), LOST, ("connect",),
            ("publish", ("a", b"2"), {"qos": 1}),
        ),
    },
    {
        "name": "limits_of_the_broker_are_kept_before_anything_is_sent",
        "covers": ("MQTT-3.2.2-11", "MQTT-3.2.2-14", "MQTT-3.2.2-15"),
        "cases": {
            "qos_2_of_1": {"@told": {"maximum_qos": 1}, "@more": {"qos": 2}, "@code": 0x9B},
            "qos_2_of_0": {"@told": {"maximum_qos": 0}, "@more": {"qos": 2}, "@code": 0x9B},
            "qos_1_of_0": {"@told": {"maximum_qos": 0}, "@more": {"qos": 1}, "@code": 0x9B},
            "retain": {"@told": {"retain_available": 0}, "@more": {"retain": True},
                       "@code": 0x9A},
            "retain_qos_1": {"@told": {"retain_available": 0}, "@more": {"retain": True, "qos": 1},
                             "@code": 0x9A},
            "size_qos_0": {"@told": {"maximum_packet_size": 103}, "@more": {}, "@code": 0x95},
            "size_qos_1": {"@told": {"maximum_packet_size": 105}, "@more": {"qos": 1},
                           "@code": 0x95},
            "size_with_properties": {"@told": {"maximum_packet_size": 106},
                "@more": {"properties": {"content_type": "t"}}, "@code": 0x95},
        },
        "broker": (("greet", {"properties": "@told"}), ("expect_nothing", 100), ("sync", "quiet"), END),
        "client": (
            ("connect",),
            ("raises", "ReasonError", {"reason_code": "@code"},
                ("publish", ("a", ("times", b"x", 98)), "@more")),
            ("raises", "ReasonError", {"reason_code": "@code"},
                ("publish_nowait", ("a", ("times", b"x", 98)), "@more")),
            ("sync", "quiet"), SAY_END,
        ),
    },
    {
        "name": "limits_of_the_broker_are_reached",
        "covers": ("MQTT-3.2.2-11", "MQTT-3.2.2-15"),
        "cases": {
            "qos_1": {"@told": {"maximum_qos": 1}, "@more": {"qos": 1}},
            "qos_0": {"@told": {"maximum_qos": 0}, "@more": {}},
            "size_qos_0": {"@told": {"maximum_packet_size": 104}, "@more": {}},
            "size_qos_1": {"@told": {"maximum_packet_size": 106}, "@more": {"qos": 1}},
            "size_with_properties": {"@told": {"maximum_packet_size": 108},
                "@more": {"properties": {"content_type": "t"}}},
        },
        "broker": (("greet", {"properties": "@told"}), ("expect_delivery", {"topic": "a"})),
        "client": (("connect",), ("publish", ("a", ("times", b"x", 98)), "@more")),
    },
    {
        "name": "what_a_new_broker_does_not_take_is_given_up",
        "covers": ("U5-17", "MQTT-3.2.2-11", "MQTT-3.2.2-14", "MQTT-3.2.2-15"),
        "cases": {
            "qos": {"@told": {"maximum_qos": 1}, "@code": 0x9B},
            "retain": {"@told": {"retain_available": 0}, "@code": 0x9A},
            "size": {"@told": {"maximum_packet_size": 60}, "@code": 0x95},
        },
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"payload": b"x" * 50, "qos": 2}), ("cut", "rst"),
            ("accept",), ("expect", "CONNECT"),
            ("send", "CONNACK", {"session_present": 0, "properties": "@told"}),
            ("expect_nothing", 150), ("sync", "quiet"), END,
        ),
        "client": (
            ("connect",), ("let", "$a", ("publish_nowait", ("topic", b"x" * 50),
                {"qos": 2, "retain": True})), LOST, ("events", [("connect", False),
                ("disconnect", "OSError")]), ("connect",), ("poll_for", 200),
            ("events", [("connect", False), ("error", "ReasonError", "@code")]),
            ("pending", ("$a",), {}, False), ("sync", "quiet"), SAY_END,
        ),
    },
    {
        "name": "qos_0_that_a_new_broker_does_not_take_is_told",
        "broker": (
            ("small_buffer",), ("greet",), ("expect_delivery", {"topic": "first", "qos": 1}),
            ("meet", "cut"), ("cut", "rst"), ("let_go", "cut"),
            ("greet", {"properties": {"retain_available": 0}}),
        ),
        "client": (
            ("new", {"reconnect": True}), ("connect",), ("publish", ("first", b""), {"qos": 1}),
            ("publish_nowait", ("long", ("times", b"x", 5000000))),
            ("publish_nowait", ("status", b"x"), {"retain": True}),
            ("sync", "cut"), ("poll_until_event", "error"),
            ("events", [("connect", False), ("disconnect", "OSError"), ("connect", False),
                ("error", "ReasonError", 0x9A)]), ("check", "session.refused", {}),
        ),
    },
    {
        "name": "subscribe_that_is_too_long_is_not_sent",
        "covers": ("MQTT-3.2.2-15",),
        "broker": (
            ("greet", {"properties": {"maximum_packet_size": 50}}), ("expect_nothing", 150), ("sync", "quiet"), END,
        ),
        "client": (
            ("connect",), ("raises", "ReasonError", {"reason_code": 0x95},
                ("subscribe", ("f" * 60,))), ("poll_for", 200), ("sync", "quiet"), SAY_END,
        ),
    },
    {
        "name": "unsubscribe_that_is_too_long_is_not_sent",
        "covers": ("MQTT-3.2.2-15",),
        "broker": (
            ("greet", {"properties": {"maximum_packet_size": 50}}), ("expect_nothing", 150), ("sync", "quiet"), END,
        ),
        "client": (
            ("connect",), ("raises", "ReasonError", {"reason_code": 0x95},
                ("unsubscribe", ("f" * 60,))), ("poll_for", 200), ("sync", "quiet"), SAY_END,
        ),
    },
    {
        "name": "many_filters_go_in_packets_that_are_short_enough",
        "covers": ("MQTT-3.2.2-15",),
        "broker": (
            ("greet", {"properties": {"maximum_packet_size": 50}}),
            ("expect_subscriptions", (("f" * 20, 0), ("g" * 20, 1), ("h" * 20, 0))),
            ("expect_unsubscriptions", ("f" * 20, "g" * 20, "h" * 20)), END,
        ),
        "client": (
            ("connect",),
            ("subscribe", ([("f" * 20, 0), ("g" * 20, 1), ("h" * 20, 0)],), {}, [0, 1, 0]),
            ("unsubscribe", (["f" * 20, "g" * 20, "h" * 20],)), SAY_END,
        ),
    },
    {
        "name": "message_above_our_maximum_is_answered_by_0x95",
        "covers": ("MQTT-3.1.2-24", "U5-5"),
        "cases": {"0": {"@qos": 0}, "1": {"@qos": 1}, "2": {"@qos": 2}},
        "broker": (
            ("greet", {}, {"with": {"maximum_packet_size": 200}}), ("sync", "ready"),
            ("send", "PUBLISH", {"topic": "a", "payload": b"x" * 300, "qos": "@qos",
                                 "packet_id": 7}), ("expect_refusal", 0x95),
        ),
        "client": (
            ("new", {"rx_size": 200}), ("connect",), ("sync", "ready"),
            ("raises", "ProtocolError", {"reason_code": 0x95}, ("poll_for", 2000)),
            ("messages", []),
        ),
    },
    {
        "name": "long_message_with_bad_properties_closes",
        "covers": ("U5-1", "U5-2"),
        "cases": {
            "length_of_5_bytes": {"@hex": "30 ff 7f 00 01 61 ff ff ff ff ff ff"},
            "length_padded": {"@hex": "30 ff 7f 00 01 61 80 00"},
            "unknown": {"@hex": "30 ff 7f 00 01 61 02 7f 01"},
            "past_the_end": {"@hex": "32 80 02 00 01 61 00 07 ff 7f"},
        },
        "broker": (
            ("greet",), ("sync", "ready"), ("send_hex", "@hex"), ("flood", 10000),
            ("expect_refusal", 0x81),
        ),
        "client": (
            ("new", {"rx_size": 128, "properties": {"maximum_packet_size": None}}), ("connect",),
            ("sync", "ready"),
            ("raises", "ProtocolError", {"reason_code": 0x81}, ("poll_for", 2000)),
            ("messages", []),
        ),
    },
    {
        "name": "longest_message_is_taken",
        "covers": ("MQTT-3.1.2-24",),
        "broker": (
            ("greet",), ("send", "PUBLISH", {"topic": "a", "payload": b"x" * 193}),
        ),
        "client": (
            ("new", {"rx_size": 200}), ("connect",), ("poll_until", 1),
            ("messages", [("a", b"x" * 193)]),
        ),
    },
    {
        "name": "more_messages_than_our_receive_maximum_are_answered_by_0x93",
        "covers": ("MQTT-3.3.4-9", "U5-6"),
        "broker": (
            ("greet", {}, {"with": {"receive_maximum": 2}}), ("sync", "ready"),
            ("send", "PUBLISH", {"topic": "a", "qos": 2, "packet_id": 7}),
            ("send", "PUBLISH", {"topic": "a", "qos": 2, "packet_id": 8}),
            ("expect", "PUBREC", {"packet_id": 7}), ("expect", "PUBREC", {"packet_id": 8}),
            ("send", "PUBLISH", {"topic": "a", "qos": 2, "packet_id": 9}),
            ("expect_refusal", 0x93),
        ),
        "client": (
            ("new", {"properties": {"receive_maximum": 2}}), ("connect",), ("sync", "ready"),
            ("raises", "ProtocolError", {"reason_code": 0x93}, ("poll_for", 2000)),
            ("messages", [("a",), ("a",)]),
        ),
    },
    {
        "name": "our_receive_maximum_begins_anew_with_a_connection",
        "covers": ("MQTT-3.3.4-9", "MQTT-4.9.0-1"),
        "broker": (
            ("greet", {}, {"with": {"receive_maximum": 2}}),
            ("send", "PUBLISH", {"topic": "a", "qos": 2, "packet_id": 7}),
            ("send", "PUBLISH", {"topic": "a", "qos": 2, "packet_id": 8}),
            ("expect", "PUBREC", {"packet_id": 7}), ("expect", "PUBREC", {"packet_id": 8}),
            ("sync", "got"), ("cut", "rst"), ("greet", {"session_present": 1}),
            ("send", "PUBLISH", {"topic": "b", "qos": 2, "packet_id": 9}),
            ("send", "PUBLISH", {"topic": "b", "qos": 2, "packet_id": 10}),
            ("expect", "PUBREC", {"packet_id": 9}), ("expect", "PUBREC", {"packet_id": 10}),
            ("send", "PUBREL", {"packet_id": 7}), ("send", "PUBREL", {"packet_id": 8}),
            ("expect", "PUBCOMP", {"packet_id": 7}), ("expect", "PUBCOMP", {"packet_id": 8}), LAST,
        ),
        "client": (
            ("new", {"properties": {"receive_maximum": 2}}), ("connect",), ("poll_until", 2),
            ("poll_for", 30), ("sync", "got"), LOST, ("connect",), ("poll_until", 5),
        ),
    },
    {
        "name": "our_receive_maximum_is_used_to_the_full_again_and_again",
        "covers": ("MQTT-3.3.4-9",),
        "broker": (
            ("greet", {}, {"with": {"receive_maximum": 2}}),
            ("for_ids", 1, 20,
                ("send", "PUBLISH", {"topic": "a", "qos": 2, "packet_id": "$i"}),
                ("expect", "PUBREC", {"packet_id": "$i"}),
                ("send", "PUBLISH", {"topic": "a", "qos": 1, "packet_id": 999}),
                ("expect", "PUBACK", {"packet_id": 999}),
                ("send", "PUBREL", {"packet_id": "$i"}),
                ("expect", "PUBCOMP", {"packet_id": "$i"})),
        ),
        "client": (
            ("new", {"properties": {"receive_maximum": 2}}), ("connect",), ("poll_until", 40),
            ("poll_for", 50),
        ),
    },
    {
        "name": "a_finished_message_takes_no_place_of_our_receive_maximum",
        "covers": ("MQTT-3.3.4-9",),
        "broker": (
            ("greet", {}, {"with": {"receive_maximum": 1}}), ("sync", "ready"),
            ("send", "PUBLISH", {"topic": "a", "qos": 2, "packet_id": 7}),
            ("expect", "PUBREC", {"packet_id": 7}), ("send", "PUBREL", {"packet_id": 7}),
            ("expect", "PUBCOMP", {"packet_id": 7}),
            ("send_together", ("PUBREL", {"packet_id": 5}),
                ("PUBLISH", {"topic": "a", "qos": 1, "packet_id": 8})),
            ("expect", "PUBCOMP", {"packet_id": 5, "reason_code": 0x92}),
            ("expect", "PUBACK", {"packet_id": 8}),
        ),
        "client": (
            ("new", {"properties": {"receive_maximum": 1}}), ("connect",), ("sync", "ready"),
            ("poll_until", 2), ("poll_for", 50),
        ),
    },
    {
        "name": "long_messages_above_our_receive_maximum_are_answered_by_0x93",
        "covers": ("MQTT-3.3.4-9", "U5-6"),
        "cases": {"1": {"@qos": 1}, "2": {"@qos": 2}},
        "broker": (
            ("greet", {}, {"with": {"receive_maximum": 1}}), ("sync", "ready"),
            ("send", "PUBLISH", {"topic": "a", "payload": b"x" * 300, "qos": 2, "packet_id": 7}),
            ("expect", "PUBREC", {"packet_id": 7}),
            ("send", "PUBLISH", {"topic": "a", "payload": b"x" * 300, "qos": "@qos",
                                 "packet_id": 8}), ("expect_refusal", 0x93),
        ),
        "client": (
            ("new", {"rx_size": 128, "properties": {"receive_maximum": 1,
                "maximum_packet_size": None}}), ("connect",), ("sync", "ready"),
            ("raises", "ProtocolError", {"reason_code": 0x93}, ("poll_for", 2000)),
            ("check", "session.oversized", 1),
        ),
    },
    {
        "name": "subscribe_and_unsubscribe_may_be_as_long_as_the_broker_takes",
        "covers": ("MQTT-3.2.2-15",),
        "broker": (
            ("greet", {"properties": {"maximum_packet_size": 29}}),
            ("expect_subscriptions", (("f" * 21, 1),)),
            ("expect_unsubscriptions", ("f" * 22,)), END,
        ),
        "client": (
            ("connect",), ("subscribe", ("f" * 21, 1), {}, 1),
            ("raises", "ReasonError", {"reason_code": 0x95}, ("subscribe", ("f" * 22, 1))),
            ("unsubscribe", ("f" * 22,)),
            ("raises", "ReasonError", {"reason_code": 0x95}, ("unsubscribe", ("f" * 23,))),
            SAY_END,
        ),
    },
)
