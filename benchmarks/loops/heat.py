"""heat_3d of PolyBench: pairs of steps of the seven-point stencil."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numba import njit

from benchmarks.arrays.contestants import REASSOCIATE
from benchmarks.arrays.workload import TAPE, Inputs, Workload
from benchmarks.heat_3d import best_jax, heat, inside
from benchmarks.loops.lineup import Function, lineup


@njit(error_model="numpy", fastmath=REASSOCIATE)
def _step(u: Any, out: Any) -> None:
    n = u.shape[0]
    for i in range(1, n - 1):
        for j in range(1, n - 1):
            for k in range(1, n - 1):
                near = u[i + 1, j, k] + u[i - 1, j, k] + u[i, j + 1, k]
                near += u[i, j - 1, k] + u[i, j, k + 1] + u[i, j, k - 1]
                out[i, j, k] = 0.25 * u[i, j, k] + 0.125 * near


@njit(error_model="numpy", fastmath=REASSOCIATE)
def _faces(g: Any, face: Any) -> None:
    """What the faces, which never change, receive from the inside."""
    n = g.shape[0]
    m = n - 1
    for i in range(1, m):
        for j in range(1, m):
            face[0, i, j] += 0.125 * g[1, i, j]
            face[m, i, j] += 0.125 * g[m - 1, i, j]
            face[i, 0, j] += 0.125 * g[i, 1, j]
            face[i, m, j] += 0.125 * g[i, m - 1, j]
            face[i, j, 0] += 0.125 * g[i, j, 1]
            face[i, j, m] += 0.125 * g[i, j, m - 1]


@njit(error_model="numpy", fastmath=REASSOCIATE)
def by_hand(u: Any, steps: int) -> Any:
    """The inside is its own transpose: with zeros on the faces the same step goes back."""
    u, other = u.copy(), u.copy()
    for _ in range(steps):
        _step(u, other)
        _step(other, u)
    total = np.sum(u * u)
    face, a, b = 2.0 * u, np.zeros_like(u), np.zeros_like(u)
    a[1:-1, 1:-1, 1:-1] = face[1:-1, 1:-1, 1:-1]
    face[1:-1, 1:-1, 1:-1] = 0.0
    for _ in range(steps):
        _faces(a, face)
        _step(a, b)
        _faces(b, face)
        _step(b, a)
    return total, (face + a,)


def arrays(xp: Any, jit: Function) -> Function:
    def step(u: Any) -> Any:
        new = xp.concatenate((u[1:-1, 1:-1, :1], inside(u), u[1:-1, 1:-1, -1:]), axis=2)
        new = xp.concatenate((u[1:-1, :1], new, u[1:-1, -1:]), axis=1)
        return xp.concatenate((u[:1], new, u[-1:]), axis=0)

    one = jit(step)

    def heat(u: Any, steps: int) -> Any:
        for _ in range(2 * steps):
            u = one(u)
        return xp.sum(u**2)

    return heat


def inputs(n: int, steps: int) -> Inputs:
    return np.random.default_rng(0).normal(size=(n, n, n)), steps


WORKLOAD = Workload(
    title="heat_3d",
    cases={
        "8 x 8 x 8, 2 steps": partial(inputs, 8, 2),
        "40 x 40 x 40, 100 steps": partial(inputs, 40, 100),
    },
    quick=("8 x 8 x 8, 2 steps",),
    contestants=lineup(heat, (0,), {"": by_hand}, best_jax, arrays),
    rtol={"float64": 1e-10},
    slow=frozenset({TAPE}),
)
