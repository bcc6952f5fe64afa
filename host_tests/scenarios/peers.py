"""What other clients get wrong. Each name says whose weakness it is and what must hold."""
# fmt: off

MARK = ("send", "PUBLISH", {"topic": "mark", "payload": b""})
MARKED = (("poll_until", 1), ("messages", [("mark",)]))
SEEN_1 = ("expect", "PUBLISH", {"qos": 1, "dup": False, "packet_id": "$a"})
BACK = ("greet", {"session_present": 1})

SCENARIOS = (
    {
        "name": "umqtt_simple_writes_a_publish_in_one_piece",
        "in_5": {
            "why": "CONNECT has properties, PUBLISH is longer by its property length",
            "client": (
                ("new", {"dial": "counted"}), ("connect",), ("writes", [31]),
                ("publish", ("a/b/c", b"x" * 100), {"qos": 1}), ("writes", [112]),
            ),
        },
        "broker": (
            ("greet",),
            ("expect", "PUBLISH", {"packet_id": "$a"}), ("send", "PUBACK", {"packet_id": "$a"}),
        ),
        "client": (
            ("new", {"dial": "counted"}), ("connect",), ("writes", [17]),
            ("publish", ("a/b/c", b"x" * 100), {"qos": 1}), ("writes", [111]),
        ),
    },
    {
        "name": "umqtt_simple_packet_id_wraps_and_is_never_0",
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"packet_id": 65535}),
            ("send", "PUBACK", {"packet_id": 65535}),
            ("expect", "PUBLISH", {"packet_id": 1}), ("send", "PUBACK", {"packet_id": 1}),
        ),
        "client": (
            ("connect",), ("next_id", 65535),
            ("repeat", 2, ("publish", ("a", b"x"), {"qos": 1})),
        ),
    },
    {
        "name": "umqtt_simple_ack_outside_its_waiter_keeps_the_stream_in_step",
        "broker": (
            ("greet",), ("send", "PUBACK", {"packet_id": 9}),
            ("send", "SUBACK", {"packet_id": 10, "codes": (0, 1, 2)}),
            ("send", "UNSUBACK", {"packet_id": 11}), ("send", "PUBCOMP", {"packet_id": 12}), MARK,
        ),
        "client": (("connect",),) + MARKED,
    },
    {
        "name": "umqtt_simple_publish_in_a_callback_does_not_eat_the_outer_puback",
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"topic": "outer", "packet_id": "$a"}),
            ("send", "PUBLISH", {"topic": "in"}),
            ("expect", "PUBLISH", {"topic": "inner", "packet_id": "$b"}),
            ("send", "PUBACK", {"packet_id": "$a"}), ("send", "PUBACK", {"packet_id": "$b"}),
            ("expect", "PUBLISH", {"topic": "end"}),
        ),
        "client": (
            ("on_message", {"do": (("publish", ("inner", b""), {"qos": 1}),)}), ("connect",),
            ("within_ms", 3000, ("publish", ("outer", b""), {"qos": 1}, None)),
            ("publish", ("end", b"")), ("poll_for", 50),
        ),
    },
    {
        "name": "umqtt_simple_timeout_still_holds_after_the_first_message",
        "broker": (("greet",), MARK, ("expect", "PUBLISH"), ("expect_nothing", 500)),
        "client": (
            ("connect",),) + MARKED + (
            ("within_ms", 2000, ("raises", "OSError", {"errno": "ETIMEDOUT"},
                ("publish", ("a", b"x"), {"qos": 1, "timeout_ms": 300}))),
            ("within_ms", 1000, ("poll", (200,), {}, 0)), ("poll_for", 400),
        ),
    },
    {
        "name": "umqtt_simple_username_without_password",
        "broker": (("greet", {}, {"username": "u", "password": None}),),
        "client": (("new", {"username": "u"}), ("connect",)),
    },
    {
        "name": "umqtt_simple_length_field_is_capped",
        "broker": (("greet",), ("sync", "ready"), ("send_hex", "30 ff ff ff ff"),
            ("expect_eof", 2500)),
        "client": (("connect",), ("sync", "ready"), ("raises", "ProtocolError", {},
            ("poll_for", 2000))),
    },
    {
        "name": "umqtt_simple_protocol_errors_are_no_asserts",
        "broker": (
            ("greet",), ("expect", "SUBSCRIBE"), ("send_hex", "90 01 00"), ("expect_eof", 2500),
        ),
        "client": (("connect",), ("raises", "ProtocolError", {}, ("subscribe", ("a",)))),
    },
    {
        "name": "umqtt_simple_non_ascii_topic_is_measured_in_bytes",
        "broker": (
            ("greet",), ("expect_hex", "30 07 00 04 74 c3 a9 74 78"),
            ("expect", "SUBSCRIBE", {"filters": (("té/#", 0),), "packet_id": "$s"}),
            ("send", "SUBACK", {"packet_id": "$s", "codes": (0,)}),
        ),
        "client": (("connect",), ("publish", ("tét", "x")), ("subscribe", ("té/#",))),
    },
    {
        "name": "umqtt_robust_link_lost_before_puback_is_resumed_and_does_not_hang",
        "broker": (
            ("greet",), SEEN_1, ("cut", "fin"), BACK,
            ("expect", "PUBLISH", {"dup": True, "packet_id": "$a"}),
            ("send", "PUBACK", {"packet_id": "$a"}),
        ),
        "client": (
            ("new", {"reconnect": True}), ("connect",),
            ("within_ms", 4000, ("publish", ("a", b"x"), {"qos": 1}, None)),
        ),
    },
    {
        "name": "umqtt_robust_and_robust2_resend_with_the_same_id_and_dup",
        "broker": (
            ("greet",),
            ("expect", "PUBLISH", {"payload": b"1", "packet_id": "$a"}),
            ("expect", "PUBLISH", {"payload": b"2", "packet_id": "$b"}),
            ("cut", "rst"), BACK,
            ("expect", "PUBLISH", {"payload": b"1", "dup": True, "packet_id": "$a"}),
            ("expect", "PUBLISH", {"payload": b"2", "dup": True, "packet_id": "$b"}),
            ("send", "PUBACK", {"packet_id": "$b"}), ("send", "PUBACK", {"packet_id": "$a"}),
        ),
        "client": (
            ("new", {"reconnect": True}), ("connect",),
            ("let", "$a", ("publish_nowait", ("a", b"1"), {"qos": 1})),
            ("publish_nowait", ("a", b"2"), {"qos": 1}), ("wait", ("$a",)),
        ),
    },
    {
        "name": "simple2_short_write_goes_on_where_it_stopped",
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"payload": b"s" * 300, "packet_id": "$a"}),
            ("send", "PUBACK", {"packet_id": "$a"}),
        ),
        "client": (
            ("new", {"dial": "dribbling"}), ("connect",),
            ("publish", ("a", b"s" * 300), {"qos": 1}, None),
        ),
    },
    {
        "name": "simple2_errors_are_raised",
        "broker": (("greet", {"return_code": 4}), ("expect_eof", 1000)),
        "client": (("raises", "ReasonError", {"reason_code": 4}, ("connect",)),),
    },
    {
        "name": "simple2_acks_while_more_is_published_change_no_table_under_way",
        "broker": (
            ("greet",),
            ("for_ids", 1, 30, ("expect", "PUBLISH", {"packet_id": "$i"}),
                ("send_together", ("PUBACK", {"packet_id": "$i"}),
                    ("PUBLISH", {"topic": "in", "qos": 1, "packet_id": "$i"})),
                ("expect", "PUBACK", {"packet_id": "$i"})),
        ),
        "client": (
            ("new", {"window": 1}), ("connect",), ("next_id", 1),
            ("repeat", 30, ("publish", ("a", b"x"), {"qos": 1}), ("poll_until", 1), ("forget",)),
        ),
    },
    {
        "name": "mqtt_as_session_present_is_accepted_and_resumed",
        "in_5": {"why": "a session that the client knows nothing of is refused [MQTT-3.2.2-4]",
                 "new": {"accept_session": True}},
        "broker": (
            ("greet", {"session_present": 1}),
            ("send", "PUBLISH", {"topic": "kept", "qos": 1, "packet_id": 3}),
            ("expect", "PUBACK", {"packet_id": 3}),
        ),
        "client": (("connect", (), {}, True), ("poll_until", 1), ("messages", [("kept",)])),
    },
    {
        "name": "mqtt_as_clean_close_by_the_broker_is_an_oserror",
        "broker": (("greet",), ("sync", "cut"), ("cut", "fin")),
        "client": (
            ("connect",), ("sync", "cut"), ("raises", "OSError", {}, ("poll_for", 2000)),
            ("check", "connected", False),
        ),
    },
    {
        "name": "mqtt_as_suback_0x80_is_an_error_and_no_disconnect_loop",
        "broker": (
            ("greet",), ("expect", "SUBSCRIBE", {"packet_id": "$s"}),
            ("send", "SUBACK", {"packet_id": "$s", "codes": (0x80,)}), MARK, ("no_accept", 300),
        ),
        "client": (
            ("new", {"reconnect": True}), ("connect",),
            ("within_ms", 1500,
                ("raises", "ReasonError", {"reason_code": 0x80}, ("subscribe", ("a", 1)))),
        ) + MARKED + (("check", "connected", True), ("sleep", 250)),
    },
    {
        "name": "mqtt_as_late_puback_causes_no_resend_and_no_drop",
        "broker": (
            ("greet",), SEEN_1, ("expect_nothing", 800), ("send", "PUBACK", {"packet_id": "$a"}),
            ("send", "PUBACK", {"packet_id": "$a"}), MARK,
        ),
        "client": (
            ("connect",),
            ("raises", "OSError", {"errno": "ETIMEDOUT"},
                ("publish", ("a", b"x"), {"qos": 1, "timeout_ms": 300})),
            ("poll_until", 1),
            ("check", "connected", True),
        ),
    },
    {
        "name": "mqtt_as_acks_are_noticed_at_once",
        "broker": (("greet",), ("for_ids", 1, 20,
            ("expect", "PUBLISH", {"packet_id": "$i"}), ("send", "PUBACK", {"packet_id": "$i"}))),
        "client": (
            ("connect",), ("next_id", 1),
            ("within_ms", 1000, ("repeat", 20, ("publish", ("a", b"x"), {"qos": 1}))),
        ),
    },
    {
        "name": "mqtt_as_no_message_is_lost_in_a_burst",
        "broker": (
            ("greet",),
            ("send_together",) + (("PUBLISH", {"topic": "a", "payload": b"x", "qos": 1,
                "packet_id": 5}),) * 60,
            ("expect_mix", {"PUBACK": 60}),
        ),
        "client": (("connect",), ("poll_until", 60), ("messages", [("a", b"x")] * 60)),
    },
    {
        "name": "mqtt_as_packets_of_length_0_are_not_read_past",
        "broker": (
            ("greet",), ("send_together", ("PINGRESP", {}), ("PUBLISH", {"topic": "mark"})),
        ),
        "client": (("connect",),) + MARKED,
    },
    {
        "name": "mqtt_as_a_refused_connection_is_dialled_afresh_and_backed_off",
        "broker": (("count_connects", 1500, 2, 8), ("greet",)),
        "client": (
            ("new", {"reconnect": True, "backoff_ms": 200, "backoff_max_ms": 400}),
            ("connect", (), {}, False),
        ),
    },
    {
        "name": "mqtt_as_publish_given_up_leaves_no_half_packet",
        "heap": "32m",
        "broker": (
            ("small_buffer",), ("greet",), ("sync", "given up"),
            ("expect", "PUBLISH", {"payload": ("times", b"x", 7000000), "qos": 0}),
            ("expect", "PUBLISH", {"topic": "b", "payload": b"y"}),
        ),
        "client": (
            ("connect",),
            ("raises", "OSError", {"errno": "ETIMEDOUT"},
                ("publish", ("a", ("times", b"x", 7000000)), {"timeout_ms": 300})),
            ("sync", "given up"),
            ("publish", ("b", b"y"), {"timeout_ms": 8000}),
        ),
    },
    {
        "name": "miniMQTT_session_present_is_not_an_error_code",
        "in_5": {"why": "a session that the client knows nothing of is refused [MQTT-3.2.2-4]",
                 "new": {"accept_session": True}},
        "broker": (("greet", {"session_present": 1}), MARK),
        "client": (("connect", (), {}, True), ("check", "connected", True)) + MARKED,
    },
    {
        "name": "miniMQTT_qos_2_publish_sends_pubrel",
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"qos": 2, "packet_id": "$a"}),
            ("send", "PUBREC", {"packet_id": "$a"}),
            ("expect", "PUBREL", {"packet_id": "$a"}), ("send", "PUBCOMP", {"packet_id": "$a"}),
        ),
        "client": (("connect",), ("publish", ("a", b"x"), {"qos": 2}, None)),
    },
    {
        "name": "miniMQTT_end_of_file_is_noticed_at_once",
        "broker": (("greet",), ("sync", "cut"), ("cut", "fin")),
        "client": (
            ("connect",), ("sync", "cut"), ("within_ms", 1500, ("raises", "OSError", {}, ("poll", (3000,)))),
        ),
    },
    {
        "name": "miniMQTT_reconnect_keeps_session_and_qos",
        "broker": (
            ("greet", {}, {"clean_session": False}), ("expect_subscriptions", (("a", 2),)),
            ("cut", "rst"), ("greet", {}, {"clean_session": False}),
            ("expect_subscriptions", (("a", 2),)), MARK,
        ),
        "client": (("new", {"reconnect": True}), ("on", "a", 2), ("connect",)) + MARKED,
    },
    {
        "name": "paho_lost_session_is_told_and_subscribed_again",
        "broker": (
            ("greet",), ("expect_subscriptions", (("a", 1),)), ("cut", "rst"),
            ("greet", {"session_present": 0}), ("expect_subscriptions", (("a", 1),)), MARK,
        ),
        "client": (("new", {"reconnect": True}), ("on", "a", 1), ("connect",)) + MARKED + (
            ("events", [("connect", False), ("disconnect", "OSError"), ("connect", False)]),
        ),
    },
    {
        "name": "esp_mqtt_and_others_qos_2_duplicate_is_handled_once",
        "broker": (
            ("greet",),
            ("send", "PUBLISH", {"topic": "a", "qos": 2, "packet_id": 7}),
            ("send", "PUBLISH", {"topic": "a", "qos": 2, "packet_id": 7, "dup": 1}),
            ("expect", "PUBREC", {"packet_id": 7}), ("expect", "PUBREC", {"packet_id": 7}),
            ("send", "PUBREL", {"packet_id": 7}), ("expect", "PUBCOMP", {"packet_id": 7}), MARK,
        ),
        "client": (("connect",), ("poll_until", 2), ("messages", [("a",), ("mark",)])),
    },
    {
        "name": "esp_mqtt_unacknowledged_messages_do_not_expire",
        "broker": (
            ("greet",), SEEN_1, ("stall", 1200), ("cut", "rst"), BACK,
            ("expect", "PUBLISH", {"dup": True, "packet_id": "$a"}),
            ("send", "PUBACK", {"packet_id": "$a"}),
        ),
        "client": (
            ("new", {"reconnect": True}), ("connect",),
            ("let", "$a", ("publish_nowait", ("a", b"x"), {"qos": 1})),
            ("raises", "OSError", {"errno": "ETIMEDOUT"}, ("wait", ("$a",), {"timeout_ms": 300})),
            ("wait", ("$a",)),
        ),
    },
    {
        "name": "esp_mqtt_ids_in_use_are_checked",
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"packet_id": 50}),
            ("expect", "PUBLISH", {"packet_id": 51}), ("expect", "PUBLISH", {"packet_id": 52}),
        ),
        "client": (
            ("connect",), ("next_id", 50),
            ("repeat", 2, ("publish_nowait", ("a", b"x"), {"qos": 1})),
            ("next_id", 50),
            ("publish_nowait", ("a", b"x"), {"qos": 1}), ("poll_for", 50),
        ),
    },
    {
        "name": "coreMQTT_message_too_large_does_not_poison_a_resumed_session",
        "in_5": {"why": "what is longer than announced is answered by 0x95: see v5_limits",
                 "new": {"accept_session": True, "properties": {"maximum_packet_size": None}}},
        "broker": (
            ("greet", {"session_present": 1}),
            ("send", "PUBLISH", {"topic": "big", "payload": b"B" * 3000, "qos": 1,
                "packet_id": 7}),
            ("expect", "PUBACK", {"packet_id": 7}), MARK, ("sync", "seen"), ("cut", "rst"),
            BACK, MARK,
        ),
        "client": (
            ("new", {"rx_size": 256, "reconnect": True}), ("connect", (), {}, True),) + MARKED + (
            ("check", "session.oversized", 1), ("sync", "seen"),) + MARKED,
    },
    {
        "name": "others_inbound_id_of_an_outbound_message_is_accepted",
        "broker": (
            ("greet",), SEEN_1, ("send", "PUBLISH", {"topic": "in", "qos": 1, "packet_id": "$a"}),
            ("expect", "PUBACK", {"packet_id": "$a"}),
            ("send", "PUBLISH", {"topic": "in", "qos": 2, "packet_id": "$a"}),
            ("expect", "PUBREC", {"packet_id": "$a"}), ("send", "PUBREL", {"packet_id": "$a"}),
            ("expect", "PUBCOMP", {"packet_id": "$a"}), ("send", "PUBACK", {"packet_id": "$a"}),
        ),
        "client": (
            ("connect",), ("publish", ("a", b"x"), {"qos": 1}, None), ("messages", [("in",)] * 2),
        ),
    },
)
