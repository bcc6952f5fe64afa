"""`make test`: its last line."""

from __future__ import annotations

import re

import pytest

from tools import run_tests

ONE = "host_tests/test_ids.py"


@pytest.mark.parametrize(
    ("arguments", "status", "line"),
    [
        ([ONE, "-k", "never_in_use"], 0, r"tests passed: 1 passed, \d+ deselected, \d+ s"),
        ([ONE, "-q", "-k", "never_in_use"], 0, r"tests passed: not counted by pytest, \d+ s"),
        ([ONE, "-k", "no_test_has_this_name"], 1, r"tests FAILED: \d+ deselected, \d+ s"),
        (["host_tests/test_not_there.py"], 1, r"tests FAILED: .*, \d+ s"),
    ],
)
def test_the_last_line_is_the_result(
    arguments: list[str], status: int, line: str, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(run_tests, "workers", lambda: "0")
    assert run_tests.run(arguments) == status
    assert re.fullmatch(line, capfd.readouterr().out.splitlines()[-1])
