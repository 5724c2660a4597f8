"""Partials that the program computes itself: only of the same value, not of the same subscript."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from adcompile import value_and_grad
from tests.test_arrays import compare

X = np.random.default_rng(5).normal(size=6)


def overwritten_between(x):
    y, s = x.copy(), 0.0
    for i in range(y.size):
        a = math.sin(y[i])
        y[i] = 2.0 * y[i] + a
        s += a * math.cos(y[i])
    return s


def overwritten_after(x):
    y, s = x.copy(), 0.0
    for i in range(y.size):
        c = math.cos(y[i])
        y[i] = y[i] * c
        s += math.sin(y[i]) * c
    return s


def arrays_overwritten(x):
    y = x.copy()
    c = np.cos(y)
    y[:] = y * c
    s = np.sin(y)
    y[1:] = s[:-1]
    return np.sum(s * c + np.cos(y) * np.sin(y))


def in_one_branch(x):
    s = 0.0
    for v in x:
        if v > 0.0:
            c = math.cos(v)
            s += c * v
        s += math.sin(v) * v
    return s


def in_the_other_branch(x):
    s = 0.0
    for v in x:
        if v > 0.0:
            s += math.cos(v) * v
        else:
            s += math.sin(v) * v * v
    return s


def after_a_loop(x):
    s, v = 0.0, x[0]
    for k in range(3):
        s += math.sin(v) * x[k]
        v = v * x[k + 1]
    return s * math.cos(v) + math.cos(x[0])


def of_the_next_iteration(x):
    s, v, c = 0.0, x[0], 1.0
    for k in range(4):
        s += math.sin(v) * c
        c = math.cos(v)
        v = v + x[k] * c
    return s


PROGRAMS = [
    overwritten_between,
    overwritten_after,
    arrays_overwritten,
    in_one_branch,
    in_the_other_branch,
    after_a_loop,
    of_the_next_iteration,
]


@pytest.mark.parametrize("optimise", [True, False])
@pytest.mark.parametrize("f", PROGRAMS)
def test_gradients(f: Callable[..., Any], optimise: bool) -> None:
    compare(f, (X,), optimise)


def test_the_cosine_beside_the_sine_is_computed_once() -> None:
    text = value_and_grad(of_the_next_iteration).source(X)
    adjoint = text.split("_adjoint_", 1)[1].split("@njit")[0]
    assert adjoint.count("math.cos(") <= 1
