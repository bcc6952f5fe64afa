"""One layer on one library, until it fails: `python -m chaos.layer chaos VERSION RUNS`.

Or `… cuts VERSION`. The library is that of UMQTT_FULL_LIB. The exit status is 1 as soon as
anything is noticed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(HERE), str(HERE / "device")]
sys.path.insert(0, os.environ.get("UMQTT_FULL_LIB", str(HERE.parent / "lib")))


def main(layer: str, version: int, runs: int = 0) -> int:
    """Run it; 1 if it noticed something."""
    import cuts

    from chaos.guard import run_guarded
    from chaos.history import make

    if layer == "chaos":
        histories = (make(seed, version) for seed in range(1, runs + 1))
    else:
        histories = (one for front in cuts.FRONTS for _, one in cuts.cases(front, version))
    for history in histories:
        failure = run_guarded(history).world.failure
        if failure is not None:
            print(history["seed"], *failure)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *(int(one) for one in sys.argv[2:])))
