"""The recipes of docs/, as far as they can be run here: mosquitto's configurations, the token."""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import importlib.util
import json
import os
import signal
import subprocess
import time
import urllib.parse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import certs as test_certs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from running import ROOT, command, environment
from test_mosquitto import password_line
from test_tls import device

from tools import certs, provision
from tools.broker import Broker
from tools.ports import HOST, free_port

CONFIGURATIONS = ROOT / "docs" / "mosquitto"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test CA's files."""
    return test_certs.make(tmp_path_factory.mktemp("certs"))


def configured(
    name: str, files: Path, instead: dict[str, str] | None = None, more: Iterable[str] = ()
) -> tuple[Broker, dict[int, int]]:
    """A broker with a configuration of the recipes; its ports stand for those that it names."""
    if Broker().is_external:
        pytest.skip("needs a configuration of its own")
    ports: dict[int, int] = {}
    lines = []
    for line in (CONFIGURATIONS / name).read_text().splitlines():
        if line.startswith("listener "):
            number = int(line.split()[1])
            ports[number] = free_port()
            line = f"listener {ports[number]} {HOST}"
        line = line.replace("certs/", f"{files}/").replace("docs/", f"{ROOT}/docs/")
        for old, new in (instead or {}).items():
            line = line.replace(old, new)
        if line and not line.startswith("#"):
            lines.append(line)
    return Broker(config_lines=[*lines, *more]), ports


def connects(interpreter: str, options: dict[str, Any]) -> None:
    """It connects and gets what it sends to itself below its own name."""
    options |= {"host": HOST, "client_id": "device-1", "op": {"prefix": "device-1"}}
    problem = device(interpreter, "allowed", "client", options).finish(30)
    assert not problem, problem


def test_mutual(interpreter: str, files: Path) -> None:
    broker, ports = configured("mutual.conf", files)
    with broker:
        options = {"port": ports[8883], "tls": True, "ca": f"{files}/ca.der"}
        pair = {"cert": f"{files}/device.der", "key": f"{files}/device.key.der"}
        connects(interpreter, {**options, **pair})


def revoke(files: Path, ca: certs.Pair, *pairs: certs.Pair) -> None:
    """Write the list of certificates that do not count any more."""
    now = certs.now()
    builder = x509.CertificateRevocationListBuilder().issuer_name(ca.cert.subject)
    builder = builder.last_update(now).next_update(now + datetime.timedelta(days=30))
    for pair in pairs:
        entry = x509.RevokedCertificateBuilder().serial_number(pair.cert.serial_number)
        builder = builder.add_revoked_certificate(entry.revocation_date(now).build())
    crl = builder.sign(ca.key, hashes.SHA256())
    (files / "crl.pem").write_bytes(crl.public_bytes(serialization.Encoding.PEM))


def reload(broker: Broker) -> None:
    """Have mosquitto read its files again."""
    assert broker.pid is not None
    deadline = time.monotonic() + 5
    count = broker.log_tail(10000).count("Reloading config")
    os.kill(broker.pid, signal.SIGHUP)
    while broker.log_tail(10000).count("Reloading config") == count:
        assert time.monotonic() < deadline, broker.log_tail()
        time.sleep(0.02)
    time.sleep(0.1)


def test_a_device_is_taken_out_by_the_access_list(interpreter: str, files: Path) -> None:
    """As the recipe says: two lines more, SIGHUP; its certificate is still good."""
    acl = files / f"acl-{interpreter}"
    acl.write_text((CONFIGURATIONS / "acl").read_text())
    broker, ports = configured("mutual.conf", files, {f"{ROOT}/docs/mosquitto/acl": str(acl)})
    options = {"port": ports[8883], "tls": True, "ca": f"{files}/ca.der"}
    options |= {"cert": f"{files}/device.der", "key": f"{files}/device.key.der"}
    with broker:
        connects(interpreter, dict(options))
        kept = {"host": HOST, "client_id": "device-1", "op": {"prefix": "device-1"}}
        problem = device(interpreter, "leave", "client", options | kept).finish(30)
        assert not problem, problem
        with acl.open("a") as file:
            file.write("\nuser device-1\ntopic deny #\n")
        reload(broker)
        options |= {"host": HOST, "client_id": "device-1", "op": {"prefix": "device-1"}}
        problem = device(interpreter, "denied", "client", options).finish(30)
        assert not problem, problem
        lines = acl.read_text().splitlines()
        acl.write_text("\n".join(lines[:-1]) + "\n")
        reload(broker)
        assert device(interpreter, "denied", "client", options).finish(30), "it is not the list"


def test_a_device_is_taken_out_by_a_revocation_list(interpreter: str, files: Path) -> None:
    """`crlfile`: the broker refuses its certificate, and the others' are as good as before."""
    ca, lost = certs.load(files / "ca"), certs.load(files / "device")
    assert ca and lost
    revoke(files, ca)
    broker, ports = configured("mutual.conf", files, more=[f"crlfile {files}/crl.pem"])
    options = {"port": ports[8883], "tls": True, "ca": f"{files}/ca.der"}
    options |= {"cert": f"{files}/device.der", "key": f"{files}/device.key.der"}
    with broker:
        connects(interpreter, dict(options))
        revoke(files, ca, lost)
        reload(broker)
        refused = {"host": HOST, "client_id": "device-1", "op": {"text": ["TLS", "cert="]}}
        problem = device(interpreter, "fails", "client", options | refused).finish(30)
        assert not problem, problem
        certs.save(files / "second", certs.issue(ca, "device-1"))
        options |= {"cert": f"{files}/second.crt", "key": f"{files}/second.key"}
        connects(interpreter, options)


