"""MQTT 5.0: what is refused before a byte is sent; packets that are longer than they may be."""
# fmt: off

VERSION = 5
REFUSED = ("ValueError", "TypeError")

SCENARIOS = (
    {
        "name": "bad_client",
        "covers": ("MQTT-3.1.2-12", "MQTT-3.1.3-11", "U5-4", "U5-11", "U5-12"),
        "cases": {
            "clean_session": {"@new": {"clean_start": True, "clean_session": True}},
            "version_3": {"@new": {"version": 3}},
            "version_6": {"@new": {"version": 6}},
            "clean_start_in_3_1_1": {"@new": {"version": 4, "clean_start": True}},
            "properties_in_3_1_1": {"@new": {"version": 4, "properties": {"receive_maximum": 1}}},
            "aliases_in_3_1_1": {"@new": {"version": 4, "topic_aliases": 1}},
            "will_properties_in_3_1_1": {"@new": {"version": 4, "will": ("w", b"", 0, False,
                {"content_type": "t"})}},
            "password_alone_in_3_1_1": {"@new": {"version": 4, "password": "p"}},
            "expiry_negative": {"@new": {"session_expiry_interval": -1}},
            "expiry_too_large": {"@new": {"session_expiry_interval": 2**32}},
            "unknown_property": {"@new": {"properties": {"no_such": 1}}},
            "property_of_publish": {"@new": {"properties": {"content_type": "t"}}},
            "receive_maximum_0": {"@new": {"properties": {"receive_maximum": 0}}},
            "receive_maximum_65536": {"@new": {"properties": {"receive_maximum": 65536}}},
            "packet_size_0": {"@new": {"properties": {"maximum_packet_size": 0}}},
            "alias_maximum_65536": {"@new": {"properties": {"topic_alias_maximum": 65536}}},
            "request_2": {"@new": {"properties": {"request_problem_information": 2}}},
            "method_without_a_hook": {"@new": {"properties": {"authentication_method": "m"}}},
            "data_without_a_hook": {"@new": {"properties": {"authentication_data": b"m"}}},
            "aliases_negative": {"@new": {"topic_aliases": -1}},
            "aliases_65536": {"@new": {"topic_aliases": 65536}},
            "alias_of_a_filter": {"@new": {"topic_aliases": ["a/#"]}},
            "alias_of_no_topic": {"@new": {"topic_aliases": [""]}},
            "will_property_of_publish": {"@new": {"will": ("w", b"", 0, False,
                {"topic_alias": 1})}},
            "will_property_range": {"@new": {"will": ("w", b"", 0, False,
                {"will_delay_interval": 2**32})}},
            "will_response_topic": {"@new": {"will": ("w", b"", 0, False,
                {"response_topic": "a/+"})}},
            "will_no_text": {"@new": {"will": ("w", b"\xff", 0, False,
                {"payload_format_indicator": 1})}},
        },
        "broker": (("no_accept", 100),),
        "client": (("new", {}), ("raises", REFUSED, {}, ("new", "@new"))),
    },
    {
        "name": "text_that_is_none_is_refused",
        "covers": ("U5-15",),
        "broker": (("greet",), ("expect_delivery", {"payload": b"\xc3\xa4"})),
        "client": (
            ("connect",),
            ("raises", "ValueError", {}, ("publish", ("a", b"\xff"),
                {"properties": {"payload_format_indicator": 1}})),
            ("publish", ("a", b"\xc3\xa4"), {"properties": {"payload_format_indicator": 1}}),
        ),
    },
    {
        "name": "alias_is_not_for_the_caller",
        "covers": ("MQTT-3.3.2-9",),
        "broker": (("greet", {"properties": {"topic_alias_maximum": 9}}), ("expect_nothing", 50),
            ("sync", "quiet")),
        "client": (
            ("connect",),
            ("raises", "ValueError", {}, ("publish", ("a", b""),
                {"properties": {"topic_alias": 1}})), ("sync", "quiet"),
        ),
    },
    {
        "name": "packet_of_another_type_that_is_too_long_closes",
        "covers": ("U5-5",),
        "cases": {
            "suback": {"@send": ("SUBACK", {"packet_id": 7, "codes": (0,),
                                            "properties": {"reason_string": "r" * 500}})},
            "puback": {"@send": ("PUBACK", {"packet_id": 7,
                                            "properties": {"reason_string": "r" * 500}})},
            "disconnect": {"@send": ("DISCONNECT", {"reason_code": 0x8B,
                                                    "properties": {"reason_string": "r" * 500}})},
        },
        "broker": (
            ("greet",), ("sync", "ready"), ("send_together", "@send"),
            ("expect_eof", 2500, ("DISCONNECT",)), ("greet", {"session_present": 1}),
        ),
        "client": (
            ("new", {"rx_size": 128}), ("connect",), ("sync", "ready"),
            ("raises", "MQTTError", {}, ("poll_for", 2000)), ("check", "connected", False),
            ("connect",),
        ),
    },
    {
        "name": "connack_that_is_too_long_closes",
        "broker": (
            ("accept",), ("expect", "CONNECT"),
            ("send", "CONNACK", {"properties": {"reason_string": "r" * 500}}),
            ("expect_eof", 2500, ("DISCONNECT",)), ("greet",),
        ),
        "client": (
            ("new", {"rx_size": 128}), ("raises", "MQTTError", {}, ("connect",)),
            ("check", "connected", False), ("connect",),
        ),
    },
    {
        "name": "connack_that_just_fits_is_read",
        "broker": (
            ("accept",), ("expect", "CONNECT"),
            ("send", "CONNACK", {"properties": {"reason_string": "r" * 117}}),
        ),
        "client": (
            ("new", {"rx_size": 128}), ("connect",),
            ("check", "connack", {"reason_string": "r" * 117}),
        ),
    },
)
