"""jvp and Jacobians, against reverse mode and differences."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numba import njit

from adcompile import UnsupportedError, grad, jacfwd, jacobian, jacrev, jvp, vjp
from adcompile.containers import leaves
from adcompile.testing import plain_jvp, plain_value_and_grad
from tests import oracle
from tests.test_inplace import CASES, inputs_of
from tests.test_places import CASES as PLACES

X = np.array([0.3, -0.5, 0.8, 1.1])


def agree(f: Callable[..., Any], args: tuple[Any, ...], argnums: tuple[int, ...]) -> None:
    """<1, J d> = <J^T 1, d>."""
    _, grads = plain_value_and_grad(f, argnums)(*oracle.copies(args))
    rng = np.random.default_rng(8)
    for _ in range(2):
        d = oracle.random_direction(args, argnums, rng)
        given = tuple(oracle.copies(args))
        value, tangent = plain_jvp(f, argnums)(given, tuple(d[k] for k in argnums))
        for before, after in zip(args, given, strict=True):
            np.testing.assert_array_equal(before, after)
        first = tangent[0] if isinstance(value, tuple) else tangent
        size = sum(float(np.sum(np.abs(g * d[k]))) for k, g in zip(argnums, grads))
        assert abs(first - oracle.dot(grads, argnums, d)) <= 1e-13 * max(1.0, size)


@pytest.mark.parametrize("name", list(CASES))
def test_in_place_programs(name: str) -> None:
    agree(CASES[name].program, inputs_of(name), CASES[name].argnums)


def agree_at_once(f: Callable[..., Any], args: tuple[Any, ...], argnums: tuple[int, ...]) -> None:
    """Four directions at once are four directions, one of them idle."""
    rng = np.random.default_rng(9)
    several = [oracle.random_direction(args, argnums, rng) for _ in range(4)]
    several[2] = {k: 0.0 * part for k, part in several[2].items()}
    along = [tuple(d[k] for k in argnums) for d in several]
    value, tangents = plain_jvp(f, argnums, several=True)(oracle.copies(args), sum(along, ()))
    assert len(tangents) == 4
    for one, tangent in zip(along, tangents, strict=True):
        want_value, want = plain_jvp(f, argnums)(oracle.copies(args), one)
        for a, b in zip(leaves((value, tangent)), leaves((want_value, want)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", list(CASES)[::4])
def test_several_directions_in_place(name: str) -> None:
    agree_at_once(CASES[name].program, inputs_of(name), CASES[name].argnums)


@pytest.mark.parametrize("number", range(0, len(PLACES), 4))
def test_several_directions_of_wandering_arrays(number: int) -> None:
    agree_at_once(*PLACES[number])


@pytest.mark.parametrize("number", range(len(PLACES)))
def test_wandering_arrays(number: int) -> None:
    agree(*PLACES[number])


def smooth(x: Any, k: float, n: int) -> Any:
    y = np.empty_like(x)
    a = 0.0
    for i in range(x.size):
        a = math.tanh(k * a + x[i])
        y[i] = a * x[i]
        if a > 0.2:
            x[i] = a * n
    return y, a


@pytest.mark.compiled
def test_several_outputs_and_a_written_argument() -> None:
    direction = np.array([1.0, 2.0, -1.0, 0.3])
    given = X.copy()
    (y, a, last), (y_tan, a_tan, last_tan) = jvp(smooth, (given, 0.7, 3), (direction, 0.3, None))
    np.testing.assert_array_equal(given, X)
    again = X.copy()
    want_y, want_a = smooth(again, 0.7, 3)
    np.testing.assert_allclose(y, want_y, rtol=1e-14)
    np.testing.assert_allclose(last, again, rtol=1e-14)
    assert a == pytest.approx(want_a, rel=1e-14)

    def at(t: float) -> np.ndarray:
        moved = X + t * direction
        out, scalar = smooth(moved, 0.7 + 0.3 * t, 3)
        return np.concatenate([out, [scalar], moved])

    h = 1e-3
    once = [(at(s) - at(-s)) / (2 * s) for s in (h, h / 2)]
    want = (4 * once[1] - once[0]) / 3
    np.testing.assert_allclose(np.concatenate([y_tan, [a_tan], last_tan]), want, rtol=1e-9)

    _, pullback = vjp(smooth, X.copy(), 0.7, 3)
    rng = np.random.default_rng(4)
    bar = (rng.normal(size=4), 0.7, rng.normal(size=4))
    x_adj, k_adj, none = pullback(bar)
    assert none is None
    forward = np.sum(bar[0] * y_tan) + bar[1] * a_tan + np.sum(bar[2] * last_tan)
    assert forward == pytest.approx(np.sum(x_adj * direction) + 0.3 * k_adj, rel=1e-13)


def two(x: Any, k: float) -> Any:
    y = np.empty(2)
    y[0] = x[0] * x[1] * k
    y[1] = math.sin(x[2]) + x[0] * k
    return y


def scalar_and_pair(x: Any, k: float) -> Any:
    y = two(x, k)
    return y[0] * y[1] * k, y


@pytest.mark.compiled
def test_jacobians() -> None:
    x, k = X[:3].copy(), 0.7
    want = np.array([[x[1] * k, x[0] * k, 0.0], [k, 0.0, math.cos(x[2])]])
    for make in (jacfwd, jacrev, jacobian):
        np.testing.assert_allclose(make(two)(x, k), want, rtol=1e-14)
        by_x, by_k = make(two, argnums=("x", 1))(x, k=k)
        np.testing.assert_allclose(by_x, want, rtol=1e-14)
        np.testing.assert_allclose(by_k, [x[0] * x[1], x[0]], rtol=1e-14)
        (scalar_x, scalar_k), (pair_x, pair_k) = make(scalar_and_pair, argnums=(0, 1))(x, k)
        np.testing.assert_allclose(pair_x, want, rtol=1e-14)
        np.testing.assert_allclose(pair_k, [x[0] * x[1], x[0]], rtol=1e-14)
        assert scalar_x.shape == (3,) and np.ndim(scalar_k) == 0
        np.testing.assert_allclose(scalar_x, grad(first_of_pair)(x, k), rtol=1e-13)


def first_of_pair(x: Any, k: float) -> float:
    value, _ = scalar_and_pair(x, k)
    return value


def of_tuple(p: Any, n: int, scale: float = 2.0) -> float:
    s = 0.0
    for i in range(n):
        s = math.sin(s * p[0] + p[1][i]) * scale
    return s


@pytest.mark.compiled
def test_tuples_defaults_and_zeros() -> None:
    given = (0.4, X)
    direction = (0.3, np.array([1.0, -2.0, 0.5, 0.7]))
    value, tangent = jvp(of_tuple, (given, 4), (direction, None))
    _, pullback = vjp(of_tuple, given, 4)
    adjoint = pullback(1.0)[0]
    want = adjoint[0] * direction[0] + np.sum(adjoint[1] * direction[1])
    assert tangent == pytest.approx(want, rel=1e-14) and value == of_tuple(given, 4)
    assert jvp(of_tuple, (given, 4), (None, None))[1] == 0.0
    _, along_scale = jvp(of_tuple, (given, 4, 2.0), (None, None, 1.0))
    assert along_scale == pytest.approx(pullback_of_scale(given), rel=1e-14)


def pullback_of_scale(given: Any) -> float:
    return float(vjp(of_tuple, given, 4, 2.0)[1](1.0)[2])


@pytest.mark.compiled
def test_single_precision_and_dispatchers() -> None:
    x = X.astype(np.float32)
    y, tangent = jvp(njit(two), (x, np.float32(0.7)), (np.ones_like(x), np.float32(0.0)))
    assert y.dtype == np.float64 and tangent.dtype == np.float64

    @njit(error_model="python")
    def ratio(a, b):
        return a / b

    with pytest.raises(ZeroDivisionError):
        jvp(ratio, (1.0, 0.0), (1.0, 1.0))


def weighted(x: Any, w: Any, k: float) -> Any:
    return np.sin(k * x) * w


def waves(x: Any, k: float) -> Any:
    out = np.empty(x.size)
    for i in range(x.size):
        out[i] = math.sin(k * x[i])
    return out


@pytest.mark.compiled
def test_later_calls_look_at_the_types_again() -> None:
    """The second call with arguments of a kind skips what the first has found."""
    f, seed = njit(waves), np.array([1.0, -2.0, 0.5, 0.7])
    for x, k in ((X, 0.7), (X, 2), (np.repeat(X, 2)[::2], 0.7), (X, 0.7), (X[1:2], 0.7)):
        for _ in range(2):
            cotangent = seed[: x.size]
            out, pullback = vjp(f, x, k)
            by_x, by_k = pullback(cotangent)
            again, tangent = jvp(f, (x, k), (cotangent, None))
            for value in (out, again):
                np.testing.assert_allclose(value, np.sin(k * x), rtol=1e-13)
            for value in (by_x, tangent):
                np.testing.assert_allclose(value, cotangent * np.cos(k * x) * k, rtol=1e-13)
            assert (by_k is None) == isinstance(k, int)
    for _ in range(2):
        with pytest.raises(ValueError, match="the tangent has shape"):
            jvp(f, (X, 0.7), (X[1:], None))


@pytest.mark.compiled
def test_columns_in_several_passes() -> None:
    """Five columns, one pass being padded; four; none; one."""
    x, w = np.linspace(0.1, 0.9, 4).reshape(2, 2), np.linspace(0.5, 1.5, 4).reshape(2, 2)
    by_x, by_k = jacfwd(weighted, argnums=(0, 2))(x, w, 0.7)
    want = np.zeros((2, 2, 2, 2))
    for i in np.ndindex(2, 2):
        want[i + i] = math.cos(0.7 * x[i]) * 0.7 * w[i]
    np.testing.assert_allclose(by_x, want, rtol=1e-14)
    np.testing.assert_allclose(by_k, np.cos(0.7 * x) * x * w, rtol=1e-14)
    np.testing.assert_allclose(jacfwd(weighted)(x, w, 0.7), want, rtol=1e-14)
    assert jacfwd(weighted)(x[:0], w[:0], 0.7).shape == (0, 2, 0, 2)
    np.testing.assert_allclose(jacfwd(weighted, argnums=2)(x, w, 0.7), by_k, rtol=1e-14)


def test_what_is_refused() -> None:
    with pytest.raises(TypeError, match="2 primals and 1 tangents"):
        jvp(two, (X, 0.7), (X,))
    with pytest.raises(TypeError, match="as a tuple"):
        jvp(two, X, X)
    with pytest.raises(ValueError, match=r"the tangent has shape \(3,\), the argument \(4,\)"):
        jvp(two, (X, 0.7), (X[:3], 0.0))
    with pytest.raises(TypeError, match="must have a float"):
        jacfwd(of_tuple, argnums=1)((0.4, X), 4)
    with pytest.raises(UnsupportedError, match="derivatives of derivatives"):
        jvp(grad(first_of_pair), (X, 0.7), (X, 0.0))
