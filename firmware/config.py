"""The node's settings: one JSON file, checked key by key before anything is started."""

import json
import os

from micropython import const

TYPE_CHECKING = const(False)
if TYPE_CHECKING:  # names that only a type checker needs
    from collections.abc import Iterable
    from typing import Any

_REQUIRED = object()

# section -> key -> (kind, default, lowest or shortest, highest or longest).
# Kinds: "text" in bytes of UTF-8, "integer", "number", "topic", "path" (of a WebSocket), "file"
# (a name on the board), "country", "switch", or a tuple of allowed texts.
_SCHEMA: dict[str, dict[str, Any]] = {
    "wifi": {
        "ssid": ("text", _REQUIRED, 1, 32),
        "password": ("text", "", 0, 64),
        "hostname": ("text", None, 1, 32),
        "country": ("country", None, 2, 2),
        "power_save": (("none", "performance", "powersave"), "performance", 0, 0),
        "stable_s": ("number", 3, 0, 600),
        "leave_s": ("number", 1, 0, 60),
        "join_s": ("number", 20, 1, 600),
        "retry_s": ("number", 2, 0, 600),
        "retry_max_s": ("number", 60, 0, 3600),
        "radio_off_after": ("integer", 3, 1, 1000),
        "reset_after": ("integer", 20, 0, 10000),
        "suspect_s": ("number", 30, 1, 3600),
    },
    "mqtt": {
        "host": ("text", _REQUIRED, 1, 253),
        "port": ("integer", None, 1, 65535),  # None: 1883, or what TLS and WebSocket use
        "client_id": ("text", None, 1, 64),
        "username": ("text", None, 1, 256),
        "password": ("text", None, 0, 256),
        "keep_alive": ("integer", 30, 5, 65535),
        "base_topic": ("topic", None, 1, 128),
        "retry_s": ("number", 1, 0.05, 600),
        "retry_max_s": ("number", 60, 0.05, 3600),
        "outbox_bytes": ("integer", 4096, 1024, 65536),
        "version": ("integer", 4, 4, 5),  # 4 is MQTT 3.1.1
        "tls": ("switch", False, 0, 0),
        "ca": ("file", None, 1, 128),
        "cert": ("file", None, 1, 128),
        "key": ("file", None, 1, 128),
        "server_hostname": ("text", None, 1, 253),
        "websocket": ("path", None, 1, 128),
    },
    "node": {
        "interval_s": ("number", 10, 0.2, 86400),
        "watchdog_s": ("number", 8, 0, 600),
        "led_pin": ("integer", None, 0, 48),
        "skip_pin": ("integer", None, 0, 48),
        "skip_window_s": ("number", 2, 0, 60),
        "crashes": ("integer", 5, 1, 100),
        "healthy_s": ("number", 60, 0, 3600),
        "ntp_host": ("text", "pool.ntp.org", 1, 253),
    },
}
_OF_TLS = ("ca", "cert", "key", "server_hostname")


class ConfigError(ValueError):
    """The file cannot be used; the text names every problem, one a line."""


def load(path: str = "config.json") -> dict[str, Any]:
    """Read and check the file; a dict of sections with every key present."""
    try:
        with open(path) as file:
            given = json.load(file)
    except OSError:
        raise ConfigError(
            path + " not found; copy config.example.json to it and fill it in"
        ) from None
    except (ValueError, UnicodeError):
        raise ConfigError(path + " is not valid JSON; look for a missing comma or quote") from None
    return check(given, path)


def check(given: object, name: str = "config") -> dict[str, Any]:
    """Check settings and add the defaults; ConfigError tells all that is wrong."""
    if not isinstance(given, dict):
        raise ConfigError(name + ": must be an object with the sections " + _names(_SCHEMA))
    problems: list[str] = []
    for section in given:
        if section not in _SCHEMA:
            problems.append(_unknown(section, _SCHEMA))
    result = {}
    for section in _SCHEMA:
        result[section] = _section(section, given.get(section, {}), problems)
    _check_together(result, problems)
    if problems:
        raise ConfigError("\n".join([name + ": " + problem for problem in problems]))
    return result


