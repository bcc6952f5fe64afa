"""What comes to AsyncClient at the wrong moment: stops, answers, bursts, and no memory."""

from __future__ import annotations

from typing import Any

import pytest
from broker_core import HOST
from running import HERE, Device, play
from test_async import BACK, END, SUB, Broker, acked, granted, message

Steps = tuple[Any, ...]
SCRIPTS: dict[str, Steps] = {
    "each_of_many_waits_is_woken": (("greet",), ("expect", "DISCONNECT")),
    "stop_ends_the_calls_that_wait": (
        ("greet",), SUB, ("expect", "PUBLISH", {"topic": "t"}), ("expect", "DISCONNECT"),
    ),
    "a_start_that_was_stopped_lets_the_next_be": (
        ("accept",), ("expect", "CONNECT"), ("sync", "asked"), ("expect_eof", 2000),
        ("greet",), ("expect", "DISCONNECT"),
    ),
    "a_handler_restarts_the_client": (
        ("greet",), SUB, granted(1), message(1), acked(1), ("expect", "DISCONNECT"),
        BACK, message(2), acked(2), message(3), acked(3), ("expect", "DISCONNECT"),
    ),
    "hooks_stop_the_client": (("greet",), ("expect", "DISCONNECT"), ("no_accept", 300)),
    "without_memory_for_a_copy_it_comes_again": (
        ("greet",), SUB, granted(1), message(1), acked(1), ("sync", "full"),
        message(2, 0), message(3), ("expect_eof", 2000),
        BACK, message(3), acked(3), ("expect", "DISCONNECT"),
    ),
    "a_handler_publishes_amid_a_burst": (
        ("greet",), SUB, granted(1), *(message(n) for n in range(1, 7)), ("answer", 6),
        ("expect", "DISCONNECT"),
    ),
    "a_queue_is_bounded_while_a_call_waits": (
        ("greet",), SUB, granted(1), *(message(n) for n in range(1, 6)), acked(1),
        ("expect_nothing", 200), ("sync", "held"),
        ("expect", "PUBLISH", {"topic": "x", "packet_id": "$x"}), acked(2), acked(3),
        ("expect_nothing", 300), ("sync", "full"), acked(4), acked(5),
        ("send", "PUBACK", {"packet_id": "$x"}), ("expect", "DISCONNECT"),
    ),
    "a_publish_may_be_given_to_a_task": (
        ("greet",), *(("expect_delivery", {"payload": b"%d" % n}) for n in range(1, 9)),
        *END,
    ),
}  # fmt: skip


class Answering(Broker):
    """Acknowledges what comes."""

    def do_answer(self, count: int) -> None:
        """So many messages, each acknowledged as it comes, and as many acks, in any order."""
        left = {"PUBLISH": count, "PUBACK": count}
        while any(left.values()):
            packet = self._next(3000, str(left))
            left[packet["type"]] -= 1
            if packet["type"] == "PUBLISH":
                self.do_send("PUBACK", {"packet_id": packet["packet_id"]})


@pytest.mark.parametrize("name", SCRIPTS)
def test_turns(interpreter: str, name: str) -> None:
    """Both sides see what the script and `async_turns.py` say."""
    broker = Answering(name, SCRIPTS[name])
    script = str(HERE / "device" / "async_turns.py")
    device = Device(interpreter, script, name, HOST, str(broker.port))
    broker.device = device
    play(broker, device)
