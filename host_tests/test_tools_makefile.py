"""The variables of the Makefile: what is misspelt does not count as its opposite."""

from __future__ import annotations

import os
import subprocess

import pytest
from running import ROOT

FLAGS = {"TLS": ("demo", "--tls"), "QUICK": ("bench", "--quick"), "WRITE": ("interop", "--write"),
         "ALL": ("clean", "rm -rf .toolchain")}  # fmt: skip


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What make would run."""
    argv = ["make", "-n", *arguments]
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("flag", FLAGS)
@pytest.mark.parametrize("value", ["2", "True", "on", "ja", "1 2"])
def test_a_misspelt_flag_is_an_error_that_says_what_is_allowed(flag: str, value: str) -> None:
    result = make(FLAGS[flag][0], f"{flag}={value}")
    assert result.returncode and not result.stdout
    for word in (f"{flag}={value}", "1 y yes true", "0 n no false"):
        assert word in result.stderr


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag_is_set_or_not(flag: str) -> None:
    target, words = FLAGS[flag]
    for value in ("1", "y", "yes", "true"):
        assert words in make(target, f"{flag}={value}").stdout
    for value in ("0", "n", "no", "false", ""):
        result = make(target, f"{flag}={value}")
        assert result.returncode == 0 and words not in result.stdout
