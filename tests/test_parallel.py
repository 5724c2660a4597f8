"""``parallel=True``: the same derivatives on several threads; what ``explain`` says of loops."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from numba import njit, prange

from adcompile import grad, value_and_grad
from adcompile.backends.values import type_of
from adcompile.ir import nodes as ir
from adcompile.optimise import parallel
from tests import oracle

rng = np.random.default_rng(11)
X, Y = rng.normal(size=301), rng.uniform(0.5, 2.0, 301)
W, K = rng.normal(size=7), rng.integers(0, 7, 301)
A, B = rng.normal(size=(23, 11)), rng.normal(size=(11, 5))


def fused(x: Any, y: Any) -> float:
    return np.sum(np.sin(x * y) * np.log(y) - x**2)


def scattered(w: Any, x: Any, k: Any) -> float:
    total = 0.0
    for i in prange(x.size):
        total += math.sin(w[k[i]] * x[i]) * w[0]
    return total


def stencil(u: Any, c: float, n: int) -> float:
    u = u.copy()
    w = np.empty_like(u)
    for _ in range(n):
        for i in range(1, u.size - 1):
            w[i] = u[i] + c * (u[i - 1] - 2.0 * u[i] + u[i + 1]) * math.exp(-(u[i] ** 2))
        w[0] = u[0]
        w[-1] = math.sin(u[-1])
        for i in range(u.size):
            u[i] = w[i]
    return np.sum(u * u)


def rows(a: Any, b: Any) -> float:
    z = np.tanh(a @ b)
    top = np.max(z, axis=1)
    return np.mean(top + np.log(np.sum(np.exp(z - top[:, None]), axis=1)) - z[:, 2])


def sum_of_columns(a: Any, w: Any) -> float:
    return np.sum(np.sin(a * w[:5].sum()) + a * a[0]) * w[1]


def early(x: Any, y: Any) -> float:
    total = 0.0
    for i in range(x.size):
        if x[i] > 1.9:
            break
        total += x[i] * y[i] ** 2
    return total


def recurrence(x: Any, y: Any) -> float:
    state = 0.3
    for i in range(x.size):
        state = math.tanh(state * y[i] + x[i])
    return state


def branches(x: Any, y: Any) -> float:
    out = np.zeros_like(x)
    for i in prange(x.size):
        if x[i] > 0.0:
            out[i] = x[i] ** 3 * y[i]
        else:
            out[i] -= y[i] * math.sin(x[i])
    total = 0.0
    for i in prange(x.size):
        total += out[i] * out[x.size - 1 - i]
    return total


def parts_of_rows(a: Any, k: Any) -> float:
    total = 0.0
    for i in prange(k.size):
        row = a[k[i]]
        total += row[0] * math.sin(row[1])
    return total


def counted(x: Any, y: Any) -> float:
    positive = 0
    total = 0.0
    for i in prange(x.size):
        if x[i] > 0.0:
            positive += 1
        total += x[i] ** 2 * y[i]
    return total * (positive // 2) + x[positive]


def windows(a: Any, w: Any) -> float:
    out = np.zeros(a.shape[0])
    k = w.shape[0]
    for i in prange(a.shape[0]):
        part = a[i, : min(k, a.shape[1])]
        if part.size != k:
            raise ValueError("too narrow")
        out[i] = np.sum(part * w) ** 2
    return np.sum(np.sin(out))


def guarded(x: Any, y: Any) -> float:
    out = np.zeros_like(x)
    for i in prange(x.size):
        if x[i] > 1e6:
            raise ValueError("too large")
        for j in range(y.size // 100):
            out[i] += x[i] * y[j]
    return np.sum(out**2)


def left_before_it_raises(a: Any, w: Any) -> float:
    out = np.zeros(a.shape[0])
    for i in prange(a.shape[0]):
        for j in range(a.shape[1]):
            if j == 2:
                break
            if j > 4:
                raise ValueError("never reached")
            out[i] += a[i, j] * w[j]
    return np.sum(out**3)


CASES = [
    (left_before_it_raises, (A, W), (0, 1)),
    (windows, (A, W), (0, 1)),
    (guarded, (X, Y), (0, 1)),
    (parts_of_rows, (A[:7, :2].copy(), rng.integers(0, 3, 5000)), (0,)),
    (counted, (X, Y), (0, 1)),
    (fused, (X, Y), (0, 1)),
    (scattered, (W, X, K), (0, 1)),
    (stencil, (X, 0.1, 5), (0, 1)),
    (rows, (A, B), (0, 1)),
    (sum_of_columns, (A, W), (0, 1)),
    (early, (X, Y), (0, 1)),
    (recurrence, (X, Y), (0, 1)),
    (branches, (X, Y), (0, 1)),
]
THREADED = (
    left_before_it_raises,
    windows,
    guarded,
    fused,
    scattered,
    stencil,
    rows,
    sum_of_columns,
    branches,
    parts_of_rows,
    counted,
)


@pytest.mark.compiled
@pytest.mark.parametrize("enough", [0, 20_000])
@pytest.mark.parametrize("case", CASES, ids=lambda c: c[0].__name__)
def test_the_same_on_several_threads(case: Any, enough: int, monkeypatch: Any) -> None:
    """``enough``: operations for which inner loops wake the threads."""
    monkeypatch.setattr(parallel, "_ENOUGH", ir.Const(enough))
    f, args, argnums = case
    one = value_and_grad(f, argnums=argnums)(*oracle.copies(args))
    several = value_and_grad(f, argnums=argnums, parallel=True, cache=False)
    found = several(*oracle.copies(args))
    assert found[0] == pytest.approx(one[0], rel=1e-13)
    for a, b in zip(found[1], one[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11)
    again = several(*oracle.copies(args))
    assert again[0] == found[0]
    assert all(np.array_equal(a, b) for a, b in zip(again[1], found[1], strict=True))
    text = several.forward_source + several.adjoint_source + (several.fused_source or "")
    assert ("prange" in text) == (f in THREADED)


@pytest.mark.compiled
def test_explain() -> None:
    def told(f: Any, args: Any) -> str:
        derivative = grad(f, parallel=True)
        derivative(*args)
        return derivative.explain()

    assert "runs on several threads" in told(scattered, (W, X, K))
    assert "one thread: it can be left early" in told(early, (X, Y))
    assert "one thread: each iteration needs state of the one before" in told(recurrence, (X, Y))


@pytest.mark.compiled
def test_a_sum_of_the_users_keeps_its_order() -> None:
    def summed(x, y):
        total = 0.0
        for i in range(x.size):
            total += x[i] * math.sin(y[i])
        return total

    derivative = grad(summed, parallel=True, vector_math=False)
    derivative(X, Y)
    assert "total is summed in the order of range(); use prange" in derivative.explain()
    assert derivative.value_and_grad(X, Y)[0] == njit(summed)(X, Y)


@pytest.mark.compiled
def test_scattered_sums_have_a_buffer_a_thread() -> None:
    derivative = grad(scattered, parallel=True)
    derivative(W, X, K)
    assert derivative.fused_source is not None
    assert "buffers(blocks, w_adj)" in derivative.fused_source
    assert "buffers(blocks, x_adj)" not in derivative.fused_source


@pytest.mark.compiled
def test_names_do_not_meet_those_of_numba() -> None:
    def rebound(x, w):
        for _ in range(2):
            y = np.exp(-x * w)
            z = y + np.sum(y)
            w = z / np.sum(z)
            x = x + w
        return np.sum(x * w)

    one = value_and_grad(rebound, argnums=(0, 1))(X, Y)
    several = value_and_grad(rebound, argnums=(0, 1), parallel=True)(X, Y)
    for a, b in zip(several[1], one[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)


@pytest.mark.compiled
def test_parts_of_an_array_do_not_race() -> None:
    derivative = grad(parts_of_rows, parallel=True)
    derivative(A[:7, :2].copy(), K)
    assert derivative.fused_source is not None and "prange" not in derivative.fused_source
    assert "is written, and may be known by another name" in derivative.explain()


@pytest.mark.compiled
def test_what_a_loop_raises_is_raised_before_it_has_threads() -> None:
    derivative = grad(windows, parallel=True)
    derivative(A, W)
    assert "runs on several threads" in derivative.explain()
    with pytest.raises(ValueError, match="too narrow"):
        derivative(A[:, :1], W)
    derivative = grad(guarded, parallel=True)
    derivative(X, Y)
    assert "one thread: it may raise an exception" in derivative.explain()
    assert (
        "for j in range(y.shape[0] // 100):" in derivative.forward_source
    )  # has no threads either


@pytest.mark.compiled
def test_short_inner_loops_have_one_thread() -> None:
    """Threads are woken for as much work as that takes, and not by Numba for small arrays."""
    derivative = grad(stencil, parallel=True)
    derivative(X, 0.1, 3)
    text = derivative.source(*map(type_of, (X, 0.1, 3)))
    asked = re.findall(r"if (.* \* \d+) < 20000:", text)
    assert len(asked) >= 4

    def operations(size: int) -> list[int]:
        names = {"stop": size - 1, "u": np.empty(size)}
        return [eval(re.sub(r"_\w+", "", one), names) for one in asked]

    assert all(found < 20_000 for found in operations(300))
    assert all(found >= 20_000 for found in operations(20_000))
    for function in text.split("\n\n\n"):
        assert ("parallel=LOOPS" in function) == ("prange(" in function)
