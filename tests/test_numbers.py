"""Many numbers reach the reverse sweep in one array: the same bits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from adcompile import value_and_grad
from adcompile.adjoint import numbers
from adcompile.testing import plain_value_and_grad
from tests import oracle
from tests.test_arrays import compare


def price(s, k, r, v):
    """No loop around most of it: branches, early returns, one value used on both sides."""
    if s > 4.0:
        return s * k
    t = math.exp(-r * v)
    d = math.log(s / k) / v + 0.5 * v
    if d > 0.1:
        a = math.tanh(d * t) * s
        b = a * math.sin(a * k)
        if r > 0.2:
            b *= math.exp(b * t)
        c = a * b
    else:
        a = math.cos(d) * k
        c = a * a * math.exp(r * d)
    for i in range(3):
        c = math.sin(c * a + i * t)
        d += c * c * a
    while d > 1.0:
        d = d * 0.6 * math.exp(-0.1 * d * t)
    return c * d * t + math.sqrt(1.0 + a * a * d)


def of_tuples(p, x):
    (a, b), w = p[0], p[1]
    u = a * b
    for j in range(x.size):
        u += math.sin(u * x[j]) * w
    m = u * math.exp(0.1 * u)
    if m > b:
        m = m * math.log(1.0 + m * m) * a
    return m * u + b * math.tanh(m * w)


POINTS = [(1.7, 1.1, 0.3, 0.4), (0.8, 1.3, 0.15, 0.5), (4.4, 1.2, 0.1, 0.3), (2.6, 0.7, 0.1, 0.9)]


@pytest.fixture
def in_one_array(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbers, "_FEWEST", 1)


@pytest.mark.parametrize("optimise", (True, False))
@pytest.mark.parametrize("args", POINTS)
def test_the_same_bits(args: Any, optimise: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    apart = plain_value_and_grad(price, (0, 1, 2, 3), optimise=optimise)(*args)
    monkeypatch.setattr(numbers, "_FEWEST", 1)
    assert plain_value_and_grad(price, (0, 1, 2, 3), optimise=optimise)(*args) == apart


@pytest.mark.parametrize("optimise", (True, False))
@pytest.mark.parametrize("args", POINTS)
def test_against_differences(args: Any, optimise: bool, in_one_array: None) -> None:
    compare(price, args, optimise)


def test_items_of_tuples(in_one_array: None) -> None:
    p, x = ((0.7, 1.3), 0.4), np.array([0.3, -0.8, 1.1])
    value, (slopes, x_adj) = plain_value_and_grad(of_tuples, (0, 1))(p, x)
    assert value == of_tuples(p, x)

    def flat(a, b, w, x):
        return of_tuples(((a, b), w), x)

    direction = {0: 0.3, 1: -0.7, 2: 0.5, 3: np.array([0.2, 0.9, -0.4])}
    estimate = oracle.directional(flat, (0.7, 1.3, 0.4, x), direction, 1e-3)
    (a, b), w = slopes
    found = 0.3 * a - 0.7 * b + 0.5 * w + float(x_adj @ direction[3])
    assert estimate.reliable and estimate.agrees(found)


@pytest.mark.compiled
def test_compiled(in_one_array: None) -> None:
    gradient = value_and_grad(price, (0, 1, 2, 3), vector_math=False, cache=False)
    expected = plain_value_and_grad(price, (0, 1, 2, 3))
    for args in POINTS:
        value, grads = gradient(*args)
        assert value == price(*args)
        np.testing.assert_allclose(grads, expected(*args)[1], rtol=1e-14)
    assert "numbers[" in gradient.forward_source
    assert "= numbers[" in gradient.adjoint_source
