"""Loopback ports for servers of tests, demo and benchmarks.

A port is its process's until that ends, also while nothing listens there: a broker that was
killed comes back to a port that no other test took, and no client of it meets a stranger.
Each is a locked byte of one file that all processes of a user share, so a lease ends with
its holder, however that ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import socket
import threading

HOST = "127.0.0.1"
# Below the range from which systems pick the local port of outgoing connections. A client
# that keeps dialling a stopped broker's port from inside that range may reach itself.
_RANGE = range(20000, 32000)
_FILE = f"/tmp/umqtt_full-{os.getuid()}.ports"  # the same for all, whatever TMPDIR says
_ours: set[int] = set()
_threads = threading.Lock()
_file: int | None = None


class NoPort(OSError):
    """There is no port left to hand out."""


def free_port() -> int:
    """A loopback port that nobody listens on, and that is nobody else's until we end."""
    with _threads:
        for port in random.sample(_RANGE, 500):
            if port not in _ours and _lease(port) and _nobody_listens(port):
                _ours.add(port)
                return port
    raise NoPort(f"no free loopback port found in {_RANGE.start} to {_RANGE.stop - 1}")


def _nobody_listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _lease(port: int) -> bool:
    """Lock the port's byte; False when another process has it."""
    global _file
    if _file is None:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        _file = os.open(_FILE, flags, 0o600)
    with contextlib.suppress(BlockingIOError, PermissionError):  # POSIX allows for either
        fcntl.lockf(_file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        return True
    return False
