"""The potential energy of n bodies, each against all; gradients in places (forces) and masses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda, float64

from benchmarks.gpu.sums import THREADS, add_up, blocks, clear
from benchmarks.gpu.workload import Inputs, Workload, lineup


def n_body(x: Any, m: Any, soft: float) -> float:
    n = x.shape[0]
    energy = 0.0
    for i in range(n):
        own = 0.0
        for j in range(n):
            dx = x[i, 0] - x[j, 0]
            dy = x[i, 1] - x[j, 1]
            dz = x[i, 2] - x[j, 2]
            own -= m[j] / math.sqrt(dx * dx + dy * dy + dz * dz + soft)
        energy += 0.5 * m[i] * own
    return energy


@cuda.jit
def _forces(x, m, soft, width, x_adj, m_adj, energy):  # type: ignore[no-untyped-def]
    """The pairs are symmetric: a body gathers both its share and that of its partners.  Partners go
    through shared memory, a block of them at a time; ``width`` of them for each row of the grid, so
    that there are blocks enough for the device."""
    near = cuda.shared.array((4, THREADS), float64)
    part = cuda.shared.array(THREADS, float64)
    t, i = cuda.threadIdx.x, cuda.grid(1)
    n = m.size
    first = cuda.blockIdx.y * width
    last = min(n, first + width)
    xi = yi = zi = mi = 0.0
    if i < n:
        xi, yi, zi, mi = x[i, 0], x[i, 1], x[i, 2], m[i]
    fx = fy = fz = potential = 0.0
    for start in range(first, last, THREADS):
        j = start + t
        if j < last:
            near[0, t], near[1, t], near[2, t], near[3, t] = x[j, 0], x[j, 1], x[j, 2], m[j]
        cuda.syncthreads()
        for q in range(min(THREADS, last - start)):
            dx, dy, dz = xi - near[0, q], yi - near[1, q], zi - near[2, q]
            inverse = 1.0 / math.sqrt(dx * dx + dy * dy + dz * dz + soft)
            share = near[3, q] * inverse
            pull = share * inverse * inverse
            potential += share
            fx += pull * dx
            fy += pull * dy
            fz += pull * dz
        cuda.syncthreads()
    if i < n:
        cuda.atomic.add(x_adj, (i, 0), mi * fx)
        cuda.atomic.add(x_adj, (i, 1), mi * fy)
        cuda.atomic.add(x_adj, (i, 2), mi * fz)
        cuda.atomic.add(m_adj, i, -potential)
    add_up(part, -0.5 * mi * potential, energy, 0)


def _hand(x: Any, m: Any, soft: float) -> Any:
    x_adj, m_adj, energy = (cuda.device_array(shape) for shape in (x.shape, m.shape, 1))
    n = m.size
    across = -(-n // THREADS)
    rows = max(1, blocks(n * n) // across)
    width = -(-n // rows)

    def call() -> Any:
        for made in (x_adj.reshape(3 * n), m_adj, energy):
            clear(made)
        _forces[(across, -(-n // width)), THREADS](x, m, soft, width, x_adj, m_adj, energy)
        return energy.copy_to_host(), (x_adj, m_adj)

    return call


def _value(xp: Any, x: Any, m: Any, soft: float) -> Any:
    """Three matrices of distances along the axes: less memory than one array of (n, n, 3)."""
    r2 = soft
    for k in range(3):
        r2 = r2 + (x[:, None, k] - x[None, :, k]) ** 2
    return -0.5 * (m * (m / xp.sqrt(r2)).sum(1)).sum()


def inputs(small: bool) -> Inputs:
    rng = np.random.default_rng(0)
    n = 7 if small else 16_384
    return rng.normal(size=(n, 3)), rng.uniform(0.5, 2.0, n), 0.01


WORKLOAD = Workload(
    "N-body, 16,384 bodies",
    n_body,
    (0, 1),
    inputs,
    lineup(
        n_body,
        (0, 1),
        _hand,
        lambda jax: jax.value_and_grad(lambda *a: _value(jax.numpy, *a), argnums=(0, 1)),
        lambda torch, jit: jit(lambda *a: _value(torch, *a)),
    ),
)
