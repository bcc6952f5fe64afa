"""The other side of TLS and WebSocket tests: a mosquitto with all listeners, and a bad network."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import threading
import time
from pathlib import Path
from typing import Any

from tools.broker import Broker
from tools.ports import HOST, free_port

DYNAMIC = -1


class Listeners:
    """A mosquitto that listens in each way: `ports` by name, and the files of the test CA."""

    KINDS = ("tls", "mutual", "ws", "wss", "expired", "future", "elsewhere")

    def __init__(
        self, files: Path, persistence: bool = False, kinds: tuple[str, ...] = ()
    ) -> None:
        self.files = files
        self.ports = {kind: free_port() for kind in kinds or self.KINDS}
        lines: list[str] = []
        for kind, port in self.ports.items():
            lines.append(f"listener {port} {HOST}")
            if "ws" in kind:
                lines.append("protocol websockets")
            if kind != "ws":
                pair = kind if kind in ("expired", "future", "elsewhere") else "server"
                lines += [f"certfile {files}/{pair}.crt", f"keyfile {files}/{pair}.key"]
            if kind == "mutual":
                lines += [f"cafile {files}/ca.crt", "require_certificate true"]
                lines.append("use_identity_as_username true")
        self.broker = Broker(persistence=persistence, config_lines=lines)
        self.ports["tcp"] = 0

    def __enter__(self) -> Listeners:
        self.broker.start()
        self.ports["tcp"] = self.broker.port
        return self

    def __exit__(self, *_: object) -> None:
        self.broker.close()

    def options(self, kind: str, **more: Any) -> dict[str, Any]:
        """Arguments of a client for one way."""
        options: dict[str, Any] = {"host": HOST, "port": self.ports[kind]}
        if "ws" in kind:
            options["websocket"] = "/mqtt"
        if kind not in ("tcp", "ws"):
            options |= {"tls": True, "ca": f"{self.files}/ca.crt"}
        if kind == "mutual":
            options |= {"cert": f"{self.files}/device.crt", "key": f"{self.files}/device.key"}
        options |= more
        return {key: value for key, value in options.items() if value is not None}


class Proxy:
    """Forwards connections to a port, badly.

    `limits` gives for each connection how many bytes pass from (client, server) before it is
    closed (None: all), `always` for the others. `how` it is closed: "fin", "rst", or "stall": it
    stays open and silent. `step` is how many bytes are forwarded at a time, `pause` how long it
    waits between them.
    """

    def __init__(self, target: int, step: int = 65536, pause: float = 0.0) -> None:
        self.target = target
        self.step, self.pause = step, pause
        self.limits: list[tuple[int | None, int | None]] = []
        self.always: tuple[int | None, int | None] = (None, None)
        self.how = "fin"
        self.passed: list[list[int]] = []  # bytes of each connection, from client and server
        self._listener = socket.create_server((HOST, 0))
        self.port = self._listener.getsockname()[1]
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def _start(self, target: Any, *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            limits = self.limits.pop(0) if self.limits else self.always
            counts = [0, 0]
            self.passed.append(counts)
            self._start(self._serve, client, limits, counts)

    def _serve(self, client: socket.socket, limits: Any, counts: list[int]) -> None:
        try:
            server = socket.create_connection((HOST, self.target), 5)
        except OSError:
            client.close()
            return
        for sock in (client, server):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ends = (client, server)
        try:
            while not self._closing.is_set():
                ready, _, _ = select.select(ends, (), (), 0.1)
                for source in ready:
                    if not self._forward(ends, ends.index(source), limits, counts):
                        return
        except OSError:
            return
        finally:
            client.close()
            server.close()

    def _forward(self, ends: Any, side: int, limits: Any, counts: list[int]) -> bool:
        """Pass on what came from one side; False: this connection is over."""
        limit = limits[side]
        room = self.step if limit is None else min(self.step, limit - counts[side])
        if room <= 0:
            return self._over(ends)
        data = ends[side].recv(room)
        if not data:
            return False
        ends[1 - side].sendall(data)
        counts[side] += len(data)
        if self.pause:
            time.sleep(self.pause)
        return limit is None or counts[side] < limit or self._over(ends)

    def _over(self, ends: tuple[socket.socket, socket.socket]) -> bool:
        if self.how == "stall":  # until the client gives up
            ends[0].settimeout(0.1)
            while not self._closing.is_set():
                with contextlib.suppress(TimeoutError):
                    if not ends[0].recv(65536):
                        break
        elif self.how == "rst":
            for end in ends:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            self._end_cleanly(ends)
        return False

    @staticmethod
    def _end_cleanly(ends: tuple[socket.socket, socket.socket]) -> None:
        """Close so that the client sees FIN: what it has sent is read, else RST would go out."""
        with contextlib.suppress(OSError):
            ends[0].shutdown(socket.SHUT_WR)
            ends[0].settimeout(0.5)
            while ends[0].recv(65536):
                pass

    def close(self) -> None:
        """End all connections."""
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Terminator:
    """TLS of one version in front of a plain port."""

    def __init__(self, files: Path, target: int, version: ssl.TLSVersion) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(files / "server.crt", files / "server.key")
        self._context.minimum_version = self._context.maximum_version = version
        self._target = target
        self.versions: list[str | None] = []
        self._listener = socket.create_server((HOST, 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        try:
            with (
                self._context.wrap_socket(raw, server_side=True) as near,
                socket.create_connection((HOST, self._target), 5) as far,
            ):
                self.versions.append(near.version())
                pump = threading.Thread(target=self._pump, args=(far, near), daemon=True)
                pump.start()
                self._pump(near, far)
                pump.join(5)
        except OSError:
            raw.close()

    @staticmethod
    def _pump(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(4096):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def close(self) -> None:
        """Take no more connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def __enter__(self) -> Terminator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
