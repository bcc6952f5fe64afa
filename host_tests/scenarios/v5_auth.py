"""MQTT 5.0: enhanced authentication, at connect and later."""
# fmt: off

VERSION = 5
END = ("expect", "PUBLISH", {"topic": "end"})
SAY_END = ("publish", ("end", b""))


def said(data=None):
    """The properties of an AUTH, or of CONNACK, with the method "m"."""
    own = {"authentication_method": "m"}
    if data is not None:
        own["authentication_data"] = data
    return own


def go_on(data=None, code=0x18):
    """An AUTH."""
    return {"reason_code": code, "properties": said(data)}


CONNECT = ("expect", "CONNECT", {"with": said(b"1")})
ACCEPTED = ("send", "CONNACK", {"properties": said()})

SCENARIOS = (
    {
        "name": "challenge_and_response",
        "covers": ("MQTT-4.12.0-2", "MQTT-4.12.0-3", "MQTT-4.12.0-5", "MQTT-3.1.2-30",
                   "MQTT-3.15.2-1"),
        "broker": (
            ("accept",), CONNECT, ("send", "AUTH", go_on(b"a")), ("expect", "AUTH", go_on(b"2")),
            ("send", "AUTH", go_on(b"b")), ("expect", "AUTH", go_on(b"3")),
            ("send", "CONNACK", {"properties": said(b"done")}), END,
        ),
        "client": (
            ("new", {"authentication": ("m", (b"1", b"2", b"3", None))}),
            ("connect", (), {}, False), SAY_END,
            ("events", [("auth", None), ("auth", b"a"), ("auth", b"b"), ("auth", b"done"),
                        ("connect", False)]),
        ),
    },
    {
        "name": "auth_bytes",
        "covers": ("MQTT-3.15.1-1", "MQTT-3.15.2-1", "MQTT-4.12.0-3"),
        "broker": (
            ("accept",), ("expect", "CONNECT"), ("send", "AUTH", go_on(b"a")),
            ("expect_hex", "f0 06 18 04 15 00 01 6d"), ACCEPTED, END,
        ),
        "client": (
            ("new", {"authentication": ("m", (b"1", None, None))}), ("connect",), SAY_END,
        ),
    },
    {
        "name": "no_data_at_first",
        "covers": ("U5-11",),
        "broker": (
            ("accept",), ("expect", "CONNECT", {"with": said(), "without":
                ("authentication_data",)}), ("send", "AUTH", go_on(b"a")),
            ("expect", "AUTH", go_on(b"2")), ACCEPTED, END,
        ),
        "client": (
            ("new", {"authentication": ("m", (None, b"2", None))}), ("connect",), SAY_END,
        ),
    },
    {
        "name": "accepted_at_once",
        "broker": (("accept",), CONNECT, ACCEPTED, END),
        "client": (("new", {"authentication": ("m", (b"1", None))}), ("connect",), SAY_END),
    },
    {
        "name": "refused_by_the_broker",
        "covers": ("MQTT-4.13.2-1",),
        "cases": {"method": {"@code": 0x8C}, "not_authorized": {"@code": 0x87}},
        "broker": (
            ("accept",), CONNECT, ("send", "AUTH", go_on(b"a")), ("expect", "AUTH", go_on(b"2")),
            ("send", "CONNACK", {"reason_code": "@code"}), ("expect_eof", 1000),
        ),
        "client": (
            ("new", {"authentication": ("m", (b"1", b"2"))}),
            ("raises", "ReasonError", {"reason_code": "@code"}, ("connect",)),
        ),
    },
    {
        "name": "refused_by_the_hook",
        "covers": ("MQTT-4.12.1-2",),
        "cases": {"challenge": {"@step": ("send", "AUTH", go_on(b"a"))},
                  "connack": {"@step": ("send", "CONNACK", {"properties": said(b"a")})}},
        "broker": (
            ("accept",), CONNECT, "@step", ("expect_eof", 1000, ("DISCONNECT",)),
        ),
        "client": (
            ("new", {"authentication": ("m", (b"1", ("raise", "ValueError")))}),
            ("raises", ("ValueError", "MQTTError"), {}, ("connect",)),
            ("check", "connected", False),
        ),
    },
    {
        "name": "hook_that_raises_at_once",
        "covers": ("MQTT-3.1.0-1",),
        "broker": (
            ("accept",), ("expect_eof", 1000), ("greet", {"properties": said()},
                {"with": said(b"2")}), END,
        ),
        "client": (
            ("new", {"authentication": ("m", (("raise", "ValueError"), b"2", None))}),
            ("raises", ("ValueError", "MQTTError"), {}, ("connect",)), ("connect",), SAY_END,
        ),
    },
    {
        "name": "another_method_closes",
        "covers": ("MQTT-4.12.0-5",),
        "cases": {
            "auth": {"@hex": "f0 06 18 04 15 00 01 6e"}, "auth_without": {"@hex": "f0 02 18 00"},
            "connack": {"@hex": "20 07 00 00 04 15 00 01 6e"},
            "connack_without": {"@hex": "20 03 00 00 00"},
        },
        "broker": (
            ("accept",), CONNECT, ("send_hex", "@hex"), ("expect_eof", 1000, ("DISCONNECT",)),
        ),
        "client": (
            ("new", {"authentication": ("m", (b"1", b"2", b"3"))}),
            ("raises", "ProtocolError", {}, ("connect",)), ("check", "connected", False),
        ),
    },
    {
        "name": "bad_auth_closes",
        "covers": ("MQTT-3.15.1-1", "MQTT-4.12.0-2", "MQTT-3.15.2-1"),
        "cases": {
            "flags": {"@hex": "f1 06 18 04 15 00 01 6d"},
            "code_19": {"@hex": "f0 06 19 04 15 00 01 6d"},
            "code_00": {"@hex": "f0 06 00 04 15 00 01 6d"}, "empty": {"@hex": "f0 00"},
            "code_80": {"@hex": "f0 06 80 04 15 00 01 6d"},
            "twice": {"@hex": "f0 0a 18 08 15 00 01 6d 15 00 01 6d"},
            "misplaced": {"@hex": "f0 08 18 06 15 00 01 6d 01 00"},
        },
        "broker": (
            ("accept",), CONNECT, ("send_hex", "@hex"), ("expect_eof", 1000, ("DISCONNECT",)),
        ),
        "client": (
            ("new", {"authentication": ("m", (b"1", b"2", b"3"))}),
            ("raises", "ProtocolError", {}, ("connect",)), ("check", "connected", False),
        ),
    },
    {
        "name": "authenticates_again_on_a_live_link",
        "covers": ("MQTT-4.12.1-1", "MQTT-4.12.0-5"),
        "broker": (
            ("accept",), CONNECT, ACCEPTED,
            ("expect", "AUTH", go_on(b"again", 0x19)), ("send", "AUTH", go_on(b"c")),
            ("expect", "AUTH", go_on(b"4")), ("send", "AUTH", go_on(None, 0)),
            ("send", "PUBLISH", {"topic": "last"}), END,
        ),
        "client": (
            ("new", {"authentication": ("m", (b"1", b"again", b"4", None, None))}),
            ("connect",), ("reauthenticate",), ("poll_until", 1), ("check", "connected", True),
            SAY_END,
        ),
    },
    {
        "name": "messages_flow_while_authenticating_again",
        "covers": ("MQTT-4.12.1-1",),
        "broker": (
            ("accept",), CONNECT, ACCEPTED, ("expect", "AUTH", {"reason_code": 0x19}),
            ("send", "PUBLISH", {"topic": "a", "qos": 1, "packet_id": 9}),
            ("expect", "PUBACK", {"packet_id": 9}), ("expect_delivery", {"topic": "b"}),
            ("send", "AUTH", go_on(None, 0)), END,
        ),
        "client": (
            ("new", {"authentication": ("m", (b"1", b"again", None, None))}),
            ("connect",), ("reauthenticate",), ("poll_until", 1),
            ("publish", ("b", b""), {"qos": 1}), ("poll_for", 50), SAY_END,
        ),
    },
    {
        "name": "failed_reauthentication_closes",
        "covers": ("MQTT-4.12.1-2",),
        "cases": {
            "by_the_broker": {"@step": ("send", "DISCONNECT", {"reason_code": 0x87}),
                              "@error": ("ReasonError",)},
            "by_the_hook": {"@step": ("send", "AUTH", go_on(b"c")),
                            "@error": ("ValueError", "MQTTError")},
        },
        "broker": (
            ("accept",), CONNECT, ACCEPTED, ("expect", "AUTH", {"reason_code": 0x19}), "@step",
            ("expect_eof", 1000, ("DISCONNECT",)),
        ),
        "client": (
            ("new", {"authentication": ("m", (b"1", b"again", ("raise", "ValueError"), None))}),
            ("connect",), ("reauthenticate",), ("raises", "@error", {}, ("poll_for", 2000)),
            ("check", "connected", False),
        ),
    },
    {
        "name": "unasked_auth_on_a_live_link_closes",
        "covers": ("MQTT-4.12.0-6", "U5-13"),
        "cases": {
            "no_method": {"@new": {}, "@own": {}},
            "method": {"@new": {"authentication": ("m", (b"1", b"2", b"3"))}, "@own": said()},
        },
        "broker": (
            ("accept",), ("expect", "CONNECT"), ("send", "CONNACK", {"properties": "@own"}),
            ("sync", "ready"), ("send", "AUTH", go_on(b"x")), ("expect_refusal", 0x82),
        ),
        "client": (
            ("new", "@new"), ("connect",), ("sync", "ready"),
            ("raises", "ProtocolError", {"reason_code": 0x82}, ("poll_for", 2000)),
        ),
    },
    {
        "name": "without_a_method_there_is_no_auth",
        "covers": ("MQTT-4.12.0-7",),
        "broker": (
            ("greet", {}, {"without": ("authentication_method", "authentication_data")}),
            ("expect_nothing", 100), ("sync", "quiet"), END,
        ),
        "client": (
            ("connect",), ("raises", ("ValueError", "MQTTError"), {}, ("reauthenticate",)),
            ("sync", "quiet"), SAY_END,
        ),
    },
    {
        "name": "only_auth_before_connack",
        "covers": ("MQTT-3.1.2-30",),
        "broker": (
            ("accept",), CONNECT, ("expect_nothing", 100), ("send", "AUTH", go_on(b"a")),
            ("expect", "AUTH", go_on(b"2")), ("expect_nothing", 100), ACCEPTED,
            ("expect_mix", {"SUBSCRIBE": 1, "PUBLISH": 1}),
        ),
        "client": (
            ("new", {"reconnect": True, "authentication": ("m", (b"1", b"2", None))}),
            ("on", "f", 1), ("publish_nowait", ("a", b"x"), {"qos": 1}), ("connect",),
            ("poll_for", 100),
        ),
    },
    {
        "name": "each_connection_authenticates",
        "broker": (
            ("accept",), CONNECT, ACCEPTED, ("sync", "up"), ("cut", "rst"), ("accept",),
            ("expect", "CONNECT", {"with": said(b"2")}), ("send", "AUTH", go_on(b"a")),
            ("expect", "AUTH", go_on(b"3")),
            ("send", "CONNACK", {"session_present": 1, "properties": said()}), END,
        ),
        "client": (
            ("new", {"authentication": ("m", (b"1", b"2", b"3"))}), ("connect",), ("sync", "up"),
            ("raises", ("OSError", "MQTTError"), {}, ("poll_for", 3000)), ("connect",), SAY_END,
        ),
    },
)
