"""A simulated world for both front ends: virtual time, a hostile network, a model of both ends.

`engine.run(history)` plays one history; see README.md in this folder for the parts.
"""
