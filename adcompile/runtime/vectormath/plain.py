"""What the functions that NumPy lacks do outside compiled code."""

from __future__ import annotations

from typing import Any

import numpy as np


def _as_float(x: Any) -> Any:
    """float32 and float64 as they are, integers as float64."""
    return np.asarray(x) * 1.0


def expit(x: Any) -> Any:
    x = _as_float(x)
    e = np.exp(-np.abs(x))
    return np.where(x > 0.0, 1.0, e)[()] / (1.0 + e)


def softplus(x: Any) -> Any:
    x = _as_float(x)
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def log_expit(x: Any) -> Any:
    return -softplus(-_as_float(x))


def power(x: Any, y: Any) -> Any:
    return np.power(_as_float(x), _as_float(y))
