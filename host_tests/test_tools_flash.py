"""Flash, monitor and repl without a board: the plan, the words, and mpremote on a fake board."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from manifests import frozen_by

from tools import board, flash, monitor

ROOT = Path(__file__).resolve().parent.parent
PORTS = """\
/dev/ttyS0 None 0000:0000 None None
/dev/ttyACM0 e6614 2e8a:0005 MicroPython Board in FS mode
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small repository."""
    for name in (
        *("lib/umqtt_full/__init__.py", "lib/umqtt_full/client.py", "lib/umqtt_full/_cpython.py"),
        *("firmware/boot.py", "firmware/main.py", "firmware/node.py", "boards/esp32/board.py"),
        *("firmware/config.example.json", "boards/esp32/manifest.py"),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"print({name!r})\n")
    return tmp_path


def targets(items: list[flash.Item]) -> list[str]:
    return [item.target for item in items]


def test_plan(tree: Path) -> None:
    items = flash.plan("esp32", root=tree)
    assert targets(items) == [
        "lib/umqtt_full/__init__.mpy",
        "lib/umqtt_full/client.mpy",
        "node.mpy",
        "board.py",
        "boot.py",
        "main.py",
    ]
    assert [item.compiled for item in items] == [True, True, True, False, False, False]


def test_plan_with_configuration_as_python(tree: Path) -> None:
    (tree / "firmware/config.json").write_text("{}")
    items = flash.plan("esp32", as_python=True, root=tree)
    assert targets(items)[2:] == ["node.py", "board.py", "config.json", "boot.py", "main.py"]
    assert not any(item.compiled for item in items)


def test_plan_of_an_unknown_board(tree: Path) -> None:
    with pytest.raises(flash.FlashError, match=r"boards/pico_w/board\.py"):
        flash.plan("pico_w", root=tree)


@pytest.mark.parametrize("name", board.BOARDS)
def test_manifest_freezes_what_flash_copies(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two lists of the firmware's modules exist; they must not drift apart."""
    frozen = frozen_by(ROOT / "boards" / name / "manifest.py", monkeypatch)
    firmware = {path.stem for path in frozen if path.parent.name != "umqtt_full"}
    copied = {Path(item.target).stem for item in flash.plan(name) if "/" not in item.target}
    assert copied == firmware


def test_notes_are_those_of_the_firmware() -> None:
    source = (ROOT / "firmware/startup.py").read_text()
    assert all(f'= "{name}"' in source for name in flash.NOTES)


def test_obsolete_twins(tree: Path) -> None:
    assert "node.py" in flash.obsolete(flash.plan("esp32", root=tree))
    assert "node.mpy" in flash.obsolete(flash.plan("esp32", as_python=True, root=tree))
    assert "main.mpy" in flash.obsolete(flash.plan("esp32", root=tree))


def test_ports_are_those_on_usb(monkeypatch: pytest.MonkeyPatch) -> None:
    found = board.parse_ports(PORTS)
    assert [(port.device, port.is_usb) for port in found] == [
        ("/dev/ttyS0", False),
        ("/dev/ttyACM0", True),
    ]
    assert board.parse_ports("") == []


def _ports(monkeypatch: pytest.MonkeyPatch, *devices: str) -> None:
    found = [board.Port(device, "2e8a:0005", "Pico") for device in devices]
    monkeypatch.setattr(board, "ports", lambda: found)


@pytest.mark.parametrize(
    ("name", "words"), [("pico_w", "BOOTSEL"), ("esp32", "esptool"), (None, "BOOTSEL")]
)
def test_no_board_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, name: str | None, words: str
) -> None:
    _ports(monkeypatch)
    with pytest.raises(board.NoBoard) as caught:
        board.choose_port(None, name)
    for expected in ("no board found", "Cable", "Driver", "dialout", "micropython.org", words):
        assert expected in str(caught.value)


def test_several_boards_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    _ports(monkeypatch, "/dev/ttyACM0", "/dev/ttyUSB0")
    with pytest.raises(board.NoBoard, match=r"PORT=/dev/ttyACM0[^$]*PORT=/dev/ttyUSB0"):
        board.choose_port(None)


def test_a_port_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    _ports(monkeypatch)
    with pytest.raises(board.NoBoard, match="/dev/no-such-port does not exist"):
        board.choose_port("/dev/no-such-port")


