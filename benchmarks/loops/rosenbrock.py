"""Rosenbrock's function: what a call costs."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numba import njit

from benchmarks.arrays.workload import Inputs, Workload
from benchmarks.loops.lineup import lineup


def value(x: Any) -> Any:
    total = 0.0
    for i in range(x.size - 1):
        total += 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2
    return total


@njit(error_model="numpy", fastmath={"contract"})
def by_hand(x: Any) -> Any:
    """In one pass: what x[i + 1] receives from the term before waits in ``carry``."""
    g = np.empty(x.size)
    total, carry = 0.0, 0.0
    for i in range(x.size - 1):
        d, e = x[i + 1] - x[i] * x[i], 1.0 - x[i]
        total += 100.0 * (d * d) + e * e
        g[i] = carry - 400.0 * x[i] * d - 2.0 * e
        carry = 200.0 * d
    g[x.size - 1] = carry
    return total, (g,)


def best_jax(jax: Any) -> Any:
    def loss(x: Any) -> Any:
        return jax.numpy.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    return jax.value_and_grad(loss, argnums=(0,))


def inputs(n: int) -> Inputs:
    return (np.random.default_rng(0).normal(size=n),)


WORKLOAD = Workload(
    title="Rosenbrock",
    cases={"n = 10": partial(inputs, 10), "n = 1000": partial(inputs, 1000)},
    quick=("n = 10",),
    contestants=lineup(value, (0,), {"": by_hand}, best_jax),
    rtol={"float64": 1e-12},
)
