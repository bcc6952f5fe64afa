"""`make size`: the library in flash (frozen, ROMFS), and the programs of the smallest heap."""

from __future__ import annotations

import ast
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tools import debian, frozen, measure, size, smallest, toolchain, workspace
from tools.measure import Result


def compiled(folder: Path) -> Path:
    """A package whose module is mostly bytecode, as .mpy."""
    source = folder / "source/umqtt_full"
    source.mkdir(parents=True)
    lines = "".join(f"    x = x * {n} + y - {n}\n" for n in range(1000, 1200))
    (source / "__init__.py").write_text("")
    (source / "large.py").write_text(f"def f(x, y):\n{lines}    return x\n")
    for name in ("__init__", "large"):
        measure.mpy.compile_file(
            source / f"{name}.py", folder / f"umqtt_full/{name}.mpy", f"{name}.py"
        )
    return folder / "umqtt_full"


def test_code_in_romfs_runs_where_it_lies(tmp_path: Path) -> None:
    """Else it would be in the heap, as it is from a folder."""
    probe = [*toolchain.micropython(32), "-c", "import vfs; vfs.VfsRom"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("this MicroPython has no ROMFS")
    package = compiled(tmp_path / "rom")
    image = tmp_path / "x.romfs"
    (tmp_path / "rom/source/umqtt_full/large.py").unlink()
    measure.make_image(tmp_path / "rom", image)
    modules = ["__init__", "large"]
    in_flash = measure.heap_of(tmp_path / "elsewhere", modules, image=image)[-1]
    in_heap = measure.heap_of(tmp_path / "rom", modules)[-1]
    bytecode = (package / "large.mpy").stat().st_size
    assert bytecode > 2000
    assert in_heap - in_flash > 0.9 * bytecode
    assert in_flash < 700


def test_the_image_holds_what_is_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "rom/a").mkdir(parents=True)
    (tmp_path / "rom/a/b.txt").write_text("planted")
    measure.make_image(tmp_path / "rom", tmp_path / "x.romfs")
    data = (tmp_path / "x.romfs").read_bytes()
    assert data[:3] == b"\xd2\xcd\x31" and b"b.txt" in data and b"planted" in data


def test_without_romfs_its_column_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toolchain, "micropython", lambda bits: ["false"])
    result = Result()
    measure.romfs(result, tmp_path)
    assert "ROMFS" in result.left_out and not result.problems and not result.loaded


# -------------------------------------------------------------------- programs


def test_programs_have_names_of_their_own() -> None:
    names = [program.module for program in smallest.PROGRAMS]
    assert len(set(names)) == len(names) == len(smallest.texts())
    assert all(name.isidentifier() for name in names)
    assert "program_client_mqtt_5" in names


@pytest.mark.parametrize("program", smallest.PROGRAMS, ids=lambda one: one.module)
def test_programs_are_what_they_are_called(program: smallest.Program) -> None:
    ast.parse(program.text)
    for word, sign in {
        "MQTT 5": "version=5",
        "store": "store=Store(",
        "WebSocket": 'websocket="/mqtt"',
        "reconnect": "dials == 2",
        "AsyncClient": "asyncio.run(",
        "robust": "umqtt_full.robust",
        "simple": "umqtt_full.simple",
    }.items():
        assert (word in program.label) == (sign in program.text), word
    assert program.websocket == ("WebSocket" in program.label)


def test_a_change_that_finds_nothing_is_told() -> None:
    program = smallest.Program("X", "smallest.py", (("no such text", ""),))
    with pytest.raises(measure.MeasureError, match=r"X: smallest\.py has no 'no such text'"):
        _ = program.text


def test_what_does_not_work_with_any_heap_is_told() -> None:
    program = smallest.Program("X", "smallest.py")
    start = ["sh", "-c", "echo planted; exit 3"]
    with pytest.raises(measure.MeasureError, match=r"not run even with 524288 bytes:\n.*plan"):
        smallest.find(start, program, smallest.Peer("127.0.0.1", 1))


@pytest.mark.parametrize("failure", ["exit 1", "echo OK; exit 1", "echo not OK, here", ":"])
def test_the_smallest_heap_of_a_program(failure: str) -> None:
    """Found by what the program says, its exit status, and the size that it was given."""
    start = ["sh", "-c", f'if [ "${{1#heapsize=}}" -ge 5000 ]; then echo OK; else {failure}; fi']
    program = smallest.Program("X", "smallest.py")
    assert smallest.find(start, program, smallest.Peer("127.0.0.1", 1)) == 5120


