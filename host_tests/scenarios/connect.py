"""CONNECT: its bytes, and the life of a connection."""
# fmt: off

ENOTCONN = {"errno": "ENOTCONN"}
ETIMEDOUT = {"errno": "ETIMEDOUT"}
RESET = ("OSError", "MQTTError")
QUEUES = "AsyncClient drops QoS 0 then, and counts it: see test_async_offline"

SCENARIOS = (
    {
        "name": "connect_bytes",
        "in_5": {"why": "an empty client id gets another by CONNACK: see v5_connect",
                 "cases": {"empty_client_id": None}},
        "covers": (
            "MQTT-3.1.0-1", "MQTT-3.1.2-1", "MQTT-3.1.2-2", "MQTT-3.1.2-3", "MQTT-3.1.2-11",
            "MQTT-3.1.2-13", "MQTT-3.1.2-15", "MQTT-3.1.2-18", "MQTT-3.1.2-20", "MQTT-3.1.3-3",
        ),
        "cases": {
            "default": {"@new": {}, "@hex": "10 0f 00 04 4d 51 54 54 04 00 00 3c 00 03 64 65 76"},
            "clean_session": {
                "@new": {"clean_session": True},
                "@hex": "10 0f 00 04 4d 51 54 54 04 02 00 3c 00 03 64 65 76",
            },
            "empty_client_id": {
                "@new": {"client_id": "", "clean_session": True},
                "@hex": "10 0c 00 04 4d 51 54 54 04 02 00 3c 00 00",
            },
            "no_keep_alive": {
                "@new": {"keep_alive": 0},
                "@hex": "10 0f 00 04 4d 51 54 54 04 00 00 00 00 03 64 65 76",
            },
            "longest_keep_alive": {
                "@new": {"keep_alive": 65535},
                "@hex": "10 0f 00 04 4d 51 54 54 04 00 ff ff 00 03 64 65 76",
            },
            "everything_in_order": {
                "@new": {
                    "client_id": "i",
                    "username": "u",
                    "password": "p",
                    "will": ("w", b"m", 1, True),
                    "clean_session": True,
                },
                "@hex": "10 19 00 04 4d 51 54 54 04 ee 00 3c"
                        " 00 01 69 00 01 77 00 01 6d 00 01 75 00 01 70",
            },
        },
        "broker": (("accept",), ("expect_hex", "@hex"), ("send", "CONNACK")),
        "client": (("new", "@new"), ("connect", (), {}, False), ("check", "connected", True)),
    },
    {
        "name": "connect_fields",
        "covers": (
            "MQTT-3.1.2-9", "MQTT-3.1.2-14", "MQTT-3.1.2-19", "MQTT-3.1.2-21", "MQTT-3.1.3-1",
            "MQTT-3.1.3-4", "MQTT-3.1.3-7", "MQTT-3.1.3-10", "MQTT-3.1.3-11",
        ),
        "cases": {
            "non_ascii_client_id": {
                "@new": {"client_id": "Fühler-温度"}, "@seen": {"client_id": "Fühler-温度"},
            },
            "long_client_id": {
                "@new": {"client_id": "i" * 65535}, "@seen": {"client_id": "i" * 65535},
            },
            "empty_username": {
                "@new": {"username": ""}, "@seen": {"username": "", "password": None},
            },
            "username_without_password": {
                "@new": {"username": "ü"}, "@seen": {"username": "ü", "password": None},
            },
            "empty_password": {
                "@new": {"username": "u", "password": b""}, "@seen": {"password": b""},
            },
            "binary_password": {
                "@new": {"username": "u", "password": b"\0\xff"}, "@seen": {"password": b"\0\xff"},
            },
            "text_password": {
                "@new": {"username": "u", "password": "pä"}, "@seen": {"password": b"p\xc3\xa4"},
            },
            "will_qos_0": {
                "@new": {"will": ("s", b"off")}, "@seen": {"will": ("s", b"off", 0, False)},
            },
            "will_qos_1": {
                "@new": {"will": ("s", b"off", 1)}, "@seen": {"will": ("s", b"off", 1, False)},
            },
            "will_qos_2_retain": {
                "@new": {"will": ("s", b"\0\1", 2, True)},
                "@seen": {"will": ("s", b"\0\1", 2, True)},
            },
            "will_empty_payload": {
                "@new": {"will": ("s", b"", 0, True)}, "@seen": {"will": ("s", b"", 0, True)},
            },
            "will_text_payload": {
                "@new": {"will": ("ä/ö", "ü")}, "@seen": {"will": ("ä/ö", b"\xc3\xbc", 0, False)},
            },
        },
        "broker": (("greet", {}, "@seen"),),
        "client": (("new", "@new"), ("connect",)),
    },
    {
        "name": "disconnect_is_the_last_word",
        "covers": ("MQTT-3.14.1-1", "MQTT-3.14.4-1", "MQTT-3.14.4-2"),
        "broker": (("greet",), ("expect_hex", "e0 00"), ("expect_eof", 1000)),
        "client": (
            ("connect",),
            ("disconnect",),
            ("check", "connected", False),
            ("blocking", QUEUES, ("raises", "OSError", ENOTCONN, ("publish", ("a", b"x")))),
        ),
    },
    {
        "name": "disconnect_while_a_publish_is_in_flight",
        "covers": ("MQTT-3.14.4-2",),
        "broker": (
            ("greet",),
            ("expect", "PUBLISH", {"packet_id": "$a"}),
            ("expect", "DISCONNECT"),
            ("send", "PUBACK", {"packet_id": "$a"}),
            ("expect_eof", 1000),
        ),
        "client": (
            ("connect",),
            ("publish_nowait", ("a", b"x"), {"qos": 1}),
            ("disconnect",),
            ("check", "connected", False),
        ),
    },
    {
        "name": "close_sends_no_disconnect",
        "broker": (("greet",), ("expect_eof", 1000)),
        "client": (("connect",), ("close",), ("check", "connected", False)),
    },
    {
        "name": "disconnect_and_close_twice_are_harmless",
        "broker": (("greet",), ("expect", "DISCONNECT"), ("expect_eof", 1000)),
        "client": (("connect",), ("disconnect",), ("disconnect",), ("close",), ("close",)),
    },
    {
        "name": "close_before_connect_is_harmless",
        "broker": (("no_accept", 100),),
        "client": (("close",), ("disconnect",)),
    },
    {
        "name": "connect_again_after_disconnect",
        "broker": (("greet",), ("expect", "DISCONNECT"), ("greet", {"session_present": 1})),
        "client": (
            ("connect", (), {}, False),
            ("disconnect",),
            ("connect", (), {}, True),
            ("check", "connected", True),
        ),
    },
    {
        "name": "connect_again_after_close",
        "broker": (("greet",), ("expect_eof",), ("greet",)),
        "client": (("connect",), ("close",), ("connect", (), {}, False)),
    },
    {
        "name": "nothing_is_sent_before_connect",
        "blocking_only": "AsyncClient queues, or drops QoS 0: see test_async_offline",
        "covers": ("MQTT-3.1.0-1",),
        "cases": {
            "publish_qos_0": {"@step": ("publish", ("a", b"x"))},
            "publish_qos_1": {"@step": ("publish", ("a", b"x"), {"qos": 1})},
            "publish_qos_2": {"@step": ("publish", ("a", b"x"), {"qos": 2})},
            "publish_nowait": {"@step": ("publish_nowait", ("a", b"x"), {"qos": 1})},
            "subscribe": {"@step": ("subscribe", ("a",))},
            "unsubscribe": {"@step": ("unsubscribe", ("a",))},
            "poll": {"@step": ("poll",)},
        },
        "broker": (("no_accept", 100),),
        "client": (("raises", "OSError", ENOTCONN, "@step"), ("check", "connected", False)),
    },
    {
        "name": "connack_missing_ends_in_time",
        "covers": ("MQTT-3.2.0-1", "U311-4"),
        "broker": (
            ("accept",), ("expect", "CONNECT"), ("expect_eof", 3000),
            ("greet",),
        ),
        "client": (
            ("new", {"connect_timeout_ms": 400}),
            ("within_ms", 2500, ("not_before_ms", 350,
                ("raises", "OSError", ETIMEDOUT, ("connect",)))),
            ("check", "connected", False),
            ("connect",),
        ),
    },
    {
        "name": "connect_is_bounded_by_its_own_timeout_too",
        "broker": (("accept",), ("expect", "CONNECT"), ("expect_eof", 3000)),
        "client": (
            ("within_ms", 2500, ("raises", "OSError", ETIMEDOUT,
                ("connect", (), {"timeout_ms": 400}))),
        ),
    },
    {
        "name": "connack_slow_is_waited_for",
        "broker": (
            ("accept",), ("expect", "CONNECT"), ("stall", 400), ("send", "CONNACK"),
        ),
        "client": (("not_before_ms", 350, ("connect", (), {}, False)),),
    },
    {
        "name": "connack_cut_short",
        "covers": ("MQTT-3.2.2-6",),
        "cases": {
            "fin_0": {"@how": "fin", "@n": 0}, "rst_0": {"@how": "rst", "@n": 0},
            "fin_1": {"@how": "fin", "@n": 1}, "rst_1": {"@how": "rst", "@n": 1},
            "fin_2": {"@how": "fin", "@n": 2}, "rst_2": {"@how": "rst", "@n": 2},
            "fin_3": {"@how": "fin", "@n": 3}, "rst_3": {"@how": "rst", "@n": 3},
        },
        "broker": (
            ("accept",), ("expect", "CONNECT"), ("cut_out", "@how", "@n", "CONNACK", {}),
            ("greet",),
        ),
        "client": (
            ("within_ms", 2500, ("raises", RESET, {}, ("connect",))),
            ("check", "connected", False),
            ("connect", (), {}, False),
        ),
    },
    {
        "name": "connack_stalls_in_the_middle",
        "broker": (
            ("accept",), ("expect", "CONNECT"), ("send_hex", "20 02 00"), ("expect_eof", 3000),
        ),
        "client": (
            ("new", {"connect_timeout_ms": 400}),
            ("within_ms", 2500, ("raises", "OSError", ETIMEDOUT, ("connect",))),
        ),
    },
    {
        "name": "cut_while_connect_is_sent",
        "cases": {
            "fin_0": {"@how": "fin", "@n": 0}, "rst_0": {"@how": "rst", "@n": 0},
            "fin_1": {"@how": "fin", "@n": 1}, "rst_1": {"@how": "rst", "@n": 1},
            "fin_9": {"@how": "fin", "@n": 9}, "rst_9": {"@how": "rst", "@n": 9},
        },
        "broker": (("accept",), ("cut_in", "@how", "@n"), ("greet",)),
        "client": (
            ("within_ms", 2500, ("raises", RESET, {}, ("connect",))),
            ("connect", (), {}, False),
        ),
    },
    {
        "name": "refused_then_accepted",
        "broker": (("refuse",), ("sync", "refused"), ("listen",), ("sync", "listening"),
            ("greet",)),
        "client": (
            ("within_ms", 2500, ("raises", "OSError", {"errno": ("ECONNREFUSED", "ECONNRESET",
                "EPIPE", "ENOTCONN")}, ("connect",))),
            ("check", "connected", False),
            ("sync", "refused"),
            ("sync", "listening"),
            ("connect", (), {}, False),
        ),
    },
    {
        "name": "name_that_does_not_resolve",
        "broker": (("no_accept", 50), ("sync", "away"), ("greet",)),
        "client": (
            ("new", {"dial": "dns_fails", "dial_args": (1,)}),
            ("within_ms", 2500, ("raises", "OSError", {}, ("connect",))),
            ("sync", "away"),
            ("connect", (), {}, False),
        ),
    },
    {
        "name": "host_by_name",
        "broker": (("greet",),),
        "client": (("new", {"host": "localhost"}), ("connect", (), {}, False)),
    },
    {
        "name": "first_failure_is_raised_and_not_tried_again",
        "broker": (("accept",), ("cut", "rst"), ("no_accept", 400)),
        "client": (("raises", RESET, {}, ("connect",)), ("sleep", 300)),
    },
    {
        "name": "events_of_a_connection",
        "in_5": {"why": "a session that the client knows nothing of is refused [MQTT-3.2.2-4]",
                 "new": {"accept_session": True}},
        "broker": (("greet", {"session_present": 1}), ("expect", "DISCONNECT")),
        "client": (
            ("connect",),
            ("events", [("connect", True)]),
            ("disconnect",),
        ),
    },
)
