"""What stands on the demo's stage: a broker, a node on the simulated board, an observer.

All that happens is recorded for the judge and shown on the screen, as it comes.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from boards.sim.run import SimBoard
from tools import demo_judge as judging
from tools import toolchain, workspace
from tools.broker import Broker
from tools.demo_judge import Heard, Mark, Record
from tools.demo_observer import Observer
from tools.demo_prompt import Prompt
from tools.demo_screen import Screen

if TYPE_CHECKING:
    from tools.demo_tls import Security

BASE = "demo"
_TURN_S = 0.02
_SAVING = "Saving in-memory database"  # mosquitto logs that after each change


class Stuck(Exception):
    """The demo cannot go on; the text says why."""


class Interrupted(Exception):
    """A signal, or a reader that went away, asks for the end."""


class UserLeft(Exception):
    """The user typed `quit`."""


def settings(host: str, port: int) -> dict[str, dict[str, object]]:
    """config.json of the node: the usual one, with shorter pauses than in the field."""
    return {
        "wifi": {"ssid": "sim", "password": "simulated", "stable_s": 0.2, "leave_s": 0.1},
        "mqtt": {
            "host": host,
            "port": port,
            "base_topic": BASE,
            "retry_s": 0.3,
            "retry_max_s": 1,
        },
        "node": {"interval_s": judging.FIRST_INTERVAL_S, "skip_window_s": 0},
    }


class Stage:
    """Broker, node and observer; `with` ends whatever was started."""

    def __init__(
        self,
        screen: Screen,
        clock: Callable[[], float],
        is_stopped: Callable[[], bool],
        board: str = "esp32",
        path: Path | None = None,
        tls: bool = False,
    ) -> None:
        """`path` is a folder whose files come before the firmware's."""
        self.screen = screen
        self.records: list[Record] = []
        self.lines: list[str] = []  # typed by the user, not yet carried out
        self._clock = clock
        self._is_stopped = is_stopped
        self._prompt: Prompt | None = None
        self._node_is_on = False
        self._frozen = False
        self.refused: list[str] = []  # how the broker was tried, and let nobody in
        self.security: Security | None = None
        self._folder = Path(tempfile.mkdtemp(prefix="demo-node-")).resolve()
        self._flash = self._folder / "flash"
        self._flash.mkdir()
        try:
            more: dict[str, Any] = self._secure() if tls else {}
            configuration = self.security.broker_lines() if self.security else ()
            self.broker = Broker(True, config_lines=configuration, allow_anonymous=not tls)
            self.board = SimBoard(
                self._flash,
                board,
                toolchain.micropython(),
                on_line=self._on_console,
                path=path,
                **more,
            )
        except BaseException:
            if self.security is not None:
                self.security.close()
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        certificates = self.security.paho() if self.security else None
        self.observer = Observer(BASE, self._on_message, self._on_joined, certificates)

    def _secure(self) -> dict[str, str]:
        """Make certificates and a time server; the board's environment for them."""
        from tools.demo_tls import Security  # without TLS nobody needs what it imports

        self.security = Security(self._folder, BASE)
        return {"SIM_NTP": str(self.security.time_server.port)}

    # ------------------------------------------------------------------- actors

    def start_broker_again(self) -> float:
        """After `kill_broker`; returns when that was."""
        at = self.mark(judging.BROKER_BACK)
        self.broker.start()
        return at

    def kill_broker(self) -> float:
        """SIGKILL, as in a power cut; returns when that was."""
        at = self.mark(judging.BROKER_KILLED)
        self.broker.kill()
        return at

    def start_node(self) -> None:
        """Write its config.json and switch it on."""
        given = settings(self.broker.host, self.broker.port)
        if self.security is not None:
            given["node"]["ntp_host"] = self.broker.host
            self.refused = self.security.refused(self.broker.host, self.broker.port)
            self.security.provision(self._flash, given)
        else:
            text = json.dumps(given, indent=2)
            (self._flash / "config.json").write_text(text, encoding="utf-8")
        self._node_is_on = True
        self.board.power_on()

    def kill_node(self) -> None:
        """SIGKILL, as in a power cut."""
        self._node_is_on = False
        self.mark(judging.NODE_KILLED)
        self.board.power_off()

    def send(self, name: str, value: str = "") -> None:
        """A command to the node, at QoS 2."""
        self.mark(judging.SENT, name)
        self.observer.send(name, value)

    # ------------------------------------------------------------------ waiting

    def until(self, condition: Callable[[], object], limit: float) -> bool:
        """Wait for a condition; false when it has not come true after so many seconds."""
        deadline = time.monotonic() + limit
        while not condition():
            if time.monotonic() >= deadline:
                return False
            self._turn(min(_TURN_S, deadline - time.monotonic()))
        return True

    def pause(self, seconds: float) -> None:
        """Let the others go on for so long."""
        self.until(lambda: False, seconds)

    def _turn(self, seconds: float) -> None:
        """One turn of waiting; raises when there is no sense in waiting on."""
        if self._is_stopped() or self.screen.is_broken:
            raise Interrupted
        if self._prompt is not None:
            self.lines += self._prompt.read(max(seconds, 0))
        else:
            time.sleep(max(seconds, 0))
        if self._node_is_on and (code := self.board.wait(0)) is not None:
            self._node_is_on = False
            raise Stuck(f"the node ended by itself (exit status {code})")

    @contextlib.contextmanager
    def prompting(self, wanted: bool) -> Iterator[None]:
        """Let the user type meanwhile, if wanted."""
        if not wanted:
            yield
            return
        self._prompt = Prompt(self.screen.prompt)
        try:
            yield
        finally:
            prompt, self._prompt = self._prompt, None
            prompt.close()

    # ---------------------------------------------------------------- recording

    def mark(self, what: str, detail: str = "") -> float:
        """Record something that the demo does itself; the time of it."""
        at = self._clock()
        self.records.append(Mark(at, what, detail))
        return at

    def heard(self, name: str, retain: bool = False) -> list[Heard]:
        """What was heard so far of one topic."""
        return judging.heard(list(self.records), name, retain)

    def _on_message(self, name: str, payload: bytes, qos: int, retain: bool) -> None:
        if self._frozen:
            return
        message = Heard(self._clock(), name, payload, qos, retain)
        self.records.append(message)
        self.screen.message(BASE, message)

    def _on_joined(self, session_present: bool) -> None:
        """The first time there is no session yet; later a lost one would hide losses."""
        if not session_present and self.records:
            self.mark(judging.FORGOTTEN)

    def _on_console(self, line: str) -> None:
        if not self._frozen:
            self.screen.console(line)

    # ---------------------------------------------------------------------- end

    def tails(self) -> str:
        """The ends of the node's console and of the broker's log."""
        console = workspace.tail("\n".join(self.board.lines), 12) or "\n    (nothing)"
        lines = self.broker.log_tail(1000).splitlines()
        told = "\n".join(line.strip() for line in lines if _SAVING not in line)
        log = workspace.tail(told, 12) or "\n    (nothing)"
        return f"The node's console:{console}\nThe broker's log:{log}"

    def proof(self) -> tuple[str, list[str]]:
        """What was seen of TLS, and what is missing; nothing without it."""
        if self.security is None:
            return "", []
        from tools.demo_tls import proof

        return proof(self.broker.log_tail(100000), BASE, self.refused)

    def freeze(self) -> None:
        """Record and show nothing from now on."""
        self._frozen = True

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.freeze()
        with contextlib.ExitStack() as stack:
            stack.callback(shutil.rmtree, self._folder, True)
            stack.callback(self.broker.close)
            stack.callback(self.observer.close)
            stack.callback(self.board.power_off)
            if self.security is not None:
                stack.callback(self.security.close)
