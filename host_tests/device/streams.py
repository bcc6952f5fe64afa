"""Hooks for `dial` and `ready` that a scenario names: streams that misbehave."""

import errno
import io
import select
import sys

from umqtt_full.net import dial as tcp

_POLL = 3  # what MicroPython's poll asks a stream by ioctl
_CLOSE = 4

writes = []  # the size of each write that a `counted` stream took


def print_exception(error):
    """Print a traceback on standard output."""
    if hasattr(sys, "print_exception"):
        sys.print_exception(error)
    else:
        import traceback

        traceback.print_exception(type(error), error, error.__traceback__, file=sys.stdout)


class Wrapped(io.IOBase):
    """A stream around the socket that `umqtt_full.net.dial` gives."""

    def __init__(self, raw):
        self.raw = raw

    def fileno(self):
        """For CPython's poll."""
        return self.raw.fileno()

    def ioctl(self, request, flags):
        """For MicroPython's poll."""
        if request == _CLOSE:
            self.raw.close()
            return 0
        if request != _POLL:
            return -errno.EINVAL
        poll = select.poll()
        poll.register(self.raw, flags)
        for item in poll.poll(0):
            return item[1]
        return 0

    def readinto(self, *args):
        """As the socket."""
        return self.raw.readinto(*args)

    def write(self, buf, off, n):
        """As the socket."""
        return self.raw.write(buf, off, n)

    def close(self):
        """As the socket."""
        self.raw.close()


class Counted(Wrapped):
    """Notes the size of each write."""

    def write(self, buf, off, n):
        """As the socket."""
        taken = self.raw.write(buf, off, n)
        if taken:
            writes.append(taken)
        return taken


class Dribbling(Wrapped):
    """Takes one byte a write, and every second time none (EAGAIN)."""

    turn = 0

    def write(self, buf, off, n):
        """Take one byte, or none."""
        self.turn += 1
        return self.raw.write(buf, off, 1) if self.turn & 1 else None


class Failing(Wrapped):
    """Takes `left` bytes and then fails with an errno, in the middle of a packet."""

    left = 30
    number = errno.ENOMEM

    def write(self, buf, off, n):
        """Take what is left, or fail."""
        if not self.left:
            raise OSError(self.number, "by the scenario")
        taken = self.raw.write(buf, off, min(n, self.left))
        self.left -= taken or 0
        return taken


def counted():
    """A `dial` whose streams count."""
    return lambda host, port: Counted(tcp(host, port))


def dribbling():
    """A `dial` whose streams dribble."""
    return lambda host, port: Dribbling(tcp(host, port))


def failing(left):
    """A `dial` whose first stream fails after so many bytes."""
    rest = [left]

    def dial(host, port):
        raw = tcp(host, port)
        if not rest:
            return raw
        stream = Failing(raw)
        stream.left = rest.pop()
        return stream

    return dial


def dns_fails(times):
    """A `dial` that cannot resolve the host that often."""
    left = [times]

    def dial(host, port):
        if left[0]:
            left[0] -= 1
            raise OSError(-2, "by the scenario")
        return tcp(host, port)

    return dial


def ready_after(calls):
    """A `ready` that says no that often."""
    left = [calls]

    def ready():
        left[0] -= 1
        return left[0] < 0

    return ready
