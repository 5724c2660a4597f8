"""Predator and prey by Runge-Kutta steps; gradient in the initial state and the parameters."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from benchmarks.arrays.contestants import by_tangent
from benchmarks.arrays.workload import TAPE, Inputs, Workload
from benchmarks.loops import in_tangent
from benchmarks.loops.lineup import Function, lineup
from benchmarks.lotka_volterra import START, STEP_SIZE, by_hand, simulate
from benchmarks.measure import Call

SIX = (0, 1, 2, 3, 4, 5)


def hand(*inputs: Any) -> Any:
    *numbers, steps = inputs
    return by_hand(*numbers, np.empty((steps, 2)))


def _step(x: Any, y: Any, a: Any, b: Any, c: Any, d: Any, h: float) -> Any:
    def slope(x: Any, y: Any) -> Any:
        return a * x - b * x * y, d * x * y - c * y

    k1 = slope(x, y)
    k2 = slope(x + 0.5 * h * k1[0], y + 0.5 * h * k1[1])
    k3 = slope(x + 0.5 * h * k2[0], y + 0.5 * h * k2[1])
    k4 = slope(x + h * k3[0], y + h * k3[1])
    x = x + h / 6.0 * (k1[0] + 2.0 * k2[0] + 2.0 * k3[0] + k4[0])
    return x, y + h / 6.0 * (k1[1] + 2.0 * k2[1] + 2.0 * k3[1] + k4[1])


def best_jax(jax: Any) -> Any:
    """Steps as a scan, whose body is recomputed in the reverse sweep."""

    def loss(x: Any, y: Any, a: Any, b: Any, c: Any, d: Any, h: Any, steps: int) -> Any:
        @jax.checkpoint
        def step(state: Any, _: Any) -> Any:
            x, y = state
            return _step(x, y, a, b, c, d, h), None

        (x, y), _ = jax.lax.scan(step, (x, y), None, length=steps)
        return x * x + x * y

    return lambda *inputs: jax.value_and_grad(loss, argnums=SIX)(*inputs)


def arrays(xp: Any, jit: Function) -> Function:
    """Numbers instead of arrays; what a step computes is compiled."""
    one = jit(_step)

    def loss(x: Any, y: Any, a: Any, b: Any, c: Any, d: Any, h: float, steps: int) -> Any:
        for _ in range(steps):
            x, y = one(x, y, a, b, c, d, h)
        return x * x + x * y

    return loss


def casadi(*inputs: Any) -> Call:
    """Steps as ``mapaccum``."""
    import casadi as ca

    *start, h, steps = inputs
    state, p = ca.SX.sym("state", 2), ca.SX.sym("p", 4)
    stepped = _step(state[0], state[1], p[0], p[1], p[2], p[3], h)
    step = ca.Function("step", [state, p], [ca.vertcat(*stepped)])
    q = ca.MX.sym("q", 6)
    ends = step.mapaccum(steps)(q[:2], ca.repmat(q[2:], 1, steps))
    f = ends[0, -1] * (ends[0, -1] + ends[1, -1])
    both = ca.Function("both", [q], [f, ca.gradient(f, q)])

    def call() -> Any:
        value, gradient = both(start)
        return float(value), tuple(gradient.full().ravel())

    return call


def inputs(steps: int) -> Inputs:
    return (*START, STEP_SIZE, steps)


WORKLOAD = Workload(
    title="Lotka-Volterra, Runge-Kutta",
    cases={f"{n} steps": partial(inputs, n) for n in (1_000, 10_000, 100_000)},
    quick=("1000 steps",),
    contestants=lineup(
        simulate.py_func,
        SIX,
        {"": hand},
        best_jax,
        arrays,
        more={"CasADi": casadi, "tangent-ad": by_tangent(in_tangent.simulate, SIX)},
    ),
    rtol={"float64": 1e-9},
    slow=frozenset({TAPE, "PyTorch", "torch.compile", "autograd", "tangent-ad"}),
)
