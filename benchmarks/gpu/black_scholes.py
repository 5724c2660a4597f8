"""Black-Scholes: the sum of the prices of n calls; gradients in spot, strike and time of each, and
in the rate and the volatility of all."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda, float64

from benchmarks.gpu.sums import THREADS, add_up, blocks, clear
from benchmarks.gpu.workload import Inputs, Workload, lineup

ALL = (0, 1, 2, 3, 4)


def black_scholes(s: Any, k: Any, t: Any, r: float, v: float) -> float:
    total = 0.0
    for i in range(s.size):
        root = math.sqrt(t[i])
        d1 = (math.log(s[i] / k[i]) + (r + 0.5 * v * v) * t[i]) / (v * root)
        d2 = d1 - v * root
        call = 0.5 * s[i] * math.erfc(-d1 / math.sqrt(2.0))
        total += call - 0.5 * k[i] * math.exp(-r * t[i]) * math.erfc(-d2 / math.sqrt(2.0))
    return total


@cuda.jit
def _greeks(s, k, t, r, v, s_adj, k_adj, t_adj, sums):  # type: ignore[no-untyped-def]
    """Delta, dual delta and theta per option; the sums of price, rho and vega.  The textbook's
    s n(d1) = k exp(-r t) n(d2) cancels most terms."""
    part = cuda.shared.array(THREADS, float64)
    price = rho = vega = 0.0
    for i in range(cuda.grid(1), s.size, cuda.gridsize(1)):
        si, ki, ti = s[i], k[i], t[i]
        root = math.sqrt(ti)
        d1 = (math.log(si / ki) + (r + 0.5 * v * v) * ti) / (v * root)
        n1 = 0.5 * math.erfc(d1 * -math.sqrt(0.5))
        n2 = 0.5 * math.erfc((d1 - v * root) * -math.sqrt(0.5))
        paid = math.exp(-r * ti) * n2
        one_vega = si * root * math.exp(-0.5 * d1 * d1) * (1.0 / math.sqrt(2.0 * math.pi))
        price += si * n1 - ki * paid
        s_adj[i] = n1
        k_adj[i] = -paid
        t_adj[i] = one_vega * v / (2.0 * ti) + r * ki * paid
        rho += ki * ti * paid
        vega += one_vega
    add_up(part, price, sums, 0)
    add_up(part, rho, sums, 1)
    add_up(part, vega, sums, 2)


def _hand(s: Any, k: Any, t: Any, r: float, v: float) -> Any:
    made = [cuda.device_array(s.shape) for _ in range(3)]
    sums = cuda.device_array(3)

    def call() -> Any:
        clear(sums)
        _greeks[blocks(s.size), THREADS](s, k, t, r, v, *made, sums)
        price, rho, vega = sums.copy_to_host()
        return price, (*made, rho, vega)

    return call


def _value(xp: Any, erfc: Any, s: Any, k: Any, t: Any, r: Any, v: Any) -> Any:
    root = xp.sqrt(t)
    d1 = (xp.log(s / k) + (r + 0.5 * v * v) * t) / (v * root)
    d2 = d1 - v * root
    call = 0.5 * s * erfc(d1 * -math.sqrt(0.5))
    return (call - 0.5 * k * xp.exp(-r * t) * erfc(d2 * -math.sqrt(0.5))).sum()


def _jax(jax: Any) -> Any:
    def value(*args: Any) -> Any:
        return _value(jax.numpy, jax.scipy.special.erfc, *args)

    return jax.value_and_grad(value, argnums=ALL)


def _torch(torch: Any, jit: Any) -> Any:
    return jit(lambda *args: _value(torch, torch.special.erfc, *args))


def inputs(small: bool) -> Inputs:
    rng = np.random.default_rng(0)
    n = 9 if small else 10**8
    spot, strike = rng.uniform(50.0, 150.0, n), rng.uniform(50.0, 150.0, n)
    return spot, strike, rng.uniform(0.1, 2.0, n), 0.03, 0.2


WORKLOAD = Workload(
    "Black-Scholes, 1e8 options, all gradients",
    black_scholes,
    ALL,
    inputs,
    lineup(black_scholes, ALL, _hand, _jax, _torch),
    moved=lambda given: 6 * given[0].nbytes,
)
