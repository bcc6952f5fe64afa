"""Each scenario of `scenarios/`: the library against the fake broker, on each Python."""

from __future__ import annotations

import importlib
import re
from typing import Any

import pytest
from expand import table
from running import PYTHONS
from scenarios import GROUPS
from serving import run_scenario

SCENARIOS: list[tuple[str, dict[str, Any]]] = [
    (group, scenario) for group in GROUPS for scenario in table(group)
]
CASES = [
    pytest.param(python, group, one["name"], id=f"{group}-{one['name']}-{python}")
    for group, one in SCENARIOS
    for python in PYTHONS
    if "blocking_only" not in one or "+" not in python
]


BLOCKING_ONLY = 8  # scenarios that AsyncClient does not run; each says why
BLOCKING_STEPS = 3  # … and scenarios with a step that it does not run


@pytest.mark.parametrize(("python", "group", "name"), CASES)
def test_scenario(python: str, group: str, name: str) -> None:
    """Both sides see what the tables say."""
    run_scenario(python, group, name)


def test_names_are_unique() -> None:
    """A name finds one scenario."""
    names = [(group, one["name"]) for group, one in SCENARIOS]
    assert len(names) == len(set(names))


def test_statements_have_well_formed_ids() -> None:
    """In "covers" stand ids of the specification such as MQTT-3.1.2-22, or U311-3."""
    pattern = re.compile(r"MQTT-\d+\.\d+\.\d+-\d+|U311-\d+")
    ids = [name for _, one in SCENARIOS for name in one.get("covers", ())]
    assert ids and all(pattern.fullmatch(name) for name in ids)


def test_exceptions_for_the_async_client_are_few() -> None:
    """Whoever adds one counts it here."""
    entries = [one for group in GROUPS for one in entries_of(group)]
    only = [one["blocking_only"] for one in entries if "blocking_only" in one]
    steps = [one["name"] for one in entries if "('blocking', " in repr(one["client"])]
    assert all(len(reason) > 20 for reason in only)
    assert (len(only), len(steps)) == (BLOCKING_ONLY, BLOCKING_STEPS), steps


def entries_of(group: str) -> tuple[dict[str, Any], ...]:
    """The entries of one table, not expanded."""
    entries: tuple[dict[str, Any], ...] = importlib.import_module(f"scenarios.{group}").SCENARIOS
    return entries
