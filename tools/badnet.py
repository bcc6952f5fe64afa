"""A bad network on this machine: two namespaces, and between them a wire that obeys.

    python3 -m tools.badnet --delay 50 --loss 0.05 -- COMMAND…

runs the command in the device's namespace, with mosquitto at 192.0.2.2:1883 in the other, and
passes on what it types: lines such as `hole both` or `delay 200` change the wire meanwhile. Needs
Linux, root and iproute2; nothing of it is reached from outside, and it is gone at the end.

    with Network() as network:
        network.wire(delay_ms=50)
        process = subprocess.Popen([*network.device, "ping", network.host])
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from tools import guard, toolchain, workspace

# Addresses that are reserved for documentation: no host anywhere has them.
DEVICE, BROKER = "192.0.2.1", "192.0.2.2"
PORT = 1883
_SIOCETHTOOL = 0x8946
_ETHTOOL_STXCSUM = 0x17
_WAIT_S = 15.0


class Unavailable(Exception):
    """This machine does not let us; the text says why."""


def check() -> None:
    """Raise `Unavailable` unless namespaces can be made here."""
    if not sys.platform.startswith("linux"):
        raise Unavailable("network namespaces need Linux")
    if os.geteuid() != 0:
        raise Unavailable("network namespaces need root")
    if shutil.which("ip") is None:
        raise Unavailable("network namespaces need iproute2's program ip")
    name = f"umqtt-t{os.getpid()}"
    made = workspace.run(["ip", "netns", "add", name], 20)
    if made.returncode == 0:
        made = workspace.run(
            ["ip", "-n", name, "link", "add", "v0", "type", "veth", "peer", "name", "v1"], 20
        )
        workspace.run(["ip", "netns", "delete", name], 20)
    if made.returncode:
        raise Unavailable(f"no namespace or veth can be made here: {made.stdout.strip()}")


def switch_checksums_on(name: str) -> None:
    """Have the interface's kernel fill in checksums; run in the interface's namespace.

    A veth leaves them out when it is asked to ("TX offload"), and a frame that has passed through
    a program in user space is then thrown away by its receiver.
    """
    value = ctypes.create_string_buffer(struct.pack("II", _ETHTOOL_STXCSUM, 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sP", name.encode(), ctypes.addressof(value))
        fcntl.ioctl(sock, _SIOCETHTOOL, request)


class Network:
    """Namespaces, wire and broker. `device` and `broker` are starts of command lines."""

    def __init__(self, persistence: bool = True) -> None:
        check()
        self.host, self.port = BROKER, PORT
        self._names = [f"umqtt-{os.getpid()}-{part}" for part in ("dev", "wire", "brk")]
        self.device = ["ip", "netns", "exec", self._names[0]]
        self.broker = ["ip", "netns", "exec", self._names[2]]
        self._folder = Path(tempfile.mkdtemp(prefix="badnet-"))
        self.unix = str(self._folder / "mqtt")  # a way to the broker beside the wire
        self._persistence = persistence
        self._processes: list[subprocess.Popen[bytes]] = []
        self._control: socket.socket | None = None

    def __enter__(self) -> Network:
        try:
            self._lay()
            self._start_relay()
            self._start_broker()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:  # fmt: skip
        self.close()

    # ------------------------------------------------------------------ set up

    @staticmethod
    def _ip(*words: str) -> None:
        result = workspace.run(["ip", *words], 20)
        if result.returncode:
            raise Unavailable(f"ip {' '.join(words)}: {result.stdout.strip()}")

    def _lay(self) -> None:
        """Namespaces, and a pair of interfaces from each end to the wire."""
        device, wire, broker = self._names
        for name in self._names:
            self._ip("netns", "add", name)
            self._ip("-n", name, "link", "set", "lo", "up")
        for name, address, inner in ((device, DEVICE, "wire0"), (broker, BROKER, "wire1")):
            self._ip("-n", name, "link", "add", "eth0", "type", "veth",
                     "peer", "name", inner, "netns", wire)  # fmt: skip
            self._ip("-n", name, "address", "add", f"{address}/30", "dev", "eth0")
            self._checksums(name)
            self._ip("-n", name, "link", "set", "eth0", "up")
            self._ip("-n", wire, "link", "set", inner, "up")
        for name, address in ((device, BROKER), (broker, DEVICE)):
            self._neighbour(name, address, broker if name == device else device)

    def _checksums(self, name: str) -> None:
        code = "import sys; from tools import badnet; badnet.switch_checksums_on(sys.argv[1])"
        argv = ["ip", "netns", "exec", name, sys.executable, "-c", code, "eth0"]
        result = workspace.run(argv, 30, cwd=workspace.ROOT)
        if result.returncode:
            raise Unavailable(f"TX checksums of a veth: {workspace.tail(result.stdout)}")

    def _neighbour(self, name: str, address: str, owner: str) -> None:
        """Fix the hardware address, so that a hole does not show as "no route to host"."""
        shown = workspace.run(["ip", "-j", "-n", owner, "link", "show", "eth0"], 20).stdout
        hardware = json.loads(shown)[0]["address"]
        self._ip("-n", name, "neighbour", "replace", address, "lladdr", hardware,
                 "dev", "eth0", "nud", "permanent")  # fmt: skip

    def _start(self, argv: Sequence[str], log: str) -> subprocess.Popen[bytes]:
        with open(self._folder / log, "ab") as output:
            process = subprocess.Popen(
                list(argv), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                cwd=workspace.ROOT,
            )  # fmt: skip
        guard.watch(process.pid)
        self._processes.append(process)
        return process

    def _start_relay(self) -> None:
        path = self._folder / "relay"
        prefix = ["ip", "netns", "exec", self._names[1], sys.executable, "-m", "tools.relay"]
        self._start([*prefix, "wire0", "wire1", str(path)], "relay.log")
        self._wait(path.exists, "relay.log")
        self._control = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._control.bind(str(self._folder / "control"))
        self._control.connect(str(path))
        self._control.settimeout(5)

    def _start_broker(self) -> None:
        lines = [
            *("user root", "log_dest stderr", "allow_anonymous true", "max_queued_messages 0"),
            *(f"listener {PORT} {BROKER}", f"listener 0 {self.unix}"),
            f"persistence {'true' if self._persistence else 'false'}",
            f"persistence_location {self._folder}/",
        ]
        config = self._folder / "mosquitto.conf"
        config.write_text("\n".join(lines) + "\n")
        argv = toolchain.mosquitto(toolchain.RELEASE)
        self._start([*self.broker, *argv, "-c", str(config)], "mosquitto.log")
        self._wait(lambda: os.path.exists(self.unix), "mosquitto.log")

    def _wait(self, done, log: str) -> None:  # type: ignore[no-untyped-def]
        deadline = time.monotonic() + _WAIT_S
        while not done():
            if time.monotonic() > deadline or self._processes[-1].poll() is not None:
                text = (self._folder / log).read_text(errors="replace")
                raise Unavailable(f"{log} says:{workspace.tail(text)}")
            time.sleep(0.02)

    # --------------------------------------------------------------------- use

    def wire(self, **settings: object) -> dict[str, object]:
        """Change the wire (see tools/relay.py); its settings and counters."""
        assert self._control is not None
        self._control.send(json.dumps(settings).encode())
        answer = json.loads(self._control.recv(4096))
        assert isinstance(answer, dict)
        return answer

    def close(self) -> None:
        """End everything that was started, and take the namespaces down."""
        for process in reversed(self._processes):
            process.send_signal(signal.SIGKILL)
            process.wait(10)
            guard.unwatch(process.pid)
        self._processes.clear()
        if self._control is not None:
            self._control.close()
        for name in self._names:
            workspace.run(["ip", "netns", "delete", name], 20)
        shutil.rmtree(self._folder, ignore_errors=True)


def _obey(network: Network, line: str) -> None:
    """One line of what is typed: a setting and its value."""
    name, _, value = line.strip().partition(" ")
    known = {"delay": "delay_ms", "jitter": "jitter_ms", "loss": "loss", "hole": "hole"}
    if name in known:
        number: object = value.replace("none", "") if name == "hole" else float(value)
        print(network.wire(**{known[name]: number}), flush=True)
    elif name:
        print(f"say one of {', '.join(known)} and a value; hole none|ab|ba|both", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; the exit status is the command's."""
    parser = argparse.ArgumentParser(prog="python3 -m tools.badnet", description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)  # fmt: skip
    parser.add_argument("--delay", type=float, default=0, help="ms each way")
    parser.add_argument("--jitter", type=float, default=0, help="ms more, by chance")
    parser.add_argument("--loss", type=float, default=0, help="share of frames that is lost")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args(arguments)
    try:
        with Network() as network:
            network.wire(delay_ms=options.delay, jitter_ms=options.jitter, loss=options.loss)
            process = subprocess.Popen([*network.device, *options.command],
                                       stdin=subprocess.DEVNULL)  # fmt: skip
            with contextlib.suppress(KeyboardInterrupt):
                os.set_blocking(sys.stdin.fileno(), False)
                while process.poll() is None:
                    if line := sys.stdin.readline():
                        _obey(network, line)
                    time.sleep(0.05)
            return process.wait()
    except Unavailable as error:
        print(f"badnet: not possible here: {error}")
        return 2


if __name__ == "__main__":
    sys.exit(main())
