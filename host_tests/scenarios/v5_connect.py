"""MQTT 5.0: CONNECT and CONNACK, their properties, what the broker announces."""
# fmt: off

VERSION = 5
NEVER = 0xFFFFFFFF
HEAD = "00 04 4d 51 54 54 05"

SCENARIOS = (
    {
        "name": "connect_says_version_5",
        "covers": ("MQTT-3.1.2-1", "MQTT-3.1.2-2", "MQTT-2.2.2-1"),
        "broker": (
            ("accept",),
            ("expect", "CONNECT", {
                "clean_start": False, "keep_alive": 60, "client_id": "dev", "will": None,
                "username": None, "password": None, "will_properties": {},
                "properties": {"session_expiry_interval": NEVER, "receive_maximum": 32,
                               "maximum_packet_size": 1024},
            }),
            ("send", "CONNACK"),
        ),
        "client": (("connect", (), {}, False), ("check", "connected", True),
                   ("check", "connack", {})),
    },
    {
        "name": "connect_bytes",
        "covers": ("MQTT-3.1.0-1", "MQTT-3.1.2-3", "MQTT-3.1.2-11", "MQTT-3.1.2-13",
                   "MQTT-3.1.2-16", "MQTT-3.1.2-18", "MQTT-3.1.3-3"),
        "cases": {
            "least": {
                "@new": {"clean_session": True,
                         "properties": {"receive_maximum": 1, "maximum_packet_size": None}},
                "@hex": "10 13 " + HEAD + " 02 00 3c 03 21 00 01 00 03 64 65 76",
            },
        },
        "broker": (("accept",), ("expect_hex", "@hex"), ("send", "CONNACK")),
        "client": (("new", "@new"), ("connect",)),
    },
    {
        "name": "properties_of_connect",
        "covers": ("U5-12",),
        "cases": {
            "clean_start_ends_with_its_connection": {
                "@new": {"clean_session": True},
                "@seen": {"clean_start": True, "without": ("session_expiry_interval",)},
            },
            "clean_start_that_is_kept": {
                "@new": {"clean_session": True, "session_expiry_interval": 60},
                "@seen": {"clean_start": True, "with": {"session_expiry_interval": 60}},
            },
            "session_for_an_hour": {
                "@new": {"session_expiry_interval": 3600},
                "@seen": {"clean_start": False, "with": {"session_expiry_interval": 3600}},
            },
            "receive_maximum": {
                "@new": {"properties": {"receive_maximum": 65535}},
                "@seen": {"with": {"receive_maximum": 65535}},
            },
            "packet_size_is_the_buffer": {
                "@new": {"rx_size": 300}, "@seen": {"with": {"maximum_packet_size": 300}},
            },
            "packet_size_as_told": {
                "@new": {"properties": {"maximum_packet_size": 200}},
                "@seen": {"with": {"maximum_packet_size": 200}},
            },
            "packet_size_left_out": {
                "@new": {"properties": {"maximum_packet_size": None}},
                "@seen": {"without": ("maximum_packet_size",)},
            },
            "alias_maximum": {
                "@new": {"properties": {"topic_alias_maximum": 7}},
                "@seen": {"with": {"topic_alias_maximum": 7}},
            },
            "requests": {
                "@new": {"properties": {"request_response_information": 1,
                                        "request_problem_information": 0}},
                "@seen": {"with": {"request_response_information": 1,
                                   "request_problem_information": 0}},
            },
            "user_properties": {
                "@new": {"properties": {"user_property": [("b", "1"), ("a", "2"), ("b", "ä")]}},
                "@seen": {"with": {"user_property": [("b", "1"), ("a", "2"), ("b", "ä")]}},
            },
            "keep_alive": {"@new": {"keep_alive": 65535}, "@seen": {"keep_alive": 65535}},
        },
        "broker": (("greet", {}, "@seen"),),
        "client": (("new", "@new"), ("connect",)),
    },
    {
        "name": "login",
        "covers": ("MQTT-3.1.2-16", "MQTT-3.1.2-17", "MQTT-3.1.2-18", "MQTT-3.1.2-19",
                   "MQTT-3.1.3-12"),
        "cases": {
            "none": {"@new": {}, "@seen": {"username": None, "password": None}},
            "both": {"@new": {"username": "ü", "password": "p"},
                     "@seen": {"username": "ü", "password": b"p"}},
            "name": {"@new": {"username": ""}, "@seen": {"username": "", "password": None}},
            "password": {"@new": {"password": b"\0\xff"},
                         "@seen": {"username": None, "password": b"\0\xff"}},
            "empty_password": {"@new": {"password": ""},
                               "@seen": {"username": None, "password": b""}},
        },
        "broker": (("greet", {}, "@seen"),),
        "client": (("new", "@new"), ("connect",)),
    },
    {
        "name": "will",
        "covers": ("MQTT-3.1.2-9", "MQTT-3.1.2-11", "MQTT-3.1.2-12", "MQTT-3.1.2-13",
                   "MQTT-3.1.3-1", "MQTT-3.1.3-11"),
        "cases": {
            "plain": {
                "@will": ("w", b"m"), "@seen": {"will": ("w", b"m", 0, False),
                                                "will_properties": {}},
            },
            "qos_2_retained": {
                "@will": ("wä", b"\0\xff", 2, True),
                "@seen": {"will": ("wä", b"\0\xff", 2, True), "will_properties": {}},
            },
            "delay": {
                "@will": ("w", b"", 1, False, {"will_delay_interval": 30}),
                "@seen": {"will": ("w", b"", 1, False),
                          "will_properties": {"will_delay_interval": 30}},
            },
            "all_properties": {
                "@will": ("w", "ü", 0, False, {
                    "will_delay_interval": NEVER, "payload_format_indicator": 1,
                    "message_expiry_interval": 0, "content_type": "t", "response_topic": "r/s",
                    "correlation_data": b"\0\1", "user_property": [("a", "b"), ("a", "b")]}),
                "@seen": {"will": ("w", b"\xc3\xbc", 0, False), "will_properties": {
                    "will_delay_interval": NEVER, "payload_format_indicator": 1,
                    "message_expiry_interval": 0, "content_type": "t", "response_topic": "r/s",
                    "correlation_data": b"\0\1", "user_property": [("a", "b"), ("a", "b")]}},
            },
        },
        "broker": (("greet", {}, "@seen"),),
        "client": (("new", {"will": "@will", "username": "u"}), ("connect",)),
    },
    {
        "name": "refusal_is_a_reason_error",
        "covers": ("MQTT-3.2.2-7", "MQTT-3.2.2-8", "MQTT-3.1.3-8", "MQTT-4.13.2-1"),
        "cases": {
            "80": {"@code": 0x80}, "81": {"@code": 0x81}, "82": {"@code": 0x82},
            "83": {"@code": 0x83}, "84": {"@code": 0x84}, "85": {"@code": 0x85},
            "86": {"@code": 0x86}, "87": {"@code": 0x87}, "88": {"@code": 0x88},
            "89": {"@code": 0x89}, "8a": {"@code": 0x8A}, "8c": {"@code": 0x8C},
            "90": {"@code": 0x90}, "95": {"@code": 0x95}, "97": {"@code": 0x97},
            "99": {"@code": 0x99}, "9a": {"@code": 0x9A}, "9b": {"@code": 0x9B},
            "9c": {"@code": 0x9C}, "9d": {"@code": 0x9D}, "9f": {"@code": 0x9F},
        },
        "broker": (
            ("accept",), ("expect", "CONNECT"), ("send", "CONNACK", {"reason_code": "@code"}),
            ("expect_eof", 1000), ("greet",),
        ),
        "client": (
            ("raises", "ReasonError", {"reason_code": "@code"}, ("connect",)),
            ("check", "connected", False), ("connect", (), {}, False),
        ),
    },
    {
        "name": "refusal_tells_its_properties",
        "covers": ("MQTT-3.2.2-8",),
        "broker": (
            ("accept",), ("expect", "CONNECT"),
            ("send", "CONNACK", {"reason_code": 0x9D, "properties": {
                "reason_string": "moved ä", "server_reference": "other:1884",
                "user_property": [("a", "b")]}}),
            ("expect_eof", 1000),
        ),
        "client": (
            ("raises", "ReasonError", {"reason_code": 0x9D, "properties": {
                "reason_string": "moved ä", "server_reference": "other:1884",
                "user_property": [("a", "b")]}}, ("connect",)),
        ),
    },
    {
        "name": "reason_code_that_is_not_listed_closes",
        "covers": ("MQTT-3.2.2-8",),
        "cases": {
            "01": {"@code": 1}, "10": {"@code": 0x10}, "7f": {"@code": 0x7F},
            "8b": {"@code": 0x8B}, "91": {"@code": 0x91}, "9e": {"@code": 0x9E},
            "ff": {"@code": 0xFF},
        },
        "broker": (
            ("accept",), ("expect", "CONNECT"), ("send", "CONNACK", {"reason_code": "@code"}),
            ("expect_eof", 1000, ("DISCONNECT",)),
        ),
        "client": (
            ("raises", "MQTTError", {}, ("connect",)), ("check", "connected", False),
        ),
    },
    {
        "name": "broker_of_3_1_1_is_told",
        "covers": ("MQTT-3.1.2-2",),
        "broker": (
            ("accept",), ("expect", "CONNECT"), ("send_hex", "20 02 00 01"), ("expect_eof", 1000),
        ),
        "client": (
            ("raises", "ReasonError", {"reason_code": 0x84}, ("connect",)),
            ("check", "connected", False),
        ),
    },
    {
        "name": "session_present_of_an_unknown_session_is_not_taken",
        "covers": ("MQTT-3.2.2-4",),
        "cases": {"then_connect": {"@new": {}}, "by_itself": {"@new": {"reconnect": True}}},
        "broker": (
            ("accept",), ("expect", "CONNECT", {"clean_start": False}),
            ("send", "CONNACK", {"session_present": 1}), ("expect_eof", 1000, ("DISCONNECT",)),
            ("accept",), ("expect", "CONNECT", {"clean_start": True}), ("send", "CONNACK"),
            ("expect", "DISCONNECT"), ("expect_eof", 1000),
            ("greet", {"session_present": 1}, {"clean_start": False}),
        ),
        "client": (
            ("new", "@new"), ("connect", (), {}, False), ("check", "connected", True),
            ("disconnect",), ("connect", (), {}, True),
        ),
    },
    {
        "name": "session_present_after_clean_start_is_a_violation",
        "covers": ("MQTT-3.2.2-2", "MQTT-3.1.2-4"),
        "broker": (
            ("accept",), ("expect", "CONNECT", {"clean_start": True}),
            ("send", "CONNACK", {"session_present": 1}), ("expect_eof", 1000, ("DISCONNECT",)),
        ),
        "client": (
            ("new", {"clean_session": True}),
            ("raises", "ProtocolError", {"reason_code": 0x82}, ("connect",)),
            ("check", "connected", False),
        ),
    },
    {
        "name": "session_present_with_a_refusal_is_no_session",
        "covers": ("MQTT-3.2.2-6",),
        "broker": (
            ("accept",), ("expect", "CONNECT"),
            ("send", "CONNACK", {"session_present": 1, "reason_code": 0x87}),
            ("expect_eof", 1000, ("DISCONNECT",)),
        ),
        "client": (("raises", "MQTTError", {}, ("connect",)), ("check", "connected", False)),
    },
    {
        "name": "connack_malformed_closes",
        "covers": ("MQTT-3.2.2-1", "MQTT-2.1.3-1", "U5-1", "U5-2", "U5-3", "U5-4"),
        "cases": {
            "reserved_flag": {"@hex": "20 03 02 00 00", "@code": 0x82},
            "all_flags": {"@hex": "20 03 ff 00 00", "@code": 0x82},
            "header_flags": {"@hex": "21 03 00 00 00", "@code": 0x81},
            "empty": {"@hex": "20 00", "@code": 0x81},
            "one_byte": {"@hex": "20 01 00", "@code": 0x81},
            "one_byte_too_many": {"@hex": "20 04 00 00 00 00", "@code": 0x81},
            "properties_past_the_end": {"@hex": "20 04 00 00 02 24", "@code": 0x81},
            "property_length_of_5_bytes": {"@hex": "20 08 00 00 80 80 80 80 01 00",
                                           "@code": 0x81},
            "property_length_padded": {"@hex": "20 04 00 00 80 00", "@code": 0x81},
            "unknown_property": {"@hex": "20 05 00 00 02 7f 00", "@code": 0x81},
            "misplaced_property": {"@hex": "20 05 00 00 02 01 00", "@code": 0x81},
            "property_twice": {"@hex": "20 07 00 00 04 24 00 24 01", "@code": 0x82},
            "maximum_qos_2": {"@hex": "20 05 00 00 02 24 02", "@code": 0x82},
            "retain_available_2": {"@hex": "20 05 00 00 02 25 02", "@code": 0x82},
            "receive_maximum_0": {"@hex": "20 06 00 00 03 21 00 00", "@code": 0x82},
            "packet_size_0": {"@hex": "20 08 00 00 05 27 00 00 00 00", "@code": 0x82},
            "text_not_utf_8": {"@hex": "20 07 00 00 04 1f 00 01 ff", "@code": 0x81},
            "text_with_null": {"@hex": "20 07 00 00 04 1f 00 01 00", "@code": 0x81},
        },
        "broker": (
            ("accept",), ("expect", "CONNECT"), ("send_hex", "@hex"),
            ("expect_eof", 2500, ("DISCONNECT",)), ("greet",),
        ),
        "client": (
            ("raises", "ProtocolError", {"reason_code": "@code"}, ("connect",)),
            ("check", "connected", False), ("connect", (), {}, False),
        ),
    },
    {
        "name": "another_packet_before_connack_closes",
        "covers": ("MQTT-3.2.0-1", "MQTT-3.14.0-1", "MQTT-4.12.0-6"),
        "cases": {
            "publish": {"@hex": "30 05 00 01 61 00 78"}, "puback": {"@hex": "40 02 00 01"},
            "suback": {"@hex": "90 04 00 01 00 00"}, "pingresp": {"@hex": "d0 00"},
            "disconnect": {"@hex": "e0 00"}, "disconnect_with_a_code": {"@hex": "e0 02 8b 00"},
            "auth": {"@hex": "f0 06 18 04 15 00 01 6d"}, "reserved_0": {"@hex": "00 00"},
        },
        "broker": (
            ("accept",), ("expect", "CONNECT"), ("send_hex", "@hex"),
            ("expect_eof", 2500, ("DISCONNECT",)),
        ),
        "client": (
            ("raises", "MQTTError", {}, ("connect",)), ("check", "connected", False),
            ("messages", []),
        ),
    },
    {
        "name": "second_connack_closes",
        "covers": ("MQTT-3.2.0-2", "U5-10"),
        "broker": (("greet",), ("sync", "ready"), ("send_hex", "20 03 00 00 00"),
                   ("expect_refusal", 0x82)),
        "client": (
            ("connect",), ("sync", "ready"),
            ("raises", "ProtocolError", {"reason_code": 0x82}, ("poll_for", 2000)),
        ),
    },
    {
        "name": "connack_is_kept",
        "broker": (
            ("greet", {"properties": {
                "session_expiry_interval": 60, "receive_maximum": 9, "maximum_qos": 1,
                "retain_available": 1, "maximum_packet_size": 70000, "topic_alias_maximum": 3,
                "reason_string": "fine", "user_property": [("k", "v"), ("k", "w")],
                "wildcard_subscription_available": 1, "subscription_identifier_available": 1,
                "shared_subscription_available": 1, "server_keep_alive": 20,
                "response_information": "resp/1", "server_reference": "s"}}),
            ("expect", "DISCONNECT"), ("expect_eof", 1000), ("greet", {"session_present": 1}),
        ),
        "client": (
            ("new", {"properties": {"request_response_information": 1}}),
            ("connect",),
            ("check", "connack", {
                "session_expiry_interval": 60, "receive_maximum": 9, "maximum_qos": 1,
                "retain_available": 1, "maximum_packet_size": 70000, "topic_alias_maximum": 3,
                "reason_string": "fine", "user_property": [("k", "v"), ("k", "w")],
                "wildcard_subscription_available": 1, "subscription_identifier_available": 1,
                "shared_subscription_available": 1, "server_keep_alive": 20,
                "response_information": "resp/1", "server_reference": "s"}),
            ("disconnect",), ("connect", (), {}, True), ("check", "connack", {}),
        ),
    },
    {
        "name": "assigned_client_id_is_used_from_then_on",
        "covers": ("MQTT-3.1.3-7", "MQTT-3.2.2-16", "MQTT-3.1.3-2"),
        "broker": (
            ("greet", {"properties": {"assigned_client_identifier": "auto-ä1"}},
                {"client_id": "", "clean_start": False}),
            ("expect", "PUBLISH", {"packet_id": "$a"}), ("cut", "rst"),
            ("greet", {"session_present": 1}, {"client_id": "auto-ä1", "clean_start": False}),
            ("expect", "PUBLISH", {"packet_id": "$a", "dup": True}),
            ("send", "PUBACK", {"packet_id": "$a"}),
        ),
        "client": (
            ("new", {"client_id": ""}), ("connect",),
            ("let", "$a", ("publish_nowait", ("a", b"x"), {"qos": 1})),
            ("raises", ("OSError", "MQTTError"), {}, ("poll_for", 3000)),
            ("connect", (), {}, True), ("wait", ("$a",)),
        ),
    },
    {
        "name": "empty_client_id_without_an_assigned_one_is_a_violation",
        "covers": ("MQTT-3.1.3-7",),
        "broker": (
            ("greet", {}, {"client_id": ""}), ("expect_eof", 1000, ("DISCONNECT",)),
        ),
        "client": (
            ("new", {"client_id": "", "clean_session": True}),
            ("raises", "ProtocolError", {"reason_code": 0x82}, ("connect",)),
        ),
    },
    {
        "name": "server_keep_alive_counts",
        "covers": ("MQTT-3.1.2-21", "MQTT-3.2.2-21"),
        "broker": (
            ("greet", {"properties": {"server_keep_alive": 1}}, {"keep_alive": 60}),
            ("serve", 2600, {"pings": (2, 6), "max_gap_ms": 1100}),
        ),
        "client": (("connect",), ("poll_for", 2700)),
    },
    {
        "name": "server_keep_alive_that_is_longer_counts_too",
        "covers": ("MQTT-3.1.2-21", "MQTT-3.2.2-21"),
        "broker": (
            ("greet", {"properties": {"server_keep_alive": 30}}, {"keep_alive": 1}),
            ("serve", 2300, {"pings": (0, 0), "max_gap_ms": 9999}),
        ),
        "client": (("new", {"keep_alive": 1}), ("connect",), ("poll_for", 2400)),
    },
    {
        "name": "server_keep_alive_0_turns_pings_off",
        "covers": ("MQTT-3.2.2-21",),
        "broker": (
            ("greet", {"properties": {"server_keep_alive": 0}}, {"keep_alive": 1}),
            ("serve", 2300, {"pings": (0, 0), "max_gap_ms": 9999}),
        ),
        "client": (("new", {"keep_alive": 1}), ("connect",), ("poll_for", 2400)),
    },
    {
        "name": "server_keep_alive_is_of_one_connection",
        "covers": ("MQTT-3.2.2-21",),
        "broker": (
            ("greet", {"properties": {"server_keep_alive": 30}}, {"keep_alive": 1}),
            ("expect", "DISCONNECT"), ("expect_eof", 1000),
            ("greet", {"session_present": 1}, {"keep_alive": 1}),
            ("serve", 2300, {"pings": (2, 5)}),
        ),
        "client": (("new", {"keep_alive": 1}), ("connect",), ("disconnect",), ("connect",),
                   ("poll_for", 2400)),
    },
)
