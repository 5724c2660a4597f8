"""Rosenbrock's function: what a call costs."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numba import njit

from benchmarks.arrays.contestants import REASSOCIATE, by_tangent
from benchmarks.arrays.workload import Inputs, Workload
from benchmarks.loops import in_tangent
from benchmarks.loops.lineup import Function, lineup
from benchmarks.measure import Call


def value(x: Any) -> Any:
    total = 0.0
    for i in range(x.size - 1):
        total += 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2
    return total


@njit(error_model="numpy", fastmath=REASSOCIATE)
def by_hand(x: Any) -> Any:
    """Gathered: x[i] takes part in the terms i - 1 and i, both of which are quicker computed twice
    than carried on, as then nothing keeps the loop from running in several lanes."""
    n = x.size
    g = np.empty(n)
    d, e = x[1] - x[0] * x[0], 1.0 - x[0]
    total = 100.0 * (d * d) + e * e
    g[0] = -400.0 * x[0] * d - 2.0 * e
    for i in range(1, n - 1):
        before, here, after = x[i - 1], x[i], x[i + 1]
        d, e = after - here * here, 1.0 - here
        total += 100.0 * (d * d) + e * e
        g[i] = 200.0 * (here - before * before) - 400.0 * here * d - 2.0 * e
    g[n - 1] = 200.0 * (x[n - 1] - x[n - 2] * x[n - 2])
    return total, (g,)


def arrays(xp: Any, jit: Function) -> Function:
    def value(x: Any) -> Any:
        return xp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    made: Function = jit(value)
    return made


def casadi(x: Any) -> Call:
    """As C++ runs it: CasADi's own code for a virtual machine."""
    import casadi as ca

    s = ca.SX.sym("x", x.size)
    f = ca.sumsqr(10.0 * (s[1:] - s[:-1] ** 2)) + ca.sumsqr(1.0 - s[:-1])
    both = ca.Function("both", [s], [f, ca.gradient(f, s)])

    def call() -> Any:
        value, gradient = both(x)
        return float(value), (gradient.full().ravel(),)

    return call


def inputs(n: int) -> Inputs:
    return (np.random.default_rng(0).normal(size=n),)


WORKLOAD = Workload(
    title="Rosenbrock",
    cases={"n = 10": partial(inputs, 10), "n = 1000": partial(inputs, 1000)},
    quick=("n = 10",),
    contestants=lineup(
        value,
        (0,),
        {"": by_hand},
        None,
        arrays,
        more={"CasADi": casadi, "tangent-ad": by_tangent(in_tangent.rosenbrock, (0,))},
        scan=False,
    ),
    rtol={"float64": 1e-12},
)
