# ruff: noqa: D100, F821  (names of MicroPython's manifest language)
# What the manifests of the boards have in common: the library and the firmware.
import os

library = [name for name in os.listdir("../lib/umqtt_full") if name.endswith(".py")]
library = [name for name in library if not name.startswith("_cpython")]  # those are for computers
package("umqtt_full", sorted(library), base_path="../lib", opt=3)
for name in ("boot", "clock", "commands", "config", "main", "node", "probe", "reports", "sensors"):
    module(name + ".py", base_path="../firmware", opt=3)
for name in ("startup", "wifi"):
    module(name + ".py", base_path="../firmware", opt=3)
