"""A payload read from a file while it is sent: whole, again after a cut, and refused clearly."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import pytest
from umqtt_full import Client, Store, Upload
from umqtt_full.session import Session
from umqtt_full.session5 import Session5

from tools.broker import Broker

DATA = bytes(range(256)) * 5


def drained(session: Session, most: int = 1 << 20) -> bytes:
    """What the session writes, up to so many bytes; seven at a time."""
    data = b""
    while len(data) < most and session.tx_window():
        n = min(7, session.tx_window(), most - len(data))
        data += bytes(memoryview(session.tx_buf)[session.tx_off : session.tx_off + n])  # type: ignore[arg-type]
        session.sent(n)
    return data


def connected(session: Session, present: int = 0) -> None:
    """Through CONNECT and CONNACK."""
    session.open()
    drained(session)
    session.rx_window[:4] = bytes((0x20, 2, present, 0))
    session.feed(4)


@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("chunk", [16, 100, 1280, 5000])
def test_it_is_sent_whole_from_where_the_file_stands(qos: int, chunk: int) -> None:
    session = Session("x", tx_size=128)
    connected(session)
    file = io.BytesIO(b"head" + DATA)
    file.seek(4)
    assert session.publish("t", Upload(file, chunk=chunk), qos << 1) >= 0  # type: ignore[arg-type]
    head = b"t" + (b"\0\1" if qos else b"")
    size = len(DATA) + 2 + len(head)
    assert drained(session) == bytes((0x30 | qos << 1, size & 127 | 128, size >> 7, 0, 1)) + (
        head + DATA
    )
    assert session.tx_window() == 0


@pytest.mark.parametrize("sent", [0, 3, 10, 200, 1285])
def test_it_is_sent_again_from_its_beginning(sent: int) -> None:
    session = Session("x", tx_size=128)
    connected(session)
    session.publish("t", Upload(io.BytesIO(DATA), chunk=64), 2)  # type: ignore[arg-type]
    session.publish("t", b"next", 2)
    first = drained(session, sent)
    session.close()
    connected(session, 1)
    again = drained(session)
    assert again[1 : len(first)] == first[1:]
    assert bool(again[0] & 8) == (sent > 0)
    assert DATA in again and again.endswith(b"next")


def test_a_short_one_is_copied() -> None:
    session = Session("x", tx_size=128)
    connected(session)
    file = io.BytesIO(b"0123456789")
    session.publish("t", Upload(file, 7, chunk=4), 2)  # type: ignore[arg-type]
    file.close()
    assert drained(session).endswith(b"\0\x010123456")


def test_a_file_that_became_shorter_is_told() -> None:
    session = Session("x", tx_size=128)
    connected(session)
    file = io.BytesIO(DATA)
    session.publish("t", Upload(file), 2)  # type: ignore[arg-type]
    file.truncate(100)
    with pytest.raises(OSError, match="shorter"):
        drained(session)


def test_it_is_not_said_to_be_text() -> None:
    """MQTT 5: that would have to be checked before it is sent."""
    outbox = Session5("x", tx_size=128).outbox
    for payload in (Upload(io.BytesIO(DATA)), None):
        with pytest.raises(ValueError, match="payload_format_indicator=1 needs text in memory"):
            outbox.publish(outbox.describe("t", {"payload_format_indicator": 1}), payload, 2)  # type: ignore[arg-type]
    assert not outbox.lent and not outbox.ids


def test_a_store_refuses_it(tmp_path: Path) -> None:
    client = Client("x", "127.0.0.1", 1, reconnect=True, store=Store(str(tmp_path)), tx_size=128)
    outbox = client.session.outbox
    with pytest.raises(ValueError, match="in memory"):
        outbox.publish("t", Upload(io.BytesIO(DATA)), 2)  # type: ignore[arg-type]
    assert not outbox.lent and outbox.publish("t", b"1", 2) > 0


class Slow(io.BytesIO):
    """A file on a slow card: 20 ms for a piece."""

    def readinto(self, buffer: Any) -> int:
        """As `BytesIO`, later."""
        time.sleep(0.02)
        return super().readinto(buffer)


def test_a_slow_file_does_not_keep_a_call_beyond_its_time() -> None:
    """16 s of reading: the limit is 0.3 s, and the rest goes out in later turns."""
    with Broker() as broker:
        mqtt = Client("slow-file", broker.host, broker.port, clean_session=True)
        mqtt.connect()
        payload = Upload(Slow(bytes(800 * 64)), chunk=64)
        start = time.monotonic()
        with pytest.raises(OSError, match=r"not acknowledged"):
            mqtt.publish("slow", payload, qos=1, timeout_ms=300)
        assert time.monotonic() - start < 4
        mqtt.poll()
        assert time.monotonic() - start < 5
        assert mqtt.pending(1) and mqtt.connected
        mqtt.close()
