"""Products and linear algebra: library calls with adjoints of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from adcompile import jvp, value_and_grad, vjp
from adcompile.runtime import cholesky, systems
from tests import oracle
from tests.test_arrays import compare

RNG = np.random.default_rng(0)
X, M = RNG.normal(size=6), RNG.normal(size=(3, 4))


def solves(x: Any, m: Any) -> float:
    a = m @ m.T + np.eye(3) * 2.0
    one = np.linalg.solve(a, x[:3])
    many = np.linalg.solve(a, m)
    return np.sum(one * x[3:]) + np.sum(many**2 * m)


def inverses(m: Any) -> float:
    a = m[:, :3] + 3.0 * np.eye(3)
    b = np.linalg.inv(a)
    return np.sum(np.sin(b) * m[:, 1:]) + 0.1 * np.linalg.det(a) + np.sum(b @ m)


def logarithms(m: Any) -> float:
    sign, logarithm = np.linalg.slogdet(m[:, :3] @ m[:, 1:].T)
    return sign * logarithm**2


def factors(x: Any, m: Any) -> float:
    low = np.linalg.cholesky(m @ m.T + np.eye(3))
    return np.sum(np.log(np.diag(low))) + np.sum((low @ x[:3]) ** 2 * x[3:])


def spectra(x: Any, m: Any) -> float:
    values, vectors = np.linalg.eigh(m @ m.T + np.outer(x[:3], x[:3]))
    return np.sum(values**2) + np.sum(vectors[0] ** 2 * x[3:]) + vectors[1, 1] * vectors[2, 1]


def orthogonal(m: Any) -> float:
    q, r = np.linalg.qr(m.T)
    return np.sum(q * m.T**2) + np.sum(np.sin(r))


def pseudo(x: Any, m: Any) -> float:
    tall, wide = np.linalg.pinv(m.T), np.linalg.pinv(m)
    return np.sum(np.sin(tall) * m) + np.sum((wide @ x[:3]) ** 2)


def singular(x: Any, m: Any) -> float:
    u, s, vt = np.linalg.svd(m, full_matrices=False)
    shape = np.sum(u[:, 0] ** 2 * x[:3]) + u[0, 1] * vt[1, 2] + np.sum(vt[2] ** 2 * x[2:])
    return np.sum(s**3) + shape + np.linalg.svd(m.T, compute_uv=False)[0]


def process(x: Any, y: Any, theta: Any) -> float:
    """The marginal likelihood of a Gaussian process."""
    apart = x[:, None] - x[None, :]
    k = theta[0] * np.exp(-0.5 * apart**2 / theta[1] ** 2) + theta[2] * np.eye(x.size)
    low = np.linalg.cholesky(k)
    v = np.linalg.solve(low, y)
    return 0.5 * np.dot(v, v) + np.sum(np.log(np.diag(low)))


def products(x: Any, m: Any) -> float:
    left, right = x[:3] @ m, m @ x[2:]
    return np.sum(left**2) + np.sum(np.dot(m, m.T) ** 2) + np.sum(right * x[3:]) + left @ left


def operands_written_later(m: Any) -> float:
    a = m[:, :3].copy()
    b = a @ a
    c = np.linalg.inv(b + np.eye(3) * 9.0)
    a[0, 0] = 5.0
    b[1] *= 2.0
    c[0] += 1.0
    return np.sum(b**2) + np.sum(a * b) + np.sum(np.sin(c))


def perceptron(x: Any, w: Any, b: Any, v: Any) -> float:
    h = np.tanh(x @ w + b)
    z = h @ v
    z = z - z.max(axis=1)[:, None]
    return -np.mean(z[:, 0] - np.log(np.sum(np.exp(z), axis=1)))


CASES: list[tuple[Callable[..., float], tuple[Any, ...]]] = [
    (solves, (X, M)),
    (inverses, (M,)),
    (logarithms, (M,)),
    (factors, (X, M)),
    (spectra, (X, M)),
    (orthogonal, (M,)),
    (pseudo, (X, M)),
    (singular, (X, M)),
    (process, (np.sort(X) * 3, X[::-1].copy(), np.array([1.1, 0.8, 0.3]))),
    (products, (X, M)),
    (operands_written_later, (M,)),
    (perceptron, (M, RNG.normal(size=(4, 5)), RNG.normal(size=5), RNG.normal(size=(5, 2)))),
]
each = pytest.mark.parametrize("case", CASES, ids=lambda c: c[0].__name__)


@each
@pytest.mark.parametrize("optimise", [True, False])
def test_derivatives(case: Any, optimise: bool) -> None:
    compare(*case, optimise)


@pytest.mark.compiled
@each
def test_compiled(case: Any) -> None:
    f, args = case
    argnums = tuple(range(len(args)))
    derivative = value_and_grad(f, argnums=argnums)
    value, grads = derivative(*args)
    assert value == pytest.approx(f(*oracle.copies(args)), rel=1e-11)
    d = oracle.random_direction(args, argnums, np.random.default_rng(2))
    _, tangent = jvp(f, args, tuple(d[k] for k in argnums))
    size = sum(float(np.sum(np.abs(g * d[k]))) for k, g in zip(argnums, grads))
    assert abs(tangent - oracle.dot(grads, argnums, d)) <= 1e-12 * max(1.0, size)


def test_products_are_calls() -> None:
    text = value_and_grad(perceptron, argnums=(1, 2, 3)).source(
        *["float64[:,::1]"] * 2, "float64[::1]", "float64[:,::1]"
    )
    forward, adjoint = text.split("@njit")[1:3]
    assert forward.count("dot_22(") == 2 and adjoint.count("dot_22_") == 3


def in_a_loop(m: Any) -> float:
    total = 0.0
    a = m[:, :3].copy()
    for k in range(2):
        a = np.tanh(a @ a + k)
        total += np.sum(a @ m)
    return total


def implicit_euler(u: Any, a: Any) -> Any:
    for k in range(3):
        u = np.linalg.solve(np.eye(3) + 0.1 * a * (k + 1.0), u + 0.1 * np.sin(u))
    return u


@pytest.mark.compiled
def test_pullbacks_leave_the_stack_alone() -> None:
    u, a = X[:3].copy(), np.ascontiguousarray(M[:, :3])
    out, pullback = vjp(implicit_euler, u, a)
    np.testing.assert_allclose(out, implicit_euler(u, a), rtol=1e-13)
    first, again = pullback(np.ones(3)), pullback(np.ones(3))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    _, tangent = jvp(implicit_euler, (u, a), (u, a))
    assert np.sum(tangent) == pytest.approx(np.sum(first[0] * u) + np.sum(first[1] * a), rel=1e-12)


def test_in_loops() -> None:
    """Products are loops there."""
    compare(in_a_loop, (M,))


@pytest.mark.parametrize("n", [1, 48, 49, 130])
def test_triangular_systems_in_blocks(n: int) -> None:
    rng = np.random.default_rng(n)
    low = np.tril(rng.normal(size=(n, n))) * 0.1 + 2.0 * np.eye(n)
    for b in (rng.normal(size=n), rng.normal(size=(n, 3))):
        np.testing.assert_allclose(systems.forwards(low, b, False), np.linalg.solve(low, b), 1e-11)
        up = low.T
        np.testing.assert_allclose(systems.backwards(up, b, False), np.linalg.solve(up, b), 1e-11)
    l_adj, a_tan = rng.normal(size=(n, n)), np.tril(rng.normal(size=(n, n)))
    a_adj, l_tan = np.zeros((n, n)), np.zeros((n, n))
    cholesky.cholesky_adjoint(a_adj, l_adj, low)
    cholesky.cholesky_tangent(l_tan, a_tan, low)
    size = np.sum(np.abs(a_adj * a_tan))
    assert abs(np.sum(a_adj * a_tan) - np.sum(l_adj * l_tan)) <= 1e-12 * max(1.0, size)
