"""Kepler's equation by Newton's method: a loop that ends when the data says so."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from numba import njit, prange

from benchmarks.arrays.workload import TAPE, Inputs, Workload
from benchmarks.loops.lineup import Function, lineup


def value(mean: Any, e: Any) -> Any:
    """Sum of the distances times the sines of the eccentric anomalies E - e sin E = mean."""
    total = 0.0
    for i in prange(mean.size):
        anomaly = mean[i] + e * math.sin(mean[i])
        step = 1.0
        while abs(step) > 1e-12:
            step = (anomaly - e * math.sin(anomaly) - mean[i]) / (1.0 - e * math.cos(anomaly))
            anomaly -= step
        total += (1.0 - e * math.cos(anomaly)) * math.sin(anomaly)
    return total


@njit(error_model="numpy", fastmath={"contract"})
def by_hand(mean: Any, e: float) -> Any:
    """At the solution the derivatives are those of the equation: dE = (dM + sin E de) / (1 - e cos
    E); Newton's steps need no adjoint."""
    g = np.empty(mean.size)
    total, e_adj = 0.0, 0.0
    for i in range(mean.size):
        m = mean[i]
        anomaly = m + e * math.sin(m)
        step = 1.0
        while abs(step) > 1e-12:
            step = (anomaly - e * math.sin(anomaly) - m) / (1.0 - e * math.cos(anomaly))
            anomaly -= step
        s, c = math.sin(anomaly), math.cos(anomaly)
        r = 1.0 - e * c
        total += r * s
        g[i] = (e * s * s + r * c) / r
        e_adj += g[i] * s - c * s
    return total, (g, e_adj)


def best_jax(jax: Any) -> Any:
    """JAX has no reverse mode of a while loop: the loop finds the solution, and one more step of
    Newton's has the derivative."""
    np_ = jax.numpy

    def loss(mean: Any, e: Any) -> Any:
        def newton(anomaly: Any, m: Any, e: Any) -> Any:
            step = (anomaly - e * np_.sin(anomaly) - m) / (1.0 - e * np_.cos(anomaly))
            return anomaly - step, np_.max(np_.abs(step))

        stopped, eccentricity = jax.lax.stop_gradient((mean, e))
        start = stopped + eccentricity * np_.sin(stopped)
        found, _ = jax.lax.while_loop(
            lambda state: state[1] > 1e-12,
            lambda state: newton(state[0], stopped, eccentricity),
            (start, np_.array(1.0)),
        )
        anomaly, _ = newton(found, mean, e)
        return np_.sum((1.0 - e * np_.cos(anomaly)) * np_.sin(anomaly))

    return jax.value_and_grad(loss, argnums=(0, 1))


def arrays(xp: Any, _: Function) -> Function:
    """As in JAX: all at once until the last has converged, without derivatives, and a step with."""

    def newton(anomaly: Any, mean: Any, e: Any) -> Any:
        return (anomaly - e * xp.sin(anomaly) - mean) / (1.0 - e * xp.cos(anomaly))

    def loss(mean: Any, e: Any) -> Any:
        m, fixed = plain(mean), float(plain(e))
        found, step = m + fixed * np.sin(m), np.ones(1)
        while np.max(np.abs(step)) > 1e-12:
            step = (found - fixed * np.sin(found) - m) / (1.0 - fixed * np.cos(found))
            found = found - step
        found = xp.asarray(found)
        anomaly = found - newton(found, mean, e)
        return xp.sum((1.0 - e * xp.cos(anomaly)) * xp.sin(anomaly))

    return loss


def plain(x: Any) -> Any:
    """The value of what a package records."""
    if hasattr(x, "detach"):
        return x.detach().numpy()
    return getattr(x, "_value", x)


def inputs(n: int) -> Inputs:
    return (np.random.default_rng(0).uniform(0.0, 2.0 * math.pi, n), 0.6)


WORKLOAD = Workload(
    title="Kepler's equation, Newton until it converges",
    cases={"1e3 anomalies": partial(inputs, 1000), "1e5 anomalies": partial(inputs, 100_000)},
    quick=("1e3 anomalies",),
    contestants=lineup(value, (0, 1), {"": by_hand}, best_jax, arrays),
    rtol={"float64": 1e-9},
    slow=frozenset({TAPE}),
)