def check_files(settings: dict[str, Any], name: str = "config.json") -> None:
    """Look whether the files are there that the settings name; ConfigError tells which are not.

    Apart from `check`, which also runs where the board's files are not.
    """
    problems = []
    for section in _SCHEMA:
        for key in _SCHEMA[section]:
            path = settings[section][key]
            if _SCHEMA[section][key][0] == "file" and path is not None and not _is_file(path):
                where = name + ": " + section + "." + key
                problems.append(where + " must be a file on the board, and there is no " + path)
    if problems:
        raise ConfigError("\n".join(problems))


def _is_file(path: str) -> bool:
    try:
        return os.stat(path)[6] > 0
    except OSError:
        return False


def _section(section: str, given: object, problems: list[str]) -> dict[str, Any]:
    schema = _SCHEMA[section]
    result: dict[str, Any] = {}
    if not isinstance(given, dict):
        problems.append(section + " must be an object, not " + _show(given))
        return result
    for key in given:
        if key not in schema:
            problems.append(section + "." + _unknown(key, schema))
    for key in schema:
        kind, default, low, high = schema[key]
        value = given.get(key, default)
        if value is _REQUIRED:
            problems.append(section + "." + key + " is missing: " + _wanted(kind, low, high))
        elif value is not default and not _fits(value, kind, low, high):
            wanted = _wanted(kind, low, high)
            problems.append(section + "." + key + " must be " + wanted + ", not " + _show(value))
        result[key] = value
    return result


def _check_together(result: dict[str, Any], problems: list[str]) -> None:
    """What two keys must fulfil together."""
    mqtt = result["mqtt"]
    if mqtt.get("password") is not None and mqtt.get("username") is None:
        problems.append("mqtt.password needs mqtt.username")
    _check_tls(mqtt, problems)
    watchdog = result["node"].get("watchdog_s")
    if isinstance(watchdog, (int, float)) and 0 < watchdog < 2:
        problems.append("node.watchdog_s must be 0 (none) or at least 2")


def _check_tls(mqtt: dict[str, Any], problems: list[str]) -> None:
    """Certificates say nothing without TLS, and TLS nothing without a certificate to trust."""
    given = [key for key in _OF_TLS if mqtt.get(key) is not None]
    if mqtt.get("tls") is not True:
        for key in given:
            problems.append("mqtt." + key + " needs mqtt.tls, which must be true then")
    elif "ca" not in given:
        problems.append("mqtt.tls needs mqtt.ca: the certificate that signed the broker's")
    for key, other in (("cert", "key"), ("key", "cert")):
        if key in given and other not in given:
            problems.append("mqtt." + key + " needs mqtt." + other)


def _fits(value: object, kind: object, low: float, high: float) -> bool:
    if isinstance(kind, tuple):
        return value in kind
    if kind == "switch":
        return isinstance(value, bool)
    if kind in ("text", "file", "topic", "path", "country"):
        if not isinstance(value, str) or not low <= len(value.encode()) <= high:
            return False
        is_right = {"topic": _is_topic, "path": _is_path, "country": _is_country}.get(str(kind))
        return is_right is None or is_right(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return (kind == "number" or isinstance(value, int)) and low <= value <= high


def _is_topic(value: str) -> bool:
    for character in "#+\0":
        if character in value:
            return False
    return value[0] not in "$/" and value[-1] != "/"


def _is_path(value: str) -> bool:
    return value[0] == "/" and all(32 < ord(character) < 127 for character in value)


def _is_country(value: str) -> bool:
    """Two bytes may be one letter: the port refuses that with an error, after the check."""
    return all("A" <= character <= "Z" for character in value)


def _wanted(kind: object, low: float, high: float) -> str:
    if isinstance(kind, tuple):
        return "one of " + _names(kind)
    if kind == "switch":
        return "true or false"
    if kind == "country":
        return 'two letters A to Z, as "DE"'
    span = (str(low) if low == high else str(low) + " to " + str(high)) + " bytes"
    if kind == "text":
        return "a text of " + span
    if kind == "file":
        return "the name of a file on the board, of " + span
    if kind == "path":
        return 'a path as "/mqtt" of ' + span + ", %-encoded"
    if kind == "topic":
        return "a topic of " + span + " without + and #, not starting with $ or /"
    span = str(low) + " to " + str(high)
    return ("an integer" if kind == "integer" else "a number") + " from " + span


def _unknown(name: object, known: "Iterable[str]") -> str:
    return str(name) + " is unknown; there are " + _names(known)


def _names(names: "Iterable[str]") -> str:
    return ", ".join(sorted(names))


def _show(value: object) -> str:
    """A value for a message; short, for it may be anything."""
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "..."
