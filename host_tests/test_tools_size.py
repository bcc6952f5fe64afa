"""`make size`: the budget, the tables, the search for the smallest heap, what needs what."""

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
        needs={"Client": ["__init__", "errors", "client"], "reason adds": ["reason"]},
        loaded={
            ".mpy": {"asyncio": 2064, "Client": 2160, "reason adds": 80},
            "ROMFS": {"asyncio": 2064, "Client": 1100, "reason adds": 60},
            "frozen": {"asyncio": 2064, "Client": 600, "reason adds": 32},
        },
        smallest={
            ".py": {"Client": 9000, "Client, WebSocket": 12000},
            ".mpy": {"Client": 4096, "Client, WebSocket": 6000},
            "frozen": {"Client": 2048, "Client, WebSocket": 3000},
        },
    )


def without(result: Result, way: str, program: str) -> Result:
    """What a machine measures that has no way to this."""
    result.loaded.pop(way, None)
    result.smallest.pop(way, None)
    for sizes in result.smallest.values():
        sizes.pop(program, None)
    result.left_out = {way: "no compiler", program: "no broker"}
    return result


def test_a_budget_fits_what_it_was_made_from() -> None:
    budget = size.new_budget(sample(), {})
    assert size.over_budget(sample(), budget) == []
    assert budget["smallest heap, .mpy"]["Client"] == size.with_headroom(4096)
    assert budget["heap, frozen"] == {"Client": size.with_headroom(600), "reason adds": 48}
    assert json.loads(json.dumps(budget)) == budget


@pytest.mark.parametrize("number", [1, 16, 100, 1000, 40001])
def test_headroom(number: int) -> None:
    allowed = size.with_headroom(number)
    assert number * 1.02 <= allowed < number * 1.02 + 16
    assert allowed % 16 == 0


def test_growth_is_named_with_number_and_budget() -> None:
    budget = size.new_budget(sample(), {})
    grown = sample()
    grown.mpy["client"] = 1100
    grown.loaded[".mpy"]["Client"] = 3000
    grown.loaded["frozen"]["Client"] = 700
    grown.smallest[".mpy"]["Client"] = 5000
    grown.smallest["frozen"]["Client, WebSocket"] = 4000
    assert size.over_budget(grown, budget) == [
        "client: 1100 bytes of mpy, the budget is 1024",
        "Client: 3000 bytes of heap, .mpy, the budget is 2208",
        "Client: 700 bytes of heap, frozen, the budget is 624",
        "Client: 5000 bytes of smallest heap, .mpy, the budget is 4192",
        "Client, WebSocket: 4000 bytes of smallest heap, frozen, the budget is 3072",
    ]


@pytest.mark.parametrize("name", ["asyncio", "Client"])
def test_no_budget_for_what_is_not_ours_or_not_promised(name: str) -> None:
    budget = size.new_budget(sample(), {})
    grown = sample()
    grown.loaded["ROMFS"][name] = grown.smallest[".py"][name] = 10**6
    for sizes in grown.loaded.values():
        sizes["asyncio"] = 10**6
    assert size.over_budget(grown, budget) == []


def test_what_cannot_be_measured_here_is_not_asked_for() -> None:
    budget = size.new_budget(sample(), {})
    here = without(sample(), "frozen", "Client, WebSocket")
    assert size.over_budget(here, budget) == []
    here.left_out = {}
    assert size.over_budget(here, budget) == [
        "Client: a budget for heap, frozen, but nothing measured",
        "reason adds: a budget for heap, frozen, but nothing measured",
        "Client, WebSocket: a budget for smallest heap, .mpy, but nothing measured",
        "Client: a budget for smallest heap, frozen, but nothing measured",
        "Client, WebSocket: a budget for smallest heap, frozen, but nothing measured",
    ]


def test_a_new_budget_keeps_what_cannot_be_measured_here() -> None:
    budget = size.new_budget(sample(), {})
    here = without(sample(), "frozen", "Client, WebSocket")
    here.smallest[".mpy"]["Client"] = 100
    changed = size.new_budget(here, budget)
    assert changed["heap, frozen"] == budget["heap, frozen"]
    assert changed["smallest heap, frozen"] == budget["smallest heap, frozen"]
    assert changed["smallest heap, .mpy"] == {
        "Client": 112,
        "Client, WebSocket": budget["smallest heap, .mpy"]["Client, WebSocket"],
    }


