"""`make check` finds what it is there to find: faults are planted in copies of the tree."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import check, conformance, frames, layers

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = "lib/umqtt_full"
Problems = Callable[[], list[str]]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what the checks look at."""
    for name in (LIBRARY, "firmware", "boards/esp32", "boards/pico_w"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "tools").mkdir()
    return tmp_path


@pytest.fixture
def problems(tree: Path) -> Problems:
    """What is wrong with the copy that was not wrong with the tree itself."""
    before = layers.problems(tree)
    return lambda: [one for one in layers.problems(tree) if one not in before]


def add(path: Path, text: str) -> None:
    path.write_text(path.read_text() + "\n" + text + "\n")


def test_the_tree_keeps_the_rules() -> None:
    assert layers.problems(ROOT) == []


@pytest.mark.parametrize(
    ("module", "line", "expected"),
    [
        ("topic", "from .packet import put", "does not lie below it"),
        ("packet", "from .session import Session", "does not lie below it"),
        ("errors", "from . import packet", "does not lie below it"),
        ("errors", "import umqtt_full.packet", "does not lie below it"),
        ("link", "def f():\n    from .client import Client", "does not lie below it"),
        ("client", "from .aio import AsyncClient", "the other front end"),
        ("aio", "def f():\n    from .client import Client", "the other front end"),
        ("simple", "from . import aio", "the other front end"),
        ("session", "import time", "the protocol imports only"),
        ("packet", "def f():\n    import socket", "the protocol imports only"),
        ("outbox", "import errno", "the protocol imports only"),
        ("ids", "import random", "the protocol imports only"),
        ("inbox", "from asyncio import sleep", "the protocol imports only"),
        ("subscriptions", "from machine import reset", "the protocol imports only"),
        ("session", "from .net import ticks_ms", "does no I/O"),
        ("client", "from .reason import text", "optional reason at its head"),
        ("client", "from ._cpython import put", "where a board would load it"),
        ("client", "from .nowhere import x", "no place in RANKS"),
        ("client", "__import__('umqtt_full.' + 'aio')", "by a computed name"),
    ],
)
def test_wrong_imports_are_found(
    tree: Path, problems: Problems, module: str, line: str, expected: str
) -> None:
    add(tree / LIBRARY / f"{module}.py", line)
    found = problems()
    assert any(f"{module}.py" in one and expected in one for one in found), found


def test_imports_that_are_allowed(tree: Path, problems: Problems) -> None:
    add(tree / LIBRARY / "outbox.py", "def f():\n    from .reason import text")
    add(tree / LIBRARY / "ids.py", "if TYPE_CHECKING:\n    from .session import Session")
    add(tree / LIBRARY / "net.py", "try:\n    import x\nexcept ImportError:\n    import time")
    assert problems() == []


def test_new_modules_have_to_be_placed(tree: Path, problems: Problems) -> None:
    (tree / LIBRARY / "extra.py").write_text("")
    assert problems() == ["extra.py: has no place in RANKS of tools/layers.py"]


def test_public_names_have_to_exist(tree: Path, problems: Problems) -> None:
    path = tree / LIBRARY / "__init__.py"
    path.write_text(path.read_text().replace('"Will": "will"', '"Will": "topic"'))
    assert problems() == ["__init__.py: Will is said to be in topic, which does not define it"]


def test_constants_have_to_agree(tree: Path, problems: Problems) -> None:
    add(tree / LIBRARY / "client.py", "_PUBREC = const(0x40 + 1)")
    assert any("_PUBREC is 80, in client.py it is 65" in one for one in problems())


def test_firmware_knows_board_only(tree: Path, problems: Problems) -> None:
    add(tree / "firmware/node.py", "import esp32")
    add(tree / "firmware/wifi.py", "def f():\n    from boards.pico_w import board")
    found = problems()
    assert len(found) == 2
    assert all("boards are known through board alone" in one for one in found)


def test_long_files_are_found(tree: Path, problems: Problems) -> None:
    (tree / "tools/long.py").write_text("\n" * 401)
    (tree / "tools/just.py").write_text("\n" * 400)
    (tree / "host_tests/device").mkdir(parents=True)
    (tree / "host_tests/device/wide.py").write_text("\n" * 402)
    assert problems() == [
        "tools/long.py: 401 lines, at most 400",
        "host_tests/device/wide.py: 402 lines, at most 400",
    ]


# ---------------------------------------------------------------------- frames

PAIRS = '''
"""Names that an .mpy file says by number, and scopes in every position."""
TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    def never(): pass

def default(a=lambda: 1, *, b=(lambda x: x)(2)):
    return [n for n in range(a()) if (lambda: n)()]

class A(dict):
    def __init__(self): self.x = lambda: 3
    def close(self): return {k: v for k, v in self.items()}
    def read(self):
        def inner(): yield 1
        return inner
    @property
    def write(self): return sum(x for y in self for x in y)

def big(a, b, c, d):
    e = f = g = h = 0
    try:
        return g(a, b, (c, d), e, f, h)
    except OSError as exc:
        return exc
value = (lambda: 1) if big else (lambda: 2)
assert (lambda: 3)()
while (lambda: 4)():
    (lambda: 5)()
'''


