"""Published Numba code, unmodified, and kernels in the style of PolyBench."""
