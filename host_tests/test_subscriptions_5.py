"""SUBSCRIBE and UNSUBSCRIBE of 5.0 beside the broker's Maximum Packet Size [MQTT-3.2.2-15]."""

from __future__ import annotations

from typing import Any

import pytest
from umqtt_full.errors import ReasonError
from unit_rig5 import Rig5, connack

TOO_LARGE = 0x95
USER = {"user_property": [("k", "v" * 90)]}
VERBS = ("subscribe", "unsubscribe")


def told(most: int, present: int = 0) -> bytes:
    """A CONNACK with `maximum_packet_size`."""
    return connack(b"\x05\x27" + most.to_bytes(4, "big"), present)


def ask(rig: Rig5, verb: str, name: str, **options: Any) -> Any:
    """Subscribe, or unsubscribe."""
    if verb == "subscribe":
        return rig.subscribe(name, 1, **options)
    return rig.session.subscriptions.remove(name, **options)


def size(verb: str, name: str, **options: Any) -> int:
    """The bytes that the request takes."""
    rig = Rig5()
    rig.connect()
    ask(rig, verb, name, **options)
    return len(rig.drain())


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("options", [{}, {"properties": USER}], ids=["plain", "properties"])
@pytest.mark.parametrize("length", [1, 21, 118, 119, 120, 121, 122, 123, 16374, 16380])
def test_a_request_of_exactly_the_brokers_maximum_is_sent(
    verb: str, options: dict[str, Any], length: int
) -> None:
    """One more byte is refused here, before anything is sent."""
    name = "f" * length
    n = size(verb, name, **options)
    rig = Rig5()
    rig.connect(told(n))
    ask(rig, verb, name, **options)
    assert len(rig.drain()) == n
    rig = Rig5()
    rig.connect(told(n - 1))
    with pytest.raises(ReasonError) as info:
        ask(rig, verb, name, **options)
    assert info.value.reason_code == TOO_LARGE
    assert rig.drain() == b"" and not rig.session.subscriptions.all


@pytest.mark.parametrize("awaited", [False, True])
def test_an_unsubscribe_that_a_new_limit_refuses_is_not_sent(awaited: bool) -> None:
    """It was queued before; whoever waits sees it, or `on_error`, and the filter is gone."""
    rig = Rig5()
    rig.connect()
    s = rig.session.subscriptions.remove("f" * 60)
    s.awaited = awaited
    assert rig.reconnect(told(50, 1)) == b""
    assert s.granted == TOO_LARGE and not rig.session.subscriptions.all
    assert len(rig.errors) == (not awaited)
    rig.subscribe("g")
    assert rig.drain()[:1] == b"\x82"


def test_a_filter_that_is_unsubscribed_may_have_what_the_broker_has_not() -> None:
    """Only the size counts for UNSUBSCRIBE."""
    rig = Rig5()
    rig.connect()
    for name in ("a/#", "$share/g/a"):
        rig.session.subscriptions.remove(name)
    assert rig.reconnect(connack(b"\x04\x28\0\x2a\0", 1)).count(b"\xa2") == 1
    assert not rig.errors
