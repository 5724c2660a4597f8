"""How many threads BLAS has, for compiled code to read.

Machine code finds the number by name, also code from disk, which is loaded without the modules that
it was made by: so ``adcompile`` itself imports this one.
"""

from __future__ import annotations

import ctypes
import os

from llvmlite import binding

SYMBOL = "adcompile_threads_of_blas"


def _as_openblas_decides() -> int:
    """When it is loaded."""
    for name in ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS"):
        if os.environ.get(name, "").isdigit():
            return int(os.environ[name])
    return os.cpu_count() or 1


THREADS = ctypes.c_int64(_as_openblas_decides())
binding.add_symbol(SYMBOL, ctypes.addressof(THREADS))
