"""Dropout: random zeros while training, and the rest scaled so that the mean stays."""

from __future__ import annotations

from typing import Any

import numpy as np

from adcompile.nn.gates import Array
from adcompile.nn.precision import keeps_dtype


@keeps_dtype
def dropout(x: Array, rate: float, rng: Any) -> Array:
    """Each entry is dropped with probability ``rate``, the others are divided by 1 - rate.

    With the mask m of zeros and ones: out = m x / (1 - rate), dC/dx = m dC/dout / (1 - rate).
    ``rng`` is a ``np.random.Generator``: the same seed gives the same masks.  At test time leave
    the call out: nothing is to be rescaled then.
    """
    kept = rng.random(x.shape) >= rate
    return np.where(kept, x / (1.0 - rate), 0.0)


@keeps_dtype
def drop_half(x: Array, rng: Any) -> Array:
    """Exactly half of the entries are dropped (of an odd number, the smaller half), as the course
    states it; the others are scaled so that the mean over all choices is x.

    The ranks of random numbers are a random permutation; the low ranks go.
    """
    dropped = x.size // 2
    rank = np.argsort(rng.random(x.size)).reshape(x.shape)
    return np.where(rank < dropped, 0.0, x * (x.size / (x.size - dropped)))
