"""What the library takes from MicroPython's module of that name."""

from typing import TypeVar

_T = TypeVar("_T")

def const(value: _T) -> _T: ...
