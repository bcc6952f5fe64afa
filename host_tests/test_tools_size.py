"""`make size`: the budget, the search for the smallest heap, what is loaded with what."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools import measure, mpy, size
from tools.measure import Result


def sample() -> Result:
    return Result(
        mpy={"__init__": 300, "errors": 100, "client": 1000, "reason": 50},
        heap={"__init__": 500, "errors": 160, "client": 1500, "reason": 80},
        needs={"Client": ["__init__", "errors", "client"]},
        sums={"Client": 2160},
        adds={"reason": 80},
        smallest={"Client .mpy": 4096, "Client .py": 9000},
    )


def test_a_budget_fits_what_it_was_made_from() -> None:
    budget = size.new_budget(sample())
    assert size.over_budget(sample(), budget) == []
    assert budget["smallest heap"] == {"Client .mpy": size.with_headroom(4096)}
    assert json.loads(json.dumps(budget)) == budget


@pytest.mark.parametrize("number", [1, 16, 100, 1000, 40001])
def test_headroom(number: int) -> None:
    allowed = size.with_headroom(number)
    assert number * 1.02 <= allowed < number * 1.02 + 16
    assert allowed % 16 == 0


def test_growth_is_named_with_number_and_budget() -> None:
    budget = size.new_budget(sample())
    grown = sample()
    grown.mpy["client"] = 1100
    grown.sums["Client"] = 3000
    grown.smallest["Client .mpy"] = 5000
    assert size.over_budget(grown, budget) == [
        "client: 1100 bytes of mpy, the budget is 1024",
        "Client: 3000 bytes of heap, the budget is 2208",
        "Client .mpy: 5000 bytes of smallest heap, the budget is 4192",
    ]


def test_new_and_vanished_modules_are_told() -> None:
    budget = size.new_budget(sample())
    changed = sample()
    changed.mpy["extra"] = changed.mpy.pop("reason")
    assert size.over_budget(changed, budget) == [
        "extra: 50 bytes of mpy, and no budget for it",
        "reason: a budget for mpy, but nothing measured",
    ]


def test_a_module_that_is_not_imported_has_no_heap() -> None:
    result = sample()
    result.mpy["extra"] = 7
    assert ("extra", "7", "not imported") in list(size.module_rows(result))
    assert size.document(result) == size.document(result)


@pytest.mark.parametrize("border", [4097, 5000, 40000, 65536])
def test_bisection(border: int) -> None:
    found = measure.bisect(lambda number: number >= border, 4096, 65536, 128)
    assert border <= found < border + 128


def test_bisection_does_not_trust_luck() -> None:
    """Below 9000 every second attempt works by chance."""
    luck = iter(range(10**6))
    found = measure.bisect(lambda number: number >= 9000 or next(luck) % 2 == 0, 4096, 65536)
    assert found >= 8960


def test_bisection_gives_up() -> None:
    with pytest.raises(measure.MeasureError):
        measure.bisect(lambda number: False, 4096, 8192)


def test_order_of_loading() -> None:
    order = measure.needed("client")
    assert order[0] == "__init__" and order[-1] == "client"
    assert order.index("errors") < order.index("packet") < order.index("session")
    assert not {"_cpython", "reason", "aio"}.intersection(order)
    assert len(set(order)) == len(order)


def test_missing_modules_are_told(tmp_path: Path) -> None:
    (tmp_path / "client.py").write_text("from .gone import x")
    with pytest.raises(measure.MeasureError, match="client imports gone"):
        measure.needed("client", tmp_path)


def test_heap_of_a_module_grows_with_it(tmp_path: Path) -> None:
    """The measurement itself: 1000 bytes more in a module are about 1000 bytes more of heap."""
    package = tmp_path / "umqtt_full"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "a.py").write_text("x = 1")
    (package / "b.py").write_text("x = bytearray(1000)")
    first, small, large = measure.heap_of(tmp_path, ["__init__", "a", "b"])
    assert 950 < large - small < 1150
    assert 0 < first < 700


def test_a_module_that_fails_is_told(tmp_path: Path) -> None:
    (tmp_path / "umqtt_full").mkdir()
    (tmp_path / "umqtt_full/__init__.py").write_text("raise ValueError('planted')")
    with pytest.raises(measure.MeasureError, match="planted"):
        measure.heap_of(tmp_path, ["__init__"])


def test_what_is_compiled_is_what_boards_get(tmp_path: Path) -> None:
    sizes = mpy.compile_library(tmp_path)
    assert "_cpython" not in sizes and "client" in sizes
    assert sorted(path.stem for path in (tmp_path / "umqtt_full").iterdir()) == sorted(sizes)


def test_source_that_does_not_compile(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("def (:")
    with pytest.raises(Exception, match=r"x\.py does not compile"):
        mpy.compile_file(tmp_path / "x.py", tmp_path / "x.mpy", "x.py")
