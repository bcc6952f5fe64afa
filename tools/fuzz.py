"""Feed the session what no broker should send: `python3 -m tools.fuzz MODE [options]`.

    mutate    valid packets, mutated: --packets 1000000 --seed 1, in several processes
    mutate5   the same for MQTT 5.0, with properties, aliases and reason codes
    send      any arguments to publish, subscribe, connect: --calls 100000 --seed 1
    cover     coverage-guided, with atheris: --seconds 60
    replay    FILE…: these cases again
    corpus    write the corpus anew: what `mutate` and `cover` found worth keeping

A case that breaks a rule is printed with how to play it again: its bytes, which go to
build/fuzz/, or its number, for `--case`. The last line is the result.
"""

from __future__ import annotations

import argparse
import faulthandler
import hashlib
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from tools import command, extras, toolchain, workspace

TESTS = workspace.ROOT / "host_tests"
CORPUS = TESTS / "corpus"
FOUND = workspace.ROOT / "build" / "fuzz"
_CHUNK = 5000  # cases that one task runs
_HANG_S = 60  # a chunk takes a few seconds
_AGAIN = "python3 -m tools.fuzz"
_SIZE = 48000  # bytes of the whole corpus at most
_LIBRARY = os.environ.get("UMQTT_FULL_LIB", str(workspace.ROOT / "lib"))


def prepare() -> None:
    """Make the library and the fuzz targets importable."""
    for place in (TESTS, TESTS / "device", Path(_LIBRARY)):
        if str(place) not in sys.path:
            sys.path.insert(0, str(place))


def _judged(
    first: int, count: int, judge: Callable[[int], dict[str, int]], again: Callable[[int], str]
) -> tuple[Counter[str], list[str]]:
    """What `count` cases came to; of each that broke a rule, how and how to play it `again`."""
    counts: Counter[str] = Counter(packets=0)
    broken = []
    faulthandler.dump_traceback_later(_HANG_S, exit=True)
    for seed in range(first, first + count):
        try:
            counts.update(judge(seed))
        except Exception as error:
            told = f"case {seed}: {type(error).__name__}: {error!s:.200}"
            broken.append(f"{told}: again with {_AGAIN} {again(seed)}")
    faulthandler.cancel_dump_traceback_later()
    return counts, broken


def _mutate_chunk(first: int, count: int) -> tuple[Counter[str], list[str]]:
    prepare()
    import fuzz_mutate  # type: ignore[import-not-found]
    import fuzz_oracle  # type: ignore[import-not-found]

    def judge(seed: int) -> dict[str, int]:
        data, packets = fuzz_mutate.case(seed)
        return {fuzz_oracle.judge(data): 1, "packets": packets}

    return _judged(first, count, judge, lambda seed: f"replay {keep(fuzz_mutate.case(seed)[0])}")


def _mutate5_chunk(first: int, count: int) -> tuple[Counter[str], list[str]]:
    prepare()
    import fuzz_mutate5  # type: ignore[import-not-found]

    def judge(seed: int) -> dict[str, int]:
        outcome, packets = fuzz_mutate5.judge(seed)
        return {outcome: 1, "packets": packets}

    return _judged(first, count, judge, lambda seed: f"mutate5 --case {seed}")


def _send_chunk(first: int, count: int) -> tuple[Counter[str], list[str]]:
    prepare()
    import fuzz_send  # type: ignore[import-not-found]

    def judge(seed: int) -> dict[str, int]:
        found = fuzz_send.judge(seed)
        return {**found, "packets": sum(found.values())}

    return _judged(first, count, judge, lambda seed: f"send --case {seed}")


def keep(data: bytes) -> str:
    """Write a case that broke something; where it is."""
    FOUND.mkdir(parents=True, exist_ok=True)
    path = FOUND / f"{hashlib.sha256(data).hexdigest()[:16]}.bin"
    path.write_bytes(data)
    return str(path.relative_to(workspace.ROOT))


Chunk = Callable[[int, int], tuple[Counter[str], list[str]]]


def run(chunk: Chunk, goal: int, seed: int, size: int) -> int:
    """Run chunks until so many packets or calls were judged; 0 if none broke a rule."""
    start = time.monotonic()
    counts: Counter[str] = Counter(packets=0)
    broken: list[str] = []
    first = seed * 10_000_000
    workers = os.cpu_count() or 1
    with ProcessPoolExecutor(workers, initializer=command.deaf) as pool:
        try:
            while counts["packets"] < goal and len(broken) < 20:
                tasks = [pool.submit(chunk, first + k * size, size) for k in range(workers)]
                for task in tasks:
                    found, bad = task.result()
                    counts.update(found)
                    broken += bad
                first += workers * size
        except BrokenProcessPool:  # it has said on stderr where it was
            last = first + workers * size - 1
            broken.append(f"a process died, or was stuck for {_HANG_S} s: cases {first} to {last}")
    return report(counts, broken, f"seed {seed}", start)


def once(chunk: Chunk, number: int) -> int:
    """Run one case; 0 if it breaks no rule."""
    start = time.monotonic()
    counts, broken = chunk(number, 1)
    return report(counts, broken, f"case {number}", start)


def report(counts: Counter[str], broken: Sequence[str], what: str, start: float) -> int:
    """Print what broke a rule, and the result; 0 if nothing did."""
    for text in broken[:20]:
        print(text)
    judged = counts.pop("packets")
    outcomes = ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))
    took = time.monotonic() - start
    print(f"fuzz {'FAILED' if broken else 'passed'}: {what}, {judged} judged, "
          f"{len(broken)} broke a rule; {outcomes}; {took:.0f} s")  # fmt: skip
    return 1 if broken else 0


