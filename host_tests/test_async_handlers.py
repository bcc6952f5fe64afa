"""Handlers and queues of AsyncClient come and go, and none of them stops the client."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from answering import Answering
from broker_core import HOST
from fake_broker import FakeBroker
from fake_broker5 import FakeBroker5
from running import HERE, Device, play
from test_async import END, OFFLINE, SUB, Steps, acked, granted, message
from umqtt_full import AsyncClient, ReasonError, workers
from umqtt_full.packet import Message

FULL = (("greet",), SUB, granted(1), message(1), message(2), acked(1), ("sync", "full"))
AGAIN = (("expect", "SUBSCRIBE", {"packet_id": "$t"}),
         ("send", "SUBACK", {"packet_id": "$t", "codes": (1,)}))  # fmt: skip
GONE = (("expect", "UNSUBSCRIBE", {"packet_id": "$u"}),
        ("send", "UNSUBACK", {"packet_id": "$u"}))  # fmt: skip
HELD = (("greet",), SUB, granted(1), message(1), message(2), message(3), acked(1), acked(2),
        ("expect", "DISCONNECT"))  # fmt: skip


def asked_and_gone(number: int) -> tuple[Steps, ...]:
    """SUBSCRIBE, as often as a handler comes, and UNSUBSCRIBE."""
    steps: list[Steps] = []
    for i in range(1 + number % 2 + (number % 3 == 2)):
        name = f"$s{number}{i}"
        steps += (("expect", "SUBSCRIBE", {"packet_id": name}),
                  ("send", "SUBACK", {"packet_id": name, "codes": (1,)}))  # fmt: skip
    name = f"$u{number}"
    return (*steps, ("expect", "UNSUBSCRIBE", {"packet_id": name}),
            ("send", "UNSUBACK", {"packet_id": name}))  # fmt: skip


SCRIPTS: dict[str, tuple[Any, ...]] = {
    "unsubscribed_with_a_full_queue": (*FULL, *GONE, acked(2), *END),
    "plain_handler_behind_a_full_queue": (*FULL, *AGAIN, acked(2), *END),
    "dropping_queue_behind_a_full_queue": (*FULL, *AGAIN, acked(2), *END),
    "waiting_queue_behind_a_full_queue": (*FULL, *AGAIN, acked(2), *END),
    "subscribed_again_before_unsuback": (
        *FULL, ("expect", "UNSUBSCRIBE", {"packet_id": "$u"}),
        ("expect", "SUBSCRIBE", {"packet_id": "$t"}), acked(2),
        ("send", "UNSUBACK", {"packet_id": "$u"}),
        ("send", "SUBACK", {"packet_id": "$t", "codes": (1,)}), message(3), acked(3), *END,
    ),
    "handlers_that_go_leave_nothing": (
        ("greet",), *(step for turn in range(6) for step in asked_and_gone(turn)), *END,
    ),
    "handler_is_cancelled_with_its_filter": (
        ("greet",), SUB, granted(1), ("send_together", message(1)[1:], message(2)[1:]),
        acked(1), acked(2), *GONE, *END,
    ),
    "handler_that_unsubscribes_goes_on_to_its_end": (
        ("greet",), SUB, granted(1), ("send_together", message(1)[1:], message(2)[1:]),
        acked(1), acked(2), *GONE, *END,
    ),
    "handler_that_replaces_itself_goes_on_to_its_end": (
        ("greet",), SUB, granted(1), message(1), acked(1), *AGAIN, message(2), acked(2), *END,
    ),
    "handlers_work_again_after_a_restart": (
        ("greet",), SUB, granted(1), message(1), acked(1), ("expect", "DISCONNECT"),
        ("greet",), *AGAIN, message(2), acked(2),
    ),
    "handler_may_meet_a_cancelled_job": (
        ("greet",), SUB, granted(1), message(1), message(2), message(3),
        acked(1), acked(2), acked(3), *END,
    ),
    "what_async_hooks_raise_is_reported": (("greet",), *END),
    "handler_ends_with_the_client": HELD,
    "handler_that_bears_its_end_gets_no_more": HELD,
    "handler_may_stop_the_client": (
        ("greet",), SUB, granted(1), ("send_together", message(1)[1:], message(2)[1:]),
        acked(1), acked(2), ("expect", "DISCONNECT"),
    ),
    "network_may_close_the_client": (("no_accept", 300),),
    "refusal_is_told_once_to_who_still_waits": (
        ("greet",), SUB, ("expect", "SUBSCRIBE", {"packet_id": "$t"}), ("sync", "one"),
        ("send", "SUBACK", {"packet_id": "$t", "codes": (0x80,)}), ("expect", "DISCONNECT"),
    ),
    "kept_qos_0_that_is_refused_is_told": (
        ("greet",), ("expect_delivery", {"topic": "first", "qos": 1}), *OFFLINE[1:-1],
        ("greet", {"properties": {"retain_available": 0}}), ("expect", "DISCONNECT"),
    ),
    "on_error_may_meet_a_dead_link": (
        ("greet",), ("expect", "PUBLISH", {"topic": "t", "packet_id": "$p"}),
        ("send", "PUBACK", {"packet_id": "$p", "reason_code": 0x87}), ("sync", "told"),
        ("cut", "rst"), ("sync", "cut"), ("greet", {"session_present": 1}),
        ("expect_delivery", {"topic": "log", "qos": 1}), *END,
    ),
}  # fmt: skip
OF_5 = ("kept_qos_0_that_is_refused_is_told", "on_error_may_meet_a_dead_link")


@pytest.mark.parametrize("name", SCRIPTS)
def test_async_handlers(interpreter: str, name: str) -> None:
    """Both sides see what the script and `async_handlers.py` say."""
    broker = (FakeBroker5 if name in OF_5 else FakeBroker)(name, SCRIPTS[name])
    options = [] if interpreter == "cpython" else ["-X", "heapsize=8m"]
    script = str(HERE / "device" / "async_handlers.py")
    play(broker, Device(interpreter, *options, script, name, HOST, str(broker.port)))


def test_what_fails_in_a_handler_outside_the_reader_reaches_it() -> None:
    """The ticker dispatches too, before it says that a link is dead."""

    async def program(port: int) -> None:
        async with AsyncClient("c", HOST, port, backoff_ms=50) as client:
            client._feeding = True
            with client._fuse:
                raise OSError("a write in a handler")
            client._feeding = False
            await asyncio.wait_for(client.down.wait(), 5)
            await asyncio.wait_for(client.up.wait(), 5)

    with Answering() as broker:
        asyncio.run(program(broker.port))
    assert broker.connections == 2


def test_a_handler_that_is_given_again_keeps_what_waits_for_it() -> None:
    """As programs do that subscribe in `on_connect`: what is in the queue was acknowledged."""

    async def program(port: int) -> list[bytes]:
        got: list[bytes] = []
        client = AsyncClient("c", HOST, port)

        async def handler(m: Message) -> None:
            await asyncio.sleep(0.05)
            got.append(bytes(m.payload))

        async with client:
            client.on("q", handler, 1)
            subscription = client.session.subscriptions.all[0]
            for number in range(3):
                subscription.queue.put(borrowed(b"%d" % number))
            await asyncio.sleep(0)
            client.on("q", handler, 1)
            assert client.session.subscriptions.gates == 1
            assert len(client._workers) == 1
            while len(got) < 3:
                await asyncio.sleep(0.01)
        return got

    with Answering() as broker:
        assert asyncio.run(asyncio.wait_for(program(broker.port), 10)) == [b"0", b"1", b"2"]


def borrowed(payload: bytes) -> Message:
    """A message, as a handler gets it."""
    message = Message()
    message.decode(bytearray(b"\0\1q" + payload), 0, 3 + len(payload), 0x30)
    return message


def test_a_refusal_that_comes_with_the_cancellation_of_subscribe_is_told() -> None:
    """A read brings SUBACK, and its caller's end: nobody else would ever see the refusal."""
    errors: list[Exception] = []

    async def program(port: int) -> None:
        client = AsyncClient("c", HOST, port)
        async with client:
            client.on_error = errors.append
            feed = client._feed
            task = asyncio.create_task(client.subscribe("q", 1))

            def feeding(n: int) -> None:
                feed(n)
                assert not errors, "told while a call waits"
                task.cancel()

            client._feed = feeding  # type: ignore[method-assign]
            with pytest.raises(asyncio.CancelledError):
                await task

    broker = FakeBroker("refused", (("greet",), SUB, granted(0x80), ("expect", "DISCONNECT")))
    broker.start()
    asyncio.run(program(broker.port))
    broker.join(5)
    assert not broker.failure
    assert [type(error) for error in errors] == [ReasonError]


@pytest.mark.parametrize("told", [True, False], ids=["told", "as_before_3_11"])
def test_a_program_that_fails_ends_amid_a_handler(
    monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    """`asyncio.run` cancels the handler's task too, and waits for its end."""
    if not told:
        monkeypatch.setattr(workers, "cancelled", lambda _: False)
    errors: list[Exception] = []

    async def main() -> None:
        client = AsyncClient("c", HOST, 1, backoff_ms=60000)
        client.on_error = errors.append
        client.on_disconnect = lambda _: asyncio.sleep(60)
        client.on("q", lambda _: asyncio.sleep(60), queue=1)
        await client.start(0)
        client._tell(client.on_disconnect, None)
        client.session.subscriptions.all[0].queue.put(Message())
        await asyncio.sleep(0.1)
        raise KeyError

    def program() -> None:
        try:
            asyncio.run(main())
        except KeyError:
            failed.set()

    failed = threading.Event()
    threading.Thread(target=program, daemon=True).start()
    assert failed.wait(5)
    assert not errors
