"""Log-sum-exp of one long vector; its gradient is the softmax."""

from __future__ import annotations

from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from adcompile import vectormath as vm
from benchmarks.arrays.buffers import empty
from benchmarks.arrays.contestants import REASSOCIATE, by_tangent, lineup
from benchmarks.arrays.workload import Inputs, Workload
from benchmarks.loops import in_tangent

Floats: TypeAlias = NDArray[np.float64]
BLOCK = 2048  # entries that stay in the first-level cache


def value(x: Any) -> Any:
    top = np.max(x)
    return top + np.log(np.sum(np.exp(x - top)))


@njit(error_model="numpy", fastmath=REASSOCIATE | {"nnan"})
def largest(x: Floats, start: int, stop: int) -> float:
    top = -np.inf
    for i in range(start, stop):
        top = max(top, x[i])
    return top


@njit(error_model="numpy", fastmath=REASSOCIATE)
def exponentials(x: Floats, g: Floats, start: int, stop: int, top: float) -> float:
    total = 0.0
    for i in range(start, stop):
        g[i] = vm.exp(x[i] - top)
        total += g[i]
    return total


@njit(error_model="numpy")
def scale(g: Floats, start: int, stop: int, factor: float) -> None:
    for i in range(start, stop):
        g[i] *= factor


@njit(error_model="numpy")
def three_passes(x: Floats) -> tuple[float, Floats]:
    n = x.shape[0]
    g = empty(n)
    top = largest(x, 0, n)
    total = exponentials(x, g, 0, n, top)
    scale(g, 0, n, 1.0 / total)
    return top + np.log(total), g


@njit(error_model="numpy")
def blocks(x: Floats) -> tuple[float, Floats]:
    """Each block relative to its own largest entry, so that x is read from memory once."""
    n = x.shape[0]
    g = empty(n)
    tops = np.empty((n + BLOCK - 1) // BLOCK)
    top, total = -np.inf, 0.0
    for b in range(tops.shape[0]):
        start, stop = b * BLOCK, min(n, (b + 1) * BLOCK)
        tops[b] = largest(x, start, stop)
        part = exponentials(x, g, start, stop, tops[b])
        if tops[b] > top:
            total = total * np.exp(top - tops[b]) + part
            top = tops[b]
        else:
            total += part * np.exp(tops[b] - top)
    for b in range(tops.shape[0]):
        scale(g, b * BLOCK, min(n, (b + 1) * BLOCK), np.exp(tops[b] - top) / total)
    return top + np.log(total), g


def best_jax(jax: Any) -> Any:
    return jax.value_and_grad(jax.scipy.special.logsumexp)


def in_torch(torch: Any) -> Any:
    return lambda x: torch.logsumexp(x, 0)


def inputs(n: int) -> Inputs:
    return (np.random.default_rng(0).normal(scale=3.0, size=n),)


WORKLOAD = Workload(
    title="Log-sum-exp",
    cases={f"1e{k} entries": partial(inputs, 10**k) for k in (4, 6)},
    quick=("1e4 entries",),
    contestants=lineup(
        value,
        (0,),
        hands={"": three_passes, ", in blocks": blocks},
        jax=best_jax,
        torch=in_torch,
    )
    | {"tangent-ad": by_tangent(in_tangent.log_sum_exp, (0,))},
    rtol={"float64": 1e-12},
)
