"""What the functions that NumPy lacks do outside compiled code."""

from __future__ import annotations

from typing import Any

import numpy as np


def expit(x: Any) -> Any:
    e = np.exp(-np.abs(x))
    return np.where(x > 0.0, 1.0, e)[()] / (1.0 + e)


def softplus(x: Any) -> Any:
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def log_expit(x: Any) -> Any:
    return -softplus(-x)
