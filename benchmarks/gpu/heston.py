"""A call under Heston's model by Monte Carlo: value, and gradients in the model's parameters.

The scheme is Euler's for the logarithm of the price and the variance, as in ``heston``; one column
of ``z`` and ``w`` per path, so that neighbouring threads read neighbouring numbers.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda, float64

from benchmarks.gpu.sums import THREADS, add_up, blocks, clear
from benchmarks.gpu.workload import Inputs, Workload, lineup

ARGNUMS = (2, 3, 4, 5)


def heston(z: Any, w: Any, kappa: float, theta: float, xi: float, rho: float) -> float:
    steps, n = z.shape
    dt = 1.0 / steps
    rest = math.sqrt(1.0 - rho * rho)
    total = 0.0
    for p in range(n):
        x, v = 0.0, theta
        for i in range(steps):
            vol = math.sqrt(max(v, 1e-6) * dt)
            x += vol * (z[i, p] - 0.5 * vol)
            v += kappa * (theta - v) * dt + xi * vol * (rho * z[i, p] + rest * w[i, p])
        total += max(math.exp(x) - 1.0, 0.0)
    return float(total / n)


@cuda.jit
def _paths(z, w, kappa, theta, xi, rho, tape, sums):  # type: ignore[no-untyped-def]
    """The variances of a path are kept, a column per thread; x needs no tape."""
    part = cuda.shared.array(THREADS, float64)
    steps, n = z.shape
    me = cuda.grid(1)
    dt = 1.0 / steps
    rest = math.sqrt(1.0 - rho * rho)
    price = kappa_adj = theta_adj = xi_adj = rho_adj = 0.0
    for p in range(me, n, cuda.gridsize(1)):
        x = 0.0
        v = theta
        for i in range(steps):
            tape[i, me] = v
            vol = math.sqrt(max(v, 1e-6) * dt)
            x += vol * (z[i, p] - 0.5 * vol)
            v += kappa * (theta - v) * dt + xi * vol * (rho * z[i, p] + rest * w[i, p])
        s = math.exp(x)
        if s <= 1.0:
            continue  # worth nothing, and nothing depends on it
        price += s - 1.0
        v_adj = 0.0
        for back in range(steps):
            i = steps - 1 - back
            v = tape[i, me]
            vol = math.sqrt(max(v, 1e-6) * dt)
            zi, wi = z[i, p], w[i, p]
            shock = rho * zi + rest * wi
            kappa_adj += v_adj * (theta - v) * dt
            theta_adj += v_adj * kappa * dt
            xi_adj += v_adj * vol * shock
            rho_adj += v_adj * xi * vol * (zi - rho / rest * wi)
            vol_adj = s * (zi - vol) + v_adj * xi * shock
            v_adj -= v_adj * kappa * dt
            if v > 1e-6:
                v_adj += vol_adj * dt / (2.0 * vol)
        theta_adj += v_adj
    add_up(part, price, sums, 0)
    add_up(part, kappa_adj, sums, 1)
    add_up(part, theta_adj, sums, 2)
    add_up(part, xi_adj, sums, 3)
    add_up(part, rho_adj, sums, 4)


def _hand(z: Any, w: Any, *parameters: float) -> Any:
    steps, n = z.shape
    size = blocks(n)
    tape = cuda.device_array((steps, size * THREADS))
    sums = cuda.device_array(5)

    def call() -> Any:
        clear(sums)
        _paths[size, THREADS](z, w, *parameters, tape, sums)
        value, *grads = sums.copy_to_host() / n
        return value, tuple(grads)

    return call


def _step(vol: Any, dt: float, rest: Any, state: Any, drawn: Any, p: Any) -> Any:
    (x, v), (z, w), (kappa, theta, xi, rho) = state, drawn, p
    x = x + vol * (z - 0.5 * vol)
    return x, v + kappa * (theta - v) * dt + xi * vol * (rho * z + rest * w)


def _jax(jax: Any) -> Any:
    np_ = jax.numpy

    def value(z: Any, w: Any, *p: Any) -> Any:
        steps, n = z.shape
        rest = np_.sqrt(1.0 - p[3] * p[3])

        def body(state: Any, drawn: Any) -> Any:
            vol = np_.sqrt(np_.maximum(state[1], 1e-6) / steps)
            return _step(vol, 1.0 / steps, rest, state, drawn, p), None

        start = (np_.zeros(n), np_.full(n, p[1]))
        (x, _), _ = jax.lax.scan(body, start, (z, w))
        return np_.maximum(np_.exp(x) - 1.0, 0.0).mean()

    return jax.value_and_grad(value, argnums=ARGNUMS)


def _torch(torch: Any, jit: Any) -> Any:
    @jit
    def step(dt: float, rest: Any, state: Any, drawn: Any, p: Any) -> Any:
        vol = torch.sqrt(torch.clamp(state[1], min=1e-6) * dt)
        return _step(vol, dt, rest, state, drawn, p)

    def value(z: Any, w: Any, *p: Any) -> Any:
        steps, n = z.shape
        rest = torch.sqrt(1.0 - p[3] * p[3])
        state = torch.zeros_like(z[0]), p[1].expand(n)
        for drawn in zip(z, w):
            state = step(1.0 / steps, rest, state, drawn, p)
        return torch.clamp(torch.exp(state[0]) - 1.0, min=0.0).mean()

    return value


def inputs(small: bool) -> Inputs:
    rng = np.random.default_rng(0)
    shape = (3, 6) if small else (100, 10**6)
    return rng.normal(size=shape), rng.normal(size=shape), 1.2, 0.05, 0.4, -0.6


WORKLOAD = Workload(
    "Heston Greeks, 1e6 paths of 100 steps",
    heston,
    ARGNUMS,
    inputs,
    lineup(heston, ARGNUMS, _hand, _jax, _torch),
)
