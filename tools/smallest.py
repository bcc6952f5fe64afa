"""The smallest heap in which small programs work, found by trial against a real broker.

Each program of tools/heap/ runs on MicroPython's 32-bit unix port: from .py, from .mpy, and
frozen into the interpreter together with the library.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tools import layers, measure, mpy, toolchain, workspace
from tools.broker import Broker
from tools.measure import MeasureError, Result
from tools.ports import HOST, free_port

_LOWEST, _HIGHEST = 1024, 512 * 1024
_TIMEOUT = 15
_AT_ONCE = 4  # programs: one that runs out of heap mostly waits for its time to be over
_CLEAN = "clean_session=True"


@dataclass(frozen=True)
class Program:
    """A program that the smallest heap is found for: a file, and what is different in its text."""

    label: str
    file: str
    changes: tuple[tuple[str, str], ...] = ()
    websocket: bool = False

    @property
    def module(self) -> str:
        """The name it is imported by."""
        words = "".join(one if one.isalnum() else " " for one in self.label.lower()).split()
        return "_".join(["program", *words])

    @property
    def text(self) -> str:
        """Its source."""
        text = (measure.SCRIPTS / self.file).read_text(encoding="utf-8")
        for before, after in self.changes:
            if before not in text:
                raise MeasureError(f"{self.label}: {self.file} has no {before!r}")
            text = text.replace(before, after)
        return text


def _options(more: str) -> tuple[str, str]:
    return _CLEAN, f"{_CLEAN}, {more}"


def _with_store(client: str) -> tuple[tuple[str, str], ...]:
    return (
        (f"import {client}", f"import {client}, Store"),
        (_CLEAN, "clean_session=False, store=Store(sys.argv[4])"),
    )


_FIVE = (_CLEAN, "clean_start=True, version=5")
_WEBSOCKET = _options('websocket="/mqtt"')
PROGRAMS = (
    Program("Client", "smallest.py"),
    Program("Client, MQTT 5", "smallest.py", (_FIVE,)),
    Program("Client, store", "smallest.py", _with_store("Client")),
    Program("Client, reconnect", "smallest_outage.py"),
    Program("Client, WebSocket", "smallest.py", (_WEBSOCKET,), websocket=True),
    Program("AsyncClient", "smallest_async.py"),
    Program("AsyncClient, MQTT 5", "smallest_async.py", (_FIVE,)),
    Program("AsyncClient, store", "smallest_async.py", _with_store("AsyncClient")),
    Program("AsyncClient, reconnect", "smallest_async_outage.py"),
    Program("AsyncClient, WebSocket", "smallest_async.py", (_WEBSOCKET,), websocket=True),
    Program("simple", "smallest_simple.py"),
    Program("robust", "smallest_simple.py", (("full.simple", "full.robust"),)),
)


@dataclass(frozen=True)
class Peer:
    """The broker, as the programs find it."""

    host: str
    port: int
    websocket_port: int = 0  # 0: it has none


def _works(start: Sequence[str], program: Program, peer: Peer, size: int) -> str:
    """Run a program with a heap of `size` bytes; what went wrong, or nothing."""
    topic = f"smallest-heap/{secrets.token_hex(4)}"
    port = peer.websocket_port if program.websocket else peer.port
    with tempfile.TemporaryDirectory() as folder:
        argv = [*start, "-X", f"heapsize={size}", "-m", program.module]
        argv += [peer.host, str(port), topic, f"{folder}/store"]
        try:
            result = workspace.run(argv, _TIMEOUT, cwd=Path(folder))
        except workspace.ToolchainError as error:
            return f" {error}"
    if result.returncode == 0 and result.stdout.endswith("OK\n"):
        return ""
    return workspace.tail(result.stdout, 6) or f" exit status {result.returncode}"


def find(start: Sequence[str], program: Program, peer: Peer) -> int:
    """The smallest heap with which the program works; `start` begins the command line."""
    problem = _works(start, program, peer, _HIGHEST)
    if problem:
        raise MeasureError(f"does not run even with {_HIGHEST} bytes:{problem}")
    return measure.bisect(lambda size: not _works(start, program, peer, size), _LOWEST, _HIGHEST)


def ways(folder: Path, frozen: Sequence[str]) -> dict[str, list[str]]:
    """The start of the command line for each way to load library and programs.

    `folder` has the library's .mpy files already, and gets the programs'; `frozen` is MicroPython
    that has all of it inside, or nothing.
    """
    sources = folder / "py"
    (sources / layers.LIBRARY).mkdir(parents=True)
    for path in mpy.for_boards():
        (sources / layers.LIBRARY / path.name).write_bytes(path.read_bytes())
    for program in PROGRAMS:
        source = sources / f"{program.module}.py"
        source.write_text(program.text, encoding="utf-8")
        mpy.compile_file(source, folder / f"{program.module}.mpy", source.name)
    ordinary = toolchain.micropython(32)
    found = {".py": measure.start(ordinary, sources), ".mpy": measure.start(ordinary, folder)}
    if frozen:
        found["frozen"] = measure.start(frozen, None)
    return found


def texts() -> dict[str, str]:
    """The programs to freeze: module and source."""
    return {program.module: program.text for program in PROGRAMS}


def _websocket_port() -> int:
    """A port for the broker's second listener; 0 where it could not be reached, or not made."""
    if toolchain.external_broker() or toolchain.is_docker(toolchain.mosquitto()):
        return 0
    return free_port()


def measure_all(
    result: Result, starts: Mapping[str, Sequence[str]], say: Callable[[str], None]
) -> None:
    """Find the smallest heap of each program, loaded in each way."""
    port = _websocket_port()
    lines = (f"listener {port} {HOST}", "protocol websockets") if port else ()
    with Broker(config_lines=lines) as broker, ThreadPoolExecutor(_AT_ONCE) as pool:
        peer = Peer(broker.host, broker.port, port)
        for way, start in starts.items():
            say(f"finding the smallest heap {'' if way == 'frozen' else 'from '}{way} …")
            sizes = pool.map(partial(_or_error, start, peer), PROGRAMS)
            for program, size in zip(PROGRAMS, sizes, strict=True):
                if isinstance(size, int):
                    result.smallest.setdefault(way, {})[program.label] = size
                elif program.websocket and not port:
                    result.left_out[program.label] = "it needs a mosquitto that we start"
                    result.impossible.add(program.label)
                else:
                    result.problems.append(f"{program.label} {way}: {size}")


def _or_error(start: Sequence[str], peer: Peer, program: Program) -> int | MeasureError:
    try:
        if program.websocket and not peer.websocket_port:
            return MeasureError("there is no port for it")
        return find(start, program, peer)
    except MeasureError as error:
        return error
