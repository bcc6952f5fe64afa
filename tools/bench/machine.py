"""What a run was made with."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import Any

from tools import toolchain, workspace
from tools.bench.peers import Places


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    match = re.search(r"model name\s*:\s*(.+)", text)
    return match[1].strip() if match else platform.machine()


def _version(argv: list[str], pattern: str) -> str:
    match = re.search(pattern, workspace.run(argv, 20).stdout)
    return match[1] if match else "?"


def about(places: Places, rounds: int) -> dict[str, Any]:
    """Facts for the head of the report."""
    code = "import sys; print('v%d.%d.%d' % sys.implementation[1][:3])"
    found = {
        "rounds": rounds,
        "machine": f"{os.cpu_count()} x {_processor()}",
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "MicroPython": _version([*toolchain.micropython(64), "-c", code], r"v([\d.]+)"),
        "CPython": platform.python_version(),
        "mosquitto": _version([*toolchain.mosquitto(), "-h"], r"version ([\d.]+)"),
    }
    return {**found, **places.versions()}
