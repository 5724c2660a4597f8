"""Mathematics between inner loops runs on several lanes; where parts of a loop's body meet in more
than numbers of one iteration, the loop stays as it is."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numba import prange

from adcompile import value_and_grad
from adcompile.optimise import finish, splits, strip_loops
from adcompile.testing import plain_value_and_grad
from tests.test_arrays import compare

RNG = np.random.default_rng(31)
W, X, B = RNG.normal(size=(8, 5)), RNG.normal(size=5), RNG.uniform(0.5, 1.5, 8)


def layer(w, x, b):
    h = np.empty(b.size)
    for j in range(b.size):
        s = b[j]
        for k in range(x.size):
            s += w[j, k] * x[k]
        h[j] = math.tanh(s)
    return np.sum(h * h * b)


def two_inner_loops(w, x, b):
    total = 0.0
    for j in range(b.size):
        s = 0.0
        for k in range(x.size):
            s += w[j, k] ** 2 * x[k]
        e = math.exp(-0.3 * s) * b[j]
        t = e
        for k in range(x.size):
            t += e * math.sin(w[j, k])
        total += t * math.log(1.0 + t * t)
    return total


def from_the_end(w, x, b):
    total, last = 0.0, 1.0
    for j in range(b.size - 1, -1, -1):
        s = 0.0
        for k in range(x.size):
            s += w[j, k] * x[k]
        e = math.exp(0.1 * s)
        total += e * b[j]
        last = e
    return total * last


def in_front(w, x, b):
    total = 0.0
    for j in range(b.size):
        c = math.exp(-b[j])
        for k in range(x.size):
            total += c * w[j, k] * x[k] * total
            total += 0.1
    return total


def integers_between(w, x, b):
    total = 0.0
    for j in range(b.size):
        at = (3 * j + 1) % 5
        s = 0.0
        for k in range(x.size):
            s += w[j, k] * x[(at + k) % 5]
        total += math.exp(0.2 * s) * x[at]
    return total


def carried(w, x, b):
    """The inner loop reads what the mathematics of the iteration before has left."""
    e, total = 0.5, 0.0
    for j in range(b.size):
        s = 0.0
        for k in range(x.size):
            s += w[j, k] * x[k] * e
        e = math.exp(-s * s) + 0.1 * b[j]
        total += e * s
    return total


def through_an_array(w, x, b):
    """So do elements."""
    h = b.copy()
    for j in range(1, b.size):
        s = 0.0
        for k in range(x.size):
            s += w[j, k] * h[j - 1] + h[k]
        h[j] = math.tanh(s)
    return np.sum(h * b)


def at_one_element(w, x, b):
    h = b.copy()
    for j in range(b.size):
        for k in range(x.size):
            h[j] += w[j, k] * x[k] * h[j]
        h[j] = math.exp(-h[j] * h[j])
        for k in range(x.size):
            h[j] += 0.1 * w[j, k] * h[j]
    return np.sum(h * b)


def sometimes_set(w, x, b):
    total, s = 0.0, 0.3
    for j in range(b.size):
        for k in range(j % 3):
            s = w[j, k] * x[k]
        total += math.exp(-s * s) * b[j]
    return total + s


def left_behind(w, x, b):
    e = 0.0
    for j in range(b.size):
        s = 0.0
        for k in range(x.size):
            s += w[j, k] * x[k]
        e = math.exp(0.1 * s)
        for k in range(x.size):
            if w[j, k] > 0.0:
                e = e * (1.0 + 0.1 * x[k])
    return e * b[0]


def name_used_again(w, x, b):
    total = 0.0
    for j in range(b.size):
        s = 0.0
        for k in range(x.size):
            s += w[j, k] * x[k]
        t = math.exp(0.2 * s)
        s = t * b[j]
        for k in range(x.size):
            s += t * x[k] ** 2
        total += s * t
    return total


def gaussians(w, x, b):
    """As whole arrays."""
    gaps = w[:, None, :] - w
    kernel = np.exp(-0.5 * np.sum(gaps**2 * x, axis=2))
    return np.sum(kernel * b * b[:, None])


PROGRAMS = [
    *(layer, two_inner_loops, from_the_end, in_front, integers_between, carried, through_an_array),
    *(at_one_element, sometimes_set, left_behind, name_used_again, gaussians),
]
SPLIT = [layer, two_inner_loops, from_the_end, in_front, name_used_again, gaussians]
WHOLE = [carried, through_an_array, sometimes_set]


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several strips to a loop of these few iterations."""
    monkeypatch.setattr(strip_loops, "WIDTH", 3)
    monkeypatch.setattr(splits, "_FEWEST", 0)


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("f", PROGRAMS)
def test_gradients(f: Callable[..., Any]) -> None:
    compare(f, (W, X, B))


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("f", PROGRAMS)
def test_sums_keep_their_order(f: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums keep their order: only the functions differ in the last bits."""
    value, grads = plain_value_and_grad(f, (0, 1, 2))(W, X, B)
    monkeypatch.setattr(finish, "split_mathematics", lambda fn, *_: fn)
    whole, others = plain_value_and_grad(f, (0, 1, 2))(W, X, B)
    assert value == pytest.approx(whole, rel=4e-15)
    for grad, other in zip(grads, others, strict=True):
        np.testing.assert_allclose(grad, other, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    ("f", "split"), [*((f, True) for f in SPLIT), *((f, False) for f in WHOLE)]
)
def test_what_is_split(f: Callable[..., Any], split: bool) -> None:
    source = value_and_grad(f, argnums=(0, 1, 2)).source(W, X, B)
    assert ("= strip()" in source) is split
    assert ("vm.exp" in source or "vm.tanh" in source) is split


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("f", [layer, two_inner_loops, from_the_end])
@pytest.mark.parametrize(("rows", "columns"), [(0, 5), (4, 0)])
def test_loops_that_do_not_run(f: Callable[..., Any], rows: int, columns: int) -> None:
    compare(f, (W[:rows, :columns].copy(), X[:columns].copy(), B[:rows].copy()))


def one_after_the_other(w, x, b):
    """Without ``parallel`` a prange is a range, and its iterations may need each other."""
    h = b.copy()
    for j in prange(1, b.size):
        h[j] = math.sin(h[j - 1]) * w[j, 0] + h[j]
    return np.sum(h * h)


def test_a_prange_is_not_believed() -> None:
    compare(one_after_the_other, (W, X, B))
