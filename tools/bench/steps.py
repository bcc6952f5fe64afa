"""Microseconds and bytes of single steps on MicroPython: what a design can save or spend."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tools import workspace
from tools.bench.results import Results
from tools.bench.run import Bench, BenchError, started
from tools.ports import HOST

_INTERPRETER = "micropython32"
_TIMEOUT = 50


def parse(text: str) -> dict[str, tuple[float, float]]:
    """What the device's script printed: microseconds and bytes of each step."""
    found = {}
    for line in text.splitlines():
        if line.startswith("STEP "):
            _, us, taken, name = line.split(maxsplit=3)
            found[name] = (max(0.0, float(us)), round(float(taken), 1))
    if not found:
        raise BenchError(f"single steps:{workspace.tail(text)}")
    return found


@contextmanager
def _taker() -> Iterator[int]:
    """A port where all that is written is taken; it writes nothing."""

    def take() -> None:
        with suppress(OSError):
            connection, _ = server.accept()
            with connection:
                while connection.recv(1 << 16):
                    pass

    with socket.create_server((HOST, 0)) as server:
        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def _measure(bench: Bench, results: Results) -> None:
    with (
        _taker() as port,
        started(bench.argv(_INTERPRETER, "steps"), bench.environment()) as process,
    ):
        bench.pin(process.pid, 1)
        text, _ = process.communicate(f"{HOST} {port}\n", _TIMEOUT)
    for name, (us, taken) in parse(text).items():
        results.set_fact("steps", name, "µs", us)
        results.set_fact("steps", name, "bytes", taken)


def everything(
    bench: Bench, results: Results, attempt: Callable[[str, Callable[[], None]], None]
) -> None:
    """Fill the table."""
    attempt("single steps", lambda: _measure(bench, results))
