"""TLS around a stream: arguments checked, a context made, errors explained.

Loaded only by who asks for TLS. The handshake is never waited for: the stream takes a step of it
whenever a write of CONNECT is tried again.
"""

import errno
import gc
import sys
import time

from micropython import const

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_DIALLED = const(1)  # stages of `explain`: there is a stream …
_UP = const(2)  # … and CONNACK came
_EPIPE = const(32)  # MicroPython's errno does not have it

if TYPE_CHECKING or sys.implementation.name == "cpython":
    from ._cpython_tls import TlsStream
    from ._cpython_tls import free_bytes as free_bytes
    from ._cpython_tls import tls_context as _context
else:
    from gc import mem_free as free_bytes

    try:
        import tls as ssl
    except ImportError:  # before 1.23
        import ssl

    def _context(ca: "Any", cert: "Any", key: "Any", psk: "Any", verify: bool) -> "Any":
        """Return a client's context; arguments as `bytes` or None."""
        if psk:
            raise ValueError("psk: this MicroPython has no pre-shared keys; give ca=... instead")
        if verify and not ca:
            raise ValueError("tls=True needs ca=... (a file or bytes): MicroPython knows no CA")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
        what = "ca"
        problem = ""
        try:
            if verify:
                context.load_verify_locations(ca)
            what = "cert and key"
            if cert:
                context.load_cert_chain(cert, key)
        except ValueError as exc:
            problem = str(exc)
        if problem:
            raise ValueError(
                what + ": " + problem + "; it has to be PEM or DER, without a password"
            )
        return context

    class TlsStream:
        """TLS around a socket. Its methods are those of the port's TLS object."""

        def __init__(self, raw: "Any", context: "Any", server_hostname: str) -> None:
            gc.collect()  # some ports need 17 KB in one piece
            self.inner = raw
            self.source = context.wrap_socket(
                raw, server_hostname=server_hostname, do_handshake_on_connect=False
            )
            self.readinto = self.source.readinto
            self.write = self.source.write

        def close(self) -> None:
            """Close both: after a failed handshake the TLS object leaves the socket open."""
            try:
                self.source.close()
            finally:
                self.inner.close()


class TLSError(OSError):
    """TLS could not be set up. The text says what to do; `reason` is a word for programs.

    "not_yet_valid", "expired", "host_name", "unknown_ca", "certificate" (something else is wrong
    with it), "no_memory", "refused" (by the broker), "closed", "not_tls", or "tls".
    """

    def __init__(self, number: int, text: str, reason: str) -> None:
        super().__init__(number, text)
        self.reason = reason


_WARNING = (
    "umqtt_full: WARNING: insecure_no_verification: the broker is not verified, and anybody on"
    " the way can read and change everything, passwords included"
)


def _data(value: "Any", name: str) -> bytes | None:
    """Return what a certificate or key was given as: PEM or DER, or the name of a file of it."""
    if value is None or not isinstance(value, str):
        return None if value is None else bytes(value)
    if "-----BEGIN" in value:
        return value.encode()
    try:
        with open(value, "rb") as file:
            return file.read()
    except OSError as exc:
        problem = str(exc)
    raise ValueError(name + ": cannot read the file " + repr(value) + ": " + problem)


def _check(tls: "Any", options: "dict[str, Any]") -> None:
    """Refuse what does not go together."""
    if not tls:
        raise ValueError(", ".join(options) + ": only with tls=True")
    if tls is not True:
        if not hasattr(tls, "wrap_socket"):
            raise ValueError("tls must be True, False or an SSLContext, not " + repr(tls))
        if options:
            raise ValueError("an SSLContext brings its own " + ", ".join(options) + ": tls=True?")
    if ("cert" in options) != ("key" in options):
        raise ValueError("cert and key go together")
    if "psk" in options and len(options) > 1:
        raise ValueError("psk stands for all certificates: no ca, cert, key with it")
    if "ca" in options and "insecure_no_verification" in options:
        raise ValueError("either ca or insecure_no_verification")


def secure(
    dial: "Callable[[str, int], Any]", tls: "Any", options: "dict[str, Any]"
) -> "Callable[[str, int], Any]":
    """Return a `dial` that puts TLS around the streams of another; takes its `options` out.

    `ca` the certificate(s) to trust, `cert` and `key` the client's own: PEM or DER, as bytes or as
    the name of a file. `server_hostname`: the name in the broker's certificate, if not its host.
    `psk`: (identity, key) instead of certificates, where the port has it.
    `insecure_no_verification=True` takes any certificate and prints a warning. ValueError: they do
    not go together, or cannot be read.
    """
    name = options.pop("server_hostname", None)
    given: dict[str, Any] = {}
    for key in ("ca", "cert", "key", "psk", "insecure_no_verification"):
        value = options.pop(key, None)
        if value:
            given[key] = value
    if not tls and not given:
        given["server_hostname"] = name
    _check(tls, given)
    verify = "insecure_no_verification" not in given
    if not verify:
        print(_WARNING)
    context = tls
    if tls is True:
        some = [_data(given.get(key), key) for key in ("ca", "cert", "key")]
        context = _context(some[0], some[1], some[2], given.get("psk"), verify)

    def dial_tls(host: str, port: int) -> "Any":
        raw = dial(host, port)
        stream = None
        try:
            stream = TlsStream(raw, context, name or host)
        finally:
            if stream is None:
                raw.close()
        return stream

    return dial_tls


