"""Elementary functions for Numba code, which LLVM vectorises.

``vm.exp(x)`` takes a float64 or float32 (an integer becomes a float64) or an array of them, and
returns the same, in njit code; outside, it is NumPy's function.  docs/vector_math.md has the errors
and speeds.
"""

from __future__ import annotations

import numpy as np

from adcompile.runtime.vectormath import (
    error_function,
    exponential,
    hyperbolic,
    inverse,
    logarithm,
    logistic,
    plain,
    power,
    roots,
    trigonometric,
)
from adcompile.runtime.vectormath.register import binary, unary

exp = unary(exponential.exp, np.exp)
exp2 = unary(exponential.exp2, np.exp2)
expm1 = unary(exponential.expm1, np.expm1)
log = unary(logarithm.log, np.log)
log2 = unary(logarithm.log2, np.log2)
log10 = unary(logarithm.log10, np.log10)
log1p = unary(logarithm.log1p, np.log1p)
tanh = unary(hyperbolic.tanh, np.tanh)
sinh = unary(hyperbolic.sinh, np.sinh)
cosh = unary(hyperbolic.cosh, np.cosh)
asinh = unary(hyperbolic.asinh, np.arcsinh)
acosh = unary(hyperbolic.acosh, np.arccosh)
atanh = unary(hyperbolic.atanh, np.arctanh)
expit = unary(logistic.expit, plain.expit)
softplus = unary(logistic.softplus, plain.softplus)
log_expit = unary(logistic.log_expit, plain.log_expit)
logit = unary(logistic.logit, plain.logit)
logaddexp = binary(logistic.logaddexp, np.logaddexp)
hypot = binary(roots.hypot, np.hypot)
cbrt = unary(roots.cbrt, np.cbrt)
pow = binary(power.pow, np.power)
sin = unary(trigonometric.sin, np.sin)
cos = unary(trigonometric.cos, np.cos)
tan = unary(trigonometric.tan, np.tan)
asin = unary(inverse.asin, np.arcsin)
acos = unary(inverse.acos, np.arccos)
atan = unary(inverse.atan, np.arctan)
atan2 = binary(inverse.atan2, np.arctan2)
erf = unary(error_function.erf, plain.erf)
erfc = unary(error_function.erfc, plain.erfc)
ndtr = unary(error_function.ndtr, plain.ndtr)
log_ndtr = unary(error_function.log_ndtr, plain.log_ndtr)

# The library calls on floats that mean the same, and are no quicker or more accurate in loops that
# vectorise.
_SAME = {
    "exp": ("math.exp", "np.exp"),
    "exp2": ("math.exp2", "np.exp2"),
    "expm1": ("math.expm1", "np.expm1"),
    "log": ("math.log", "np.log"),
    "log2": ("math.log2", "np.log2"),
    "log10": ("math.log10", "np.log10"),
    "log1p": ("math.log1p", "np.log1p"),
    "tanh": ("math.tanh", "np.tanh"),
    "sinh": ("math.sinh", "np.sinh"),
    "cosh": ("math.cosh", "np.cosh"),
    "asinh": ("math.asinh", "np.arcsinh", "np.asinh"),
    "acosh": ("math.acosh", "np.arccosh", "np.acosh"),
    "atanh": ("math.atanh", "np.arctanh", "np.atanh"),
    "expit": ("rt.expit",),
    "softplus": ("rt.softplus",),
    "log_expit": ("rt.log_expit",),
    "logit": ("rt.logit",),
    "logaddexp": ("np.logaddexp",),
    "hypot": ("math.hypot", "np.hypot"),
    "cbrt": ("math.cbrt", "np.cbrt"),
    "sin": ("math.sin", "np.sin"),
    "cos": ("math.cos", "np.cos"),
    "tan": ("math.tan", "np.tan"),
    "asin": ("math.asin", "np.arcsin", "np.asin"),
    "acos": ("math.acos", "np.arccos", "np.acos"),
    "atan": ("math.atan", "np.arctan", "np.atan"),
    "atan2": ("math.atan2", "np.arctan2", "np.atan2"),
    "erf": ("math.erf",),
    "erfc": ("math.erfc",),
    "ndtr": ("rt.ndtr",),
    "log_ndtr": ("rt.log_ndtr",),
    "pow": ("math.pow", "np.power", "np.pow"),
}
REPLACES = {call: name for name, calls in _SAME.items() for call in calls}

for _name, _calls in _SAME.items():  # what they are in a function that is differentiated
    _on_arrays = [call for call in _calls if not call.startswith("math.")]
    globals()[_name].__adcompile_primitive__ = (*_on_arrays, *_calls)[0]
