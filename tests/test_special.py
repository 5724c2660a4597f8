"""Special functions of likelihoods, in scalar and array programs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath as mp  # type: ignore[import-untyped]
import numpy as np
import pytest
from scipy import special as sp  # type: ignore[import-untyped]

from adcompile import grad, stop_gradient, value_and_grad
from adcompile.rules.registry import RULES, partials_on
from adcompile.runtime import likelihood as ours
from tests.test_arrays import compare

CASES: list[tuple[Callable[..., float], Callable[..., Any], tuple[Any, ...]]] = [
    (ours.expit, lambda x: 1 / (1 + mp.exp(-x)), (-800.0, -30.0, -1e-9, 0.0, 0.7, 40.0)),
    (ours.softplus, lambda x: mp.log1p(mp.exp(x)), (-740.0, -30.0, -1e-9, 0.0, 0.7, 40.0, 1e4)),
    (ours.log_expit, lambda x: -mp.log1p(mp.exp(-x)), (-1e4, -30.0, 0.0, 0.7, 40.0, 740.0)),
    (ours.logit, lambda p: mp.log(p / (1 - p)), (1e-300, 0.1, 0.31, 0.49999, 0.6, 0.99)),
    (ours.ndtr, mp.ncdf, (-37.0, -5.0, -0.3, 0.0, 0.7, 8.0)),
    (ours.log_ndtr, lambda x: mp.log(mp.ncdf(x)), (-1e5, -40.0, -10.5, -9.5, -1.0, 0.3, 4.0, 6.0)),
    (ours.i0e, lambda x: mp.exp(-abs(x)) * mp.besseli(0, x), (0.0, -0.3, 5.0, 29.9, 30.1, 900.0)),
    (ours.i1e, lambda x: mp.exp(-abs(x)) * mp.besseli(1, x), (-0.3, 5.0, 29.9, 30.1, 900.0)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c[0].__name__)
def test_values(case: Any) -> None:
    f, reference, points = case
    for x in points:
        with mp.workdps(60):
            want = float(reference(mp.mpf(x)))
        # ndtr rounds x / sqrt(2), and its relative slope is about x
        rel = 2e-14 if f is not ours.ndtr else max(2e-14, 2e-16 * x * x)
        assert f(x) == pytest.approx(want, rel=rel, abs=1e-320), x


def test_edges() -> None:
    assert ours.logit(0.0) == -math.inf and ours.logit(1.0) == math.inf
    assert math.isnan(ours.logit(-0.1)) and math.isnan(ours.logit(math.nan))
    assert ours.log_ndtr(-math.inf) == -math.inf and ours.expit(-math.inf) == 0.0
    assert ours.softplus(-math.inf) == 0.0 and ours.log_expit(-math.inf) == -math.inf
    assert math.isnan(ours.softplus(math.nan)) and math.isnan(ours.log_expit(math.nan))
    assert ours.xlogy(0.0, 0.0) == 0.0 and math.isnan(ours.xlogy(0.0, math.nan))
    assert ours.i1e(0.0) == 0.0 and math.isnan(ours.i0e(math.nan))


def test_slope_of_log_ndtr_far_to_the_left() -> None:
    """About -x, where the density and the distribution function underflow."""
    for x in (-12.0, -45.0, -1e4):
        (slope,) = partials_on(RULES["log_ndtr"], ours.log_ndtr(x), (x,))
        with mp.workdps(60):
            want = float(mp.npdf(x) / mp.ncdf(x))
        assert slope == pytest.approx(want, rel=1e-16 * x * x + 1e-12)


def likelihood(x: Any, y: Any) -> float:
    z = sp.expit(x) * sp.log_ndtr(y) + sp.xlogy(y * y, 1.0 + x * x)
    w = sp.gammaln(1.5 + x * x) + sp.digamma(2.0 + y * y) - sp.betaln(1.0 + x * x, 2.0 + y * y)
    v = sp.logit(0.5 + 0.3 * np.sin(x)) + sp.erf(x) * sp.erfc(y) + sp.ndtr(x) * sp.i0e(y)
    return (
        np.sum(z * w)
        + np.mean(v * sp.log_expit(x))
        + sp.logsumexp(x * y)
        + sp.i1e(x[0]) * sp.expit(y[1])
    )


def rows(m: Any) -> float:
    return np.sum(sp.logsumexp(m, axis=1) ** 2) + np.sum(sp.logsumexp(m, axis=0, keepdims=True) * m)


def test_against_differences() -> None:
    rng = np.random.default_rng(0)
    compare(likelihood, (rng.normal(size=5), rng.normal(size=5)))
    compare(rows, (rng.normal(size=(3, 4)),))


@pytest.mark.compiled
def test_compiled() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=5), rng.normal(size=5)
    value, _ = value_and_grad(likelihood, argnums=(0, 1))(x, y)
    assert value == pytest.approx(likelihood(x, y), rel=1e-12)
    single = value_and_grad(likelihood, argnums=(0, 1))(x.astype("f4"), y.astype("f4"))
    assert single[1][0].dtype == np.float32
    assert single[0] == pytest.approx(value, rel=1e-4)


def partly(x: Any, k: float) -> float:
    return np.sum(stop_gradient(x) * x) + stop_gradient(k * k) * k


@pytest.mark.compiled
def test_stop_gradient() -> None:
    x = np.array([0.3, -0.7])
    by_x, by_k = grad(partly, argnums=(0, 1))(x, 1.3)
    np.testing.assert_array_equal(by_x, x)
    assert by_k == pytest.approx(1.69)
    assert partly(x, 1.3) == pytest.approx(0.58 + 1.3**3)
