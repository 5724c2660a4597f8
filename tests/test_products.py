"""Matrix products that become library calls in one of their forms, and reshapes beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from adcompile import value_and_grad
from tests.test_arrays import compare

rng = np.random.default_rng(5)
A, B, C = rng.normal(size=(4, 3)), rng.normal(size=(5, 3)), rng.normal(size=(4, 5))
S, T = rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 3, 5))


def by_transposed(a: Any, b: Any) -> Any:
    return np.sum(np.tanh(a @ b.T) ** 2)


def transposed_by(a: Any, c: Any) -> Any:
    return np.sum(np.sin(a.T @ c) * 0.5)


def gram(a: Any) -> Any:
    return np.sum(np.exp(-0.1 * (a @ a.T))) + np.sum(np.cos(a.T @ a))


def stacks(s: Any, t: Any) -> Any:
    return np.sum(np.tanh(s @ t) ** 2)


def einsum_of_stacks(s: Any, b: Any) -> Any:
    return np.sum(np.einsum("kij,nkj->nki", s, b[:4].reshape(2, 2, 3)) ** 3)


def einsum_turned(s: Any, t: Any) -> Any:
    return np.sum(np.sin(np.einsum("sij,sjk->ski", s, t)))


def twice(s: Any) -> Any:
    return np.sum(np.einsum("sij,skj->sik", s, s) ** 2)


def merged(s: Any, b: Any) -> Any:
    n, k, d = s.shape
    flat = s.reshape(n * k, d)
    back = (flat @ b.T).reshape(n, k, b.shape[0])
    return np.sum(np.tanh(back) ** 2) + np.sum(flat[:, 0] ** 3)


def other_shape(s: Any, a: Any) -> Any:
    return np.sum(np.sin(s.reshape(6, 4) @ a))


FORMS = {
    by_transposed: ("dot_nt(", (A, B)),
    transposed_by: ("dot_tn(", (A, C)),
    gram: ("dot_nt(", (A,)),
    stacks: ("stacked_nn(", (S, T)),
    einsum_of_stacks: ("stacked_nt(", (S, B)),
    einsum_turned: ("stacked_n", (S, T)),
    twice: ("stacked_nt(", (S,)),
    merged: ("dot_nt(", (S, B)),
    other_shape: ("reshaped(", (S, A)),
}
each = pytest.mark.parametrize("f", FORMS, ids=lambda f: f.__name__)


@each
@pytest.mark.parametrize("optimise", [True, False])
def test_derivatives(f: Any, optimise: bool) -> None:
    compare(f, FORMS[f][1], optimise)


@each
@pytest.mark.compiled
def test_compiled(f: Any) -> None:
    form, args = FORMS[f]
    derivative = value_and_grad(f, argnums=tuple(range(len(args))))
    value, grads = derivative(*args)
    assert value == pytest.approx(f(*args), rel=1e-13)
    assert form in (derivative.fused_source or derivative.forward_source)
    strided = tuple(np.repeat(a, 2, axis=0)[::2] for a in args)
    again, others = derivative(*strided)
    assert again == pytest.approx(value, rel=1e-13)
    for a, b in zip(grads, others, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


def test_a_view_that_is_written_stays_one() -> None:
    def f(s: Any) -> Any:
        s = s * 1.0
        flat = s.reshape(8, 3)
        flat[0] = 2.0 * flat[1]
        s[1, 0, 0] = flat[2, 1] ** 2
        return np.sum(s**2) + np.sum(flat[:, 0])

    compare(f, (S,))


def test_a_part_of_a_matrix_is_not_the_matrix() -> None:
    def parts(a: Any, c: Any) -> Any:
        p = a.T[:2] @ c
        return np.sum(np.sin(p @ p.T)) + np.sum(np.cos(a[:2].T @ c[:2])) + np.sum(c[:, :2].T @ a)

    compare(parts, (A, C))


def test_a_reshape_of_a_reshaped_array_is_a_view() -> None:
    def seen(s: Any) -> Any:
        t = (s * s).reshape(s.shape[0] * s.shape[1], s.shape[2])
        u = t.reshape(-1)
        u[2] = 2.0
        t[1] = u[:3] ** 2
        return np.sum(t**2) + np.sum(u[4:] ** 3)

    def reshaped(s: Any) -> Any:
        t = np.sin(s).reshape(6, 4)
        u = t.reshape(8, 3)
        t[0] = 2.0
        return np.sum(u**2) + np.sum(t @ t.T)

    compare(seen, (S,))
    compare(reshaped, (S,))


def test_stacks_in_loops() -> None:
    def f(a: Any, b: Any) -> Any:
        total = 0.0
        for t in range(3):
            q = np.einsum("kij,nkj->nki", a * (t + 1), b)
            total += np.sum(np.sin(q))
            a = a + 0.01 * total
        return total

    compare(f, (0.1 * rng.normal(size=(2, 3, 4)), rng.normal(size=(5, 2, 4))))
