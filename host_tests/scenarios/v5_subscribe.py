"""MQTT 5.0: SUBSCRIBE and UNSUBSCRIBE, their options, identifiers and reason codes."""
# fmt: off

VERSION = 5
LOST = ("raises", ("OSError", "MQTTError"), {}, ("poll_for", 3000))
END = ("expect", "PUBLISH", {"topic": "end"})
SAY_END = ("publish", ("end", b""))
REFUSALS = {
    "80": {"@code": 0x80}, "83": {"@code": 0x83}, "87": {"@code": 0x87}, "8f": {"@code": 0x8F},
    "91": {"@code": 0x91}, "97": {"@code": 0x97}, "9e": {"@code": 0x9E}, "a1": {"@code": 0xA1},
    "a2": {"@code": 0xA2},
}

SCENARIOS = (
    {
        "name": "subscribe_bytes",
        "covers": ("MQTT-3.8.1-1", "MQTT-2.2.2-1", "MQTT-3.8.3-1", "MQTT-3.8.3-2", "MQTT-3.8.3-3",
                   "MQTT-3.8.3-5"),
        "cases": {
            "plain": {"@args": ("a",), "@more": {}, "@hex": "82 07 00 07 00 00 01 61 00"},
            "qos_2": {"@args": ("a", 2), "@more": {}, "@hex": "82 07 00 07 00 00 01 61 02"},
            "no_local": {"@args": ("a",), "@more": {"no_local": True},
                         "@hex": "82 07 00 07 00 00 01 61 04"},
            "retain_as_published": {"@args": ("a",), "@more": {"retain_as_published": True},
                                    "@hex": "82 07 00 07 00 00 01 61 08"},
            "retain_handling_1": {"@args": ("a",), "@more": {"retain_handling": 1},
                                  "@hex": "82 07 00 07 00 00 01 61 10"},
            "retain_handling_2": {"@args": ("a",), "@more": {"retain_handling": 2},
                                  "@hex": "82 07 00 07 00 00 01 61 20"},
            "all_options": {"@args": ("a", 1), "@more": {"no_local": True, "retain_handling": 2,
                "retain_as_published": True}, "@hex": "82 07 00 07 00 00 01 61 2d"},
            "identifier": {"@args": ("a",), "@more": {"identifier": 1},
                           "@hex": "82 09 00 07 02 0b 01 00 01 61 00"},
            "largest_identifier": {"@args": ("a",), "@more": {"identifier": 268435455},
                                   "@hex": "82 0c 00 07 05 0b ff ff ff 7f 00 01 61 00"},
            "shared": {"@args": ("$share/g/#",), "@more": {"retain_as_published": True},
                       "@hex": "82 10 00 07 00 00 0a 24 73 68 61 72 65 2f 67 2f 23 08"},
        },
        "broker": (
            ("greet",), ("expect_hex", "@hex"),
            ("send", "SUBACK", {"packet_id": 7, "codes": (0,)}), END,
        ),
        "client": (("connect",), ("next_id", 7), ("subscribe", "@args", "@more", 0), SAY_END),
    },
    {
        "name": "options_of_a_handler",
        "covers": ("MQTT-3.8.3-3",),
        "broker": (
            ("greet",),
            ("expect", "SUBSCRIBE", {"filters": (("a", 1),), "options": (0x2D,), "packet_id": "$s",
                                     "properties": {"subscription_identifier": 5}}),
            ("send", "SUBACK", {"packet_id": "$s", "codes": (1,)}),
            ("send", "PUBLISH", {"topic": "a", "retain": 1, "properties": {
                "subscription_identifier": [5]}}), END,
        ),
        "client": (
            ("on", "a", 1, {"more": {"no_local": True, "retain_as_published": True,
                                     "retain_handling": 2, "identifier": 5}}),
            ("connect",), ("poll_until", 1), ("handled", [("a", "a", b"", 0, True)]), SAY_END,
        ),
    },
    {
        "name": "options_are_made_again_when_the_session_was_lost",
        "broker": (
            ("greet",), ("expect", "SUBSCRIBE", {"options": (0x2D,), "packet_id": "$s",
                "properties": {"subscription_identifier": 5}}),
            ("send", "SUBACK", {"packet_id": "$s", "codes": (1,)}), ("sync", "on"), ("cut", "rst"),
            ("greet", {"session_present": 1}), ("expect_nothing", 100), ("cut", "rst"),
            ("greet",), ("expect", "SUBSCRIBE", {"options": (0x2D,), "packet_id": "$t",
                "properties": {"subscription_identifier": 5}}),
            ("send", "SUBACK", {"packet_id": "$t", "codes": (1,)}), END,
        ),
        "client": (
            ("connect",), ("subscribe", ("a", 1), {"no_local": True, "retain_as_published": True,
                "retain_handling": 2, "identifier": 5}, 1), ("sync", "on"), LOST,
            ("connect",), LOST, ("connect",), ("poll_for", 100), SAY_END,
        ),
    },
    {
        "name": "bad_options_are_value_errors",
        "covers": ("MQTT-3.8.3-4", "MQTT-3.8.3-5", "MQTT-4.8.2-1", "MQTT-4.8.2-2"),
        "cases": {
            "retain_handling_3": {"@args": ("a",), "@more": {"retain_handling": 3}},
            "retain_handling_negative": {"@args": ("a",), "@more": {"retain_handling": -1}},
            "qos_3": {"@args": ("a", 3), "@more": {}},
            "identifier_negative": {"@args": ("a",), "@more": {"identifier": -1}},
            "identifier_too_large": {"@args": ("a",), "@more": {"identifier": 268435456}},
            "no_local_shared": {"@args": ("$share/g/a",), "@more": {"no_local": True}},
            "no_local_shared_bytes": {"@args": (b"$share/g/a",), "@more": {"no_local": True}},
            "shared_without_group": {"@args": ("$share//a",), "@more": {}},
            "shared_without_filter": {"@args": ("$share/g/",), "@more": {}},
            "shared_without_slash": {"@args": ("$share/g",), "@more": {}},
            "shared_group_plus": {"@args": ("$share/+/a",), "@more": {}},
            "shared_group_hash": {"@args": ("$share/a#/a",), "@more": {}},
        },
        "broker": (("greet",), END),
        "client": (
            ("connect",), ("raises", "ValueError", {}, ("subscribe", "@args", "@more")), SAY_END,
        ),
    },
    {
        "name": "refusal_is_raised",
        "covers": ("MQTT-3.8.4-7", "MQTT-3.9.3-2"),
        "cases": REFUSALS,
        "broker": (
            ("greet",), ("expect", "SUBSCRIBE", {"packet_id": "$s"}),
            ("send", "SUBACK", {"packet_id": "$s", "codes": ("@code",)}), END,
        ),
        "client": (
            ("connect",), ("raises", "ReasonError", {"reason_code": "@code"},
                ("subscribe", ("a", 1))), ("check", "connected", True), SAY_END,
        ),
    },
    {
        "name": "refusal_in_a_list_is_in_the_list",
        "covers": ("MQTT-3.8.4-6", "MQTT-3.9.3-1"),
        "broker": (
            ("greet",), ("expect", "SUBSCRIBE", {"filters": (("a", 0), ("b", 1), ("c", 2)),
                "packet_id": "$s"}),
            ("send", "SUBACK", {"packet_id": "$s", "codes": (0, 0x87, 1),
                "properties": {"reason_string": "x", "user_property": [("a", "b")]}}), END,
        ),
        "client": (
            ("connect",), ("subscribe", ([("a", 0), ("b", 1), ("c", 2)],), {}, [0, 0x87, 1]),
            SAY_END,
        ),
    },
    {
        "name": "refusal_of_a_handler_is_told",
        "covers": ("MQTT-3.8.4-7",),
        "broker": (
            ("greet",), ("expect", "SUBSCRIBE", {"packet_id": "$s"}),
            ("send", "SUBACK", {"packet_id": "$s", "codes": (0x87,)}), END,
        ),
        "client": (
            ("on", "a", 1), ("connect",), ("poll_until_event", "error"),
            ("events", [("connect", False), ("error", "ReasonError", 0x87)]), SAY_END,
        ),
    },
    {
        "name": "bad_suback_closes",
        "covers": ("MQTT-3.9.3-2", "MQTT-3.8.4-6", "MQTT-2.1.3-1"),
        "cases": {
            "code_03": {"@hex": "90 04 00 07 00 03", "@code": 0x81},
            "code_11": {"@hex": "90 04 00 07 00 11", "@code": 0x81},
            "code_92": {"@hex": "90 04 00 07 00 92", "@code": 0x81},
            "code_ff": {"@hex": "90 04 00 07 00 ff", "@code": 0x81},
            "two_codes": {"@hex": "90 05 00 07 00 00 00", "@code": 0x82},
            "no_code": {"@hex": "90 03 00 07 00", "@code": 0x82},
            "no_properties": {"@hex": "90 02 00 07", "@code": 0x81},
            "flags": {"@hex": "91 04 00 07 00 00", "@code": 0x81},
            "id_0": {"@hex": "90 04 00 00 00 00", "@code": 0x82},
            "misplaced_property": {"@hex": "90 06 00 07 02 01 00 00", "@code": 0x81},
            "property_twice": {"@hex": "90 0a 00 07 06 1f 00 00 1f 00 00 00", "@code": 0x82},
        },
        "broker": (
            ("greet",), ("expect", "SUBSCRIBE", {"packet_id": 7}), ("send_hex", "@hex"),
            ("expect_one_of", "@code"),
        ),
        "client": (
            ("connect",), ("next_id", 7), ("raises", "ProtocolError", {}, ("subscribe", ("a",))),
            ("check", "connected", False),
        ),
    },
    {
        "name": "unsubscribe_bytes",
        "covers": ("MQTT-3.10.1-1", "MQTT-3.10.3-1", "MQTT-3.10.3-2"),
        "broker": (
            ("greet",), ("expect_hex", "a2 06 00 07 00 00 01 61"),
            ("send", "UNSUBACK", {"packet_id": 7, "codes": (0x11,)}),
            ("expect_hex", "a2 09 00 08 00 00 01 61 00 01 62"),
            ("send", "UNSUBACK", {"packet_id": 8, "codes": (0, 0x11),
                                  "properties": {"reason_string": "x"}}), END,
        ),
        "client": (
            ("connect",), ("next_id", 7), ("unsubscribe", ("a",)),
            ("unsubscribe", (["a", "b"],)), SAY_END,
        ),
    },
    {
        "name": "refused_unsubscribe_is_raised",
        "covers": ("MQTT-3.11.3-1", "MQTT-3.11.3-2"),
        "cases": {"80": {"@code": 0x80}, "83": {"@code": 0x83}, "87": {"@code": 0x87},
                  "8f": {"@code": 0x8F}, "91": {"@code": 0x91}},
        "broker": (
            ("greet",), ("expect", "UNSUBSCRIBE", {"packet_id": "$u"}),
            ("send", "UNSUBACK", {"packet_id": "$u", "codes": ("@code",)}), END,
        ),
        "client": (
            ("connect",), ("raises", "ReasonError", {"reason_code": "@code"},
                ("unsubscribe", ("a",))), SAY_END,
        ),
    },
    {
        "name": "late_refusal_of_unsubscribe_is_no_answer_to_the_next_subscribe",
        "covers": ("MQTT-3.10.4-5",),
        "broker": (
            ("greet",), ("expect", "UNSUBSCRIBE", {"packet_id": "$u"}),
            ("expect", "SUBSCRIBE", {"packet_id": "$s"}),
            ("send", "UNSUBACK", {"packet_id": "$u", "codes": (0x87,)}), ("stall", 50),
            ("send", "SUBACK", {"packet_id": "$s", "codes": (1,)}), END,
        ),
        "client": (
            ("connect",), ("raises", "OSError", {"errno": "ETIMEDOUT"},
                ("unsubscribe", ("a",), {"timeout_ms": 100})), ("subscribe", ("a", 1), {}, 1),
            ("events", [("connect", False)]), SAY_END,
        ),
    },
    {
        "name": "bad_unsuback_closes",
        "covers": ("MQTT-3.11.3-2", "MQTT-3.10.4-4"),
        "cases": {
            "code_01": {"@hex": "b0 04 00 07 00 01"}, "code_12": {"@hex": "b0 04 00 07 00 12"},
            "two_codes": {"@hex": "b0 05 00 07 00 00 00"}, "no_code": {"@hex": "b0 03 00 07 00"},
            "of_3_1_1": {"@hex": "b0 02 00 07"}, "flags": {"@hex": "b2 04 00 07 00 00"},
        },
        "broker": (
            ("greet",), ("expect", "UNSUBSCRIBE", {"packet_id": 7}), ("send_hex", "@hex"),
            ("expect_eof", 1000, ("DISCONNECT",)),
        ),
        "client": (
            ("connect",), ("next_id", 7), ("raises", "ProtocolError", {}, ("unsubscribe", ("a",))),
            ("check", "connected", False),
        ),
    },
    {
        "name": "what_the_broker_has_not_is_not_asked_for",
        "covers": ("U5-8",),
        "cases": {
            "hash": {"@told": {"wildcard_subscription_available": 0}, "@args": ("#",),
                     "@more": {}, "@code": 0xA2},
            "plus": {"@told": {"wildcard_subscription_available": 0}, "@args": ("a/+",),
                     "@more": {}, "@code": 0xA2},
            "shared_hash": {"@told": {"wildcard_subscription_available": 0},
                            "@args": ("$share/g/#",), "@more": {}, "@code": 0xA2},
            "shared": {"@told": {"shared_subscription_available": 0}, "@args": ("$share/g/a",),
                       "@more": {}, "@code": 0x9E},
            "identifier": {"@told": {"subscription_identifier_available": 0}, "@args": ("a",),
                           "@more": {"identifier": 1}, "@code": 0xA1},
        },
        "broker": (
            ("greet", {"properties": "@told"}), ("expect_nothing", 100), ("sync", "quiet"),
            ("expect", "SUBSCRIBE", {"packet_id": "$s", "filters": (("b", 0),)}),
            ("send", "SUBACK", {"packet_id": "$s", "codes": (0,)}), END,
        ),
        "client": (
            ("connect",), ("raises", "ReasonError", {"reason_code": "@code"},
                ("subscribe", "@args", "@more")), ("sync", "quiet"), ("subscribe", ("b",), {}, 0),
            SAY_END,
        ),
    },
    {
        "name": "what_a_new_broker_has_not_is_told_and_not_asked_for",
        "covers": ("U5-8", "U5-17"),
        "broker": (
            ("greet", {"properties": {"wildcard_subscription_available": 0}}),
            ("expect_subscriptions", (("b", 0),)), ("expect_nothing", 100), ("sync", "quiet"),
            END,
        ),
        "client": (
            ("on", "a/#"), ("on", "b"), ("connect",), ("poll_for", 200),
            ("events", [("error", "ReasonError", 0xA2), ("connect", False)]),
            ("sync", "quiet"), SAY_END,
        ),
    },
    {
        "name": "identifiers_lead_to_the_handler",
        "covers": ("MQTT-3.3.4-3", "MQTT-3.3.4-4", "MQTT-3.3.4-5"),
        "broker": (
            ("greet",),
            ("expect", "SUBSCRIBE", {"packet_id": "$a", "filters": (("a/#", 0),),
                "properties": {"subscription_identifier": 1}}),
            ("send", "SUBACK", {"packet_id": "$a", "codes": (0,)}),
            ("expect", "SUBSCRIBE", {"packet_id": "$b", "filters": (("a/b", 0),),
                "properties": {"subscription_identifier": 2}}),
            ("send", "SUBACK", {"packet_id": "$b", "codes": (0,)}),
            ("send", "PUBLISH", {"topic": "a/b", "payload": b"1",
                "properties": {"subscription_identifier": [1]}}),
            ("send", "PUBLISH", {"topic": "a/b", "payload": b"2",
                "properties": {"subscription_identifier": [2]}}),
            ("send", "PUBLISH", {"topic": "a/c", "payload": b"3",
                "properties": {"subscription_identifier": [1]}}),
            ("send", "PUBLISH", {"topic": "a/b", "payload": b"4",
                "properties": {"subscription_identifier": [2, 1]}}), END,
        ),
        "client": (
            ("on", "a/#", 0, {"more": {"identifier": 1}}),
            ("on", "a/b", 0, {"more": {"identifier": 2}}), ("connect",), ("poll_until", 5),
            ("handled_in_any_order", [
                ("a/#", "a/b", b"1"), ("a/b", "a/b", b"2"), ("a/#", "a/c", b"3"),
                ("a/#", "a/b", b"4"), ("a/b", "a/b", b"4")]), SAY_END,
        ),
    },
    {
        "name": "shared_subscription_is_handled_by_its_filter",
        "covers": ("MQTT-4.8.2-1", "MQTT-4.8.2-2"),
        "broker": (
            ("greet",), ("expect_subscriptions", (("$share/g/a/#", 1),)),
            ("send", "PUBLISH", {"topic": "a/b", "qos": 1, "packet_id": 9}),
            ("expect", "PUBACK", {"packet_id": 9}), END,
        ),
        "client": (
            ("on", "$share/g/a/#", 1), ("connect",), ("poll_until", 1),
            ("handled", [("$share/g/a/#", "a/b")]), ("poll_for", 50), SAY_END,
        ),
    },
    {
        "name": "deliveries_go_on_after_unsubscribe",
        "covers": ("MQTT-3.10.4-3",),
        "broker": (
            ("greet",), ("send", "PUBLISH", {"topic": "a", "qos": 2, "packet_id": 9}),
            ("expect", "PUBREC", {"packet_id": 9}),
            ("expect", "UNSUBSCRIBE", {"packet_id": "$u"}),
            ("send", "UNSUBACK", {"packet_id": "$u"}), ("send", "PUBREL", {"packet_id": 9}),
            ("expect", "PUBCOMP", {"packet_id": 9}), END,
        ),
        "client": (
            ("connect",), ("poll_until", 1), ("unsubscribe", ("a",)), ("poll_for", 100), SAY_END,
        ),
    },
    {
        "name": "unsubscribe_refused_after_the_call_has_timed_out_is_told",
        "broker": (
            ("greet",), ("expect", "UNSUBSCRIBE", {"packet_id": "$u"}), ("sync", "timed out"),
            ("send", "UNSUBACK", {"packet_id": "$u", "codes": (0x87,)}),
        ),
        "client": (
            ("connect",),
            ("raises", "OSError", {"errno": "ETIMEDOUT"},
                ("unsubscribe", ("a",), {"timeout_ms": 100})),
            ("sync", "timed out"), ("poll_until_event", "error"),
            ("events", [("connect", False), ("error", "ReasonError", 0x87)]),
        ),
    },
)
