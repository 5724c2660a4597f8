"""Where adjoints may use fused multiply-adds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from adcompile import value_and_grad


def cubic(x: float, y: float) -> float:
    for _ in range(5):
        x, y = x - 0.1 * x * y, y + 0.05 * x * x
    return x * y


def kinked(x: float, y: float) -> float:
    for _ in range(5):
        x, y = x - 0.1 * abs(x * y - 0.3), y + 0.05 * x * x
    return x * y


def branching(x: float, y: float) -> float:
    for _ in range(5):
        if x * y > 0.3:
            x = x - 0.1 * x * y
        y = y + 0.05 * x
    return x * y


def rooted(x: float, y: float) -> float:
    for _ in range(5):
        x, y = math.sqrt(x * x + y * y), y + 0.05 * x
    return x * y


def flags(text: str) -> list[bool]:
    return ["contract" in line for line in text.splitlines() if line.startswith("@njit")]


def test_sums_and_products_fuse_in_the_adjoint_alone() -> None:
    text = value_and_grad(cubic, argnums=(0, 1)).source("float64", "float64")
    assert flags(text) == [False, True, False, False]


@pytest.mark.parametrize("options", [{"contract": False}, {"fastmath": False}, {"optimise": False}])
def test_switches(options: dict[str, bool]) -> None:
    text = value_and_grad(cubic, argnums=(0, 1), **options).source("float64", "float64")
    assert not any(flags(text))


@pytest.mark.parametrize("f", [kinked, branching, rooted])
def test_no_decision_is_repeated_with_other_rounding(f) -> None:
    assert not any(flags(value_and_grad(f, argnums=(0, 1)).source("float64", "float64")))


@pytest.mark.compiled
def test_value_is_to_the_bit_and_gradient_nearly() -> None:
    x, y = 0.7312, 1.1847
    fused = value_and_grad(cubic, argnums=(0, 1))(x, y)
    strict = value_and_grad(cubic, argnums=(0, 1), contract=False)(x, y)
    assert fused[0] == strict[0] == cubic(x, y)
    np.testing.assert_allclose(fused[1], strict[1], rtol=1e-13)
    step = 1e-6
    slope = (cubic(x + step, y) - cubic(x - step, y)) / (2 * step)
    np.testing.assert_allclose(fused[1][0], slope, rtol=1e-8)
