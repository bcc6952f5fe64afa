"""`make chaos`, as it is started: what it is given, how it ends, what a failure leaves behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from chaos.planted import FAULTS, plant
from running import ROOT

from tools import chaos, command

LIMIT_S = 100
WHAT = "QoS 2 is not deduplicated"


def started(
    *arguments: str, library: Path | None = None, patience: float = LIMIT_S
) -> subprocess.CompletedProcess[str]:
    """Run it in a process of its own."""
    env = dict(os.environ, **({"UMQTT_FULL_LIB": str(library)} if library else {}))
    argv = [sys.executable, "-m", "tools.chaos", *arguments]
    return subprocess.run(
        argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=patience, check=False
    )


def test_the_last_line_is_the_result_and_says_from_where(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert chaos.main(["--runs", "20", "--seed", "77"]) == 0
    assert (
        capsys.readouterr()
        .out.splitlines()[-1]
        .startswith("chaos passed: 20 histories from 77 on, ")
    )


@pytest.mark.parametrize(
    "arguments",
    [["--runs", "0"], ["--runs", "-5"], ["--runs", "abc"], ["--seconds", "0"],
     ["--seconds", "nan"], ["--seconds", "-1"], ["--seconds", "inf"], ["--seed", "x"]],
    ids=" ".join,
)  # fmt: skip
def test_a_number_that_plays_nothing_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """No history played is no history that held."""
    with pytest.raises(SystemExit) as ended:
        chaos.main(arguments)
    assert ended.value.code == 2
    assert arguments[0] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "why"),
    [(None, "No such file"), ("# no", "Expecting value"), ("[]", "it has to have seed"),
     ('{"config": {}, "steps": []}', "it has to have seed")],
)  # fmt: skip
def test_a_file_without_a_history_is_told(
    text: str | None, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "history.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SystemExit) as ended:
        chaos.main(["--replay", str(path)])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert "holds no history" in error and why in error


def test_what_fails_is_made_short_kept_and_fails_again(tmp_path: Path) -> None:
    """The whole way: a fault, a history that meets it, its file, and what that shows."""
    (fault,) = (one for one in FAULTS if one[0] == WHAT)
    library = tmp_path / "lib"
    plant(fault, library)
    result = started("--runs", "200", "--seed", "5", library=library)
    assert result.returncode == 1
    assert re.match(
        r"chaos FAILED: \d+ of 200 histories from 5 on", result.stdout.splitlines()[-1]
    )
    found = re.search(r"replay with python3 -m tools.chaos --replay (\S+)", result.stdout)
    assert found
    kept = tmp_path / "history.json"
    shutil.move(ROOT / found[1], kept)
    history = json.loads(kept.read_text())
    assert len(history["steps"]) < 10
    again = started("--replay", str(kept), library=library)
    assert again.returncode == 1 and "replay FAILED: I2" in again.stdout.splitlines()[-1]
    good = started("--replay", str(kept))
    assert good.returncode == 0 and good.stdout.splitlines()[-1] == "replay passed"


def deaf_children(pid: int) -> int:
    """How many processes work for this one and do not hear Ctrl-C."""
    count = 0
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        mask = re.search(r"SigIgn:\s*(\w+)", Path(f"/proc/{child}/status").read_text())
        count += bool(mask and int(mask[1], 16) >> signal.SIGINT - 1 & 1)
    return count


# As at a terminal: what a shell starts in the background is deaf to Ctrl-C.
HEARING = """
import runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv[:] = ["tools.chaos", "--seconds", "60"]
runpy.run_module("tools.chaos", run_name="__main__", alter_sys=True)
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux")
def test_ctrl_c_ends_it_with_a_line() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HEARING], cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while deaf_children(process.pid) < (os.cpu_count() or 1):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert out.splitlines()[-1] == "chaos interrupted"
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [(command.count, ["1", "100000"], ["0", "-1", "1.5", "", "x"]),
     (command.seconds, ["0.1", "604800"], ["0", "-1", "nan", "inf", "604801", ""]),
     (command.number, ["0", "-7", "123"], ["", "x", "1.5"]),
     (command.minutes, ["0.1", "60"], ["0", "nan", "10081"])],
)  # fmt: skip
def test_numbers_that_are_taken(kind: object, good: list[str], bad: list[str]) -> None:
    assert callable(kind)
    for text in good:
        assert kind(text) == float(text)
    for text in bad:
        with pytest.raises(chaos.argparse.ArgumentTypeError):
            kind(text)
