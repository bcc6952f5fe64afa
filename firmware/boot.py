"""Runs first after every reset: only what must never fail."""

import micropython

# Lets an error be shown that is raised while the heap is full; some ports have it built in.
if hasattr(micropython, "alloc_emergency_exception_buf"):
    micropython.alloc_emergency_exception_buf(100)
