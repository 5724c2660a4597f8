"""Elements that are read again in reverse, as nothing overwrites them after they were read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from adcompile import value_and_grad
from adcompile.testing import plain_value_and_grad
from tests import nest_random, oracle

rng = np.random.default_rng(5)
B = rng.normal(size=(6, 6))
A = B @ B.T + 4.0 * np.eye(6)


def cholesky(a):
    n = a.shape[0]
    for i in range(n):
        for j in range(i):
            for k in range(j):
                a[i, j] -= a[i, k] * a[j, k]
            a[i, j] /= a[j, j]
        for k in range(i):
            a[i, i] -= a[i, k] * a[i, k]
        a[i, i] = np.sqrt(a[i, i])
    total = a[n - 1, 0] * a[2, 1]
    for i in range(n):
        total += np.log(a[i, i])
    return total


def eliminated(a):
    n = a.shape[0]
    for k in range(n):
        for i in range(k + 1, n):
            a[i, k] /= a[k, k]
            for j in range(k + 1, n):
                a[i, j] -= a[i, k] * a[k, j]
    return np.sum(np.sin(a))


def substituted(a, x):
    for i in range(x.size):
        for j in range(i):
            x[i] -= a[i, j] * x[j]
        x[i] /= a[i, i]
    for i in range(x.size - 1, -1, -1):
        for j in range(i + 1, x.size):
            x[i] -= a[j, i] * x[j]
        x[i] = np.tanh(x[i] / a[i, i])
    return np.sum(x**2)


def filtered(x, b):
    for i in range(2, x.size):
        x[i] = np.sin(x[i] + b * x[i - 1] - 0.2 * x[i - 2] ** 2) * x[0]
    return np.sum(x * x)


def written_by_longer_rows(x, b):
    """The end of the range of ``j`` moves: what a later row writes, this one has read."""
    for i in range(x.size - 2, -1, -1):
        for j in range(i + 1, x.size, 2):
            x[j] = np.cos(x[j] * x[i]) * b
    return np.sum(np.sin(x) * x)


def written_by_earlier_columns(x, b):
    for i in range(x.size):
        for j in range(i + 1):
            for k in range(j):
                x[j] += 0.3 * np.sin(x[k] * x[i]) * b
    return np.sum(np.sin(x) * x)


CASES = [
    (cholesky, (A,), True),
    (eliminated, (A,), False),
    (substituted, (A, rng.normal(size=6)), False),
    (filtered, (rng.normal(size=9), 0.7), False),
    (written_by_longer_rows, (rng.normal(size=7), 0.7), False),
    (written_by_earlier_columns, (rng.normal(size=7), 0.7), False),
]


@pytest.mark.parametrize("optimise", (True, False))
@pytest.mark.parametrize(("f", "args"), [case[:2] for case in CASES], ids=lambda c: str(c)[:20])
def test_right(f: Any, args: Any, optimise: bool) -> None:
    argnums = tuple(range(len(args)))
    value, slopes = plain_value_and_grad(f, argnums, optimise)(*oracle.copies(args))
    assert value == pytest.approx(f(*oracle.copies(args)), rel=1e-13)
    for k, slope in enumerate(slopes):
        d = rng.normal(size=np.shape(args[k]))
        estimate = oracle.directional(f, args, {k: d}, 1e-4)
        assert estimate.reliable and estimate.agrees(float(np.sum(slope * d)))


@pytest.mark.compiled
@pytest.mark.parametrize("f", (cholesky, eliminated))
def test_factorisations_keep_quotients_only(f: Any) -> None:
    """And nothing of their innermost loops."""
    derivative = value_and_grad(f)
    derivative(A)
    text = (derivative.fused_source or derivative.forward_source) + derivative.adjoint_source
    assert "loop_" not in text and text.count("grow(") == 1
    for one, other in zip(derivative(A), value_and_grad(f, optimise=False)(A), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize("first", range(0, 120, 20))
def test_random_nests(first: int) -> None:
    """More of them: ``python -m tests.nest_random``."""
    found = [nest_random.check(f"tests:{k}") for k in range(first, first + 20)]
    wrong = [one for one in found if one not in ("ok", "outside")]
    assert not wrong, "\n".join(wrong)
    assert found.count("ok") >= 6
