"""The client's side of `test_mosquitto.py`: a real broker, with paho-mqtt on the other side.

"{p}" is a prefix of the test's own, for several tests may share a broker.
"""
# fmt: off

NEW = {"client_id": "{p}", "clean_session": True}
KEPT = {"client_id": "{p}", "reconnect": True, "timeout_ms": 20000}
BIG = b"0123456789abcdef" * 1000

SCENARIOS = (
    {
        "name": "publishes_at_each_qos",
        "client": (
            ("new", NEW), ("connect",),
            ("publish", ("{p}/0", b"zero")),
            ("publish", ("{p}/1", b"one"), {"qos": 1}),
            ("publish", ("{p}/2", "zwölf"), {"qos": 2}),
        ),
    },
    {
        "name": "receives_at_each_qos",
        "client": (
            ("new", NEW), ("connect",),
            ("subscribe", ([("{p}/0", 0), ("{p}/1", 1), ("{p}/2", 2)],), {}, [0, 1, 2]),
            ("sync", "subscribed"), ("poll_until", 3, 10000),
            ("messages", [("{p}/0", b"0", 0, False), ("{p}/1", b"1", 1, False),
                          ("{p}/2", b"2", 2, False)]),
            ("unsubscribe", (["{p}/0", "{p}/1", "{p}/2"],)),
            ("sync", "unsubscribed"), ("poll_for", 300), ("messages", []),
        ),
    },
    {
        "name": "retains",
        "client": (
            ("new", NEW), ("connect",),
            ("publish", ("{p}/kept", b"old"), {"qos": 1, "retain": True}),
            ("subscribe", ("{p}/#", 1)), ("poll_until", 1, 10000),
            ("messages", [("{p}/kept", b"old", 1, True)]),
            ("sync", "kept"),
            ("publish", ("{p}/kept", b""), {"qos": 1, "retain": True}),
        ),
    },
    {
        "name": "leaves_a_will",
        "client": (
            ("new", {"client_id": "{p}", "clean_session": True,
                     "will": ("{p}/status", b"offline", 1, True)}),
            ("connect",), ("publish", ("{p}/status", b"online"), {"qos": 1, "retain": True}),
            ("sync", "online"), ("close",),
        ),
    },
    {
        "name": "leaves_no_will_when_it_disconnects",
        "client": (
            ("new", {"client_id": "{p}", "clean_session": True,
                "will": ("{p}/status", b"gone", 1)}),
            ("connect",), ("disconnect",),
            ("new", {"client_id": "{p}", "clean_session": True}),
            ("connect",), ("publish", ("{p}/end", b""), {"qos": 1}),
        ),
    },
    {
        "name": "routes_by_wildcards",
        "client": (
            ("new", NEW), ("on", "{p}/+/x", 1), ("on", "{p}/a/y", 0), ("on", "{p}/b/#", 2),
            ("connect",), ("poll_until_granted",), ("sync", "subscribed"),
            ("poll_until", 4, 10000),
            ("handled", [("{p}/+/x", "{p}/a/x", b"1"), ("{p}/a/y", "{p}/a/y", b"2"),
                         ("{p}/b/#", "{p}/b", b"3"), ("{p}/b/#", "{p}/b/c/d", b"4")]),
        ),
    },
    {
        "name": "overlapping_filters",
        "client": (
            ("new", NEW), ("on", "{p}/+", 1), ("on", "{p}/a", 2), ("connect",),
            ("poll_until_granted",), ("sync", "subscribed"), ("poll_until", 2, 10000),
            ("poll_for", 300), ("forget",),
        ),
    },
    {
        "name": "large_payloads",
        "client": (
            ("new", {"client_id": "{p}", "clean_session": True, "tx_size": 512, "rx_size": 512}),
            ("on", "{p}/in", 1, {"stream": True}), ("connect",), ("poll_until_granted",),
            ("publish", ("{p}/out", BIG)), ("publish", ("{p}/out", BIG), {"qos": 1}),
            ("publish", ("{p}/out", BIG), {"qos": 2}),
            ("sync", "sent"), ("poll_until_total", 16000, 10000), ("joined", "{p}/in", BIG),
            ("check", "session.oversized", 0),
            ("subscribe", ("{p}/unread", 2)), ("sync", "unread"),
            ("poll_until_attr", "session.oversized", 1, 10000), ("poll_for", 200),
        ),
    },
    {
        "name": "many_in_flight",
        "client": (
            ("new", {"client_id": "{p}", "clean_session": True, "tx_size": 2048}), ("connect",),
            ("repeat", 100, ("publish_nowait", ("{p}/2", ("count",)), {"qos": 2})),
            ("let", "$last", ("publish_nowait", ("{p}/2", b"last"), {"qos": 2})),
            ("wait", ("$last",)),
            ("repeat", 100, ("publish_nowait", ("{p}/1", ("count",)), {"qos": 1})),
            ("let", "$last", ("publish_nowait", ("{p}/1", b"last"), {"qos": 1})),
            ("wait", ("$last",)),
        ),
    },
    {
        "name": "many_inbound",
        "client": (
            ("new", NEW), ("connect",), ("subscribe", ("{p}/#", 2)), ("sync", "subscribed"),
            ("poll_until", 200, 15000), ("poll_for", 200), ("check_count", 200),
        ),
    },
    {
        "name": "publishes_over_a_restart",
        "limit_s": 60,
        "client": (
            ("new", KEPT), ("connect",),
            ("repeat", 10, ("publish", ("{p}/2", ("count",)), {"qos": 2})),
            ("sync", "killed"),
            ("repeat", 10, ("publish", ("{p}/2", ("count",)), {"qos": 2})),
            ("repeat", 10, ("publish", ("{p}/1", ("count",)), {"qos": 1})),
        ),
    },
    {
        "name": "publishes_while_the_broker_dies",
        "limit_s": 60,
        "client": (
            ("new", KEPT), ("connect",), ("sync", "go"),
            ("repeat", 300, ("publish", ("{p}/n", ("count",)), {"qos": 2}), ("poll_for", 2)),
        ),
    },
    {
        "name": "resubscribes_after_a_restart",
        "limit_s": 60,
        "client": (
            ("new", KEPT), ("on", "{p}/in", 2), ("connect",), ("poll_until_granted",),
            ("sync", "restarted"), ("poll_until_event", "disconnect", 10000),
            ("events", [("connect", False), ("disconnect",)]),
            ("poll_until_event", "connect", 10000), ("events", [("connect", False)]),
            ("poll_until_granted",), ("sync", "subscribed"), ("poll_until", 1, 10000),
            ("messages", [("{p}/in", b"again", 2)]),
        ),
    },
    {
        "name": "receives_over_a_restart",
        "limit_s": 60,
        "client": (
            ("new", KEPT), ("on", "{p}/in", 2), ("connect",), ("poll_until_granted",),
            ("sync", "restarted"), ("poll_until_event", "disconnect", 10000),
            ("events", [("connect", False), ("disconnect",)]),
            ("poll_until", 20, 15000), ("poll_for", 300), ("check_count", 20),
            ("events", [("connect", True)]),
        ),
    },
    {
        "name": "empty_client_id",
        "client": (
            ("new", {"client_id": "", "clean_session": True}), ("connect", (), {}, False),
            ("publish", ("{p}/x", b"1"), {"qos": 1}),
        ),
    },
    {
        "name": "session_goes_on",
        "client": (
            ("new", {"client_id": "{p}"}), ("connect", (), {}, False), ("subscribe",
                ("{p}/in", 1)),
            ("disconnect",), ("sync", "away"),
            ("new", {"client_id": "{p}"}), ("connect", (), {}, True), ("poll_until", 1, 10000),
            ("messages", [("{p}/in", b"kept", 1)]), ("disconnect",),
            ("new", NEW), ("connect", (), {}, False),
        ),
    },
    {
        "name": "login",
        "client": (
            ("new", {"client_id": "{p}", "clean_session": True, "username": "me",
                "password": "wrong"}),
            ("raises", "ReasonError", {"reason_code": 5}, ("connect",)),
            ("new", NEW), ("raises", "ReasonError", {"reason_code": 5}, ("connect",)),
            ("new", {"client_id": "{p}", "clean_session": True, "username": "me",
                "password": "päss"}),
            ("connect", (), {}, False),
        ),
    },
)
