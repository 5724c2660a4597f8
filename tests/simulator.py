"""The CUDA simulator, whose threads are Python's.

Its shared arrays are made by the first thread that asks for one, without a lock: two threads that
ask at once get two arrays.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

import numpy as np
from numba.np import numpy_support


def make_safe() -> None:
    """One shared array per line and block, whichever thread comes first; threads take turns often,
    since the simulator polls those that wait for each other."""
    from numba.cuda.simulator.kernelapi import FakeCUDAShared

    lock, dynamic = threading.Lock(), FakeCUDAShared.array

    def array(self: Any, shape: Any, dtype: Any, alignment: Any = None) -> Any:
        if shape == 0:
            return dynamic(self, shape, dtype, alignment)
        caller = sys._getframe(1)
        line = caller.f_code.co_filename, caller.f_lineno
        with lock:
            if line not in self._allocations:
                kind = numpy_support.as_dtype(dtype) if hasattr(dtype, "bitwidth") else dtype
                self._allocations[line] = np.empty(shape, kind)
            return self._allocations[line]

    FakeCUDAShared.array = array
    sys.setswitchinterval(1e-4)
