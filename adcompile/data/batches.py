"""Which samples come together, and in which order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numba.extending import register_jitable


@register_jitable
def epoch_order(samples: int, rng: Any, shuffle: bool = True) -> Any:
    """The samples' numbers in the order of an epoch.  For epochs in njit code:

        order = epoch_order(x.shape[0], rng)
        for start in range(0, order.size, size):
            batch = order[start : start + size]
            value, grads = loss(params, x[batch], labels[batch])

    Data that is sorted by class and not shuffled teaches one class after the other, and the last
    one stays.
    """
    order = np.arange(samples)
    if shuffle:  # Fisher and Yates; Numba takes seconds to compile rng.permutation
        for last in range(samples - 1, 0, -1):
            other = int(rng.random() * (last + 1))
            order[last], order[other] = order[other], order[last]
    return order


def batches(
    rng: np.random.Generator, size: int, *arrays: Any, shuffle: bool = True
) -> Iterator[tuple[Any, ...]]:
    """One epoch of minibatches of ``size`` samples, the last one with what is left."""
    order = epoch_order(_samples(arrays), rng, shuffle)
    if size < 1:
        raise ValueError(f"a batch of {size} samples")
    for start in range(0, order.size, size):
        batch = order[start : start + size]
        yield tuple(array[batch] for array in arrays)


def split(rng: np.random.Generator, share: float, *arrays: Any) -> tuple[Any, ...]:
    """``(a_train, a_test, b_train, b_test, ...)`` for arrays a, b, ...: a random ``share`` of the
    samples, rounded, is kept for the test."""
    samples = _samples(arrays)
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"a share of {share} is not between 0 and 1")
    order = rng.permutation(samples)
    kept = round(share * samples)
    return tuple(part for array in arrays for part in (array[order[kept:]], array[order[:kept]]))


def _samples(arrays: tuple[Any, ...]) -> int:
    if not arrays:
        raise TypeError("no arrays are given")
    counts = {len(array) for array in arrays}
    if len(counts) > 1:
        raise ValueError(f"the arrays have different numbers of samples: {sorted(counts)}")
    return counts.pop()