def test_a_port_without_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *given: False)
    with pytest.raises(board.NoBoard, match="dialout"):
        board.choose_port("/dev/null")


def test_flash_without_board(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _ports(monkeypatch)
    monkeypatch.setattr(flash, "config_problem", lambda: "")
    assert flash.main([]) == 1
    assert "BOARD=esp32 or BOARD=pico_w" in capsys.readouterr().out
    assert flash.main(["--board", "esp32"]) == 1
    assert "no board found" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        monitor.main([])
    assert ended.value.code == 1


def test_bad_configuration_is_found_before_copying(tree: Path) -> None:
    root = tree / "copy"
    (root / "firmware").mkdir(parents=True)
    os.symlink(ROOT / "firmware/config.py", root / "firmware/config.py")
    path = root / "firmware/config.json"
    assert flash.config_problem(root) == ""
    path.write_text(json.dumps({"wifi": {"ssid": "x"}, "mqtt": {}}))
    assert "mqtt.host is missing" in flash.config_problem(root)
    path.write_text("{")
    assert "not valid JSON" in flash.config_problem(root)
    path.write_text(json.dumps({"wifi": {"ssid": "x"}, "mqtt": {"host": "h"}}))
    assert flash.config_problem(root) == ""


# ----------------------------------------------------- mpremote and a fake board


class Fake:
    """A fake board in a process of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.port = f"{folder}-port"
        script = str(ROOT / "host_tests/fake_board.py")
        argv = [sys.executable, script, str(folder), self.port, *arguments]
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "READY\n"

    def end(self) -> list[str]:
        """Stop it; what it has told."""
        self._process.kill()
        assert self._process.stdout is not None
        lines = self._process.stdout.read().split()
        self._process.stdout.close()
        self._process.wait()
        return lines

    def files(self) -> list[str]:
        return sorted(
            str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()
        )


@pytest.fixture
def flash_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield tmp_path_factory.mktemp("flash")


def test_flash_puts_the_plan_on_the_board(tree: Path, flash_folder: Path) -> None:
    for old in ("lib/umqtt_full/client.py", "lib/umqtt_full/gone.mpy", "node.py", "stopped"):
        path = flash_folder / old
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("old")
    (flash_folder / "settings.txt").write_text("the user's own")
    items = flash.plan("esp32", root=tree)
    fake = Fake(flash_folder)
    try:
        flash.copy(fake.port, items)
    finally:
        told = fake.end()
    assert fake.files() == sorted([*targets(items), "settings.txt"])
    assert (flash_folder / "lib/umqtt_full/client.mpy").read_bytes()[:2] == b"M\x06"
    assert (flash_folder / "board.py").read_text() == "print('boards/esp32/board.py')\n"
    assert told == ["RESET"]


def test_flash_goes_on_after_a_watchdog(
    tree: Path, flash_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flash, "_WATCHDOG_S", 0)
    items = flash.plan("esp32", root=tree)
    fake = Fake(flash_folder, "12")
    try:
        flash.copy(fake.port, items)
    finally:
        told = fake.end()
    assert told == ["WATCHDOG", "RESET"]
    assert fake.files() == sorted(targets(items))


class Chatter(threading.Thread):
    """Writes a line to a terminal again and again: opening a port drops what was there before."""

    def __init__(self, master: int, line: bytes) -> None:
        super().__init__(daemon=True)
        self._master, self._line, self._over = master, line, threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.05):
            os.write(self._master, self._line)

    def end(self) -> None:
        self._over.set()
        self.join()


def test_monitor_reads_and_waits_for_the_port(tmp_path: Path) -> None:
    link = tmp_path / "port"
    stream = monitor.pieces(str(link), lambda seconds: None)
    for line in ("hello", "again"):
        master, slave = os.openpty()
        link.unlink(missing_ok=True)
        link.symlink_to(os.ttyname(slave))
        chatter = Chatter(master, line.encode() + b"\r\n")
        chatter.start()
        if line == "again":
            assert "is back" in next(stream)
        assert line in next(stream) + next(stream)
        chatter.end()
        link.unlink()
        os.close(slave)
        os.close(master)
        for _ in range(100):  # what was written before is read first
            piece = next(stream)
            if line not in piece:
                break
        assert "waiting for it" in piece
