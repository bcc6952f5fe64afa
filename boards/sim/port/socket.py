"""`socket` of the simulated board: real sockets behind the simulated WiFi.

A file named socket.py comes before the built-in module of the unix port, which can still be
imported as `usocket`. Each socket is a stream object written in Python: MicroPython's `select`
asks it through `ioctl`, so `poll` and asyncio work, and TLS can be put on top. That way
the link is cut in the process itself: no second program, one clock, no race, and each board's
own way of failing can be shown. While nothing passes,
- what is written disappears into a send buffer of the board's size and is sent when bytes pass
  again, as TCP would; an ESP32 that knows of the lost link raises EHOSTUNREACH instead;
- nothing can be read; what the peer sends waits in the kernel;
- connect: EHOSTUNREACH on an ESP32 without an interface, otherwise silence;
- getaddrinfo of a name fails, on a Pico W after 7 s;
- active(False) kills all sockets (ECONNABORTED).
Blocking sockets wait for the link before an operation, not in the middle of one.
The gateway answers DNS queries (UDP), so a firmware can find out whether anything passes. All
other datagrams go where they are sent to, but with SIM_NTP=PORT those to a time server (port 123)
go to that port of this computer, and what comes from there seems to come from port 123.
"""

import errno
import io
import select

import network
import sim
import sim_tls  # noqa: F401  (it takes the place of tls)
import usocket as _real

_POLL = 3  # MP_STREAM_POLL
_CLOSE = 4  # MP_STREAM_CLOSE
_IN = select.POLLIN
_OUT = select.POLLOUT
_HUP = select.POLLHUP
_ERR = select.POLLERR
_SEND_BUFFER = 5760 if sim.IS_ESP32 else 6400
_DNS_MS = 200 if sim.IS_ESP32 else 7000
_EAI = -202 if sim.IS_ESP32 else -2
_WIFI = network.station()

IPPROTO_TCP: int = 6
TCP_NODELAY: int = 1
AF_INET: int = _real.AF_INET
AF_INET6: int = _real.AF_INET6
SOCK_STREAM: int = _real.SOCK_STREAM
SOCK_DGRAM: int = _real.SOCK_DGRAM
SOL_SOCKET: int = _real.SOL_SOCKET
SO_REUSEADDR: int = _real.SO_REUSEADDR
SO_BROADCAST: int = _real.SO_BROADCAST


def _is_numeric(host: str) -> bool:
    parts = host.split(".")
    return len(parts) == 4 and all(part.isdigit() for part in parts)


def getaddrinfo(host: str, port: int, *rest: int) -> list[tuple]:
    """As the real one; a name needs the network and blocks while there is none."""
    if host == network.GATEWAY:
        return [(AF_INET, SOCK_DGRAM, 0, "", (host, port))]
    if not _is_numeric(host) and (sim.has("dns") or not _WIFI.passes()):
        sim.sleep_ms(_DNS_MS)
        raise OSError(_EAI)
    return _real.getaddrinfo(host, port, *rest)


