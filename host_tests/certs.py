"""A throwaway CA and certificates, good and bad, for tests; made once a run, in a folder."""

from __future__ import annotations

import datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from tools import certs

HOSTS = ("localhost", "127.0.0.1")
_DAY = datetime.timedelta(days=1)


def make(folder: Path) -> Path:
    """Write all files that the tests use into the folder; return it."""
    today = certs.now()
    ca, other = certs.make_ca("test CA"), certs.make_ca("other CA")
    pairs = {
        "ca": ca,
        "other": other,
        "server": certs.issue(ca, "localhost", HOSTS),
        "expired": certs.issue(ca, "localhost", HOSTS, valid=(today - 9 * _DAY, today - 2 * _DAY)),
        "future": certs.issue(ca, "localhost", HOSTS, valid=(today + 2 * _DAY, today + 9 * _DAY)),
        "elsewhere": certs.issue(ca, "elsewhere.test", ("elsewhere.test", "10.9.8.7")),
        "device": certs.issue(ca, "device-1"),
        "stranger": certs.issue(other, "device-1"),
    }
    for name, pair in pairs.items():
        certs.save(folder / name, pair)
        (folder / f"{name}.der").write_bytes(pair.cert_der())
        certs.write_private(folder / f"{name}.key.der", pair.key_der())
    sec1 = pairs["device"].key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    certs.write_private(folder / "device.sec1.der", sec1)
    return folder
