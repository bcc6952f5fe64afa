"""`make conformance`: what is missing, made up or broken is told; the document is the same."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from tools import conformance

TEST = "def test_mqtt_1_0_0_1_a_thing() -> None:\n    assert thing()\n"
MAP = "map311.csv"


def table(root: Path, name: str, *rows: tuple[str, ...]) -> None:
    """Write a table; the first row is its head."""
    path = root / "host_tests/conformance" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


HEAD = ("id", "section", "role", "statement")
MAP_HEAD = ("id", "test", "more", "code", "not_applicable")
ENTRY = ("MQTT-1.0.0-1", "test_conformance_x.py::test_mqtt_1_0_0_1_a_thing", "", "a.py:A.f", "")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small project in which all agrees: one statement, one test, one function."""
    monkeypatch.setattr(conformance, "_WORKERS", "0")
    conformance._tree.cache_clear()
    table(tmp_path, "mqtt311_client.csv", HEAD, ("MQTT-1.0.0-1", "1.0", "sender", "A thing."))
    table(tmp_path, "mqtt5_client.csv", HEAD, ("MQTT-9.0.0-1", "9.0", "sender", "Later."))
    table(tmp_path, "unnumbered_client.csv", ("id", "version", *HEAD[1:]))
    table(tmp_path, MAP, MAP_HEAD, ENTRY)
    (tmp_path / "host_tests/test_conformance_x.py").write_text(TEST)
    (tmp_path / "lib/umqtt_full").mkdir(parents=True)
    (tmp_path / "lib/umqtt_full/a.py").write_text("class A:\n    def f(self):\n        pass\n")
    (tmp_path / "docs").mkdir()
    return tmp_path


def test_what_agrees_is_accepted(root: Path) -> None:
    assert conformance.problems(root) == []


def entry(root: Path, position: int, value: str) -> list[str]:
    """What is found when one field of the map has another value."""
    row = [*ENTRY]
    row[position] = value
    table(root, MAP, MAP_HEAD, tuple(row))
    return conformance.problems(root)


def test_a_statement_without_a_test_is_told(root: Path) -> None:
    table(root, MAP, MAP_HEAD)
    assert "MQTT-1.0.0-1: is not in the map" in conformance.problems(root)
    assert entry(root, 1, "")[0].startswith("MQTT-1.0.0-1: has no test")
    assert conformance.conformance(root, check=True) == 1


def test_an_unnumbered_rule_without_a_test_is_told(root: Path) -> None:
    row = ("U311-1", "3.1.1", "1.0", "sender", "A rule.")
    table(root, "unnumbered_client.csv", ("id", "version", *HEAD[1:]), row)
    assert conformance.problems(root) == ["U311-1: is not in the map"]


def test_an_id_that_is_no_statement_is_told(root: Path) -> None:
    table(root, MAP, MAP_HEAD, ENTRY, ("MQTT-7.7.7-7", *ENTRY[1:]))
    assert "MQTT-7.7.7-7: is in the map, but not a statement" in conformance.problems(root)


@pytest.mark.parametrize(
    ("position", "value", "text"),
    [
        (1, "test_conformance_x.py::test_mqtt_1_0_0_1_gone", "has no test_mqtt_1_0_0_1_gone"),
        (1, "test_gone.py::test_mqtt_1_0_0_1_a_thing", "there is no host_tests/test_gone.py"),
        (1, "test_conformance_x.py::test_mqtt_1_0_0_11_b", "is not named after it"),
        (2, "test_conformance_x.py::test_gone", "has no test_gone"),
        (3, "a.py:A.g", "has no A.g"),
        (3, "a.py:f", "has no f"),
        (3, "a.py", "has no function named"),
        (3, "b.py:A.f", "there is no lib/umqtt_full/b.py"),
        (3, "", "names no code"),
        (4, "because", "is said not to apply, and has a test"),
    ],
)
def test_what_does_not_exist_is_told(root: Path, position: int, value: str, text: str) -> None:
    assert any(text in line for line in entry(root, position, value))


def test_what_does_not_apply_needs_a_reason(root: Path) -> None:
    (root / "host_tests/test_conformance_x.py").write_text("")
    table(root, MAP, MAP_HEAD, (ENTRY[0], "", "", "", "nobody does that"))
    assert conformance.problems(root) == []
    assert "| not applicable: nobody does that |" in conformance.document(root, {})
    table(root, MAP, MAP_HEAD, (ENTRY[0], "", "", "", " "))
    assert conformance.problems(root)


