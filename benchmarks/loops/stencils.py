"""Stencils: Jacobi's iteration, nonlinear diffusion."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numba import njit

from benchmarks.arrays.contestants import REASSOCIATE
from benchmarks.arrays.workload import TAPE, Inputs, Workload
from benchmarks.loops.lineup import Arrays, Function, lineup

# ---------------------------------------------------------------- jacobi_2d


def jacobi(u: Any, steps: int) -> Any:
    """Pairs of steps, from one array to the other and back."""
    n = u.shape[0]
    u, other = u.copy(), u.copy()
    for _ in range(steps):
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                other[i, j] = 0.2 * (
                    u[i, j] + u[i, j - 1] + u[i, j + 1] + u[i - 1, j] + u[i + 1, j]
                )
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                u[i, j] = 0.2 * (
                    other[i, j]
                    + other[i, j - 1]
                    + other[i, j + 1]
                    + other[i - 1, j]
                    + other[i + 1, j]
                )
    total = 0.0
    for i in range(n):
        for j in range(n):
            total += u[i, j] ** 2
    return total


@njit(error_model="numpy", fastmath=REASSOCIATE)
def _average(u: Any, out: Any) -> None:
    n = u.shape[0]
    for i in range(1, n - 1):
        for j in range(1, n - 1):
            out[i, j] = 0.2 * (u[i, j] + u[i, j - 1] + u[i, j + 1] + u[i - 1, j] + u[i + 1, j])


@njit(error_model="numpy", fastmath=REASSOCIATE)
def _average_back(g: Any, edge: Any, out: Any) -> None:
    """Gathered: an element receives a fifth of itself and its neighbours, as far as those are
    inside; ``g`` is zero on the edge, and the edge's own adjoint is added up in ``edge``."""
    n = g.shape[0]
    for i in range(1, n - 1):
        for j in range(1, n - 1):
            out[i, j] = 0.2 * (g[i, j] + g[i, j - 1] + g[i, j + 1] + g[i - 1, j] + g[i + 1, j])
    for j in range(1, n - 1):
        edge[0, j] += 0.2 * g[1, j]
        edge[n - 1, j] += 0.2 * g[n - 2, j]
        edge[j, 0] += 0.2 * g[j, 1]
        edge[j, n - 1] += 0.2 * g[j, n - 2]


@njit(error_model="numpy", fastmath=REASSOCIATE)
def jacobi_by_hand(u: Any, steps: int) -> Any:
    u, other = u.copy(), u.copy()
    for _ in range(steps):
        _average(u, other)
        _average(other, u)
    n = u.shape[0]
    total = 0.0
    edge, a, b = np.zeros_like(u), np.zeros_like(u), np.zeros_like(u)
    for i in range(n):
        for j in range(n):
            total += u[i, j] * u[i, j]
            if 0 < i < n - 1 and 0 < j < n - 1:
                a[i, j] = 2.0 * u[i, j]
            else:
                edge[i, j] = 2.0 * u[i, j]
    for _ in range(steps):
        _average_back(a, edge, b)
        _average_back(b, edge, a)
    return total, (edge + a,)


# ---------------------------------------------------------------- diffusion


def diffusion(u: Any, steps: int) -> Any:
    """Flows d / (1 + d^2) between neighbours: edges stay (Perona and Malik)."""
    n = u.shape[0]
    u, new = u.copy(), u.copy()
    for _ in range(steps):
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                north, south = u[i - 1, j] - u[i, j], u[i + 1, j] - u[i, j]
                west, east = u[i, j - 1] - u[i, j], u[i, j + 1] - u[i, j]
                new[i, j] = u[i, j] + 0.2 * (
                    north / (1.0 + north * north)
                    + south / (1.0 + south * south)
                    + west / (1.0 + west * west)
                    + east / (1.0 + east * east)
                )
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                u[i, j] = new[i, j]
    total = 0.0
    for i in range(n):
        for j in range(n):
            total += u[i, j] ** 2
    return total


@njit(error_model="numpy", fastmath=REASSOCIATE, inline="always")
def _flow(d: float) -> float:
    return d / (1.0 + d * d)


@njit(error_model="numpy", fastmath=REASSOCIATE, inline="always")
def _slope(d: float) -> float:
    t = 1.0 / (1.0 + d * d)
    return (1.0 - d * d) * t * t


@njit(error_model="numpy", fastmath=REASSOCIATE)
def _flows(u: Any, new: Any) -> None:
    n = u.shape[0]
    for i in range(1, n - 1):
        for j in range(1, n - 1):
            c = u[i, j]
            total = _flow(u[i - 1, j] - c) + _flow(u[i + 1, j] - c)
            new[i, j] = c + 0.2 * (total + _flow(u[i, j - 1] - c) + _flow(u[i, j + 1] - c))


