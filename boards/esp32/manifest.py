# ruff: noqa: D100, F821  (names of MicroPython's manifest language)
# Freezes the library and the firmware into MicroPython for the ESP32:
# make BOARD=... FROZEN_MANIFEST=/path/to/boards/esp32/manifest.py in MicroPython's port folder.
# config.json stays a file on the board, and a main.py there would come first.
metadata(description="umqtt_full sensor node for the ESP32", version="0.1.0", license="MIT")
include("$(PORT_DIR)/boards/manifest.py")
package("umqtt_full", base_path="../../lib", opt=3)
module("board.py", opt=3)
for name in ("boot", "commands", "config", "main", "node", "probe", "reports", "sensors"):
    module(name + ".py", base_path="../../firmware", opt=3)
for name in ("clock", "startup", "wifi"):
    module(name + ".py", base_path="../../firmware", opt=3)
