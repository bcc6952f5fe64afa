"""A megabyte received into a file, and published from one, by a node with a heap of 64 KB."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tools.bench import large, peers
from tools.bench.run import BROKER_LINES, Bench
from tools.broker import Broker


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    nothing = tmp_path_factory.mktemp("nothing")
    places = peers.Places(nothing, nothing, None)
    with Broker(config_lines=BROKER_LINES) as one:
        yield Bench(places, tmp_path_factory.mktemp("mpy"), one, one)


def test_a_firmware_image_on_64_kb(bench: Bench) -> None:
    """`receive` compares the file with what was sent."""
    assert large.SIZE == 1 << 20
    large.receive(bench, large.GOAL)


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_log_file_on_64_kb(bench: Bench, qos: int) -> None:
    """`publish` compares what a subscriber got with the file."""
    large.publish(bench, large.GOAL, qos)
