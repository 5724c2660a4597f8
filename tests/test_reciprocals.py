"""Quotients of lines of vector mathematics: products where an ulp decides nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import njit

from adcompile import value_and_grad
from adcompile.testing import plain_value_and_grad
from tests import oracle
from tests.test_arrays import compare

RNG = np.random.default_rng(5)
X, Y, W = RNG.uniform(0.5, 2.0, 40), RNG.uniform(0.5, 3.0, 40), 1.7


def shared(x, y, w):
    ratio = (np.exp(x) + y) / (x * y)
    return np.sum(np.log(x / y) * ratio + np.tanh(ratio / 3.0) / w)


def compared(x, y, w):
    part = x / y
    return np.sum(np.exp(part) * np.where(part == 1.0, w, part**2) + np.floor(x / y) * y)


def at_the_end(x, y, w):
    part = x / y
    return np.sum(np.sqrt(1.0 - part**2) * np.exp(x / w)) + np.sum(np.arccos(x / y))


def at_a_quotient(x, y, w):
    return np.sum(np.exp(x / w) + np.log((x / y - 1.0) / np.exp(w)))


def at_a_pole(x, y, w):
    return np.sum(np.exp(x) / (x / y - 1.0) + np.exp(w * (y / x)))


def running(x, y, w):
    """What is divided by changes between the quotients."""
    total, s = w, 0.0
    for i in range(x.size):
        before = np.exp(x[i]) / total
        total = total + y[i]
        s += np.sin(before) + np.exp(y[i]) / total
    return s + np.sum(np.where(y > 0.7, np.exp(x) / y, x / y))


@pytest.mark.parametrize("optimise", (True, False))
@pytest.mark.parametrize("f", (shared, compared, at_a_pole, running))
def test_gradients(f: Any, optimise: bool) -> None:
    compare(f, (X, Y, W), optimise)


@pytest.mark.compiled
def test_divisors_are_shared() -> None:
    """x * y divides once, x / y and what is divided by x or y in reverse once each."""
    derivative = value_and_grad(shared, argnums=(0, 1, 2))
    value, grads = derivative(X, Y, W)
    plain, expected = plain_value_and_grad(shared, (0, 1, 2))(*oracle.copies((X, Y, W)))
    assert value == pytest.approx(plain, rel=1e-14)
    for a, b in zip(grads, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    assert derivative.fused_source is not None
    code = [line for line in derivative.fused_source.split("\n") if "#" not in line]
    assert sum("= 1.0 / " in line for line in code) == 3
    assert sum(" / " in line for line in code) == 4  # by x / y, once
    exact = value_and_grad(shared, argnums=(0, 1, 2), vector_math=False)
    exact(X, Y, W)
    assert " / 3.0" in exact.fused_source


@pytest.mark.compiled
def test_guarded_divisors() -> None:
    """Zeros that a condition keeps away, where a division by zero raises."""

    @njit(error_model="python")
    def kept_away(x, y):
        s = 0.0
        for i in range(x.size):
            s += np.exp(x[i]) * (0.0 if y[i] == 0.0 else x[i] / y[i])
        return s

    y = Y.copy()
    y[3] = 0.0
    value, (dx, _) = value_and_grad(kept_away, argnums=(0, 1))(X, y)
    some = np.arange(X.size) != 3
    np.testing.assert_allclose(dx[some], (np.exp(X) * (1 + X) / Y)[some], rtol=1e-12)
    assert dx[3] == 0.0 and value == pytest.approx(kept_away(X, y), rel=1e-14)


@pytest.mark.compiled
@pytest.mark.parametrize("size", (49.0, 98.0, 103.0, 161.0, 187.0))
def test_an_ulp_decides_nothing(size: float) -> None:
    """size / size is 1; size * (1 / size) is not."""
    assert size * (1.0 / size) != 1.0
    x = np.full(9, size)
    for f in (compared, at_the_end):
        value, _ = value_and_grad(f, argnums=(0, 1, 2))(x, x.copy(), W)
        assert value == pytest.approx(f(x, x.copy(), W), rel=1e-14, abs=1e-12)
    assert value_and_grad(at_a_pole)(x / 4.0, x / 4.0, W)[0] == np.inf
    assert value_and_grad(at_a_quotient)(x / 4.0, x / 4.0, W)[0] == -np.inf
