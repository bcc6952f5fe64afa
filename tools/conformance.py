"""Each statement of MQTT against our code and our tests: `python3 -m tools.conformance`.

Reads the statements (host_tests/conformance/*.csv) and, for each version that is implemented, the
map from a statement to its tests and its code. Fails where the two do not agree, where a test, a
scenario or a function that is named does not exist, and where a test fails. Writes
docs/conformance.md; with `--check` it only compares.
"""

from __future__ import annotations

import argparse
import ast
import csv
import functools
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools import command
from tools.workspace import ROOT

DOCS = "docs/conformance.md"
_TABLES = "host_tests/conformance"
_TESTS = "host_tests"
_LIBRARY = "lib/umqtt_full"
_UNNUMBERED = "unnumbered_client.csv"
_TIMEOUT = 600
_WORKERS = "4"
_PASSED = "passed"
_NAMED = re.compile(r"test_(mqtt5?|u\d+)_\d")  # what is named as the test of a statement
_INTRODUCTION = """\
# Conformance

Made by `make conformance`; do not edit. Every normative statement of the specification that
binds a client, what it says in our words, where our code keeps it, the test that fails when it is
broken, and how that test ended. The ids are those of the OASIS text; rules that bear none have
ids of ours, which begin with U. Statements about a broker (role: peer) are in the table because
the client makes use of them or sees to it that they are kept. Functions are in `lib/umqtt_full`,
tests in `host_tests/test_conformance_*.py`; some statements have further tests, which
`make test` runs.
"""


@dataclass(frozen=True)
class Version:
    """A version of the protocol: where its statements are, its map, how its tests begin."""

    number: str
    statements: str
    map: str
    tests: str


VERSIONS = (
    Version("3.1.1", "mqtt311_client.csv", "map311.csv", "test_mqtt_"),
    Version("5.0", "mqtt5_client.csv", "map5.csv", "test_mqtt5_"),
)


@dataclass(frozen=True)
class Statement:
    """What the specification says."""

    id: str
    section: str
    role: str
    text: str


@dataclass(frozen=True)
class Entry:
    """What we have for a statement: a test of its own, further ones, code; or why nothing."""

    test: str
    more: tuple[str, ...]
    code: tuple[str, ...]
    not_applicable: str


class TableError(Exception):
    """A table cannot be read."""


# --------------------------------------------------------------------- the tables


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            if None in row or None in row.values():
                raise TableError(f"{path.name}:{number}: not as many fields as the first line has")
            yield row


def statements(root: Path, version: Version) -> list[Statement]:
    """All statements of a version: those with an id of OASIS, then the unnumbered ones."""
    folder = root / _TABLES
    rows = list(_rows(folder / version.statements))
    rows += [row for row in _rows(folder / _UNNUMBERED) if row["version"] == version.number]
    found = [Statement(row["id"], row["section"], row["role"], row["statement"]) for row in rows]
    _no_id_twice([one.id for one in found])
    return found


def entries(root: Path, version: Version) -> dict[str, Entry] | None:
    """The map of a version; None while the version is not implemented."""
    path = root / _TABLES / version.map
    if not path.is_file():
        return None
    rows = list(_rows(path))
    _no_id_twice([row["id"] for row in rows])
    return {
        row["id"]: Entry(
            row["test"],
            tuple(row["more"].split()),
            tuple(row["code"].split()),
            row["not_applicable"].strip(),
        )
        for row in rows
    }


def _no_id_twice(ids: Sequence[str]) -> None:
    for one in ids:
        if ids.count(one) > 1:
            raise TableError(f"{one} stands twice in a table")


# ---------------------------------------------------------------- what they name


@functools.cache
def _tree(path: Path) -> ast.Module | None:
    return ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else None


def _defined(scope: ast.AST, names: Sequence[str]) -> ast.AST | None:
    """The function or class that a dotted name leads to."""
    for node in ast.iter_child_nodes(scope):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            if node.name == names[0]:
                return node if len(names) == 1 else _defined(node, names[1:])
        elif isinstance(node, (ast.If, ast.Try)):
            found = _defined(node, names)
            if found is not None:
                return found
    return None


