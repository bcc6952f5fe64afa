"""The power goes while a QoS 2 message is handled: it is handled again, whatever was written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from umqtt_full import Client, Store
from umqtt_full.resume import attach
from unit_rig import CONNACK, RESUMED, Rig, ack, publish

PUBREC, PUBREL, PUBCOMP = 0x50, 0x62, 0x70
ORDER = publish(b"t", b"order", 2, 9)
AGAIN = publish(b"t", b"order", 2, 9, dup=True)


class PowerLost(BaseException):
    """What a handler does not return from."""


def boot(path: Path, answer: bytes = RESUMED, segment: int = 256) -> Rig:
    """A session as the program finds it when it starts."""
    rig = Rig(client_id="me", tx_size=4096)
    attach(Store(str(path), 8192, segment), rig.session, "broker", 1883)
    rig.connect(answer)
    return rig


def cut(rig: Rig, during: Callable[[Rig], object]) -> None:
    """ORDER comes; its handler does `during`, then the power goes."""

    def handler(_message: Any) -> None:
        during(rig)
        raise PowerLost

    rig.session.subscriptions.add("t", 2, handler)
    with pytest.raises(PowerLost):
        rig.feed(ORDER)
    rig.session.store._file.close()


def nothing(_rig: Rig) -> None:
    """A handler that only begins."""


def publishes(rig: Rig) -> None:
    assert rig.publish("log", b"begun", 1) > 0


def publishes_much(rig: Rig) -> None:
    """More than a segment holds: a snapshot is written too."""
    for _ in range(3):
        assert rig.publish("log", b"x" * 150, 1) > 0


DURING = (nothing, publishes, publishes_much)


@pytest.mark.parametrize("during", DURING)
def test_what_a_handler_publishes_does_not_make_its_message_handled(
    during: Callable[[Rig], object], tmp_path: Path
) -> None:
    cut(boot(tmp_path, CONNACK), during)
    rig = boot(tmp_path)
    assert rig.exchange(AGAIN).endswith(ack(PUBREC, 9))
    assert [message[1] for message in rig.messages] == [b"order"]


@pytest.mark.parametrize("between", DURING)
@pytest.mark.parametrize("during", DURING)
def test_a_second_power_cut_does_not_make_it_handled(
    during: Callable[[Rig], object], between: Callable[[Rig], object], tmp_path: Path
) -> None:
    """Before the broker has sent it again, and after other things were written."""
    cut(boot(tmp_path, CONNACK), during)
    between(boot(tmp_path))
    rig = boot(tmp_path)
    assert rig.exchange(AGAIN).endswith(ack(PUBREC, 9))
    assert [message[1] for message in rig.messages] == [b"order"]


@pytest.mark.parametrize("during", DURING)
def test_what_is_published_behind_the_handler_ends_the_doubt(
    during: Callable[[Rig], object], tmp_path: Path
) -> None:
    """It was handled: not once more, even if PUBREC was lost."""
    rig = boot(tmp_path, CONNACK)
    rig.session.subscriptions.add("t", 2, lambda _: during(rig))
    rig.feed(ORDER)
    publishes(rig)
    rig = boot(tmp_path)
    assert rig.exchange(AGAIN).endswith(ack(PUBREC, 9))
    assert not rig.messages
    assert rig.exchange(ack(PUBREL, 9)) == ack(PUBCOMP, 9)


def test_what_was_published_in_the_handler_is_kept(tmp_path: Path) -> None:
    cut(boot(tmp_path, CONNACK), publishes)
    kept = list(boot(tmp_path).session.store.messages())
    assert [packet[-5:] for _, packet in kept] == [b"begun"]


@pytest.mark.parametrize("writes", range(2))
def test_a_close_within_a_handler_is_whole_while_the_flash_fails(
    writes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the message is not taken for a handled one, now or after a power cut."""
    rig = boot(tmp_path, CONNACK)
    store = rig.session.store
    right = store._write

    def fail(*arguments: Any) -> int:
        nonlocal writes
        writes -= 1
        if writes < 0:
            store.close()
            raise OSError(5, "the flash fails")
        return int(right(*arguments))

    def close(_: Rig) -> None:
        if writes:
            store.close()  # so that a snapshot is due
        monkeypatch.setattr(store, "_write", fail)
        rig.session.close()
        assert not rig.session.connected and rig.session.tx_window() == 0
        monkeypatch.undo()
        publishes(rig)

    cut(rig, close)
    rig = boot(tmp_path)
    assert rig.exchange(AGAIN).endswith(ack(PUBREC, 9))
    assert [message[1] for message in rig.messages] == [b"order"]


def test_a_client_that_is_closed_in_a_handler_while_the_flash_fails_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client("me", "127.0.0.1", 1, store=Store(str(tmp_path)))
    session = client.session
    session.store.receive(9)
    session.received.add(9)
    session._half = 9
    session.connected = True

    def fail(*_: Any) -> int:
        raise OSError(5, "the flash fails")

    monkeypatch.setattr(session.store, "_append", fail)
    client.close()
    assert not client.connected and session.tx_window() == 0 and not session._half
    assert 9 not in session.received and 9 not in session.store.received
