"""What a simulation of MQTT 5.0 is made of: loaded for those histories alone."""

import sys

from .dialect import Dialect5
from .ledger5 import Ledger5
from .world import World

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

new_referee: "Any" = None  # on MicroPython; the computer reads what was written
if sys.implementation.name == "cpython":
    from strict5 import Parser

    from .referee import Referee

    new_referee = Referee
else:
    from .wire5 import Parser  # type: ignore[assignment]

__all__ = ("Parser", "ledger_of", "options_of", "speaker_of")


def ledger_of(world: World, config: "Any") -> Ledger5:
    """The model of the client."""
    return Ledger5(world, config["window"], config["clean"], new_referee and new_referee())


def speaker_of(config: "Any") -> Dialect5:
    """What the broker says."""
    return Dialect5(config["quota"], config["aliases"], config["wordy"])


def options_of(config: "Any") -> "Any":
    """The arguments of the client that 3.1.1 does not have.

    No history restarts the client itself, so a session that it knows nothing of is never accepted.
    """
    properties: dict[str, Any] = {}
    if config["aliases_in"]:
        properties["topic_alias_maximum"] = config["aliases_in"]
    if config["quota_in"]:
        properties["receive_maximum"] = config["quota_in"]
    if not config["bound"]:
        properties["maximum_packet_size"] = None
    return {"version": 5, "clean_start": config["clean"], "topic_aliases": config["aliases"],
            "properties": properties}  # fmt: skip
