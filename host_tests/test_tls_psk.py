"""Pre-shared keys: CPython has them from 3.13 on; elsewhere it is said that there are none.

MicroPython's `tls` has no call for them (its SSLContext: certificates and ciphers only), so this
can be tried with CPython only: with the Python of the tests, or the first one found that is new
enough (UMQTT_PSK_PYTHON names one).
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from running import HERE, command, environment
from test_tls import device

from tools.broker import Broker
from tools.ports import HOST, free_port

IDENTITY, KEY = "node-1", "00112233445566778899aabbccddeeff"
HAS_IT = "import ssl; assert ssl.HAS_PSK and hasattr(ssl.SSLContext, 'set_psk_client_callback')"


@functools.cache
def python_with_psk() -> str:
    """A Python that has pre-shared keys; "" when there is none."""
    names = [os.environ.get("UMQTT_PSK_PYTHON", ""), sys.executable]
    names += [shutil.which(f"python3.{minor}") or "" for minor in (15, 14, 13)]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    names += [str(path) for path in sorted(pyenv.glob("3.1[3-9]*/bin/python3"))]
    for name in names:
        if not name:
            continue
        argv = [name, "-c", HAS_IT]
        if not subprocess.run(argv, check=False, capture_output=True, timeout=20).returncode:
            return name
    return ""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A listener for pre-shared keys."""
    if Broker().is_external:
        pytest.skip("needs a listener of its own")
    keys = tmp_path / "keys"
    keys.write_text(f"{IDENTITY}:{KEY}\n")
    keys.chmod(0o600)
    number = free_port()
    lines = [f"listener {number} {HOST}", "psk_hint fleet", f"psk_file {keys}"]
    with Broker(config_lines=[*lines, "use_identity_as_username true"]):
        yield number


def run(folder: Path, operation: str, front: str, options: dict[str, Any]) -> None:
    """An operation of `tls_ops` by a Python with pre-shared keys."""
    python = python_with_psk()
    if not python:
        pytest.skip(
            "no Python here has pre-shared keys for TLS (3.13 or newer; UMQTT_PSK_PYTHON=…), and"
            " MicroPython's tls has no call for them"
        )
    file = folder / "options.json"
    file.write_text(json.dumps({"host": HOST, **options}))
    script = str(HERE / "device" / "tls_ops.py")
    done = subprocess.run(
        [python, "-S", script, operation, front, str(file)],
        check=False,
        env=environment("cpython"),
        capture_output=True,
        text=True,
        timeout=40,
    )
    assert done.stdout.splitlines()[-1:] == ["OK"], done.stdout + done.stderr


@pytest.mark.parametrize("front", ["client", "async"])
def test_every_qos_there_and_back(front: str, port: int, tmp_path: Path) -> None:
    options = {"port": port, "tls": True, "psk_hex": [IDENTITY, KEY]}
    run(tmp_path, "round_trip", front, options | {"op": {"prefix": f"psk-{front}"}})


@pytest.mark.parametrize(
    "psk", [["node-2", KEY], [IDENTITY, "00" * 16]], ids=["wrong_identity", "wrong_key"]
)
def test_a_wrong_one_is_refused(psk: list[str], port: int, tmp_path: Path) -> None:
    op = {"reason": "refused", "text": ["psk"], "within_ms": 5000, "attempts": 5}
    run(tmp_path, "fails", "client", {"port": port, "tls": True, "psk_hex": psk, "op": op})


def test_a_broker_with_certificates_only(tmp_path: Path, port: int) -> None:
    """It has no cipher in common with a client that has a key only."""
    op = {"error": "OSError", "within_ms": 5000}
    certificates = tmp_path / "certs"
    certificates.mkdir()
    import certs
    from tls_peers import Listeners

    with Listeners(certs.make(certificates), kinds=("tls",)) as listeners:
        options = {"port": listeners.ports["tls"], "tls": True, "psk_hex": [IDENTITY, KEY]}
        run(tmp_path, "fails", "client", {**options, "op": op})


@pytest.mark.parametrize("interpreter", ["cpython", "micropython64", "micropython32"])
def test_a_python_without_them_says_so(interpreter: str) -> None:
    has = [*command(interpreter), "-c", HAS_IT.replace("ssl.HAS_PSK and ", "")]
    if not subprocess.run(has, check=False, capture_output=True, timeout=20).returncode:
        pytest.skip("this one has them")
    options = {"host": HOST, "port": 1, "tls": True, "psk_hex": [IDENTITY, KEY]}
    one = device(interpreter, "fails", "client", options)
    assert "exit status" in one.finish(20)
    output = "\n".join(one.output)
    needs = "needs Python 3.13" if interpreter == "cpython" else "has no pre-shared keys"
    assert "ValueError: psk: " in output and needs in output, output
