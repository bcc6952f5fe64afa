"""A handler, or a hook, that ends the connection: what then becomes of the call that runs it."""

GONE = {"errno": "ENOTCONN"}
WAITS = "AsyncClient ends by a call that is awaited"
IN = ("send", "PUBLISH", {"topic": "in", "qos": 1, "packet_id": 7})
LEAVES = ("on_message", {"do": (("disconnect",),)})
LEFT = (("expect", "DISCONNECT"), ("expect_eof", 1000), ("no_accept", 300))

SCENARIOS = (
    {
        "name": "publish_that_waits_ends_when_a_handler_disconnects",
        "blocking_only": WAITS,
        "cases": {"stays_away": {"@again": False}, "reconnects": {"@again": True}},
        "broker": (
            ("greet",), ("expect", "PUBLISH", {"topic": "out"}), IN,
            ("expect", "PUBACK", {"packet_id": 7}),
        ) + LEFT,
        "client": (
            ("new", {"reconnect": "@again", "backoff_ms": 10}), LEAVES, ("connect",),
            ("raises", "OSError", GONE, ("publish", ("out", b""), {"qos": 1})),
            ("check", "connected", False),
            ("raises", "OSError", GONE, ("wait", (1,))),
            ("raises", "OSError", GONE, ("poll",)),
        ),
    },
    {
        "name": "subscribe_that_waits_ends_when_a_handler_disconnects",
        "blocking_only": WAITS,
        "broker": (
            ("greet",), ("expect", "SUBSCRIBE", {}), IN,
            ("expect", "PUBACK", {"packet_id": 7}),
        ) + LEFT,
        "client": (
            LEAVES, ("connect",), ("raises", "OSError", GONE, ("subscribe", ("a",))),
        ),
    },
    {
        "name": "connect_ends_when_a_handler_disconnects",
        "blocking_only": WAITS,
        "broker": (
            ("accept",), ("expect", "CONNECT"),
            ("send_together", ("CONNACK", {}), ("PUBLISH", IN[2])),
            ("expect", "PUBACK", {"packet_id": 7}),
        ) + LEFT + (("sync", "away"), ("greet",)),
        "client": (
            LEAVES, ("raises", "OSError", GONE, ("connect",)), ("check", "connected", False),
            ("sync", "away"), ("connect",), ("check", "connected", True),
        ),
    },
    {
        "name": "wait_does_not_connect_again",
        "blocking_only": WAITS,
        "broker": (("greet",), ("expect", "PUBLISH", {})) + LEFT,
        "client": (
            ("connect",), ("publish_nowait", ("out", b""), {"qos": 1}), ("disconnect",),
            ("raises", "OSError", GONE, ("wait", (1,))),
        ),
    },
    {
        "name": "wait_does_not_connect_again_after_a_lost_link",
        "blocking_only": "AsyncClient always connects again",
        "broker": (("greet",), ("expect", "PUBLISH", {}), ("cut", "FIN"), ("no_accept", 300)),
        "client": (
            ("connect",), ("publish_nowait", ("out", b""), {"qos": 1}),
            ("raises", "OSError", {}, ("wait", (1,))),
            ("raises", "OSError", GONE, ("wait", (1,))),
        ),
    },
    {
        "name": "connect_inside_a_handler_is_refused",
        "blocking_only": WAITS,
        "broker": (
            ("greet",), ("sync", "ready"), IN, ("expect", "PUBACK", {"packet_id": 7}),
        ) + LEFT,
        "client": (
            ("on_message", {"do": (
                ("disconnect",), ("raises", "RuntimeError", {}, ("connect",)),
            )}),
            ("connect",), ("sync", "ready"), ("poll_until", 1), ("sleep", 400),
        ),
    },
)  # fmt: skip
