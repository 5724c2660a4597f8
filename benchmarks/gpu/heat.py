"""heat_3d of PolyBench: pairs of steps of the seven-point stencil; gradient in the first state."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda, float64

from adcompile.cuda.package import SIMULATED
from benchmarks.gpu.sums import THREADS, add_up, blocks, clear
from benchmarks.gpu.workload import Inputs, Workload, lineup
from benchmarks.heat_3d import best_jax, heat, inside

BLOCK = (2, 2, 1) if SIMULATED else (32, 4, 2)


@cuda.jit
def _step(u, out):  # type: ignore[no-untyped-def]
    k, j, i = cuda.grid(3)
    n = u.shape[0]
    if 0 < i < n - 1 and 0 < j < n - 1 and 0 < k < n - 1:
        near = u[i + 1, j, k] + u[i - 1, j, k] + u[i, j + 1, k]
        near += u[i, j - 1, k] + u[i, j, k + 1] + u[i, j, k - 1]
        out[i, j, k] = 0.25 * u[i, j, k] + 0.125 * near


@cuda.jit
def _back(a, out, faces):  # type: ignore[no-untyped-def]
    """The step's transpose.  ``a`` and ``out`` are zero on the faces of the cube, which the steps
    read and never write; what these receive is in ``faces``."""
    k, j, i = cuda.grid(3)
    n = a.shape[0]
    if i >= n or j >= n or k >= n:
        return
    near = 0.0
    if i > 0:
        near += a[i - 1, j, k]
    if i < n - 1:
        near += a[i + 1, j, k]
    if j > 0:
        near += a[i, j - 1, k]
    if j < n - 1:
        near += a[i, j + 1, k]
    if k > 0:
        near += a[i, j, k - 1]
    if k < n - 1:
        near += a[i, j, k + 1]
    if 0 < i < n - 1 and 0 < j < n - 1 and 0 < k < n - 1:
        out[i, j, k] = 0.25 * a[i, j, k] + 0.125 * near
    else:
        faces[i, j, k] += 0.125 * near


@cuda.jit
def _copy(u, first, second):  # type: ignore[no-untyped-def]
    for q in range(cuda.grid(1), u.size, cuda.gridsize(1)):
        first[q] = second[q] = u[q]


@cuda.jit
def _squares(u, n, inside, other, faces, total):  # type: ignore[no-untyped-def]
    """The sum of squares; its derivative, inside and on the faces."""
    part = cuda.shared.array(THREADS, float64)
    own = 0.0
    for q in range(cuda.grid(1), u.size, cuda.gridsize(1)):
        i, j, k = q // (n * n), q // n % n, q % n
        within = 0 < i < n - 1 and 0 < j < n - 1 and 0 < k < n - 1
        own += u[q] * u[q]
        inside[q] = 2.0 * u[q] if within else 0.0
        faces[q] = 0.0 if within else 2.0 * u[q]
        other[q] = 0.0
    add_up(part, own, total, 0)


@cuda.jit
def _join(faces, inside):  # type: ignore[no-untyped-def]
    for q in range(cuda.grid(1), faces.size, cuda.gridsize(1)):
        faces[q] += inside[q]


def _hand(u: Any, steps: int) -> Any:
    n = u.shape[0]
    a, b, a_adj, b_adj, faces = (cuda.device_array(u.shape) for _ in range(5))
    flat = [x.reshape(u.size) for x in (u, a, b, a_adj, b_adj, faces)]
    total = cuda.device_array(1)
    grid = tuple(-(-n // size) for size in BLOCK)
    some = blocks(u.size)

    def call() -> Any:
        clear(total)
        _copy[some, THREADS](*flat[:3])
        for _ in range(steps):
            _step[grid, BLOCK](a, b)
            _step[grid, BLOCK](b, a)
        _squares[some, THREADS](flat[1], n, *flat[3:], total)
        for _ in range(steps):
            _back[grid, BLOCK](a_adj, b_adj, faces)
            _back[grid, BLOCK](b_adj, a_adj, faces)
        _join[some, THREADS](flat[5], flat[3])
        return total, (faces,)

    return call


def _torch(torch: Any, jit: Any) -> Any:
    @jit
    def step(u: Any) -> Any:
        new = u.clone()
        new[1:-1, 1:-1, 1:-1] = inside(u)
        return new

    def loss(u: Any, steps: int) -> Any:
        for _ in range(2 * steps):
            u = step(u)
        return (u**2).sum()

    return loss


def inputs(small: bool) -> Inputs:
    n, steps = (4, 1) if small else (256, 100)
    return np.random.default_rng(0).normal(size=(n, n, n)), steps


WORKLOAD = Workload(
    "heat_3d, 256 x 256 x 256, 200 steps",
    heat,
    (0,),
    inputs,
    lineup(heat, (0,), _hand, best_jax, _torch),
)
