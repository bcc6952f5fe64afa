"""What a client puts on the wire: writes, segments, bytes, and what a long way costs it."""

from __future__ import annotations

import re
import select
import shutil
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.bench import plan
from tools.bench.results import Results
from tools.bench.run import Bench, BenchError

COUNT = 20
TRIP_S = 0.1
# of Linux's struct tcp_info: tcpi_data_segs_in, tcpi_bytes_received
_SEGMENTS_IN = 152
_COUNTERS = (("I", _SEGMENTS_IN), ("Q", 128))
_WRITES = {"write", "writev", "send", "sendto", "sendmsg"}
_READS = {"read", "readv", "recv", "recvfrom", "recvmsg", "poll", "ppoll", "ppoll_time64",
          "select", "pselect6", "epoll_wait", "epoll_pwait", "_newselect"}  # fmt: skip
_CALL = re.compile(r"^(?:\d+ +)?(\w+)\((\d+)?[^=]*")
_MINIMUM = {0: 44, 1: 46, 2: 50}  # sent by the client for one message, 24 + 16 bytes


class Proxy:
    """A way to the broker that can be long, and that counts what the client sends."""

    def __init__(self, target: tuple[str, int], delay_s: float = 0.0) -> None:
        self._target = target
        self._delay = delay_s
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._client: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def received(self) -> tuple[int, int] | None:
        """TCP segments and bytes that came from the client; None where Linux does not tell."""
        option = getattr(socket, "TCP_INFO", None)
        if option is None or self._client is None:
            return None
        info = self._client.getsockopt(socket.IPPROTO_TCP, option, 256)
        if len(info) < _SEGMENTS_IN + 4:
            return None
        segments, size = (struct.unpack_from(kind, info, at)[0] for kind, at in _COUNTERS)
        return int(segments), int(size)

    def _run(self) -> None:
        client, _ = self._listener.accept()
        self._listener.close()
        self._client = client
        server = socket.create_connection(self._target)
        for sock in (client, server):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ways = {client: server, server: client}
        queue: deque[tuple[float, socket.socket, bytes]] = deque()
        while True:
            wait = max(0.0, queue[0][0] - time.monotonic()) if queue else 5.0
            readable, _, _ = select.select(list(ways), [], [], wait)
            for sock in readable:
                try:
                    data = sock.recv(65536)
                except OSError:
                    data = b""
                if not data:
                    server.close()
                    return
                queue.append((time.monotonic() + self._delay, ways[sock], data))
            while queue and queue[0][0] <= time.monotonic():
                _, target, data = queue.popleft()
                target.sendall(data)

    def close(self) -> None:
        """Forget the client."""
        self._thread.join(2)
        if self._client is not None:
            self._client.close()


def count_calls(trace: str) -> tuple[int, int]:
    """Writes, and reads and polls, between the two marks of a trace of system calls."""
    writes = reads = 0
    counting = False
    for line in trace.splitlines():
        if "bench-mark-" in line:
            counting = "bench-mark-1" in line
            continue
        match = _CALL.match(line)
        if not counting or not match:
            continue
        if match[1] in _WRITES and match[2] != "1":  # 1: what it prints
            writes += 1
        elif match[1] in _READS:
            reads += 1
    return writes, reads


def traced(bench: Bench, job: plan.Job) -> tuple[int, int] | None:
    """Count the system calls of a job's last stage; None without strace."""
    strace = shutil.which("strace")
    if not strace:
        return None
    with TemporaryDirectory() as folder:
        file = Path(folder) / "trace"
        bench.measure(job, wrap=(strace, "-f", "-qq", "-o", str(file)))
        return count_calls(_last_stage(file.read_text(errors="replace")))


def _last_stage(trace: str) -> str:
    return trace[max(0, trace.rfind("bench-mark-1") - 200) :]


def apart(bench: Bench, results: Results, subject: str, qos: int) -> None:
    """Publishes with pauses between them: segments and bytes of each, then system calls."""
    job = plan.Job("micropython64", subject, f"apart{qos}", 16, COUNT)
    proxy = Proxy((bench.broker.host, bench.broker.port))
    seen: list[tuple[int, int] | None] = []

    def heard(line: str) -> None:
        if line == "MARK":
            seen.append(proxy.received())

    bench.measure(job, port=proxy.port, heard=heard)
    proxy.close()
    before, after = seen
    row = plan.BY_NAME[subject].name
    if before is not None and after is not None:
        segments, size = (after[i] - before[i] for i in (0, 1))
        least = _MINIMUM[qos] + (plan.BY_NAME[subject].options.get("version") == 5)  # properties
        results.set_fact("wire", row, f"segments {qos}", segments / COUNT)
        results.set_fact("wire", row, f"bytes {qos}", size / COUNT)
        results.set_fact("wire", row, f"surplus {qos}", size / COUNT - least)
    calls = traced(bench, job)
    if calls is not None:
        results.set_fact("wire", row, f"writes {qos}", calls[0] / COUNT)
        results.set_fact("wire", row, f"reads and polls {qos}", calls[1] / COUNT)


def trip(bench: Bench, results: Results, subject: str, metric: str, column: str) -> None:
    """Fifty publishes over a round trip of 100 ms."""
    proxy = Proxy((bench.deep.host, bench.deep.port), TRIP_S / 2)
    job = plan.Job("micropython64", subject, metric, 16, 50)
    sample = bench.measure(job, port=proxy.port)
    proxy.close()
    results.set_fact("wire", plan.BY_NAME[subject].name, column, sample.count / sample.rate)


def everything(
    bench: Bench,
    results: Results,
    chosen: list[plan.Subject],
    attempt: Callable[[str, Callable[[], None]], None],
    quick: bool,
) -> None:
    """Fill the table of the wire."""
    for subject in chosen:
        name = subject.name
        if "micropython64" not in subject.interpreters or subject.adapter in ("ahead", "asyncio"):
            continue
        if subject.tls:  # the proxy leads to the plain listener
            continue
        if quick and name not in ("Client", "AsyncClient"):
            continue
        for qos in (0, 1, 2):
            if subject.does("micropython64", f"pub{qos}"):
                what = f"wire: {name}, QoS {qos}"
                attempt(what, lambda n=name, q=qos: apart(bench, results, n, q))  # type: ignore[misc]
        _trips(bench, results, subject, attempt, quick)


def _trips(
    bench: Bench,
    results: Results,
    subject: plan.Subject,
    attempt: Callable[[str, Callable[[], None]], None],
    quick: bool,
) -> None:
    columns = [("pub1w50", "trip 1"), ("pub2w50", "trip 2")]
    if not quick:
        columns.insert(0, ("pub1", "trip 1, one by one"))
    for metric, column in columns:
        known = metric.replace("w50", "w10") if metric == "pub2w50" else metric
        if subject.does("micropython64", known):
            attempt(
                f"wire: {subject.name}, {column}",
                lambda m=metric, c=column: trip(bench, results, subject.name, m, c),  # type: ignore[misc]
            )


__all__ = ["BenchError", "Proxy", "apart", "count_calls", "everything", "traced", "trip"]
