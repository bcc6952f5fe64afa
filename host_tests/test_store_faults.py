"""The store where something else than the flash fails: memory, Ctrl-C, odd files in its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_store import KEY, FailingFile, acknowledge, connect, kept, publish, segments, session
from umqtt_full import LimitError, Store


class InterruptedFile(FailingFile):
    """A file in whose call number `left` something else than the flash fails."""

    def __init__(self, file: Any, left: int, problem: type[BaseException]) -> None:
        super().__init__(file, left)
        self.problem = problem

    def count(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise self.problem

    def write(self, data: bytes) -> int:
        self.count()
        return int(self.file.write(data))

    def flush(self) -> None:
        self.file.flush()
        self.count()


PROBLEMS = (MemoryError, KeyboardInterrupt)


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("call", range(1, 7))
def test_what_is_accepted_after_a_write_that_was_broken_off_is_kept(
    tmp_path: Path, call: int, problem: type[BaseException]
) -> None:
    made = session(tmp_path / "s")
    publish(made, 1)
    made.store._file = InterruptedFile(made.store._file, call, problem)
    with pytest.raises(problem):
        publish(made, 2)
    assert publish(made, 3) > 0 and publish(made, 4) > 0
    assert kept(tmp_path / "s") == [b"1", b"3", b"4"]


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("call", range(5))
def test_what_is_accepted_after_a_segment_that_was_broken_off_is_kept(
    tmp_path: Path, call: int, problem: type[BaseException], monkeypatch: Any
) -> None:
    def broken(path: str, mode: str) -> Any:
        file = InterruptedFile(open(path, mode), call or 1, problem)  # noqa: SIM115
        if not call:  # the file is made, and there is no memory for what holds it
            file.count()
        return file

    made = session(tmp_path / "s")
    publish(made, 1)
    made.store.close()
    monkeypatch.setattr("umqtt_full.store.open", broken, raising=False)
    with pytest.raises(problem):
        publish(made, 2)
    monkeypatch.undo()
    assert publish(made, 3) > 0 and publish(made, 4) > 0
    assert kept(tmp_path / "s") == [b"1", b"3", b"4"]
    assert [str(file) for file in segments(tmp_path / "s")] == [
        segment.path for segment in made.store._segments
    ]


@pytest.mark.parametrize("problem", PROBLEMS)
def test_an_id_whose_record_was_broken_off_does_not_count_as_received(
    tmp_path: Path, problem: type[BaseException]
) -> None:
    """Its handlers have not run, so the message that comes again must not be taken for known."""
    store = session(tmp_path / "s").store
    store.receive(7)
    store._file = InterruptedFile(store._file, 4, problem)  # it is on flash whole
    with pytest.raises(problem):
        store.receive(8)
    store.receive(9)
    again = Store(str(tmp_path / "s"), 4096, 512)
    again.load(KEY)
    assert again.received == [7, 9]


@pytest.mark.parametrize("problem", [MemoryError, OSError])
def test_an_id_that_cannot_be_taken_back_on_flash_is_not_kept(
    tmp_path: Path, problem: type[Exception], monkeypatch: Any
) -> None:
    def fail(*_: object) -> int:
        raise problem

    store = session(tmp_path / "s").store
    store.receive(7)
    monkeypatch.setattr(store, "_append", fail)
    store.retract(7)
    monkeypatch.undo()
    store.receive(9)
    again = Store(str(tmp_path / "s"), 4096, 512)
    again.load(KEY)
    assert again.received == [9]


class SmallReads(FailingFile):
    """A file for whose reads the heap has room for `left` bytes."""

    def read(self, n: int) -> bytes:
        if n > self.left:
            raise MemoryError
        return bytes(self.file.read(n))

    def __enter__(self) -> SmallReads:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def boot_with(room: int, path: Path, monkeypatch: Any) -> Store:
    """A store that was loaded while the heap had room for reads of that many bytes."""
    store = Store(str(path), 32768, 4096)
    opened = [SmallReads(open(file, "rb"), room) for file in segments(path)]  # noqa: SIM115
    monkeypatch.setattr("umqtt_full.store.open", lambda *_: opened.pop(0), raising=False)
    try:
        store.load(KEY)
    finally:
        monkeypatch.undo()
        for file in opened:
            file.close()
    return store


def test_a_start_finds_a_message_longer_than_what_the_heap_has_free(
    tmp_path: Path, monkeypatch: Any
) -> None:
    made = session(tmp_path / "s", 32768, 4096)
    sent = [publish(made, number, size=size) for number, size in ((1, 1), (2, 9000), (3, 1))]
    store = boot_with(500, tmp_path / "s", monkeypatch)
    assert [packet_id for packet_id, _ in store.messages()] == sent


def test_a_start_without_memory_fails_and_forgets_nothing(
    tmp_path: Path, monkeypatch: Any
) -> None:
    made = session(tmp_path / "s")
    for number in range(20):
        publish(made, number, 2, 30)
    before = segments(tmp_path / "s")
    for room in range(40):
        with pytest.raises(MemoryError):
            boot_with(room, tmp_path / "s", monkeypatch)
    assert segments(tmp_path / "s") == before
    assert kept(tmp_path / "s") == [b"%d" % number for number in range(20)]


STRAYS = ("x.seg", ".seg", "00000001 (1).seg", "0x000001.seg", "+0000001.seg", "000000001.seg")


@pytest.mark.parametrize("name", STRAYS)
def test_what_is_not_of_the_store_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"hello")
    publish(session(tmp_path), 1)
    assert kept(tmp_path) == [b"1"] and (tmp_path / name).read_bytes() == b"hello"


@pytest.mark.parametrize("name", ["00000001.seg", "00000002.seg", "ffffffff.seg"])
def test_a_folder_or_damage_in_the_place_of_a_segment_stops_nothing(
    tmp_path: Path, name: str
) -> None:
    for make in (Path.mkdir, Path.touch):
        path = tmp_path / make.__name__
        path.mkdir()
        make(path / name)
        for number in range(30):
            publish(session(path), number)
        assert kept(path) == [b"%d" % number for number in range(30)]
    assert (tmp_path / "mkdir" / name).is_dir()


def test_many_ids_do_not_make_a_segment_of_each_record(tmp_path: Path) -> None:
    store = session(tmp_path / "s").store
    for packet_id in range(1, 2001):
        store.receive(packet_id)
    assert store.writes < 2040
    again = Store(str(tmp_path / "s"), 4096, 512)
    again.load(KEY)
    assert again.received == list(range(1, 2001))
    for packet_id in range(1, 2001):
        store.erase(packet_id)
    assert store.writes < 4080
    assert sum(file.stat().st_size for file in segments(tmp_path / "s")) <= 512 + 11


@pytest.mark.parametrize("size", [900, 1900])
def test_a_store_in_which_nothing_waits_has_room_again(tmp_path: Path, size: int) -> None:
    made = connect(session(tmp_path / "s", size=2048, tx_size=16384))
    for number in range(9):
        acknowledge(made, publish(made, number, size=size))
    packet_id = publish(made, 9, size=size)
    writes = made.store.writes
    for _ in range(9):
        with pytest.raises(LimitError, match="store full"):
            publish(made, 10, size=1900)
    assert made.store.writes <= writes + 1 and made.pending(packet_id)
