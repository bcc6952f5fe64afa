"""Known faults, planted into copies of the library: which of them do the layers notice?

A fault is a piece of text that occurs once in a file of the library, and what it becomes.
"""

# ruff: noqa: E501 - a table
from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
_LIMIT_S = 100  # a library that computes for ever is noticed

Fault = tuple[str, str, str, str]  # name, file, text, what it becomes

FAULTS_5: tuple[Fault, ...] = (
    ("5: PUBCOMP does not say that an id is unknown", "session5",
     "self._owe_code(_PUBCOMP, packet_id, _NOT_FOUND)", "self._owe(_PUBCOMP, packet_id)"),
    ("5: PUBREL does not say that an id is unknown", "session5",
     "self._owe_code(_PUBREL, packet_id, _NOT_FOUND)", "self._owe(_PUBREL, packet_id)"),
    ("5: every PUBREL is of an unknown id", "session5",
     "and packet_id and packet_id not in self.received:", "and packet_id:"),
    ("5: the broker's Receive Maximum is not kept", "connect5",
     'min(self.window, connack.get("receive_maximum", 65535))', "self.window"),
    ("5: messages that await PUBREL are counted twice", "session5",
     "        self.open_in += 1", "        self.open_in += 2"),
    ("5: messages that await PUBREL outlive their connection", "session5",
     "self.open_in = self._closing = 0  #", "self._closing = 0  #"),
    ("5: a refusing PUBREC is a PUBREC", "session5",
     "if code < 0x80 or not published or not packet_id:", "if True:"),
    ("5: a refusal is told to nobody", "errors",
     "            link._report(session.refused.pop(packet_id))", "            session.refused.clear()"),
    ("5: a session ends with its connection", "connect5", "0 if clean_start else _NEVER", "0"),
    ("5: DISCONNECT says why to a broker that broke no rule", "connect5",
     "told = isinstance(exc, (ProtocolError, LimitError))", "told = True"),
    ("5: aliases outlive their connection", "aliases", "            self._known[i] = 0\n", "            pass\n"),
    ("5: what an alias is written over is not put back", "aliases",
     "            self._swap(self._over)\n", ""),
    ("5: an alias that comes stands for nothing", "message5",
     "            m.topic_end = len(topic)", "            m.topic_end = 0"),
)  # fmt: skip
FAULTS: tuple[Fault, ...] = (
    ("no DUP on a message that is sent again", "ring",
     "        while p != self.next:\n            self.buf[p + _HEAD] |= _DUP",
     "        while p != self.next:\n            self.buf[p + _HEAD] |= 0"),
    ("no DUP on a message that was written in part", "ring",
     "            else:\n                self.buf[current + _HEAD] |= _DUP",
     "            else:\n                self.buf[current + _HEAD] |= 0"),
    ("DUP on what was never sent", "ring", "while p != self.next:\n            self.buf[p + _HEAD]",
     "while p != self.tail:\n            self.buf[p + _HEAD]"),
    ("DUP kept when the session was lost", "ring", "&= ~_DUP", "&= 255"),
    ("DUP set on QoS 0", "ring", "if self.buf[p + 3] > _ONCE:\n                self.buf[p + _HEAD] &=",
     "if True:\n                self.buf[p + _HEAD] |="),
    ("nothing is sent again", "ring", "self.next = p = self.head", "p = self.head"),
    ("the last message first after a loss", "ring", "return p\n            p = self.after(p)\n        return -1\n\n    def sent",
     "self.next = p\n                return p\n            p = self.after(p)\n        return -1\n\n    def sent"),
    ("the quota is not looked at", "ring", "if (quota > 0 and buf[p + 3])", "if (buf[p + 3])"),
    ("the ring loses room when it wraps", "ring",
     "        if self.head < self.tail:\n            self.wrap = self.size", "        pass"),
    ("records are never taken back", "ring",
     "while self.head != self.next and self.buf[self.head + 3] == _FREE:", "while False:"),
    ("a borrowed payload is kept for ever", "ring",
     "        self.buf[p + 3] = _FREE\n        self.lent.pop(p, None)\n        self._reclaim()",
     "        self.buf[p + 3] = _FREE\n        self._reclaim()"),
    ("an ack of the wrong type is taken", "ring",
     "if buf[p + 3] == state and buf", "if buf[p + 3] > 1 and buf"),
    ("packet id 0", "ids", "self.next = n + 1 & 0xFFFF or 1", "self.next = n + 1 & 0xFFFF"),
    ("ids in use are given again", "ids", "while n in self:", "while False:"),
    ("PUBREL is not sent again", "session", "            self._owe(_PUBREL, self.released[i])\n", ""),
    ("PUBREC again is ignored", "session",
     "elif packet_id in self.ids and self", "elif packet_id in self.ids or self"),
    ("an unknown PUBREC is ignored", "session",
     "elif packet_id in self.ids and self.released.find(packet_id) < 0:",
     "elif self.released.find(packet_id) < 0:"),
    ("PUBREC ends a QoS 2 message", "session",
     "            self.released.add(packet_id)  #", "            self.done(packet_id)  #"),
    ("PUBLISH is kept after PUBREC", "session",
     "record stays\n            self.outbox.free(p)\n", "record stays\n"),
    ("QoS 2 is not deduplicated", "session",
     "if not self.received.known(packet_id, m.header):\n", "if True:\n"),
    ("ids received are forgotten with the connection", "session",
     "        self.subscriptions.lost()\n", "        self.subscriptions.lost()\n        self.received = Received()\n"),
    ("ids received are kept when the session is lost", "session",
     "            self.received = Received()\n            if self.store", "            if self.store"),
    ("ids received are never in doubt", "session", "            self.received.doubt()\n", "            pass\n"),
    ("a missed CONNACK is not noticed", "session", "self.unsure = True", "self.unsure = False"),
    ("PUBREL does not free the id", "session", "            self._erase(packet_id)\n", ""),
    ("what was released stays when the session is lost", "session",
     "                self.released.pop(0)\n            self.received", "                break\n            self.received"),
    ("PUBACK before the handler", "session",
     "            self.subscriptions.deliver(m, False)\n            self._settle()\n",
     "            self._settle()\n            self.subscriptions.deliver(m, False)\n"),
    ("no PUBACK", "session", "            self._settle()\n            return", "            return"),
    ("no PUBACK for a long message", "long", "        s._owe(_PUBACK, m.packet_id)", "        pass"),
    ("PUBREC owed twice", "session", "        self._owe(_PUBREC, packet_id)\n",
     "        self._owe(_PUBREC, packet_id)\n        self._owe(_PUBREC, packet_id)\n"),
    ("acks are kept for the next connection", "session",
     "self.writing = self._acks_off = self.acks_end = self._handled", "self.writing = self._handled"),
    ("acks are never paused for", "inbox", "if self.acks_end > self.acks_most:", "if False:"),
    ("the quota is never given back", "session", "            self._quota += 1", "            pass"),
    ("the quota begins anew with messages released", "session",
     "self._quota = self._most - self.released.n", "self._quota = self._most"),
    ("a half-written packet is abandoned", "session",
     "return self.writing or self._choose()", "return self._choose()"),
    ("a partial write counts as whole", "session", "        if self.writing:\n            return\n        p =",
     "        self.writing = 0\n        p ="),
    ("half a packet received is kept for the next connection", "session", "        self.reset()\n", ""),
    ("subscriptions are not made again", "subscriptions", "elif not resumed or unsure or s.state != _DONE:",
     "elif s.state != _DONE:"),
    ("a request that was not answered is not repeated", "subscriptions",
     "elif not resumed or unsure or s.state != _DONE:", "elif not resumed or unsure:"),
    ("subscriptions of a session in doubt are not made again", "subscriptions",
     "elif not resumed or unsure or s.state != _DONE:", "elif not resumed or s.state != _DONE:"),
    ("ids of lost requests are not free again", "subscriptions",
     "self._ids.discard(self._asked.pop()[0])", "self._asked.pop()"),
    ("UNSUBACK leaves the id in use", "subscriptions",
     "        self._asked.remove(asked)\n        self._ids.discard(packet_id)", "        self._asked.remove(asked)"),
    ("no ping", "keep_alive", "        return PING\n", "        return 0\n"),
    ("a ping without a timeout", "keep_alive", "return DEAD", "return 0"),
    ("receiving counts as sending", "keep_alive", "now_ms - self._last_tx & _TICKS\n        return", "now_ms - self._last_rx & _TICKS\n        return"),
    ("CONNECT does not count for the keep alive", "keep_alive",
     "if not session.connected or not self.interval:\n",
     "if not session.connected or not self.interval:\n            self._last_rx = self._last_tx = now_ms\n"),
    ("a part that was written is noted late", "link", "        self.session.poll(ticks_ms())  # what",
     "        # what"),
    ("PINGRESP is not noticed", "session", "            self._keep.pinging = False\n        elif", "            pass\n        elif"),
    ("a blocked client with acks to write spins", "client", "if self._paused and self._blocked:",
     "if self._paused and self._blocked and not self._more:"),
    ("a QoS 0 message that a connection took with it is not counted", "ring",
     "                self.dropped += 1\n", ""),
    ("CONNACK may take for ever", "link", '            raise OSError(errno.ETIMEDOUT, "no CONNACK")', "            pass"),
    ("a lost stream is not closed", "link", "                stream.close()", "                pass"),
    ("the end of the stream is not noticed", "link", "if n == 0 or (n is None", "if (n is None"),
    ("handlers end the connection", "subscriptions", "            self.on_error(exc)\n            return True",
     "            self.on_error(exc)\n            return False"),
    ("bytes behind a CONNECT refused", "session", "            raise ReasonError(code)", "            pass"),
    ("a violation is overlooked", "session",
     'raise ProtocolError("packet " + hex(header) + " of "', 'print("packet " + hex(header) + " of "'),
)  # fmt: skip


