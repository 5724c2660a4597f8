"""Lines of elements in strips: what cannot run on several lanes comes after the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from adcompile import value_and_grad
from adcompile.optimise import strip_loops, strips
from adcompile.testing import plain_value_and_grad
from tests.test_arrays import compare

RNG = np.random.default_rng(23)
U, X, M = RNG.normal(size=(8, 9)), RNG.normal(size=(7, 3)), RNG.uniform(0.5, 1.5, 11)


def neighbours(u, x, m):
    total = 0.0
    for i in range(1, m.size - 1):
        d = m[i - 1] - m[i] * m[i + 1]
        total += d / (1.0 + d * d)
    return total


def neighbours_from_the_end(u, x, m):
    total = 0.0
    for i in range(m.size - 2, 0, -1):
        d = m[i - 1] - m[i] * m[i + 1]
        total -= d / (1.0 + d * d)
    return total


def two_sums(u, x, m):
    """The second sum reads the first."""
    a, b = 0.0, 0.0
    for i in range(m.size):
        t = m[i] / (2.0 + m[i])
        a += t * t
        b += t * a
    return a * b


def a_sum_and_an_extreme(u, x, m):
    a, top = 0.0, 0.0
    for i in range(m.size):
        t = m[i] / (2.0 + m[i])
        a += t
        top = max(top, t * m[i])
    return a * top


def two_terms(u, x, m):
    a = 0.0
    for i in range(m.size):
        t = m[i] / (2.0 + m[i])
        a += t
        a -= t * t * 3.0
    return a


def columns(u, x, m):
    total = 0.0
    for i in range(x.shape[0]):
        total += x[i, 0] * m[i] / (1.0 + x[i, 1] ** 2 + x[i, 2] ** 2)
    return total


def pairs(u, x, m):
    total = 0.0
    for i in range(x.shape[0]):
        for j in range(x.shape[0]):
            dx, dy = x[j, 0] - x[i, 0], x[j, 2] - x[i, 1]
            total += m[j] / np.sqrt(dx * dx + dy * dy + 0.3) * dx
    return total


def five_points(u, x, m):
    u, new = u.copy(), u.copy()
    for _ in range(2):
        for i in range(1, u.shape[0] - 1):
            for j in range(1, u.shape[1] - 1):
                a, b = u[i - 1, j] - u[i, j], u[i, j + 1] - u[i, j - 1]
                new[i, j] = u[i, j] + 0.2 * a / (1.0 + a * a) + 0.1 * b * a * u[i + 1, j]
        for i in range(1, u.shape[0] - 1):
            for j in range(1, u.shape[1] - 1):
                u[i, j] = new[i, j]
    return np.sum(u**2 * u[2, 1])


def in_place(u, x, m):
    u = u.copy()
    for _ in range(2):
        for i in range(1, u.shape[0] - 1):
            for j in range(1, u.shape[1] - 1):
                u[i, j] = 0.2 * (
                    u[i - 1, j - 1] + u[i, j - 1] * u[i, j] + u[i, j + 1] - u[i + 1, j + 1]
                )
    return np.sum(u**2 * u[2, 1])


def in_place_from_the_end(u, x, m):
    u = u.copy()
    for _ in range(2):
        for i in range(u.shape[0] - 2, 0, -1):
            for j in range(u.shape[1] - 2, 0, -1):
                u[i, j] = 0.2 * (
                    u[i - 1, j - 1] + u[i, j - 1] * u[i, j] + u[i, j + 1] - u[i + 1, j + 1]
                )
    return np.sum(u**2 * u[2, 1])


def from_one_row_to_the_next(u, x, m):
    """The scan of an image: rows are read and written at different offsets."""
    u = u.copy()
    for i in range(1, u.shape[0]):
        for j in range(1, u.shape[1] - 1):
            u[i, j] += 0.3 * u[i - 1, j - 1] * u[i, j] + 0.5 * u[i - 1, j] + u[i - 1, j + 1]
    return np.sum(u**2)


def around(u, x, m):
    """m[-1] is the last element."""
    total = 0.0
    for i in range(m.size):
        total += m[i - 1] / (1.0 + m[i] ** 2) + m[i - 2]
    return total


def recurrence(u, x, m):
    y = np.zeros(m.size)
    for i in range(2, m.size):
        y[i] = 0.5 * y[i - 1] * m[i] - 0.3 * y[i - 2] + m[i - 1] * m[i - 2]
    return np.sum(y**3)


def sums_of_neighbours(u, x, m):
    """What a row receives is read again in the same loop."""
    y = m.copy()
    for k in range(3):
        for i in range(1, m.size - 1):
            y[i] = np.sin(y[i] + 0.3 * y[i + 1] * m[i]) + m[i - 1] * m[i + 1]
    return np.sum(y**2)


def to_one_element(u, x, m):
    total = 0.0
    for i in range(1, m.size):
        total += m[i] * m[0] / (1.0 + m[i - 1] ** 2) + m[3] * m[i]
    return total


def elements_by_number(u, x, m):
    order = np.array([3, 0, 2, 2, 1, 5, 6])
    total = 0.0
    for i in range(7):
        total += m[order[i]] / (1.0 + m[i] ** 2) * m[i + 1]
    return total


def single(u, x, m):
    s = np.float32(0.0)
    y = x.astype(np.float32)
    for i in range(1, y.shape[0]):
        s += y[i, 0] / (np.float32(1.0) + y[i - 1, 1] ** 2) * y[i - 1, 0]
    return s * 1.0


def every_second(u, x, m):
    total = 0.0
    for i in range(1, m.size - 1, 2):
        total += m[i - 1] / (1.0 + m[i] ** 2) * m[i + 1]
    return total


PROGRAMS = [
    neighbours,
    neighbours_from_the_end,
    two_sums,
    a_sum_and_an_extreme,
    two_terms,
    columns,
    pairs,
    five_points,
    in_place,
    in_place_from_the_end,
    from_one_row_to_the_next,
    around,
    recurrence,
    sums_of_neighbours,
    to_one_element,
    elements_by_number,
    every_second,
]
EXACT = [neighbours, neighbours_from_the_end, two_sums, two_terms, columns, pairs, around]


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several strips to a line of these few elements."""
    monkeypatch.setattr(strip_loops, "WIDTH", 3)
    monkeypatch.setattr(strips, "_FEWEST", 0)


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("f", PROGRAMS)
def test_gradients(f: Callable[..., Any]) -> None:
    compare(f, (U, X, M))


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("f", EXACT)
def test_the_users_sums_keep_their_bits(f: Callable[..., Any]) -> None:
    value, _ = plain_value_and_grad(f, (0, 1, 2))(U, X, M)
    assert value == f(U, X, M)


