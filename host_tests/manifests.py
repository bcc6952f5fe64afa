"""What a manifest freezes, read as MicroPython reads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest


def frozen_by(manifest: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that a manifest of ours freezes; those of MicroPython's own are left out."""
    folder = manifest.parent
    frozen: list[Path] = []

    def module(name: str, base_path: str = ".", opt: int = 0) -> None:
        frozen.append((folder / base_path / name).resolve())

    def package(name: str, files: Sequence[str], base_path: str = ".", opt: int = 0) -> None:
        frozen.extend((folder / base_path / name / file).resolve() for file in files)

    def include(name: str) -> None:
        if not name.startswith("$("):
            frozen.extend(frozen_by((folder / name).resolve(), monkeypatch))

    ignored = {name: lambda *args, **more: None for name in ("metadata", "require")}
    names = {"module": module, "package": package, "include": include, **ignored}
    with monkeypatch.context() as patched:
        patched.chdir(folder)
        exec(manifest.read_text(encoding="utf-8"), names)
    return frozen
