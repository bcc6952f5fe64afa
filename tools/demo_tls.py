"""The demo over TLS: a fleet's certificates, the shipped configuration of mosquitto, the proof.

The broker has one listener, that of docs/mosquitto/mutual.conf: who has no certificate of the
fleet's authority does not get in, and its name in the certificate is its user name.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools import certs, provision, workspace
from tools.time_server import TimeServer

CONFIGURATION = workspace.ROOT / "docs" / "mosquitto" / "mutual.conf"
ADMIN = "admin"  # the name that the shipped access list lets read and write everything
_CONNECTED = re.compile(r"New client connected from \S+ as (\S+) \(([^)]*)\)")
_CONNECT = bytes.fromhex("101000044d5154540402003c000473747267")  # MQTT, of a client "strg"


class Security:
    """Certificates below `folder`, made for the occasion, and a server that tells the time."""

    def __init__(self, folder: Path, device: str) -> None:
        self.device = device
        self.folder = folder / "fleet"
        self.time_server = TimeServer()
        with contextlib.redirect_stdout(io.StringIO()):  # what `make certs` tells
            ca = certs.authority(self.folder)
            certs.ensure(self.folder, ca, "server", "localhost", ("localhost", "127.0.0.1"))
            for name in (device, ADMIN):
                certs.ensure(self.folder, ca, f"devices/{name}", name)

    def broker_lines(self) -> list[str]:
        """The shipped configuration, for the listener of `tools.broker` and these certificates."""
        lines = []
        for line in CONFIGURATION.read_text(encoding="utf-8").splitlines():
            line = line.replace("certs/", f"{self.folder}/")
            line = line.replace("docs/", f"{workspace.ROOT}/docs/")
            if line and not line.startswith(("#", "listener ")):
                lines.append(line)
        return lines

    def paho(self) -> dict[str, Any]:
        """What the observer needs for `tls_set`."""
        own = f"{self.folder}/devices/{ADMIN}"
        return {
            "ca_certs": f"{self.folder}/ca.crt",
            "certfile": own + ".crt",
            "keyfile": own + ".key",
        }

    def provision(self, flash: Path, settings: dict[str, Any]) -> None:
        """Put on the node's flash what `make provision` puts on a board."""
        config = self.folder / "config.json"
        certs.write_private(config, json.dumps(settings).encode())
        for name, content in provision.contents(self.folder, self.device, config).items():
            path = flash / name
            path.parent.mkdir(exist_ok=True)
            certs.write_private(path, content)

    def refused(self, host: str, port: int) -> list[str]:
        """Try to get in without a certificate; the ways that were refused, as they should be."""
        ways = []
        context = ssl.create_default_context(cafile=f"{self.folder}/ca.crt")
        if not _gets_in(socket.create_connection((host, port), 5)):
            ways.append("without TLS")
        try:
            raw = socket.create_connection((host, port), 5)
            stream = context.wrap_socket(raw, server_hostname="localhost")
        except OSError:
            return [*ways, "without a certificate"]
        if not _gets_in(stream):
            ways.append("without a certificate")
        return ways

    def close(self) -> None:
        """End the time server."""
        self.time_server.close()


def _gets_in(stream: socket.socket) -> bool:
    """Whether a CONNECT is answered."""
    with stream:
        try:
            stream.sendall(_CONNECT)
            return bool(stream.recv(1))
        except OSError:
            return False


def connections(log: str, device: str) -> list[bool]:
    """For each of the device's connections in mosquitto's log, whether its certificate made it."""
    found = _CONNECTED.findall(log)
    return [f"u'{device}'" in rest.split(", ") for name, rest in found if name == device]


def proof(log: str, device: str, refused: Sequence[str]) -> tuple[str, list[str]]:
    """What was seen of TLS, and what is missing."""
    came = connections(log, device)
    seen = f"TLS {sum(came)} of {len(came)} connections"
    missing = []
    if len(came) < 2:
        missing.append(f"{2 - len(came)} of the node's two connections in the broker's log")
    if not all(came):
        missing.append(f"the name {device} of the node's certificate in the broker's log")
    for way in ("without TLS", "without a certificate"):
        if way not in refused:
            missing.append(f"the broker's refusal of a client {way}")
    return seen, missing
