"""The table of byte vectors: on each Python in both directions, and read by a strict parser."""

from __future__ import annotations

from typing import Any

import pytest
import vectors
from running import HERE, INTERPRETERS, Device
from strict import Parser
from vector_runner import spread

CONNECT = b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01c"
GROUPS = ("out", "in", "invalid", "connack")


@pytest.mark.parametrize("interpreter", INTERPRETERS)
@pytest.mark.parametrize("group", GROUPS)
def test_vectors_hold(group: str, interpreter: str) -> None:
    """Whole, byte by byte, cut in two, with trailing data, gathered, drained and streamed."""
    heap = () if interpreter == "cpython" else ("-X", "heapsize=24M")
    device = Device(interpreter, *heap, str(HERE / "device" / "vector_runner.py"), group)
    device.start()
    problem = device.finish(120)
    assert not problem, problem


@pytest.mark.parametrize("vector", vectors.OUT, ids=lambda vector: str(vector[0]))
def test_outgoing_vectors_are_what_they_say(vector: tuple[Any, ...]) -> None:
    """The table itself, against a parser that was written from the specification alone."""
    name, verb, arguments, pieces = vector
    parser = Parser()
    if verb != "connect":
        parser.feed(CONNECT)
    (packet,) = parser.feed(spread(pieces))
    assert packet["type"] == {"ping": "PINGREQ"}.get(verb, verb.upper()), name
    if verb == "connect":
        for field in ("username", "clean_session"):
            assert (packet[field] or None) == (arguments.get(field) or None), name
        assert packet["keep_alive"] == arguments.get("keep_alive", 60)
    elif verb == "publish":
        raw = spread(arguments[1])
        assert packet["payload"] == (raw.encode() if isinstance(raw, str) else raw)
        assert (packet["qos"], packet["retain"]) == arguments[2:]


def test_names_are_unique() -> None:
    """A failing line finds one vector."""
    for table in (vectors.OUT, vectors.IN, vectors.INVALID):
        names = [vector[0] for vector in table]
        assert len(names) == len(set(names))


def test_table_has_every_packet_type_and_length_border() -> None:
    """Both directions of 3.1.1, and all sizes of the remaining length."""
    sent = {spread(vector[3])[0] >> 4 for vector in vectors.OUT}
    replies = {reply[0] >> 4 for vector in vectors.IN if (reply := vector[4])}
    assert sent | replies == {1, 3, 4, 5, 6, 7, 8, 10, 12, 14}
    received = {spread(vector[2])[0] >> 4 for vector in vectors.IN}
    assert received == {3, 4, 5, 6, 7, 9, 11, 13}
    sizes = {vector[0] for vector in vectors.IN} & {vector[0] for vector in vectors.OUT}
    borders = (127, 128, 16383, 16384, 2097151, 2097152)
    assert {f"publish length {size}" for size in borders} <= sizes
