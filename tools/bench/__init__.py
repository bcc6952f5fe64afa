"""Measure the library beside its peers and a raw socket loop, in one run: `make bench`."""
