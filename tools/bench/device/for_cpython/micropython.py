# mypy: ignore-errors
"""What the peers on CPython import of MicroPython's module `micropython`."""


def const(value):
    """The value."""
    return value
