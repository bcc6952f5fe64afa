"""MQTT 5.0 against a real mosquitto."""

from __future__ import annotations

import uuid

import pytest
from expand import table
from running import PYTHONS, Scripted

from tools.broker import Broker

NAMES = [one["name"] for one in table("v5_mosquitto")]


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("name", NAMES)
def test_scenario(name: str, python: str, mosquitto: Broker) -> None:
    """The client sees what the table says."""
    prefix = f"t{uuid.uuid4().hex[:10]}"
    device = Scripted(python, "v5_mosquitto", name, mosquitto.host, mosquitto.port, prefix)
    device.start()
    problem = device.finish(40)
    assert not problem, problem
