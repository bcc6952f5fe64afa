"""Debian packages without installing them and without root.

apt runs with state folders and a sources list of its own, so the machine's apt is
neither changed nor asked for permission, and foreign architectures need no switch. The
mirror's address comes from the machine's apt configuration; proxies and other settings
there are inherited. apt checks the signatures against Debian's own keyring. Packages are
unpacked into a folder and programs in it start through the C library's loader that was
unpacked with them, so the machine's C library may be older.
"""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools import workspace
from tools.workspace import ToolchainError, Unavailable, run, say, tail

TRIPLETS = {
    "amd64": "x86_64-linux-gnu",
    "i386": "i386-linux-gnu",
    "arm64": "aarch64-linux-gnu",
    "armhf": "arm-linux-gnueabihf",
}
_KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
)
_SUITES = {"stable", "oldstable", "testing", "unstable", "sid"}
_SUITES |= {"bullseye", "bookworm", "trixie", "forky"}
_ONE_LINE = re.compile(r"^deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+(\S+)\s+(.*)$")
_URI = re.compile(r"^'[^']*' (\S+?)_(\S+)_\w+\.deb ", re.MULTILINE)
_UPDATE_TIMEOUT = 300
_FETCH_TIMEOUT = 600
_failed: set[str] = set()  # releases that this process could not reach; one wait is enough


@dataclass(frozen=True)
class Recipe:
    """What to fetch: `packages`, and with `closure` the libraries that they need.

    With `sources` it is the source of the one package in `packages`, as its authors released it.
    """

    name: str
    release: str
    architecture: str
    packages: tuple[str, ...]
    closure: bool = True
    sources: bool = False

    @property
    def folder(self) -> Path:
        """Where the packages are unpacked."""
        kind = "source" if self.sources else self.architecture
        return workspace.HOME / "debian" / f"{self.name}-{self.release}-{kind}"

    @property
    def source(self) -> str:
        """Where they come from, in words."""
        return f"Debian {self.release} ({'source' if self.sources else self.architecture})"

    @property
    def key(self) -> str:
        """What was asked for: another key means fetching again."""
        kind = "source" if self.sources else self.architecture
        return f"{self.release} {kind} {' '.join(self.packages)} {self.closure}"

    def version(self) -> str | None:
        """The upstream version in the unpacked folder, or None when there is none."""
        stamp = workspace.read_stamp(self.folder)
        return stamp.get("version") if stamp.get("recipe") == self.key else None


def architecture() -> str:
    """The machine's own Debian architecture; `Unavailable` where there is no apt."""
    for tool in ("apt-get", "apt-config", "dpkg-deb", "dpkg"):
        if shutil.which(tool) is None:
            raise Unavailable(f"this machine has no {tool}")
    return run(["dpkg", "--print-architecture"], 30).stdout.strip()


def ensure(recipe: Recipe) -> bool:
    """Have the recipe's packages unpacked in its folder; whether they were fetched just now."""
    if recipe.version() is not None:
        return False
    architecture()
    with workspace.locked():
        if recipe.version() is not None:
            return False
        sources = mirrors()
        if recipe.source in _failed:
            raise ToolchainError(f"no packages of {recipe.source}, as said above")
        say(f"fetching {recipe.name} from {recipe.source} …")
        with (
            workspace.temporary_folder() as scratch,
            _private_apt(scratch, recipe, sources) as apt,
        ):
            prepared = scratch / "unpacked"
            version = _unpack(apt, recipe, scratch, prepared)
            facts = {"recipe": recipe.key, "version": version}
            workspace.install(prepared, recipe.folder, facts)
    return True


def program(recipe: Recipe, path: str) -> list[str]:
    """The start of a command line that runs an unpacked program with its own C library."""
    triplet = TRIPLETS[recipe.architecture]
    libraries = [recipe.folder / part / triplet for part in ("lib", "usr/lib")]
    loaders = [found for place in libraries for found in sorted(place.glob("ld-linux*.so.*"))]
    binary = recipe.folder / path
    if not loaders or not binary.is_file():
        raise ToolchainError(f"{recipe.folder} is incomplete; delete it and try again")
    search = ":".join(str(place) for place in libraries if place.is_dir())
    return [str(loaders[0]), "--inhibit-cache", "--library-path", search, str(binary)]


