"""Talk to a board's Python prompt: `python3 -m tools.repl [--port PORT]`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from tools import board


def main(arguments: Sequence[str] | None = None) -> None:
    """Hand the terminal to mpremote."""
    port = board.port_or_exit(arguments, "repl", __doc__)
    print(
        f"repl on {port}; Ctrl-C stops the program, Ctrl-D restarts it, Ctrl-] leaves", flush=True
    )
    argv = board.mpremote("connect", port, "repl")
    os.execv(argv[0], argv)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
