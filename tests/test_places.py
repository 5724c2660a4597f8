"""Arrays that loops make, view and hand on: their shadows lie in an arena (normalise/places.py)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from adcompile import value_and_grad, vjp
from tests.test_inplace import check

Array = Any
RNG = np.random.default_rng(3)
X, Y, M = RNG.normal(size=7), RNG.normal(size=7), RNG.normal(size=(4, 5))


def shrinking_reversed_view(x: Array, n: int) -> float:
    s = 0.0
    u = x
    for i in range(n):
        u = u[::-1]
        u[0] = np.sin(u[1] * u[2])
        if i % 2 == 0:
            u = u[1:]
        s += u[0] * u[-1]
    return s + u[0] * x[3]


def rows_and_columns(m: Array, n: int) -> float:
    s = 0.0
    r = m[0]
    for i in range(n):
        if i == 1:
            r = m[i + 1]
        elif i == 2:
            r = m[:, i][1:]
        r[1] = r[0] * r[1] + np.sin(s)
        s += r[1] * r[0]
    return s + m[2, 1] * m[0, 1]


def copies_of_a_matrix(m: Array, n: int) -> float:
    s = 0.0
    for i in range(n):
        if i == 1:
            m = m[::2, 1:].copy()
        else:
            m = m[:, ::-1]
        m[1, 1] *= m[0, 2]
        s += m[1, 0] * m[1, 1]
    for i in range(m.shape[0]):
        for j in range(m.shape[1]):
            s += (1 + i + 0.3 * j) * m[i, j] ** 2
    return s


def made_in_no_iteration(x: Array, y: Array, n: int) -> float:
    u = x
    for _ in range(n):
        u = y.copy()
        u[0] = x[1] * y[2]
    return u[0] * u[1] + x[2] * y[0]


def two_handed_on(x: Array, y: Array, n: int) -> float:
    a = x
    b = y
    s = 0.0
    for i in range(n):
        c = a.copy()
        c[i] = b[i] * a[i + 1]
        a, b = b, c
        a[0] = a[0] * c[1]
        s += a[0] * b[0]
    return s + a[1] * b[1] * x[0] * y[0]


def made_in_a_branch(x: Array, n: int) -> float:
    s = 0.0
    buffer = np.zeros(3)
    for i in range(n):
        if x[i] > 0:
            buffer = np.empty(3 + i)
            for j in range(3):
                buffer[j] = x[j] * x[i]
        buffer[1] += x[i] * s
        s += np.sin(buffer[0]) + buffer[1] * buffer[2]
    return s


def shorter(q: Array) -> Array:
    q = q[1:]
    q[0] = q[0] * q[1]
    return q


def returned_by_a_callee(x: Array, n: int) -> float:
    s = 0.0
    for _ in range(n):
        x = shorter(x)
        s += x[0] * x[-1]
    return s + x[0]


def the_one_before(x: Array, n: int) -> float:
    old = x
    s = 0.0
    for i in range(n):
        previous = old
        old = x.copy()
        old[i] = old[i] * previous[i + 1]
        x[i + 1] = np.sin(old[i]) * previous[i]
        s += previous[i] * old[i + 1]
    return s * old[2]


def other_name_in_a_branch(x: Array, y: Array, n: int) -> float:
    s = 0.0
    for i in range(n):
        if s > 0.9:
            x = y
        else:
            u = y[1:]
            for j in range(i, 1):
                u = y[:3]
            x[0] = np.sin(u[0]) * x[1]
        s += x[0] * y[1]
    for i in range(x.size):
        s += (1 + i) * np.sin(x[i])
    return s


def handed_on_by_an_inner_loop(x: Array, trips: Array, most: float) -> float:
    """Where the inner loop does not run, the array is that of an iteration before; nothing reads
    it where the outer loop begins."""
    y = np.array([0.5, 0.4, 0.1])
    for i in range(trips.size):
        step = x[:3] * y
        if np.sum(step) > most:
            break
        for k in range(trips[i]):
            tried = np.sin(y + (k + 1) * step)
        y = y + 0.3 * tried * x[1:4]
    return y[0] + y[1] * y[2]


TRIPS = np.array([2, 0, 1, 0])


def swings(x: Array, v: Array, w: Array, h: float, n: int) -> float:
    """Array code in a time loop: places stay contiguous, and inner loops read the tape."""
    for _ in range(n):
        a = w * np.sin(x) * np.cos(v)
        x, v = x + h * v, v - h * a * x
    return float(np.sum(x * v))


def turned_in_an_inner_loop(x: Array, n: int) -> float:
    s = 0.0
    u = x
    for i in range(n):
        u = np.sin(u) * u
        for _ in range(i):
            u = u[::-1]
            s += u[0] * u[2]
        u[1] += u[0] * u[-1]
    return s + u[0] * x[3]


CASES: list[tuple[Callable[..., float], tuple[Any, ...], tuple[int, ...]]] = [
    (shrinking_reversed_view, (X, 4), (0,)),
    (shrinking_reversed_view, (np.repeat(X, 2)[::2], 3), (0,)),
    (rows_and_columns, (M, 3), (0,)),
    (rows_and_columns, (np.asfortranarray(M), 3), (0,)),
    (copies_of_a_matrix, (M, 3), (0,)),
    (made_in_no_iteration, (X, Y, 0), (0, 1)),
    (made_in_no_iteration, (X, Y, 2), (0, 1)),
    (two_handed_on, (X, Y, 3), (0, 1)),
    (made_in_a_branch, (X, 5), (0,)),
    (returned_by_a_callee, (X, 4), (0,)),
    (the_one_before, (X, 4), (0,)),
    (other_name_in_a_branch, (X, Y, 3), (0,)),
    (other_name_in_a_branch, (X, Y, 3), (1,)),
    (other_name_in_a_branch, (X, Y + 1, 4), (0, 1)),
    (handed_on_by_an_inner_loop, (X, TRIPS, 30.0), (0,)),
    (handed_on_by_an_inner_loop, (np.repeat(X, 2)[::2], TRIPS, 0.0), (0,)),
    (swings, (X, Y, Y + 1, 0.3, 4), (0, 1, 2, 3)),
    (swings, (X, Y, Y + 1, 0.3, 0), (0, 1)),
    (turned_in_an_inner_loop, (X, 4), (0,)),
]


@pytest.mark.parametrize("number", range(len(CASES)))
def test_plain(number: int) -> None:
    f, args, argnums = CASES[number]
    check(f, *args, argnums=argnums, compiled=False)


@pytest.mark.compiled
@pytest.mark.parametrize("number", [1, 4, 7, 8, 14])
def test_compiled(number: int) -> None:
    f, args, argnums = CASES[number]
    check(f, *args, argnums=argnums)


@pytest.mark.compiled
def test_what_keeps_loops_from_several_lanes() -> None:
    text = value_and_grad(swings).source(*["float64[::1]"] * 3, "float64", "int64")
    assert "stride" not in text and "_tape_rows = " in text


@pytest.mark.compiled
def test_pullback_twice_with_final_contents() -> None:
    """The written argument's last contents are an output too, with a cotangent of their own."""
    given = X.copy()
    (value, final), pullback = vjp(the_one_before, given, 4)
    np.testing.assert_array_equal(given, X)
    _, expected = value_and_grad(the_one_before)(X, 4)
    first = pullback((1.0, np.zeros_like(final)))[0]
    np.testing.assert_allclose(first, expected, rtol=1e-12)
    weights = RNG.normal(size=final.size)
    found = pullback((0.5, weights))[0]

    def combined(x: Array) -> float:
        x = x.copy()
        return 0.5 * the_one_before(x, 4) + float(weights @ x)

    step = 1e-6
    for k, unit in enumerate(np.eye(X.size)):
        slope = (combined(X + step * unit) - combined(X - step * unit)) / (2 * step)
        np.testing.assert_allclose(found[k], slope, atol=1e-8)
    np.testing.assert_array_equal(pullback((0.5, weights))[0], found)
    assert value == the_one_before(X.copy(), 4)


@pytest.mark.compiled
def test_single_precision() -> None:
    narrow, wide = X.astype(np.float32), X.astype(np.float32).astype(np.float64)
    _, found = value_and_grad(the_one_before)(narrow, 4)
    _, expected = value_and_grad(the_one_before)(wide, 4)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
