"""The library with brokers of other makers: `python3 -m tools.interop [BROKER…] [--write]`.

Each behaviour runs with Client and AsyncClient on CPython and on MicroPython; paho-mqtt is the
other side. When one fails, a probe that uses no client library decides whose failure it is. The
last line is the result; the exit status is 1 if any failure is ours.
"""

from __future__ import annotations

import argparse
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tools import interop_raw, toolchain, traffic, workspace
from tools.gate import Gate
from tools.interop_brokers import MAKERS, PASSWORD, USER, Absent, Server

PROGRAM = str(traffic.TESTS / "device" / "interop_steps.py")
LARGE, MANY = 100000, 60  # as in interop_steps.py
# What is asked for: 3.1.1; or 5.0, with 3.1.1 where the broker speaks nothing else.
KINDS = {"": ("client", "async"), ", asked for 5.0": ("client5", "async5")}
_WAIT_S = 6.0


class Unlike(Exception):
    """What was observed is not what was expected."""


class Observer:
    """paho, subscribed to all of one prefix, or to one topic."""

    def __init__(self, server: Server, prefix: str, topic: str = "/#") -> None:
        self.prefix = prefix
        self.seen: list[tuple[str, bytes, int, bool]] = []
        ready: list[object] = []
        self.client = paho.Client(CallbackAPIVersion.VERSION2, f"{prefix}-{time.time_ns()}")
        self.client.username_pw_set(USER, PASSWORD)
        self.client.on_message = self._message
        self._filter = prefix + topic
        self.client.on_connect = self._connected
        self.client.on_subscribe = lambda *_: ready.append(1)
        self.client.max_inflight_messages_set(100)
        self.client.connect(server.host, server.port)
        self.client.loop_start()
        self.until(lambda: bool(ready))

    def _connected(self, *_: object) -> None:
        self.client.subscribe(self._filter, 2)

    def _message(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        topic = message.topic.removeprefix(self.prefix)
        self.seen.append((topic, bytes(message.payload), message.qos, bool(message.retain)))

    def until(self, done: Callable[[], bool]) -> None:
        """Wait until it holds."""
        deadline = time.monotonic() + _WAIT_S
        while not done():
            if time.monotonic() > deadline:
                raise Unlike(f"paho saw {self.seen[-4:]!r:.200}")
            time.sleep(0.01)

    def payloads(self, topic: str) -> list[bytes]:
        """The payloads that came under a topic."""
        return [payload for where, payload, _, _ in self.seen if where == topic]

    def publish(self, topic: str, payload: bytes, qos: int = 1) -> None:
        """Publish under the prefix, and wait until it is acknowledged."""
        self.client.publish(self.prefix + topic, payload, qos).wait_for_publish(_WAIT_S)

    def close(self) -> None:
        """Disconnect."""
        self.client.disconnect()
        self.client.loop_stop()


class Run:
    """One behaviour on one device."""

    def __init__(self, server: Server, interpreter: str, kind: str, behaviour: str) -> None:
        self.server = server
        self.prefix = f"i{uuid.uuid4().hex[:10]}"
        self.observer = Observer(server, self.prefix)
        self.gate = Gate(server.port)
        self.gate.tap = []
        arguments = [PROGRAM, kind, server.host, str(self.gate.port), self.prefix, behaviour]
        self.device = traffic.Process(interpreter, arguments)

    def meet(self, tag: str) -> None:
        """Wait until the device is there."""
        if not self.device.wait_for(f"AT {tag}", 12):
            raise Unlike("the device did not come there")

    def go(self) -> None:
        """Let it go on."""
        self.device.say("go")

    def end(self) -> None:
        """Wait until the device has ended well."""
        if self.device.end(20):
            raise Unlike(
                (self.device.output or ["it printed nothing"])[-1].removeprefix("FAILED ")
            )

    def close(self) -> None:
        """End both sides."""
        self.device.kill()
        self.observer.close()
        self.gate.close()

    def evidence(self, behaviour: str) -> str:
        """What the broker sent to this device, if that was not what it must."""
        count = interop_raw.INBOUND.get(behaviour)
        return interop_raw.inbound(b"".join(self.gate.tap or ()), count) if count else ""


def _publish(run: Run) -> None:
    run.end()
    run.observer.until(lambda: len(run.observer.payloads("/out")) == 1)


def _publish_level(qos: int) -> Callable[[Run], None]:
    def check(run: Run) -> None:
        _publish(run)
        if run.observer.seen != [("/out", b"payload", qos, False)]:
            raise Unlike(f"paho saw {run.observer.seen}")

    return check


def _receive(qos: int) -> Callable[[Run], None]:
    def check(run: Run) -> None:
        run.meet("subscribed")
        run.observer.publish("/in", b"payload", qos)
        run.go()
        run.end()

    return check


def _retained(run: Run) -> None:
    for tag, wanted in (("kept", [("/kept", b"old", 1, True)]), ("cleared", [])):
        run.meet(tag)
        late = Observer(run.server, run.prefix, "/kept")
        time.sleep(0.4)
        late.close()
        if late.seen != wanted:
            raise Unlike(f"a later subscriber saw {late.seen}")
        run.go()
    run.end()


def _will(run: Run) -> None:
    run.meet("up")
    run.go()
    run.end()
    run.observer.until(lambda: run.observer.payloads("/will") == [b"gone"])


def _away(run: Run) -> None:
    run.meet("away")
    for number in range(3):
        run.observer.publish("/in", b"%d" % number)
    run.go()
    run.end()


def _wildcards(run: Run) -> None:
    run.meet("subscribed")
    for topic in ("/a/x", "/a/y", "/d", "/x", "/d/e/f", "/a/b/x", "/b/x"):
        run.observer.publish(topic, b"1")
    run.go()
    run.end()


def _large(run: Run) -> None:
    run.meet("sent")
    run.observer.until(lambda: run.observer.payloads("/out") == [b"L" * LARGE])
    run.observer.publish("/large", b"L" * LARGE)
    run.go()
    run.end()


def _flight(run: Run) -> None:
    numbers = [b"%d" % number for number in range(MANY)]
    run.meet("sent")
    run.observer.until(lambda: len(run.observer.payloads("/out")) >= MANY)
    if run.observer.payloads("/out") != numbers:
        raise Unlike("out of order, or twice")
    for number in numbers:
        run.observer.client.publish(f"{run.prefix}/in", number, 1)
    run.go()
    run.end()


def _unsubscribed(run: Run) -> None:
    run.meet("unsubscribed")
    run.observer.publish("/in", b"late")
    run.go()
    run.end()


@dataclass(frozen=True)
class Behaviour:
    """A row of the table."""

    name: str  # of the device's side
    text: str
    check: Callable[[Run], None]


BEHAVIOURS = (
    *(Behaviour(f"publish:{q}", f"publish QoS {q}", _publish_level(q)) for q in range(3)),
    *(Behaviour(f"receive:{q}", f"receive QoS {q}", _receive(q)) for q in range(3)),
    Behaviour("retained", "retained", _retained),
    Behaviour("will", "will", _will),
    Behaviour("resume", "session resumed", _away),
    Behaviour("clean", "clean session", _away),
    Behaviour("wildcards", "wildcards", _wildcards),
    Behaviour("unsubscribe", "unsubscribe", _unsubscribed),
    Behaviour("large", f"payload of {LARGE} bytes", _large),
    Behaviour("flight", f"{MANY} in flight", _flight),
    Behaviour("keep_alive", "keep alive of 1 s", _publish),
    Behaviour("no_name", "empty client id", _publish),
    Behaviour("refused", "password refused", Run.end),
    Behaviour("denied", "SUBACK 0x80", Run.end),
)
WORKS, NOT, OURS = "works", "not by the broker", "OURS FAILS"


@dataclass
class Result:
    """What one run came to: what failed, and what the broker did wrong."""

    text: str = ""
    evidence: str = ""


def attempt(server: Server, interpreter: str, kind: str, behaviour: Behaviour) -> Result:
    """Run it once."""
    run = None
    try:
        run = Run(server, interpreter, kind, behaviour.name)
        behaviour.check(run)
    except (Unlike, OSError) as error:
        last = " ".join(run.device.output[-1:]) if run else ""
        evidence = run.evidence(behaviour.name) if run else ""
        return Result(f"{error!s:.160}; {last:.160}", evidence)
    finally:
        if run:
            run.close()
    return Result()


@dataclass
class Cell:
    """One behaviour of one broker."""

    verdict: str
    notes: list[str]


_NOT_RUN = Cell("not run", [])  # the broker was lost before


def examine(
    server: Server, interpreters: Sequence[str], behaviour: Behaviour, kinds: Sequence[str]
) -> Cell:
    """All clients on all interpreters, and a probe if one fails without showing why."""
    combinations = [(name, kind) for name in interpreters for kind in kinds]
    with ThreadPoolExecutor(2) as pool:
        results = list(
            pool.map(lambda one: attempt(server, one[0], one[1], behaviour), combinations)
        )
    failed = [(one, result) for one, result in zip(combinations, results, strict=True)
              if result.text]  # fmt: skip
    if not failed:
        return Cell(WORKS, [])
    shown = [result.evidence for _, result in failed]
    probe = interop_raw.PROBES.get(behaviour.name)
    if not all(shown) and probe:
        shown = [probe(server)]
    if all(shown):
        return Cell(NOT, shown[:1])
    return Cell(OURS, [f"{one[1]} on {one[0]}: {result.text}" for one, result in failed])


def table(titles: Sequence[str], cells: dict[tuple[str, str], Cell], absent: Sequence[str],
          interpreters: Sequence[str]) -> str:  # fmt: skip
    """Markdown."""
    lines = ["| | " + " | ".join(titles) + " |", "|---" * (len(titles) + 1) + "|"]
    for behaviour in BEHAVIOURS:
        row = [cells.get((title, behaviour.text), _NOT_RUN) for title in titles]
        lines.append(f"| {behaviour.text} | " + " | ".join(cell.verdict for cell in row) + " |")
    lines += ["", f"`Client` and `AsyncClient`, each on {' and '.join(interpreters)}."]
    notes = [(key, note) for key, cell in cells.items() for note in cell.notes]
    if notes:
        lines += ["", "The other cells (bytes as a bare socket sees them, no library):", ""]
        lines += [f"- {title}, {text}: {note}" for (title, text), note in notes]
    lines += [f"- not run: {text}" for text in absent]
    return "\n".join(lines)


def micropython() -> str:
    """The 32-bit MicroPython where it can be had: it is closest to a board."""
    try:
        toolchain.micropython(32)
    except toolchain.ToolchainError:
        return "micropython64"
    return "micropython32"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the brokers that are named, or all."""
    parser = argparse.ArgumentParser(prog="python3 -m tools.interop", description=__doc__)
    parser.add_argument("brokers", nargs="*", metavar="BROKER", help=", ".join(MAKERS))
    parser.add_argument("--write", action="store_true", help="also to docs/interop.md")
    options = parser.parse_args(arguments)
    if unknown := set(options.brokers) - set(MAKERS):
        parser.error(f"unknown broker {', '.join(sorted(unknown))}")
    if options.write and options.brokers:
        parser.error("--write needs all brokers: docs/interop.md has a column for each")
    start, interpreters = time.monotonic(), ("cpython", micropython())
    cells: dict[tuple[str, str], Cell] = {}
    titles, absent = [], []
    for name in options.brokers or MAKERS:
        try:
            with MAKERS[name]() as server:
                for asked, kinds in KINDS.items():
                    title = f"{server.name} {server.version}{asked}"
                    titles.append(title)
                    silence = interop_raw.silent_on_5(server) if asked else ""
                    note = [f"{silence}; so in all of this column"] if silence else []
                    for behaviour in BEHAVIOURS:
                        cell = Cell(NOT, note)
                        if not silence:
                            cell = examine(server, interpreters, behaviour, kinds)
                        cells[title, behaviour.text], note = cell, []
                        print(f"{title:<34}{behaviour.text:<26}{cell.verdict}", flush=True)
        except (Absent, toolchain.ToolchainError) as error:
            absent.append(f"{name}: {error}")
    text = table(titles, cells, absent, interpreters)
    print("\n" + text)
    if options.write:
        head = "# Brokers\n\nWritten by `make interop WRITE=1`; do not edit.\n\n"
        (workspace.ROOT / "docs" / "interop.md").write_text(head + text + "\n")
    counts = {verdict: 0 for verdict in (WORKS, NOT, OURS)}
    for cell in cells.values():
        counts[cell.verdict] += 1
    failed = counts[OURS] or not cells
    print(f"interop {'FAILED' if failed else 'passed'}: {len(titles)} columns, "
          f"{counts[WORKS]} work, {counts[NOT]} not by the broker, {counts[OURS]} ours, "
          f"{len(absent)} brokers not run, {time.monotonic() - start:.0f} s")  # fmt: skip
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("interop interrupted")
        sys.exit(130)
