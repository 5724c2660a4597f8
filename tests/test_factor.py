"""Products and sums of the reverse sweep, regrouped line by line."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from adcompile import grad, value_and_grad
from tests.test_inplace import check


def predator(x: float, y: float, d: float, c: float) -> float:
    for _ in range(4):
        u = x - 0.1 * x * y
        y += 0.05 * (d * u * y - c * y)
        x = u
    return x * x + y


def square(x: float) -> float:
    for _ in range(3):
        x = x * x - 0.3
    return x


def in_place(x: np.ndarray, k: float) -> float:
    for i in range(1, x.size):
        x[i] = k * x[i - 1] * x[i] - x[i] * x[i - 1] * 0.5 * k
    return x[-1] * x[-2]


def shared(x: float, y: float) -> float:
    for _ in range(3):
        x, y = math.sin(x * y * 1.3) + x, math.exp(-x * y * 0.2 * y) - y * x
    return x * y


def whole(x: float, n: int) -> float:
    for _ in range(2):
        x = x * n * n * n - x * 2 * n
    return x


def both_ways(x: float, y: float) -> float:
    for k in range(4):
        if k % 2:
            x, y = y * x, x - y * 0.7
        else:
            t = x * y
            x = t * x - t * y
            y = t * t - y * x
    return x + 2.0 * y


def adjoint(f: Callable[..., float], *kinds: str, **options: object) -> str:
    derivative = value_and_grad(f, argnums=tuple(range(len(kinds))), **options)
    return derivative.source(*kinds).split("@njit")[2]


def test_what_an_operand_receives_is_one_product() -> None:
    text = adjoint(predator, "float64", "float64", "float64", "float64")
    loop = text[text.index("    for ") :]
    assert "t_adj" not in loop
    assert "d_adj += y_adj * (0.05 * y * u)" in loop, text
    assert "t_adj" in adjoint(predator, *["float64"] * 4, optimise=False)


def test_twice_the_same_factor() -> None:
    assert "x_adj * (2.0 * x)" in adjoint(square, "float64"), adjoint(square, "float64")


def test_outside_of_loops_nothing_changes() -> None:
    def straight(x: float, y: float) -> float:
        return x * y * x

    assert "t_adj * x" in adjoint(straight, "float64", "float64")


def test_narrow_floats_stay() -> None:
    narrow = ["float32", "float32", "float32", "float32"]
    assert "t_adj" in adjoint(predator, *narrow)


def test_integers_are_not_multiplied_with_each_other() -> None:
    """They might overflow, where floats do not."""
    n = 3_000_000
    (slope,) = value_and_grad(whole, argnums=(0,))(0.7, n)[1]
    assert slope == pytest.approx((float(n) ** 3 - 2.0 * n) ** 2, rel=1e-14)


@pytest.mark.parametrize("f", [predator, square, shared, both_ways])
def test_gradients(f: Callable[..., float]) -> None:
    rng = np.random.default_rng(5)
    for _ in range(5):
        count = f.__code__.co_argcount
        check(f, *rng.uniform(0.3, 1.2, count), argnums=tuple(range(count)))


def test_gradient_in_place() -> None:
    rng = np.random.default_rng(6)
    for _ in range(3):
        check(in_place, rng.uniform(0.3, 1.2, 6), rng.uniform(0.4, 0.9), argnums=(0, 1))


def test_adjoints_are_not_divided_by_constants() -> None:
    def scaled(x: Any) -> float:
        root = math.sqrt(2.0)
        total = 0.0
        for i in range(x.size):
            total += math.sin(x[i] / root) / 3.0
        return total

    found = grad(scaled, cache=False)
    x = np.array([0.3, -1.2, 2.0])
    root = math.sqrt(2.0)
    np.testing.assert_allclose(found(x), np.cos(x / root) / root / 3.0, rtol=1e-15)
    text = found.fused_source or found.adjoint_source
    assert "x[i] / root" in text or "/ root" in text  # the user's own
    assert "* 0.3333333333333333" in text and "* 0.7071067811865475" in text
