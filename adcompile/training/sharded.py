"""Data-parallel gradients on a Dask cluster (``distributed``, an extra: ``adcompile[dask]``).

Each worker has shards of the data and computes their part of a mean; what travels are parameters
and gradients.  Parts are tasks that Dask can repeat, the loading of a shard included: of a worker
that dies in mid-epoch nothing is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from adcompile.optim.trees import Tree, leaves, rebuilt

Shard = tuple[Any, ...]  # arrays whose first axis is that of the samples


class DataParallel:
    """A loss ``loss(params, *shard)``, a mean over samples, of data in ``count`` shards.

    ``client`` is a ``distributed.Client``, ``value_and_grad`` what ``adcompile.value_and_grad``
    made: it is sent as source, and each worker compiles it once.  ``load(k)`` makes shard k;
    it runs on a worker, and again if that worker dies.
    """

    def __init__(
        self, client: Any, value_and_grad: Any, load: Callable[[int], Shard], count: int
    ) -> None:
        if count < 1:
            raise ValueError(f"{count} shards")
        self.client, self.derivative = client, value_and_grad.value_and_grad
        self.shards = [client.submit(load, k, pure=False) for k in range(count)]
        self.sizes: list[int] = client.gather([client.submit(_size, s) for s in self.shards])

    def value_and_grad(self, params: Tree, rows: Sequence[Any] | None = None) -> tuple[float, Tree]:
        """Value and gradient for all samples, or for those in ``rows``: integers, an array for each
        shard.  The mean of the parts, weighted by their numbers of samples: to rounding what one
        process computes from all of them."""
        if rows is not None and len(rows) != len(self.shards):
            raise ValueError(f"rows for {len(rows)} shards; there are {len(self.shards)}")
        # Not pure: a key of its own, so that Dask need not hash parameters.
        parts = [
            self.client.submit(
                _part, self.derivative, params, shard, None if rows is None else rows[k], pure=False
            )
            for k, shard in enumerate(self.shards)
            if (self.sizes[k] if rows is None else len(rows[k]))
        ]
        if not parts:
            raise ValueError("no samples")
        return _mean(self.client.gather(parts), params)


def from_arrays(*arrays: Any, count: int) -> Callable[[int], Shard]:
    """``load`` for arrays that fit here: nearly equal slices, sent with tasks that load one."""
    samples = len(arrays[0])
    if any(len(array) != samples for array in arrays):
        raise ValueError("the arrays have different numbers of samples")
    bounds = [samples * k // count for k in range(count + 1)]
    return _Slices([tuple(a[i:j] for a in arrays) for i, j in pairwise(bounds)])


class _Slices:
    def __init__(self, shards: list[Shard]) -> None:
        self.shards = shards

    def __call__(self, k: int) -> Shard:
        return self.shards[k]


def _size(shard: Shard) -> int:
    return len(shard[0])


def _part(derivative: Any, params: Tree, shard: Shard, rows: Any) -> tuple[int, float, list[Any]]:
    # Dask may hand arrays over read-only; Numba compiles those separately.
    params = rebuilt(params, [w.copy() for w in leaves(params)])
    chosen = tuple(a.copy() if rows is None else a[rows] for a in shard)
    value, grads = derivative(params, *chosen)
    return len(chosen[0]), float(value), leaves(grads)


def _mean(parts: list[tuple[int, float, list[Any]]], params: Tree) -> tuple[float, Tree]:
    total = sum(count for count, _, _ in parts)
    value = sum(count / total * part for count, part, _ in parts)
    sums = [np.zeros_like(w) for w in leaves(params)]
    for count, _, grads in parts:
        for one, g in zip(sums, grads, strict=True):
            one += one.dtype.type(count / total) * g
    return float(value), rebuilt(params, sums)
