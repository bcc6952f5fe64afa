"""What TLS and WebSocket cost a client: `python -m tools.tls_cost [--docs]`.

Heap and time of a connection and of a publish, on MicroPython's unix port, 32- and 64-bit, at a
mosquitto on this computer, with certificates as `make certs` makes them. Times are those of the
processor, so what waiting takes does not count. With --docs the table in docs/tls.md is replaced.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools import certs, toolchain, workspace
from tools.broker import Broker, BrokerError
from tools.ports import HOST, free_port

DOCUMENT = workspace.ROOT / "docs" / "tls.md"
BEGIN = "<!-- made by: python -m tools.tls_cost --docs -->"
END = "<!-- end -->"
SCRIPT = Path(__file__).resolve().parent / "heap" / "tls_cost.py"
WAYS = ("TCP", "WebSocket", "TLS", "TLS, mutual", "WebSocket over TLS")
_TIMEOUT = 120
_HEAD = """\
| | | heap kept | asked for | connecting | publish, QoS 0 | QoS 1 | heap of both |
|---|---|---:|---:|---:|---:|---:|---:|"""


@dataclass(frozen=True)
class Row:
    """One way of connecting, on one interpreter."""

    bits: int
    way: str
    values: dict[str, float]

    def text(self) -> str:
        """A row of the table."""
        v = self.values
        parts = (
            f"{self.bits}-bit",
            self.way,
            f"{v['kept'] / 1000:.1f} KB",
            f"{v['asked'] / 1000:.1f} KB",
            f"{v['ms']:.1f} ms",
            f"{v['us0']:.0f} µs",
            f"{v['us1']:.0f} µs",
            f"{v['heap0'] + v['heap1']:.0f} B",
        )
        return f"| {' | '.join(parts)} |"


def _listeners(folder: Path) -> tuple[list[str], dict[str, int]]:
    """Lines of mosquitto's configuration for all ways but TCP, and their ports."""
    lines: list[str] = []
    ports = {way: free_port() for way in WAYS[1:]}
    for way, port in ports.items():
        lines.append(f"listener {port} {HOST}")
        if "WebSocket" in way:
            lines.append("protocol websockets")
        if "TLS" in way:
            lines += [f"certfile {folder}/server.crt", f"keyfile {folder}/server.key"]
        if "mutual" in way:
            lines += [f"cafile {folder}/ca.crt", "require_certificate true"]
    return lines, ports


def _options(folder: Path, way: str, port: int) -> dict[str, Any]:
    """The client's arguments."""
    secure, mutual = "TLS" in way, "mutual" in way
    return {
        "host": HOST,
        "port": port,
        "tls": secure,
        "ca": f"{folder}/ca.der" if secure else None,
        "cert": f"{folder}/device.der" if mutual else None,
        "key": f"{folder}/device.key.der" if mutual else None,
        "websocket": "/mqtt" if "WebSocket" in way else None,
    }


def _files(folder: Path) -> None:
    ca = certs.make_ca()
    device = certs.issue(ca, "device")
    certs.save(folder / "ca", ca)
    certs.save(folder / "server", certs.issue(ca, "localhost", ("localhost", HOST)))
    (folder / "ca.der").write_bytes(ca.cert_der())
    (folder / "device.der").write_bytes(device.cert_der())
    certs.write_private(folder / "device.key.der", device.key_der())


def _run(bits: int, options: Path) -> dict[str, float]:
    """The numbers of one process."""
    library = os.environ.get("UMQTT_FULL_LIB", str(workspace.ROOT / "lib"))
    argv = [*toolchain.micropython(bits), "-X", "heapsize=4m", str(SCRIPT), str(options)]
    env = {**os.environ, "MICROPYPATH": f"{library}:.frozen"}
    result = workspace.run(argv, _TIMEOUT, env)
    if result.returncode:
        raise BrokerError(f"MicroPython ended with {result.returncode}: {result.stdout[-2000:]}")
    return dict(json.loads(result.stdout.splitlines()[-1]))


def measure() -> list[Row]:
    """All rows."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="tls-cost-") as name:
        folder = Path(name)
        _files(folder)
        lines, ports = _listeners(folder)
        with Broker(config_lines=lines) as broker:
            ports["TCP"] = broker.port
            for bits in (32, 64):
                for way in WAYS:
                    path = folder / "options.json"
                    path.write_text(json.dumps(_options(folder, way, ports[way])))
                    rows.append(Row(bits, way, _run(bits, path)))
    return rows


def table(rows: Sequence[Row]) -> str:
    """The table as Markdown."""
    return "\n".join([_HEAD, *(row.text() for row in rows)])


def replaced(text: str, new: str) -> str:
    """A document with another table between its two marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{DOCUMENT.name} lacks the marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{new}\n{END}{after}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write the table if that is wanted."""
    parser = argparse.ArgumentParser(prog="python -m tools.tls_cost", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--docs", action="store_true", help="write the table to docs/tls.md")
    given = parser.parse_args(arguments)
    try:
        found = table(measure())
    except (BrokerError, toolchain.ToolchainError) as error:
        print(f"tls_cost: {error}", file=sys.stderr)
        return 1
    print(found)
    if given.docs:
        text = DOCUMENT.read_text(encoding="utf-8")
        DOCUMENT.write_text(replaced(text, found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
