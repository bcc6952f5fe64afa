"""Put library and firmware on a board: `python3 -m tools.flash --board pico_w [--port PORT]`.

`plan` alone says what is copied. Files that the board has already, byte by byte, are skipped
by mpremote, so a second run is short. MicroPython itself has to be on the board.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools import board, mpy, toolchain, workspace

ROOT = workspace.ROOT
LIBRARY = "lib/umqtt_full"
# MicroPython looks for these two by this name; main.py comes last, so that a copy that breaks
# off does not start a node of old and new files.
_AS_THEY_ARE = ("boot.py", "main.py")
# The firmware's notes about bad starts (firmware/startup.py): a new firmware begins without.
NOTES = ("crashes", "stopped")
_TRIES = 2
_TIMEOUT_S = 180
_WATCHDOG_S = 10  # the longest that a running firmware's watchdog takes
_NO_CONFIG = (
    "firmware/config.json is not there, so none was copied. The node needs one: copy\n"
    "firmware/config.example.json to firmware/config.json, fill in WiFi and broker, and run this\n"
    "again. git ignores the file."
)

_LOAD_CONFIG = """
import sys, config
try:
    config.load(sys.argv[1])
except ValueError as error:
    print(error)
    sys.exit(1)
"""


class FlashError(Exception):
    """The board was not brought to the planned state; the text says why."""


@dataclass(frozen=True)
class Item:
    """One file: where it comes from, what it is called on the board, whether it is compiled."""

    source: Path
    target: str
    compiled: bool


def plan(name: str, as_python: bool = False, root: Path = ROOT) -> list[Item]:
    """The files that a board gets, in the order in which they are copied."""
    own = root / "boards" / name / "board.py"
    if not own.is_file():
        raise FlashError(f"boards/{name}/board.py does not exist")
    items = [
        _module(path, f"{LIBRARY}/{path.stem}", as_python)
        for path in mpy.for_boards(root / LIBRARY)
    ]
    firmware = sorted((root / "firmware").glob("*.py"))
    plain = [path for path in firmware if path.name in _AS_THEY_ARE]
    items += [_module(path, path.stem, as_python) for path in firmware if path not in plain]
    items.append(Item(own, "board.py", False))  # stays readable: pins are looked up there
    config = root / "firmware" / "config.json"
    if config.is_file():
        items.append(Item(config, "config.json", False))
    return items + [Item(path, path.name, False) for path in plain]


def _module(path: Path, target: str, as_python: bool) -> Item:
    return Item(path, target + (".py" if as_python else ".mpy"), not as_python)


def obsolete(items: Sequence[Item]) -> list[str]:
    """Files that would come before the new ones: a .py hides the .mpy beside it, and back."""
    names = []
    for item in items:
        stem, suffix = item.target.rsplit(".", 1)
        if suffix in ("py", "mpy"):
            names.append(f"{stem}.{'py' if suffix == 'mpy' else 'mpy'}")
    return names


def prepare_script(items: Sequence[Item]) -> str:
    """MicroPython code that makes the folders and removes what is obsolete."""
    folders = ["lib", LIBRARY]
    kept = sorted(item.target for item in items if item.target.startswith(LIBRARY))
    return (
        "import os\n"
        "def quiet(f, *a):\n"
        " try: return f(*a)\n"
        " except OSError: return ()\n"
        f"for d in {folders!r}: quiet(os.mkdir, d)\n"
        f"for f in {obsolete(items)!r}: quiet(os.remove, f)\n"
        f"for f in quiet(os.listdir, {LIBRARY!r}):\n"
        f" f = {LIBRARY + '/'!r} + f\n"
        f" if f not in {kept!r}: quiet(os.remove, f)\n"
    )


def finish_script() -> str:
    """MicroPython code that lets the new firmware start without its predecessor's notes."""
    return (
        "import os\n"
        f"for f in {list(NOTES)!r}:\n"
        " try: os.remove(f)\n"
        " except OSError: pass\n"
        "if hasattr(os, 'sync'): os.sync()\n"
    )


def stage(items: Sequence[Item], folder: Path) -> None:
    """Compile or copy every file to a folder, under the name that it has on the board."""
    for item in items:
        place = folder / item.target
        place.parent.mkdir(parents=True, exist_ok=True)
        if item.compiled:
            mpy.compile_file(item.source, place, item.target.removeprefix("lib/")[:-3] + "py")
        else:
            shutil.copyfile(item.source, place)


