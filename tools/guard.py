"""Child processes that must not outlive this one, however it ends.

Linux can signal a child when its parent dies (PR_SET_PDEATHSIG), but the signal comes when
the *thread* that started the child ends, which would kill a broker started from a worker
thread, and it has to be set between fork and exec. So one small guard process holds the
read end of a pipe instead. It hears which processes to watch; when this process ends, even
by SIGKILL, the pipe closes and the guard ends those that are left. It sits in a session of
its own, where a Ctrl-C in the terminal does not reach it first. Works on macOS too.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading

_GUARD = """
import os, signal, sys, time
watched = set()
for line in sys.stdin:
    verb, pid = line.split()
    (watched.add if verb == "watch" else watched.discard)(int(pid))
for number, pause in ((signal.SIGTERM, 1.0), (signal.SIGKILL, 0.0)):
    for pid in list(watched):
        try:
            os.kill(pid, number)
        except OSError:
            watched.discard(pid)
    if watched:
        time.sleep(pause)
"""
_lock = threading.Lock()
_guard: subprocess.Popen[str] | None = None


def _running_guard() -> subprocess.Popen[str]:
    """The guard of this process, started when it is first needed."""
    global _guard
    if _guard is None or _guard.poll() is not None:
        _guard = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _GUARD],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
            cwd=os.sep,
            start_new_session=True,
        )
    return _guard


def _tell(verb: str, pid: int) -> None:
    with _lock:
        pipe = _running_guard().stdin
        if pipe is not None:
            pipe.write(f"{verb} {pid}\n")
            pipe.flush()


def watch(pid: int) -> None:
    """End that process when this one ends: SIGTERM first, SIGKILL one second later."""
    _tell("watch", pid)


def unwatch(pid: int) -> None:
    """Forget a process that has ended; to be called once it has been waited for."""
    _tell("unwatch", pid)


@atexit.register
def _close() -> None:
    """Close the pipe and wait until the guard has done its work."""
    with _lock:
        if _guard is not None and _guard.stdin is not None:
            _guard.stdin.close()
            try:
                _guard.wait(5)
            except subprocess.TimeoutExpired:
                print("the guard of child processes did not end", file=sys.stderr)
