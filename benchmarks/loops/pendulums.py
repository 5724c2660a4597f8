"""A vectorised differential equation: 1e5 damped pendulums at once, by Runge-Kutta steps in array
code; gradient in initial states, frequencies and damping."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from numba import njit

from adcompile import vectormath as vm
from benchmarks.arrays.buffers import empty
from benchmarks.arrays.contestants import REASSOCIATE
from benchmarks.arrays.workload import Inputs, Workload
from benchmarks.loops.lineup import Function, lineup

ACTIVE = (0, 1, 2, 3)


def _stepper(xp: Any) -> Function:
    def slope(angle: Any, speed: Any, square: Any, damping: Any) -> Any:
        return speed, -square * xp.sin(angle) - damping * speed

    def step(a: Any, v: Any, square: Any, damping: Any, h: Any) -> Any:
        a1, v1 = slope(a, v, square, damping)
        a2, v2 = slope(a + 0.5 * h * a1, v + 0.5 * h * v1, square, damping)
        a3, v3 = slope(a + 0.5 * h * a2, v + 0.5 * h * v2, square, damping)
        a4, v4 = slope(a + h * a3, v + h * v3, square, damping)
        a = a + h / 6.0 * (a1 + 2.0 * a2 + 2.0 * a3 + a4)
        return a, v + h / 6.0 * (v1 + 2.0 * v2 + 2.0 * v3 + v4)

    return step


def slope(angle: Any, speed: Any, square: Any, damping: Any) -> Any:
    return speed, -square * np.sin(angle) - damping * speed


def energy(a: Any, v: Any, square: Any, damping: float, h: float, steps: int) -> Any:
    """The sum of squares at the end."""
    for _ in range(steps):
        a1, v1 = slope(a, v, square, damping)
        a2, v2 = slope(a + 0.5 * h * a1, v + 0.5 * h * v1, square, damping)
        a3, v3 = slope(a + 0.5 * h * a2, v + 0.5 * h * v2, square, damping)
        a4, v4 = slope(a + h * a3, v + h * v3, square, damping)
        a = a + h / 6.0 * (a1 + 2.0 * a2 + 2.0 * a3 + a4)
        v = v + h / 6.0 * (v1 + 2.0 * v2 + 2.0 * v3 + v4)
    return np.sum(a * a + v * v)


BLOCK = 256  # pendulums whose states of all steps stay in the first-level cache


@njit(error_model="numpy", fastmath=REASSOCIATE)
def _step(a: Any, v: Any, square: Any, c: float, h: float, a_new: Any, v_new: Any) -> None:
    for i in range(a.size):
        q = square[i]
        v1 = -q * vm.sin(a[i]) - c * v[i]
        a2 = v[i] + 0.5 * h * v1
        v2 = -q * vm.sin(a[i] + 0.5 * h * v[i]) - c * a2
        a3 = v[i] + 0.5 * h * v2
        v3 = -q * vm.sin(a[i] + 0.5 * h * a2) - c * a3
        a4 = v[i] + h * v3
        v4 = -q * vm.sin(a[i] + h * a3) - c * a4
        a_new[i] = a[i] + h / 6.0 * (v[i] + 2.0 * a2 + 2.0 * a3 + a4)
        v_new[i] = v[i] + h / 6.0 * (v1 + 2.0 * v2 + 2.0 * v3 + v4)


@njit(error_model="numpy", fastmath=REASSOCIATE)
def _step_back(
    a: Any, v: Any, square: Any, c: float, h: float, a_adj: Any, v_adj: Any, square_adj: Any
) -> float:
    """The stages again, then back; what the damping receives is returned."""
    total = 0.0
    for i in range(a.size):
        q = square[i]
        x1 = a[i]
        s1, c1 = vm.sin(x1), vm.cos(x1)
        y1 = v[i]
        v1 = -q * s1 - c * y1
        y2, x2 = y1 + 0.5 * h * v1, x1 + 0.5 * h * y1
        s2, c2 = vm.sin(x2), vm.cos(x2)
        v2 = -q * s2 - c * y2
        y3, x3 = y1 + 0.5 * h * v2, x1 + 0.5 * h * y2
        s3, c3 = vm.sin(x3), vm.cos(x3)
        v3 = -q * s3 - c * y3
        y4, x4 = y1 + h * v3, x1 + h * y3
        s4, c4 = vm.sin(x4), vm.cos(x4)

        ga, gv = a_adj[i], v_adj[i]
        k4 = h / 6.0 * gv  # adjoint of v4
        l4 = h / 6.0 * ga - c * k4  # of y4
        m4 = -q * c4 * k4  # of x4
        k3 = h / 3.0 * gv + h * l4
        l3 = h / 3.0 * ga - c * k3 + h * m4
        m3 = -q * c3 * k3
        k2 = h / 3.0 * gv + 0.5 * h * l3
        l2 = h / 3.0 * ga - c * k2 + 0.5 * h * m3
        m2 = -q * c2 * k2
        k1 = h / 6.0 * gv + 0.5 * h * l2
        l1 = h / 6.0 * ga - c * k1 + 0.5 * h * m2
        m1 = -q * c1 * k1
        a_adj[i] = ga + m1 + m2 + m3 + m4
        v_adj[i] = gv + l1 + l2 + l3 + l4
        square_adj[i] -= k1 * s1 + k2 * s2 + k3 * s3 + k4 * s4
        total -= k1 * y1 + k2 * y2 + k3 * y3 + k4 * y4
    return total


@njit(error_model="numpy", fastmath=REASSOCIATE)
def by_hand(a: Any, v: Any, square: Any, damping: float, h: float, steps: int) -> Any:
    """Pendulums do not meet: a block of them goes through all steps and back."""
    n = a.size
    a_adj, v_adj, square_adj = empty(n), empty(n), empty(n)
    square_adj[:] = 0.0
    kept = np.empty((steps + 1, 2, BLOCK))
    total, damping_adj = 0.0, 0.0
    for start in range(0, n, BLOCK):
        end = min(start + BLOCK, n)
        m = end - start
        kept[0, 0, :m], kept[0, 1, :m] = a[start:end], v[start:end]
        q = square[start:end]
        for t in range(steps):
            here, there = kept[t], kept[t + 1]  # rows of these are contiguous for Numba
            _step(here[0][:m], here[1][:m], q, damping, h, there[0][:m], there[1][:m])
        for i in range(m):
            x, y = kept[steps, 0, i], kept[steps, 1, i]
            total += x * x + y * y
            a_adj[start + i], v_adj[start + i] = 2.0 * x, 2.0 * y
        for t in range(steps - 1, -1, -1):
            damping_adj += _step_back(
                kept[t][0][:m], kept[t][1][:m], q, damping, h,
                a_adj[start:end], v_adj[start:end], square_adj[start:end],
            )  # fmt: skip
    return total, (a_adj, v_adj, square_adj, damping_adj)


def arrays(xp: Any, jit: Function) -> Function:
    step = jit(_stepper(xp))

    def energy(a: Any, v: Any, square: Any, damping: Any, h: float, steps: int) -> Any:
        for _ in range(steps):
            a, v = step(a, v, square, damping, h)
        return xp.sum(a * a + v * v)

    return energy


def best_jax(jax: Any) -> Any:
    """Steps as a scan: in one piece XLA computes shared parts of a step again and again."""
    step = _stepper(jax.numpy)

    def energy(a: Any, v: Any, square: Any, damping: Any, h: float, steps: int) -> Any:
        @jax.checkpoint
        def body(state: Any, _: Any) -> Any:
            return step(*state, square, damping, h), None

        (a, v), _ = jax.lax.scan(body, (a, v), None, length=steps)
        return jax.numpy.sum(a * a + v * v)

    return jax.value_and_grad(energy, argnums=ACTIVE)


def inputs(n: int, steps: int) -> Inputs:
    rng = np.random.default_rng(0)
    angles, speeds = rng.uniform(-math.pi, math.pi, n), rng.normal(size=n)
    return angles, speeds, rng.uniform(0.5, 2.0, n), 0.1, 0.1, steps


WORKLOAD = Workload(
    title="Damped pendulums, vectorised Runge-Kutta",
    cases={
        "1e3 pendulums, 10 steps": partial(inputs, 1000, 10),
        "1e5 pendulums, 10 steps": partial(inputs, 100_000, 10),
    },
    quick=("1e3 pendulums, 10 steps",),
    contestants=lineup(energy, ACTIVE, {"": by_hand}, best_jax, arrays),
    rtol={"float64": 1e-10},
)
