"""The client's side of `test_mosquitto_5.py`: MQTT 5.0 with a real broker and no other side.

"{p}" is a prefix of the test's own. A client that looks at its own messages subscribes to them.
"""
# fmt: off

VERSION = 5
NEW = {"client_id": "{p}", "clean_session": True}
ALL = {
    "payload_format_indicator": 1, "content_type": "text/ä", "response_topic": "{p}/r",
    "correlation_data": b"\0\xff", "user_property": [("b", "1"), ("a", ""), ("b", "1")],
}

SCENARIOS = (
    {
        "name": "properties_come_back",
        "cases": {"0": {"@qos": 0}, "1": {"@qos": 1}, "2": {"@qos": 2}},
        "client": (
            ("new", NEW), ("connect",), ("subscribe", ("{p}/#", 2), {}, 2),
            ("publish", ("{p}/a", "ü"), {"qos": "@qos", "properties": ALL}),
            ("publish", ("{p}/b", b"x"), {"qos": "@qos"}), ("poll_until", 2, 10000),
            ("messages", [("{p}/a", b"\xc3\xbc", "@qos"), ("{p}/b", b"x", "@qos")]),
            ("properties", [ALL, {}]),
        ),
    },
    {
        "name": "aliases_are_understood",
        "client": (
            ("new", {"client_id": "{p}", "clean_session": True, "topic_aliases": 2,
                     "properties": {"topic_alias_maximum": 5}}), ("connect",),
            ("subscribe", ("{p}/#", 2)),
            ("repeat", 3, ("publish", ("{p}/a", b"1"), {"qos": 1}), ("publish", ("{p}/b", b"2")),
                ("publish", ("{p}/c", b"3"), {"qos": 2})),
            ("poll_until", 9, 10000), ("messages_in_any_order", (("{p}/a", b"1"), ("{p}/b", b"2"),
                ("{p}/c", b"3")), 3),
        ),
    },
    {
        "name": "client_id_is_assigned",
        "client": (
            ("new", {"client_id": "", "clean_session": True}), ("connect", (), {}, False),
            ("check_key", "connack", "assigned_client_identifier"),
            ("publish", ("{p}/a", b"1"), {"qos": 2}),
        ),
    },
    {
        "name": "identifiers_lead_to_their_handlers",
        "client": (
            ("new", NEW), ("on", "{p}/+", 1, {"more": {"identifier": 7}}),
            ("on", "{p}/a", 1, {"more": {"identifier": 268435455}}), ("connect",),
            ("poll_for", 200), ("publish", ("{p}/b", b"1"), {"qos": 1}),
            ("publish", ("{p}/a", b"2"), {"qos": 1}), ("poll_until", 3, 10000),
            ("handled_in_any_order", [("{p}/+", "{p}/b", b"1"), ("{p}/+", "{p}/a", b"2"),
                ("{p}/a", "{p}/a", b"2")]),
        ),
    },
    {
        "name": "options_are_kept",
        "client": (
            ("new", NEW), ("connect",), ("publish", ("{p}/k", b"kept"), {"qos": 1,
                "retain": True}),
            ("subscribe", ("{p}/own/#", 1), {"no_local": True}, 1),
            ("publish", ("{p}/own/a", b"no"), {"qos": 1}),
            ("subscribe", ("{p}/k", 1), {"retain_handling": 2}, 1), ("poll_for", 300),
            ("messages", []),
            ("unsubscribe", ("{p}/k",)),
            ("subscribe", ("{p}/k", 1), {"retain_handling": 0, "retain_as_published": True}, 1),
            ("poll_until", 1, 10000), ("messages", [("{p}/k", b"kept", 1, True)]),
            ("publish", ("{p}/k", b"new"), {"qos": 1, "retain": True}), ("poll_until", 1, 10000),
            ("messages", [("{p}/k", b"new", 1, True)]),
            ("publish", ("{p}/k", b""), {"qos": 1, "retain": True}),
        ),
    },
    {
        "name": "shared_subscription",
        "client": (
            ("new", NEW), ("on", "$share/g/{p}/#", 1), ("connect",), ("poll_for", 200),
            ("publish", ("{p}/a", b"1"), {"qos": 1}), ("poll_until", 1, 10000),
            ("handled", [("$share/g/{p}/#", "{p}/a", b"1")]), ("unsubscribe", ("$share/g/{p}/#",)),
            ("publish", ("{p}/a", b"2"), {"qos": 1}), ("poll_for", 200), ("messages", []),
        ),
    },
    {
        "name": "session_goes_on_while_it_has_not_expired",
        "client": (
            ("new", {"client_id": "{p}", "session_expiry_interval": 60}),
            ("connect", (), {}, False), ("subscribe", ("{p}/#", 1)), ("disconnect",),
            ("connect", (), {}, True), ("publish", ("{p}/a", b"1"), {"qos": 1}),
            ("poll_until", 1, 10000), ("messages", [("{p}/a", b"1")]),
            ("disconnect", (0,), {"properties": {"session_expiry_interval": 0}}),
            ("connect", (), {}, False),
        ),
    },
    {
        "name": "unknown_session_is_begun_anew",
        "client": (
            ("new", {"client_id": "{p}", "session_expiry_interval": 60, "reconnect": True}),
            ("connect", (), {}, False), ("subscribe", ("{p}/#", 1)), ("disconnect",),
            ("new", {"client_id": "{p}", "session_expiry_interval": 60, "reconnect": True}),
            ("connect", (), {}, False), ("publish", ("{p}/a", b"1"), {"qos": 1}),
            ("poll_for", 200), ("messages", []),
            ("disconnect", (0,), {"properties": {"session_expiry_interval": 0}}),
        ),
    },
    {
        "name": "will_goes_out_when_it_is_asked_for",
        "client": (
            ("new", {"client_id": "{p}", "session_expiry_interval": 60, "will": ("{p}/will",
                b"gone", 1, False, {"content_type": "w", "user_property": [("a", "b")]})}),
            ("connect",), ("subscribe", ("{p}/#", 1)), ("disconnect", (4,)),
            ("connect", (), {}, True), ("poll_until", 1, 10000),
            ("messages", [("{p}/will", b"gone", 1)]),
            ("properties", [{"content_type": "w", "user_property": [("a", "b")]}]),
            ("disconnect", (0,), {"properties": {"session_expiry_interval": 0}}),
        ),
    },
    {
        "name": "nobody_listens_is_no_error",
        "client": (
            ("new", NEW), ("connect",), ("publish", ("{p}/a", b"1"), {"qos": 1}),
            ("publish", ("{p}/a", b"1"), {"qos": 2}), ("check", "connected", True),
        ),
    },
    {
        "name": "many_messages_within_small_receive_maximums",
        "client": (
            ("new", {"client_id": "{p}", "clean_session": True, "tx_size": 4096,
                     "properties": {"receive_maximum": 2}}), ("connect",),
            ("subscribe", ("{p}/#", 2)),
            ("repeat", 30, ("publish_nowait", ("{p}/a", ("count",)), {"qos": 2})),
            ("poll_until", 30, 15000), ("check_count", 30),
        ),
    },
    {
        "name": "packet_above_our_maximum_is_kept_away",
        "client": (
            ("new", {"client_id": "{p}", "clean_session": True, "tx_size": 4096, "rx_size": 256}),
            ("connect",), ("subscribe", ("{p}/#", 1)),
            ("publish", ("{p}/a", b"x" * 1000), {"qos": 1}),
            ("publish", ("{p}/a", b"small"), {"qos": 1}), ("poll_until", 1, 10000),
            ("messages", [("{p}/a", b"small")]),
        ),
    },
)
