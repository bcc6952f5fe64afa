"""MicroPython with the library frozen into it, to measure what code in flash takes.

Built for 32-bit x86, as the unix port that the other numbers are from, of the same version, from
Debian's source package; asyncio is frozen too, as on boards. It needs gcc and make of the machine.
The C library's 32-bit half is unpacked beside it (see `tools.debian`), so neither root nor
gcc-multilib is needed.

The compiled interpreter is kept: a change of the library freezes it again and links.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools import debian, layers, mpy, toolchain, workspace
from tools.workspace import ToolchainError, Unavailable, run, tail

_TOOLS = ("gcc", "make", "ar", "strip")
_X86 = ("amd64", "i386")
_WITHOUT = ("FFI", "BTREE")  # modules that need a library, and nobody here needs
_KEPT = 3  # programs: other folders of work may share .toolchain, each with a library of its own
_BUILD_TIMEOUT = 900
_MANIFEST = """\
include("$(MPY_DIR)/extmod/asyncio")
package("{library}", base_path=".", opt=3)
"""


def ensure(programs: Mapping[str, str]) -> list[str]:
    """The start of a command line: MicroPython with the library and those programs in it.

    `programs` are names of modules and their source. `ToolchainError` when it cannot be built.
    """
    recipes = _recipes()
    sources = {f"{layers.LIBRARY}/{one.name}": one.read_bytes() for one in mpy.for_boards()}
    sources |= {f"{name}.py": text.encode() for name, text in programs.items()}
    cross = toolchain.mpy_cross()
    with workspace.locked():
        for recipe in recipes.all():
            debian.ensure(recipe)
        base = _base_key(recipes, cross)
        key = digest(sources, base)
        binary = _home() / "programs" / key / "micropython"
        if workspace.read_stamp(binary.parent).get("key") != key:
            workspace.say("building MicroPython with the library frozen into it …")
            _build(recipes, cross, sources, base)
            _install(key)
            _prune(binary.parent.parent)
    return [str(binary)]


def digest(sources: Mapping[str, bytes], base: str) -> str:
    """A name for what is built from these files on that base."""
    found = hashlib.sha256(base.encode())
    for name, content in sorted(sources.items()):
        found.update(f"\0{name}\0{len(content)}\0".encode())
        found.update(content)
    return found.hexdigest()[:16]


def manifest(names: Sequence[str]) -> str:
    """What is frozen, in MicroPython's manifest language: the library and further files."""
    lines = [f'module("{name}", base_path=".", opt=3)\n' for name in names if "/" not in name]
    return _MANIFEST.format(library=layers.LIBRARY) + "".join(lines)


def _home() -> Path:
    """Resolved: the build's dependencies are absolute paths, whichever way leads to them."""
    return workspace.HOME.resolve() / "frozen"


@dataclass(frozen=True)
class _Recipes:
    """What it is made of: sources, and the headers and libraries for 32-bit programs."""

    micropython: debian.Recipe
    mbedtls: debian.Recipe
    sysroot: debian.Recipe

    def all(self) -> tuple[debian.Recipe, ...]:
        return self.micropython, self.mbedtls, self.sysroot


def _recipes() -> _Recipes:
    native = debian.architecture()
    if native not in _X86:
        raise Unavailable(f"it is built on x86 alone, and this machine is {native}")
    for tool in _TOOLS:
        if shutil.which(tool) is None:
            raise ToolchainError(f"this machine has no {tool}; install gcc and make")
    release = toolchain.RELEASE
    packages = ("libc6-dev", "libgcc-14-dev", "linux-libc-dev")
    return _Recipes(
        debian.Recipe("micropython", release, native, ("micropython",), sources=True),
        debian.Recipe("mbedtls", release, native, ("mbedtls",), sources=True),
        debian.Recipe("libc-dev", release, "i386", packages, closure=False),
    )


def _base_key(recipes: _Recipes, cross: Sequence[str]) -> str:
    """All but the library that the outcome depends on."""
    versions = [run([*argv, "--version"], 20).stdout for argv in (["gcc"], cross)]
    parts = [f"{recipe.key} {recipe.version()}" for recipe in recipes.all()]
    options = _options(_home(), recipes.sysroot.folder, cross[0], sys.executable)
    return "\n".join([*parts, *versions, *options])


