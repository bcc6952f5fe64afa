"""What the tests of the statements of MQTT 5.0 share, beyond `conformance_kit`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import conformance_kit
from conformance_kit import LOGINS, WILLS
from strict5 import Packet, Parser
from umqtt_full import Will
from unit_rig5 import Rig5

PROPERTIES: tuple[dict[str, Any] | None, ...] = (
    None,
    {"will_delay_interval": 9, "content_type": "t", "user_property": [("a", "b"), ("a", "")]},
)


def scenarios5(*patterns: str) -> None:
    """Run scenarios with 5.0 on CPython: of a group of 5.0, or of a group that both have."""
    own = (one if one.startswith("v5_") else one.replace("/", "@5/", 1) for one in patterns)
    conformance_kit.scenarios(*own)


def connect5(**options: Any) -> bytes:
    """The CONNECT of a client with these options; `will` as a tuple."""
    will = options.pop("will", None)
    rig = Rig5(will=will and Will(*will), **options)
    rig.session.open()
    return rig.drain()


def read5(raw: bytes) -> Packet:
    """A CONNECT as a strict parser reads it."""
    (packet,) = Parser().feed(raw)
    return packet


def connects5() -> Iterator[tuple[dict[str, Any], bytes, Packet]]:
    """Each combination of options, the CONNECT that it gives, and what a strict parser reads.

    A will comes without properties and with some; a password also without a user name.
    """
    wills: list[tuple[Any, ...] | None] = [None]
    for will in WILLS[1:]:
        full = (*(will or ()), *(0, False)[len(will or ()) - 2 :])
        wills += [(*full, own) for own in PROPERTIES]
    logins = (*LOGINS, (None, b""), (None, b"p"))
    for will, login, clean in itertools.product(wills, logins, (True, False)):
        options: dict[str, Any] = {
            "will": will, "username": login[0], "password": login[1], "clean_start": clean,
        }  # fmt: skip
        raw = connect5(client_id="dev", **options)
        yield options, raw, read5(raw)


def flags_of(raw: bytes) -> int:
    """The connect flags."""
    return raw[2 + (raw[1] > 127) + 7]
