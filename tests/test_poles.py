"""Values that a program finds to be infinite, and does not use, give no nan."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from adcompile.testing import plain_value_and_grad
from tests import oracle


def stops(x):
    s = 0.4
    for i in range(x.size):
        y = x[i] * s
        z = 1.0 / (x[i] * (2 - i))
        if not np.isfinite(z):
            break
        s += y * math.sin(z)
    return s


def stops_with_arrays(x):
    u = np.sin(x) + 0.3
    for k in range(4):
        v = x / (u - u * (k // 2))
        if np.any(~np.isfinite(v)):
            break
        u = np.cos(v * u) + 0.1 * x
    return np.sum(u * u)


def leaves_out(x):
    s = 0.0
    for i in range(x.size):
        r = math.sqrt(x[i] - 0.5) / (x[i] - x[1])
        if np.isnan(r) or np.isinf(r):
            s += x[i] ** 2
        else:
            s += r * x[0]
    return s


def behind_arithmetic(x):
    shares = np.empty(x.size)
    for i in range(x.size):
        shares[i] = 100.0 * ((x[i] - 0.9) / abs(x[i] - 0.9)) * x[0]
    s = 0.0
    for i in range(x.size):
        if not np.isnan(shares[i]):
            s += shares[i] * x[i]
    return s


def behind_a_product(x):
    s = 0.0
    for i in range(x.size):
        t = x[0] / (x[i] - 0.9)
        u = math.sin(x[1]) if i % 2 else x[3]
        v = t * u + x[i]
        if math.isinf(v):
            continue
        s += v * v
    return s


@pytest.mark.parametrize("optimise", (True, False))
@pytest.mark.parametrize(
    "f", (stops, stops_with_arrays, leaves_out, behind_arithmetic, behind_a_product)
)
def test_infinite_and_not_used(f: Any, optimise: bool) -> None:
    x = np.array([0.7, 1.3, 0.9, 0.6])
    with np.errstate(all="ignore"):
        value, (slopes,) = plain_value_and_grad(f, (0,), optimise)(x)
        assert value == pytest.approx(f(x), rel=1e-13)
        d = np.array([0.3, -0.8, 0.5, 0.2])
        if f is leaves_out:  # one element is compared with itself
            d[1] = 0.0
        if f in (behind_arithmetic, behind_a_product):  # the pole stays where it is
            d[2] = 0.0
        estimate = oracle.directional(f, (x,), {0: d}, 1e-4)
    assert estimate.reliable and estimate.agrees(float(slopes @ d))


def sum_without(o, x):
    return np.nansum(o * x)


def moments_without(o, x):
    return np.nanmean(np.sin(o * x) * x) + np.nanvar(o * x) + np.nanmax(x * o) * np.nanmin(o * x)


def chosen_by_a_test(o, x):
    t = o * x
    return np.sum(np.where(np.isnan(t), 0.0, t))


def added_unless(o, x):
    s = 0.0
    for i in range(x.size):
        t = o[i] * x[i]
        if not np.isnan(t):
            s += t * t
    return s


def passed_over(o, x):
    s = 0.0
    for i in range(x.size):
        t = o[i] * x[i] * x[i - 1]
        if t != t:
            continue
        s += t
    return s


def warming_up(o, x):
    r = np.full(x.size, np.nan)
    for i in range(2, x.size):
        r[i] = x[i] + x[i - 1] * x[i - 2]
    return np.nansum(r * x * o)


@pytest.mark.parametrize("optimise", (True, False))
@pytest.mark.parametrize(
    "f", (sum_without, moments_without, chosen_by_a_test, added_unless, passed_over, warming_up)
)
def test_missing_values(f: Any, optimise: bool) -> None:
    """Factors that are nan, of products that are left out."""
    o = np.array([1.0, np.nan, 2.0, 0.5, np.nan, -0.7])
    x = np.array([0.3, 0.7, 1.1, 0.2, -0.4, 0.9])
    value, (slopes,) = plain_value_and_grad(f, (1,), optimise)(o, x)
    assert value == pytest.approx(f(o, x), rel=1e-13)
    d = np.array([0.3, -0.8, 0.5, 0.2, 0.7, -0.4])
    estimate = oracle.directional(f, (o, x), {1: d}, 1e-4)
    assert estimate.reliable and estimate.agrees(float(slopes @ d))