# ---------------------------------------------------------------------- frozen


def test_what_is_built_has_the_name_of_all_that_went_into_it() -> None:
    first = frozen.digest({"a.py": b"1", "b.py": b"2"}, "gcc")
    assert first == frozen.digest({"b.py": b"2", "a.py": b"1"}, "gcc")
    others = [
        frozen.digest({"a.py": b"1", "b.py": b"3"}, "gcc"),
        frozen.digest({"a.py": b"1", "c.py": b"2"}, "gcc"),
        frozen.digest({"a.py": b"1"}, "gcc"),
        frozen.digest({"a.py": b"1", "b.py": b"2"}, "clang"),
        frozen.digest({"a.py": b"1\0b.py\0001\0002"}, "gcc"),
    ]
    assert len({first, *others}) == 6


def test_the_manifest_freezes_library_asyncio_and_programs() -> None:
    text = frozen.manifest(["umqtt_full/client.py", "umqtt_full/aio.py", "program_client.py"])
    calls = [ast.unparse(node) for node in ast.parse(text).body]
    assert calls == [
        "include('$(MPY_DIR)/extmod/asyncio')",
        "package('umqtt_full', base_path='.', opt=3)",
        "module('program_client.py', base_path='.', opt=3)",
    ]


def test_make_hears_nothing_of_an_outer_make(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAKEFLAGS", "CFLAGS", "BOARD", "VARIANT"):
        monkeypatch.setenv(name, "planted")
    given = frozen._environment()
    assert "planted" not in given.values() and given["PATH"] == os.environ["PATH"]


def test_without_a_compiler_the_frozen_rows_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None if name == "gcc" else f"/bin/{name}")
    monkeypatch.setattr(debian, "architecture", lambda: "amd64")
    result = Result()
    assert size._frozen(result, tmp_path) == []
    assert result.left_out == {"frozen": "this machine has no gcc; install gcc and make"}
    assert not result.problems and not result.loaded and not result.impossible
    monkeypatch.setattr(debian, "architecture", lambda: "arm64")
    assert size._frozen(result, tmp_path) == [] and result.impossible == {"frozen"}


def test_other_processors_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(debian, "architecture", lambda: "arm64")
    with pytest.raises(toolchain.Unavailable, match="this machine is arm64"):
        frozen._recipes()


def test_only_the_newest_programs_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace, "HOME", tmp_path)
    programs = tmp_path / "frozen/programs"
    for name, moment in {"new": 2, "newer": 3, "old": 1, "newest": 4}.items():
        (programs / name).mkdir(parents=True)
        os.utime(programs / name, (moment * 1000, moment * 1000))
    frozen._prune(programs)
    assert sorted(one.name for one in programs.iterdir()) == ["new", "newer", "newest"]


def test_a_library_takes_the_place_of_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "mbedtls").mkdir()
    (tmp_path / "mbedtls/x.c").write_text("planted")
    (tmp_path / "source/lib/mbedtls").mkdir(parents=True)
    for _ in range(2):
        frozen._put_in(tmp_path / "source/lib/mbedtls", tmp_path / "mbedtls")
    assert (tmp_path / "source/lib/mbedtls/x.c").read_text() == "planted"
    assert (tmp_path / "mbedtls/x.c").exists()


def test_a_path_with_a_space_is_no_place_to_build_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Make takes it for two: it is built elsewhere, from copies, and what comes of it is kept."""
    home = tmp_path / "with space"
    folders = [home / name for name in ("micropython", "mbedtls", "libc-dev")]
    for folder in folders:
        (folder / "lib").mkdir(parents=True)
    (home / "mpy-cross").write_bytes(b"")
    recipes: Any = SimpleNamespace(all=lambda: [SimpleNamespace(folder=one) for one in folders])
    made: list[list[str]] = []

    def run(argv: list[str], *_: object) -> subprocess.CompletedProcess[str]:
        if argv[0] == "make":
            made.append(argv)
            build = next(word for word in argv if word.startswith("BUILD="))
            Path(build.partition("=")[2], "micropython").write_bytes(b"built")
        return subprocess.CompletedProcess(argv, 0, "")

    monkeypatch.setattr(workspace, "HOME", home)
    monkeypatch.setattr(frozen, "run", run)
    frozen._build(recipes, [str(home / "mpy-cross")], {"umqtt_full/client.py": b""}, "base")
    assert len(made) == 1 and not any(str(home) in word for word in made[0])
    assert (home / "frozen/build/micropython").read_bytes() == b"built"
