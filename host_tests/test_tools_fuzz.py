"""`tools/fuzz.py`, as it is started: what it is given; what it finds can be seen again."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from chaos.planted import FAULTS, plant
from running import ROOT

from tools import fuzz

WHAT = "a violation is overlooked"
LEFT_BEHIND = "half a packet received is kept for the next connection"


def started(*arguments: str, library: Path) -> subprocess.CompletedProcess[str]:
    """Run it in a process of its own, on a library."""
    return subprocess.run(
        [sys.executable, "-m", "tools.fuzz", *arguments],
        cwd=ROOT, env=dict(os.environ, UMQTT_FULL_LIB=str(library)), capture_output=True,
        text=True, timeout=100, check=False,
    )  # fmt: skip


def test_what_breaks_a_rule_is_kept_and_breaks_it_again(tmp_path: Path) -> None:
    (fault,) = (one for one in FAULTS if one[0] == WHAT)
    library = tmp_path / "lib"
    plant(fault, library)
    result = started("mutate", "--packets", "400", "--seed", "3", library=library)
    assert result.returncode == 1
    assert re.match(r"fuzz FAILED: seed 3, \d+ judged, ", result.stdout.splitlines()[-1])
    found = re.search(r"case (\d+): Broken: .* again with .* replay (\S+)", result.stdout)
    assert found
    kept = tmp_path / "case.bin"
    shutil.copy(ROOT / found[2], kept)
    for path in re.findall(r"replay (build/fuzz/\S+)", result.stdout):
        (ROOT / path).unlink(missing_ok=True)
    for arguments in (["replay", str(kept)], ["mutate", "--case", found[1]]):
        again = started(*arguments, library=library)
        assert again.returncode == 1 and " broke a rule" in again.stdout, arguments
        good = started(*arguments, library=ROOT / "lib")
        assert good.returncode == 0 and "0 broke a rule" in good.stdout, arguments


def test_mutations_of_5_see_what_is_sent_and_what_is_left_behind(tmp_path: Path) -> None:
    """They have no oracle, so a fault has to show in the answers or in the next connection."""
    (fault,) = (one for one in FAULTS if one[0] == LEFT_BEHIND)
    library = tmp_path / "lib"
    plant(fault, library)
    result = started("mutate5", "--packets", "6000", library=library)
    found = re.search(r"case (\d+): .* again with .* mutate5 --case \1", result.stdout)
    assert result.returncode == 1 and found
    assert started("mutate5", "--case", found[1], library=library).returncode == 1
    assert started("mutate5", "--case", found[1], library=ROOT / "lib").returncode == 0


def dies(_first: int, _count: int) -> tuple[Counter[str], list[str]]:
    """As one that is stuck does after its time."""
    os._exit(1)


def test_a_process_that_dies_is_told_with_its_cases(capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz.run(dies, 100, 2, 10) == 1
    lines = capsys.readouterr().out.splitlines()
    last = 20_000_000 + (os.cpu_count() or 1) * 10 - 1
    assert lines[0].endswith(f"cases 20000000 to {last}")
    assert lines[-1].startswith("fuzz FAILED: seed 2, 0 judged, 1 broke a rule")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [(["mutate", "--packets", "0"], "--packets"), (["send", "--calls", "-1"], "--calls"),
     (["cover", "--seconds", "0"], "--seconds"), (["replay"], "replay needs files"),
     (["replay", "nothing-here"], "there is no nothing-here"),
     (["mutate", "README.md"], "nothing else does")],
)  # fmt: skip
def test_what_would_judge_nothing_is_refused(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        fuzz.main(arguments)
    assert ended.value.code == 2
    assert text in capsys.readouterr().err
