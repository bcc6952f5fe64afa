"""Maximum Packet Size of either side, for packets other than PUBLISH and SUBSCRIBE (MQTT 5)."""

from __future__ import annotations

from typing import Any

import pytest
from umqtt_full.errors import ProtocolError, ReasonError
from unit_rig5 import CONNACK, Rig5, ack, connack, frame, id_of

TOO_LARGE = 0x95


def told(most: int, *more: bytes) -> bytes:
    """A CONNACK with `maximum_packet_size` and further properties."""
    return connack(frame(0, b"\x27" + most.to_bytes(4, "big") + b"".join(more))[1:])


def disconnect(connack: bytes, properties: dict[str, Any]) -> bytes:
    """What is written of a DISCONNECT."""
    rig = Rig5()
    rig.connect(connack)
    rig.session.disconnect(0, properties)
    return rig.drain()


@pytest.mark.parametrize("length", [1, 20, 119, 120, 121, 122, 123, 124, 125, 300])
def test_a_disconnect_of_exactly_the_brokers_maximum_keeps_its_reason_string(length: int) -> None:
    """One more byte, and it goes without."""
    properties = {"reason_string": "r" * length}
    whole = disconnect(CONNACK, properties)
    assert disconnect(told(len(whole)), properties) == whole
    assert disconnect(told(len(whole) - 1), properties) == b"\xe0\2\0\0"


def test_no_auth_longer_than_the_broker_takes_is_sent() -> None:
    sizes = [3, 40, 41]
    rig = Rig5(authentication=("M", lambda _: b"d" * sizes.pop(0)))
    rig.connect(told(51, b"\x15\0\1M"))
    rig.session.reauthenticate()
    data = rig.drain()
    assert len(data) == 51 and data[:3] == b"\xf0\x31\x19"
    rig.feed(frame(0xF0, b"\0\4\x15\0\1M"))
    with pytest.raises(ReasonError) as info:
        rig.session.reauthenticate()
    assert info.value.reason_code == TOO_LARGE
    assert rig.drain() == b"" and rig.session.connected


@pytest.mark.parametrize("fails", [OSError("no token"), ReasonError(TOO_LARGE, "x", {})])
def test_an_authentication_that_was_not_begun_is_not_answered(fails: Exception) -> None:
    """The hook raised, so AUTH of the broker comes unasked (4.12.1)."""
    given: list[Any] = [b"1", fails]

    def hook(_: bytes | None) -> bytes:
        one = given.pop(0)
        if isinstance(one, Exception):
            raise one
        return bytes(one)

    rig = Rig5(authentication=("M", hook))
    rig.connect(connack(b"\4\x15\0\1M"))
    with pytest.raises(ProtocolError, match="hook"):
        rig.session.reauthenticate()
    with pytest.raises(ProtocolError, match="not asked for"):
        rig.feed(frame(0xF0, b"\0\4\x15\0\1M"))


REASON = frame(0, b"\x1f" + id_of(30) + b"r" * 30)[1:]
PACKETS = {
    "SUBACK": frame(0x90, id_of(1) + REASON + bytes(12)),
    "PUBACK": ack(0x40, 1, 0, frame(0, b"\x1f" + id_of(41) + b"r" * 41)[1:]),
    "DISCONNECT": frame(0xE0, b"\0" + frame(0, b"\x1f" + id_of(43) + b"r" * 43)[1:]),
    "CONNACK": connack(frame(0, b"\x1f" + id_of(42) + b"r" * 42)[1:]),
}


@pytest.mark.parametrize("name", PACKETS)
def test_no_packet_longer_than_announced_is_taken(name: str) -> None:
    """Also where the buffer has room for it."""
    packet = PACKETS[name]
    for most in (len(packet), len(packet) - 1):
        rig = Rig5(properties={"maximum_packet_size": most})
        rig.session.open()
        rig.drain()
        if name != "CONNACK":
            rig.feed(CONNACK)
        if most < len(packet):
            with pytest.raises(ProtocolError) as info:
                rig.feed(packet)
            assert info.value.reason_code == TOO_LARGE
        elif name == "DISCONNECT":
            with pytest.raises(ReasonError):
                rig.feed(packet)
        else:
            rig.feed(packet)