class _Stream(io.IOBase):
    """A TCP socket whose bytes go through the simulated WiFi."""

    def __init__(self, raw: object) -> None:
        self.raw = raw
        self.timeout: float | None = None
        self.backlog = bytearray()  # written while nothing passed
        self.address: object = None  # a connect that waits for the link
        self.generation = _WIFI.generation
        self.poller = select.poll()
        self.poller.register(raw, 0)

    # -------------------------------------------------------------- settings

    def settimeout(self, seconds: float | None) -> None:
        self.timeout = seconds
        self.raw.settimeout(seconds)

    def setblocking(self, flag: bool) -> None:
        self.settimeout(None if flag else 0)

    def setsockopt(self, level: int, option: int, value: object) -> None:
        self.raw.setsockopt(level, option, value)

    def fileno(self) -> int:
        return self.raw.fileno()

    def makefile(self, *rest: object) -> "_Stream":
        return self

    def bind(self, address: object) -> None:
        self.raw.bind(address)

    def listen(self, backlog: int = 1) -> None:
        self.raw.listen(backlog)

    def accept(self) -> tuple:
        connection, address = self.raw.accept()
        return _Stream(connection), address

    def close(self) -> None:
        self.address = None
        self.raw.close()

    # ------------------------------------------------------------------ link

    def _passes(self) -> bool:
        """True when bytes pass; sends what waited for that first."""
        passes = _WIFI.passes()
        if self.generation != _WIFI.generation:
            raise OSError(errno.ECONNABORTED)
        if not passes:
            return False
        if self.address is not None:
            address, self.address = self.address, None
            self._connect(address)
        while self.backlog:
            sent = self.raw.write(self.backlog)
            if not sent:
                break
            self.backlog = self.backlog[sent:]
        return not self.backlog

    def _wait(self) -> bool:
        """True when bytes pass; a blocking socket waits for that up to its timeout."""
        if self._passes():
            return True
        if self.timeout == 0:
            return False
        end = None if self.timeout is None else sim.now_ms() + int(self.timeout * 1000)
        while not self._passes():
            sim.sleep_ms(10)
            if end is not None and sim.now_ms() > end:
                raise OSError(errno.ETIMEDOUT)
        return True

    def connect(self, address: object) -> None:
        passes = _WIFI.passes()
        self.generation = _WIFI.generation
        if passes:
            self.raw.connect(address)
        elif sim.IS_ESP32 and not _WIFI.usable():
            raise OSError(errno.EHOSTUNREACH)
        else:
            self.address = address
            if self.timeout == 0:
                raise OSError(errno.EINPROGRESS)
            self._wait()

    def _connect(self, address: object) -> None:
        try:
            self.raw.connect(address)
        except OSError as error:
            if error.errno != errno.EINPROGRESS:
                raise

    # ----------------------------------------------------------------- bytes

    def write(self, buf: object, off: int | None = None, size: int | None = None) -> int | None:
        copy = io.BytesIO()  # counts bytes, whatever the items of the buffer are
        if off is None:
            copy.write(buf)
        elif size is None:
            copy.write(buf, off)
        else:
            copy.write(buf, off, size)
        data = copy.getvalue()
        if self._passes():
            return self.raw.write(data)
        if sim.IS_ESP32 and not _WIFI.usable():
            raise OSError(errno.EHOSTUNREACH)
        room = 0 if self.address is not None else _SEND_BUFFER - len(self.backlog)
        if room <= 0:
            return self.raw.write(data) if self._wait() else None
        self.backlog += data[:room]
        return min(room, len(data))

    def send(self, buf: object) -> int:
        sent = self.write(buf)
        if sent is None:
            raise OSError(errno.EAGAIN)
        return sent

    def sendall(self, buf: object) -> None:
        if self.write(buf) != len(buf):
            raise OSError(errno.EAGAIN)

    def readinto(self, buf: object, size: int = -1) -> int | None:
        if not self._wait():
            return None
        return self.raw.readinto(buf) if size < 0 else self.raw.readinto(buf, size)

    def read(self, size: int = -1) -> bytes | None:
        if not self._wait():
            return None
        return self.raw.read() if size < 0 else self.raw.read(size)

    def readline(self) -> bytes | None:
        return self.raw.readline() if self._wait() else None

    def recv(self, size: int) -> bytes:
        if not self._wait():
            raise OSError(errno.EAGAIN)
        return self.raw.recv(size)

    # ------------------------------------------------------------------ poll

    def ioctl(self, request: int, argument: int) -> int:
        if request == _CLOSE:
            self.close()
            return 0
        if request != _POLL:
            return -errno.EINVAL
        try:
            return self._ready(argument)
        except OSError:  # the next read or write tells which
            return _dead(argument)

    def _ready(self, wanted: int) -> int:
        if not self._passes():
            return wanted & _OUT if self._may_write() else 0
        self.poller.modify(self.raw, wanted)
        found = self.poller.poll(0)
        bits = found[0][1] if found else 0
        if bits & (_HUP | _ERR):
            return bits & (_IN | _OUT) | _dead(wanted)
        return bits

    def _may_write(self) -> bool:
        if sim.IS_ESP32 and not _WIFI.usable():
            return True  # and the write says EHOSTUNREACH
        return self.address is None and len(self.backlog) < _SEND_BUFFER


