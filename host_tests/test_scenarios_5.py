"""Each scenario of 3.1.1 with MQTT 5.0, and those that only 5.0 has, on each Python."""

from __future__ import annotations

import importlib
import os
import re
from typing import Any

import pytest
from expand import entries, table
from running import PYTHONS
from scenarios import GROUPS, GROUPS_5
from serving import run_scenario

# What 3.1.1 has too is played on the 64-bit MicroPython with UMQTT_EVERY_PYTHON=1 only: it takes
# minutes, and 3.1.1 itself is played there in any case.
EVERY = bool(os.environ.get("UMQTT_EVERY_PYTHON"))
BOTH = tuple(f"{group}@5" for group in (*GROUPS, "conformance"))


def label(group: str) -> str:
    """Of a test: an @ cannot be asked for by -k."""
    return group.replace("@", "_")


CASES = [
    pytest.param(python, group, one["name"], id=f"{label(group)}-{one['name']}-{python}")
    for group in (*BOTH, *GROUPS_5)
    for one in table(group)
    for python in PYTHONS
    if "+" not in python or ("blocking_only" not in one and group != "conformance@5")
    if EVERY or group not in BOTH or not python.startswith("micropython64")
]


@pytest.mark.parametrize(("python", "group", "name"), CASES)
def test_scenario(python: str, group: str, name: str) -> None:
    """Both sides see what the tables say."""
    run_scenario(python, group, name)


def test_names_are_unique() -> None:
    """A name finds one scenario."""
    names = [(group, one["name"]) for group in GROUPS_5 for one in table(group)]
    assert names and len(names) == len(set(names))


def test_statements_have_well_formed_ids() -> None:
    """In "covers" stand ids of the specification such as MQTT-3.1.2-22, or U5-3."""
    pattern = re.compile(r"MQTT-\d+\.\d+\.\d+-\d+|U5-\d+")
    ids = [name for group in GROUPS_5 for one in table(group) for name in one.get("covers", ())]
    assert ids and all(pattern.fullmatch(name) for name in ids)


def differing() -> list[tuple[str, dict[str, Any], Any]]:
    """The entries of 3.1.1 that are others in 5.0."""
    return [
        (group, entry, entry["in_5"])
        for group in (*GROUPS, "conformance")
        for entry in importlib.import_module(f"scenarios.{group}").SCENARIOS
        if "in_5" in entry
    ]


def test_what_differs_says_why() -> None:
    """A reason each; what is replaced is something that the entry has."""
    for group, entry, change in differing():
        why = change if isinstance(change, str) else change["why"]
        assert len(why) > 15, (group, entry["name"])
        if not isinstance(change, str):
            keys = set(change) - {"why", "new", "blocking_only"}
            assert keys <= set(entry), (group, entry["name"])


def test_the_groups_of_5_are_of_5() -> None:
    """Their module says so."""
    assert all(entries(group)[1:] == (5, True) for group in GROUPS_5)
