"""The store on a computer's files: damage, limits, failing flash, a process that is killed."""

from __future__ import annotations

import errno
import os
import random
import re
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from running import HERE, Device
from umqtt_full import Client, LimitError, Store
from umqtt_full.resume import attach
from umqtt_full.session import Session

from tools.broker import Broker

KEY = b"me@broker:1883"


def session(path: Path, size: int = 4096, segment: int = 512, tx_size: int = 1024) -> Session:
    made = Session("me", tx_size=tx_size)
    attach(Store(str(path), size, segment), made, "broker", 1883)
    return made


def kept(path: Path) -> list[bytes]:
    """The payloads that a new start finds, in order."""
    store = Store(str(path), 4096, 512)
    store.load(KEY)
    return [packet.rsplit(b"|", 1)[-1] for _, packet in store.messages()]


def publish(made: Session, number: int, qos: int = 1, size: int = 1) -> int:
    return made.publish("t", b"|" * size + b"%d" % number, qos << 1)


def write_all(made: Session) -> None:
    while n := made.tx_window():
        made.sent(n)


def feed(made: Session, data: bytes) -> None:
    made.rx_window[: len(data)] = data
    made.feed(len(data))
    write_all(made)


def connect(made: Session) -> Session:
    made.open()
    write_all(made)
    feed(made, b"\x20\x02\x01\x00")
    return made


def acknowledge(made: Session, packet_id: int) -> None:
    write_all(made)
    feed(made, b"\x40\x02" + packet_id.to_bytes(2, "big"))
    assert not made.pending(packet_id)


def segments(path: Path) -> list[Path]:
    return sorted(path.glob("*.seg"))


def test_what_was_accepted_is_found_again_in_order(tmp_path: Path) -> None:
    made = session(tmp_path / "s")
    for number in range(20):
        publish(made, number, 1 + number % 2)
    assert kept(tmp_path / "s") == [b"%d" % number for number in range(20)]


def test_a_segment_cut_anywhere_gives_what_was_whole(tmp_path: Path) -> None:
    made = session(tmp_path / "s", segment=1024)
    for number in range(9):
        publish(made, number)
    source = segments(tmp_path / "s")[-1]
    whole = source.read_bytes()
    wanted = [b"%d" % number for number in range(9)]
    lengths = set()
    for n in range(len(whole)):
        shutil.rmtree(tmp_path / "cut", ignore_errors=True)
        (tmp_path / "cut").mkdir()
        (tmp_path / "cut" / source.name).write_bytes(whole[:n])
        found = kept(tmp_path / "cut")
        assert found == wanted[: len(found)]
        lengths.add(len(found))
    assert lengths == set(range(9))


def test_a_damaged_byte_ends_its_segment_and_nothing_else(tmp_path: Path) -> None:
    made = session(tmp_path / "s", segment=1024)
    for number in range(5):
        publish(made, number)
    source = segments(tmp_path / "s")[-1]
    whole = source.read_bytes()
    wanted = [b"%d" % number for number in range(5)]
    for at in range(len(whole)):
        shutil.rmtree(tmp_path / "bad", ignore_errors=True)
        (tmp_path / "bad").mkdir()
        damaged = whole[:at] + bytes((whole[at] ^ 0x41,)) + whole[at + 1 :]
        (tmp_path / "bad" / source.name).write_bytes(damaged)
        found = kept(tmp_path / "bad")
        assert found == wanted[: len(found)] and len(found) < 5


def test_a_full_store_refuses_before_it_accepts(tmp_path: Path) -> None:
    made = connect(session(tmp_path / "s", size=2048, tx_size=4096))
    accepted = []
    with pytest.raises(LimitError, match="store full"):
        for number in range(100):
            publish(made, number, size=100)
            accepted.append(b"%d" % number)
    assert kept(tmp_path / "s") == accepted
    assert len(accepted) > 5
    for packet_id in range(1, len(accepted)):
        acknowledge(made, packet_id)
    assert publish(made, 200, size=100) > 0
    assert kept(tmp_path / "s") == [accepted[-1], b"200"]


def test_ten_thousand_messages_behind_one_that_is_stuck_stay_within_the_size(
    tmp_path: Path,
) -> None:
    made = connect(session(tmp_path / "s", size=4096, tx_size=1 << 20))
    publish(made, 1)
    for number in range(2, 10_002):
        acknowledge(made, publish(made, number))
        if number % 500 == 0:
            assert sum(file.stat().st_size for file in segments(tmp_path / "s")) <= 4096
            assert kept(tmp_path / "s")[0] == b"1"


class FailingFile:
    """A file on flash that has `left` bytes of room."""

    def __init__(self, file: Any, left: int) -> None:
        self.file = file
        self.left = left

    def write(self, data: bytes) -> int:
        self.left -= len(data)
        if self.left < 0:
            self.file.write(data[: self.left])
            raise OSError(errno.ENOSPC, "no space")
        return int(self.file.write(data))

    def flush(self) -> None:
        self.file.flush()

    def close(self) -> None:
        self.file.close()


