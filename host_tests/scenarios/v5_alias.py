"""MQTT 5.0: topic aliases, outgoing and incoming."""
# fmt: off

VERSION = 5
LOST = ("raises", ("OSError", "MQTTError"), {}, ("poll_for", 3000))
TEN = {"properties": {"topic_alias_maximum": 10}}
TWO = {"properties": {"topic_alias_maximum": 2}}
AAAA, BBBB, CCCC = "alias/a", "alias/b", "alias/c"


def out(topic, alias=None, resolved=None, **fields):
    """A PUBLISH of the client."""
    own = {} if alias is None else {"topic_alias": alias}
    return ("expect", "PUBLISH",
            dict(fields, topic=topic, properties=own, resolved=resolved or topic))


def into(topic, alias, **fields):
    """A PUBLISH of the broker."""
    return ("send", "PUBLISH", dict(fields, topic=topic, properties={"topic_alias": alias}))


SCENARIOS = (
    {
        "name": "no_alias_without_being_asked",
        "covers": ("MQTT-3.2.2-18",),
        "broker": (("greet", TEN), out(AAAA), out(AAAA)),
        "client": (("connect",), ("repeat", 2, ("publish", (AAAA, b"x")))),
    },
    {
        "name": "no_alias_where_the_broker_takes_none",
        "covers": ("MQTT-3.2.2-18", "MQTT-3.2.2-17"),
        "cases": {"absent": {"@ack": {}},
                  "0": {"@ack": {"properties": {"topic_alias_maximum": 0}}}},
        "broker": (("greet", "@ack"), out(AAAA), out(AAAA)),
        "client": (("new", {"topic_aliases": 5}), ("connect",),
                   ("repeat", 2, ("publish", (AAAA, b"x")))),
    },
    {
        "name": "alias_replaces_the_topic_from_the_second_on",
        "covers": ("MQTT-3.3.2-8", "MQTT-3.3.2-9", "MQTT-4.7.3-1"),
        "broker": (
            ("greet", TEN), out(AAAA, 1, payload=b"1"), out("", 1, AAAA, payload=b"2"),
            out(BBBB, 2, payload=b"3"), out("", 2, BBBB, payload=b"4"),
            out("", 1, AAAA, payload=b"5"),
        ),
        "client": (
            ("new", {"topic_aliases": 5}), ("connect",),
            ("publish", (AAAA, b"1")), ("publish", (AAAA, b"2")), ("publish", (BBBB, b"3")),
            ("publish", (BBBB, b"4")), ("publish", (AAAA, b"5")),
        ),
    },
    {
        "name": "alias_bytes",
        "covers": ("MQTT-3.3.2-8",),
        "broker": (
            ("greet", TEN), ("expect_hex", "30 0e 00 07 61 6c 69 61 73 2f 61 03 23 00 01 78"),
            ("expect_hex", "30 07 00 00 03 23 00 01 79"),
        ),
        "client": (
            ("new", {"topic_aliases": 5}), ("connect",),
            ("publish", (AAAA, b"x")), ("publish", (AAAA, b"y")),
        ),
    },
    {
        "name": "alias_at_each_qos",
        "cases": {"0": {"@qos": 0}, "1": {"@qos": 1}, "2": {"@qos": 2}},
        "broker": (
            ("greet", TEN),
            ("expect_delivery", {"topic": AAAA, "qos": "@qos", "payload": b"1"}),
            ("expect_delivery", {"topic": "", "resolved": AAAA, "qos": "@qos", "payload": b"2"}),
            ("expect_delivery", {"topic": "", "resolved": AAAA, "qos": "@qos", "payload": b""}),
        ),
        "client": (
            ("new", {"topic_aliases": 5}), ("connect",),
            ("publish", (AAAA, b"1"), {"qos": "@qos"}), ("publish", (AAAA, b"2"), {"qos": "@qos"}),
            ("publish", (AAAA, b""), {"qos": "@qos"}),
        ),
    },
    {
        "name": "alias_with_other_properties",
        "broker": (
            ("greet", TEN),
            ("expect", "PUBLISH", {"topic": AAAA, "properties": {
                "topic_alias": 1, "content_type": "t", "user_property": [("a", "b")]}}),
            ("expect", "PUBLISH", {"topic": "", "resolved": AAAA, "payload": b"2", "properties": {
                "topic_alias": 1, "content_type": "t", "user_property": [("a", "b")]}}),
        ),
        "client": (
            ("new", {"topic_aliases": 5}), ("connect",),
            ("repeat", 2, ("publish", (AAAA, ("count",)), {"properties": {
                "content_type": "t", "user_property": [("a", "b")]}})),
        ),
    },
    {
        "name": "least_recently_used_alias_is_given_away",
        "covers": ("MQTT-3.2.2-17", "MQTT-3.3.2-9"),
        "broker": (
            ("greet", TWO), out(AAAA, 1), out(BBBB, 2), out("", 1, AAAA), out(CCCC, 2),
            out("", 2, CCCC), out("", 1, AAAA), out(BBBB, 2), out("", 1, AAAA), out("", 2, BBBB),
        ),
        "client": (
            ("new", {"topic_aliases": 5}), ("connect",),
            ("publish", (AAAA, b"")), ("publish", (BBBB, b"")), ("publish", (AAAA, b"")),
            ("publish", (CCCC, b"")), ("publish", (CCCC, b"")), ("publish", (AAAA, b"")),
            ("publish", (BBBB, b"")), ("publish", (AAAA, b"")), ("publish", (BBBB, b"")),
        ),
    },
    {
        "name": "own_number_of_aliases_bounds_them_too",
        "covers": ("MQTT-3.3.2-9",),
        "broker": (("greet", TEN), out(AAAA, 1), out(BBBB, 1), out(AAAA, 1), out("", 1, AAAA)),
        "client": (
            ("new", {"topic_aliases": 1}), ("connect",),
            ("publish", (AAAA, b"")), ("publish", (BBBB, b"")), ("repeat", 2,
                ("publish", (AAAA, b""))),
        ),
    },
    {
        "name": "fixed_aliases_are_for_their_topics",
        "broker": (
            ("greet", TEN), out(AAAA), out(BBBB, 1), out("", 1, BBBB), out(CCCC, 2),
            out(AAAA), out("", 2, CCCC),
        ),
        "client": (
            ("new", {"topic_aliases": [BBBB, CCCC]}), ("connect",),
            ("publish", (AAAA, b"")), ("publish", (BBBB, b"")), ("publish", (BBBB, b"")),
            ("publish", (CCCC, b"")), ("publish", (AAAA, b"")), ("publish", (CCCC, b"")),
        ),
    },
    {
        "name": "fixed_aliases_above_the_maximum_are_not_used",
        "covers": ("MQTT-3.2.2-17",),
        "broker": (
            ("greet", {"properties": {"topic_alias_maximum": 1}}), out(BBBB, 1), out(CCCC),
            out("", 1, BBBB), out(CCCC),
        ),
        "client": (
            ("new", {"topic_aliases": [BBBB, CCCC]}), ("connect",),
            ("repeat", 2, ("publish", (BBBB, b"")), ("publish", (CCCC, b""))),
        ),
    },
    {
        "name": "aliases_end_with_their_connection",
        "covers": ("MQTT-3.3.2-7",),
        "broker": (
            ("greet", TEN), out(AAAA, 1), out("", 1, AAAA), ("expect", "DISCONNECT"),
            ("expect_eof", 1000), ("greet", dict(TEN, session_present=1)), out(AAAA, 1),
            out("", 1, AAAA),
        ),
        "client": (
            ("new", {"topic_aliases": 5}), ("connect",), ("repeat", 2, ("publish", (AAAA, b""))),
            ("disconnect",), ("connect",), ("repeat", 2, ("publish", (AAAA, b""))),
        ),
    },
    {
        "name": "what_is_sent_again_sets_its_alias_anew_or_has_none",
        "covers": ("MQTT-3.3.2-7", "MQTT-3.3.1-1", "MQTT-4.4.0-1"),
        "cases": {
            "1": {"@qos": 1, "@told": {"topic_alias_maximum": 10}},
            "2": {"@qos": 2, "@told": {"topic_alias_maximum": 10}},
            "fewer_aliases": {"@qos": 1, "@told": {"topic_alias_maximum": 1}},
            "no_aliases_any_more": {"@qos": 1, "@told": {}},
        },
        "broker": (
            ("greet", TEN),
            ("expect", "PUBLISH", {"resolved": AAAA, "payload": b"1", "packet_id": "$a"}),
            ("expect", "PUBLISH", {"resolved": AAAA, "payload": b"2", "packet_id": "$b"}),
            ("expect", "PUBLISH", {"resolved": BBBB, "payload": b"3", "packet_id": "$c"}),
            ("cut", "rst"), ("accept",), ("expect", "CONNECT"),
            ("send", "CONNACK", {"session_present": 1, "properties": "@told"}),
            ("expect", "PUBLISH", {"resolved": AAAA, "payload": b"1", "dup": True,
                "packet_id": "$a"}),
            ("expect", "PUBLISH", {"resolved": AAAA, "payload": b"2", "dup": True,
                "packet_id": "$b"}),
            ("expect", "PUBLISH", {"resolved": BBBB, "payload": b"3", "dup": True,
                "packet_id": "$c"}),
        ),
        "client": (
            ("new", {"topic_aliases": 5}), ("connect",),
            ("publish_nowait", (AAAA, b"1"), {"qos": "@qos"}),
            ("publish_nowait", (AAAA, b"2"), {"qos": "@qos"}),
            ("publish_nowait", (BBBB, b"3"), {"qos": "@qos"}), LOST, ("connect",),
            ("poll_for", 100),
        ),
    },
    {
        "name": "lost_session_sets_its_aliases_anew",
        "covers": ("MQTT-3.3.2-7",),
        "broker": (
            ("greet", TEN),
            ("expect", "PUBLISH", {"resolved": AAAA, "payload": b"1"}),
            ("expect", "PUBLISH", {"resolved": AAAA, "payload": b"2"}),
            ("cut", "rst"), ("greet", TEN),
            ("expect_delivery", {"resolved": AAAA, "payload": b"1", "dup": False}),
            ("expect_delivery", {"resolved": AAAA, "payload": b"2", "dup": False}),
        ),
        "client": (
            ("new", {"topic_aliases": 5}), ("connect",),
            ("publish_nowait", (AAAA, b"1"), {"qos": 1}),
            ("let", "$b", ("publish_nowait", (AAAA, b"2"), {"qos": 1})), LOST,
            ("connect",), ("wait", ("$b",)),
        ),
    },
    {
        "name": "aliases_of_many_messages_in_flight",
        "broker": (
            ("greet", TWO),
            ("for_ids", 1, 12, ("expect", "PUBLISH", {"packet_id": "$i"})),
            ("for_ids", 1, 12, ("send", "PUBACK", {"packet_id": "$i"})),
            ("expect_delivery", {"resolved": CCCC}),
        ),
        "client": (
            ("new", {"topic_aliases": 5}), ("connect",), ("next_id", 1),
            ("repeat", 4, ("publish_nowait", (AAAA, b"x"), {"qos": 1}),
                ("publish_nowait", (BBBB, b"x"), {"qos": 1}),
                ("publish_nowait", (CCCC, b"x"), {"qos": 1})),
            ("publish", (CCCC, b"x"), {"qos": 1}),
        ),
    },
    {
        "name": "alias_of_a_long_payload",
        "broker": (
            ("greet", TEN),
            ("expect", "PUBLISH", {"resolved": AAAA, "payload": ("times", b"x", 20000)}),
            ("expect", "PUBLISH", {"topic": "", "resolved": AAAA,
                                   "payload": ("times", b"y", 20000)}),
            ("expect", "PUBLISH", {"topic": "", "resolved": AAAA, "payload": b"z"}),
        ),
        "client": (
            ("new", {"topic_aliases": 5}), ("connect",),
            ("publish", (AAAA, ("times", b"x", 20000))),
            ("publish", (AAAA, ("times", b"y", 20000))), ("publish", (AAAA, b"z")),
        ),
    },
    {
        "name": "alias_never_makes_a_packet_too_long",
        "covers": ("MQTT-3.2.2-15",),
        "cases": {"0": {"@qos": 0, "@size": 110}, "1": {"@qos": 1, "@size": 112}},
        "broker": (
            ("greet", {"properties": {"topic_alias_maximum": 10, "maximum_packet_size": "@size"}}),
            ("expect_delivery", {"resolved": AAAA, "payload": b"x" * 98}),
            ("expect_delivery", {"resolved": AAAA, "payload": b"y" * 98}),
            ("expect_delivery", {"resolved": AAAA, "payload": b"z"}),
            ("expect_delivery", {"resolved": AAAA, "payload": b"w"}),
        ),
        "client": (
            ("new", {"topic_aliases": 5}), ("connect",),
            ("publish", (AAAA, b"x" * 98), {"qos": "@qos"}),
            ("publish", (AAAA, b"y" * 98), {"qos": "@qos"}),
            ("publish", (AAAA, b"z"), {"qos": "@qos"}), ("publish", (AAAA, b"w"), {"qos": "@qos"}),
        ),
    },
    {
        "name": "half_sent_packet_with_an_alias_is_sent_whole_on_reconnect",
        "covers": ("MQTT-3.3.2-7",),
        "cases": {"1": {"@n": 1}, "3": {"@n": 3}, "8": {"@n": 8}, "300": {"@n": 300}},
        "broker": (
            ("greet", TEN), ("expect_delivery", {"topic": AAAA, "payload": b"1"}),
            ("cut_in", "rst", "@n"), ("greet", dict(TEN, session_present=1)),
            ("expect_delivery", {"resolved": AAAA, "payload": b"2" * 600}),
            ("expect_delivery", {"topic": "", "resolved": AAAA, "payload": b"3"}),
        ),
        "client": (
            ("new", {"topic_aliases": 5}), ("connect",), ("publish", (AAAA, b"1"), {"qos": 1}),
            ("publish_nowait", (AAAA, b"2" * 600), {"qos": 1}), LOST, ("connect",),
            ("publish", (AAAA, b"3"), {"qos": 1}),
        ),
    },
    {
        "name": "long_payload_with_an_alias_is_sent_again",
        "cases": {"whole": {"@cut": ("expect", "PUBLISH", {"payload": b"z" * 3000})},
                  "half": {"@cut": ("stall", 150)}},  # PUBACK is not lost in the cut
        "broker": (
            ("greet", TEN), ("expect_delivery", {"topic": AAAA, "payload": b"1"}), "@cut",
            ("cut", "rst"), ("greet", dict(TEN, session_present=1)),
            ("expect_delivery", {"resolved": AAAA, "payload": b"z" * 3000}),
            ("expect_delivery", {"topic": "", "resolved": AAAA, "payload": b"3"}),
        ),
        "client": (
            ("new", {"reconnect": True, "tx_size": 256, "topic_aliases": 5}), ("connect",),
            ("publish", (AAAA, b"1"), {"qos": 1}), ("publish", (AAAA, b"z" * 3000), {"qos": 1}),
            ("publish", (AAAA, b"3"), {"qos": 1}),
        ),
    },
    {
        "name": "incoming_alias_stands_for_its_topic",
        "covers": ("MQTT-3.3.2-7", "MQTT-3.3.2-10", "MQTT-3.3.2-11", "MQTT-3.1.2-26"),
        "broker": (
            ("greet", {}, {"with": {"topic_alias_maximum": 3}}),
            ("expect_subscriptions", (("c", 0),)),
            into("a/b", 1, payload=b"1"), into("", 1, payload=b"2"), into("c", 3, payload=b"3"),
            into("", 3, payload=b"4", qos=1, packet_id=5), ("expect", "PUBACK", {"packet_id": 5}),
            into("", 1, payload=b"5", qos=2, packet_id=6), ("expect", "PUBREC", {"packet_id": 6}),
            ("send", "PUBREL", {"packet_id": 6}), ("expect", "PUBCOMP", {"packet_id": 6}),
            into("d", 1, payload=b"6"), into("", 1, payload=b"7"), into("", 3, payload=b"8"),
            ("send", "PUBLISH", {"topic": "a/b", "payload": b"9"}),
        ),
        "client": (
            ("new", {"properties": {"topic_alias_maximum": 3}}), ("on", "c"), ("connect",),
            ("poll_until", 9),
            ("handled", [(None, "a/b", b"1"), (None, "a/b", b"2"), ("c", "c", b"3"),
                ("c", "c", b"4"), (None, "a/b", b"5"), (None, "d", b"6"), (None, "d", b"7"),
                ("c", "c", b"8"), (None, "a/b", b"9")]),
        ),
    },
    {
        "name": "incoming_alias_at_a_bad_place_closes",
        "covers": ("MQTT-3.3.2-8", "MQTT-3.3.2-11", "MQTT-3.1.2-26", "MQTT-3.1.2-27", "U5-7"),
        "cases": {
            "0": {"@max": 3, "@hex": "30 07 00 01 61 03 23 00 00", "@code": 0x94},
            "0_without_a_topic": {"@max": 3, "@hex": "30 06 00 00 03 23 00 00", "@code": 0x94},
            "above": {"@max": 3, "@hex": "30 07 00 01 61 03 23 00 04", "@code": 0x94},
            "far_above": {"@max": 3, "@hex": "30 07 00 01 61 03 23 ff ff", "@code": 0x94},
            "none_allowed": {"@max": 0, "@hex": "30 07 00 01 61 03 23 00 01", "@code": 0x94},
            "not_set": {"@max": 3, "@hex": "30 06 00 00 03 23 00 01", "@code": 0x82},
            "not_set_qos_1": {"@max": 3, "@hex": "32 08 00 00 00 07 03 23 00 01", "@code": 0x82},
            "neither_topic_nor_alias": {"@max": 3, "@hex": "30 03 00 00 00", "@code": 0x82},
            "twice": {"@max": 3, "@hex": "30 0a 00 01 61 06 23 00 01 23 00 01", "@code": 0x82},
        },
        "broker": (
            ("greet",), ("sync", "ready"), ("send_hex", "@hex"), ("expect_refusal", "@code"),
        ),
        "client": (
            ("new", {"properties": {"topic_alias_maximum": "@max"}}), ("connect",),
            ("sync", "ready"),
            ("raises", "ProtocolError", {"reason_code": "@code"}, ("poll_for", 2000)),
            ("messages", []), ("check", "connected", False),
        ),
    },
    {
        "name": "without_a_maximum_no_alias_is_announced_or_taken",
        "covers": ("MQTT-3.1.2-27", "U5-7"),
        "broker": (
            ("greet", {}, {"without": ("topic_alias_maximum",)}), ("sync", "ready"),
            ("send_hex", "30 07 00 01 61 03 23 00 01"), ("expect_refusal", 0x94),
        ),
        "client": (
            ("connect",), ("sync", "ready"),
            ("raises", "ProtocolError", {"reason_code": 0x94}, ("poll_for", 2000)),
        ),
    },
    {
        "name": "incoming_aliases_end_with_their_connection",
        "covers": ("MQTT-3.3.2-7",),
        "broker": (
            ("greet",), into("a", 1), ("sync", "got"), ("cut", "rst"),
            ("greet", {"session_present": 1}), ("sync", "again"),
            ("send_hex", "30 06 00 00 03 23 00 01"), ("expect_refusal", 0x82),
        ),
        "client": (
            ("new", {"properties": {"topic_alias_maximum": 3}}), ("connect",), ("poll_until", 1),
            ("sync", "got"), LOST, ("connect",), ("sync", "again"),
            ("raises", "ProtocolError", {"reason_code": 0x82}, ("poll_for", 2000)),
            ("messages", [("a",)]),
        ),
    },
    {
        "name": "incoming_alias_of_a_message_that_is_too_long_is_kept",
        "cases": {"drained": {"@stream": False}, "streamed": {"@stream": True}},
        "broker": (
            ("greet",), ("expect_subscriptions", (("#", 0),)),
            ("send", "PUBLISH", {"topic": "long", "payload": b"x" * 3000,
                                 "properties": {"topic_alias": 1}}),
            into("", 1, payload=b"end"),
        ),
        "client": (
            ("new", {"properties": {"topic_alias_maximum": 3, "maximum_packet_size": None}}),
            ("on", "#", 0, {"more": {"stream": "@stream"}}), ("connect",),
            ("poll_until_payload", b"end"),
        ),
    },
)
