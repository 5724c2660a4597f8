"""What may be differentiated itself: functions with ``*args``, ``@vectorize`` functions; and
``.primal`` of functions that Numba alone cannot compile."""
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

import numpy as np
import pytest
from numba import float64, njit, vectorize

from adcompile import AdcompileError, grad, jvp, value_and_grad, vjp

X = np.array([0.4, -1.2, 0.7])


def polynomial(x, *coefficients):
    total = 0.0
    for k in range(len(coefficients)):
        total += coefficients[k] * np.sum(x ** (k + 1))
    return total * coefficients[0]


def test_star_arguments() -> None:
    value, (of_x, of_rest) = value_and_grad(polynomial, argnums=(0, 1))(X, 1.5, -0.3)
    inner = 1.5 * X.sum() - 0.3 * (X**2).sum()
    assert value == pytest.approx(1.5 * inner, rel=1e-14)
    np.testing.assert_allclose(of_x, 1.5 * (1.5 - 0.6 * X), rtol=1e-14)
    np.testing.assert_allclose(of_rest, (inner + 1.5 * X.sum(), 1.5 * (X**2).sum()), rtol=1e-14)

    out, pullback = vjp(polynomial, X, 1.5, -0.3)
    cotangents = pullback(2.0)  # one per argument of the call
    assert out == pytest.approx(value) and len(cotangents) == 3
    np.testing.assert_allclose(cotangents[0], 2.0 * of_x, rtol=1e-14)
    np.testing.assert_allclose(cotangents[1:], np.multiply(2.0, of_rest), rtol=1e-14)

    _, tangent = jvp(polynomial, (X, 1.5, -0.3), (None, 1.0, 0.5))
    assert tangent == pytest.approx(of_rest[0] + 0.5 * of_rest[1], rel=1e-14)


def test_star_arguments_with_axes_of_one() -> None:
    @njit
    def scaled(x, *rest):
        return np.sum(x * rest[0]) * rest[1]

    x, row = np.ones((2, 3)), np.array([[2.0], [5.0]])
    of_x, of_rest = grad(scaled, argnums=(0, 1))(x, row, 3.0)
    np.testing.assert_allclose(of_x, 3.0 * np.broadcast_to(row, (2, 3)))
    np.testing.assert_allclose(of_rest[0], [[9.0], [9.0]])
    assert of_rest[1] == pytest.approx(21.0)


def test_star_arguments_behind_a_default() -> None:
    @grad
    def product(x, y=2.0, *rest):
        total = x * y
        for factor in rest:
            total *= factor
        return total

    assert product(2.0) == 2.0
    assert product(2.0, 3.0, 4.0, 5) == 60.0


def test_keywords_stay_refused() -> None:
    def keywords(x, **rest):
        return x

    with pytest.raises(AdcompileError, match="is not a plain one"):
        grad(keywords)


def test_vectorised_functions() -> None:
    @vectorize([float64(float64, float64)], fastmath=True)
    def bent(x, a):
        return x * x * a if x > 0.0 else -x

    assert value_and_grad(bent, argnums=(0, 1))(2.0, 3.0) == (12.0, (12.0, 4.0))
    assert value_and_grad(bent, argnums=(0, 1))(-2.0, 3.0) == (2.0, (-1.0, 0.0))
    with pytest.raises(AdcompileError):  # of numbers only
        grad(bent)(X, 3.0)


def plain_callee(z):
    return z * z


def test_primals() -> None:
    """Of a function that calls a plain one, and of dicts."""

    @grad
    def square(x):
        return plain_callee(x) + 1.0

    assert square.primal(2.0) == 5.0
    assert square.primal(np.float32(3.0)) == 10.0

    @grad
    def of_dict(p, q):
        return plain_callee(p["w"]) * q[0]

    assert of_dict.primal({"w": 2.0}, (3.0,)) == 12.0
    assert of_dict.primal({"w": 2.0}, (5.0,)) == 20.0
    assert of_dict({"w": 2.0}, (3.0,)) == {"w": 12.0}