def _missing_code(root: Path, reference: str) -> str:
    """What does not exist of "file.py:Class.function", or nothing."""
    name, _, inner = reference.partition(":")
    tree = _tree(root / _LIBRARY / name)
    if tree is None:
        return f"there is no {_LIBRARY}/{name}"
    if not inner or _defined(tree, inner.split(".")) is None:
        return f"{_LIBRARY}/{name} has no {inner or 'function named'}"
    return ""


def _missing_test(root: Path, reference: str) -> str:
    """What does not exist of "file.py::test", or nothing."""
    name, _, inner = reference.partition("::")
    tree = _tree(root / _TESTS / name)
    if tree is None:
        return f"there is no {_TESTS}/{name}"
    found = _defined(tree, [inner])
    if not inner.startswith("test_") or found is None:
        return f"{_TESTS}/{name} has no {inner or 'test named'}"
    return "" if _does_something(found) else f"{inner} does nothing"


def _does_something(function: ast.AST) -> bool:
    """Whether a test asserts, raises or calls anything."""
    body = getattr(function, "body", [])
    return any(
        isinstance(node, (ast.Call, ast.Assert))
        for statement in body
        for node in ast.walk(statement)
    )


def _is_named_after(test: str, statement: str, version: Version) -> bool:
    words = "test_" + re.sub(r"[-.]", "_", statement.lower())
    start = words.replace("test_mqtt_", version.tests)
    return test.partition("::")[2].startswith(f"{start}_")


def _entry_problems(root: Path, version: Version, one: str, entry: Entry) -> Iterator[str]:
    if entry.not_applicable:
        if entry.test or entry.more:
            yield f"{one}: is said not to apply, and has a test"
        return
    if not entry.test:
        yield f"{one}: has no test, and no reason why it would not apply"
        return
    if not _is_named_after(entry.test, one, version):
        yield f"{one}: its test is not named after it: {entry.test}"
    for reference in (entry.test, *entry.more):
        if text := _missing_test(root, reference):
            yield f"{one}: {text}"
    if not entry.code:
        yield f"{one}: names no code"
    for reference in entry.code:
        if text := _missing_code(root, reference):
            yield f"{one}: {text}"


def _unclaimed(root: Path, known: set[str]) -> Iterator[str]:
    """Tests that are named after a statement and that no statement names."""
    for path in sorted((root / _TESTS).glob("test_conformance_*.py")):
        tree = _tree(path)
        for node in tree.body if tree else ():
            name = node.name if isinstance(node, ast.FunctionDef) else ""
            if _NAMED.match(name) and f"{path.name}::{name}" not in known:
                yield f"{path.name}::{name}: no statement names it"


def problems(root: Path) -> list[str]:
    """All that does not agree or does not exist."""
    found: list[str] = []
    tests: list[str] = []
    for version in VERSIONS:
        table = entries(root, version)
        if table is None:
            continue
        ids = {one.id for one in statements(root, version)}
        found += [f"{one}: is in the map, but not a statement" for one in table if one not in ids]
        for one in statements(root, version):
            if one.id in table:
                found += _entry_problems(root, version, one.id, table[one.id])
            else:
                found.append(f"{one.id}: is not in the map")
        tests += [entry.test for entry in table.values() if entry.test]
    found += [
        f"{one}: is the test of two statements" for one in set(tests) if tests.count(one) > 1
    ]
    return found + list(_unclaimed(root, set(tests)))


# --------------------------------------------------------------------- the tests


