# ruff: noqa: D100, F821  (names of MicroPython's manifest language)
# Freezes the library and the firmware into MicroPython for the ESP32:
# make BOARD=... FROZEN_MANIFEST=/path/to/boards/esp32/manifest.py in MicroPython's port folder.
# config.json stays a file on the board, and a main.py there would come first.
metadata(description="umqtt_full sensor node for the ESP32", version="0.1.0", license="MIT")
include("$(PORT_DIR)/boards/manifest.py")
include("../manifest.py")
module("board.py", opt=3)
