"""What the functions that NumPy lacks do outside compiled code."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from adcompile.runtime import likelihood


def expit(x: Any) -> Any:
    e = np.exp(-np.abs(x))
    return np.where(x > 0.0, 1.0, e)[()] / (1.0 + e)


def softplus(x: Any) -> Any:
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def log_expit(x: Any) -> Any:
    return -softplus(-x)


def _each(function: Callable[[float], float]) -> Callable[[Any], Any]:
    """A function of one number on arrays."""
    one_by_one = np.frompyfunc(getattr(function, "py_func", function), 1, 1)

    def over(x: Any) -> Any:
        x = np.asarray(x)
        kind = np.float32 if x.dtype == np.float32 else np.float64
        return np.asarray(one_by_one(x)).astype(kind)[()]

    return over


erf = _each(math.erf)
erfc = _each(math.erfc)
ndtr = _each(likelihood.ndtr)
log_ndtr = _each(likelihood.log_ndtr)
logit = _each(likelihood.logit)