@pytest.mark.usefixtures("narrow")
def test_single_precision_keeps_its_bits() -> None:
    value, _ = plain_value_and_grad(single, (0, 1, 2))(U, X, M)
    assert value == single(U, X, M)


IN_STRIPS = [neighbours, columns, pairs, five_points, in_place, two_terms]


@pytest.mark.parametrize("f", IN_STRIPS)
def test_runs_in_strips(f: Callable[..., Any]) -> None:
    assert "= strip()" in value_and_grad(f, argnums=(0, 1, 2)).source(U, X, M)


@pytest.mark.parametrize("f", [every_second])
def test_does_not(f: Callable[..., Any]) -> None:
    assert "strip()" not in value_and_grad(f, argnums=(0, 1, 2)).source(U, X, M)


@pytest.mark.compiled
@pytest.mark.parametrize("f", [neighbours_from_the_end, columns, in_place])
@pytest.mark.parametrize("n", [3, 256, 257, 700])
def test_compiled(f: Callable[..., Any], n: int) -> None:
    rng = np.random.default_rng(n)
    args = rng.normal(size=(5, n)), rng.normal(size=(n, 3)), rng.uniform(0.5, 1.5, n)
    made = value_and_grad(f, argnums=(0, 1, 2))
    plain = value_and_grad(f, argnums=(0, 1, 2), optimise=False)
    for k in range(2):
        given = [a + 0.1 * k for a in args]
        (value, found), (expected, wanted) = made(*given), plain(*given)
        assert value == pytest.approx(expected, rel=1e-14)
        for one, other in zip(found, wanted):
            np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-13)
