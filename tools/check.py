"""Check style, types and the rules of the design: `python3 -m tools.check [NAME…]`.

Without names all checks run. Each prints one line, and what it found; the last line is the
result. Nothing is changed: `ruff format` and `ruff check --fix` in .toolchain/venv/bin do that.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tools import conformance, frames, layers, toolchain, workspace

ROOT = workspace.ROOT
LIBRARY = ROOT / "lib" / "umqtt_full"
_TIMEOUT = 300
_SHORT = "--output-format=concise"  # a line for each finding
_SHOWN = 60  # lines of one check's findings
_STUBS = {"esp32": "esp32", "pico_w": "rp2"}  # board -> its type stubs
# Not strict: tables and fixtures need few types. What is in device/ runs on MicroPython and is
# only looked at where a test uses it. Programs are as their authors would write them.
_TESTS = (
    *("mypy", "--config-file=", "--check-untyped-defs", "--python-version=3.10"),
    *("--disallow-untyped-defs", "--no-implicit-optional", "--strict-equality"),
    *("--follow-imports=silent", "--disable-error-code=var-annotated"),
    *(
        "--exclude=^host_tests/(device|scenarios|programs)/|loop_micropython.py",
        "--cache-dir=.mypy_cache/host_tests",
    ),
    "host_tests",
)


@dataclass(frozen=True)
class Check:
    """A check: `run` returns the problems it found."""

    name: str
    what: str
    run: Callable[[], list[str]]


def _command(argv: Sequence[str], env: dict[str, str] | None = None) -> tuple[int, list[str]]:
    """Run a tool of the virtual environment; its exit status and its output."""
    full = {**os.environ, **(env or {}), "NO_COLOR": "1"}
    result = workspace.run([*toolchain.python(), "-m", *argv], _TIMEOUT, full, ROOT)
    return result.returncode, result.stdout.splitlines()


def _run(*argv: str, env: dict[str, str] | None = None) -> list[str]:
    """A tool whose exit status says whether all is well."""
    status, lines = _command(argv, env)
    if not status:
        return []
    return lines or [f"{argv[0]} ended with status {status}"]


# ----------------------------------------------------------------------- types


def _mypy_library() -> list[str]:
    return _run("mypy", "lib/umqtt_full")


def _mypy_computer() -> list[str]:
    """tools/ strictly, the tests less so; each in a run of its own, for its own settings."""
    found = _run("mypy", "tools", "--exclude", "^tools/heap/")
    if (ROOT / "host_tests").is_dir():
        path = os.pathsep.join(("typings", "lib", "host_tests/device"))
        found += _run(*_TESTS, env={"MYPYPATH": path})
    if (ROOT / "boards/sim/run.py").is_file():
        found += _run("mypy", "boards/sim/run.py")
    return found


def ours(lines: Sequence[str], folders: Sequence[str]) -> list[str]:
    """The errors and notes of mypy's output that are about files in those folders."""
    return [line for line in lines if line.startswith(tuple(f"{name}/" for name in folders))]


def _mypy_board(board: str) -> list[str]:
    """Firmware and board as MicroPython sees them; errors inside the stubs are not ours.

    The library is checked elsewhere; here it counts for its types only.
    """
    sources = [f"boards/{board}/board.py"]
    sources += sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("firmware/*.py"))
    sources = [name for name in sources if (ROOT / name).is_file()]
    if not sources:
        return [f"there is nothing of boards/{board} and firmware to check"]
    stubs = toolchain.stubs(_STUBS[board])
    argv = [
        *("mypy", "--config-file=", "--strict", "--no-error-summary", "--python-version=3.10"),
        *("--platform=linux", "--follow-imports=silent", "--no-warn-unused-ignores"),
        *(f"--custom-typeshed-dir={stubs}", f"--cache-dir=.mypy_cache/{board}"),
    ]
    path = os.pathsep.join((str(stubs), "lib", "firmware", f"boards/{board}"))
    status, lines = _command([*argv, *sources], {"MYPYPATH": path})
    if status > 1:  # it did not get as far as checking
        return lines or [f"mypy ended with status {status}"]
    return ours(lines, ("firmware", "boards"))


# ------------------------------------------------------------------- the list

CHECKS = (
    Check(
        "lint", "ruff: rules, complexity at most 10", lambda: _run("ruff", "check", _SHORT, ".")
    ),
    Check("format", "ruff: layout", lambda: _run("ruff", "format", "--check", _SHORT, ".")),
    Check("types-library", "mypy, strict: lib", _mypy_library),
    Check("types-computer", "mypy: tools, host_tests", _mypy_computer),
    Check("types-esp32", "mypy: firmware, boards/esp32", lambda: _mypy_board("esp32")),
    Check("types-pico_w", "mypy: firmware, boards/pico_w", lambda: _mypy_board("pico_w")),
    Check("layers", "imports, constants, file lengths", lambda: layers.problems(ROOT)),
    Check("frames", "hot functions stay off the heap", lambda: frames.problems(LIBRARY)),
    Check("statements", "tests and code they name exist", lambda: conformance.problems(ROOT)),
)


def run(check: Check) -> bool:
    """Run one check, print its line and what it found; whether it passed."""
    print(f"{check.name:<16}{check.what:<38}", end="", flush=True)
    start = time.monotonic()
    try:
        found = check.run()
    except (toolchain.ToolchainError, frames.FrameError, OSError, ValueError) as error:
        found = [f"the check itself failed: {error}"]
    except (subprocess.SubprocessError, SyntaxError, conformance.TableError) as error:
        found = [f"the check itself failed: {error}"]
    print(f"{'FAILED' if found else 'ok':<8}{time.monotonic() - start:5.1f} s", flush=True)
    for line in found[:_SHOWN]:
        print(f"    {line}")
    if len(found) > _SHOWN:
        print(f"    … and {len(found) - _SHOWN} lines more")
    return not found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checks that are named, or all; 0 when all pass."""
    names = [check.name for check in CHECKS]
    parser = argparse.ArgumentParser(prog="python3 -m tools.check", description=__doc__)
    parser.add_argument("checks", nargs="*", metavar="NAME", help=", ".join(names))
    wanted = parser.parse_args(arguments).checks or names
    unknown = [name for name in wanted if name not in names]
    if unknown:
        parser.error(f"unknown check {unknown[0]!r}; there are {', '.join(names)}")
    chosen = [check for check in CHECKS if check.name in wanted]
    failed = [check.name for check in chosen if not run(check)]
    if failed:
        print(f"check: FAILED ({', '.join(failed)}); {len(chosen) - len(failed)} passed")
        return 1
    print(f"check: all {len(chosen)} passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
