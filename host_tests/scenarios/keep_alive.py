"""Keep alive: pings, their answers, and links that are dead without a word."""
# fmt: off

DEAD = ("raises", ("OSError", "MQTTError"), {}, ("poll_for", 5000))

SCENARIOS = (
    {
        "name": "idle_client_pings",
        "covers": ("MQTT-3.1.2-23",),
        "broker": (("greet",), ("serve", 2500, {"max_gap_ms": 1500, "pings": (2, 8)})),
        "client": (("new", {"keep_alive": 1}), ("connect",), ("poll_for", 2700),
                   ("check", "connected", True)),
    },
    {
        "name": "ping_bytes",
        "broker": (
            ("greet",), ("expect_hex", "c0 00", 1800), ("send", "PINGRESP"),
            ("expect_eof", 5000, ("PINGREQ", "DISCONNECT")),
        ),
        "client": (
            ("new", {"keep_alive": 1, "ping_timeout_ms": 3000}), ("connect",), ("poll_for", 1300),
        ),
    },
    {
        "name": "inbound_traffic_does_not_hold_back_the_ping",
        "covers": ("MQTT-3.1.2-23",),
        "broker": (
            ("greet",),
            ("serve", 2500, {"max_gap_ms": 1500, "pings": (1, 8), "every_ms": 20,
                "send": ("PUBLISH", {"topic": "flood", "payload": b"x" * 50})}),
        ),
        "client": (("new", {"keep_alive": 1}), ("connect",), ("poll_for", 2700),
                   ("check", "connected", True)),
    },
    {
        "name": "waiting_for_an_ack_pings",
        "covers": ("MQTT-3.1.2-23",),
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"packet_id": "$a"}),
            ("serve", 2300, {"max_gap_ms": 1500, "pings": (1, 8)}),
            ("send", "PUBACK", {"packet_id": "$a"}),
        ),
        "client": (
            ("new", {"keep_alive": 1}), ("connect",),
            ("publish", ("a", b"x"), {"qos": 1, "timeout_ms": 6000}, None),
        ),
    },
    {
        "name": "waiting_for_suback_pings",
        "covers": ("MQTT-3.1.2-23",),
        "broker": (
            ("greet",), ("expect", "SUBSCRIBE", {"packet_id": "$a"}),
            ("serve", 2300, {"max_gap_ms": 1500, "pings": (1, 8)}),
            ("send", "SUBACK", {"packet_id": "$a", "codes": (0,)}),
        ),
        "client": (
            ("new", {"keep_alive": 1}), ("connect",), ("subscribe", ("a",),
                {"timeout_ms": 6000}, 0),
        ),
    },
    {
        "name": "one_long_poll_pings",
        "broker": (("greet",), ("serve", 2300, {"max_gap_ms": 1500, "pings": (1, 8)})),
        "client": (("new", {"keep_alive": 1}), ("connect",), ("poll_for", 2500, 2600)),
    },
    {
        "name": "no_keep_alive_no_ping",
        "covers": ("MQTT-3.1.2-23",),
        "broker": (("greet",), ("expect_nothing", 1500)),
        "client": (("new", {"keep_alive": 0}), ("connect",), ("poll_for", 1700)),
    },
    {
        "name": "pingresp_lost_closes_in_time",
        "covers": ("MQTT-3.12.4-1", "U311-2"),
        "broker": (
            ("greet",), ("expect", "PINGREQ", {}, 1800), ("expect_eof", 2500, ("PINGREQ",)),
        ),
        "client": (
            ("new", {"keep_alive": 1, "ping_timeout_ms": 500}), ("connect",),
            ("within_ms", 4000, DEAD), ("check", "connected", False),
            ("events", [("connect", False), ("disconnect", "OSError")]),
        ),
    },
    {
        "name": "default_ping_timeout_is_half_the_keep_alive",
        "broker": (("greet",), ("expect", "PINGREQ", {}, 1800), ("expect_eof", 2500)),
        "client": (
            ("new", {"keep_alive": 1}), ("connect",), ("within_ms", 4000, DEAD),
        ),
    },
    {
        "name": "half_open_link_is_found",
        "broker": (("greet",), ("half_open",)),
        "client": (
            ("new", {"keep_alive": 1}), ("connect",), ("within_ms", 4000, DEAD),
            ("check", "connected", False),
        ),
    },
    {
        "name": "half_open_link_is_found_in_spite_of_outbound_traffic",
        "broker": (("greet",), ("half_open",)),
        "client": (
            ("new", {"keep_alive": 1}), ("connect",),
            ("within_ms", 5000, ("raises", ("OSError", "MQTTError"), {},
                ("repeat", 100, ("publish", ("a", b"x")), ("poll", (60,))))),
            ("check", "connected", False),
        ),
    },
    {
        "name": "half_open_link_is_found_while_an_ack_is_awaited",
        "broker": (("greet",), ("half_open",)),
        "client": (
            ("new", {"keep_alive": 1}), ("connect",),
            ("within_ms", 4000, ("raises", ("OSError", "MQTTError"), {},
                ("publish", ("a", b"x"), {"qos": 1, "timeout_ms": 20000}))),
            ("check", "connected", False),
        ),
    },
    {
        "name": "pause_after_a_publish_does_not_put_off_the_ping",
        "covers": ("MQTT-3.1.2-23",),
        "broker": (
            ("greet",), ("expect", "PUBLISH"), ("serve", 3200, {"max_gap_ms": 2200}),
        ),
        "client": (
            ("new", {"keep_alive": 2}), ("connect",), ("publish", ("a", b"x")),
            ("sleep", 1400), ("poll",), ("sleep", 1400), ("poll",), ("poll_for", 600),
        ),
    },
    {
        "name": "pingresp_late_is_borne",
        "broker": (
            ("greet",), ("expect", "PINGREQ", {}, 1800), ("stall", 600), ("send", "PINGRESP"),
            ("serve", 700, {"pings": (1, 5)}),
        ),
        "client": (
            ("new", {"keep_alive": 1, "ping_timeout_ms": 2500}), ("connect",), ("poll_for", 2100),
            ("check", "connected", True),
        ),
    },
    {
        "name": "pings_go_on_while_an_answer_is_awaited",
        "covers": ("MQTT-3.1.2-23",),
        "broker": (("greet",), ("serve", 2500, {"max_gap_ms": 1500, "mute": True})),
        "client": (
            ("new", {"keep_alive": 1, "ping_timeout_ms": 4000}), ("connect",), ("poll_for", 2700),
        ),
    },
    {
        "name": "pingresp_twice_or_unasked_is_borne",
        "broker": (
            ("greet",), ("send", "PINGRESP"), ("send_together", ("PINGRESP", {}), ("PINGRESP",
                {})),
            ("send", "PUBLISH", {"topic": "mark"}),
            ("expect", "PUBLISH", {"topic": "end"}),
        ),
        "client": (
            ("connect",), ("poll_until", 1), ("check", "connected", True), ("publish",
                ("end", b"")),
        ),
    },
    {
        "name": "pingresp_unasked_does_not_answer_the_next_ping",
        "broker": (
            ("greet",), ("send", "PINGRESP"), ("expect", "PINGREQ", {}, 1800),
            ("expect_eof", 3000),
        ),
        "client": (("new", {"keep_alive": 1}), ("connect",), ("within_ms", 4500, DEAD)),
    },
    {
        "name": "pingresp_malformed_closes",
        "cases": {"flags": {"@hex": "d1 00"}, "body": {"@hex": "d0 01 00"}},
        "broker": (("greet",), ("sync", "ready"), ("send_hex", "@hex"), ("expect_eof", 2500)),
        "client": (
            ("connect",), ("sync", "ready"), ("raises", "ProtocolError", {}, ("poll_for", 2000)),
            ("check", "connected", False),
        ),
    },
    {
        "name": "sleep_longer_than_keep_alive_is_survived",
        "broker": (
            ("greet",), ("expect", "PINGREQ", {}, 4000), ("send", "PINGRESP"),
            ("expect", "PUBLISH", {"topic": "end"}),
        ),
        "client": (
            ("new", {"keep_alive": 1}), ("connect",), ("block", 2000), ("poll_for", 100),
            ("check", "connected", True), ("publish", ("end", b"")),
        ),
    },
)
