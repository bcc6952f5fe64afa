"""The repository's own tool folder: where it is, how it is locked, how it is filled.

Everything that is fetched lives in the git-ignored folder `.toolchain/`. A part of it
is either complete or absent: it is prepared under a temporary name, stamped and then
renamed, and all of that happens under one file lock.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".toolchain"
_STAMP = ".stamp.json"
_TEMPORARY = "tmp-"
_threads = threading.RLock()
_held = threading.local()


class ToolchainError(Exception):
    """A tool cannot be had; the text says what to do about it."""


class Unavailable(ToolchainError):
    """This machine's system or processor rules the tool out; no repetition would help."""


def say(text: str) -> None:
    """Print one line of progress at once."""
    print(text, file=sys.stderr, flush=True)


def run(
    argv: Sequence[str],
    timeout: float,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command with its output captured, in the C locale, and never for ever."""
    full = dict(os.environ if env is None else env, LC_ALL="C")
    try:
        return subprocess.run(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout,
            env=full,
            cwd=cwd,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ToolchainError(f"no end after {timeout:.0f} s: {' '.join(argv[:4])} …") from None
    except OSError as error:
        raise ToolchainError(f"cannot start {argv[0]}: {error.strerror}") from error


def tail(text: str, lines: int = 12) -> str:
    """The last lines of a command's output, indented, for an error message."""
    kept = [line for line in text.splitlines() if line.strip()][-lines:]
    return "".join(f"\n    {line}" for line in kept)


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """Hold the folder's lock, so that two processes never fill it at once.

    The lock belongs to an open file, so it is gone when its holder dies, however it dies.
    Temporary folders found once the lock is held are leftovers of an interrupted run.
    """
    with _threads:
        if getattr(_held, "yes", False):
            yield
            return
        with _file_lock():
            _held.yes = True
            try:
                for leftover in HOME.glob(_TEMPORARY + "*"):
                    remove(leftover)
                yield
            finally:
                _held.yes = False


@contextlib.contextmanager
def _file_lock() -> Iterator[None]:
    """An exclusive lock on `.toolchain/lock`; waits for the process that has it."""
    try:
        import fcntl
    except ImportError:
        raise Unavailable("this system has no file locks; on Windows, work inside WSL") from None
    with _open_lock() as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another process that fills .toolchain …")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _open_lock() -> Iterator[int]:
    try:
        HOME.mkdir(exist_ok=True)
        handle = os.open(HOME / "lock", os.O_CREAT | os.O_RDWR, 0o666)
    except OSError as error:
        raise ToolchainError(f"cannot write to {HOME}: {error.strerror}") from error
    try:
        yield handle
    finally:
        os.close(handle)


def remove(path: Path) -> None:
    """Delete a file or folder if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder inside `.toolchain` (the same file system, so it can be renamed)."""
    path = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=HOME))
    path.chmod(0o755)
    try:
        yield path
    finally:
        remove(path)


def read_stamp(folder: Path) -> dict[str, str]:
    """What `write_stamp` left in a folder; empty when absent or damaged."""
    try:
        found = json.loads((folder / _STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_stamp(folder: Path, facts: Mapping[str, str]) -> None:
    """Mark a folder as complete and remember how it was made."""
    draft = folder / (_STAMP + ".draft")
    draft.write_text(json.dumps(dict(facts), indent=1) + "\n", encoding="utf-8")
    draft.replace(folder / _STAMP)


def clear_stamp(folder: Path) -> None:
    """Mark a folder as incomplete before it is changed in place."""
    (folder / _STAMP).unlink(missing_ok=True)


def install(prepared: Path, target: Path, facts: Mapping[str, str]) -> None:
    """Stamp a prepared folder and move it to its place, replacing what was there."""
    write_stamp(prepared, facts)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        remove_by_rename(target)
    prepared.rename(target)


def remove_by_rename(target: Path) -> None:
    """Take a folder away in one step, so that nobody sees half of it."""
    grave = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=HOME))
    target.rename(grave / "old")
    remove(grave)
