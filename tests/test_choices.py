"""Many conditional expressions become calls: the same bits, and less for Numba to do."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import adcompile
from adcompile import value_and_grad
from adcompile.optimise import choices
from adcompile.testing import plain_value_and_grad
from tests import oracle


def payoff(s, k, r):
    """Poles behind what is not chosen, powers with active exponents, kinks."""
    total = 0.0
    for i in range(s.size):
        move = np.maximum(s[i], 0.4) ** r * abs(s[i] - k)
        root = np.where(s[i] > k, np.sqrt(s[i] - k), 0.3 * s[i] ** 2)
        floor = max(math.log(s[i]) * root, move ** (r - 0.2), min(s[i], k * r))
        total += move * floor + max(root, s[i] * r) * min(move, floor) + abs(total - floor) ** r
    return total * (k if total > 1.0 else r)


S = np.array([0.31, 0.83, 1.7, 0.52, 2.4])
POINTS = [(S, 0.9, 0.7), (np.append(S, 0.9), 0.9, 0.7), (S, 0.4, -0.3)]


@pytest.fixture
def all_by_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choices, "_FEWEST", 0)


def bits(found: tuple[Any, Any]) -> list[bytes]:
    return [np.asarray(one).tobytes() for one in (found[0], *found[1])]


@pytest.mark.parametrize("args", POINTS)
@pytest.mark.parametrize("optimise", (True, False))
def test_the_same_bits(args: Any, optimise: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    with np.errstate(all="ignore"):
        monkeypatch.setattr(choices, "_FEWEST", 10**9)
        lazy = bits(plain_value_and_grad(payoff, (0, 1, 2), optimise=optimise)(*args))
        monkeypatch.setattr(choices, "_FEWEST", 0)
        eager = bits(plain_value_and_grad(payoff, (0, 1, 2), optimise=optimise)(*args))
    assert eager == lazy


@np.errstate(all="ignore")
def test_against_differences(all_by_calls: None) -> None:
    args = (S, 0.87, 0.71)
    gradient = value_and_grad(payoff, (0, 1, 2), vector_math=False, cache=False)
    value, grads = gradient(*args)
    assert value == payoff(*args)
    rng = np.random.default_rng(3)
    for _ in range(3):
        direction = oracle.random_direction(args, (0, 1, 2), rng)
        slope = oracle.directional(payoff, args, direction, 1e-4)
        assert slope.reliable and slope.agrees(oracle.dot(grads, (0, 1, 2), direction))
        tangents = tuple(direction[k] for k in range(3))
        _, moved = adcompile.jvp(payoff, args, tangents)
        assert moved == pytest.approx(oracle.dot(grads, (0, 1, 2), direction), rel=1e-12)
    assert "strong_product(" in gradient.adjoint_source
    assert "choose(" in gradient.adjoint_source


def clamped(x, n):
    total = 0.0
    for i in range(n):
        total += (x[i] ** 2 if i < x.size else 0.0) * (x[i - n] if i >= n - x.size else 1.0)
    return total


def test_what_may_fail_is_not_computed(all_by_calls: None) -> None:
    x = np.array([0.3, 1.2, -0.7])
    value, (grads,) = plain_value_and_grad(clamped, (0,))(x, 5)
    slope = oracle.directional(clamped, (x, 5), {0: np.array([0.2, 0.5, -0.3])}, 1e-4)
    assert value == clamped(x, 5)
    assert slope.agrees(float(grads @ np.array([0.2, 0.5, -0.3])))
