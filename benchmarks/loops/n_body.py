"""Bodies under softened gravity, ten symplectic Euler steps; gradient in the initial state."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from numba import njit

from benchmarks.arrays.contestants import REASSOCIATE
from benchmarks.arrays.workload import TAPE, Inputs, Workload
from benchmarks.loops.lineup import Function, lineup

SOFT = 0.01


def value(x: Any, v: Any, mass: Any, dt: float, steps: int) -> Any:
    """``x`` and ``v`` have shape (n, 3)."""
    x, v = x.copy(), v.copy()
    n = x.shape[0]
    for _ in range(steps):
        for i in range(n):
            ax, ay, az = 0.0, 0.0, 0.0
            for j in range(n):
                dx, dy, dz = x[j, 0] - x[i, 0], x[j, 1] - x[i, 1], x[j, 2] - x[i, 2]
                r2 = dx * dx + dy * dy + dz * dz + SOFT
                w = mass[j] / (r2 * math.sqrt(r2))
                ax += w * dx
                ay += w * dy
                az += w * dz
            v[i, 0] += dt * ax
            v[i, 1] += dt * ay
            v[i, 2] += dt * az
        for i in range(n):
            for k in range(3):
                x[i, k] += dt * v[i, k]
    total = 0.0
    for i in range(n):
        for k in range(3):
            total += mass[i] * (x[i, k] ** 2 + v[i, k] ** 2)
    return total


@njit(error_model="numpy", fastmath=REASSOCIATE)
def _pull(x: Any, mass: Any, dt: float, v: Any) -> None:
    """v += dt a(x); x and v have shape (3, n), so that the inner loop runs on several lanes."""
    n = x.shape[1]
    for i in range(n):
        xi, yi, zi = x[0, i], x[1, i], x[2, i]
        ax, ay, az = 0.0, 0.0, 0.0
        for j in range(n):
            dx, dy, dz = x[0, j] - xi, x[1, j] - yi, x[2, j] - zi
            r2 = dx * dx + dy * dy + dz * dz + SOFT
            w = mass[j] / (r2 * math.sqrt(r2))
            ax += w * dx
            ay += w * dy
            az += w * dz
        v[0, i] += dt * ax
        v[1, i] += dt * ay
        v[2, i] += dt * az


@njit(error_model="numpy", fastmath=REASSOCIATE)
def _pull_back(x: Any, mass: Any, a_adj: Any, x_adj: Any) -> None:
    """Gathered: body i receives from every pair (i, j) at once.  With u = x_j - x_i, the pair's
    adjoint is w = m_j a_i' - m_i a_j', and u' = w / r^3 - 3 (u . w) u / r^5; x_i' -= u'."""
    n = x.shape[1]
    for i in range(n):
        xi, yi, zi, mi = x[0, i], x[1, i], x[2, i], mass[i]
        gx, gy, gz = a_adj[0, i], a_adj[1, i], a_adj[2, i]
        sx, sy, sz = 0.0, 0.0, 0.0
        for j in range(n):
            dx, dy, dz = x[0, j] - xi, x[1, j] - yi, x[2, j] - zi
            inverse = 1.0 / (dx * dx + dy * dy + dz * dz + SOFT)
            cube = inverse * math.sqrt(inverse)
            wx = mass[j] * gx - mi * a_adj[0, j]
            wy = mass[j] * gy - mi * a_adj[1, j]
            wz = mass[j] * gz - mi * a_adj[2, j]
            along = 3.0 * inverse * (dx * wx + dy * wy + dz * wz)
            sx += cube * (wx - along * dx)
            sy += cube * (wy - along * dy)
            sz += cube * (wz - along * dz)
        x_adj[0, i] -= sx
        x_adj[1, i] -= sy
        x_adj[2, i] -= sz


@njit(error_model="numpy", fastmath={"contract"})
def by_hand(x: Any, v: Any, mass: Any, dt: float, steps: int) -> Any:
    x, v = x.T.copy(), v.T.copy()
    places = np.empty((steps, *x.shape))
    for step in range(steps):
        places[step] = x
        _pull(x, mass, dt, v)
        x += dt * v
    total = np.sum(mass * (x * x + v * v))
    x_adj, v_adj = 2.0 * mass * x, 2.0 * mass * v
    for step in range(steps - 1, -1, -1):
        v_adj += dt * x_adj
        _pull_back(places[step], mass, dt * v_adj, x_adj)
    return total, (x_adj.T.copy(), v_adj.T.copy())


def best_jax(jax: Any) -> Any:
    np_ = jax.numpy

    def loss(x: Any, v: Any, mass: Any, dt: Any, steps: int) -> Any:
        @jax.checkpoint
        def step(state: Any, _: Any) -> Any:
            x, v = state
            apart = x[:, None, :] - x[:, :, None]  # (3, n, n)
            r2 = np_.sum(apart * apart, axis=0) + SOFT
            v = v + dt * np_.einsum("kij,ij->ki", apart, mass[None, :] / (r2 * np_.sqrt(r2)))
            return (x + dt * v, v), None

        (x, v), _ = jax.lax.scan(step, (x.T, v.T), None, length=steps)
        return np_.sum(mass * (x * x + v * v))

    return jax.value_and_grad(loss, argnums=(0, 1))


def arrays(xp: Any, jit: Function) -> Function:
    def step(x: Any, v: Any, mass: Any, dt: float) -> Any:
        apart = x[None] - x[:, None]
        r2 = xp.sum(apart * apart, axis=2) + SOFT
        v = v + dt * xp.sum((mass / (r2 * xp.sqrt(r2)))[:, :, None] * apart, axis=1)
        return x + dt * v, v

    one = jit(step)

    def loss(x: Any, v: Any, mass: Any, dt: float, steps: int) -> Any:
        for _ in range(steps):
            x, v = one(x, v, mass, dt)
        return xp.sum(mass[:, None] * (x * x + v * v))

    return loss


def inputs(bodies: int, steps: int) -> Inputs:
    rng = np.random.default_rng(0)
    x, v = rng.normal(size=(bodies, 3)), 0.1 * rng.normal(size=(bodies, 3))
    return x, v, rng.uniform(0.5, 1.5, bodies) / bodies, 0.01, steps


WORKLOAD = Workload(
    title="N-body",
    cases={
        "16 bodies, 4 steps": partial(inputs, 16, 4),
        "512 bodies, 10 steps": partial(inputs, 512, 10),
    },
    quick=("16 bodies, 4 steps",),
    contestants=lineup(value, (0, 1), {"": by_hand}, best_jax, arrays),
    rtol={"float64": 1e-10},
    slow=frozenset({TAPE}),
)