def test_a_new_budget_forgets_what_is_gone() -> None:
    old = size.new_budget(sample(), {})
    old["mpy"]["gone"] = old["heap, frozen"]["gone"] = 1
    assert size.new_budget(sample(), old) == size.new_budget(sample(), {})


def test_new_and_vanished_modules_are_told() -> None:
    budget = size.new_budget(sample(), {})
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


def test_each_way_has_its_column() -> None:
    rows = list(size.sum_rows(sample()))
    assert ("Client and all it needs", "1400", "2160", "1100", "600") in rows
    assert ("reason adds", "50", "80", "60", "32") in rows
    assert rows[0][1:] == ("", "2064", "2064", "2064")
    assert ("Client", "9000", "4096", "2048") in list(size.smallest_rows(sample()))


def test_what_is_left_out_leaves_its_column_empty() -> None:
    here = without(sample(), "frozen", "Client, WebSocket")
    assert ("Client and all it needs", "1400", "2160", "1100", "") in list(size.sum_rows(here))
    programs = [*size.smallest_rows(here)]
    assert programs == [("Client", "9000", "4096", "")]


def test_limits_are_told_as_they_are() -> None:
    result = sample()
    result.smallest[".mpy"]["AsyncClient"] = 28672
    rows = {row[0]: row[1:] for row in size.limit_rows(result)}
    assert rows["Smallest heap: Client, .mpy"] == ("4096", "10240", "kept")
    assert rows["Smallest heap: AsyncClient, .mpy"] == ("28672", "14336", "2.0 times as much")
    assert rows["Smallest heap: mqtt_as, .mpy"][0] == "25344"
    assert "Heap after import: AsyncClient, frozen" not in rows  # it was not measured
    result.loaded["frozen"]["AsyncClient"] = 2561
    assert list(size.limit_rows(result))[2][3] == "1.0 times as much"  # not kept


def test_tables_are_tables() -> None:
    for text in (size.document(sample()), size.document(without(sample(), "frozen", "x"))):
        tables = [part.splitlines() for part in text.split("\n\n") if part.startswith("| ")]
        assert len(tables) == 4
        for lines in tables:
            assert {line.count("|") for line in lines} == {lines[0].count("|")}
            assert set(lines[1]) == set("|-:")


def test_columns_stand_apart() -> None:
    rows = [("x" * 60, "1", "5.0 times as much"), ("y", "1234567890", "")]
    head, first, second = size._plain(("A", "bytes", "reached"), rows).splitlines()
    assert "x  " in first and "1  5.0 times" in first
    assert head.index("bytes") + 5 == first.index("1") + 1 == second.rindex("0") + 1


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
    asyncio, first, small = measure.heap_of(tmp_path, ["__init__", "a"])
    large = measure.heap_of(tmp_path, ["__init__", "b"])[2]
    assert 1000 < asyncio < 4000
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


@pytest.mark.parametrize(
    ("impossible", "arguments", "status"),
    [(set(), [], 1), (set(), ["--partial"], 0), ({"frozen"}, [], 0)],
)
def test_what_was_left_out_is_in_the_last_line_and_fails_unless_allowed(
    impossible: set[str],
    arguments: list[str],
    status: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    here = without(sample(), "frozen", "none of them")
    here.left_out = {"frozen": "no network"}
    here.impossible = impossible
    monkeypatch.setattr(size, "everything", lambda say: here)
    monkeypatch.setattr(size, "BUDGET", tmp_path / "budget.json")
    size.BUDGET.write_text(json.dumps(size.new_budget(sample(), {})))
    assert size.main(arguments) == status
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].endswith("; left out: frozen")
    assert ("FAILED" in lines[-1]) == bool(status) and "everything" not in lines[-1]
    assert any("--partial" in line and "no network" in line for line in lines) == bool(status)


@pytest.mark.parametrize(("name", "argument"), [("DOCS", "--docs"), ("BUDGET", "--update")])
def test_a_file_that_cannot_be_written_is_told(
    name: str,
    argument: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(size, "everything", lambda say: sample())
    monkeypatch.setattr(size.workspace, "ROOT", tmp_path)
    monkeypatch.setattr(size, "_read_budget", dict)
    monkeypatch.setattr(size, name, tmp_path / "folder")
    (tmp_path / "folder").mkdir()
    assert size.main([argument]) == 1
    assert "folder cannot be written" in capsys.readouterr().out
