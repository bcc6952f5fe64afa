"""Put certificates and configuration on a board: `python -m tools.provision --device NAME`.

Writes to the board's folder /certs what certs/ has for that device (see `tools.certs`), as DER,
which needs no PEM parser and is smaller; and firmware/config.json to /config.json, with the name,
TLS and the paths in its section "mqtt". The file on the computer stays as it is, so `make flash`
comes first: it copies that one. Nothing secret is shown, and nothing is left on the computer:
what is on the way lies in a folder that only this user can read.
"""

from __future__ import annotations

import json
import runpy
import shutil
import sys
import tempfile
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools import board, certs, toolchain, workspace

CONFIG = workspace.ROOT / "firmware" / "config.json"
ON_BOARD = "certs"  # in the folder where MicroPython starts
_TIMEOUT = 60


def configuration(path: Path, device: str) -> dict[str, Any]:
    """The configuration with what belongs to this device; `CertError` when it cannot be used."""
    if not path.is_file():
        example = path.with_name("config.example.json")
        raise certs.CertError(f"there is no {path}: copy {example.name}, fill in WiFi and broker")
    certs.check_private(path)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise certs.CertError(f"{path} is not JSON: {error}") from error
    mqtt = values.get("mqtt") if isinstance(values, dict) else None
    if not isinstance(mqtt, dict):
        raise certs.CertError(f'{path} has no section "mqtt": see config.example.json')
    if mqtt.get("port") == 1883:
        del mqtt["port"]  # the firmware knows which one it is with TLS
    mqtt["client_id"] = device
    mqtt["tls"] = True
    for key, name in (("ca", "ca.der"), ("cert", "device.der"), ("key", "device.key")):
        mqtt[key] = f"{ON_BOARD}/{name}"
    _check(values)
    return dict(values)


def _check(values: dict[str, Any]) -> None:
    """Let the firmware's own check look at it; `CertError` says what is wrong."""
    constants: Any = types.ModuleType("micropython")
    constants.const = lambda value: value
    sys.modules.setdefault("micropython", constants)
    path = workspace.ROOT / "firmware" / "config.py"
    firmware = runpy.run_path(str(path), {"Any": Any})  # MicroPython evaluates no annotations
    try:
        firmware["check"](values, CONFIG.name)
    except ValueError as error:
        raise certs.CertError(str(error)) from error


def contents(folder: Path, device: str, config: Path | None) -> dict[str, bytes]:
    """What goes on the board: name there -> content."""
    pair = certs.load(folder / "devices" / device)
    ca = certs.load(folder / "ca")
    if pair is None or ca is None:
        raise certs.CertError(f"{device} has no certificate: make certs DEVICE={device}")
    left = certs.days_left(pair.cert)
    if left < 1:
        raise certs.CertError(f"the certificate of {device} has ended: make certs DEVICE={device}")
    if left < certs.RENEW_DAYS:
        print(f"provision: the certificate ends in {left} days: make certs DEVICE={device}")
    files = {
        f"{ON_BOARD}/ca.der": ca.cert_der(),
        f"{ON_BOARD}/device.der": pair.cert_der(),
        f"{ON_BOARD}/device.key": pair.key_der(),
    }
    if config is not None:
        text = json.dumps(configuration(config, device), indent=2)
        files["config.json"] = text.encode()
    return files


def commands(port: str, files: dict[str, bytes], folder: Path) -> list[str]:
    """Write the files into a private folder; return the command line that copies them."""
    folder.chmod(0o700)
    # `exec` makes the folder; it may be there already
    make = f"import os\nif '{ON_BOARD}' not in os.listdir(): os.mkdir('{ON_BOARD}')"
    argv = board.mpremote("connect", port, "resume", "exec", make)
    for name, content in files.items():
        local = folder / name.replace("/", "-")
        certs.write_private(local, content)
        argv += ["+", "fs", "cp", str(local), f":{name}"]
    return argv


def provision(port: str, files: dict[str, bytes]) -> None:
    """Copy the files to the board."""
    folder = Path(tempfile.mkdtemp(prefix="provision-"))
    try:
        result = workspace.run(commands(port, files, folder), _TIMEOUT)
    finally:
        shutil.rmtree(folder)
    if result.returncode:
        raise board.NoBoard(f"mpremote failed:{workspace.tail(result.stdout)}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Provision one board; 0 when all is on it."""
    parser = board.parser("provision", __doc__)
    parser.add_argument("--device", required=True, help="its name, as in make certs DEVICE=…")
    parser.add_argument("--no-config", action="store_true", help="certificates only")
    parser.add_argument("--folder", type=Path, default=certs.FOLDER, help="of the certificates")
    given = parser.parse_args(arguments)
    try:
        device = certs.check_name(given.device)
        files = contents(given.folder, device, None if given.no_config else CONFIG)
        port = board.choose_port(given.port)
        provision(port, files)
    except (certs.CertError, board.NoBoard, toolchain.ToolchainError, OSError) as error:
        print(f"provision: {error}", file=sys.stderr)
        return 1
    for name, content in files.items():
        print(f"wrote   {name}  {len(content)} bytes")
    print("Reset the board. It sets its clock by NTP before TLS (node.ntp_host).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
