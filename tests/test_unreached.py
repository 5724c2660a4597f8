"""Code that nothing reaches has no types; what is around it has its gradient."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.test_arrays import compare

X, Y = np.array([0.7, -0.4, 1.3, 0.2]), np.array([0.3, 0.9, -0.5, 1.1])


def last_choice(x, y):
    s = 0.3
    for i in range(x.size):
        if x[i] > y[i]:
            s += math.sin(s * x[i])
        elif y[i] > 0.0 and 0 == 1:
            s *= 0.1 * x.size - math.exp(y[x.size - 1 - i])
            x[i] = s
        s += x[i] * y[i] * s
    return s


def in_front(x, y):
    s = 0.5
    if 0 == 1:
        t = y[0] * 0.1 * x.size
        s = math.exp(t) * x[1]
    else:
        s = x[2] * math.tanh(s * y[1])
    for i in range(x.size):
        s = math.sin(s + x[i]) * y[i]
    return s * s


def never_once(x, y):
    s = y[0]
    while 0 == 1:
        s += math.exp(x[0] * s)
    k = 0
    while k < 2:
        k += 1
        if k > 5 and False:
            z = x[k] * y[k] * 0.1 * y.size
            s += math.log(z)
        s = math.cos(s * x[k] + y[k])
    return s


def ends_before(x, y):
    s = x[0] * y[1]
    if s > 3.0:
        return s * y[0]
        s = 0.1 * x.size * x[1]
    for i in range(x.size):
        s += x[i] * math.sin(s * y[i])
    return s


@pytest.mark.parametrize("optimise", (True, False))
@pytest.mark.parametrize("f", (last_choice, in_front, never_once, ends_before))
def test_unreached(f: Any, optimise: bool) -> None:
    compare(f, (X, Y), optimise)