def test_frames_are_named_by_the_source(tmp_path: Path) -> None:
    path = tmp_path / "pairs.py"
    path.write_text(PAIRS)
    found = frames.frames(path)
    for name in (
        *("default", "default.<listcomp>", "default.<listcomp>.<lambda>", "A.__init__"),
        *("A.__init__.<lambda>", "A.close", "A.close.<dictcomp>", "A.read", "A.write", "big"),
    ):
        assert name in found
    assert "never" not in found and "A.read.inner" not in found  # a generator
    assert found["big"] > frames.LIMIT > found["A.close"]


@pytest.fixture
def lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "HOT", {"m": "hot gone"})
    monkeypatch.setattr(frames, "COLD", {"m": "cold small vanished"})


BIG = "def %s(a, b, c, d):\n    return f(a, b, c, d, a, b, c, d, a, b, c, d, [x for x in a])\n"


def test_frames_against_the_lists(tmp_path: Path, lists: None) -> None:
    source = BIG % "hot" + BIG % "cold" + BIG % "other" + "def small(): pass\ndef fine(): pass\n"
    (tmp_path / "m.py").write_text(source)
    found = "\n".join(frames.problems(tmp_path))
    assert "m.gone, which does not exist" in found
    assert "m.vanished, which does not exist" in found
    assert re.search(r"m\.hot has a frame of \d+ words, at most 11$", found, re.MULTILINE)
    assert re.search(r"m\.other has a frame of \d+ words, at most 11 \(or,", found)
    assert "m.small needs 1 words; take it out of COLD" in found
    assert len(frames.problems(tmp_path)) == 5


def test_a_mark_of_cold_covers_what_is_inside(tmp_path: Path, lists: None) -> None:
    inner = BIG.replace("def %s", "    def inner").replace("    return", "        return")
    (tmp_path / "m.py").write_text("def cold():\n" + inner)
    assert not any("inner" in one for one in frames.problems(tmp_path))


# ----------------------------------------------------------------------- types


@pytest.mark.parametrize("name", ["esp32", "pico_w"])
def test_firmware_types_are_checked(
    tree: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(check, "ROOT", tree)
    add(tree / "firmware/sensors.py", "import network\nnetwork.WLAN().no_such_thing()")
    add(tree / f"boards/{name}/board.py", 'NUMBER: int = "text"')
    found = check._mypy_board(name)
    assert any("firmware/sensors.py" in one and "no_such_thing" in one for one in found)
    assert any(f"boards/{name}/board.py" in one and "assignment" in one for one in found)
    assert all(one.startswith(("firmware/", "boards/")) for one in found)


def test_firmware_that_cannot_be_parsed(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "ROOT", tree)
    add(tree / "firmware/sensors.py", "def (:")
    assert check._mypy_board("esp32")


def test_errors_of_stubs_do_not_count() -> None:
    lines = ["stubs/machine.pyi:1: error: x", "firmware/node.py:2: error: y", "firmware2/a: z"]
    assert check.ours(lines, ("firmware", "boards")) == ["firmware/node.py:2: error: y"]


def test_a_function_that_moved_is_missed_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """What the conformance tables name is looked for by each `make check`."""
    for folder in ("lib", "host_tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__p*"))
    monkeypatch.setattr(check, "ROOT", tmp_path)
    assert check.main(["statements"]) == 0
    ids = tmp_path / "lib/umqtt_full/ids.py"
    ids.write_text(ids.read_text().replace("def new(", "def fresh("))
    conformance._tree.cache_clear()
    assert check.main(["statements"]) == 1
    assert "MQTT-2.3.1-1: lib/umqtt_full/ids.py has no Ids.new" in capsys.readouterr().out
    (tmp_path / "host_tests/conformance/map5.csv").write_text("id,test\n1,2,3\n")
    assert check.main(["statements"]) == 1
    assert "map5.csv:2: not as many fields" in capsys.readouterr().out


def test_result_and_exit_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> list[str]:
        raise ValueError("no such tool")

    good = check.Check("good", "passes", lambda: [])
    bad = check.Check("bad", "fails", lambda: ["this is wrong"])
    monkeypatch.setattr(check, "CHECKS", (good, bad, check.Check("odd", "breaks", broken)))
    assert check.main([]) == 1
    output = capsys.readouterr().out
    assert "this is wrong" in output and "the check itself failed: no such tool" in output
    assert output.endswith("check: FAILED (bad, odd); 1 passed\n")
    assert check.main(["good"]) == 0
    assert capsys.readouterr().out.endswith("check: all 1 passed\n")
