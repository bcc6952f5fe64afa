"""CONNACK: codes, session present, and what is not a CONNACK."""
# fmt: off

SCENARIOS = (
    {
        "name": "return_code_is_a_reason_error",
        "covers": (
            "MQTT-3.1.2-2", "MQTT-3.1.3-8", "MQTT-3.1.3-9", "MQTT-3.2.2-5",
        ),
        "cases": {
            "1_protocol_version": {"@code": 1},
            "2_client_id": {"@code": 2},
            "3_unavailable": {"@code": 3},
            "4_bad_login": {"@code": 4},
            "5_not_authorized": {"@code": 5},
        },
        "broker": (
            ("accept",),
            ("expect", "CONNECT"),
            ("send", "CONNACK", {"return_code": "@code"}),
            ("expect_eof", 1000),  # it is the client that closes
            ("greet",),
        ),
        "client": (
            ("raises", "ReasonError", {"reason_code": "@code"}, ("connect",)),
            ("check", "connected", False),
            ("connect", (), {}, False),
        ),
    },
    {
        "name": "return_code_and_close",
        "broker": (
            ("accept",), ("expect", "CONNECT"), ("send", "CONNACK", {"return_code": 5}),
            ("cut", "fin"),
        ),
        "client": (("raises", "ReasonError", {"reason_code": 5}, ("connect",)),),
    },
    {
        "name": "reserved_return_code_is_refused",
        "cases": {"6": {"@code": 6}, "127": {"@code": 127}, "255": {"@code": 255}},
        "broker": (
            ("accept",), ("expect", "CONNECT"), ("send", "CONNACK", {"return_code": "@code"}),
            ("expect_eof", 1000),
        ),
        "client": (("raises", "MQTTError", {}, ("connect",)), ("check", "connected", False)),
    },
    {
        "name": "session_present_is_told",
        "in_5": {"why": "a session that the client knows nothing of is refused [MQTT-3.2.2-4]",
                 "new": {"accept_session": True}},
        "covers": ("MQTT-3.2.2-2", "MQTT-3.2.2-3", "U311-5"),
        "cases": {"yes": {"@n": 1, "@told": True}, "no": {"@n": 0, "@told": False}},
        "broker": (("greet", {"session_present": "@n"}, {"clean_session": False}),),
        "client": (
            ("connect", (), {}, "@told"),
            ("events", [("connect", "@told")]),
        ),
    },
    {
        "name": "clean_session_has_none_present",
        "broker": (("greet", {}, {"clean_session": True}),),
        "client": (("new", {"clean_session": True}), ("connect", (), {}, False)),
    },
    {
        "name": "session_present_after_clean_session_is_a_violation",
        "covers": ("MQTT-3.2.2-1",),
        "broker": (
            ("accept",), ("expect", "CONNECT"), ("send", "CONNACK", {"session_present": 1}),
            ("expect_eof", 1000),
        ),
        "client": (
            ("new", {"clean_session": True}),
            ("raises", "ProtocolError", {}, ("connect",)),
            ("check", "connected", False),
        ),
    },
    {
        "name": "session_present_with_a_refusal_is_no_session",
        "covers": ("MQTT-3.2.2-4",),
        "broker": (
            ("accept",), ("expect", "CONNECT"),
            ("send", "CONNACK", {"session_present": 1, "return_code": 5}),
            ("expect_eof", 1000),
        ),
        "client": (
            ("on", "a", 1),
            ("raises", "MQTTError", {}, ("connect",)),
            ("check", "connected", False),
        ),
    },
    {
        "name": "connack_malformed_closes",
        "in_5": {"why": "three bytes are a whole CONNACK in 5.0; more in v5_connect",
                 "cases": {"three_bytes": None}},
        "covers": ("MQTT-2.2.2-2", "MQTT-4.8.0-1"),
        "cases": {
            "reserved_flag": {"@hex": "20 02 02 00"},
            "all_flags": {"@hex": "20 02 ff 00"},
            "header_flags": {"@hex": "21 02 00 00"},
            "empty": {"@hex": "20 00"},
            "one_byte": {"@hex": "20 01 00"},
            "three_bytes": {"@hex": "20 03 00 00 00"},
            "length_of_5_bytes": {"@hex": "20 80 80 80 80"},
        },
        "broker": (
            ("accept",), ("expect", "CONNECT"), ("send_hex", "@hex"), ("expect_eof", 2500),
            ("greet",),
        ),
        "client": (
            ("raises", "MQTTError", {}, ("connect",)),
            ("check", "connected", False),
            ("connect", (), {}, False),
        ),
    },
    {
        "name": "another_packet_before_connack_closes",
        "covers": ("MQTT-3.2.0-1",),
        "cases": {
            "reserved_0": {"@hex": "00 00"},
            "connect": {"@hex": "10 0c 00 04 4d 51 54 54 04 02 00 3c 00 00"},
            "publish_qos_0": {"@hex": "30 04 00 01 61 78"},
            "publish_qos_1": {"@hex": "32 06 00 01 61 00 01 78"},
            "publish_qos_2": {"@hex": "34 06 00 01 61 00 01 78"},
            "puback": {"@hex": "40 02 00 01"},
            "pubrec": {"@hex": "50 02 00 01"},
            "pubrel": {"@hex": "62 02 00 01"},
            "pubcomp": {"@hex": "70 02 00 01"},
            "subscribe": {"@hex": "82 06 00 01 00 01 61 00"},
            "suback": {"@hex": "90 03 00 01 00"},
            "unsuback": {"@hex": "b0 02 00 01"},
            "pingreq": {"@hex": "c0 00"},
            "pingresp": {"@hex": "d0 00"},
            "disconnect": {"@hex": "e0 00"},
            "reserved_15": {"@hex": "f0 00"},
        },
        "broker": (
            ("accept",), ("expect", "CONNECT"), ("send_hex", "@hex"), ("expect_eof", 2500),
        ),
        "client": (
            ("raises", "ProtocolError", {}, ("connect",)),
            ("check", "connected", False),
            ("messages", []),
        ),
    },
    {
        "name": "answer_that_is_not_mqtt_ends_in_time",
        "cases": {
            "http": {"@hex": "48 54 54 50 2f 31 2e 31 20 34 30 30 0d 0a"},
            "tls_alert": {"@hex": "15 03 03 00 02 02 46"},
            "ssh": {"@hex": "53 53 48 2d 32 2e 30 0d 0a"},
            "connack_of_2_mb": {"@hex": "20 ff ff 7f 00 00"},
            "zeros": {"@hex": "00 00 00 00 00 00 00 00"},
        },
        "broker": (
            ("accept",), ("expect", "CONNECT"), ("send_hex", "@hex"), ("expect_eof", 2500),
        ),
        "client": (
            ("new", {"connect_timeout_ms": 600}),
            ("within_ms", 2500, ("raises", ("MQTTError", "OSError"), {}, ("connect",))),
            ("check", "connected", False),
        ),
    },
    {
        "name": "second_connack_closes",
        "broker": (("greet",), ("sync", "ready"), ("send", "CONNACK"), ("expect_eof", 2500)),
        "client": (
            ("connect",), ("sync", "ready"),
            ("raises", "ProtocolError", {}, ("poll_for", 2000)),
            ("check", "connected", False),
        ),
    },
    {
        "name": "connack_and_messages_in_one_segment",
        "in_5": {"why": "a session that the client knows nothing of is refused [MQTT-3.2.2-4]",
                 "new": {"accept_session": True}},
        "broker": (
            ("accept",),
            ("expect", "CONNECT"),
            ("send_together",
                ("CONNACK", {"session_present": 1}),
                ("PUBLISH", {"topic": "a", "payload": b"1", "qos": 1, "packet_id": 9}),
                ("PUBLISH", {"topic": "a", "payload": b"2"})),
            ("expect", "PUBACK", {"packet_id": 9}),
        ),
        "client": (
            ("on_message", {"do": (("happened", [("connect", True)]),)}),
            ("connect", (), {}, True),
            ("poll_until", 2),
            ("messages", [("a", b"1", 1), ("a", b"2", 0)]),
        ),
    },
    {
        "name": "connack_byte_by_byte",
        "in_5": {"why": "a session that the client knows nothing of is refused [MQTT-3.2.2-4]",
                 "new": {"accept_session": True}},
        "covers": ("MQTT-7.1.2-1",),
        "broker": (
            ("split", 1), ("greet", {"session_present": 1}),
        ),
        "client": (("connect", (), {}, True),),
    },
)
