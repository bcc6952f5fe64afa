"""What all tests share: where imports come from, the interpreters, a real broker."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
for place in (HERE, HERE / "device", HERE.parent / "lib", HERE.parent):
    if str(place) not in sys.path:
        sys.path.insert(0, str(place))

from running import INTERPRETERS  # noqa: E402

from tools.broker import Broker  # noqa: E402


@pytest.fixture(params=INTERPRETERS)
def interpreter(request: pytest.FixtureRequest) -> str:
    """Each Python that the library runs on."""
    return str(request.param)


@pytest.fixture
def mosquitto() -> Iterator[Broker]:
    """A real broker of this test's own, or the one that MQTT_TEST_BROKER names."""
    with Broker() as broker:
        yield broker
