"""A small certificate authority for a fleet: `python -m tools.certs [--device N] [--host N]`.

Makes what is missing in the ignored folder certs/, and renews what ends within 30 days:

    ca.key  ca.crt              the root: ca.key signs, and belongs on no broker and no device
    server.key  server.crt      for the broker; its names: localhost and what --host says
    devices/NAME.key  NAME.crt  for one device; the broker knows it by its name

All keys are EC P-256, which boards can afford. Keys are files that only their owner may read;
that is checked each time. Run it again before a certificate ends, then put the new one in its
place (`make provision`); a device's key is kept when its certificate is renewed.
"""

from __future__ import annotations

import argparse
import datetime
import ipaddress
import os
import re
import socket
import stat
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tools.workspace import ROOT

FOLDER = ROOT / "certs"
CA_DAYS = 3650
SERVER_DAYS = 825
DEVICE_DAYS = 1825
RENEW_DAYS = 30
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_DAY = datetime.timedelta(days=1)


class CertError(Exception):
    """Something about the files is not as it must be; the text says what to do."""


@dataclass(frozen=True)
class Pair:
    """A certificate and its key."""

    cert: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def cert_pem(self) -> bytes:
        """The certificate as PEM."""
        return self.cert.public_bytes(serialization.Encoding.PEM)

    def cert_der(self) -> bytes:
        """The certificate as DER."""
        return self.cert.public_bytes(serialization.Encoding.DER)

    def _private(self, encoding: serialization.Encoding) -> bytes:
        return self.key.private_bytes(
            encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def key_pem(self) -> bytes:
        """The key as PEM, not encrypted."""
        return self._private(serialization.Encoding.PEM)

    def key_der(self) -> bytes:
        """The key as DER, not encrypted."""
        return self._private(serialization.Encoding.DER)


def now() -> datetime.datetime:
    """The time, in UTC."""
    return datetime.datetime.now(datetime.timezone.utc)


def new_key() -> ec.EllipticCurvePrivateKey:
    """A new key on P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: str,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    valid: tuple[datetime.datetime, datetime.datetime],
) -> x509.CertificateBuilder:
    """What all certificates have. They are valid from a day ago, for clocks differ."""
    return (
        x509.CertificateBuilder()
        .subject_name(_subject(subject))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    )


def _usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def make_ca(name: str = "umqtt_full fleet CA", days: int = CA_DAYS) -> Pair:
    """A new root; it signs server and device certificates, and no further authorities."""
    key = new_key()
    builder = _builder(name, _subject(name), key, (now() - _DAY, now() + days * _DAY))
    builder = builder.add_extension(x509.BasicConstraints(True, 0), True)
    builder = builder.add_extension(_usage(True), True)
    return Pair(builder.sign(key, hashes.SHA256()), key)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def issue(
    ca: Pair,
    name: str,
    hosts: Iterable[str] = (),
    days: int = DEVICE_DAYS,
    key: ec.EllipticCurvePrivateKey | None = None,
    valid: tuple[datetime.datetime, datetime.datetime] | None = None,
) -> Pair:
    """A certificate signed by `ca`: for a server with those `hosts`, or, without, for a device."""
    key = key or new_key()
    hosts = list(hosts)
    usage = ExtendedKeyUsageOID.SERVER_AUTH if hosts else ExtendedKeyUsageOID.CLIENT_AUTH
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key())
    limits = valid or (now() - _DAY, now() + days * _DAY)
    builder = (
        _builder(name, ca.cert.subject, key, limits)
        .add_extension(x509.BasicConstraints(False, None), True)
        .add_extension(_usage(False), True)
        .add_extension(x509.ExtendedKeyUsage([usage]), False)
        .add_extension(signer, False)
    )
    if hosts:
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        builder = builder.add_extension(names, False)
    return Pair(builder.sign(ca.key, hashes.SHA256()), key)


# ------------------------------------------------------------------- the files


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, from its first byte on."""
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
    os.replace(temporary, path)


def check_private(path: Path) -> None:
    """Refuse a key that others can read."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise CertError(
            f"{path} can be read by others (mode {mode:o}): chmod 600 {path}\n"
            "If others use this computer, its key may be known: delete it and make a new one."
        )


def save(path: Path, pair: Pair) -> None:
    """Write PATH.key and PATH.crt, the key first, so that a certificate always has its key."""
    write_private(path.with_suffix(path.suffix + ".key"), pair.key_pem())
    certificate = path.with_suffix(path.suffix + ".crt")
    temporary = certificate.with_name(certificate.name + ".new")
    temporary.write_bytes(pair.cert_pem())
    os.replace(temporary, certificate)


def load(path: Path) -> Pair | None:
    """Read PATH.key and PATH.crt; None when they are not there, `CertError` when not right."""
    key_path, cert_path = (path.with_name(path.name + end) for end in (".key", ".crt"))
    if not key_path.is_file():
        return None
    check_private(key_path)
    if not cert_path.is_file():
        return None
    try:
        key = serialization.load_pem_private_key(key_path.read_bytes(), None)
        cert = x509.load_pem_x509_certificate(cert_path.read_bytes())
    except (ValueError, TypeError) as error:
        raise CertError(f"{key_path} or {cert_path} is damaged ({error}): delete both") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CertError(f"{key_path} is not a key on an elliptic curve")
    if key.public_key() != cert.public_key():
        raise CertError(f"{key_path} does not belong to {cert_path}: delete both")
    return Pair(cert, key)


def days_left(cert: x509.Certificate) -> int:
    """For how many more days a certificate is valid."""
    return (cert.not_valid_after_utc - now()).days


def hosts_of(cert: x509.Certificate) -> set[str]:
    """The names and addresses that a server's certificate is for."""
    try:
        names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {str(name.value) for name in names}


def authority(folder: Path) -> Pair:
    """The root of that folder; a new one if there is none."""
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    ca = load(folder / "ca")
    if ca is None:
        ca = make_ca()
        save(folder / "ca", ca)
        tell("made", folder / "ca", ca)
    elif days_left(ca.cert) < 2 * RENEW_DAYS:
        raise CertError(
            f"{folder / 'ca.crt'} ends in {days_left(ca.cert)} days. A new root has to reach all"
            " devices while the old one still counts: move certs/ away, make a new one here, put"
            " both roots into one ca.crt on every device, and only then change the broker."
        )
    return ca


def ensure(folder: Path, ca: Pair, name: str, subject: str, hosts: Sequence[str] = ()) -> Pair:
    """The certificate of that name: kept, renewed with its key, or made."""
    path = folder / name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    old = load(path)
    if (
        old is not None
        and days_left(old.cert) >= RENEW_DAYS
        and set(hosts) <= hosts_of(old.cert)
        and old.cert.issuer == ca.cert.subject
        and _signed_by(ca, old.cert)
    ):
        tell("kept", path, old)
        return old
    hosts = sorted(hosts_of(old.cert).union(hosts)) if old and hosts else hosts
    days = SERVER_DAYS if hosts else DEVICE_DAYS
    days = min(days, days_left(ca.cert))
    pair = issue(ca, subject, hosts, days, old.key if old else None)
    save(path, pair)
    tell("renewed" if old else "made", path, pair)
    return pair


def _signed_by(ca: Pair, cert: x509.Certificate) -> bool:
    try:
        cert.verify_directly_issued_by(ca.cert)
    except Exception:  # a bad signature and a wrong issuer are exceptions of different kinds
        return False
    return True


def tell(what: str, path: Path, pair: Pair) -> None:
    """Print a line about a certificate."""
    hosts = ", ".join(sorted(hosts_of(pair.cert)))
    until = pair.cert.not_valid_after_utc.date()
    place = os.path.relpath(path)
    print(f"{what:<8}{place}.crt  until {until}{'  for ' + hosts if hosts else ''}", flush=True)


def check_name(name: str) -> str:
    """A device's name is a file's and a certificate's."""
    if not _NAME.fullmatch(name):
        raise CertError(f"{name!r}: use letters, digits, '-', '_' and '.' for a device's name")
    return name


def main(arguments: Sequence[str] | None = None) -> int:
    """Make what is missing; 0 when all is well."""
    parser = argparse.ArgumentParser(prog="python -m tools.certs", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--device", action="append", default=[], help="make its certificate")
    parser.add_argument("--host", action="append", default=[], help="a name of the broker")
    parser.add_argument("--folder", type=Path, default=FOLDER, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    try:
        devices = [check_name(name) for name in given.device]
        ca = authority(given.folder)
        hosts = ["localhost", "127.0.0.1", socket.gethostname(), *given.host]
        ensure(given.folder, ca, "server", given.host[0] if given.host else "localhost", hosts)
        for name in devices:
            ensure(given.folder, ca, f"devices/{name}", name)
    except (CertError, OSError) as error:
        print(f"certs: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
