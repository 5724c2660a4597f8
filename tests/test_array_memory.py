"""Whole arrays and memory: views or copies, overlaps, negative subscripts, narrow types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from adcompile import UnsupportedError, value_and_grad
from adcompile.testing import plain_value_and_grad
from tests import oracle
from tests.test_arrays import compare

RNG = np.random.default_rng(3)
X, M, Q, T = (
    RNG.normal(size=6),
    RNG.normal(size=(3, 4)),
    RNG.normal(size=(3, 3)),
    RNG.normal(size=(2, 3, 4)),
)
W = np.arange(6.0) * 0.3
V = np.arange(9.0).reshape(3, 3)


def named_view_added(x):
    v = x[::-1]
    x += v
    return np.sum(x**2 * W)


def named_view_taken_off(x):
    v = x[:-1]
    x[1:] -= v
    return np.sum(x**2 * W)


def row_into_columns(q):
    v = q[1]
    q.T[:] = v
    return np.sum(q**2 * V)


def view_into_places(x):
    v = x[3:][::-1]
    x[[3, 4, 5]] = v
    return np.sum(x**2 * W)


def two_views(x):
    v = x[1:]
    w = x[:-1]
    v += w
    w *= v
    return np.sum(x**2 * W)


def made_in_branches(x):
    u = np.zeros(6)
    if x[0] > 0:
        u = 3.0 * x
    else:
        u = u + x * x
    u[3] *= x[1]
    return np.sum(u**2 * W)


def last_of_many(x, q):
    v = x.reshape(2, 3)
    y = np.diff(x)
    s = np.flip(x)[-1] ** 2 + y[-1] ** 2 * np.diff(x * x)[-2] + (x * np.arange(6))[-1]
    s += np.sum(np.tril(q)[-1] ** 2) + np.convolve(x, x[:3])[-2] ** 2 + v[-1, -1] ** 2
    return s + np.diagonal(q)[-1] ** 2 + np.roll(q, 1)[-1, -1] + np.sum(x[1:][np.array([-1, -2])])


def store_at_the_end(x):
    v = x.reshape(2, 3)
    v[1, -1] = 10.0
    v[-1, 0] = x[0] * 4
    return np.sum(x**2)


def places_from_the_end(x, t):
    s = np.sum(np.take(x[1:], [-1, 0]) ** 2) + np.sum(x[2:][[-1]] * x)
    return s + np.sum(t[:, 1:][[-1, 0], [-1, 0]] ** 2 * np.arange(4))


def asarray_is_the_array(x):
    z = np.asarray(x)
    z[0] = 3.0 * x[1]
    return np.sum(x**2)


def ranges_in_place(x, m):
    k = np.arange(6)
    k *= 2
    c = m.sum(axis=0)
    c *= 3
    return np.sum(x * k) + np.sum(c**2) + doubled(x * 2)


def doubled(v):
    v *= 2
    return v.sum()


def made_in_a_branch(x, m):
    if x[0] > -9:
        z = np.cumsum(m, axis=0)
    else:
        z = m * 2
    y = x * 0.5
    if x[1] < 9:
        y = x[x > 0]
    return np.sum(z**2) + np.sum(y**2)


def grown_in_a_loop(x):
    y = x[:2] * 1.0
    for i in range(3):
        y = np.append(y, x[i] * y[0])
    for _ in range(2):
        x = np.cumsum(x) * 0.5
    return np.sum(y**2) + np.sum(x)


def in_a_tuple(x):
    p = (x, x * 2)
    return np.sum(p[0] * p[1])


def one_for_all(x, o):
    x[x > 0.0] = o
    x[3:5] = o
    return np.sum(x**2 * W)


ONE = RNG.normal(size=1)
CASES: list[tuple[Callable[..., float], tuple[Any, ...]]] = [
    (named_view_added, (X,)),
    (named_view_taken_off, (X,)),
    (row_into_columns, (Q,)),
    (view_into_places, (X,)),
    (two_views, (X,)),
    (made_in_branches, (X,)),
    (made_in_branches, (-X,)),
    (last_of_many, (X, Q)),
    (store_at_the_end, (X,)),
    (places_from_the_end, (X, T)),
    (asarray_is_the_array, (X,)),
    (ranges_in_place, (X, M)),
    (made_in_a_branch, (X, M)),
    (grown_in_a_loop, (X,)),
    (in_a_tuple, (X,)),
    (one_for_all, (X, ONE)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c[0].__name__)
def test_programs(case: Any) -> None:
    compare(*case)


@pytest.mark.compiled
@pytest.mark.parametrize("f", [last_of_many, store_at_the_end, one_for_all])
def test_compiled(f: Callable[..., float]) -> None:
    args = dict((case[0], case[1]) for case in CASES)[f]
    value, _ = value_and_grad(f, argnums=tuple(range(len(args))))(*args)
    assert value == pytest.approx(float(f(*oracle.copies(args))), rel=1e-12)


def reshaped_slice(x):
    y = x[0:4].reshape(2, 2)
    y[0, 0] = x[1] * 3
    return np.sum(x * x)


def ravelled_stride(x):
    y = x[::2].ravel()
    y[0] = x[1] * 3
    return np.sum(x * x)


def seen_by_a_broadcast(x):
    z = np.broadcast_to(x, (2, 6))
    x[0] = 3.0 * x[1]
    return np.sum(z**2)


def diagonal_by_einsum(q):
    d = np.einsum("ii->i", q)
    q[0, 0] = 4.0 * q[1, 0]
    return np.sum(d**2)


@pytest.mark.parametrize(
    "f, x",
    [
        (reshaped_slice, X),
        (ravelled_stride, X),
        (seen_by_a_broadcast, X),
        (diagonal_by_einsum, Q),
    ],
)
def test_what_depends_on_layout_is_refused(f: Callable[..., float], x: Any) -> None:
    with pytest.raises(UnsupportedError):
        plain_value_and_grad(f, (0,))(x.copy())


def narrow(x, b, u):
    return np.sum(x * (b + b)) + np.sum(x * (u + u)) + np.sum(x * (b * b))


@pytest.mark.compiled
def test_narrow_types_wrap_as_in_numpy() -> None:
    b = np.array([True, False, True, True, False, True])
    u = np.array([200, 100, 3, 250, 7, 9], dtype=np.uint8)
    value, grads = value_and_grad(narrow)(X, b, u)
    assert value == pytest.approx(float(narrow(X, b, u)), rel=1e-13)
    np.testing.assert_allclose(grads, (b + b) * 1.0 + (u + u) + b * b, rtol=1e-13)


def test_nan_wins() -> None:
    x = X.copy()
    x[2] = np.nan
    assert np.isnan(plain_value_and_grad(middle, (0,))(x)[0])


def middle(x):
    return np.median(x)
