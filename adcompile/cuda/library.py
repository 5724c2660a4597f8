"""CuPy, where it is installed: products of matrices by cuBLAS, and arrays that come as DLPack."""

from __future__ import annotations

import functools
import importlib
from contextlib import nullcontext
from typing import Any

import numpy as np

from adcompile.cuda.launch import current_stream
from adcompile.cuda.package import SIMULATED


@functools.cache
def cupy() -> Any:
    """The package, or None."""
    if SIMULATED:
        return None
    try:
        return importlib.import_module("cupy")
    except ImportError:
        return None


def multiply(c: Any, a: Any, b: Any, turn_a: bool, turn_b: bool, adds: bool) -> bool:
    """``c = a b``, or added to c, a and b transposed or not, by cuBLAS's gemm; False if it cannot:
    without CuPy, for factors of different types, and where there is nothing to add up."""
    library = cupy()
    if library is None or 0 in (*a.shape, *b.shape):
        return False
    if not a.dtype == b.dtype == c.dtype or np.dtype(c.dtype).kind != "f":
        return False
    gemm = importlib.import_module("cupy.cublas").gemm
    stream = current_stream()
    around = library.cuda.ExternalStream(int(stream)) if stream else nullcontext()
    with around:
        made, left, right = (library.asarray(x) for x in (c, a, b))
        gemm("NT"[turn_a], "NT"[turn_b], left, right, made, 1.0, 1.0 if adds else 0.0)
    return True
