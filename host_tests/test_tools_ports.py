"""A loopback port stays its process's, also while nobody listens at it."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tools import ports

ROOT = Path(__file__).parent.parent


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the choice fall on these ports alone, in this order."""

    def choose(*chosen: int) -> None:
        def sample(_range: Sequence[int], _count: int) -> Sequence[int]:
            return chosen

        monkeypatch.setattr(random, "sample", sample)

    return choose


def test_a_port_is_not_given_out_twice(only: Any) -> None:
    first = ports.free_port()
    only(first)
    with pytest.raises(ports.NoPort, match="20000 to 31999"):
        ports.free_port()


def test_where_somebody_listens_is_not_free(only: Any) -> None:
    first, second = ports.free_port(), ports.free_port()
    with socket.create_server((ports.HOST, first)):
        ports._ours -= {first, second}
        only(first, second)
        assert ports.free_port() == second


def test_a_port_of_another_process_is_left_alone_until_that_ends(only: Any) -> None:
    script = "from tools import ports; print(ports.free_port(), flush=True); input()"
    pipe = subprocess.PIPE
    other = subprocess.Popen(
        [sys.executable, "-c", script], stdin=pipe, stdout=pipe, text=True, cwd=ROOT
    )
    assert other.stdout is not None
    theirs, ours = int(other.stdout.readline()), ports.free_port()
    ports._ours.discard(ours)
    only(theirs, ours)
    assert ports.free_port() == ours
    other.kill()
    other.communicate(timeout=10)
    assert ports.free_port() == theirs
