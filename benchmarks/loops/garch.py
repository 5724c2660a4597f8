"""GARCH(1,1) likelihood of daily returns of the S&P 500 (package ``arch``)."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from numba import njit

from benchmarks.arrays.workload import Inputs, Workload
from benchmarks.loops.lineup import Function, lineup
from benchmarks.measure import Call


def likelihood(theta: Any, y: Any, backcast: float) -> Any:
    """Minus the Gaussian log-likelihood."""
    variance = np.empty(y.shape[0] + 1)
    variance[0] = backcast
    square = backcast
    total = 0.0
    for t in range(y.shape[0]):
        variance[t + 1] = theta[1] + theta[2] * square + theta[3] * variance[t]
        square = (y[t] - theta[0]) ** 2
        total += math.log(variance[t + 1]) + square / variance[t + 1]
    return 0.5 * total


@njit(error_model="numpy", fastmath={"contract"})
def by_hand(theta: Any, y: Any, backcast: float) -> Any:
    """Variances are kept; going back, the adjoint of the next one waits in a register."""
    mu, omega, alpha, beta = theta[0], theta[1], theta[2], theta[3]
    n = y.shape[0]
    variance = np.empty(n + 1)
    variance[0] = v = square = backcast
    total = 0.0
    for t in range(n):
        v = omega + alpha * square + beta * v
        variance[t + 1] = v
        square = (y[t] - mu) * (y[t] - mu)
        total += math.log(v) + square / v
    mu_adj = omega_adj = alpha_adj = beta_adj = 0.0
    later = 0.0  # adjoint of variance[t + 2]
    for t in range(n - 1, -1, -1):
        inverse = 1.0 / variance[t + 1]
        gap = y[t] - mu
        square_adj = 0.5 * inverse + alpha * later
        mu_adj -= 2.0 * gap * square_adj
        here = 0.5 * inverse * (1.0 - gap * gap * inverse) + beta * later
        omega_adj += here
        before = y[t - 1] - mu
        alpha_adj += here * (before * before if t else backcast)
        beta_adj += here * variance[t]
        later = here
    return 0.5 * total, (np.array([mu_adj, omega_adj, alpha_adj, beta_adj]),)


def best_jax(jax: Any) -> Any:
    """The recurrence as a scan, the rest as array code; ``unroll`` helped most."""
    np_ = jax.numpy

    def loss(theta: Any, y: Any, backcast: Any) -> Any:
        squares = (y - theta[0]) ** 2
        before = np_.concatenate([np_.array([backcast]), squares[:-1]])
        news = theta[1] + theta[2] * before

        def step(v: Any, one: Any) -> Any:
            v = one + theta[3] * v
            return v, v

        _, variance = jax.lax.scan(step, backcast, news, unroll=16)
        return 0.5 * np_.sum(np_.log(variance) + squares / variance)

    return jax.value_and_grad(loss, argnums=(0,))


def arrays(xp: Any, _: Function) -> Function:
    """The recurrence number by number, the rest at once."""

    def loss(theta: Any, y: Any, backcast: float) -> Any:
        squares = (y - theta[0]) ** 2
        news = theta[1] + theta[2] * squares[:-1]
        v = theta[1] + theta[2] * backcast + theta[3] * backcast
        found = [v]
        for t in range(len(y) - 1):
            v = news[t] + theta[3] * v
            found.append(v)
        variance = xp.stack(found) if hasattr(xp, "from_numpy") else xp.array(found)
        return 0.5 * xp.sum(xp.log(variance) + squares / variance)

    return loss


def casadi(theta: Any, y: Any, backcast: float) -> Call:
    """The recurrence as ``mapaccum``, whose reverse mode is one too."""
    import casadi as ca

    state, p, day = ca.SX.sym("state", 3), ca.SX.sym("p", 4), ca.SX.sym("day")
    v = p[1] + p[2] * state[1] + p[3] * state[0]
    square = (day - p[0]) ** 2
    step = ca.Function(
        "step", [state, day, p], [ca.vertcat(v, square, state[2] + ca.log(v) + square / v)]
    )
    q = ca.MX.sym("q", 4)
    ends = step.mapaccum(len(y))(ca.DM([backcast, backcast, 0.0]), y[None], ca.repmat(q, 1, len(y)))
    f = 0.5 * ends[2, -1]
    both = ca.Function("both", [q], [f, ca.gradient(f, q)])

    def call() -> Any:
        value, gradient = both(theta)
        return float(value), (gradient.full().ravel(),)

    return call


def inputs(days: int) -> Inputs:
    from arch.data import sp500

    y = 100 * sp500.load()["Adj Close"].pct_change().dropna().to_numpy().copy()
    y = y[:days]
    return np.array([y.mean(), 0.02, 0.1, 0.88]), y, float(y.var())


WORKLOAD = Workload(
    title="GARCH(1,1) likelihood of the S&P 500",
    cases={"500 days": partial(inputs, 500), "5030 days": partial(inputs, 5030)},
    quick=("500 days",),
    contestants=lineup(likelihood, (0,), {"": by_hand}, best_jax, arrays, more={"CasADi": casadi}),
    rtol={"float64": 1e-10},
    slow=frozenset({"autograd"}),
)
