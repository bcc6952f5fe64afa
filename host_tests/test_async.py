"""What AsyncClient promises beyond Client: queues, policies, hooks, events, start and stop."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from broker_core import HOST
from fake_broker import FakeBroker
from running import HERE, Device, play
from umqtt_full import AsyncClient

Steps = tuple[Any, ...]
SUB = ("expect", "SUBSCRIBE", {"packet_id": "$s"})
END = (("expect", "PUBLISH", {"topic": "end", "packet_id": "$e"}),
       ("send", "PUBACK", {"packet_id": "$e"}))  # fmt: skip
BACK = ("greet", {"session_present": 1})
OFFLINE = (("greet",), ("sync", "cut"), ("refuse",), ("cut", "rst"), ("sync", "listen"),
           ("listen",), BACK)  # fmt: skip


def granted(*codes: int) -> Steps:
    """A SUBACK."""
    return ("send", "SUBACK", {"packet_id": "$s", "codes": codes})


def message(number: int, qos: int = 1, topic: str = "q") -> Steps:
    """A message to the client."""
    fields = {"topic": topic, "payload": b"%d" % number, "qos": qos, "packet_id": 100 + number}
    return ("send", "PUBLISH", fields)


def acked(number: int, name: str = "PUBACK") -> Steps:
    """Its acknowledgement."""
    return ("expect", name, {"packet_id": 100 + number})


FIVE = tuple(message(n) for n in range(1, 6)) + tuple(acked(n) for n in range(1, 6))
SCRIPTS: dict[str, Steps] = {
    "queue_of_one_holds_one": (
        ("greet",), SUB, granted(1), message(1), message(2), message(3), acked(1),
        ("expect_nothing", 300), ("sync", "full"), acked(2), acked(3), *END,
    ),
    "overflow_drop_new": (
        ("greet",), SUB, granted(1), *FIVE, ("sync", "read"), message(6), acked(6),
    ),
    "overflow_drop_old": (
        ("greet",), SUB, granted(1), *FIVE, ("sync", "read"), message(6), acked(6),
    ),
    "qos_2_waits_for_its_owner": (
        ("greet",), SUB, granted(2), message(1, 2), message(2, 2), acked(1, "PUBREC"),
        ("expect_nothing", 300), ("sync", "full"), acked(2, "PUBREC"),
        ("expect", "PUBLISH", {"topic": "end", "packet_id": "$e"}),
        ("send", "PUBREL", {"packet_id": 101}), acked(1, "PUBCOMP"),
        ("send", "PUBREL", {"packet_id": 102}), acked(2, "PUBCOMP"),
        ("send", "PUBACK", {"packet_id": "$e"}),
    ),
    "slow_handler_lets_pings_go_on": (
        ("greet",), SUB, granted(1), ("send_together", *(message(n)[1:] for n in range(1, 5))),
        ("expect_mix_pings", {"PUBACK": 2}),
        ("serve", 2300, {"max_gap_ms": 1500, "pings": (2, 8)}), ("expect_mix_pings",
            {"PUBACK": 2}),
    ),
    "async_handlers_report": (
        ("greet",), ("expect_subscriptions", (("a", 1), ("b", 1), ("c", 1))),
        message(1, 1, "a"), message(2, 1, "b"), message(3, 1, "c"),
        acked(1), acked(2), acked(3),
        message(1, 1, "a"), message(2, 1, "b"), message(3, 1, "c"),
        acked(1), acked(2), acked(3), *END,
    ),
    "hooks_plain_and_async": (
        ("greet",), ("sync", "cut"), ("cut", "rst"), BACK,
        ("expect_delivery", {"topic": "hello", "qos": 1}), ("sync", "done"),
    ),
    "refused_filter_reaches_the_caller": (
        ("greet",), SUB, granted(0x80),
        ("expect", "SUBSCRIBE", {"packet_id": "$t"}),
        ("send", "SUBACK", {"packet_id": "$t", "codes": (1, 0x80)}),
    ),
    "start_fails_in_time": (("greet", {"return_code": 5}), ("expect_eof", 2000)),
    "start_with_0_goes_on_trying": (("refuse",), ("sync", "listen"), ("listen",), ("greet",)),
    "stop_says_disconnect_last": (
        ("greet",), *(("expect", "PUBLISH", {"payload": b"%d" % n}) for n in range(5)),
        ("expect_hex", "e0 00"), ("expect_eof", 1000),
    ),
    "offline_wait": (*OFFLINE, ("expect_queued",)),
    "offline_raise": (*OFFLINE, ("expect_queued",)),
    "offline_drop": (*OFFLINE, ("expect_newest", 9)),
    "offline_drop_behind_one_in_flight": (
        ("greet",), ("expect", "PUBLISH", {"payload": b"sent", "packet_id": "$u"}), *OFFLINE[1:],
        ("expect", "PUBLISH", {"payload": b"sent", "dup": True, "packet_id": "$u"}),
        ("send", "PUBACK", {"packet_id": "$u"}), ("expect_newest", 9),
    ),
    "offline_keep": (
        *OFFLINE,
        ("expect_delivery", {"payload": b"1", "qos": 0}),
        ("expect_delivery", {"payload": b"2", "qos": 1}),
        ("expect_delivery", {"payload": b"3", "qos": 0}),
    ),
    "plain_handlers_publish_with_enqueue": (
        ("greet",), SUB, granted(1), message(1),
        ("expect_delivery", {"topic": "answer", "payload": b"1", "qos": 1}), acked(1),
        ("expect_eof", 3000),
    ),
    "on_while_connected_subscribes_at_once": (("greet",), SUB, granted(1), message(1), acked(1)),
    "qos_0_returns_when_written": (
        ("small_buffer",), ("greet",), ("sync", "read"),
        ("expect", "PUBLISH", {"payload": ("times", b"x", 3000000)}),
    ),
}  # fmt: skip


class Broker(FakeBroker):
    """Steps that depend on what the client said."""

    device: Device

    def _told(self, word: str) -> int:
        lines = [line for line in self.device.output if line.startswith(word + " ")]
        return int(lines[-1].split()[1])

    def do_expect_queued(self) -> None:
        """All that the client has queued, in order."""
        for number in range(1, self._told("QUEUED") + 1):
            self.do_expect_delivery({"qos": 1, "payload": b"%d " % number + b"x" * 60})

    def do_expect_newest(self, last: int) -> None:
        """What was not dropped, up to the last."""
        for number in range(self._told("DROPPED"), last + 1):
            self.do_expect_delivery({"qos": 1, "payload": b"%d " % number + b"x" * 60})

    def do_expect_mix_pings(self, counts: dict[str, int]) -> None:
        """So many packets of each type, and PINGREQ between them."""
        left = dict(counts)
        while any(left.values()):
            packet = self._next(3000, str(left))
            if packet["type"] == "PINGREQ":
                self.do_send("PINGRESP")
            else:
                left[packet["type"]] -= 1


@pytest.mark.parametrize("name", SCRIPTS)
def test_async(interpreter: str, name: str) -> None:
    """Both sides see what the script and `async_ops.py` say."""
    broker = Broker(name, SCRIPTS[name])
    options = [] if interpreter == "cpython" else ["-X", "heapsize=8m"]
    script = str(HERE / "device" / "async_ops.py")
    device = Device(interpreter, *options, script, name, HOST, str(broker.port))
    broker.device = device
    play(broker, device)


def test_a_program_that_fails_ends() -> None:
    """One that raises without `stop`: `asyncio.run` cancels every task and waits for its end."""

    async def main() -> None:
        await AsyncClient("c", HOST, 1, backoff_ms=60000).start(0)
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
