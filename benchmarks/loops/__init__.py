"""Loops over elements and time steps, as people write them for Numba; one thread (see arrays)."""

import benchmarks.arrays  # noqa: F401  settles the threads