def command(port: str, items: Sequence[Item], folder: Path, reset: bool = True) -> list[str]:
    """One run of mpremote that does it all."""
    argv = board.mpremote("connect", port, "exec", prepare_script(items))
    for item in items:
        argv += ["+", "fs", "cp", str(folder / item.target), f":{item.target}"]
    argv += ["+", "exec", finish_script()]
    return [*argv, "+", "reset"] if reset else argv


def config_problem(root: Path = ROOT) -> str:
    """What the firmware would say about firmware/config.json; nothing when it is good.

    The firmware's own check says it, on MicroPython's unix port; where that cannot be had, the
    board will tell.
    """
    path = root / "firmware" / "config.json"
    if not path.is_file():
        return ""
    try:
        json.loads(path.read_text(encoding="utf-8"))  # MicroPython passes over a lost bracket
        micropython = toolchain.micropython()
    except ValueError as error:
        return f"{path.name} is not valid JSON: {error}"
    except toolchain.ToolchainError as error:
        print(f"flash: config.json is not checked: {error}")
        return ""
    env = {**os.environ, "MICROPYPATH": f"{root / 'firmware'}:.frozen"}
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "load_config.py")
        script.write_text(_LOAD_CONFIG, encoding="utf-8")
        result = workspace.run([*micropython, str(script), str(path)], 60, env)
    return result.stdout.strip() if result.returncode else ""


def _wait_for_port(port: str) -> None:
    """Give a board time to come back from a reset."""
    time.sleep(_WATCHDOG_S / 2)
    end = time.monotonic() + _WATCHDOG_S
    while port.startswith("/dev/") and not Path(port).exists() and time.monotonic() < end:
        time.sleep(0.2)


def _succeeds(argv: Sequence[str]) -> bool:
    """Run mpremote, which waits for ever when a board falls silent at the wrong moment."""
    try:
        result = subprocess.run(argv, stdin=subprocess.DEVNULL, check=False, timeout=_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        print(f"flash: no end after {_TIMEOUT_S} s", flush=True)
        return False
    return result.returncode == 0


def copy(port: str, items: Sequence[Item], reset: bool = True) -> None:
    """Compile, copy, restart.

    A second try continues where a watchdog has ended the first: the firmware that was
    interrupted cannot stop it, but stays at the prompt afterwards.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stage(items, folder)
        argv = command(port, items, folder, reset)
        for attempt in range(_TRIES):
            if _succeeds(argv):
                return
            if attempt < _TRIES - 1:
                print("flash: interrupted, perhaps by the watchdog; trying again …", flush=True)
                _wait_for_port(port)
    raise FlashError(
        f"the board at {port} did not take the files. Is another program using the port (a\n"
        "monitor, a repl, an editor)? Is MicroPython on the board? Unplug it, plug it in,\n"
        "and try again."
    )


def _show(items: Sequence[Item], root: Path) -> None:
    for item in items:
        how = "compiled" if item.compiled else "as it is"
        print(f"  {item.source.relative_to(root)!s:<32} -> {item.target:<32} {how}")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 0 when the board has everything and was restarted."""
    parser = board.parser("flash", __doc__)
    parser.add_argument("--board", choices=board.BOARDS, help="which board it is")
    parser.add_argument("--py", action="store_true", help="copy .py files, compile nothing")
    parser.add_argument("--list", action="store_true", help="only show what would be copied")
    given = parser.parse_args(arguments)
    if given.board is None:
        print(f"flash: say which board it is: BOARD={' or BOARD='.join(board.BOARDS)}")
        return 1
    try:
        return _flash(given.board, given.port, given.py, given.list)
    except (board.NoBoard, FlashError, toolchain.ToolchainError) as error:
        print(f"flash: {error}")
        return 1


def _flash(name: str, given_port: str | None, as_python: bool, only_list: bool) -> int:
    items = plan(name, as_python)
    if only_list:
        _show(items, ROOT)
        return 0
    problem = config_problem()
    if problem:
        raise FlashError(f"nothing was copied:\n{problem}")
    port = board.choose_port(given_port, name)
    print(f"flash: {len(items)} files to the {name} at {port}", flush=True)
    copy(port, items)
    if not any(item.target == "config.json" for item in items):
        print(_NO_CONFIG)
    print(f"flash: done, {name} restarts; make monitor PORT={port} shows what it prints")
    return 0


if __name__ == "__main__":
    sys.exit(main())