@pytest.mark.parametrize("left", range(0, 24, 3))
def test_what_a_full_flash_cannot_keep_is_not_accepted(tmp_path: Path, left: int) -> None:
    made = session(tmp_path / "s")
    publish(made, 1)
    store = made.store
    assert store is not None
    store._file = FailingFile(store._file, left)
    with pytest.raises(OSError, match="no space"):
        publish(made, 2)
    assert not made.pending(2) and made.outbox.first(9) == made.outbox.head
    assert publish(made, 3) > 0
    assert kept(tmp_path / "s") == [b"1", b"3"]


def test_a_read_only_flash_is_told_at_once(tmp_path: Path, monkeypatch: Any) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "read-only")

    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(OSError, match="read-only"):
        Client("me", "broker", store=Store(str(tmp_path / "s")))


def test_bad_arguments_say_what_is_allowed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 3 segments"):
        Store(str(tmp_path / "s"), size=100)
    with pytest.raises(ValueError, match="clean_session=False"):
        Client("me", "broker", clean_session=True, store=Store(str(tmp_path / "s")))


def test_what_another_client_left_is_deleted(tmp_path: Path) -> None:
    publish(session(tmp_path / "s"), 1)
    store = Store(str(tmp_path / "s"), 4096, 512)
    store.load(b"other@broker:1883")
    assert not list(store.messages()) and not segments(tmp_path / "s")


def test_a_payload_longer_than_the_outbox_comes_back_whole(tmp_path: Path) -> None:
    made = session(tmp_path / "s", size=16384, segment=4096)
    payload = bytes(range(256)) * 12
    made.publish("t", payload, 2)
    again = session(tmp_path / "s", size=16384, segment=4096)
    record = again.outbox.head
    assert again.outbox.lent[record] == payload
    assert again.outbox.buf[record + 6] == 0x3A  # QoS 1 with DUP


# a process that is killed at random instants, at a real broker


class Observer:
    """An independent subscriber that counts what arrives at the broker."""

    def __init__(self, broker: Broker) -> None:
        self.counts: dict[str, int] = {}
        self.client = paho.Client(CallbackAPIVersion.VERSION2, "observer")
        self.client.on_message = self._on_message
        self.client.connect(broker.host, broker.port)
        self.client.subscribe("power/out", 2)
        self.client.loop_start()

    def _on_message(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        text = message.payload.decode()
        self.counts[text] = self.counts.get(text, 0) + 1

    def command(self, number: int) -> None:
        self.client.publish("power/in", str(number), 1 + number % 2).wait_for_publish(10)


@pytest.mark.parametrize("interpreter", ["cpython", "micropython64", "micropython32"])
def test_a_process_killed_at_random_instants_loses_and_doubles_nothing(
    interpreter: str, tmp_path: Path
) -> None:
    seed = int(os.environ.get("SEED", random.randrange(1_000_000)))
    print("SEED", seed)
    chance = random.Random(seed)
    with Broker(persistence=True) as broker:
        observer = Observer(broker)
        lines: list[str] = []
        sent = 0
        for life in range(7):
            last = life == 6
            script = str(HERE / "device" / "kill_me.py")
            device = Device(interpreter, script, str(broker.port), str(tmp_path / "s"), str(last))
            device.start()
            stop = threading.Event()
            while not any("connected" in line for line in device.output):
                assert device._process.poll() is None, device.output
                time.sleep(0.005)
            end = time.monotonic() + chance.uniform(0.02, 0.3)
            while time.monotonic() < end and not last:
                sent += 1
                observer.command(sent)
            stop.set()
            if last:
                problem = device.finish(20)
                assert not problem, problem
            else:
                device.kill()
            device._reader.join(5)
            lines += device.output
        observer.client.disconnect()
        observer.client.loop_stop()
    check(lines, observer.counts, sent)


def check(lines: list[str], counts: dict[str, int], sent: int) -> None:
    accepted = [line.split()[1] for line in lines if re.fullmatch(r"accepted \S+", line)]
    handled = [line.split()[1:] for line in lines if re.fullmatch(r"handled \d+ [01]", line)]
    assert len(accepted) > 10 and handled
    for text in accepted:
        count = counts.get(text, 0)
        assert count >= 1 and (text[0] == "1" or count == 1), (text, count)
    for number in range(1, sent + 1):
        dups = [dup for text, dup in handled if int(text) == number]
        assert dups, f"command {number} was lost"
        if number % 2:  # QoS 2: once, or flagged where its PUBREC was lost with the process
            assert dups.count("0") <= 1 and len(dups) <= 2, (number, dups)