@contextlib.contextmanager
def _private_apt(scratch: Path, recipe: Recipe, sources: list[str]) -> Iterator[list[str]]:
    """apt-get's command line with a configuration of its own and fresh package lists."""
    keyring = next((path for path in _KEYRINGS if path.is_file()), None)
    if keyring is None:
        raise Unavailable("the package debian-archive-keyring is not installed")
    failures = []
    for mirror in sources:
        apt = _configure(scratch / "apt", recipe, f"[signed-by={keyring}] {mirror}")
        result = run([*apt, "update"], _UPDATE_TIMEOUT)
        if result.returncode == 0:
            yield apt
            return
        errors = re.findall(r"^(?:E: |W: | {2,}\S).*$", result.stdout, re.MULTILINE)
        failures.append(tail("\n".join(errors) or result.stdout, 5))
    _failed.add(recipe.source)
    what = f"apt found no {recipe.source} with a good signature"
    raise ToolchainError(f"{what} on this machine's mirror:{''.join(failures)}")


def _configure(folder: Path, recipe: Recipe, source: str) -> list[str]:
    """Write apt's private files. They are read after the machine's, whose hooks they drop."""
    workspace.remove(folder)
    for part in ("lists/partial", "archives/partial"):
        (folder / part).mkdir(parents=True)
    (folder / "status").touch()
    kind = "deb-src" if recipe.sources else "deb"
    (folder / "sources.list").write_text(f"{kind} {source} {recipe.release} main\n")
    settings = {
        "Dir::State": folder,
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder,
        "Dir::Cache::archives": folder / "archives",
        "Dir::Log": folder,
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "APT::Architecture": recipe.architecture,
        "APT::Sandbox::User": "root",
        "APT::Update::Error-Mode": "any",
        "APT::Install-Recommends": "false",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
    }
    hooks = ("Update::Pre-Invoke", "Update::Post-Invoke", "Update::Post-Invoke-Success")
    lines = [f"#clear APT::{hook};" for hook in hooks]
    lines += ["#clear APT::Architectures;", "#clear DPkg::Post-Invoke;"]
    lines += [f'{name} "{value}";' for name, value in settings.items()]
    lines += [f'APT::Architectures {{ "{recipe.architecture}"; }};']
    config = folder / "apt.conf"
    config.write_text("\n".join(lines) + "\n")
    return ["apt-get", "-q", "-y", "-c", str(config)]


def _unpack(apt: list[str], recipe: Recipe, scratch: Path, target: Path) -> str:
    """Download and unpack; the upstream version of the recipe's first package."""
    downloads = scratch / "downloads"
    downloads.mkdir()
    if recipe.sources:
        return _unpack_source(apt, recipe, downloads, target)
    packages = {name: "" for name in recipe.packages}
    if recipe.closure:
        packages = _closure(apt, recipe.packages)
    result = run([*apt, "download", *packages], _FETCH_TIMEOUT, cwd=downloads)
    archives = sorted(downloads.glob("*.deb"))
    if result.returncode or len(archives) < len(packages):
        raise ToolchainError(f"apt could not download {recipe.name}:{tail(result.stdout)}")
    for archive in archives:
        result = run(["dpkg-deb", "-x", str(archive), str(target)], 120)
        if result.returncode:
            raise ToolchainError(f"dpkg-deb could not unpack it:{tail(result.stdout)}")
    first = next(downloads.glob(f"{recipe.packages[0]}_*.deb")).name.split("_")[1]
    return _upstream(first)


