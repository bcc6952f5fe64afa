"""A real mosquitto for tests, demo and benchmarks.

    with Broker() as broker:
        connect(broker.host, broker.port)

Each broker has a loopback port, a configuration and a folder of its own, all gone when it
is closed. When this process ends, its brokers end too (see `tools.guard`). MQTT_TEST_BROKER
names a broker that runs already; then nothing is started and nothing can be killed.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import weakref
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from tools import guard, toolchain, workspace
from tools.ports import HOST, free_port

_START_TIMEOUT = 15.0
_DOCKER_START_TIMEOUT = 180.0
_PORT_ATTEMPTS = 5


class BrokerError(Exception):
    """The broker did not start or did not end; the text has the end of its log."""


class BrokerIsExternal(BrokerError):
    """Asked of a broker that is not ours to stop or to configure (MQTT_TEST_BROKER)."""


class PortTaken(BrokerError):
    """Another process took the port before the broker did."""


class Broker:
    """One mosquitto. Use it as a context manager, or call `start` and `close`.

    `port` 0 chooses a free one, which is ours over `stop`, `kill` and `restart` too.
    `persistence` keeps sessions and retained messages over them: mosquitto writes its state
    in the same turn of its loop in which it changed, so also over `kill` but for the last
    milliseconds (the whole state each time; give `autosave_interval` where that is slow).
    `config_lines` are added to mosquitto.conf after the listener and replace a line of ours
    that sets the same. `log` is a file to append to. `release` asks for the mosquitto of
    one Debian release ("bookworm": 2.0.11) and disregards MQTT_TEST_BROKER.
    """

    def __init__(
        self,
        persistence: bool = False,
        port: int = 0,
        config_lines: Iterable[str] = (),
        log: str | os.PathLike[str] | None = None,
        allow_anonymous: bool = True,
        release: str | None = None,
    ) -> None:
        self.host = HOST
        self.port = port
        self.log_path: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None
        self._persistence = persistence
        self._config_lines = tuple(config_lines)
        self._allow_anonymous = allow_anonymous
        self._release = release
        external = toolchain.external_broker() if release is None else None
        self.is_external = external is not None
        if external:
            if persistence or self._config_lines or not allow_anonymous:
                raise BrokerIsExternal("the broker of MQTT_TEST_BROKER cannot be configured")
            self.host, self.port = external
        else:
            self._prepare(Path(log) if log else None)

    def _prepare(self, log: Path | None) -> None:
        self._argv = toolchain.mosquitto(self._release)
        self._docker = toolchain.is_docker(self._argv)
        self._choose_port = self.port == 0
        self._folder = Path(tempfile.mkdtemp(prefix="mosquitto-")).resolve()
        self._delete_folder = weakref.finalize(self, shutil.rmtree, self._folder, True)
        self._name = ""  # of the container
        self.log_path = (log or self._folder / "mosquitto.log").absolute()

    # ------------------------------------------------------------------ state

    @property
    def pid(self) -> int | None:
        """The process's id; None when it is not running, or not ours."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def log_tail(self, lines: int = 15) -> str:
        """The end of the log, indented, for an error message."""
        if self.log_path is None or not self.log_path.is_file():
            return ""
        return workspace.tail(self.log_path.read_text(errors="replace"), lines)

    # ------------------------------------------------------------- start, end

    def start(self) -> None:
        """Start it and return once it answers; `BrokerError` when it does not."""
        if self.is_external:
            self._check_external()
            return
        if self.pid is not None:
            raise BrokerError(f"the broker at port {self.port} is running already")
        if self._folder is None:
            raise BrokerError("the broker was closed")
        for attempt in range(_PORT_ATTEMPTS):
            if self._choose_port:
                self.port = free_port()
            try:
                self._start_once()
                self._choose_port = False
                return
            except PortTaken:
                if not self._choose_port or attempt == _PORT_ATTEMPTS - 1:
                    raise

    def stop(self, grace: float = 5.0) -> None:
        """SIGTERM (mosquitto saves its state), and SIGKILL after `grace` seconds."""
        process = self._own_process("stop")
        if process is None:
            return
        self._signal(process, signal.SIGTERM)
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            self._signal(process, signal.SIGKILL)
        self._reap(process)

    def kill(self) -> None:
        """SIGKILL: gone without a word to the clients, as in a power cut."""
        process = self._own_process("kill")
        if process is not None:
            self._signal(process, signal.SIGKILL)
            self._reap(process)

    def restart(self, grace: float = 5.0) -> None:
        """`stop` and `start` on the same port."""
        self._own_process("restart")
        self.stop(grace)
        self.start()

    def close(self) -> None:
        """End it and delete its folder; may be called twice, and on an external broker.

        It ends by SIGKILL: its state is deleted anyway, and SIGTERM can take it a second.
        """
        if self._folder is not None:
            self.kill()
            self._delete_folder()
            self._folder = None

    def __enter__(self) -> Broker:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # --------------------------------------------------------------- internal

    def _own_process(self, verb: str) -> subprocess.Popen[bytes] | None:
        if self.is_external:
            raise BrokerIsExternal(f"cannot {verb} the broker of MQTT_TEST_BROKER")
        return self._process

    def _check_external(self) -> None:
        try:
            socket.create_connection((self.host, self.port), 5).close()
        except OSError as error:
            text = f"nothing answers at MQTT_TEST_BROKER={self.host}:{self.port}: {error}"
            raise BrokerError(text) from None

    def _start_once(self) -> None:
        assert self._folder is not None and self.log_path is not None
        self._name = f"{self._folder.name}-{time.monotonic_ns()}"
        config = self._folder / "mosquitto.conf"
        config.write_text("\n".join(self._config()) + "\n", encoding="utf-8")
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.log_path, "ab") as log:
            log_start = log.tell()
            self._process = process = subprocess.Popen(
                [*self._command(), "-c", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                start_new_session=True,
            )
        guard.watch(process.pid)
        try:
            self._wait_until_ready(process, log_start)
        except BaseException:
            self.kill()
            raise

    def _command(self) -> list[str]:
        if not self._docker:
            return self._argv
        return [
            *(*self._argv, "run", "--rm", "-T", "--name", self._name),
            *("--user", f"{os.getuid()}:{os.getgid()}"),
            *("--volume", f"{self._folder}:{self._folder}"),
            *("--publish", f"{HOST}:{self.port}:{self.port}"),
            *("broker", "mosquitto"),
        ]

    def _config(self) -> list[str]:
        """mosquitto.conf. As root, mosquitto would become a user who cannot read the folder."""
        settings = {
            "user": "root" if os.getuid() == 0 else None,
            "log_dest": "stderr",
            "log_type": "error\nlog_type warning\nlog_type notice\nlog_type information",
            "allow_anonymous": "true" if self._allow_anonymous else "false",
            "persistence": "true" if self._persistence else "false",
        }
        if self._persistence:
            settings["persistence_location"] = f"{self._folder}/"
            settings["autosave_on_changes"] = "true"
            settings["autosave_interval"] = "1"
        given = {line.split(maxsplit=1)[0] for line in self._config_lines if line.strip()}
        ours = [f"{key} {value}" for key, value in settings.items() if value and key not in given]
        address = "0.0.0.0" if self._docker else HOST
        return [*ours, f"listener {self.port} {address}", *self._config_lines]

    def _wait_until_ready(self, process: subprocess.Popen[bytes], log_start: int) -> None:
        """Until the port answers and the log tells that it is this broker who answers."""
        limit = _DOCKER_START_TIMEOUT if self._docker else _START_TIMEOUT
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            if process.poll() is not None:
                kind = PortTaken if "in use" in self._log_since(log_start) else BrokerError
                ended = f"mosquitto ended with {process.returncode} at its start"
                raise kind(f"{ended}:{self.log_tail()}")
            if " running" in self._log_since(log_start) and self._answers():
                return
            time.sleep(0.01)
        raise BrokerError(f"mosquitto does not answer after {limit:.0f} s:{self.log_tail()}")

    def _answers(self) -> bool:
        try:
            socket.create_connection((self.host, self.port), 1).close()
        except OSError:
            return False
        return True

    def _log_since(self, start: int) -> str:
        assert self.log_path is not None
        with open(self.log_path, "rb") as log:
            log.seek(start)
            return log.read().decode("utf-8", "replace")

    def _signal(self, process: subprocess.Popen[bytes], number: signal.Signals) -> None:
        """Signal mosquitto; in a container through Docker, for SIGKILL does not pass."""
        if self._docker:
            argv = [self._argv[0], "kill", "--signal", number.name, self._name]
            workspace.run(argv, 30)
        else:
            process.send_signal(number)

    def _reap(self, process: subprocess.Popen[bytes]) -> None:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            raise BrokerError(f"mosquitto (pid {process.pid}) does not end") from None
        guard.unwatch(process.pid)
        self._process = None
