"""The table of what TLS and WebSocket cost: how it is made, and that it is of this library."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools import tls_cost
from tools.broker import Broker


def test_the_document_has_a_row_for_each_way() -> None:
    text = tls_cost.DOCUMENT.read_text(encoding="utf-8")
    table = text.split(tls_cost.BEGIN)[1].split(tls_cost.END)[0].strip().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]
    ways = [(f"{bits}-bit", way) for bits in (32, 64) for way in tls_cost.WAYS]
    assert [(row[0], row[1]) for row in rows] == ways
    assert {len(row) for row in rows} == {8}
    assert {row[7] for row in rows} == {"0 B"}, "a publish takes something from the heap"


def test_the_table_is_put_between_the_marks() -> None:
    row = tls_cost.Row(32, "TCP", {"kept": 4800, "asked": 9812.0, "ms": 0.06, "us0": 9.6,
                                   "us1": 31, "heap0": 0, "heap1": 16})  # fmt: skip
    new = tls_cost.table([row])
    assert new.endswith("| 32-bit | TCP | 4.8 KB | 9.8 KB | 0.1 ms | 10 µs | 31 µs | 16 B |")
    text = f"before {tls_cost.BEGIN}\nold\n{tls_cost.END} after"
    assert tls_cost.replaced(text, new) == f"before {tls_cost.BEGIN}\n{new}\n{tls_cost.END} after"
    with pytest.raises(ValueError, match="lacks the marks"):
        tls_cost.replaced("before", new)


def test_one_way_is_measured(tmp_path: Path) -> None:
    if Broker().is_external:
        pytest.skip("needs a listener of its own")
    tls_cost._files(tmp_path)
    lines, ports = tls_cost._listeners(tmp_path)
    with Broker(config_lines=lines):
        way = "TLS, mutual"
        options = tmp_path / "options.json"
        options.write_text(json.dumps(tls_cost._options(tmp_path, way, ports[way])))
        values = tls_cost._run(32, options)
    assert (values["heap0"], values["heap1"]) == (0, 0)
    assert 1000 < values["kept"] < values["asked"] < 100000
    assert values["ms"] > 0
