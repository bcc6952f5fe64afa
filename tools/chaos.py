"""Random histories against a model of both ends: `python -m tools.chaos [--runs N] [--seed S]`.

Each history is made from its number, so what failed can be repeated. Those with an even number
are played in MQTT 3.1.1, the others in 5.0; with `--version` all in one. A failure is shrunk and
printed with its packets, as a file that `--replay FILE` reads. `--faults` breaks copies of the
library in known ways and tells which of them are noticed. UMQTT_FULL_LIB names another library.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import signal
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tools import command
from tools.workspace import ROOT

for _place in ("host_tests", "host_tests/device"):
    sys.path.insert(0, str(ROOT / _place))
sys.path.insert(0, os.environ.get("UMQTT_FULL_LIB", str(ROOT / "lib")))
warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)

from chaos.guard import run_guarded  # noqa: E402
from chaos.history import make  # noqa: E402
from chaos.shrink import Shrinker, failure_of, sort_of, written  # noqa: E402

VERSIONS = (4, 5)
_CHUNK = 100  # histories that a process plays at a time
_SECONDS = 60.0  # without --runs
_SHOWN = 3  # failures that are shrunk
_TRACE = 80  # lines of a trace
_PAUSE = 5.0  # seconds between lines of progress

Found = tuple[int, str]  # seed, sort of the failure


def play(seeds: range, versions: Sequence[int]) -> tuple[list[Found], Counter[str]]:
    """Play histories; what failed, and how much has happened in them."""
    found: list[Found] = []
    counts: Counter[str] = Counter()
    for seed in seeds:
        version = version_of(seed, versions)
        sim = run_guarded(make(seed, version))
        counts.update(sim.ledger.counts)
        counts[f"histories of version {version}"] += 1
        if sim.world.failure is not None:
            found.append((seed, sort_of(sim.world.failure)))
    return found, counts


def version_of(seed: int, versions: Sequence[int]) -> int:
    """Which version of MQTT a history is played in: they take turns."""
    return versions[seed % len(versions)]


def chunks(seed: int, runs: int | None, seconds: float) -> Iterator[range]:
    """The numbers of the histories, until there are enough or the time is over."""
    end = time.monotonic() + seconds
    at = seed
    while at < seed + runs if runs else time.monotonic() < end:
        n = min(_CHUNK, seed + runs - at) if runs else _CHUNK
        yield range(at, at + n)
        at += n


def campaign(
    seed: int,
    runs: int | None,
    seconds: float,
    most: int = 20,
    quiet: bool = False,
    versions: Sequence[int] = VERSIONS,
) -> tuple[int, list[Found], Counter[str]]:
    """Play histories on all processors; stop early when `most` have failed."""
    done, counts = 0, Counter[str]()
    found: list[Found] = []
    start = shown = time.monotonic()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # a pool half made does not end
    with multiprocessing.Pool(initializer=command.deaf) as pool:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        jobs: list[Any] = []
        todo = chunks(seed, runs, seconds)
        more = True
        while more or jobs:
            while more and len(jobs) < 2 * (os.cpu_count() or 1) and len(found) < most:
                part = next(todo, None)
                more = part is not None
                if part is not None:
                    jobs.append((len(part), pool.apply_async(play, (part, versions))))
            if not jobs:
                break
            n, job = jobs.pop(0)
            some, events = job.get()
            done += n
            found += some
            counts.update(events)
            if not quiet and time.monotonic() - shown > _PAUSE:
                shown = time.monotonic()
                rate = done / (shown - start)
                print(f"chaos: {done} histories, {rate:.0f}/s, {len(found)} failed", flush=True)
    return done, found, counts


def show(history: dict[str, Any], name: str) -> None:
    """Print a failing history, short, with what happened in it; and keep it."""
    sim = run_guarded(history)
    folder = ROOT / "build" / "chaos"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(written(history) + "\n", encoding="utf-8")
    print(f"--- {name}: replay with python3 -m tools.chaos --replay {path.relative_to(ROOT)}")
    print(written(history))
    for at, line in sim.world.trace[-_TRACE:]:
        print(f"{at:8} ms  {line}"[:160])


def read(path: Path) -> dict[str, Any]:
    """A history from a file; ValueError says why there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} holds no history: {error}") from None
    form = {"seed": int, "config": dict, "steps": list}
    if not isinstance(found, dict) or any(
        not isinstance(found.get(name), kind) for name, kind in form.items()
    ):
        raise ValueError(f"{path} holds no history: it has to have {', '.join(form)}")
    return found


def replay(history: dict[str, Any]) -> int:
    """Play one history, with all that happens in it."""
    sim = run_guarded(history)
    for at, line in sim.world.trace:
        print(f"{at:8} ms  {line}"[:200])
    rule, text = sim.world.failure or ("", "")
    print(f"replay {'FAILED: ' + rule + ' ' + text if rule else 'passed'}")
    return 1 if rule else 0


def report(found: Sequence[Found], versions: Sequence[int]) -> None:
    """Shrink and print the first failures of different sorts."""
    kinds: dict[str, int] = {}
    for seed, kind in sorted(found):
        kinds.setdefault(kind, seed)
    for kind, seed in list(kinds.items())[:_SHOWN]:
        print(f"history {seed} failed ({kind}); it is made shorter …", flush=True)
        history = make(seed, version_of(seed, versions))
        show(dict(Shrinker(history, failure_of).shrink()), f"history-{seed}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Play histories; 0 when each of them held."""
    parser = argparse.ArgumentParser(prog="python3 -m tools.chaos", description=__doc__)
    parser.add_argument("--runs", type=command.count, help="how many histories")
    parser.add_argument(
        "--seconds", type=command.seconds, default=_SECONDS, help="how long, without --runs"
    )
    parser.add_argument(
        "--seed", type=command.number, default=1, help="number of the first history"
    )
    parser.add_argument(
        "--version", type=int, choices=VERSIONS, help="of MQTT; without it both, in turns"
    )
    parser.add_argument("--replay", type=Path, metavar="FILE", help="play one from a file")
    parser.add_argument("--faults", action="store_true", help="which planted faults are noticed?")
    options = parser.parse_args(arguments)
    if options.replay:
        try:
            return replay(read(options.replay))
        except ValueError as error:
            parser.error(str(error))
    if options.faults:
        from chaos.planted import judge

        return judge(options.runs or 2000)
    start = time.monotonic()
    versions = (options.version,) if options.version else VERSIONS
    done, found, counts = campaign(options.seed, options.runs, options.seconds, versions=versions)
    report(found, versions)
    took = time.monotonic() - start
    events = ", ".join(f"{counts[name]} {name}" for name in sorted(counts))
    verdict = f"FAILED: {len(found)} of {done} histories" if found else f"passed: {done} histories"
    print(f"chaos {verdict} from {options.seed} on, {events}, {took:.0f} s")
    return 1 if found else 0


if __name__ == "__main__":
    command.run("chaos", main)
