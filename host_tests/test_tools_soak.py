"""`make soak`: when it says that a heap is not flat, and what it is given."""

from __future__ import annotations

import random

import pytest

from tools import soak

HOURS = 1 / 6
SAMPLES = 600


def samples(leak_bytes_an_hour: float, noise: int = 400) -> list[tuple[float, int]]:
    """A heap in use that goes up and down with what is under way, and perhaps rises."""
    chance = random.Random(1)
    times = [HOURS * number / SAMPLES for number in range(SAMPLES)]
    return [(at, int(50000 + leak_bytes_an_hour * at + chance.randrange(noise))) for at in times]


def test_a_flat_heap_is_flat() -> None:
    assert soak.rising(samples(0)) == []


def test_a_warm_up_is_passed_over() -> None:
    """Modules load and tables grow to their size in it."""
    warm = [(at, size - 9000 if at < HOURS / 4 else size) for at, size in samples(0)]
    assert soak.rising(warm) == []


@pytest.mark.parametrize("outages", [20, 60])
def test_a_block_an_outage_is_too_much(outages: int) -> None:
    """16 bytes each, of `outages` in ten minutes with traffic that leaks as much in between."""
    leak = 16 * outages / HOURS + 16 * 6000 / 100 / HOURS
    (text,) = soak.rising(samples(leak))
    assert text.startswith("the heap rises: by ")


def test_too_little_was_seen() -> None:
    assert soak.rising(samples(0)[:20]) == ["only 20 samples of the heap"]
    assert soak.rising([]) == ["only 0 samples of the heap"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--minutes", "0"],
        ["--minutes", "-3"],
        ["--minutes", "x"],
        ["--every", "0"],
        ["--minutes", "0.2"],
        ["--minutes", "0.9"],
    ],
)
def test_no_time_is_refused(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(soak, "soak", lambda *_: pytest.fail("it has begun"))
    with pytest.raises(SystemExit) as ended:
        soak.main(arguments)
    assert ended.value.code == 2
    assert arguments[0] in capsys.readouterr().err


@pytest.mark.parametrize(("minutes", "every"), [("60", 180.0), ("2", 6.0)])
def test_outages_are_a_twentieth_of_the_time_apart(
    minutes: str, every: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fake(*given: object) -> int:
        assert given == (float(minutes), every, "80k")
        return 7

    monkeypatch.setattr(soak, "soak", fake)
    assert soak.main(["--minutes", minutes]) == 7


def test_the_least_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        soak.main(["--minutes", "0.2"])
    assert f"must be {soak.LEAST_MINUTES} at least" in capsys.readouterr().err
    assert soak.LEAST_MINUTES * 60 / 2.3 > soak.SAMPLES  # with a little more than 2 s for each
