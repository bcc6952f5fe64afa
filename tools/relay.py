"""Two network interfaces, joined by a wire that may be bad: `python3 -m tools.relay A B SOCKET`.

Every Ethernet frame that comes in at A goes out at B and the other way round, later, or never.
Commands are JSON objects sent to a datagram socket in the file system, each answered with the
state and the counters:

    {"delay_ms": 50, "jitter_ms": 0, "loss": 0.05, "hole": "", "seed": 1}

`delay_ms` each way; `jitter_ms` at most that much more, by chance (frames keep their order);
`loss` the share that is dropped; `hole` drops everything: "" in no direction, "ab" or "ba" in one,
"both" in both. Linux only; needs CAP_NET_RAW. No netem is needed.
"""

from __future__ import annotations

import json
import os
import random
import selectors
import socket
import sys
import time
from collections import deque
from typing import Any

_ALL = 3  # ETH_P_ALL
_OUTGOING = 4  # PACKET_OUTGOING: a frame of our own, seen again
_HOLES = {"": (), "ab": (0,), "ba": (1,), "both": (0, 1)}


class Wire:
    """One direction: what is under way, in order."""

    def __init__(self, source: socket.socket, target: socket.socket) -> None:
        self.source = source
        self.target = target
        self.under_way: deque[tuple[float, bytes]] = deque()
        self.passed = self.dropped = 0

    def deliver(self, now: float) -> None:
        """Put out what is due."""
        while self.under_way and self.under_way[0][0] <= now:
            try:
                self.target.send(self.under_way.popleft()[1])
                self.passed += 1
            except OSError:
                self.dropped += 1

    def due(self) -> float:
        """When the next frame is."""
        return self.under_way[0][0] if self.under_way else float("inf")


class Relay:
    """Both directions, and what they do to the frames."""

    def __init__(self, names: tuple[str, str], control: str) -> None:
        ends = [self._interface(name) for name in names]
        self.wires = [Wire(ends[0], ends[1]), Wire(ends[1], ends[0])]
        self.settings: dict[str, Any] = {
            "delay_ms": 0.0,
            "jitter_ms": 0.0,
            "loss": 0.0,
            "hole": "",
            "seed": 1,
        }
        self._chance = random.Random(1)
        self._control = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._control.bind(control)
        self._selector = selectors.DefaultSelector()
        for number, end in enumerate(ends):
            self._selector.register(end, selectors.EVENT_READ, number)
        self._selector.register(self._control, selectors.EVENT_READ, None)

    @staticmethod
    def _interface(name: str) -> socket.socket:
        end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL))
        end.bind((name, _ALL))
        end.setblocking(False)
        return end

    def run(self) -> None:
        """Serve until the process that started this one has gone."""
        parent = os.getppid()
        while os.getppid() == parent:
            now = time.monotonic()
            for wire in self.wires:
                wire.deliver(now)
            wait = min(wire.due() for wire in self.wires) - time.monotonic()
            for key, _ in self._selector.select(max(0.0, min(0.5, wait))):
                if key.data is None:
                    self._command()
                else:
                    self._take(key.data)

    def _command(self) -> None:
        data, sender = self._control.recvfrom(4096)
        given = json.loads(data)
        self.settings.update(given)
        if "seed" in given:
            self._chance.seed(given["seed"])
        counts = [{"passed": wire.passed, "dropped": wire.dropped} for wire in self.wires]
        answer = json.dumps({**self.settings, "ab": counts[0], "ba": counts[1]})
        if sender:
            self._control.sendto(answer.encode(), sender)

    def _take(self, number: int) -> None:
        wire = self.wires[number]
        while True:
            try:
                frame, address = wire.source.recvfrom(65536)
            except BlockingIOError:
                return
            if address[2] != _OUTGOING:
                self._pass(wire, number, frame)

    def _pass(self, wire: Wire, number: int, frame: bytes) -> None:
        settings = self.settings
        in_hole = number in _HOLES[str(settings["hole"])]
        if in_hole or self._chance.random() < float(settings["loss"]):
            wire.dropped += 1
            return
        late = float(settings["delay_ms"]) + float(settings["jitter_ms"]) * self._chance.random()
        due = time.monotonic() + late / 1000
        if wire.under_way:
            due = max(due, wire.under_way[-1][0])
        wire.under_way.append((due, frame))


if __name__ == "__main__":
    Relay((sys.argv[1], sys.argv[2]), sys.argv[3]).run()
