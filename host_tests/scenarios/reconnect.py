"""reconnect=True: the link comes back by itself, without a storm, and nothing is lost."""
# fmt: off

ON = ("new", {"reconnect": True})
SENT_1 = ("expect", "PUBLISH", {"payload": b"1", "qos": 1, "dup": False, "packet_id": "$a"})
SUB_A = ("expect_subscriptions", (("a", 1),))
END = ("expect", "PUBLISH", {"topic": "end"})
SAY_END = ("publish", ("end", b""))

NEXT = ("expect", "PUBLISH", {"payload": b"next", "dup": False, "packet_id": "$a"})
ACKED = ("send", "PUBACK", {"packet_id": "$a"})

SCENARIOS = (
    {
        "name": "poll_brings_the_link_back",
        "cases": {
            "fin": {"@cut": ("cut", "fin")}, "rst": {"@cut": ("cut", "rst")},
        },
        "broker": (("greet",), ("sync", "cut"), "@cut", ("greet", {"session_present": 1}), END),
        "client": (
            ON, ("connect",), ("events", [("connect", False)]), ("sync", "cut"),
            ("poll_until_event", "connect"),
            ("check", "connected", True),
            ("events", [("disconnect", "OSError"), ("connect", True)]),
            SAY_END,
        ),
    },
    {
        "name": "publish_brings_the_link_back",
        "cases": {
            "qos_1": {"@qos": 1, "@how": "fin"}, "qos_1_rst": {"@qos": 1, "@how": "rst"},
        },
        "broker": (
            ("greet",), ("sync", "cut"), ("cut", "@how"), ("greet", {"session_present": 1}),
            ("expect_delivery", {"topic": "a", "payload": b"1", "qos": "@qos"}),
        ),
        "client": (
            ON, ("connect",), ("sync", "cut"), ("poll_until_event", "disconnect"),
            ("publish", ("a", b"1"), {"qos": "@qos"}, None),
        ),
    },
    {
        "name": "publish_at_qos_0_brings_the_link_back",
        "blocking_only": "AsyncClient brings it back by itself and drops QoS 0 meanwhile",
        "cases": {"fin": {"@how": "fin"}, "rst": {"@how": "rst"}},
        "broker": (
            ("greet",), ("sync", "cut"), ("cut", "@how"), ("greet", {"session_present": 1}),
            ("expect_delivery", {"topic": "a", "payload": b"1", "qos": 0}),
        ),
        "client": (
            ON, ("connect",), ("sync", "cut"), ("poll_until_event", "disconnect"),
            ("publish", ("a", b"1"), {}, None),
        ),
    },
    {
        "name": "qos_1_in_flight_is_delivered_after_a_cut",
        "cases": {"fin": {"@how": "fin"}, "rst": {"@how": "rst"}},
        "broker": (
            ("greet",), SENT_1, ("cut", "@how"), ("greet", {"session_present": 1}),
            ("expect", "PUBLISH", {"payload": b"1", "dup": True, "packet_id": "$a"}),
            ("send", "PUBACK", {"packet_id": "$a"}),
        ),
        "client": (ON, ("connect",), ("publish", ("a", b"1"), {"qos": 1}, None)),
    },
    {
        "name": "qos_2_is_delivered_once_whatever_the_cut",
        "covers": ("MQTT-4.3.3-1", "MQTT-4.4.0-1"),
        "broker": (
            ("greet",),
            ("expect", "PUBLISH", {"qos": 2, "dup": False, "packet_id": "$a"}),
            ("cut", "rst"), ("greet", {"session_present": 1}),
            ("expect", "PUBLISH", {"qos": 2, "dup": True, "packet_id": "$a"}),
            ("send", "PUBREC", {"packet_id": "$a"}),
            ("expect", "PUBREL", {"packet_id": "$a"}),
            ("cut", "fin"), ("greet", {"session_present": 1}),
            ("expect", "PUBREL", {"packet_id": "$a"}),
            ("cut", "rst"), ("greet", {"session_present": 1}),
            ("expect", "PUBREL", {"packet_id": "$a"}),
            ("send", "PUBCOMP", {"packet_id": "$a"}),
        ),
        "client": (ON, ("connect",), ("publish", ("a", b"1"), {"qos": 2}, None)),
    },
    {
        "name": "first_connect_fails_then_succeeds",
        "broker": (("accept",), ("cut", "rst"), ("accept",), ("cut", "fin"), ("greet",)),
        "client": (ON, ("connect", (), {}, False), ("check", "connected", True)),
    },
    {
        "name": "first_connect_is_refused_then_succeeds",
        "broker": (("refuse",), ("stall", 400), ("listen",), ("greet",)),
        "client": (ON, ("connect", (), {}, False)),
    },
    {
        "name": "first_connect_does_not_resolve_then_succeeds",
        "broker": (("greet",),),
        "client": (
            ("new", {"reconnect": True, "dial": "dns_fails", "dial_args": (3,)}),
            ("connect", (), {}, False),
        ),
    },
    {
        "name": "connect_waits_until_the_network_is_ready",
        "broker": (("greet",),),
        "client": (
            ("new", {"reconnect": True, "ready": "ready_after", "ready_args": (3,)}),
            ("connect", (), {}, False),
        ),
    },
    {
        "name": "connect_that_never_succeeds_ends_in_time",
        "cases": {
            "refused": {"@step": ("refuse",), "@last": ("stall", 900),
                "@new": {"reconnect": True}},
            "no_name": {
                "@step": ("stall", 0), "@last": ("no_accept", 900),
                "@new": {"reconnect": True, "dial": "dns_fails", "dial_args": (9999,)},
            },
            "not_ready": {
                "@step": ("stall", 0), "@last": ("no_accept", 900),
                "@new": {"reconnect": True, "ready": "ready_after", "ready_args": (99999,)},
            },
        },
        "broker": ("@step", "@last"),
        "client": (
            ("new", "@new"),
            ("within_ms", 3000, ("not_before_ms", 700, ("raises", "OSError", {},
                ("connect", (), {"timeout_ms": 800})))),
            ("check", "connected", False),
        ),
    },
    {
        "name": "silent_broker_is_tried_again",
        "broker": (
            ("accept",), ("expect", "CONNECT"), ("expect_eof", 3000),
            ("accept",), ("expect", "CONNECT"), ("expect_eof", 3000), ("greet",),
        ),
        "client": (
            ("new", {"reconnect": True, "connect_timeout_ms": 800}), ("connect", (), {}, False),
        ),
    },
    {
        "name": "backoff_grows_and_is_no_storm",
        "broker": (("count_connects", 2500, 3, 9),),
        "client": (
            ("new", {"reconnect": True, "backoff_ms": 200, "backoff_max_ms": 5000}),
            ("raises", ("OSError", "MQTTError"), {}, ("connect", (), {"timeout_ms": 2300})),
            ("close",),
        ),
    },
    {
        "name": "backoff_has_an_upper_bound",
        "broker": (("count_connects", 2500, 8, 60),),
        "client": (
            ("new", {"reconnect": True, "backoff_ms": 50, "backoff_max_ms": 200}),
            ("raises", ("OSError", "MQTTError"), {}, ("connect", (), {"timeout_ms": 2400})),
            ("close",),
        ),
    },
    {
        "name": "broker_that_accepts_and_drops_is_no_storm",
        "broker": (
            ("greet",), ("sync", "cut"), ("cut", "rst"), ("count_connects", 2000, 2, 9),
                ("greet",),
        ),
        "client": (
            ("new", {"reconnect": True, "backoff_ms": 200, "backoff_max_ms": 800}),
            ("connect",), ("sync", "cut"), ("poll_until_event", "disconnect"),
            ("events", [("connect", False), ("disconnect", "OSError")]),
            ("poll_until_event", "connect", 6000),
        ),
    },
    {
        "name": "connack_then_cut_each_time_is_no_storm",
        "broker": (("greet_and_cut", 2500, 3, 12),),
        "client": (
            ("new", {"reconnect": True, "backoff_ms": 200, "backoff_max_ms": 2000}),
            ("connect",), ("poll_for", 2700), ("close",),  # longer than the broker looks
        ),
    },
    {
        "name": "refusal_by_the_broker_is_backed_off",
        "covers": ("MQTT-3.1.3-9",),
        "broker": (
            ("greet", {"return_code": 3}), ("expect_eof", 1000),
            ("greet", {"return_code": 3}), ("expect_eof", 1000), ("greet",),
        ),
        "client": (ON, ("connect", (), {}, False)),
    },
    {
        "name": "violation_by_the_broker_is_backed_off",
        "broker": (
            ("greet",), ("sync", "ready"), ("send_hex", "f0 00"), ("expect_eof", 1000),
            ("greet", {"session_present": 1}), END,
        ),
        "client": (
            ON, ("connect",), ("events", [("connect", False)]), ("sync", "ready"),
            ("poll_until_event", "connect"),
            ("events", [("disconnect", "ProtocolError"), ("connect", True)]), SAY_END,
        ),
    },
    {
        "name": "subscribed_again_only_when_the_session_was_lost",
        "broker": (
            ("greet",), SUB_A, ("cut", "rst"),
            ("greet", {"session_present": 1}), ("send", "PUBLISH", {"topic": "a"}),
            ("sync", "first"), ("cut", "rst"),
            ("greet",), SUB_A, END,
        ),
        "client": (
            ON, ("on", "a", 1), ("connect",), ("poll_until", 1), ("sync", "first"),
            ("events", [("connect", False), ("disconnect", "OSError"), ("connect", True)]),
            ("poll_until_event", "connect"),
            SAY_END,
        ),
    },
    {
        "name": "subscribe_survives_a_cut",
        "broker": (
            ("greet",), ("expect", "SUBSCRIBE"), ("cut", "rst"), ("greet",),
            ("expect_subscriptions", (("a", 1),)), END,
        ),
        "client": (ON, ("connect",), ("subscribe", ("a", 1), {}, 1), SAY_END),
    },
    {
        "name": "offline_messages_are_kept_in_order",
        "broker": (
            ("greet",), ("sync", "offline"), ("refuse",), ("cut", "rst"), ("sync", "queued"),
            ("listen",), ("greet", {"session_present": 1}),
            ("expect_delivery", {"payload": b"1", "qos": 1, "dup": False}),
            ("expect_delivery", {"payload": b"2", "qos": 2, "dup": False}),
            ("expect_delivery", {"payload": b"3", "qos": 1, "dup": False}),
        ),
        "client": (
            ("new", {"reconnect": True, "window": 1}), ("connect",), ("sync", "offline"),
            ("poll_until_event", "disconnect"),
            ("publish_nowait", ("a", b"1"), {"qos": 1}),
            ("publish_nowait", ("a", b"2"), {"qos": 2}),
            ("let", "$c", ("publish_nowait", ("a", b"3"), {"qos": 1})),
            ("check", "connected", False), ("sync", "queued"),
            ("wait", ("$c",)),
        ),
    },
    {
        "name": "offline_publish_without_the_broker_ends_in_time",
        "broker": (("greet",), ("sync", "offline"), ("refuse",), ("cut", "rst"), ("stall", 1500)),
        "client": (
            ON, ("connect",), ("sync", "offline"), ("poll_until_event", "disconnect"),
            ("within_ms", 2500, ("raises", "OSError", {"errno": "ETIMEDOUT"},
                ("publish", ("a", b"1"), {"qos": 1, "timeout_ms": 400}))),
            ("blocking", "AsyncClient drops QoS 0 then, and counts it: see test_async_offline",
                ("within_ms", 2500, ("raises", "OSError", {"errno": "ENOTCONN"},
                    ("publish", ("a", b"1"), {"qos": 0, "timeout_ms": 400})))),
            ("close",),
        ),
    },
    {
        "name": "offline_buffer_is_bounded",
        "broker": (("greet",), ("sync", "offline"), ("refuse",), ("cut", "rst"), ("stall", 1000)),
        "client": (
            ("new", {"reconnect": True, "tx_size": 256, "timeout_ms": 500}),
            ("connect",), ("sync", "offline"),
            ("poll_until_event", "disconnect"),
            ("within_ms", 3000, ("raises", "LimitError", {},
                ("repeat", 20, ("publish_nowait", ("a", b"x" * 30), {"qos": 1})))),
            ("within_ms", 3000, ("raises", "LimitError", {},
                ("publish", ("a", b"x" * 30), {"qos": 1, "timeout_ms": 300}))),
            ("close",),
        ),
    },
    {
        "name": "an_upload_whose_file_fails_is_given_up",
        "cases": {
            "begun_1": {"@qos": 1, "@left": 3000}, "begun_2": {"@qos": 2, "@left": 3000},
            "at_once_1": {"@qos": 1, "@left": 0},
        },
        "broker": (("greet",), ("expect_eof",), ("greet", {"session_present": 1}), NEXT, ACKED),
        "client": (
            ("new", {"reconnect": True, "tx_size": 256}), ("connect",),
            ("within_ms", 3000, ("raises", "OSError", {"errno": "EIO"},
                ("publish", ("a", ("upload", 5000, "@left")), {"qos": "@qos"}))),
            ("publish", ("a", b"next"), {"qos": 1}, None),
            ("events", [("connect", False), ("disconnect", "OSError"), ("connect", True)]),
        ),
    },
    {
        "name": "an_upload_that_nobody_waits_for_is_told_to_on_error",
        "cases": {"0": {"@qos": 0}, "1": {"@qos": 1}, "2": {"@qos": 2}},
        "broker": (("greet",), ("expect_eof",), ("greet", {"session_present": 1}), NEXT, ACKED),
        "client": (
            ("new", {"reconnect": True, "tx_size": 256}), ("connect",),
            ("publish_nowait", ("a", ("upload", 5000, 3000)), {"qos": "@qos"}),
            ("publish_nowait", ("a", b"next"), {"qos": 1}),
            ("poll_until_event", "error"),
            ("events", [("connect", False), ("disconnect", "OSError"), ("connect", True),
                ("error", "OSError")]),
            ("poll_until_attr", "session.outbox.lent", {}),
        ),
    },
    {
        "name": "an_upload_whose_file_fails_is_told_once",
        "broker": (("greet",), ("expect_eof",), ("greet", {"session_present": 1}), NEXT, ACKED),
        "client": (
            ("new", {"tx_size": 256}), ("connect",),
            ("raises", "OSError", {"errno": "EIO"},
                ("publish", ("a", ("upload", 5000, 3000)), {"qos": 1})),
            ("connect",), ("publish", ("a", b"next"), {"qos": 1}, None),
            ("events", [("connect", False), ("disconnect", "OSError"), ("connect", True)]),
        ),
    },
    {
        "name": "half_open_link_is_replaced",
        "broker": (
            ("greet",), ("half_open",), ("greet", {"session_present": 1}), END,
        ),
        "client": (
            ("new", {"reconnect": True, "keep_alive": 1}), ("connect",),
            ("events", [("connect", False)]), ("poll_until_event", "connect", 6000), SAY_END,
        ),
    },
    {
        "name": "disconnect_means_stay_away",
        "broker": (("greet",), ("expect", "DISCONNECT"), ("expect_eof", 1000), ("no_accept", 500)),
        "client": (
            ON, ("connect",), ("disconnect",),
            ("check", "connected", False), ("sleep", 600),
        ),
    },
    {
        "name": "handler_survives_a_cut_from_inside_publish",
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"packet_id": "$a"}),
            ("send", "PUBLISH", {"topic": "in", "qos": 1, "packet_id": 5}),
            ("cut", "fin"), ("greet", {"session_present": 1}),
            ("expect_all",
                ("PUBLISH", {"topic": "a", "dup": True, "packet_id": "$a"})),
            ("send", "PUBACK", {"packet_id": "$a"}),
        ),
        "client": (
            ON, ("connect",), ("publish", ("a", b"1"), {"qos": 1}, None), ("messages", [("in",)]),
        ),
    },
)
