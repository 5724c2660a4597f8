"""Predator and prey by Runge-Kutta steps; gradient in the initial state and the parameters."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from benchmarks.arrays.workload import Inputs, Workload
from benchmarks.loops.lineup import lineup
from benchmarks.lotka_volterra import START, STEP_SIZE, by_hand, simulate

SIX = (0, 1, 2, 3, 4, 5)


def hand(*inputs: Any) -> Any:
    *numbers, steps = inputs
    return by_hand(*numbers, np.empty((steps, 2)))


def best_jax(jax: Any) -> Any:
    """Steps as a scan, whose body is recomputed in the reverse sweep."""

    def loss(x: Any, y: Any, a: Any, b: Any, c: Any, d: Any, h: Any, steps: int) -> Any:
        def slope(x: Any, y: Any) -> Any:
            return a * x - b * x * y, d * x * y - c * y

        @jax.checkpoint
        def step(state: Any, _: Any) -> Any:
            x, y = state
            k1 = slope(x, y)
            k2 = slope(x + 0.5 * h * k1[0], y + 0.5 * h * k1[1])
            k3 = slope(x + 0.5 * h * k2[0], y + 0.5 * h * k2[1])
            k4 = slope(x + h * k3[0], y + h * k3[1])
            x += h / 6.0 * (k1[0] + 2.0 * k2[0] + 2.0 * k3[0] + k4[0])
            y += h / 6.0 * (k1[1] + 2.0 * k2[1] + 2.0 * k3[1] + k4[1])
            return (x, y), None

        (x, y), _ = jax.lax.scan(step, (x, y), None, length=steps)
        return x * x + x * y

    return lambda *inputs: jax.value_and_grad(loss, argnums=SIX)(*inputs)


def inputs(steps: int) -> Inputs:
    return (*START, STEP_SIZE, steps)


WORKLOAD = Workload(
    title="Lotka-Volterra, Runge-Kutta",
    cases={f"{n} steps": partial(inputs, n) for n in (1_000, 10_000, 100_000)},
    quick=("1000 steps",),
    contestants=lineup(simulate.py_func, SIX, {"": hand}, best_jax),
    rtol={"float64": 1e-9},
)
