# ruff: noqa: D100, F821  (names of MicroPython's manifest language)
# Freezes the library and the firmware into MicroPython for the Pico W:
# make BOARD=... FROZEN_MANIFEST=/path/to/boards/pico_w/manifest.py in MicroPython's port folder.
# config.json stays a file on the board, and a main.py there would come first.
metadata(description="umqtt_full sensor node for the Pico W", version="0.1.0", license="MIT")
include("$(PORT_DIR)/boards/manifest.py")
# RPI_PICO_W freezes its network packages from the manifest of the board itself.
require("bundle-networking")
include("../manifest.py")
module("board.py", opt=3)
