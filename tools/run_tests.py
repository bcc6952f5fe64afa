"""Run all tests: `python -m tools.run_tests [ARGUMENT…]`, where arguments go to pytest.

Shows progress as pytest does and ends with one line that says the result. The exit status is
0 only when every test passed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time

from tools.pauses import pausing
from tools.workspace import ROOT

_SUMMARY = re.compile(r"^=* ?((?:\d+ [a-z]+(?:, )?)+) in [\d.]+s")
_NONE = 5  # pytest's exit status when nothing was collected


def workers() -> str:
    """How many processes share the tests: they wait far more than they compute."""
    return str(max(4, 3 * (os.cpu_count() or 1)))


def command(arguments: list[str]) -> list[str]:
    """The command line of pytest; what the caller says comes last and so counts."""
    tests = [] if any(not word.startswith("-") for word in arguments) else ["host_tests"]
    usual = ["--color=yes" if sys.stdout.isatty() else "--color=no", "--tb=short"]
    return [sys.executable, "-m", "pytest", *usual, "-n", workers(), *arguments, *tests]


def run(arguments: list[str]) -> int:
    """Run pytest, hand on its output, and print the last line."""
    start = time.monotonic()
    counts = ""
    with (
        subprocess.Popen(
            command(arguments), cwd=ROOT, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        ) as process,
        pausing(process.pid, int(os.environ.get("UMQTT_PAUSE_MS", "0"))),
    ):
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            match = _SUMMARY.match(re.sub(r"\x1b\[[\d;]*m", "", line))
            counts = match[1] if match else counts
    verdict = "passed" if process.returncode == 0 else "FAILED"
    counts = counts or ("no test ran" if process.returncode == _NONE else "not counted by pytest")
    print(f"tests {verdict}: {counts}, {time.monotonic() - start:.0f} s")
    return 0 if process.returncode == 0 else 1


if __name__ == "__main__":
    try:
        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:
        print("tests interrupted")
        sys.exit(130)
