"""`select` for the clock of time.py beside it: a wait in its milliseconds."""

import time

import uselect
from uselect import POLLERR as POLLERR
from uselect import POLLHUP as POLLHUP
from uselect import POLLIN as POLLIN
from uselect import POLLOUT as POLLOUT


class poll:  # noqa: N801  (the name is the module's)
    """`select.poll`, whose timeouts are SCALE times shorter."""

    def __init__(self) -> None:
        self._real = uselect.poll()
        self.register = self._real.register
        self.unregister = self._real.unregister
        self.modify = self._real.modify

    def poll(self, timeout: int = -1) -> list[tuple]:
        """As the real one."""
        return self._real.poll(_scaled(timeout))

    def ipoll(self, timeout: int = -1, flags: int = 0) -> object:
        """As the real one."""
        return self._real.ipoll(_scaled(timeout), flags)


def _scaled(timeout: int) -> int:
    return timeout if timeout <= 0 else (timeout + time.SCALE - 1) // time.SCALE
