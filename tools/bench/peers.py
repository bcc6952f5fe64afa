"""The other clients: where they come from, and which of them run here."""

from __future__ import annotations

import hashlib
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tools import python_env, workspace
from tools.workspace import ToolchainError, run, say, tail

HOME = workspace.HOME / "bench"
_STAMP = "3"  # raise it when what `ensure` makes changes


@dataclass(frozen=True)
class Source:
    """A package for MicroPython: an archive of modules below `umqtt/`."""

    requirement: str
    sha256: str


SOURCES = (
    Source(
        "micropython-umqtt.simple==1.3.4",
        "b6a2520239e3992c63a7de9370ee9b3d9d27819a90359c521f1c0f7ccab8d12f",
    ),
    Source(
        "micropython-umqtt.robust==1.0",
        "22a1b8c8e1128281efb13b3020927d07e33c5b747869da2cd77d37983a9ea002",
    ),
    Source(
        "micropython-umqtt.simple2==2.2.0",
        "48fd4da7701b95986293b06d343fbc564ebe7dfa82f5c8c09364c20df755f0e4",
    ),
)
# Without what they depend on, which is for boards and would shadow the module `micropython`.
WHEELS = (
    "adafruit-circuitpython-minimqtt==8.1.0",
    "adafruit-circuitpython-connectionmanager==3.1.8",
    "adafruit-circuitpython-ticks==1.1.7",
    "adafruit-circuitpython-typing==1.13.0",
    "typing-extensions==4.16.0",
)


@dataclass(frozen=True)
class Places:
    """Folders to import peers from."""

    umqtt: Path
    cpython: Path
    mqtt_as: Path | None

    def versions(self) -> dict[str, str]:
        """What is compared with, for the report."""
        found = dict(one.split("==") for one in [*(s.requirement for s in SOURCES), *WHEELS[:1]])
        if self.mqtt_as:
            found["mqtt_as"] = _version(self.mqtt_as)
        return found


def _version(module: Path) -> str:
    """The version that mqtt_as states in itself."""
    for line in _file(module).read_text(encoding="utf-8").splitlines():
        if line.startswith("VERSION"):
            return ".".join(part.strip(" ()") for part in line.split("=")[1].split(","))
    return "?"


def _file(module: Path) -> Path:
    return module / "__init__.py" if module.is_dir() else module


def find_mqtt_as(named: str | None) -> Path | None:
    """The module in the place that the user named: the file, its folder, or a checkout."""
    if not named:
        return None
    place = Path(named).expanduser().resolve()
    for found in (place / "mqtt_as", place / "mqtt_as.py", place):
        file = _file(found)
        if file.is_file() and "class MQTTClient" in file.read_text(encoding="utf-8"):
            return found
    raise ToolchainError(f"there is no mqtt_as at MQTT_AS={named}")


def ensure() -> Places:
    """Fetch what is not there yet into .toolchain/bench; later runs need no network."""
    python_env.ensure()
    facts = {"made": _STAMP, "from": " ".join([*(s.sha256 for s in SOURCES), *WHEELS])}
    if workspace.read_stamp(HOME) != facts:
        with workspace.locked():
            say("fetching the other clients into .toolchain/bench …")
            with workspace.temporary_folder() as scratch:
                prepared = scratch / "bench"
                _prepare(prepared, scratch)
                workspace.install(prepared, HOME, facts)
    mqtt_as = find_mqtt_as(os.environ.get("MQTT_AS"))
    return Places(HOME / "micropython", HOME / "cpython", mqtt_as)


def _prepare(folder: Path, scratch: Path) -> None:
    for source in SOURCES:
        unpack(_archive(source, scratch), folder / "micropython")
    (folder / "micropython" / "umqtt" / "__init__.py").touch()
    argv = [str(python_env.python()), "-m", "pip", "--quiet", "install", "--no-deps"]
    result = run([*argv, "--target", str(folder / "cpython"), *WHEELS], 300)
    if result.returncode:
        raise ToolchainError(f"pip failed:{tail(result.stdout)}")


def _archive(source: Source, scratch: Path) -> Path:
    argv = [str(python_env.python()), "-m", "tools.bench.sdist", source.requirement, str(scratch)]
    result = run(argv, 300, cwd=workspace.ROOT)
    if result.returncode:
        raise ToolchainError(f"{source.requirement}:{tail(result.stdout)}")
    archive = Path(result.stdout.splitlines()[-1])
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != source.sha256:
        raise ToolchainError(f"{archive.name} is not what it was: sha256 {found}")
    return archive


def unpack(archive: Path, folder: Path) -> None:
    """Take the modules below `umqtt/` out of an archive."""
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            parts = Path(member.name).parts
            if member.isfile() and len(parts) == 3 and parts[1] == "umqtt":
                target = folder / "umqtt" / parts[2]
                target.parent.mkdir(parents=True, exist_ok=True)
                data = tar.extractfile(member)
                assert data is not None
                target.write_bytes(data.read())
