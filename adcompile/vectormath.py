"""Elementary functions for Numba code, which LLVM vectorises.

``vm.exp(x)`` takes a float64 or float32 (an integer becomes a float64) or an array of them, and
returns the same, in njit code; outside, it is NumPy's function.  docs/vector_math.md has the errors
and speeds.
"""

from __future__ import annotations

import numpy as np

from adcompile.runtime.vectormath import exponential, logarithm
from adcompile.runtime.vectormath.register import unary

exp = unary(exponential.exp, np.exp)
exp2 = unary(exponential.exp2, np.exp2)
expm1 = unary(exponential.expm1, np.expm1)
log = unary(logarithm.log, np.log)
log2 = unary(logarithm.log2, np.log2)
log10 = unary(logarithm.log10, np.log10)
log1p = unary(logarithm.log1p, np.log1p)
