"""Python packages that only one target needs, each set in a folder of its own in .toolchain/."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tools import python_env, workspace
from tools.workspace import ToolchainError, run, say, tail


def ensure(name: str) -> Path:
    """Install what requirements-NAME.txt lists, unless it is there; the folder to import from."""
    python_env.ensure()
    listed = workspace.ROOT / f"requirements-{name}.txt"
    facts = {"requirements": hashlib.sha256(listed.read_bytes()).hexdigest()}
    facts["python"] = python_env.version()
    folder = workspace.HOME / name
    if workspace.read_stamp(folder) == facts:
        return folder
    with workspace.locked():
        say(f"installing requirements-{name}.txt into .toolchain/{name} …")
        with workspace.temporary_folder() as scratch:
            prepared = scratch / name
            argv = [str(python_env.python()), "-m", "pip", "--quiet", "install"]
            result = run([*argv, "--target", str(prepared), "-r", str(listed)], 600)
            if result.returncode:
                raise ToolchainError(f"pip failed:{tail(result.stdout)}")
            workspace.install(prepared, folder, facts)
    return folder