def replay(paths: Sequence[Path]) -> int:
    """Judge the bytes of files; 0 if none breaks a rule."""
    prepare()
    import fuzz_oracle

    broken = 0
    for path in paths:
        data = path.read_bytes()
        try:
            print(f"{path}: {len(data)} bytes, {fuzz_oracle.judge(data)}")
        except Exception as error:
            broken += 1
            print(f"{path}: {len(data)} bytes, {type(error).__name__}: {error}")
    verdict = "FAILED" if broken else "passed"
    print(f"fuzz {verdict}: {len(paths)} cases again, {broken} broke a rule")
    return 1 if broken else 0


_TARGET = """
import sys
import atheris
with atheris.instrument_imports(include=["umqtt_full"]):
    import umqtt_full.session
import fuzz_oracle
atheris.Setup(sys.argv, fuzz_oracle.judge)
atheris.Fuzz()
"""


def cover(seconds: int, folder: Path) -> int:
    """Let atheris look for new paths, from the corpus on; what it finds goes to `folder`."""
    packages = extras.ensure("fuzz")
    folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(saved()):
        (folder / f"saved{number}").write_bytes(data)
    paths = [str(packages), _LIBRARY, str(TESTS / "device"), str(TESTS)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    argv = [*toolchain.python(), "-c", _TARGET, str(folder), "-max_len=600"]
    argv += [f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=1024"]
    argv += [f"-artifact_prefix={FOUND}/", "-print_final_stats=1", "-verbosity=0"]
    result = workspace.run(argv, seconds + 120, env)
    lines = result.stdout.splitlines()
    stats = {line.split()[0].rstrip(":"): line.split()[-1] for line in lines if "stat::" in line}
    if result.returncode:
        print("\n".join(lines[-25:]))
        for path in sorted(FOUND.glob("*-*"), key=lambda one: one.stat().st_mtime)[-1:]:
            print(f"again with {_AGAIN} replay {path.relative_to(workspace.ROOT)}")
    executed = stats.get("stat::number_of_executed_units", "?")
    verdict = "FAILED" if result.returncode else "passed"
    print(f"fuzz {verdict}: {executed} cases guided by coverage, {seconds} s")
    return 1 if result.returncode else 0


def saved() -> list[bytes]:
    """The cases of the corpus."""
    path = CORPUS / "cases.hex"
    return [bytes.fromhex(line) for line in path.read_text().split()] if path.is_file() else []


def signature(data: bytes) -> tuple[str, int, frozenset[tuple[str, int]]]:
    """What a case shows: outcome, sizes, and which lines of the library it reaches."""
    import fuzz_oracle

    lines: set[tuple[str, int]] = set()

    def trace(frame, event, _argument):  # type: ignore[no-untyped-def]
        if "umqtt_full" not in frame.f_code.co_filename:
            return None
        lines.add((frame.f_code.co_name, frame.f_lineno))
        return trace

    sys.settrace(trace)
    try:
        outcome = fuzz_oracle.judge(data)
    finally:
        sys.settrace(None)
    return outcome, data[0] & 0x3F if data else 0, frozenset(lines)


def corpus(folder: Path) -> int:
    """Keep the smallest cases that reach every line, and every outcome with every size."""
    prepare()
    import fuzz_mutate

    cases = [path.read_bytes() for path in sorted(folder.glob("*"))] if folder.is_dir() else []
    cases += saved()
    cases += [fuzz_mutate.case(seed)[0] for seed in range(6000)]
    kept: list[bytes] = []
    seen: set[object] = set()
    for data in sorted(set(cases), key=len):
        outcome, sizes, lines = signature(data)
        news = {(outcome, sizes), *((name, sizes & 7) for name in lines)} - seen
        if news and sum(map(len, kept)) + len(data) < _SIZE:
            seen |= news
            kept.append(data)
    CORPUS.mkdir(exist_ok=True)
    (CORPUS / "cases.hex").write_text("".join(data.hex() + "\n" for data in kept))
    print(f"corpus: {len(kept)} cases, {sum(map(len, kept))} bytes")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python3 -m tools.fuzz", description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)  # fmt: skip
    parser.add_argument("mode", choices=("mutate", "mutate5", "send", "cover", "replay", "corpus"))
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="cases to replay")
    parser.add_argument("--packets", type=command.count, default=1_000_000)
    parser.add_argument("--calls", type=command.count, default=100_000)
    parser.add_argument("--seconds", type=command.count, default=60)
    parser.add_argument("--seed", type=command.number, default=1)
    parser.add_argument(
        "--case", type=command.number, help="this one of mutate, mutate5 or send alone"
    )
    options = parser.parse_args(arguments)
    if bool(options.files) != (options.mode == "replay"):
        parser.error("replay needs files, and nothing else does")
    if missing := [str(one) for one in options.files if not one.is_file()]:
        parser.error(f"there is no {missing[0]}")
    return start(options)


_CHUNKS = {"mutate": _mutate_chunk, "mutate5": _mutate5_chunk, "send": _send_chunk}


def start(options: argparse.Namespace) -> int:
    """What was asked for."""
    chunk = _CHUNKS.get(options.mode)
    if chunk and options.case is not None:
        return once(chunk, options.case)
    if chunk is _send_chunk:
        return run(chunk, options.calls, options.seed, max(1, min(1000, options.calls // 16)))
    if chunk:
        size = max(1, min(_CHUNK, options.packets // 8))
        return run(chunk, options.packets, options.seed, size)
    if options.mode == "cover":
        return cover(options.seconds, FOUND / "found")
    if options.mode == "replay":
        return replay(options.files)
    return corpus(FOUND / "found")


if __name__ == "__main__":
    command.run("fuzz", main)