FAULTS += FAULTS_5


def version_of(fault: Fault) -> str:
    """The version of MQTT that has this fault; what both have is looked for in 3.1.1."""
    return "5" if fault in FAULTS_5 else "4"


def library() -> Path:
    """The library that the faults are planted in."""
    return Path(os.environ.get("UMQTT_FULL_LIB", str(ROOT / "lib")))


def plant(fault: Fault, folder: Path) -> None:
    """Make a copy of the library with this fault; ValueError if its text is not there once."""
    name, module, text, other = fault
    shutil.copytree(library(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "umqtt_full" / f"{module}.py"
    source = path.read_text(encoding="utf-8")
    if source.count(text) != 1:
        raise ValueError(f"fault {name!r}: its text occurs {source.count(text)} times")
    path.write_text(source.replace(text, other), encoding="utf-8")


def _noticed(folder: Path, *arguments: str) -> bool:
    """Run a layer on a copy; did it fail?"""
    env = {**os.environ, "UMQTT_FULL_LIB": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        result = subprocess.run(
            [sys.executable, "-m", "chaos.layer", *arguments], cwd=ROOT / "host_tests", env=env,
            capture_output=True, timeout=_LIMIT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return True
    return result.returncode != 0


def by_histories(fault: Fault, runs: int) -> bool:
    """Whether one of so many random histories notices a fault."""
    with tempfile.TemporaryDirectory() as folder:
        plant(fault, Path(folder) / "lib")
        return _noticed(Path(folder) / "lib", "chaos", version_of(fault), str(runs))


def caught(fault: Fault, runs: int) -> tuple[bool, bool]:
    """Whether random histories, and whether the cuts, notice a fault."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "lib"
        plant(fault, copy)
        version = version_of(fault)
        return _noticed(copy, "chaos", version, str(runs)), _noticed(copy, "cuts", version)


def judge(runs: int) -> int:
    """Print a table of the faults; 0 if nine of ten are noticed by chaos or cuts."""
    total = [0, 0, 0]
    for fault in FAULTS:
        by_chaos, by_cuts = caught(fault, runs)
        total = [
            a + b for a, b in zip(total, (by_chaos, by_cuts, by_chaos or by_cuts), strict=True)
        ]
        words = ("-", "noticed")
        print(f"{words[by_chaos]:8} {words[by_cuts]:8} {fault[0]}", flush=True)
    share = total[2] / len(FAULTS)
    verdict = "passed" if share >= 0.9 else "FAILED"
    print(
        f"faults {verdict}: {total[2]} of {len(FAULTS)} noticed ({share:.0%}), "
        f"{total[0]} by {runs} histories, {total[1]} by the cuts"
    )
    return 0 if share >= 0.9 else 1