def test_passwords(interpreter: str, files: Path) -> None:
    passwords = files / "passwords"
    passwords.write_text(password_line("device-1", "secret"))
    passwords.chmod(0o600)
    broker, ports = configured("passwords.conf", files)
    with broker:
        login = {"username": "device-1", "password": "secret", "tls": True}
        options = {**login, "ca": f"{files}/ca.der"}
        connects(interpreter, {**options, "port": ports[8883]})
        connects(interpreter, {**options, "port": ports[8443], "websocket": "/mqtt"})


def load_example() -> Any:
    """The module of docs/examples."""
    place = ROOT / "docs" / "examples" / "azure_sas.py"
    spec = importlib.util.spec_from_file_location("azure_sas", place)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_hmac_of_the_token() -> None:
    """RFC 4231, test cases 1, 2 and 6."""
    example = load_example()
    for key, data, wanted in (
        (b"\x0b" * 20, b"Hi There",
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (b"Jefe", b"what do ya want for nothing?",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (b"\xaa" * 131, b"Test Using Larger Than Block-Size Key - Hash Key First",
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
    ):  # fmt: skip
        assert example.hmac_sha256(key, data).hex() == wanted


def test_token_on_each_python(interpreter: str) -> None:
    """The same as an independent implementation makes."""
    host, key = "hub.azure-devices.net", base64.b64encode(bytes(range(32)))
    resource = urllib.parse.quote(f"{host}/devices/node-1", safe="")
    digest = hmac.new(
        bytes(range(32)), f"{resource}\n1700003600".encode(), hashlib.sha256
    ).digest()
    signature = urllib.parse.quote(base64.b64encode(digest), safe="")
    wanted = f"SharedAccessSignature sr={resource}&sig={signature}&se=1700003600"
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'docs' / 'examples')!r}); import azure_sas;"
        f"print(azure_sas.sas_token({host!r}, 'node-1', {key.decode()!r}, 3600, 1700000000))"
    )
    argv = [*command(interpreter), "-c", code]
    result = subprocess.run(
        argv,
        check=False,
        env=environment(interpreter),
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert result.stdout.strip() == wanted, result.stderr


def test_certs_are_made_kept_renewed_and_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "certs"
    arguments = ["--folder", str(folder), "--device", "node-1", "--host", "broker.test"]
    assert certs.main(arguments) == 0
    assert capsys.readouterr().out.count("made  ") == 3
    assert folder.stat().st_mode & 0o777 == 0o700
    keys = sorted(folder.rglob("*.key"))
    assert len(keys) == 3 and all(key.stat().st_mode & 0o777 == 0o600 for key in keys)
    first = certs.load(folder / "devices" / "node-1")
    assert certs.main(arguments) == 0
    assert capsys.readouterr().out.count("kept  ") == 2
    monkeypatch.setattr(certs, "RENEW_DAYS", 1830)
    ca = certs.load(folder / "ca")
    assert first and ca
    certs.ensure(folder, ca, "devices/node-1", "node-1")
    assert "renewed" in capsys.readouterr().out
    second = certs.load(folder / "devices" / "node-1")
    assert second and second.key_pem() == first.key_pem()
    assert second.cert_pem() != first.cert_pem()
    keys[0].chmod(0o644)
    assert certs.main(arguments) == 1
    assert "chmod 600" in capsys.readouterr().err
    assert certs.main(["--folder", str(folder), "--device", "../x"]) == 1


def test_what_a_device_gets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "certs"
    assert certs.main(["--folder", str(folder), "--device", "node-1"]) == 0
    config = tmp_path / "config.json"
    config.write_text('{"wifi": {"ssid": "x"}, "mqtt": {"host": "h", "port": 1883}}')
    with pytest.raises(certs.CertError, match="chmod 600"):
        provision.contents(folder, "node-1", config)
    config.chmod(0o600)
    files = provision.contents(folder, "node-1", config)
    assert sorted(files) == [
        "certs/ca.der", "certs/device.der", "certs/device.key", "config.json",
    ]  # fmt: skip
    mqtt = json.loads(files["config.json"])["mqtt"]
    assert (mqtt["client_id"], mqtt["tls"], mqtt["ca"]) == ("node-1", True, "certs/ca.der")
    assert "port" not in mqtt  # 1883 was for TCP
    assert not any(b"ca.key" in content for content in files.values())
    way = tmp_path / "way"
    way.mkdir()
    argv = provision.commands("/dev/ttyX", files, way)
    assert way.stat().st_mode & 0o777 == 0o700
    assert [one for one in argv if one.startswith(":")] == [f":{name}" for name in files]
    with pytest.raises(certs.CertError, match="make certs"):
        provision.contents(folder, "node-2", None)
    assert provision.main(["--device", "node-2", "--folder", str(folder), "--no-config"]) == 1
    assert "make certs DEVICE=node-2" in capsys.readouterr().err
