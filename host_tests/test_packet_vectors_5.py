"""The tables of byte vectors of 5.0: on each Python in both directions, and read strictly."""

from __future__ import annotations

from typing import Any

import pytest
import strict5_properties as referee
import vectors5
import vectors5_properties as matrix
from running import HERE, INTERPRETERS, Device
from strict5 import Parser, Violation
from strict_base import Reader
from vector_runner import spread

CONNECT = b"\x10\x13\x00\x04MQTT\x05\x02\x00\x3c\x05\x11\x00\x00\x00\x09\x00\x01c"
GROUPS = ("out", "in", "invalid", "ends", "connack", "codec", "packets")


@pytest.mark.parametrize("interpreter", INTERPRETERS)
@pytest.mark.parametrize("group", GROUPS)
def test_vectors_hold(group: str, interpreter: str) -> None:
    """Whole, byte by byte, cut in two, with trailing data, gathered, drained and streamed."""
    heap = () if interpreter == "cpython" else ("-X", "heapsize=24M")
    device = Device(interpreter, *heap, str(HERE / "device" / "vector_runner5.py"), group)
    device.start()
    problem = device.finish(120)
    assert not problem, problem


@pytest.mark.parametrize("vector", vectors5.OUT, ids=lambda vector: str(vector[0]))
def test_outgoing_vectors_are_what_they_say(vector: tuple[Any, ...]) -> None:
    """The table itself, against a parser that was written from the specification alone."""
    name, verb, arguments, pieces = vector
    parser = Parser()
    if verb != "connect":
        parser.feed(CONNECT)
    (packet,) = parser.feed(spread(pieces))
    assert packet["type"] == {"ping": "PINGREQ"}.get(verb, verb.upper()), name
    if verb == "connect":
        for field in ("username", "clean_start"):
            assert (packet[field] or None) == (arguments.get(field) or None), name
        assert packet["keep_alive"] == arguments.get("keep_alive", 60)
        wanted = arguments["properties"].items()
        assert packet["properties"] == {key: one for key, one in wanted if one is not None}
        assert packet["will_properties"] == (arguments.get("will") or ((),))[4:] or True
    elif verb == "publish":
        raw = spread(arguments[1])
        assert packet["payload"] == (raw.encode() if isinstance(raw, str) else raw)
        assert (packet["qos"], packet["retain"]) == arguments[2:4]
        assert packet["properties"] == (arguments[4] or {})
    elif verb == "disconnect":
        assert (packet["reason_code"], packet["properties"] or None) == arguments


def judged(place: int, data: bytes) -> Any:
    """The referee's properties, or the statement that they break."""
    try:
        return referee.read(Reader(data, Parser.clauses), place)
    except Violation as error:
        return error.clause


@pytest.mark.parametrize("row", matrix.ROWS, ids=lambda row: str(row[1]))
def test_the_matrix_is_what_the_standard_says(row: tuple[Any, ...]) -> None:
    """Against the referee's own table of properties."""
    identifier, name, places, _, _ = row
    assert referee.TABLE[identifier][0] == name
    assert sorted(referee.TABLE[identifier][4]) == sorted(places)
    for place in referee.PLACES:
        for _, data, found in matrix.allowed(row, place):
            if (identifier, place) == (0x0B, 8):
                found = {**found}
            if identifier != 0x16:  # not without a method
                assert judged(place, data) == found
        for what, data, code in matrix.wrong(row, place):
            clause = judged(place, data)
            assert isinstance(clause, str), what
            wrong = {"U5-3": 0x82, "U5-4": 0x82, "MQTT-3.3.2-8": 0x94, "MQTT-3.3.2-14": 0x82}
            assert wrong.get(clause, 0x81) == code, (what, clause)


def test_names_are_unique() -> None:
    """A failing line finds one vector."""
    for table in (vectors5.OUT, vectors5.IN, vectors5.INVALID, vectors5.ENDS):
        names = [vector[0] for vector in table]
        assert len(names) == len(set(names))


def test_table_has_every_packet_type_of_both_directions() -> None:
    """AUTH is in the scenarios: it needs a hook."""
    sent = {spread(vector[3])[0] >> 4 for vector in vectors5.OUT}
    replies = {reply[0] >> 4 for vector in vectors5.IN if (reply := vector[4])}
    assert sent | replies == {1, 3, 4, 5, 6, 7, 8, 10, 12, 14}
    received = {spread(vector[2])[0] >> 4 for vector in (*vectors5.IN, *vectors5.ENDS)}
    assert received == {3, 4, 5, 6, 7, 9, 11, 13, 14}
