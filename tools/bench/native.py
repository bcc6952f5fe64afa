"""mosquitto_pub, a client in C: how far those of interpreters are from one that is compiled."""

from __future__ import annotations

import secrets
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from functools import partial

from tools import debian, toolchain
from tools.bench.results import Results
from tools.bench.run import Bench, BenchError

NAME = "mosquitto_pub"
# It has 20 messages under way and cannot have fewer. Title, QoS, messages of the shorter run.
_ROWS = (("pub 0", 0, 40000), ("pub 1, 20 in flight", 1, 8000), ("pub 2, 20 in flight", 2, 4000))
_TIMES = 3  # the longer run, for the difference: connecting is in both
_TIMEOUT = 60
_LINE = b"0123456789abcdef\n"  # a message of 16 bytes


def command() -> list[str]:
    """The start of a command line: the program in PATH, or Debian's, which is fetched."""
    found = shutil.which(NAME)
    if found:
        return [found]
    recipe = debian.Recipe(
        "mosquitto-clients", toolchain.RELEASE, debian.architecture(), ("mosquitto-clients",)
    )
    debian.ensure(recipe)
    return debian.program(recipe, f"usr/bin/{NAME}")


def _seconds(bench: Bench, argv: Sequence[str], qos: int, count: int) -> float:
    """How long it takes for that many messages, from its start to its end."""
    topic = ("bench/" + secrets.token_hex(9))[:24]
    to = ["-h", bench.broker.host, "-p", str(bench.broker.port), "-t", topic, "-q", str(qos)]
    start = time.perf_counter()
    with subprocess.Popen(
        [*argv, *to, "-l"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        bench.pin(process.pid, 1)
        try:
            text, _ = process.communicate(_LINE * count, _TIMEOUT)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise BenchError(f"{NAME} at QoS {qos} takes more than {_TIMEOUT} s") from error
        if process.returncode:
            raise BenchError(f"{NAME} at QoS {qos}: {text.decode(errors='replace').strip()}")
    return time.perf_counter() - start


def _measure(bench: Bench, results: Results, rounds: int) -> None:
    argv = command()
    for title, qos, count in _ROWS:
        once = partial(_seconds, bench, argv, qos)
        more = [once(_TIMES * count) - once(count) for _ in range(rounds)]
        spent = statistics.median(more)
        if spent <= 0:
            raise BenchError(f"{NAME} at QoS {qos}: the machine is too busy to tell")
        results.set_fact("native", NAME, title, (_TIMES - 1) * count / spent)


def everything(
    bench: Bench,
    results: Results,
    attempt: Callable[[str, Callable[[], None]], None],
    rounds: int,
) -> None:
    """Fill the table, where the program can be had."""

    def measure() -> None:
        try:
            _measure(bench, results, rounds)
        except toolchain.ToolchainError as error:  # no Debian, no network: a row less
            raise BenchError(str(error)) from error

    attempt(f"{NAME}, which is C", measure)
