"""The node's commands: what each takes, what it does, and what it says when it cannot.

A command is `<base>/cmd/<name>`, its value the payload. The answer goes to
`<base>/answer/<name>`: {"ok": true, "result": ...} or {"ok": false, "error": "..."}.
"""

from micropython import const

TYPE_CHECKING = const(False)
if TYPE_CHECKING:  # names that only a type checker needs
    from typing import Any

    from node import Node

_LONGEST = const(128)  # bytes of a value that are looked at


class CommandError(Exception):
    """The command cannot be carried out; the text says what is allowed."""


def read_value(payload: memoryview) -> str:
    """The payload as text; it may be anything, so look before trusting it."""
    if len(payload) > _LONGEST:
        raise CommandError("the value is longer than " + str(_LONGEST) + " bytes")
    try:
        return str(bytes(payload), "utf-8").strip()
    except UnicodeError:
        raise CommandError("the value is not UTF-8 text") from None


class Commands:
    """Carries commands out on a node."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._table = {
            "led": self._led,
            "interval": self._interval,
            "read": self._read,
            "restart": self._restart,
        }

    def run(self, name: str, payload: memoryview) -> dict[str, Any]:
        """The answer to one command; bad input is an answer too."""
        try:
            method = self._table.get(name)
            if method is None:
                names = ", ".join(sorted(self._table))
                raise CommandError("unknown command; there are " + names)
            return {"ok": True, "result": method(read_value(payload))}
        except CommandError as error:
            return {"ok": False, "error": str(error)}

    def _led(self, value: str) -> dict[str, Any]:
        node = self._node
        if value not in ("on", "off", "toggle"):
            raise CommandError("led takes on, off or toggle")
        on = not node.led_is_on() if value == "toggle" else value == "on"
        node.set_led(on)
        return {"led": "on" if on else "off"}

    def _interval(self, value: str) -> dict[str, Any]:
        try:
            seconds = float(value)
        except ValueError:
            seconds = -1.0
        if not 0.2 <= seconds <= 86400:  # also refuses nan
            raise CommandError("interval takes a number of seconds from 0.2 to 86400")
        self._node.set_interval(seconds)
        return {"interval_s": seconds}

    def _read(self, value: str) -> dict[str, Any]:
        readings = self._node.read_sensors(value or None)
        if not readings:
            names = ", ".join(self._node.sensor_names())
            raise CommandError("read takes nothing or the name of a sensor: " + names)
        return readings

    def _restart(self, value: str) -> dict[str, Any]:
        if value:
            raise CommandError("restart takes no value")
        self._node.restart()
        return {"restart": "in a moment"}
