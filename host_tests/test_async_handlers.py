"""Handlers and queues of AsyncClient come and go, and none of them stops the client."""

from __future__ import annotations

from typing import Any

import pytest
from broker_core import HOST
from fake_broker import FakeBroker
from running import HERE, Device, play
from test_async import END, SUB, Steps, acked, granted, message

FULL = (("greet",), SUB, granted(1), message(1), message(2), acked(1), ("sync", "full"))
AGAIN = (("expect", "SUBSCRIBE", {"packet_id": "$t"}),
         ("send", "SUBACK", {"packet_id": "$t", "codes": (1,)}))  # fmt: skip
GONE = (("expect", "UNSUBSCRIBE", {"packet_id": "$u"}),
        ("send", "UNSUBACK", {"packet_id": "$u"}))  # fmt: skip


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
        ("greet",), SUB, granted(1), message(1), message(2), acked(1), acked(2), *GONE, *END,
    ),
    "handler_that_unsubscribes_goes_on_to_its_end": (
        ("greet",), SUB, granted(1), message(1), message(2), acked(1), acked(2), *GONE, *END,
    ),
    "handler_that_replaces_itself_goes_on_to_its_end": (
        ("greet",), SUB, granted(1), message(1), acked(1), *AGAIN, message(2), acked(2), *END,
    ),
    "handlers_work_again_after_a_restart": (
        ("greet",), SUB, granted(1), message(1), acked(1), ("expect", "DISCONNECT"),
        ("greet",), *AGAIN, message(2), acked(2),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS)
def test_async_handlers(interpreter: str, name: str) -> None:
    """Both sides see what the script and `async_handlers.py` say."""
    broker = FakeBroker(name, SCRIPTS[name])
    options = [] if interpreter == "cpython" else ["-X", "heapsize=8m"]
    script = str(HERE / "device" / "async_handlers.py")
    play(broker, Device(interpreter, *options, script, name, HOST, str(broker.port)))
