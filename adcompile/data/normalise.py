"""Zero mean and unit variance."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Moments(NamedTuple):
    """Means and standard deviations, in a shape that broadcasts against the data."""

    mean: Any
    deviation: Any


def moments(x: Any, epsilon: float = 1e-8) -> Moments:
    """Of each feature of ``x`` (n, features), or of each channel of images (n, channels, height,
    width).  A deviation is at least ``epsilon``, so that a pixel that never changes becomes 0.

    Take them from the training data, and normalise the test data with the same.
    """
    if x.ndim not in (2, 4):
        raise ValueError(f"data are (n, features) or (n, channels, h, w), not of shape {x.shape}")
    axes = (0,) if x.ndim == 2 else (0, 2, 3)
    deviation = np.maximum(x.std(axis=axes, keepdims=True), epsilon)
    return Moments(x.mean(axis=axes, keepdims=True), deviation)


def normalise(x: Any, scale: Moments) -> Any:
    """(x - mean) / deviation."""
    return (x - scale.mean) / scale.deviation
