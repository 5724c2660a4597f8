"""Black-Scholes: the sum of the prices of n calls, and its gradients in all five arrays."""

from __future__ import annotations

from functools import partial
from math import sqrt
from typing import Any, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import erf

from adcompile import vectormath as vm
from benchmarks.arrays.buffers import empty
from benchmarks.arrays.contestants import REASSOCIATE, lineup
from benchmarks.arrays.workload import Inputs, Workload

Floats: TypeAlias = NDArray[np.float64]
Result: TypeAlias = tuple[float, tuple[Floats, Floats, Floats, Floats, Floats]]

ALL = (0, 1, 2, 3, 4)
SQRT_HALF = sqrt(0.5)
DENSITY = 1.0 / sqrt(2.0 * np.pi)


def value(spot: Any, strike: Any, years: Any, rate: Any, sigma: Any) -> Any:
    spread = sigma * np.sqrt(years)
    d1 = (np.log(spot / strike) + (rate + 0.5 * sigma**2) * years) / spread
    d2 = d1 - spread
    discounted = strike * np.exp(-rate * years)
    n1 = 0.5 * (1.0 + erf(d1 / np.sqrt(2.0)))
    n2 = 0.5 * (1.0 + erf(d2 / np.sqrt(2.0)))
    return np.sum(spot * n1 - discounted * n2)


@njit(error_model="numpy", fastmath=REASSOCIATE)
def chain_rule_into(
    spot: Floats,
    strike: Floats,
    years: Floats,
    rate: Floats,
    sigma: Floats,
    spot_adj: Floats,
    strike_adj: Floats,
    years_adj: Floats,
    rate_adj: Floats,
    sigma_adj: Floats,
) -> float:
    """Value and gradient in one loop, statement by statement in reverse."""
    total = 0.0
    for i in range(spot.shape[0]):
        s, k, t, r, v = spot[i], strike[i], years[i], rate[i], sigma[i]
        root = sqrt(t)
        spread = v * root
        per_spread = 1.0 / spread
        per_strike = 1.0 / k
        drift = r + 0.5 * v * v
        d1 = (vm.log(s * per_strike) + drift * t) * per_spread
        d2 = d1 - spread
        discount = vm.exp(-r * t)
        n1 = 0.5 + 0.5 * vm.erf(d1 * SQRT_HALF)
        n2 = 0.5 + 0.5 * vm.erf(d2 * SQRT_HALF)
        total += s * n1 - k * discount * n2

        d2_adj = -k * discount * (DENSITY * vm.exp(-0.5 * d2 * d2))
        d1_adj = s * (DENSITY * vm.exp(-0.5 * d1 * d1)) + d2_adj
        u_adj = d1_adj * per_spread  # of the dividend in d1
        spread_adj = -d2_adj - u_adj * d1
        discount_adj = -k * n2 * discount
        spot_adj[i] = n1 + u_adj / s
        strike_adj[i] = -discount * n2 - u_adj * per_strike
        years_adj[i] = u_adj * drift - discount_adj * r + spread_adj * v * (0.5 / root)
        rate_adj[i] = (u_adj - discount_adj) * t
        sigma_adj[i] = u_adj * v * t + spread_adj * root
    return total


@njit(error_model="numpy", fastmath=REASSOCIATE)
def greeks_into(
    spot: Floats,
    strike: Floats,
    years: Floats,
    rate: Floats,
    sigma: Floats,
    spot_adj: Floats,
    strike_adj: Floats,
    years_adj: Floats,
    rate_adj: Floats,
    sigma_adj: Floats,
) -> float:
    """With the textbook's identity S n(d1) = K exp(-r t) n(d2), by which most terms cancel."""
    total = 0.0
    for i in range(spot.shape[0]):
        s, k, t, r, v = spot[i], strike[i], years[i], rate[i], sigma[i]
        root = sqrt(t)
        spread = v * root
        d1 = (vm.log(s / k) + (r + 0.5 * v * v) * t) / spread
        n1 = 0.5 + 0.5 * vm.erf(d1 * SQRT_HALF)
        n2 = 0.5 + 0.5 * vm.erf((d1 - spread) * SQRT_HALF)
        paid = vm.exp(-r * t) * n2
        total += s * n1 - k * paid
        vega = s * (DENSITY * vm.exp(-0.5 * d1 * d1)) * root
        spot_adj[i] = n1
        strike_adj[i] = -paid
        years_adj[i] = vega * v / (2.0 * t) + r * k * paid
        rate_adj[i] = k * t * paid
        sigma_adj[i] = vega
    return total


@njit(error_model="numpy")
def chain_rule(spot: Floats, strike: Floats, years: Floats, rate: Floats, sigma: Floats) -> Result:
    n = spot.shape[0]
    a, b, c, d, e = empty(n), empty(n), empty(n), empty(n), empty(n)
    return chain_rule_into(spot, strike, years, rate, sigma, a, b, c, d, e), (a, b, c, d, e)


@njit(error_model="numpy")
def greeks(spot: Floats, strike: Floats, years: Floats, rate: Floats, sigma: Floats) -> Result:
    n = spot.shape[0]
    a, b, c, d, e = empty(n), empty(n), empty(n), empty(n), empty(n)
    return greeks_into(spot, strike, years, rate, sigma, a, b, c, d, e), (a, b, c, d, e)


def best_jax(jax: Any) -> Any:
    """One option at a time: what is differentiated is a scalar function, mapped over the arrays."""
    log, exp, sqrt_, ndtr = jax.numpy.log, jax.numpy.exp, jax.numpy.sqrt, jax.scipy.special.ndtr

    def price(s: Any, k: Any, t: Any, r: Any, v: Any) -> Any:
        spread = v * sqrt_(t)
        d1 = (log(s / k) + (r + 0.5 * v * v) * t) / spread
        return s * ndtr(d1) - k * exp(-r * t) * ndtr(d1 - spread)

    each = jax.vmap(jax.value_and_grad(price, argnums=ALL))

    def both(*inputs: Any) -> Any:
        prices, gradients = each(*inputs)
        return prices.sum(), gradients

    return both


def in_torch(torch: Any) -> Any:
    def value(s: Any, k: Any, t: Any, r: Any, v: Any) -> Any:
        spread = v * torch.sqrt(t)
        d1 = (torch.log(s / k) + (r + 0.5 * v * v) * t) / spread
        ndtr = torch.special.ndtr
        return torch.sum(s * ndtr(d1) - k * torch.exp(-r * t) * ndtr(d1 - spread))

    return value


def inputs(n: int) -> Inputs:
    draw = np.random.default_rng(0).uniform
    low_high = ((50.0, 150.0), (50.0, 150.0), (0.1, 2.0), (0.0, 0.1), (0.1, 0.5))
    return tuple(draw(low, high, n) for low, high in low_high)


WORKLOAD = Workload(
    title="Black-Scholes, value and all gradients",
    cases={f"1e{k} options": partial(inputs, 10**k) for k in (4, 6, 7)},
    quick=("1e4 options",),
    large=frozenset({"1e7 options"}),
    contestants=lineup(
        value,
        ALL,
        hands={"": chain_rule, ", identity used": greeks},
        jax=best_jax,
        torch=in_torch,
    ),
    rtol={"float64": 1e-11},
)