def test_a_test_that_does_nothing_is_told(root: Path) -> None:
    (root / "host_tests/test_conformance_x.py").write_text(
        "def test_mqtt_1_0_0_1_a_thing() -> None:\n    pass\n"
    )
    assert any("does nothing" in line for line in conformance.problems(root))


def test_a_test_that_no_statement_names_is_told(root: Path) -> None:
    path = root / "host_tests/test_conformance_x.py"
    path.write_text(TEST + "\n\ndef test_mqtt_2_0_0_1_b() -> None:\n    thing()\n")
    (line,) = conformance.problems(root)
    assert line == "test_conformance_x.py::test_mqtt_2_0_0_1_b: no statement names it"


def test_a_damaged_table_is_told(root: Path) -> None:
    for rows in ((MAP_HEAD, ENTRY, ENTRY), (MAP_HEAD, ENTRY[:3]), (MAP_HEAD, (*ENTRY, "more"))):
        table(root, MAP, *rows)
        with pytest.raises(conformance.TableError):
            conformance.problems(root)


def test_a_second_version_counts_as_soon_as_it_has_a_map(root: Path) -> None:
    assert "## MQTT 5.0\n\nNot implemented." in conformance.document(root, {})
    table(root, "map5.csv", MAP_HEAD)
    assert conformance.problems(root) == ["MQTT-9.0.0-1: is not in the map"]


def test_tests_of_the_second_version_have_names_of_their_own(root: Path) -> None:
    name = "test_mqtt5_9_0_0_1_later"
    path = root / "host_tests/test_conformance_5.py"
    for written, said in ((name, []), (name.replace("mqtt5", "mqtt"), ["is not named after"])):
        path.write_text(f"def {written}() -> None:\n    assert later()\n")
        conformance._tree.cache_clear()
        row = ("MQTT-9.0.0-1", f"test_conformance_5.py::{written}", "", "a.py:A.f", "")
        table(root, "map5.csv", MAP_HEAD, row)
        assert [text for text in said if text in str(conformance.problems(root))] == said
        assert bool(conformance.problems(root)) == bool(said)


def test_results_come_from_the_report(root: Path) -> None:
    path = root / "host_tests/test_conformance_x.py"
    path.write_text(
        "import pytest\n\n\ndef test_good():\n    pass\n\n\ndef test_bad():\n    assert 0\n\n\n"
        '@pytest.mark.parametrize("n", [0, 1])\ndef test_half(n):\n    assert n\n\n\n'
        "def test_left():\n    pytest.skip()\n"
    )
    names = ("good", "bad", "half", "left")
    tests = [f"test_conformance_x.py::test_{name}" for name in names]
    assert list(conformance.run(root, tests).values()) == [
        *("passed", "FAILURE", "FAILURE", "SKIPPED")
    ]


def test_a_failing_test_fails_and_is_in_the_document(root: Path) -> None:
    path = root / "host_tests/test_conformance_x.py"
    path.write_text(TEST)  # thing() does not exist
    assert conformance.conformance(root, check=False) == 1
    assert "| FAILURE |" in (root / conformance.DOCS).read_text()
    path.write_text(TEST.replace("assert thing()", "assert len('x')"))
    conformance._tree.cache_clear()
    assert conformance.conformance(root, check=True) == 1  # the document is not this one
    assert conformance.conformance(root, check=False) == 0
    assert conformance.conformance(root, check=True) == 0
    with (root / conformance.DOCS).open("a") as file:
        file.write("\n")
    assert conformance.conformance(root, check=True) == 1


def test_a_statement_taken_from_the_real_map_is_missed(tmp_path: Path) -> None:
    """The tables of this project: complete, and no longer so with any one line less."""
    for folder in ("host_tests", "lib"):
        shutil.copytree(
            *(conformance.ROOT / folder, tmp_path / folder),
            ignore=shutil.ignore_patterns("__pycache__", ".*"),
        )
    assert conformance.problems(tmp_path) == []
    path = tmp_path / "host_tests/conformance" / MAP
    lines = path.read_text().splitlines(keepends=True)
    assert len(lines) == 1 + 107 + 8
    for left_out in (1, 57, 107, 115):
        path.write_text("".join(lines[:left_out] + lines[left_out + 1 :]))
        missed = lines[left_out].partition(",")[0]
        assert f"{missed}: is not in the map" in conformance.problems(tmp_path)
