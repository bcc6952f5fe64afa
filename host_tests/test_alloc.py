"""Publish, receive and idle take nothing from the heap: 32-bit MicroPython, a real broker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from alloc_ops import NAMES
from running import HERE, Device

from tools.broker import Broker


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    """One broker for all operations: each is a process with a session of its own."""
    with Broker() as one:
        yield one


@pytest.mark.parametrize("options", [("4",), ("5",), ("5", "2")], ids=["v4", "v5", "aliases"])
@pytest.mark.parametrize("name", NAMES)
def test_no_byte_is_taken(name: str, options: tuple[str, ...], broker: Broker) -> None:
    script = str(HERE / "device" / "alloc_ops.py")
    device = Device("micropython32", script, name, broker.host, str(broker.port), *options)
    device.start()
    problem = device.finish(60)
    assert not problem, problem
