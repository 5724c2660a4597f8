"""Elementary functions that Numba vectorises.

``values``: what kernels compute with.  ``register``: from a kernel to a function that Numba code
calls.  The other modules: the kernels.  Users import them from ``adcompile.vectormath``.
"""
