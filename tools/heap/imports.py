"""Runs on MicroPython: what the import of each module named on the command line takes.

Prints a line for each: module, bytes. Modules that stand before it in the list are loaded
already, so the numbers add up. Where the first name is that of a ROMFS image, modules come from
there: on a board it lies in flash, so the memory that it takes here is not counted.
"""

import gc
import sys

# What the first measurement would otherwise pay for: the list, the loop, the strings of print.
_names = sys.argv[1:]
_sizes = []
_name = ""
_before = 0


def _in_use():
    gc.collect()
    return gc.mem_alloc()


def _mount(path):
    """Put an image before all other places to import from."""
    import vfs

    with open(path, "rb") as file:
        vfs.mount(vfs.VfsRom(file.read()), "/rom")
    sys.path.insert(0, "/rom")


if _names[0].endswith(".romfs"):
    _mount(_names.pop(0))
_in_use()
for _name in _names:
    _before = _in_use()
    __import__(_name)
    _sizes.append(_in_use() - _before)
for _index in range(len(_sizes)):
    print(_names[_index], _sizes[_index])
