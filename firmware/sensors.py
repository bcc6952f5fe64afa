"""What the node measures. Add your own to `sensors`: a name and a callable that reads it.

A reading is a number, a text or None. A sensor that raises OSError, ValueError or
RuntimeError is reported as null in the telemetry and does not disturb the others.
"""

import board
from micropython import const

TYPE_CHECKING = const(False)
if TYPE_CHECKING:  # names that only a type checker needs
    from collections.abc import Callable
    from typing import Any


def sensors() -> "list[tuple[str, Callable[[], Any]]]":
    """The sensors as (name, read) pairs; called once, after WiFi was configured."""
    return [("temperature", board.temperature)]