def _options(place: Path, sysroot: Path, cross: str, python: str) -> list[str]:
    """Variables for MicroPython's Makefile."""
    own = run(["gcc", "-print-file-name=include"], 20).stdout.strip()  # the compiler's headers
    system = sysroot.resolve() / "usr"
    headers = [own, str(system / "include/i386-linux-gnu"), str(system / "include")]
    libraries = [
        str(next(system.glob("lib/gcc/*/*/"), system)),
        str(system / "lib/i386-linux-gnu"),
    ]
    include = " ".join(f"-isystem {place}" for place in headers)
    link = " ".join(f"-B{place} -L{place}" for place in libraries)
    return [
        "MICROPY_FORCE_32BIT=1",
        *(f"MICROPY_PY_{name}=0" for name in _WITHOUT),
        f"MICROPY_MPYCROSS={cross}",
        "MICROPY_MPYCROSS_DEPENDENCY=",
        f"MPY_LIB_DIR={place / 'modules'}",  # asked for, and not used
        f"PYTHON={python}",
        "CWARN=",  # each compiler warns of something else
        f"CFLAGS_EXTRA=-nostdinc {include}",
        f"LDFLAGS_EXTRA=-static -no-pie {link}",
    ]


def _build(
    recipes: _Recipes,
    cross: Sequence[str],
    sources: Mapping[str, bytes],
    base: str,
) -> None:
    folders = [one.folder for one in recipes.all()]
    if " " not in str(_home()):
        _make(_home(), folders, cross[0], sys.executable, sources, base)
        return
    with tempfile.TemporaryDirectory(prefix="umqtt_full-", dir=_spaceless()) as name:
        place = Path(name)  # make takes a path with a space for two
        copies = [place / folder.name for folder in folders]
        for folder, copy in zip(folders, copies, strict=True):
            shutil.copytree(folder, copy, symlinks=True)
        shutil.copy(cross[0], place / "mpy-cross")
        python = os.path.realpath(sys.executable)
        _make(place, copies, str(place / "mpy-cross"), python, sources, base)
        (_home() / "build").mkdir(parents=True, exist_ok=True)
        shutil.copy(place / "build/micropython", _home() / "build")


def _spaceless() -> str:
    """A folder for what is temporary, in a path without spaces."""
    usual = os.path.realpath(tempfile.gettempdir())
    return usual if " " not in usual else "/tmp"


def _make(
    place: Path,
    folders: Sequence[Path],
    cross: str,
    python: str,
    sources: Mapping[str, bytes],
    base: str,
) -> None:
    """Build in `place` from the folders of MicroPython, mbedtls and the sysroot."""
    source, mbedtls, sysroot = folders
    build, modules = place / "build", place / "modules"
    if workspace.read_stamp(build).get("base") != base:
        workspace.remove(build)  # of other tools, or half done
        build.mkdir(parents=True)
    workspace.clear_stamp(build)
    workspace.remove(modules)
    for name, content in sources.items():
        path = modules / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (modules / "README.md").touch()  # MicroPython's Makefile looks for it
    (modules / "manifest.py").write_text(manifest(list(sources)), encoding="utf-8")
    _put_in(source / "lib/mbedtls", mbedtls)
    argv = ["make", f"-j{os.cpu_count() or 1}", "-C", str(source / "ports/unix")]
    argv += [f"BUILD={build}", f"FROZEN_MANIFEST={modules / 'manifest.py'}"]
    argv += _options(place, sysroot, cross, python)
    result = run(argv, _BUILD_TIMEOUT, _environment())
    workspace.write_stamp(build, {"base": base})
    if result.returncode:
        raise ToolchainError(f"MicroPython's 32-bit build fails:{tail(result.stdout)}")


def _put_in(place: Path, library: Path) -> None:
    """Debian's source of MicroPython has an empty folder where a library belongs."""
    workspace.remove(place)
    place.symlink_to(os.path.relpath(library, place.parent), target_is_directory=True)


def _environment() -> dict[str, str]:
    """Nothing of the make that this may run in, and no version of another repository."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {**kept, "GIT_DIR": os.devnull}


def _install(key: str) -> None:
    """Try what was built, and keep it under its key."""
    with workspace.temporary_folder() as scratch:
        prepared = scratch / "program"
        prepared.mkdir()
        shutil.copy(_home() / "build/micropython", prepared)
        argv = ["env", "MICROPYPATH=.frozen", str(prepared / "micropython")]
        result = run([*argv, "-c", f"import {layers.LIBRARY}.client"], 20, cwd=prepared)
        if result.returncode:
            raise ToolchainError(f"the frozen library does not start:{tail(result.stdout)}")
        workspace.install(prepared, _home() / "programs" / key, {"key": key})


def _prune(programs: Path) -> None:
    """Keep the newest only."""
    newest = sorted(programs.iterdir(), key=lambda one: one.stat().st_mtime, reverse=True)
    for old in newest[_KEPT:]:
        workspace.remove_by_rename(old)
