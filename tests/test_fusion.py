"""Nests that become one, and loops that run forward and in reverse at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from adcompile import BroadcastError, value_and_grad
from adcompile.testing import plain_value_and_grad
from tests.test_arrays import compare

RNG = np.random.default_rng(11)
X, Y = RNG.normal(size=(5, 4)), RNG.normal(size=(4, 3))
B, C = RNG.normal(size=4), RNG.normal(size=3)


def rows(x, y, b, c):
    """A log-sum-exp per row, of squared distances."""
    p = x @ y
    far = np.sum((p.reshape(5, 3, 1) - c) ** 2, axis=2) - c
    top = np.max(far, axis=1)
    return np.sum(top + np.log(np.sum(np.exp(far - top[:, None]), axis=1)))


def rows_and_what_follows(x, y, b, c):
    """What comes after the loop knows the adjoint of its sums, having moved before it."""
    far = np.sum(np.sin(x[:, None, :] * b) ** 2, axis=2)
    total = np.sum(np.exp(far - np.sum(x, axis=1)[:, None]))
    scale = np.log(np.sum(np.exp(c)))
    return total * scale + np.sum(b**3)


def read_by_the_next_row(x, y, b, c):
    s = np.zeros((5, 4))
    for i in range(5):
        for j in range(4):
            s[i, j] = np.sin(x[i, j])
    total = 0.0
    for i in range(5):
        for j in range(4):
            total += s[i - 1, j] * s[i, j] ** 2
    return total


def read_across(x, y, b, c):
    s = np.exp(x[:4] * b)
    t = np.sum(s * s.T, axis=1)
    return np.sum(t**2) + np.sum(s)


def rows_needed_afterwards(x, y, b, c):
    """The reverse of the last line needs elements that the nest makes."""
    s = np.exp(x * b)
    t = np.sum(s[:, :, None] * y, axis=1)
    u = np.sum(t**2, axis=1)
    return np.sum(u) + s[2, 1] ** 3 * u[1] ** 2


def overwritten_later(x, y, b, c):
    s = x * b
    t = np.sum(np.sin(s)[:, :, None] * y, axis=1)
    s[1] = t[0, 0] * s[2]
    return np.sum(t**2) + np.sum(s**3)


def folded(x, y, b, c):
    """Subscripts of the kind i * n + j visit every element once."""
    p = (x @ y).reshape(15)
    q = np.tanh(p).reshape(3, 5)
    return np.sum(q[:, :2] * q[:, 3:]) + np.sum(q**2 * np.arange(5.0))


def read_once(x, y, b, c):
    shifted = x[:, None, :] - y.T
    scaled = np.einsum("ijk,jk->jik", shifted, y.T)
    return np.sum(np.exp(scaled * 0.3) * c[:, None, None])


def tall(x, y, b, c):
    wide = np.sin(np.outer(c, np.arange(1.0, 21.0)) * b[0])
    return np.sum((x @ y @ wide) ** 2) + np.sum((wide.T @ (x @ y).T) ** 3)


def scale_inside_and_outside(x, y, b, c):
    """The scale gets a part of its adjoint in the loop, and another part after it."""
    s = np.exp(b[0])
    t = np.sum(c)
    total = np.sum(np.sum(np.sin(x[:, :, None] * s) * y, axis=1) ** 2)
    return total * np.log(s + t**2) + s * t


def scale_that_the_loop_changes(x, y, b, c):
    s = np.exp(b[0])
    total = 0.0
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            total += np.sin(x[i, j] * s)
            s += 0.1 * x[i, j] ** 2
    return total * s


def array_inside_and_outside(x, y, b, c):
    w = np.exp(c)
    total = np.sum(np.sum(x[:, :, None] * y * w, axis=1) ** 3)
    w[1] *= total
    return total * w[0] + w[1] ** 2


def trips_after(x, y, b, c):
    """How often a later loop runs is known only after the nest."""
    total = 0.0
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            total += np.sin(x[i, j] * b[j])
    s = 1.0
    while s < 40.0:
        s = s * 1.5 + 0.01 * total
    return s


def exits_after(x, y, b, c):
    total = 0.0
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            total += np.sin(x[i, j] * b[j])
    s = total
    for k in range(20):
        if s > 3.0:
            break
        s = s * 1.5 + 1.0
    return s


def chosen_after(x, y, b, c):
    total = 0.0
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            total += np.sin(x[i, j] * b[j])
    u = np.zeros(3)
    v = np.ones(3)
    for k in range(3):
        if total > 0.05 * k:
            u, v = v, u
        u[k] = u[k] * 0.5 + total
    return u[0] + 2.0 * u[1] + 3.0 * v[2]


def made_after(x, y, b, c):
    total = 0.0
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            total += np.sin(x[i, j] * b[j])
    n = 0
    while n * 0.7 < abs(total):
        n += 1
    w = np.full(n + 1, total)
    return 2.0 * w[n] + w[0]


def slice_after(x, y, b, c):
    u = np.empty((5, 4))
    total = 0.0
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            u[i, j] = np.sin(x[i, j] * b[j])
            total += u[i, j]
    k = int(abs(total)) % 4
    return total + 2.0 * u[k, k] + u[1, 2]


def wrapped_rows(x, y, b, c):
    u = np.empty((5, 4))
    total = 0.0
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            u[i, j] = np.sin(x[i, j] * b[j])
        for j in range(x.shape[1]):
            total += u[i, j] * u[i, -1] ** 2
    return total * u[-1, 0]


PROGRAMS = [
    rows,
    rows_and_what_follows,
    read_by_the_next_row,
    read_across,
    rows_needed_afterwards,
    overwritten_later,
    folded,
    read_once,
    tall,
    scale_inside_and_outside,
    scale_that_the_loop_changes,
    array_inside_and_outside,
    trips_after,
    exits_after,
    chosen_after,
    made_after,
    slice_after,
    wrapped_rows,
]


@pytest.mark.parametrize("optimise", [True, False])
@pytest.mark.parametrize("f", PROGRAMS)
def test_gradients(f: Callable[..., Any], optimise: bool) -> None:
    compare(f, (X, Y, B, C), optimise)


def extents_compared_late(x, y):
    u = np.empty((x.shape[0], 4))
    for i in range(x.shape[0]):
        for j in range(4):
            u[i, j] = np.sin(x[i, j])
    v = np.empty((y.shape[0], 4))
    for i in range(y.shape[0]):
        for j in range(4):
            v[i, j] = u[i, j] * y[i]
    w = np.sum(u, axis=1) + y
    return np.sum(w**2) + np.sum(v**3)


@pytest.mark.parametrize("optimise", [True, False])
@pytest.mark.parametrize("longer", [X, X[:4]])
def test_a_comparison_that_comes_late(longer: np.ndarray, optimise: bool) -> None:
    """One loop is right only behind the guard of ``+ y``: else it writes behind ``v``."""
    shorter = B if len(B) != len(longer) else B[:-1]
    with pytest.raises(BroadcastError):
        plain_value_and_grad(extents_compared_late, optimise=optimise)(longer, shorter)


@pytest.mark.compiled
@pytest.mark.parametrize("f", [rows, scale_inside_and_outside])
def test_compiled(f: Callable[..., Any]) -> None:
    made = value_and_grad(f, argnums=(0, 1, 2, 3))
    plain = value_and_grad(f, argnums=(0, 1, 2, 3), optimise=False)
    for k in range(2):
        args = [a + 0.1 * k for a in (X, Y, B, C)]
        (value, found), (expected, wanted) = made(*args), plain(*args)
        assert value == pytest.approx(expected, rel=1e-13)
        for one, other in zip(found, wanted):
            np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-13)


def fused(f: Callable[..., Any]) -> str | None:
    """The function for value and gradient, if it is one."""
    text = value_and_grad(f, argnums=(0, 1, 2, 3)).source(X, Y, B, C)
    return text.split("_fused_", 1)[1].split("@njit")[0] if "_fused_" in text else None


def outer_loops(text: str) -> int:
    return sum(line.startswith("    for ") for line in text.splitlines())


def test_all_that_happens_to_a_row_happens_at_once() -> None:
    text = fused(rows)
    assert text is not None and outer_loops(text) == 1


@pytest.mark.parametrize("f", [rows_and_what_follows, scale_inside_and_outside])
def test_the_rest_of_the_reverse_sweep_waits(f: Callable[..., Any]) -> None:
    assert fused(f) is not None


@pytest.mark.parametrize("f", [rows_needed_afterwards, scale_that_the_loop_changes])
def test_reverse_that_needs_the_whole_loop(f: Callable[..., Any]) -> None:
    assert fused(f) is None


def test_other_rows_are_not_there_yet() -> None:
    """Two nests stay two."""
    text = value_and_grad(read_by_the_next_row).source(X, Y, B, C)
    body = text.split("_fused_", 1)[1].split("@njit")[0]
    assert outer_loops(body) == 3
