"""Compile Python files to MicroPython's .mpy, the same way for measuring and for a board."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tools import toolchain, workspace

LIBRARY = workspace.ROOT / "lib" / "umqtt_full"


def for_boards(library: Path = LIBRARY) -> list[Path]:
    """The library's files that a board has; `_cpython` and `_cpython_tls` are for computers."""
    return [path for path in sorted(library.glob("*.py")) if path.stem[:8] != "_cpython"]


def compile_file(source: Path, target: Path, name: str) -> None:
    """Compile one file at -O3; `name` is what a traceback shows, and is part of the size."""
    target.parent.mkdir(parents=True, exist_ok=True)
    argv = [*toolchain.mpy_cross(), "-O3", "-s", name, "-o", str(target), str(source)]
    result = workspace.run(argv, 60)
    if result.returncode:
        raise toolchain.ToolchainError(
            f"{name} does not compile for MicroPython:{workspace.tail(result.stdout)}"
        )


def compile_library(folder: Path, sources: Iterable[Path] | None = None) -> dict[str, int]:
    """Compile the library to `folder/umqtt_full`; module -> bytes of its .mpy."""
    sizes = {}
    for source in for_boards() if sources is None else sources:
        name = f"umqtt_full/{source.name}"
        target = (folder / name).with_suffix(".mpy")
        compile_file(source, target, name)
        sizes[source.stem] = target.stat().st_size
    return sizes
