# mypy: ignore-errors
"""The heap that a client takes once it is made and connected, over what its import has taken.

Reads a task as `rates` does and prints `TAKES bytes`, those of the adapter (some 200) included.
"""

import gc
import json
import sys

from rates import SUBJECTS


def taken():
    """Bytes of the heap in use."""
    gc.collect()
    return gc.mem_alloc()


task = json.loads(sys.stdin.readline())
module, name = SUBJECTS[task["subject"]]
adapter = getattr(__import__(module), name)
first = adapter(task)  # what is loaded at the first use is not counted; kept, so in both sums
if adapter.is_async:
    import asyncio

    async def connect():
        """Within the loop, which is asyncio's."""
        before = taken()
        subject = adapter(task)
        await subject.connect()
        print("TAKES", taken() - before)
        await subject.close()

    asyncio.run(connect())
else:
    before = taken()
    subject = adapter(task)
    subject.connect()
    print("TAKES", taken() - before)
    subject.close()
