"""Set the clock by the network (SNTP, RFC 5905), as TLS needs it, and never block for it.

A certificate is valid from one date to another, and a board boots in 2000 or 2021. So before the
first TLS connection of a board whose clock was not set, and again when a broker's certificate
seems not yet valid, a time server is asked: for 30 s at most; then TLS has its try and tells what
is wrong. Only the resolver of the port may take longer than a turn of the loop.
"""

import asyncio
import errno
import os
import socket
import time

import machine
from micropython import const

TYPE_CHECKING = const(False)
if TYPE_CHECKING:  # names that only a type checker needs
    from collections.abc import Callable, Coroutine
    from typing import Any

_YEAR = const(2025)  # what is before it is a clock that was not set
_PORT = const(123)
_LIMIT_MS = const(30000)
_FIRST_MS = const(1000)  # until a question is asked again; then twice as long each time
_LOOK_MS = const(20)
_ENOUGH_S = const(900)  # a clock that was set is not set again so soon
_QUESTION = b"\x23" + bytes(39)  # version 4, client; then 8 bytes that the answer must repeat
_ERA: int = 1 << 32  # seconds; they began anew in 2036
# From 1900, where the time of NTP begins, to where that of the port does.
_SINCE_1900: int = 3155673600 if time.gmtime(0)[0] == 2000 else 2208988800


class Kiss(Exception):
    """The server does not want to be asked; the text is its code."""


def seconds_of(answer: bytes, asked: bytes) -> int | None:
    """What time it is by an answer, in seconds since 1900; None when it tells nothing.

    `asked` is what the answer must repeat: nobody can invent it who has not seen the question.
    Kiss: the server asks to be left alone.
    """
    if len(answer) < 48 or answer[0] & 7 != 4 or answer[24:32] != asked:
        return None
    if not answer[1]:
        raise Kiss("".join([chr(c) if 32 < c < 127 else "?" for c in answer[12:16]]))
    if answer[0] >> 6 == 3 or answer[1] > 15 or answer[40:48] == bytes(8):
        return None  # it does not know the time itself
    seconds = int.from_bytes(answer[40:44], "big") + (answer[44] >> 7)
    if seconds < _ERA >> 1:
        seconds += _ERA
    try:
        return seconds if time.gmtime(seconds - _SINCE_1900)[0] >= _YEAR else None
    except OverflowError:
        return None


def resolve(host: str) -> Any:
    """An address of a time server; OSError when there is none."""
    found = socket.getaddrinfo(host, _PORT)
    for entry in found:
        if entry[0] == socket.AF_INET:
            return entry[-1]
    raise OSError(errno.EHOSTUNREACH)


class Clock:
    """The board's clock, and the server that sets it.

    `network` is awaited before a name is resolved: without a link that may block for ever.
    """

    def __init__(
        self,
        host: str,
        network: Callable[[], Coroutine[Any, Any, None]],
        log: Callable[..., None] = print,
    ) -> None:
        self._host = host
        self._network = network
        self._log = log
        self._asked = False
        self._set_at: int | None = None
        self._shunned: list[Any] = []  # addresses that do not want to be asked

    async def before(self, error: BaseException | None) -> None:
        """Set the clock if a TLS connection needs that; `error` ended the last attempt."""
        if getattr(error, "reason", "") == "not_yet_valid":
            if self._set_at is not None and 0 <= time.time() - self._set_at < _ENOUGH_S:
                return
        elif self._asked or time.gmtime()[0] >= _YEAR:
            return
        self._asked = True
        if not await self._ask_for(_LIMIT_MS):
            limit = str(_LIMIT_MS // 1000)
            self._log("clock: no time from", self._host, "in", limit, "s; trying without")

    async def _ask_for(self, limit_ms: int) -> bool:
        """Ask until there is an answer; whether one came in time."""
        start = time.ticks_ms()
        pause = _FIRST_MS
        self._shunned = []
        while True:
            await self._network()
            left = limit_ms - time.ticks_diff(time.ticks_ms(), start)
            if left <= 0:
                return False
            try:
                if await self._ask(min(pause, left)):
                    return True
            except OSError as error:  # no such name, no route: both may change
                self._log("clock:", self._host, repr(error))
                await asyncio.sleep_ms(min(pause, left))
            pause *= 2

    async def _ask(self, limit_ms: int) -> bool:
        """Ask once, and wait so long for the answer; whether it has set the clock."""
        address = resolve(self._host)
        if address in self._shunned:
            await asyncio.sleep_ms(limit_ms)
            return False
        asked = os.urandom(8)
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            sock.sendto(_QUESTION + asked, address)
            start = time.ticks_ms()
            while time.ticks_diff(time.ticks_ms(), start) < limit_ms:
                await asyncio.sleep_ms(_LOOK_MS)
                seconds = self._answer(sock, address, asked)
                if seconds is not None:
                    self._set(seconds)
                    return True
        finally:
            sock.close()
        return False

    def _answer(self, sock: socket.socket, address: Any, asked: bytes) -> int | None:
        """The time, if it has come."""
        try:
            answer, source = sock.recvfrom(64)
        except OSError:
            return None  # nothing there yet
        if source != address:
            return None
        try:
            return seconds_of(answer, asked)
        except Kiss as kiss:
            self._log("clock:", self._host, "does not want to be asked:", kiss)
            self._shunned.append(address)
        return None

    def _set(self, seconds: int) -> None:
        t = time.gmtime(seconds - _SINCE_1900)
        machine.RTC().datetime((t[0], t[1], t[2], t[6], t[3], t[4], t[5], 0))
        self._set_at = time.time()
        self._log("clock: %d-%02d-%02d %02d:%02d:%02d UTC," % t[:6], "from", self._host)
