"""Gauss and Seidel's iteration in place: seidel_2d of PolyBench."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from benchmarks.arrays.contestants import REASSOCIATE
from benchmarks.arrays.workload import TAPE
from benchmarks.loops.lineup import Function
from benchmarks.loops.stencils import stencil


def seidel(u: Any, steps: int) -> Any:
    """The nine-point average in place: every point sees the new values before it."""
    n = u.shape[0]
    u = u.copy()
    for _ in range(steps):
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                u[i, j] = (
                    u[i - 1, j - 1]
                    + u[i - 1, j]
                    + u[i - 1, j + 1]
                    + u[i, j - 1]
                    + u[i, j]
                    + u[i, j + 1]
                    + u[i + 1, j - 1]
                    + u[i + 1, j]
                    + u[i + 1, j + 1]
                ) / 9.0
    total = 0.0
    for i in range(n):
        for j in range(n):
            total += u[i, j] ** 2
    return total


@njit(error_model="numpy", fastmath=REASSOCIATE)
def _known(u: Any, i: int, row: Any) -> None:
    """A ninth of what row ``i`` needs besides the new value to the left: on several lanes."""
    for j in range(1, u.shape[1] - 1):
        above = u[i - 1, j - 1] + u[i - 1, j] + u[i - 1, j + 1]
        below = u[i + 1, j - 1] + u[i + 1, j] + u[i + 1, j + 1]
        row[j] = (above + below + u[i, j] + u[i, j + 1]) * (1.0 / 9.0)


@njit(error_model="numpy", fastmath={"contract"})
def _sweep(row: Any, start: float, out: Any) -> None:
    """The recurrence itself, its last value in a register."""
    value = start
    for j in range(1, row.shape[0] - 1):
        value = row[j] + value * (1.0 / 9.0)
        out[j] = value


@njit(error_model="numpy", fastmath={"contract"})
def _sweep_back(g: Any, row: Any) -> None:
    value = 0.0
    for j in range(row.shape[0] - 2, 0, -1):
        value = (g[j] + value) * (1.0 / 9.0)
        row[j] = value


@njit(error_model="numpy", fastmath=REASSOCIATE)
def _spread(g: Any, i: int, row: Any) -> None:
    """``row`` has the adjoints of the sums, and zeros at both ends and beyond."""
    n = g.shape[1]
    for j in range(n):
        three = row[j] + (row[j - 1] if j else 0.0) + (row[j + 1] if j < n - 1 else 0.0)
        g[i - 1, j] += three
        g[i + 1, j] += three
    left, right = g[i, 0], g[i, n - 1]
    for j in range(1, n - 1):
        g[i, j] = row[j] + row[j - 1]
    g[i, 0], g[i, n - 1] = left + row[1], right + row[n - 2]


@njit(error_model="numpy", fastmath={"contract"})
def seidel_by_hand(u: Any, steps: int) -> Any:
    """It is linear: nothing is kept."""
    u, row = u.copy(), np.zeros(u.shape[1])
    n = u.shape[0]
    for _ in range(steps):
        for i in range(1, n - 1):
            _known(u, i, row)
            _sweep(row, u[i, 0], u[i])
    total = np.sum(u * u)
    g = 2.0 * u
    row[:] = 0.0
    for _ in range(steps):
        for i in range(n - 2, 0, -1):
            _sweep_back(g[i], row)
            _spread(g, i, row)
    return total, (g,)


def in_jax(jax: Any) -> Any:
    """Row after row; within a row the recurrence in parallel, as a scan of affine maps."""
    np_ = jax.numpy

    def compose(first: Any, second: Any) -> Any:
        return first[0] * second[0], second[0] * first[1] + second[1]

    def loss(u: Any, steps: int) -> Any:
        def row(above: Any, rows: Any) -> Any:
            old, below = rows
            known = sum(v[k : v.size - 2 + k] for v in (above, below) for k in range(3))
            known = (known + old[1:-1] + old[2:]) / 9.0
            start = known.at[0].add(old[0] / 9.0)
            ninths = np_.full(known.size, 1.0 / 9.0)
            _, inside = jax.lax.associative_scan(compose, (ninths, start))
            new = old.at[1:-1].set(inside)
            return new, new

        @jax.checkpoint
        def body(u: Any, _: Any) -> Any:
            _, inside = jax.lax.scan(row, u[0], (u[1:-1], u[2:]))
            return u.at[1:-1].set(inside), None

        return np_.sum(jax.lax.scan(body, u, None, length=steps)[0] ** 2)

    return jax.value_and_grad(loss, argnums=(0,))


def arrays(xp: Any, _: Function) -> Function:
    """Element by element, as the new value to the left is needed."""

    def loss(u: Any, steps: int) -> Any:
        rows = [[u[i, j] for j in range(u.shape[1])] for i in range(u.shape[0])]
        for _ in range(steps):
            for i in range(1, len(rows) - 1):
                a, b, c = rows[i - 1 : i + 2]
                for j in range(1, len(b) - 1):
                    b[j] = sum(v[k] for v in (a, b, c) for k in range(j - 1, j + 2)) / 9.0
        return sum(x * x for row in rows for x in row)

    return loss


SEIDEL = stencil(
    "seidel_2d, in place", seidel, seidel_by_hand, ((16, 4), (400, 100)),
    in_jax, arrays, slow=frozenset({TAPE, "PyTorch", "torch.compile", "autograd"}),
)  # fmt: skip