def _unpack_source(apt: list[str], recipe: Recipe, downloads: Path, target: Path) -> str:
    """Download and unpack the authors' archive, without Debian's changes; its version."""
    argv = [*apt, "source", "--download-only", "--tar-only", *recipe.packages]
    result = run(argv, _FETCH_TIMEOUT, cwd=downloads)
    archive = next(downloads.glob("*.orig.tar.*"), None)
    if result.returncode or archive is None:
        raise ToolchainError(f"apt could not download {recipe.name}:{tail(result.stdout)}")
    target.mkdir()
    argv = ["tar", "-xf", str(archive), "-C", str(target), "--strip-components=1"]
    result = run(argv, 120)
    if result.returncode:
        raise ToolchainError(f"tar could not unpack {archive.name}:{tail(result.stdout)}")
    return _upstream(archive.name.split("_")[1].split(".orig.")[0])


def _upstream(version: str) -> str:
    """A version without what Debian adds to it."""
    return re.sub(r"^\d+(%3a|:)|[-+].*$", "", version)


def _closure(apt: list[str], packages: Iterable[str]) -> dict[str, str]:
    """The packages and, of all that they depend on, the libraries (nothing is installed)."""
    wanted = list(packages)
    result = run([*apt, "install", "--print-uris", *wanted], 120)
    found = dict(_URI.findall(result.stdout))
    if result.returncode or not set(wanted) <= set(found):
        raise ToolchainError(f"apt has no way to {' '.join(wanted)}:{tail(result.stdout)}")
    return {
        name: version
        for name, version in found.items()
        if name in wanted or name.startswith(("lib", "zlib"))
    }


def mirrors() -> list[str]:
    """The addresses in the machine's apt configuration that offer a whole Debian release."""
    result = run(["apt-config", "shell", "L", "Dir::Etc::sourcelist/f", "P",
                  "Dir::Etc::sourceparts/d"], 30)  # fmt: skip
    places = dict(word.split("=", 1) for word in shlex.split(result.stdout) if "=" in word)
    parts = Path(places.get("P", "/etc/apt/sources.list.d"))
    files = [Path(places.get("L", "/etc/apt/sources.list"))]
    if parts.is_dir():
        files += sorted(path for path in parts.iterdir() if path.suffix in (".list", ".sources"))
    entries = [entry for path in files if path.is_file() for entry in _entries(path)]
    found = [uri for uri, suite, components in entries if _is_debian(uri, suite, components)]
    if not found:
        seen = ", ".join(sorted({suite for _, suite, _ in entries})) or "none"
        raise Unavailable(
            "apt's configuration names no mirror with a whole Debian release"
            f" (entries seen: {seen})"
        )
    return list(dict.fromkeys(found))


def _is_debian(uri: str, suite: str, components: list[str]) -> bool:
    return suite in _SUITES and "main" in components and not uri.startswith("cdrom:")


def _entries(path: Path) -> Iterator[tuple[str, str, list[str]]]:
    """(address, suite, components) of each binary entry of one sources file."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ToolchainError(f"cannot read {path}: {error.strerror}") from error
    yield from (deb822_entries(text) if path.suffix == ".sources" else one_line_entries(text))


def one_line_entries(text: str) -> Iterator[tuple[str, str, list[str]]]:
    """Entries of the older format: `deb [options] address suite component…`."""
    for line in text.splitlines():
        match = _ONE_LINE.match(line.split("#", 1)[0].strip())
        if match:
            yield match[1], match[2], match[3].split()


def deb822_entries(text: str) -> Iterator[tuple[str, str, list[str]]]:
    """Entries of the newer format: stanzas of `Field: values`, with continuation lines."""
    kept = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in re.split(r"\n\s*\n", "\n".join(kept)):
        joined = re.sub(r"\n[ \t]+", " ", stanza)
        pairs = (line.split(":", 1) for line in joined.splitlines() if ":" in line)
        fields = {name.strip().lower(): value.split() for name, value in pairs}
        enabled = fields.get("enabled", ["yes"]) not in (["no"], ["false"], ["0"], ["off"])
        if enabled and "deb" in fields.get("types", []):
            for uri in fields.get("uris", []):
                for suite in fields.get("suites", []):
                    yield uri, suite, fields.get("components", [])