def run(root: Path, tests: Sequence[str]) -> dict[str, str]:
    """Run tests; "passed" or what became of each. A test with cases passes if all of them do."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        argv = [sys.executable, "-m", "pytest", "-n", _WORKERS, f"--junitxml={report}"]
        argv += ["-p", "no:cacheprovider", "--tb=short", *(f"{_TESTS}/{one}" for one in tests)]
        process = subprocess.run(argv, cwd=root, timeout=_TIMEOUT, check=False)
        if not report.is_file():
            raise TableError(f"pytest ended with status {process.returncode} and no report")
        return _results(report, tests)


def _results(report: Path, tests: Sequence[str]) -> dict[str, str]:
    seen: dict[str, list[str]] = {one: [] for one in tests}
    for case in ET.parse(report).getroot().iter("testcase"):
        file = case.get("classname", "").rpartition(".")[2]
        name = case.get("name", "").partition("[")[0]
        outcomes = [part.tag for part in case if part.tag in ("failure", "error", "skipped")]
        seen.setdefault(f"{file}.py::{name}", []).extend(outcomes or [_PASSED])
    return {one: _together(seen[one]) for one in tests}


def _together(outcomes: Sequence[str]) -> str:
    bad = [one for one in outcomes if one != _PASSED]
    return bad[0].upper() if bad else _PASSED if outcomes else "NOT RUN"


# ------------------------------------------------------------------ the document


def _row(one: Statement, entry: Entry, results: dict[str, str]) -> str:
    text = one.text.replace("|", "\\|")
    if entry.not_applicable:
        return f"| {one.id} | {one.role} | {text} | | | not applicable: {entry.not_applicable} |"
    code = " ".join(f"`{reference}`" for reference in entry.code)
    tests = [f"`{entry.test.partition('::')[2]}`", *(f"`{more}`" for more in entry.more)]
    result = results.get(entry.test, "NOT RUN")
    return f"| {one.id} | {one.role} | {text} | {code} | {' '.join(tests)} | {result} |"


def _section(root: Path, version: Version, results: dict[str, str]) -> str:
    all_of_them = statements(root, version)
    own = [one.id for one in all_of_them if one.id.startswith("U")]
    count = f"{len(all_of_them) - len(own)} statements and {len(own)} unnumbered rules"
    table = entries(root, version)
    if table is None:
        return (
            f"## MQTT {version.number}\n\nNot implemented. Its {count} are listed in\n"
            f"`{_TABLES}/`; none of them has code or a test yet."
        )
    rest = sum(bool(entry.not_applicable) for entry in table.values())
    good = sum(results.get(entry.test) == _PASSED for entry in table.values())
    lines = [
        f"## MQTT {version.number}",
        "",
        f"{count}: {good} with a test that passed, {len(table) - good - rest} without, "
        f"{rest} not applicable.",
        "",
        "| Statement | Role | What it says | Our code | Our test | Result |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *(_row(one, table[one.id], results) for one in all_of_them)])


def document(root: Path, results: dict[str, str]) -> str:
    """The text of docs/conformance.md."""
    parts = [_section(root, version, results) for version in VERSIONS]
    return "\n\n".join([_INTRODUCTION.rstrip(), *parts]) + "\n"


# ---------------------------------------------------------------------- the whole


def _tests(root: Path) -> list[str]:
    tables = [entries(root, version) or {} for version in VERSIONS]
    return [entry.test for table in tables for entry in table.values() if entry.test]


def _fail(found: Sequence[str]) -> int:
    for line in found:
        print(f"    {line}")
    print(f"conformance: FAILED, {len(found)} problems")
    return 1


def _settle(root: Path, text: str, check: bool) -> list[str]:
    """Compare docs/conformance.md with what it must be; without `check` write it."""
    path = root / DOCS
    if check:
        same = path.is_file() and path.read_text(encoding="utf-8") == text
        return [] if same else [f"{DOCS} is out of date: run `make conformance`"]
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        return [f"{DOCS} cannot be written: {error.strerror}"]
    return []


def conformance(root: Path, check: bool) -> int:
    """Compare, run, write or compare the document; 0 when all is well."""
    found = problems(root)
    if found:
        return _fail(found)
    tests = _tests(root)
    results = run(root, tests)
    found = [f"{name}: {how}" for name, how in results.items() if how != _PASSED]
    found += _settle(root, document(root, results), check)
    if found:
        return _fail(found)
    missing = [version.number for version in VERSIONS if entries(root, version) is None]
    print(f"conformance: all {len(tests)} statements have a test that passed", end="")
    print("".join(f"; MQTT {number} is not implemented" for number in missing))
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a program."""
    parser = argparse.ArgumentParser(prog="python3 -m tools.conformance", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help=f"compare {DOCS} instead of writing it"
    )
    try:
        return conformance(ROOT, parser.parse_args(arguments).check)
    except (TableError, OSError, SyntaxError, KeyError, subprocess.SubprocessError) as error:
        return _fail([f"{type(error).__name__}: {error}"])


if __name__ == "__main__":
    command.run("conformance", main)