@njit(error_model="numpy", fastmath=REASSOCIATE)
def _flows_back(u: Any, g: Any, edge: Any, out: Any) -> None:
    """Gathered: a flow's slope is even, so that a pair sends the difference of its adjoints both
    ways; ``g`` is zero on the edge."""
    n = u.shape[0]
    for i in range(1, n - 1):
        for j in range(1, n - 1):
            c, a = u[i, j], g[i, j]
            total = _slope(u[i - 1, j] - c) * (g[i - 1, j] - a)
            total += _slope(u[i + 1, j] - c) * (g[i + 1, j] - a)
            total += _slope(u[i, j - 1] - c) * (g[i, j - 1] - a)
            total += _slope(u[i, j + 1] - c) * (g[i, j + 1] - a)
            out[i, j] = a + 0.2 * total
    for k in range(1, n - 1):
        edge[0, k] += 0.2 * _slope(u[0, k] - u[1, k]) * g[1, k]
        edge[n - 1, k] += 0.2 * _slope(u[n - 1, k] - u[n - 2, k]) * g[n - 2, k]
        edge[k, 0] += 0.2 * _slope(u[k, 0] - u[k, 1]) * g[k, 1]
        edge[k, n - 1] += 0.2 * _slope(u[k, n - 1] - u[k, n - 2]) * g[k, n - 2]


_states: dict[tuple[int, ...], Any] = {}


def diffusion_by_hand(u: Any, steps: int) -> Any:
    """Every state is kept, in memory that lasts from call to call."""
    shape = (steps + 1, *u.shape)
    if shape not in _states:
        _states[shape] = np.empty(shape)
    return _diffusion_by_hand(u, _states[shape])


@njit(error_model="numpy", fastmath=REASSOCIATE)
def _diffusion_by_hand(u: Any, states: Any) -> Any:
    n, steps = u.shape[0], states.shape[0] - 1
    states[0] = u
    for step in range(steps):
        states[step + 1, 0], states[step + 1, n - 1] = u[0], u[n - 1]
        states[step + 1, :, 0], states[step + 1, :, n - 1] = u[:, 0], u[:, n - 1]
        _flows(states[step], states[step + 1])
    last = states[steps]
    total = 0.0
    edge, a, b = np.zeros_like(u), np.zeros_like(u), np.zeros_like(u)
    for i in range(n):
        for j in range(n):
            total += last[i, j] * last[i, j]
            if 0 < i < n - 1 and 0 < j < n - 1:
                a[i, j] = 2.0 * last[i, j]
            else:
                edge[i, j] = 2.0 * last[i, j]
    for step in range(steps - 1, -1, -1):
        _flows_back(states[step], a, edge, b)
        a, b = b, a
    return total, (edge + a,)


def inputs(n: int, steps: int) -> Inputs:
    return np.random.default_rng(0).normal(size=(n, n)), steps


def _scanned(step: Any) -> Any:
    """``step(u)``: the new inside of u."""

    def best_jax(jax: Any) -> Any:
        def loss(u: Any, steps: int) -> Any:
            @jax.checkpoint
            def body(u: Any, _: Any) -> Any:
                return u.at[1:-1, 1:-1].set(step(u)), None

            return jax.numpy.sum(jax.lax.scan(body, u, None, length=steps)[0] ** 2)

        return jax.value_and_grad(loss, argnums=(0,))

    return best_jax


def _arrays(inside: Any, twice: bool) -> Arrays:
    def arrays(xp: Any, jit: Function) -> Function:
        def step(u: Any) -> Any:
            new = xp.concatenate((u[1:-1, :1], inside(u), u[1:-1, -1:]), axis=1)
            return xp.concatenate((u[:1], new, u[-1:]), axis=0)

        one = jit(step)

        def loss(u: Any, steps: int) -> Any:
            for _ in range(2 * steps if twice else steps):
                u = one(u)
            return xp.sum(u**2)

        return loss

    return arrays


def _jacobi_step(u: Any) -> Any:
    return 0.2 * (u[1:-1, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] + u[:-2, 1:-1] + u[2:, 1:-1])


def _twice(make: Any) -> Any:
    """A step of jacobi_2d is two."""

    def best_jax(jax: Any) -> Any:
        both = make(jax)
        return lambda u, steps: both(u, 2 * steps)

    return best_jax


def _diffusion_step(u: Any) -> Any:
    inside = u[1:-1, 1:-1]
    near = (u[:-2, 1:-1], u[2:, 1:-1], u[1:-1, :-2], u[1:-1, 2:])
    return inside + 0.2 * sum((v - inside) / (1.0 + (v - inside) ** 2) for v in near)


def stencil(
    title: str,
    f: Any,
    hand: Any,
    sizes: tuple[tuple[int, int], ...],
    jax: Any,
    arrays: Arrays,
    slow: frozenset[str] = frozenset({TAPE}),
) -> Workload:
    cases = {f"{n} x {n}, {steps} steps": partial(inputs, n, steps) for n, steps in sizes}
    contestants = lineup(f, (0,), {"": hand}, jax, arrays)
    return Workload(title, cases, tuple(cases)[:1], contestants, {"float64": 1e-10}, slow)


JACOBI = stencil(
    "jacobi_2d", jacobi, jacobi_by_hand, ((16, 4), (250, 100)),
    _twice(_scanned(_jacobi_step)), _arrays(_jacobi_step, True),
)  # fmt: skip
DIFFUSION = stencil(
    "Nonlinear diffusion", diffusion, diffusion_by_hand, ((16, 4), (256, 100)),
    _scanned(_diffusion_step), _arrays(_diffusion_step, False),
)  # fmt: skip
