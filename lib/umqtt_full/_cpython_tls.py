"""TLS on CPython, by the names and with the behaviour that `tls` and `simple` know of boards."""

import base64
import os
import socket
import ssl
import tempfile
from typing import Any

from ._cpython import _IN, _OUT, Stream


class TlsStream(Stream):
    """TLS around a `Stream`; `write` takes a step of the handshake until it is done."""

    def __init__(self, raw: Any, context: ssl.SSLContext, server_hostname: str) -> None:
        if not isinstance(getattr(raw, "sock", None), socket.socket):
            raise TypeError("TLS needs a stream that has its socket in `sock`")
        super().__init__(raw.sock)
        self._context = context
        self._server_hostname = server_hostname
        self._wrapped = self._open = False

    def _wrap(self) -> bool:
        """Put TLS around the socket once it is connected: before that it would not encrypt."""
        number = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            raise OSError(number, os.strerror(number))
        try:
            self.sock.getpeername()
        except OSError:
            return False
        self.sock = sock = self._context.wrap_socket(
            self.sock, server_hostname=self._server_hostname, do_handshake_on_connect=False
        )
        self.pending = sock.pending
        self._wrapped = True
        return True

    def _step(self) -> bool:
        """Take a step of the handshake; tell whether it is done, or say what it waits for."""
        if not self._wrapped and not self._wrap():
            return False
        assert isinstance(self.sock, ssl.SSLSocket)
        try:
            self.sock.do_handshake()
        except ssl.SSLWantReadError:
            self.wants = _IN
        except ssl.SSLWantWriteError:
            self.wants = _OUT
        else:
            self.wants = 0
            self._open = True
        return self._open

    def readinto(self, buf: bytearray, n: int = 0) -> int | None:
        """Do what `Stream.readinto` does, once the handshake is done."""
        return super().readinto(buf, n) if self._open else None

    def write(self, buf: Any, off: int = 0, n: int | None = None) -> int | None:
        """Do what `Stream.write` does; the same bytes have to be offered until they are taken."""
        return super().write(buf, off, n) if self._open or self._step() else None


def free_bytes() -> int:
    """Return the bytes of free memory, if the system tells."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return -1


def _pem(data: bytes, kinds: tuple[str, ...]) -> list[str]:
    """Return PEM as it is, and DER as each kind of PEM that it may be."""
    if b"-----BEGIN" in data:
        return [data.decode("ascii")]
    text = base64.encodebytes(data).decode()
    return [f"-----BEGIN {kind}-----\n{text}-----END {kind}-----\n" for kind in kinds]


def _load_cert(context: ssl.SSLContext, cert: str, key: str) -> None:
    """Load them from a file that only this user can read; `ssl` takes them from nowhere else."""
    with tempfile.NamedTemporaryFile("w", encoding="ascii") as file:
        file.write(cert + "\n" + key)
        file.flush()
        context.load_cert_chain(file.name)


def _load_certs(context: ssl.SSLContext, cert: bytes, key: bytes) -> None:
    """Load the client's certificate and key, each PEM or DER."""
    error: Exception | None = None
    for text in _pem(key, ("PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY")):
        try:
            _load_cert(context, _pem(cert, ("CERTIFICATE",))[0], text)
        except (ssl.SSLError, ValueError) as exc:
            error = exc
            if "MISMATCH" in str(exc).upper():
                raise ValueError("key does not belong to cert") from exc
        else:
            return
    raise ValueError(f"cert and key: not PEM or DER without a password: {error}")


def _use_psk(context: ssl.SSLContext, psk: Any) -> None:
    """Use a pre-shared key instead of certificates."""
    if not hasattr(context, "set_psk_client_callback"):
        raise ValueError("psk: needs Python 3.13; give ca=… instead")
    if not isinstance(psk, (tuple, list)) or len(psk) != 2:
        raise ValueError("psk must be (identity, key)")
    identity = psk[0] if isinstance(psk[0], str) else bytes(psk[0]).decode()
    secret = bytes(psk[1])
    context.set_ciphers("PSK")
    # TLS 1.3 has a list of ciphers of its own: there a certificate would do, and nobody checks it.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_psk_client_callback(lambda hint: (identity, secret))


def tls_context(
    ca: bytes | None, cert: bytes | None, key: bytes | None, psk: Any, verify: bool
) -> ssl.SSLContext:
    """Return a client's context; without `ca` the system's list of CAs is trusted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.options |= getattr(ssl, "OP_NO_RENEGOTIATION", 0)
    if not verify or psk:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if psk:
        _use_psk(context, psk)
    elif ca:
        try:
            context.load_verify_locations(cadata=ca.decode() if b"-----BEGIN" in ca else ca)
        except (ssl.SSLError, ValueError) as exc:
            raise ValueError(f"ca is no certificate in PEM or DER: {exc}") from exc
    elif verify:
        context.load_default_certs()
    if cert and key:
        _load_certs(context, cert, key)
    return context


def _content(data: Any, path: str | None) -> bytes | None:
    if path is not None:
        with open(path, "rb") as file:
            return file.read()
    return data.encode() if isinstance(data, str) else data


def wrap_socket(
    sock: socket.socket,
    key: Any = None,
    cert: Any = None,
    server_hostname: str | None = None,
    cert_reqs: int = ssl.CERT_NONE,
    cadata: Any = None,
    keyfile: str | None = None,
    certfile: str | None = None,
    ca_certs: str | None = None,
) -> ssl.SSLSocket:
    """Do what `ssl.wrap_socket` of MicroPython does, by its names or those of CPython up to 3.11.

    It verifies what it is asked to: without `cert_reqs` nothing.
    """
    context = tls_context(
        _content(cadata, ca_certs),
        _content(cert, certfile),
        _content(key, keyfile),
        None,
        bool(cert_reqs),
    )
    if server_hostname is None:
        context.check_hostname = False
    return context.wrap_socket(sock, server_hostname=server_hostname)
