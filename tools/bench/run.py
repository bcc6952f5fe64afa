"""Run one measurement: a fresh process, a broker that exists, one line of result."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools import certs, mpy, toolchain, workspace
from tools.bench import feeder, plan
from tools.bench.peers import Places
from tools.broker import Broker
from tools.ports import HOST

DEVICE = Path(__file__).resolve().parent / "device"
HEAPS = {"micropython64": 380 * 1024, "micropython32": 190 * 1024}
# mosquitto queues all that the feeder brings. Where QoS 1 is received nothing is to wait for the
# broker, so it sends all of it at once; at QoS 2 it has the 20 in flight that it has by itself
# (with thousands, its own search for each PUBREC is what would be measured).
BROKER_LINES = ("max_queued_messages 0",)
DEEP_LINES = (*BROKER_LINES, "max_inflight_messages 0")
_TIMEOUT = 60
_TOPIC_SIZE = 24


def tls_lines(folder: Path, port: int) -> list[str]:
    """A TLS listener for mosquitto.conf; its certificates are made in the folder if need be."""
    if not (folder / "ca.crt").exists():
        ca = certs.make_ca("bench CA")
        certs.save(folder / "ca", ca)
        certs.save(folder / "server", certs.issue(ca, "localhost", ("localhost", HOST)))
    files = [f"certfile {folder}/server.crt", f"keyfile {folder}/server.key"]
    return [f"listener {port} {HOST}", *files]


class BenchError(Exception):
    """A measurement failed; the text says which and how."""


@dataclass(frozen=True)
class Sample:
    """What one process measured, an operation."""

    rate: float  # operations a second
    cpu_us: float
    heap: float  # bytes asked of the heap
    count: int


class Bench:
    """Interpreters, compiled modules and a broker, ready to measure."""

    def __init__(self, places: Places, folder: Path, broker: Broker, deep: Broker) -> None:
        self.places = places
        self.broker = broker
        self.deep = deep  # for `recv1`
        self.tls_ports: dict[int, int] = {}  # of a broker with TLS too: its port -> that of TLS
        self.folder = folder
        self.cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
        self._compile()
        self.pin(broker.pid, 0)
        self.pin(deep.pid, 0)

    def pin(self, pid: int | None, number: int) -> None:
        """Keep a process on a core of its own, where there are two."""
        if pid and len(self.cores) > 1:
            with suppress(OSError):  # it has ended, or the system forbids it
                os.sched_setaffinity(pid, {self.cores[number % len(self.cores)]})

    def _compile(self) -> None:
        """All that MicroPython imports, as .mpy, as on a board."""
        library = sorted(_library().glob("[!_]*.py")) + [_init()]
        mpy.compile_library(self.folder, library)
        for source in library:
            self._keep_source(source, Path("umqtt_full", source.name))
        roots = [DEVICE, DEVICE / "fakes", self.places.umqtt]
        for root in roots:
            for source in root.glob("*.py" if root != self.places.umqtt else "umqtt/*.py"):
                self._compile_one(source, source.relative_to(root))
        if self.places.mqtt_as:
            found = self.places.mqtt_as
            source = found / "__init__.py" if found.is_dir() else found
            self._compile_one(source, Path("mqtt_as.py"))

    def _compile_one(self, source: Path, name: Path) -> None:
        mpy.compile_file(source, (self.folder / name).with_suffix(".mpy"), name.name)
        self._keep_source(source, name)

    def _keep_source(self, source: Path, name: Path) -> None:
        target = self.folder / "sources" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)

    def argv(
        self, interpreter: str, module: str, heap: int = 0, sources: bool = False
    ) -> list[str]:
        """The start of a command that runs one of our modules, from .mpy or from sources."""
        if interpreter == "cpython":
            return [str(toolchain.python()[0]), "-P", str(DEVICE / f"{module}.py")]
        heap = heap or HEAPS[interpreter]
        bits = int(interpreter.removeprefix("micropython"))
        folder = self.folder / "sources" if sources else self.folder
        prefix = ["env", f"MICROPYPATH={folder}:.frozen"]
        return [*prefix, *toolchain.micropython(bits), "-X", f"heapsize={heap}", "-m", module]

    def environment(self) -> dict[str, str]:
        """For CPython: the library, the adapters and the peers."""
        paths = [_library().parent, DEVICE, DEVICE / "for_cpython", self.places.cpython]
        return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), "PYTHONUTF8": "1"}

    def task(self, job: plan.Job, port: int = 0) -> dict[str, Any]:
        """What the process is told."""
        subject = plan.BY_NAME[job.subject]
        plain = (self.deep if job.metric == "recv1" else self.broker).port
        options = dict(subject.options)
        if subject.tls:
            if plain not in self.tls_ports:
                raise BenchError(f"{job.subject}: the broker has no TLS listener")
            port = self.tls_ports[plain]
            options["ca"] = str(self.folder / "ca.crt")
        topic = "bench/" + secrets.token_hex(_TOPIC_SIZE)
        return {
            "subject": subject.adapter,
            "metric": job.metric,
            "host": self.broker.host,
            "port": port or plain,
            "plain_port": plain,
            "topic": topic[:_TOPIC_SIZE],
            "size": job.size,
            "count": job.count,
            "target_ms": job.target_ms,
            "warm": job.warm,
            "options": options,
        }

    def measure(
        self,
        job: plan.Job,
        port: int = 0,
        wrap: Sequence[str] = (),
        heard: Callable[[str], None] = lambda line: None,
    ) -> Sample:
        """Run it; `wrap` is a command to run it under, `heard` is told each line.

        The process waits behind WANT and MARK until what they ask for is done.
        """
        task = self.task(job, port)
        argv = [*wrap, *self.argv(job.interpreter, "rates")]
        with started(argv, self.environment()) as process:
            self.pin(process.pid, 1)
            lines = []
            assert process.stdout is not None and process.stdin is not None
            process.stdin.write(json.dumps(task) + "\n")
            process.stdin.flush()
            for line in process.stdout:
                lines.append(line.rstrip())
                heard(lines[-1])
                if line.startswith("WANT "):
                    self._feed(task, line)
                if line.startswith(("WANT ", "MARK")):
                    process.stdin.write("go\n")
                    process.stdin.flush()
            process.wait(_TIMEOUT)
        return self._sample(job, lines)

    def _feed(self, task: dict[str, Any], line: str) -> None:
        qos, count = (int(word) for word in line.split()[1:])
        payload = b"x" * task["size"]
        feeder.feed(task["host"], task["plain_port"], task["topic"], payload, qos, count)

    @staticmethod
    def _sample(job: plan.Job, lines: list[str]) -> Sample:
        for line in lines:
            if line.startswith("RESULT "):
                found = json.loads(line[7:])
                n = max(1, found["count"])
                wall = max(1, found["wall_us"])
                return Sample(n * 1e6 / wall, found["cpu_us"] / n, found["heap"] / n, n)
        name = f"{job.subject} {job.metric} {job.size} on {job.interpreter}"
        raise BenchError(f"{name}:{workspace.tail(chr(10).join(lines), 8)}")


@contextmanager
def started(argv: Sequence[str], env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A process that is gone afterwards, and never runs for ever."""
    full = [shutil.which("timeout") or "timeout", str(_TIMEOUT), *argv]
    process = subprocess.Popen(
        full,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=env,
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def _library() -> Path:
    named = os.environ.get("UMQTT_FULL_LIB")
    return Path(named) / "umqtt_full" if named else mpy.LIBRARY


def _init() -> Path:
    return _library() / "__init__.py"
