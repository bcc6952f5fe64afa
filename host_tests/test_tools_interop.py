"""`make interop`: what it says of a broker that does not know MQTT 5, and what it may write."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tools import interop, interop_raw

ANSWERS = {
    "accepts": (b"\x20\x03\0\0\0", ""),
    "refuses the version": (b"\x20\x02\0\1", ""),
    "closes": (b"", ""),
    "says nothing": (None, "answers CONNECT of MQTT 5 with nothing"),
}


@contextlib.contextmanager
def broker(answer: bytes | None) -> Iterator[SimpleNamespace]:
    """One connection: it reads, answers (None: never) and closes at the end."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(200)
                if answer is None:
                    over.wait(20)
                else:
                    connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        host, port = server.getsockname()
        yield SimpleNamespace(host=host, port=port)
        over.set()
        thread.join(20)


@pytest.mark.parametrize("what", ANSWERS)
def test_only_silence_is_told_of_a_broker_without_5(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal or an end lets a client go on with 3.1.1; nothing at all does not."""
    answer, told = ANSWERS[what]
    monkeypatch.setattr(interop_raw, "_LIMIT_S", 0.3 if answer is None else 10.0)
    with broker(answer) as server:
        found = interop_raw.silent_on_5(server)  # type: ignore[arg-type]
    assert found.startswith(told) and bool(found) == bool(told)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [(["amqtt", "--write"], "--write needs all brokers"), (["nobody"], "unknown broker nobody")],
)
def test_what_is_refused(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        interop.main(arguments)
    assert ended.value.code == 2
    assert text in capsys.readouterr().err


def test_a_broker_that_is_lost_leaves_a_column_with_gaps() -> None:
    first, *others = (behaviour.text for behaviour in interop.BEHAVIOURS)
    cells = {("one", first): interop.Cell(interop.WORKS, [])}
    lines = interop.table(["one"], cells, ["one: it ended"], ["cpython"]).splitlines()
    assert f"| {first} | works |" in lines
    assert all(f"| {text} | not run |" in lines for text in others)
    assert lines[-1] == "- not run: one: it ended"
