"""What the board runs after boot.py; see `startup` for the ways to skip it."""

import startup

startup.run()
