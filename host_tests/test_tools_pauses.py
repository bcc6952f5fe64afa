"""Processes that are stopped for a moment while the tests run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.pauses import descendants, pausing

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


def is_stopped(process: subprocess.Popen[bytes]) -> bool:
    stat = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8")
    return stat.rpartition(")")[2].split()[0] == "T"


def comes_to(condition: bool, process: subprocess.Popen[bytes]) -> bool:
    """Whether it is stopped, or goes on, within ten seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if is_stopped(process) == condition:
            return True
        time.sleep(0.001)
    return False


def test_a_descendant_is_stopped_and_goes_on() -> None:
    sleeps = "import time; time.sleep(60)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {sleeps!r}])"
    with subprocess.Popen([sys.executable, "-c", sleeps]) as process:
        with pausing(os.getpid(), 200):
            assert comes_to(True, process)
            assert comes_to(False, process)
        assert not is_stopped(process)
        process.kill()
    with subprocess.Popen([sys.executable, "-c", parent]) as process:
        deadline = time.monotonic() + 10
        while not descendants(process.pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        (grandchild,) = descendants(process.pid)
        assert grandchild in descendants(os.getpid())
        os.kill(grandchild, 9)


def test_without_a_time_nothing_is_stopped() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        with pausing(os.getpid(), 0):
            for _ in range(50):
                assert not is_stopped(process)
                time.sleep(0.002)
        process.kill()
