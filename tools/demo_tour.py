"""The demo's story: what happens on the stage, in which order, and when."""

from __future__ import annotations

from collections.abc import Callable

from tools import demo_judge as judging
from tools.demo_stage import BASE, Stage, Stuck, UserLeft

MINIMUM_S = 16.0
COMMANDS = (("led", "on"), ("read", "temperature"), ("interval", "0.5"), ("led", "purple"))
_ONLINE_S = 20.0  # the longest wait for the node at its start
_RETURN_S = 20.0  # and after an outage
_ANSWER_S = 5.0
_SILENCE_S = 1.0  # shorter than what makes the board give up its WiFi
HELP = """\
    led on|off|toggle    interval SECONDS    read [temperature]    restart
                         commands to the node; its answers come as {base}/answer/...
    outage [SECONDS]     kill the broker and start it again
    help    quit         quit (or Ctrl-D) shows the node's will; Ctrl-C ends at once"""


class Tour:
    """Plays the story on a stage so that it takes about `seconds`."""

    def __init__(
        self, stage: Stage, seconds: float, clock: Callable[[], float], ask: bool
    ) -> None:
        self._stage = stage
        self._screen = stage.screen
        self._seconds = seconds
        self._clock = clock
        self._ask = ask
        self._in_outage = False
        self._leaving = False  # as soon as the outage is over

    def play(self) -> None:
        """All of it; `Stuck` when it cannot go on. A user who leaves early still sees the will."""
        try:
            with self._stage.prompting(self._ask):
                self._start()
                self._newcomer("birth")
                self._commands()
                self._until_part(0.5)
                self._outage(max(4.0, self._seconds * 0.15))
                self._until_part(0.93)
                self._free_play()
        except UserLeft:
            self._screen.note("the tour ends here")
        self._will()

    def _until_part(self, part: float) -> None:
        """Watch until that part of the time is over."""
        self._watch(self._seconds * part - self._clock())

    def _watch(self, seconds: float) -> None:
        """Let it run, and do what the user types."""
        end = self._clock() + seconds
        while self._clock() < end and not self._leaving:
            self._stage.until(lambda: self._stage.lines, end - self._clock())
            self._obey()

    # ------------------------------------------------------------------- phases

    def _start(self) -> None:
        stage = self._stage
        self._screen.heading("a broker, an observer, and the node")
        stage.broker.start()
        host, port = stage.broker.host, stage.broker.port
        self._screen.note(f"mosquitto runs at {host}:{port} and keeps its sessions on disk")
        if stage.security is not None:
            self._screen.note("it speaks TLS only, and wants a certificate of the fleet's own CA")
            self._screen.note("the node has its certificate, and asks for the time before TLS")
        stage.observer.start(host, port)
        self._screen.note(f"the observer (paho-mqtt) subscribes to {BASE}/# at QoS 2")
        self._screen.note("the node is switched on: WiFi first, then the broker")
        self._screen.columns()
        stage.start_node()
        if not stage.until(lambda: stage.heard("telemetry"), _ONLINE_S):
            raise Stuck(f"no telemetry within {_ONLINE_S:.0f} s")
        self._until_part(0.2)

    def _newcomer(self, name: str) -> None:
        """Ask for the retained messages, as somebody who comes later would."""
        before = len(self._stage.heard(name, retain=True))
        self._screen.note("what the broker tells a newcomer (R: retained)")
        self._stage.observer.look_again()
        stage = self._stage
        stage.until(lambda: len(stage.heard(name, retain=True)) > before, _ANSWER_S)

    def _commands(self) -> None:
        self._screen.heading("commands, and the node's answers")
        start, end = self._clock(), self._seconds * 0.45
        for number, (name, value) in enumerate(COMMANDS, 1):
            self._command(name, value)
            self._watch(start + (end - start) * number / len(COMMANDS) - self._clock())

    def _command(self, name: str, value: str = "") -> None:
        """Send it and wait for the answer, unless the broker is away."""
        stage = self._stage
        self._screen.note(f"command to the node: {name} {value}".rstrip())
        before = len(stage.heard("answer/" + name))
        stage.send(name, value)
        if not self._in_outage:
            stage.until(lambda: len(stage.heard("answer/" + name)) > before, _ANSWER_S)

    def _outage(self, seconds: float) -> None:
        """Kill the broker while a command is on its way, and bring it back."""
        self._screen.heading("the broker goes away")
        self._in_outage = True
        self._command_on_its_way()
        self._screen.note("mosquitto is killed (SIGKILL); the node goes on measuring")
        killed = self._stage.kill_broker()
        self._watch(killed + seconds - self._clock())
        self._screen.heading(f"the broker comes back, {self._clock() - killed:.1f} s later")
        back = self._stage.start_broker_again()
        self._in_outage = False
        self._back(killed, back)
        if self._leaving:
            raise UserLeft

    def _command_on_its_way(self) -> None:
        """A command at QoS 2 that has left the broker, but nobody knows whether it arrived.

        The radio is silent for a moment, so the node reads it after the broker's death and
        answers into its outbox. The silence also lets mosquitto finish writing its state,
        which SIGKILL in the middle of traffic would tear: that is the broker's own limit.
        """
        stage, silence = self._stage, f"link off {_SILENCE_S}"
        lines = len(stage.board.lines)
        stage.board.command(silence)
        self._screen.note("the node's radio is silent for a moment, with a command on its way")
        stage.until(lambda: any(silence in line for line in stage.board.lines[lines:]), 2)
        seen = len(stage.heard("cmd/led"))
        stage.send("led", "toggle")
        stage.until(lambda: len(stage.heard("cmd/led")) > seen, 2)
        stage.pause(0.3)

    def _back(self, killed: float, back: float) -> None:
        """Wait until the node is back and has told what it kept; say how that went."""
        stage = self._stage
        if not stage.until(lambda: judging.returned(self._records(), back), _RETURN_S):
            self._screen.result("the node did not come back", False)
            return
        took = self._clock() - back
        limit = max(_ANSWER_S, 2 * judging.interval(self._records(), back) + 2)
        stage.until(lambda: judging.made_after(self._records(), back), limit)
        stage.until(lambda: not judging.unanswered(self._records()), _ANSWER_S)
        records = self._records()
        text = f"the node was back {took:.1f} s after the broker"
        text += f", with {len(judging.waited(records, back))} reports that had waited"
        self._screen.result(text, True)
        wrong = judging.check_numbers(records) + judging.check_outage(records, killed, back)
        counts = f"telemetry {judging.tally(records, 'telemetry')}"
        counts += f", events {judging.tally(records, 'event')}"
        good = f"nothing lost at QoS 1 and 2, nothing doubled at QoS 2: {counts}"
        self._screen.result("; ".join(wrong) or good, not wrong)

    def _records(self) -> list[judging.Record]:
        return list(self._stage.records)

    def _free_play(self) -> None:
        if not self._ask:
            return
        self._screen.heading("your turn")
        self._screen.line(HELP.format(base=BASE))
        self._command("interval", "2")
        while True:
            self._watch(3600)

    def _will(self) -> None:
        stage = self._stage
        self._screen.heading("the node dies")
        self._screen.note("the node is killed (SIGKILL); its will is the broker's to publish")
        stage.kill_node()
        if not stage.until(lambda: judging.will_seen(self._records()), _ANSWER_S):
            self._screen.result("no will came", False)
            return
        self._newcomer("status")
        kept = judging.will_kept(self._records())
        self._screen.result(f"the will came, and is {'' if kept else 'not '}retained", kept)

    # ----------------------------------------------------------------- the user

    def _obey(self) -> None:
        """Carry out what was typed."""
        while self._stage.lines:
            name, _, value = self._stage.lines.pop(0).partition(" ")
            if name == "quit" and not self._in_outage:
                raise UserLeft
            if name == "quit":
                self._leaving = True
            elif name == "help":
                self._screen.line(HELP.format(base=BASE))
            elif name == "outage":
                self._asked_outage(value)
            elif name.isascii() and name.isalnum() and len(name) <= 32:
                self._command(name, value.strip())
            elif name:
                self._screen.note("a command is one short word and perhaps a value; try help")

    def _asked_outage(self, value: str) -> None:
        if self._in_outage:
            self._screen.note("the broker is away already")
            return
        try:
            seconds = float(value or 5)
        except ValueError:
            seconds = -1.0
        if 0 <= seconds <= 600:
            self._outage(seconds)
        else:
            self._screen.note("outage takes a number of seconds up to 600")
