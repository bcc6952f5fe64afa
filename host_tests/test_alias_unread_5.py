"""An alias that comes with a message too long to be read is never taken for another topic."""

from __future__ import annotations

import pytest
from umqtt_full.errors import ProtocolError
from umqtt_full.properties import encode_properties
from unit_rig5 import Rig5, publish


def block(alias: int, text: str = "") -> bytes:
    """Properties with an alias, behind a User Property where it cannot be seen."""
    user = [("k", text)] if text else []
    return encode_properties(3, {"user_property": user, "topic_alias": alias})


@pytest.mark.parametrize(
    ("topic", "text"), [("other", "x" * 200), ("o" * 200, "x")], ids=["properties", "topic"]
)
def test_an_alias_given_unread_is_unknown_from_then_on(topic: str, text: str) -> None:
    rig = Rig5(rx_size=64, properties={"topic_alias_maximum": 3, "maximum_packet_size": None})
    rig.connect()
    rig.exchange(publish(b"right", b"1", block=block(1)))
    rig.exchange(publish(b"", b"2", block=block(1)))
    assert [message[:2] for message in rig.messages] == [("right", b"1"), ("right", b"2")]
    rig.exchange(publish(topic.encode(), b"3", block=block(1, text)))
    assert rig.session.oversized == 1
    with pytest.raises(ProtocolError):
        rig.exchange(publish(b"", b"4", block=block(1)))
    assert len(rig.messages) == 2
