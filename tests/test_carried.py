"""Arrays that loops hand on, with axes of extent one all the time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from adcompile.errors import BroadcastError
from adcompile.testing import plain_value_and_grad
from tests.test_arrays import compare

RNG = np.random.default_rng(0)
X, P = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 3))


def centred(x, p):
    b = np.zeros((p.shape[0], 1))
    m = (np.sum(x, axis=1) / x.shape[1]).reshape((-1, 1))
    for _ in range(3):
        y = p.dot(x) + b
        b = np.tanh(m * 0.3) - p.dot(np.sum(y, axis=1, keepdims=True)) * 0.1
    return np.sum(np.sin(p @ x + b) ** 2)


def widens(x, p):
    b = np.zeros((p.shape[0], 1)) + 0.2
    s = 0.0
    for k in range(3):
        y = p.dot(x) * 0.2 + b
        s += np.sum(y * y)
        if k == 1:
            b = np.cos(y)
    return s + np.sum(b**2)


def nested(x, p):
    row = np.full((1, x.shape[1]), 0.3)
    col = np.full((x.shape[0], 1), 0.1)
    k = 0
    while k < 2:
        for j in range(2):
            x = np.sin(x + row * col)
            if x[0, 0] > 0.0:
                row = row * 0.5 + np.mean(x, axis=0)[None, :]
            else:
                row = np.sum(x, axis=0, keepdims=True)
        col = np.sum(x * row, axis=1)[:, None] + p[:, :1]
        k += 1
    return np.sum(x * row) + np.sum(col**2)


@pytest.mark.parametrize("optimise", (True, False))
@pytest.mark.parametrize("f", (centred, nested))
def test_one_all_the_time(f: Any, optimise: bool) -> None:
    compare(f, (X, P), optimise)


def test_one_at_first() -> None:
    """Then there is no telling before it runs."""
    compare(widens, (X, P))
    compare(widens, (X[:, :1], P))


def grows(x, p):
    row = np.sum(x, axis=0, keepdims=True)[:, : p.shape[1]]
    s = 0.0
    for k in range(3):
        y = np.sin(row)
        y += p * x[k, 0]
        s += np.sum(y**2)
        row = np.cos(p) * y
    return s


def test_refused_under_the_assumption() -> None:
    """``y += ...`` of more rows would be refused if ``row`` had one row all the time."""
    one = P[:1] * 0.3
    compare(grows, (X, one))
    with pytest.raises(BroadcastError, match=r"test_carried\.py:"):
        plain_value_and_grad(grows, (0, 1))(X, P)