# Texts of mbedtls and OpenSSL, in the order of what most probably is the cause: a clock that was
# never set makes other things look wrong too.
_CAUSES = (
    ("starts in the future", "not_yet_valid"),
    ("not yet valid", "not_yet_valid"),
    ("expired", "expired"),
    ("does not match with the expected CN", "host_name"),
    ("mismatch, certificate", "host_name"),
    ("trusted CA", "unknown_ca"),
    ("issuer", "unknown_ca"),
    ("self-signed", "unknown_ca"),
    ("self signed", "unknown_ca"),
    ("unable to verify", "unknown_ca"),
)
_ADVICE = {
    "not_yet_valid": "the certificate is not valid yet: set the clock before TLS (ntptime)",
    "expired": "the certificate has expired: renew it, unless the clock is wrong",
    "host_name": "the certificate is for another name: dial that, or give server_hostname=...",
    "unknown_ca": "the certificate is not signed by the CA of ca=...",
    "certificate": "the certificate is refused",
    "refused": "the broker ended the handshake. Does it want a client certificate: cert=... and"
    " key=... that match, from a CA it trusts, and still valid? Or is the psk=... not the same?",
    "closed": "closed during the handshake: is this port for TLS? Does the broker want a client"
    " certificate, cert=... and key=...?",
    "not_tls": "what answers is not TLS: is this port for TLS?",
    "tls": "the handshake failed",
}
# What mbedtls calls running out of memory: MPI, ASN.1; X.509, PK, ECP, SSL, …
_MEMORY_LOW = (0x10, 0x6A)
_MEMORY_HIGH = (0x2880, 0x3F80, 0x4D80, 0x5180, 0x6180, 0x7F00)
_CLOSED = (0x7280, 0x7880)
_REFUSED = (0x7780,)
_NOT_TLS = (0x7200, 0x6E80, 0x7100, 0x7700)


def _today() -> str:
    return "%d-%02d-%02d" % time.gmtime()[:3]


def _error(reason: str, detail: object, number: int = errno.ECONNABORTED) -> TLSError:
    text = "TLS: " + _ADVICE[reason] + " ("
    if reason in ("not_yet_valid", "expired"):
        text += "today is " + _today() + "; "
    return TLSError(number, text + str(detail).strip() + ")", reason)


def _no_memory() -> TLSError:
    text = "TLS: no memory: %d bytes of heap are free. Connect early, smaller buffers," % (
        free_bytes()
    )
    text += " EC P-256 certificates; or sockets have run out: wait longer between attempts"
    return TLSError(errno.ENOMEM, text, "no_memory")


def _certificate(exc: BaseException) -> TLSError:
    text = str(exc)
    for part, reason in _CAUSES:
        if part in text:
            return _error(reason, text)
    return _error("certificate", text)


def _reason(code: int, text: str) -> str:
    """Tell by an error of mbedtls, or by OpenSSL's text, what has happened."""
    if code < 0:
        code = -code & 0xFF80
        for codes, reason in ((_CLOSED, "closed"), (_REFUSED, "refused"), (_NOT_TLS, "not_tls")):
            if code in codes:
                return reason
    elif "ALERT" in text.upper():
        return "refused"
    elif "EOF" in text:
        return "closed"
    elif "WRONG_VERSION" in text or "RECORD_LAYER" in text:
        return "not_tls"
    return "tls"


def explain(exc: BaseException, stage: int) -> BaseException:
    """Return what to raise for what the transport raised: an OSError that tells what to do.

    `stage`: 0 while dialling, 1 before CONNACK, 2 after it.
    """
    number = exc.errno if isinstance(exc, OSError) else None
    if stage == _UP or isinstance(exc, TLSError):
        return OSError(-number, "TLS") if number and -256 < number < 0 else exc
    if isinstance(exc, MemoryError) or number in (errno.ENOMEM, -errno.ENOMEM):
        return _no_memory()
    if isinstance(exc, ValueError):  # CPython's is an OSError too
        return _certificate(exc) if "certificate" in str(exc) else exc
    if number is None or stage < _DIALLED:
        return exc
    if abs(number) in (errno.ECONNRESET, _EPIPE):
        return _error("closed", exc, errno.ECONNRESET)
    if number <= -256:
        code = -number
        if code & 0x7F in _MEMORY_LOW or code & 0xFF80 in _MEMORY_HIGH:
            return _no_memory()
    elif number < 0:
        return OSError(-number, "TLS")
    elif type(exc) is OSError or not hasattr(exc, "library"):
        return exc  # of the socket, not of TLS
    return _error(_reason(number, str(exc)), exc)
