"""What CPython lacks of MicroPython, in one place; a board never loads this file."""

import asyncio
import base64
import inspect
import io
import os
import select
import socket
import ssl
import sys
import tempfile
import time
import types
from collections.abc import Generator, Iterator
from typing import Any

_TICKS_MASK = 0x3FFFFFFF
# the last for a socket that was given a timeout
_WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError, TimeoutError)
_IN = 1
_OUT = 4


def install() -> None:
    """Make `from micropython import const` work."""
    if "micropython" not in sys.modules:
        module = types.ModuleType("micropython")
        module.const = lambda value: value  # type: ignore[attr-defined]
        sys.modules["micropython"] = module


def put(
    buf: bytearray, off: int, src: bytes | bytearray | memoryview | str, n: int, end: int
) -> int:
    """Do what `packet.put` does, with a slice."""
    data = src.encode() if isinstance(src, str) else src
    buf[off : off + n] = memoryview(data)[:n]
    return off + n


def is_ascii(text: str, buf: bytearray, off: int, end: int) -> bool:
    """Do what `packet.is_ascii` does, with a method that MicroPython lacks."""
    return text.isascii() and "\0" not in text


def ticks_ms() -> int:
    """Milliseconds of a monotonic clock, wrapping as MicroPython's do."""
    return int(time.monotonic() * 1000) & _TICKS_MASK


def sleep_ms(ms: int) -> None:
    """Sleep for `ms` milliseconds."""
    time.sleep(ms / 1000)


def print_exception(exc: BaseException) -> None:
    """Print a traceback, as MicroPython's `sys.print_exception` does."""
    sys.excepthook(type(exc), exc, exc.__traceback__)


def collect() -> None:
    """Do nothing: there is memory, and it would take long."""


class Stream:
    """A non-blocking socket, or SSLSocket, with MicroPython's stream methods, and its own.

    `pending()`, if there is one, tells how many bytes TLS has read ahead, of which `select` knows
    nothing. `wants` is the one event that a blocked write waits for, or 0 for the usual.
    """

    wants = 0

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.pending = getattr(sock, "pending", None)

    def fileno(self) -> int:
        """Return the descriptor, for `select`."""
        return self.sock.fileno()

    def readinto(self, buf: bytearray, n: int = 0) -> int | None:
        """Read at most `n` bytes (0: as many as fit) to the start of `buf`; return how many.

        0: the end of the stream. None: it would block.
        """
        try:
            return self.sock.recv_into(buf, n)
        except _WOULD_BLOCK:
            return None

    def read(self, n: int = 4096) -> bytes | None:
        """Return at most `n` bytes, b"" at the end of the stream; None: it would block."""
        try:
            return self.sock.recv(n)
        except _WOULD_BLOCK:
            return None

    def write(self, buf: Any, off: int = 0, n: int | None = None) -> int | None:
        """Write up to `n` bytes of `buf[off:]`; None when it would block."""
        try:
            return self.sock.send(memoryview(buf)[off : None if n is None else off + n])
        except _WOULD_BLOCK:
            return None

    def __getattr__(self, name: str) -> Any:
        """Give what else a socket has: settimeout, setblocking, setsockopt, and so on."""
        return getattr(self.__dict__["sock"], name)

    def close(self) -> None:
        """Close the socket."""
        self.sock.close()


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


class Scratch(io.BytesIO):
    """`BytesIO` whose methods take offset and length as MicroPython's do."""

    def write(self, buf: Any, off: int = 0, n: int = -1) -> int:
        """Write `n` bytes of `buf[off:]`."""
        return super().write(memoryview(buf)[off : off + n])

    def readinto(self, buf: Any, n: int = -1) -> int:
        """Read `n` bytes to the start of `buf`."""
        return super().readinto(memoryview(buf)[:n])


def xor(buf: bytearray, i: int, end: int) -> None:
    """Do what `ws.xor` does, at the speed of C."""
    i *= 2
    n = 2 * end - i
    mask = (bytes(buf[i - 4 : i]) * (n // 4 + 1))[:n]
    whole = int.from_bytes(buf[i : i + n], "little") ^ int.from_bytes(mask, "little")
    buf[i : i + n] = whole.to_bytes(n, "little")


class Poll:
    """`select.poll` with `ipoll`; where a system has none, `select.select` behind it."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._stream: Any = None  # what may have bytes that `select` knows nothing of

    def register(self, stream: Any, events: int) -> None:
        """Watch `stream` for `events`."""
        self._poll.register(stream, events)
        self._stream = stream if hasattr(stream, "pending") else None

    def modify(self, stream: Any, events: int) -> None:
        """Change the events that `stream` is watched for."""
        self._poll.modify(stream, events)

    def ipoll(self, timeout_ms: int) -> Iterator[tuple[int, int]]:
        """Wait for an event at most `timeout_ms`."""
        stream = self._stream
        if stream is not None and stream.pending is not None and stream.pending():
            return iter(((0, _IN),))
        return iter(self._poll.poll(timeout_ms))


_waits: "dict[Any, asyncio.Future[None]]" = {}  # of each task that `wake` can have go on


def _finish(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


async def _wait(future: "asyncio.Future[None]") -> None:
    """Wait for a future that `wake` may end."""
    task = asyncio.current_task()
    _waits[task] = future
    try:
        await future
    finally:
        del _waits[task]


def wake(task: Any) -> None:
    """Have a task that waits for a stream or a time go on now.

    Not by `cancel`: that of the loop, as it ends, could come in the same turn, and one
    CancelledError would stand for both.
    """
    if task in _waits:
        _finish(_waits[task])


class Readiness:
    """Awaited: until a stream is readable, or with `write` writable."""

    def __init__(self, write: bool) -> None:
        self._write = write
        self._stream: Any = None

    def __call__(self, stream: Any) -> "Readiness":
        """Say which stream is awaited."""
        self._stream = stream
        return self

    def __await__(self) -> Generator[Any, None, None]:
        pending = getattr(self._stream, "pending", None)
        if pending is not None and not self._write and pending():
            yield  # a turn for the others
            return
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        descriptor = self._stream.fileno()
        add, remove = (
            (loop.add_writer, loop.remove_writer)
            if self._write
            else (loop.add_reader, loop.remove_reader)
        )
        add(descriptor, _finish, future)
        try:
            yield from _wait(future).__await__()
        finally:
            remove(descriptor)


class Event(asyncio.Event):
    """An Event for one loop after the other; asyncio's is bound to the first that waited for it.

    So a client may be made before `asyncio.run`, and be used in several.
    """

    def _get_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()


async def wait_ms(event: asyncio.Event, ms: int) -> bool:
    """Wait for an event at most `ms`; tell whether it came.

    Not by `wait_for`, which before 3.12 may swallow a cancellation.
    """
    waiter = asyncio.ensure_future(event.wait())
    try:
        done, _ = await asyncio.wait((waiter,), timeout=ms / 1000)
    finally:
        waiter.cancel()
    return bool(done)


async def pause_ms(ms: int) -> None:
    """Sleep without blocking the loop; `wake` ends it."""
    if ms <= 0:
        await asyncio.sleep(0)
        return
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    timer = loop.call_later(ms / 1000, _finish, future)
    try:
        await _wait(future)
    finally:
        timer.cancel()


def cancelled(task: "asyncio.Task[Any]") -> bool:
    """Tell whether a task itself was cancelled; before 3.11 that is not known: False."""
    return hasattr(task, "cancelling") and task.cancelling() > 0


def is_async(handler: object) -> bool:
    """Tell whether calling `handler` gives a coroutine."""
    return inspect.iscoroutinefunction(handler)
