"""A broker that follows a script: what it expects, what it answers, how it fails.

A script is a tuple of steps, a step a tuple of its name and its arguments (each method
`do_NAME` below says what its step means). Every byte that a client sends goes through
`strict.Parser` and `strict.Flow`, whatever the script says. Times are upper bounds in ms.
In the field `packet_id`, a text such as "$a" stands for a number: it is bound where it is
seen first and compared, or sent, from then on. A long value may be ("times", b"x", 1000).
"""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Sequence

from broker_core import WAIT_MS, Core, Step, StepFailed, shown
from strict import Packet


class FakeBroker(Core):
    """All steps that a script may have."""

    # ------------------------------------------------------------ connections

    def do_accept(self, within_ms: int = WAIT_MS) -> None:
        """The client opens a connection. The one before, if any, is put aside."""
        deadline = self._until(within_ms)
        while not select.select([self._listener], [], [], 0.05)[0]:
            if time.monotonic() > deadline or self._aborted.is_set():
                raise StepFailed("expected a connection, none came")
        if self._link:
            self._parked.append(self._link)
        self._link = self._accepted()
        self._log("<", "connection", b"")

    def do_small_buffer(self) -> None:
        """From the next connection on, hold few bytes that are not read yet."""
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    def do_greet(self, connack: Packet | None = None, connect: Packet | None = None) -> None:
        """A connection, its CONNECT, and CONNACK."""
        self.do_accept()
        self.do_expect("CONNECT", connect or {})
        self.do_send("CONNACK", connack or {})

    def do_no_accept(self, ms: int) -> None:
        """No connection is opened for so long."""
        if select.select([self._listener], [], [], ms / 1000)[0]:
            raise StepFailed(f"expected no connection for {ms} ms, one came")

    def do_count_connects(self, ms: int, least: int, most: int) -> None:
        """Reset every connection for so long; their number must lie in the range."""
        deadline, count = self._until(ms), 0
        while time.monotonic() < deadline and not self._aborted.is_set():
            if select.select([self._listener], [], [], 0.02)[0]:
                self._accepted().reset()
                self._log("<", "connection, reset", b"")
                count += 1
        if not least <= count <= most:
            raise StepFailed(f"expected {least} to {most} connections, {count} came")

    def do_greet_and_cut(self, ms: int, least: int, most: int) -> None:
        """For so long, answer each CONNECT with CONNACK and then reset; count them."""
        deadline, count = self._until(ms), 0
        while time.monotonic() < deadline and not self._aborted.is_set():
            if select.select([self._listener], [], [], 0.02)[0]:
                self.do_greet()
                time.sleep(0.02)  # a reset would take a CONNACK with it that is not read yet
                self.do_cut("rst")
                count += 1
        if not least <= count <= most:
            raise StepFailed(f"expected {least} to {most} connections, {count} came")

    def do_refuse(self) -> None:
        """Refuse connections until `listen`; the port stays taken."""
        self._listener.close()
        self._listener = self._bind(self.port)

    def do_listen(self) -> None:
        """Accept connections again."""
        self._listener.listen(16)

    def do_cut(self, how: str) -> None:
        """End the connection, by "fin" or "rst"."""
        self._log(">", how, b"")
        if how == "rst":
            self.link.reset()
        else:
            with contextlib.suppress(OSError):  # the client has reset it already
                self.link.raw.shutdown(socket.SHUT_WR)
            self._parked.append(self.link)
        self._link = None

    def do_cut_in(self, how: str, count: int) -> None:
        """Cut when `count` more bytes have come (the rest of what is on its way is lost)."""
        deadline = self._until(WAIT_MS)
        while count:
            data = self.link.read(deadline, count)
            if not data:
                raise StepFailed(f"expected {count} more bytes before the cut")
            count -= len(data)
        self.do_cut(how)

    def do_cut_out(self, how: str, count: int, name: str, fields: Packet) -> None:
        """Send the first `count` bytes of a packet, then cut."""
        self._send(self.build(name, self._with_ids(fields))[:count], f"{name} cut short")
        self.do_cut(how)

    def do_half_open(self) -> None:
        """Never read from or write to this connection again, and do not close it."""
        self._dead.append(self.link)
        self._link = None

    def do_stall(self, ms: int) -> None:
        """Neither read nor write for so long."""
        self._aborted.wait(ms / 1000)

    def do_sync(self, tag: str) -> None:
        """Meet the client at its step ("sync", tag), and let it go on."""
        self.do_meet(tag)
        self.do_let_go(tag)

    def do_meet(self, tag: str) -> None:
        """Wait until the client is at its step ("sync", tag), where it stays until `let_go`."""
        event, deadline = self.sync_event(tag), self._until(2 * WAIT_MS)
        while not event.wait(0.02):
            if self._aborted.is_set() or time.monotonic() > deadline:
                raise StepFailed("the client did not come to this point")

    def do_let_go(self, tag: str) -> None:
        """Let the client go on behind its step ("sync", tag)."""
        self.release(tag)

    def do_for_ids(self, first: int, last: int, *steps: Step) -> None:
        """The steps once for each number, which "$i" stands for."""
        for number in range(first, last + 1):
            self._ids["$i"] = number
            for step in steps:
                getattr(self, f"do_{step[0]}")(*step[1:])

    # ---------------------------------------------------------------- sending

    def do_send(self, name: str, fields: Packet | None = None) -> None:
        """Send a packet."""
        self._send(self._packet(name, fields or {}), name)

    def do_send_together(self, *packets: tuple[str, Packet]) -> None:
        """Send several packets by one write."""
        self._send(b"".join(self._packet(*packet) for packet in packets), "together")

    def do_send_hex(self, text: str) -> None:
        """Send these bytes."""
        self._send(bytes.fromhex(text), "raw")

    def do_flood(self, size: int) -> None:
        """Send so many bytes of nothing in particular."""
        for _ in range(size // 10000):
            self.link.write(b"\xff" * 10000)

    def do_flood_until_closed(self, within_ms: int) -> None:
        """Send bytes of nothing in particular until the client closes."""
        deadline = self._until(within_ms)
        while not self.link.ended and time.monotonic() < deadline:
            self.link.write(b"\xff" * 100)
            self.link.read(self._until(2))
        self.do_expect_eof(1)

    def do_split(self, size: int) -> None:
        """From here on, send `size` bytes a segment; 0 sends whole packets again."""
        self._split = size

    # -------------------------------------------------------------- expecting

    def do_expect(self, name: str, fields: Packet | None = None, within_ms: int = WAIT_MS) -> None:
        """The next packet is of this type and has these fields."""
        packet = self._next(within_ms, f"{name} {fields or ''}")
        difference = self._difference(packet, name, fields or {})
        if difference:
            raise StepFailed(f"expected {name} {fields or ''}, {difference}")

    def do_expect_hex(self, text: str, within_ms: int = WAIT_MS) -> None:
        """The next packet consists of exactly these bytes."""
        raw = self._next(within_ms, text)["raw"]
        if raw != bytes.fromhex(text):
            raise StepFailed(f"expected {text}, came {raw.hex(' ')}")

    def do_expect_all(self, *wanted: tuple[str, Packet]) -> None:
        """These packets come next, in any order."""
        left = list(wanted)
        while left:
            packet = self._next(WAIT_MS, f"one of {left}")
            found = [item for item in left if not self._difference(packet, *item)]
            if not found:
                raise StepFailed(f"expected one of {left}, came {shown(packet)}")
            left.remove(found[0])

    def do_expect_subscriptions(self, wanted: Sequence[tuple[str, int]]) -> None:
        """These filters are subscribed to, in one packet or several, and granted."""
        left = list(wanted)
        while left:
            packet = self._next(WAIT_MS, f"SUBSCRIBE to {left}")
            if packet["type"] != "SUBSCRIBE" or not set(packet["filters"]) <= set(left):
                raise StepFailed(f"expected SUBSCRIBE to {left}, came {shown(packet)}")
            left = [pair for pair in left if pair not in packet["filters"]]
            codes = tuple(qos for _, qos in packet["filters"])
            self.do_send("SUBACK", {"packet_id": packet["packet_id"], "codes": codes})

    def do_expect_delivery(self, fields: Packet) -> None:
        """A PUBLISH with these fields, acknowledged as its QoS demands."""
        packet = self._next(WAIT_MS, f"PUBLISH {fields}")
        difference = self._difference(packet, "PUBLISH", fields)
        if difference:
            raise StepFailed(f"expected PUBLISH {fields}, {difference}")
        same = {"packet_id": packet["packet_id"]}
        if packet["qos"] == 1:
            self.do_send("PUBACK", same)
        if packet["qos"] == 2:
            self.do_send("PUBREC", same)
            self.do_expect("PUBREL", same)
            self.do_send("PUBCOMP", same)

    def do_expect_mix(self, counts: dict[str, int]) -> None:
        """So many packets of each type, in any order."""
        left = dict(counts)
        while any(left.values()):
            packet = self._next(WAIT_MS, str(left))
            if not left.get(packet["type"]):
                raise StepFailed(f"expected {left}, came {shown(packet)}")
            left[packet["type"]] -= 1

    def do_expect_nothing(self, ms: int) -> None:
        """Not one byte, and no end of the stream, for so long, or until DISCONNECT."""
        deadline = self._until(ms)
        while not self._aborted.is_set() and not self._says_farewell():
            if self.link.packets or self.link.ended or self.link.parser.pending:
                came = [shown(packet) for packet in self.link.packets]
                raise StepFailed(f"expected nothing for {ms} ms, came {came or 'something'}")
            if self.link.read(deadline) is None:
                return

    def do_expect_eof(self, within_ms: int = WAIT_MS, allowed: Sequence[str] = ()) -> None:
        """The client closes; before that it sends nothing but what is allowed."""
        deadline = self._until(within_ms)
        while True:
            for packet in self.link.packets:
                if not self._may_end_with(packet, allowed):
                    raise StepFailed(f"expected the end of the stream, came {shown(packet)}")
            self.link.packets.clear()
            if self.link.ended:
                return
            if self.link.read(deadline) is None:
                raise StepFailed(f"expected the end of the stream within {within_ms} ms")

    def _may_end_with(self, packet: Packet, allowed: Sequence[str]) -> bool:
        return packet["type"] in allowed

    def do_serve(self, ms: int, options: Packet) -> None:
        """For so long, or until DISCONNECT, answer each PINGREQ; else only `allow` may come.

        `mute` does not answer. `send` is a packet to send each `every_ms`. `pings` bounds
        the number of PINGREQ, `max_gap_ms` the time between two packets of the client.
        """
        pings, last = 0, time.monotonic()
        end, tick = self._until(ms), self._until(0)
        while time.monotonic() < end and not self._aborted.is_set():
            if "send" in options and time.monotonic() >= tick:
                self.do_send(*options["send"])
                tick = self._until(options["every_ms"])
            if not self.link.packets:
                self.link.read(min(end, self._until(20)))
            if self._says_farewell():
                break
            packet = self._poll_packet(self._until(0))
            gap = (time.monotonic() - last) * 1000
            if gap > options.get("max_gap_ms", ms):
                raise StepFailed(f"no packet for {gap:.0f} ms")
            if packet is not None:
                last = time.monotonic()
                pings += self._serve_packet(packet, options)
        least, most = options.get("pings", (0, 1000))
        if not least <= pings <= most:
            raise StepFailed(f"expected {least} to {most} PINGREQ, {pings} came")

    def _serve_packet(self, packet: Packet, options: Packet) -> bool:
        is_ping = packet["type"] == "PINGREQ"
        if not is_ping and packet["type"] not in options.get("allow", ()):
            raise StepFailed(f"expected PINGREQ, came {shown(packet)}")
        if is_ping and not options.get("mute"):
            self.do_send("PINGRESP")
        return bool(is_ping)

    def do_finish(self) -> None:
        """The end of each script: the client says DISCONNECT or just closes, nothing else.

        As a real broker, this one closes when it has got DISCONNECT.
        """
        while self._link and not self._link.ended:
            packet = self._poll_packet(self._until(WAIT_MS), at_end=True)
            if packet is None or not self._is_farewell(packet):
                came = shown(packet) if packet else "nothing"
                raise StepFailed(f"expected DISCONNECT or the end of the stream, came {came}")
            if packet["type"] == "DISCONNECT":
                self.do_cut("fin")
        for link in self._parked:
            deadline = self._until(WAIT_MS)
            while link.read(deadline):
                link.packets.clear()

    def _says_farewell(self) -> bool:
        """Tell whether DISCONNECT, which `finish` expects, is all that has come.

        A broker that was stopped for a moment may look when the client has done its steps.
        """
        return [packet["type"] for packet in self.link.packets] == ["DISCONNECT"]

    def _is_farewell(self, packet: Packet) -> bool:
        return packet["type"] in ("DISCONNECT", "PINGREQ", "END")
