"""Runs on MicroPython: what the import of each module named on the command line takes.

Prints a line for each: module, bytes. Modules that stand before it in the list are loaded
already, so the numbers add up.
"""

import gc
import sys

# What the first measurement would otherwise pay for: the list, the loop, the strings of print.
_sizes = []
_name = ""
_before = 0


def _in_use():
    gc.collect()
    return gc.mem_alloc()


_in_use()
for _name in sys.argv[1:]:
    _before = _in_use()
    __import__(_name)
    _sizes.append(_in_use() - _before)
for _index in range(len(_sizes)):
    print(sys.argv[1 + _index], _sizes[_index])
