"""The brokers of `make interop`, each on a loopback port with one user and one denied topic.

Whatever a broker needs is fetched into .toolchain/ when it is first asked for. What cannot be
had here raises `Absent` with the reason.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools import debian, extras, guard, ports, toolchain, workspace

USER, PASSWORD, DENIED = "tester", "right", "denied"
AEDES = "aedes@1.2.0"
_ERLANG = (
    *("asn1", "base", "crypto", "eldap", "ftp", "inets", "mnesia", "os-mon", "parsetools"),
    *("public-key", "runtime-tools", "snmp", "ssl", "syntax-tools", "tftp", "tools", "xmerl"),
)
_START_S = 60.0


class Absent(Exception):
    """The broker cannot be had on this machine."""


class Server:
    """A broker's process; a subclass knows how it is made and started."""

    name = ""

    def __init__(self) -> None:
        self.host, self.port = ports.HOST, ports.free_port()
        self.version = ""
        self.folder = Path(tempfile.mkdtemp(prefix="interop-")).resolve()
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Server:
        try:
            self.start()
            self._wait()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Make it ready and start its processes."""
        raise NotImplementedError

    def spawn(self, argv: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        """Start a process of it."""
        with open(self.folder / "log", "ab") as log:
            process = subprocess.Popen(
                list(argv), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.folder, env=dict(os.environ, **(env or {})), start_new_session=True,
            )  # fmt: skip
        guard.watch(process.pid)
        self._processes.append(process)

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline and self._processes[-1].poll() is None:
            with contextlib.suppress(OSError):
                socket.create_connection((self.host, self.port), 1).close()
                return
            time.sleep(0.05)
        text = (self.folder / "log").read_text(errors="replace")
        raise Absent(f"it does not start:{workspace.tail(text, 6)}")

    def close(self) -> None:
        """End it."""
        for process in reversed(self._processes):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
            guard.unwatch(process.pid)
        self._processes.clear()
        shutil.rmtree(self.folder, ignore_errors=True)


class Mosquitto(Server):
    """mosquitto of one Debian release."""

    def __init__(self, release: str) -> None:
        super().__init__()
        self.name = "mosquitto"
        self._release = release

    def start(self) -> None:
        """With a password file and an access list."""
        argv = toolchain.mosquitto(self._release)
        help_text = workspace.run([*argv, "-h"], 20).stdout
        self.version = help_text.partition("version ")[2].split()[0]
        salt = os.urandom(12)
        key = hashlib.pbkdf2_hmac("sha512", PASSWORD.encode(), salt, 101)
        parts = (base64.b64encode(part).decode() for part in (salt, key))
        (self.folder / "users").write_text(f"{USER}:$7$101${'$'.join(parts)}\n")
        rights = f"user {USER}\ntopic deny {DENIED}/#\ntopic readwrite #\n"
        (self.folder / "rights").write_text(rights)
        for name in ("users", "rights"):
            (self.folder / name).chmod(0o600)
        lines = [f"listener {self.port} {self.host}", "allow_anonymous false", "log_dest stderr"]
        lines += ["password_file users", "acl_file rights", "max_queued_messages 0"]
        lines += ["user root"] if os.getuid() == 0 else []
        (self.folder / "conf").write_text("\n".join(lines) + "\n")
        self.spawn([*argv, "-c", "conf"])


class Amqtt(Server):
    """amqtt, in Python."""

    name = "amqtt"

    def start(self) -> None:
        """In an interpreter of its own."""
        folder = extras.ensure("interop")
        self.version = (
            next(folder.glob("amqtt-*.dist-info")).name.split("-")[1].removesuffix(".dist")
        )
        path = os.pathsep.join((str(folder), str(workspace.ROOT)))
        argv = [sys.executable, "-m", "tools.interop_amqtt", str(self.port)]
        self.spawn([*argv, USER, PASSWORD, DENIED], {"PYTHONPATH": path})


class Aedes(Server):
    """aedes, in JavaScript."""

    name = "aedes"

    def start(self) -> None:
        """With node, into whose folder it is installed."""
        for program in ("node", "npm"):
            if shutil.which(program) is None:
                raise Absent(f"needs {program}")
        folder = workspace.HOME / "aedes"
        if workspace.read_stamp(folder) != {"package": AEDES}:
            self._install(folder)
        self.version = AEDES.partition("@")[2]
        script = folder / "run.mjs"
        shutil.copyfile(workspace.ROOT / "tools" / "interop_aedes.mjs", script)
        self.spawn(["node", str(script), str(self.port), USER, PASSWORD, DENIED])

    @staticmethod
    def _install(folder: Path) -> None:
        with workspace.locked(), workspace.temporary_folder() as scratch:
            workspace.say(f"installing {AEDES} into .toolchain/aedes …")
            prepared = scratch / "aedes"
            prepared.mkdir()
            argv = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"]
            result = workspace.run([*argv, "--prefix", str(prepared), AEDES], 300, cwd=prepared)
            if result.returncode:
                raise Absent(f"npm failed:{workspace.tail(result.stdout)}")
            workspace.install(prepared, folder, {"package": AEDES})


class RabbitMQ(Server):
    """RabbitMQ with its MQTT plugin, unpacked from Debian's packages and started from there."""

    name = "RabbitMQ"

    def start(self) -> None:
        """A node of its own, with its own port mapper, all on the loopback interface."""
        recipe = debian.Recipe(
            "rabbitmq", "bookworm", debian.architecture(),
            ("rabbitmq-server", *(f"erlang-{part}" for part in _ERLANG)),
        )  # fmt: skip
        debian.ensure(recipe)
        self.version = recipe.version() or "?"
        self._configure()
        erlang = recipe.folder / "usr/lib/erlang"
        binaries = next(erlang.glob("erts-*/bin"))
        scripts = next((recipe.folder / "usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin"))
        (self.folder / "bin").mkdir()
        erl = self.folder / "bin" / "erl"
        erl.write_text('#!/bin/sh\nexec "$BINDIR/erlexec" "$@"\n')
        erl.chmod(0o755)
        mapper = ports.free_port()
        env = {
            "ROOTDIR": str(erlang),
            "BINDIR": str(binaries),
            "EMU": "beam",
            "PROGNAME": "erl",
            "HOME": str(self.folder),
            "PATH": f"{erl.parent}:{os.environ['PATH']}",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(mapper),
            "RABBITMQ_NODENAME": f"interop{self.port}@localhost",
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_DIST_PORT": str(ports.free_port()),
            "RABBITMQ_ALLOW_INPUT": "1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS":
                "-kernel inet_dist_use_interface {127,0,0,1} -noinput",
        }  # fmt: skip
        self.spawn([str(binaries / "epmd")], env)
        self.spawn([str(scripts / "rabbitmq-server")], env)

    def _configure(self) -> None:
        lines = (
            *("listeners.tcp = none", "mqtt.allow_anonymous = false", "log.file = false"),
            *(f"mqtt.listeners.tcp.1 = {self.host}:{self.port}", "log.console = true"),
            f"load_definitions = {self.folder}/definitions.json",
        )
        (self.folder / "rabbitmq.conf").write_text("\n".join(lines) + "\n")
        (self.folder / "enabled_plugins").write_text("[rabbitmq_mqtt].\n")
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        allowed = f"^(?!{DENIED}).*"
        definitions = {
            "users": [{"name": USER, "password": PASSWORD, "tags": ""}],
            "vhosts": [{"name": "/"}],
            "permissions": [{"user": USER, "vhost": "/", **everything}],
            "topic_permissions": [
                {"user": USER, "vhost": "/", "exchange": "amq.topic",
                 "write": allowed, "read": allowed}
            ],
        }  # fmt: skip
        (self.folder / "definitions.json").write_text(json.dumps(definitions))


MAKERS = {
    "mosquitto-bookworm": lambda: Mosquitto("bookworm"),
    "mosquitto-trixie": lambda: Mosquitto("trixie"),
    "amqtt": Amqtt,
    "aedes": Aedes,
    "rabbitmq": RabbitMQ,
}
