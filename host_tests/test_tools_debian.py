"""Source packages of Debian, fetched as the binary ones are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import debian, toolchain


def test_a_source_package_is_no_binary_one(tmp_path: Path) -> None:
    binary = debian.Recipe("x", "trixie", "amd64", ("x",))
    source = debian.Recipe("x", "trixie", "amd64", ("x",), sources=True)
    assert binary.folder.name == "x-trixie-amd64" and source.folder.name == "x-trixie-source"
    assert binary.key == "trixie amd64 x True" and source.key != binary.key
    for recipe, word in ((binary, "deb "), (source, "deb-src ")):
        debian._configure(tmp_path / "apt", recipe, "http://mirror.invalid/debian")
        assert (tmp_path / "apt/sources.list").read_text().startswith(word)


@pytest.mark.parametrize(
    ("version", "upstream"),
    [("1.25.0+ds", "1.25.0"), ("1.25.0+ds-1", "1.25.0"), ("1%3a2.0.21-1+b1", "2.0.21")],
)
def test_versions_are_those_of_the_authors(version: str, upstream: str) -> None:
    assert debian._upstream(version) == upstream


def test_the_archive_is_unpacked_without_its_top_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    downloads, target = tmp_path / "downloads", tmp_path / "target"
    downloads.mkdir()
    (tmp_path / "x-1.2/py").mkdir(parents=True)
    (tmp_path / "x-1.2/py/a.c").write_text("planted")
    script = f"tar -czf x_1.2.orig.tar.gz -C {tmp_path} x-1.2"
    recipe = debian.Recipe("x", "trixie", "amd64", ("x",), sources=True)
    version = debian._unpack_source(["sh", "-c", script], recipe, downloads, target)
    assert version == "1.2" and (target / "py/a.c").read_text() == "planted"


def test_an_archive_that_does_not_come_is_told(tmp_path: Path) -> None:
    recipe = debian.Recipe("x", "trixie", "amd64", ("x",), sources=True)
    apt = ["sh", "-c", "echo E: planted; exit 100"]
    with pytest.raises(toolchain.ToolchainError, match=r"could not download x:\n.*planted"):
        debian._unpack_source(apt, recipe, tmp_path, tmp_path / "target")
