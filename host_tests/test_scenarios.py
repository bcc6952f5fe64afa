"""Each scenario of `scenarios/`: the library against the fake broker, on each Python."""

from __future__ import annotations

import re
from typing import Any

import pytest
from expand import table
from running import INTERPRETERS, run_scenario
from scenarios import GROUPS

SCENARIOS: list[tuple[str, dict[str, Any]]] = [
    (group, scenario) for group in GROUPS for scenario in table(group)
]
CASES = [
    pytest.param(interpreter, group, one["name"], id=f"{group}-{one['name']}-{interpreter}")
    for group, one in SCENARIOS
    for interpreter in INTERPRETERS
]


@pytest.mark.parametrize(("interpreter", "group", "name"), CASES)
def test_scenario(interpreter: str, group: str, name: str) -> None:
    """Both sides see what the tables say."""
    run_scenario(interpreter, group, name)


def test_names_are_unique() -> None:
    """A name finds one scenario."""
    names = [(group, one["name"]) for group, one in SCENARIOS]
    assert len(names) == len(set(names))


def test_statements_have_well_formed_ids() -> None:
    """In "covers" stand ids of the specification such as MQTT-3.1.2-22, or U311-3."""
    pattern = re.compile(r"MQTT-\d+\.\d+\.\d+-\d+|U311-\d+")
    ids = [name for _, one in SCENARIOS for name in one.get("covers", ())]
    assert ids and all(pattern.fullmatch(name) for name in ids)
