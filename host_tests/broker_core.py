"""What carries a script of the fake broker: its thread, its connections, its transcript."""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from strict import Flow, Packet, Parser, Violation, build
from strict_base import Stream
from wire import Link

HOST = "127.0.0.1"
WAIT_MS = 5000
LATE_S = float(os.environ.get("UMQTT_LATE_MS", "0")) / 1000
# Below the range of outgoing connections: a client that dials its own port meets itself.
PORTS = range(10000, 20000)
Step = Sequence[Any]


def be_late(dice: random.Random) -> None:
    """With UMQTT_LATE_MS each step of a broker's script, and each observer, is up to so late."""
    time.sleep(dice.random() * LATE_S)


class StepFailed(Exception):
    """What a step expected did not come."""


class Core(threading.Thread):
    """Runs one script. `failure` is None when all of it came true."""

    parser: type[Stream] = Parser
    new_flow: Callable[[], Any] = Flow
    build: Callable[[str, Packet], bytes] = staticmethod(build)

    def __init__(self, name: str, steps: Sequence[Step]) -> None:
        super().__init__(name=f"broker of {name}", daemon=True)
        self.script = name
        self.steps = steps
        self.failure: str | None = None
        self.syncs: dict[str, threading.Event] = {}
        self.release: Callable[[str], None] = lambda tag: None
        self._aborted = threading.Event()
        self._start = time.monotonic()
        self._transcript: list[str] = []
        self._ids: dict[str, int] = {}
        self._flow = self.new_flow()
        self._split = 0
        self._link: Link | None = None
        self._parked: list[Link] = []
        self._dead: list[Link] = []
        self._listener = self._bind(0)
        self.port: int = self._listener.getsockname()[1]
        self._listener.listen(16)

    # ---------------------------------------------------------------- running

    def run(self) -> None:
        """Follow the script, then see the client off."""
        index, step, dice = 0, None, random.Random(self.script)
        try:
            for step in (*self.steps, ("finish",)):
                be_late(dice)
                getattr(self, f"do_{step[0]}")(*step[1:])
                index += 1
        except (StepFailed, Violation, OSError, ValueError, TypeError, KeyError) as error:
            what = f"{type(error).__name__}: {error}"
            lines = "\n    ".join(self._transcript[-30:])
            self.failure = f"{self.script}: broker step {index} {step!r:.200}: {what}\n    {lines}"
        finally:
            self._aborted.wait(10 if self._dead and not self.failure else 0)
            for link in [*self._parked, *self._dead, *([self._link] if self._link else [])]:
                link.raw.close()
            self._listener.close()

    def abort(self) -> None:
        """The client is gone: whatever is still awaited will not come."""
        self._aborted.set()

    def sync_event(self, tag: str) -> threading.Event:
        """Set when the client has come to its `sync` of that name."""
        return self.syncs.setdefault(tag, threading.Event())

    def _log(self, arrow: str, text: str, data: bytes) -> None:
        shown = data[:80].hex(" ") + (f" … {len(data)} bytes" if len(data) > 80 else "")
        at = (time.monotonic() - self._start) * 1000
        self._transcript.append(f"{at:7.0f} ms {arrow} {text}{' ' if text else ''}{shown}")

    def _bind(self, port: int) -> socket.socket:
        for _ in range(100):
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((HOST, port or random.choice(PORTS)))
                return listener
            except OSError:
                listener.close()
        raise OSError(f"cannot bind port {port or 'at all'}")

    def _accepted(self) -> Link:
        """The connection that waits to be accepted."""
        return Link(self._listener.accept()[0], self._log, self.parser())

    def _until(self, within_ms: float) -> float:
        return time.monotonic() + within_ms / 1000

    @property
    def link(self) -> Link:
        """The connection that the steps are about."""
        if self._link is None:
            raise StepFailed("there is no connection")
        return self._link

    def _packet(self, name: str, fields: Packet) -> bytes:
        known = self._with_ids(fields)
        self._flow.sent(name, known)
        return self.build(name, known)

    def _with_ids(self, fields: Packet) -> Packet:
        packet_id = fields.get("packet_id")
        if not isinstance(packet_id, str):
            return fields
        return {**fields, "packet_id": self._ids[packet_id]}

    def _send(self, data: bytes, what: str) -> None:
        self._log(">", what, data)
        size = self._split or len(data)
        for start in range(0, len(data), size or 1):
            self.link.write(data[start : start + size])
            if self._split:
                time.sleep(0.001)

    def _poll_packet(self, deadline: float, at_end: bool = False) -> Packet | None:
        """The next packet; None when there is none by then. `at_end` the stream may end."""
        while not self.link.packets:
            if self.link.ended:
                if at_end:
                    return {"type": "END"}
                raise StepFailed("the stream ended")
            if self.link.read(deadline) is None:
                return None
        packet = self.link.packets.pop(0)
        self._flow.received(packet)
        return packet

    def _next(self, within_ms: int, wanted: str) -> Packet:
        deadline = self._until(within_ms)
        try:
            packet = self._poll_packet(deadline)
        except StepFailed as error:
            raise StepFailed(f"expected {wanted}, but {error}") from None
        if packet is None:
            partial = self.link.parser.pending.hex(" ") or "nothing"
            raise StepFailed(f"expected {wanted} within {within_ms} ms, came {partial}")
        return packet

    def _difference(self, packet: Packet, name: str, fields: Packet) -> str:
        if packet["type"] != name:
            return f"came {shown(packet)}"
        for key, wanted in fields.items():
            if key == "packet_id" and isinstance(wanted, str):
                wanted = self._ids.setdefault(wanted, packet[key])
            if isinstance(wanted, tuple) and wanted[:1] == ("times",):
                wanted = wanted[1] * wanted[2]
            if packet[key] != wanted:
                return f"{key} is {packet[key]!r:.100} in {shown(packet)}"
        return ""


def shown(packet: Packet) -> str:
    raw: bytes = packet["raw"]
    return f"{packet['type']} {raw[:40].hex(' ')}{' …' if len(raw) > 40 else ''}"