def _dead(wanted: int) -> int:
    """How poll tells of a dead socket: ESP32 only what was asked for, and never ERR."""
    if sim.IS_ESP32:
        return wanted & (_IN | _OUT | _HUP)
    return wanted & (_IN | _OUT) | _HUP | _ERR


_NTP = 123
_NTP_PORT = int(sim.os.getenv("SIM_NTP") or 0)


class _Datagram(io.IOBase):
    """A UDP socket; bytes pass it only while WiFi lets them."""

    def __init__(self) -> None:
        self.timeout: float | None = None
        self.answers: list[bytes] = []  # of the gateway
        self.peer: object = ("", 0)
        self.raw: object = None  # made when there is something to send outside
        self.poller = select.poll()
        self.servers: dict[bytes, object] = {}  # what stands for a time server, and who that is

    def settimeout(self, seconds: float | None) -> None:
        self.timeout = seconds

    def setblocking(self, flag: bool) -> None:
        self.settimeout(None if flag else 0)

    def connect(self, address: object) -> None:
        self.peer = address

    def send(self, buf: object) -> int:
        return self.sendto(buf, self.peer)

    def sendto(self, buf: object, address: object) -> int:
        if sim.IS_ESP32 and not _WIFI.usable():
            raise OSError(errno.EHOSTUNREACH)
        if not _WIFI.passes():
            return len(buf)
        if address == (network.GATEWAY, 53):
            if not sim.has("dns"):
                answer = bytearray(buf)
                answer[2] |= 0x80  # it is a response
                answer[3] |= 5  # refused
                self.answers.append(bytes(answer))
        elif not isinstance(address, tuple):  # nobody else is on the simulated network
            self._send_outside(buf, address)
        return len(buf)

    def _send_outside(self, buf: object, address: object) -> None:
        if self.raw is None:
            self.raw = _real.socket(AF_INET, SOCK_DGRAM)
            self.raw.setblocking(False)
            self.poller.register(self.raw, _IN)
        if _NTP_PORT and _real.sockaddr(address)[2] == _NTP:
            server = _real.getaddrinfo("127.0.0.1", _NTP_PORT)[0][-1]
            self.servers[bytes(server)] = address
            address = server
        self.raw.sendto(buf, address)

    def _has_come(self) -> bool:
        if not _WIFI.passes():
            return False
        return bool(self.answers or (self.raw is not None and self.poller.poll(0)))

    def recvfrom(self, size: int) -> tuple[bytes, object]:
        end = None if self.timeout is None else sim.now_ms() + int(self.timeout * 1000)
        while not self._has_come():
            if self.timeout == 0:
                raise OSError(errno.EAGAIN)
            sim.sleep_ms(10)
            if end is not None and sim.now_ms() > end:
                raise OSError(errno.ETIMEDOUT)
        if self.answers:
            return self.answers.pop(0)[:size], (network.GATEWAY, 53)
        data, source = self.raw.recvfrom(size)
        return data, self.servers.get(bytes(source), source)

    def recv(self, size: int) -> bytes:
        return self.recvfrom(size)[0]

    def ioctl(self, request: int, argument: int) -> int:
        if request == _POLL:
            return argument & ((_IN if self._has_come() else 0) | _OUT)
        if request == _CLOSE:
            self.close()
        return 0

    def close(self) -> None:
        self.answers = []
        if self.raw is not None:
            self.raw.close()
            self.raw = None


def socket(af: int = AF_INET, kind: int = SOCK_STREAM, proto: int = 0) -> object:
    """A new socket that uses the simulated WiFi."""
    if kind == SOCK_DGRAM:
        return _Datagram()
    return _Stream(_real.socket(af, kind, proto))
