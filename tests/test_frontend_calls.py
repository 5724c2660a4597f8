"""The front end: calls are inlined."""

from __future__ import annotations

import math

import pytest
from numba import njit

from adcompile.frontend.parse import parse
from adcompile.ir.walk import statements
from tests import callees
from tests.callees import helper, square
from tests.ir_text import X, agree, compiled, vec


@njit
def jitted(x, y):
    x[0] = y
    if y > 4.0:
        return y * y
    return -y


def optional(x, w=None, flag=True):
    if w is None:
        w = 2.0
    if not flag:
        return x
    if flag and x > w:
        return x * w
    return w


def apply_twice(f, x):
    return f(f(x))


def scale(x, by):
    for i in range(len(x)):
        x[i] *= by


def calls(x, i):
    scale(x, by=2.0)
    x[0] += jitted(x, 5.0)
    s = x[0] + jitted(x, 1.0) + x[0]
    if x[0] + jitted(x, 9.0) < x[0]:
        s += 1.0
    s += helper(x[1], 3) * helper(k=2, x=x[2]) + optional(x[1]) + optional(x[2], 0.5)
    return s + optional(s, flag=False) + apply_twice(square, x[3]) + apply_twice(math.sin, 0.5)


def twice_helped(x, k):
    return helper(helper(x, k), shift=helper(x))


def fails(x):
    raise ValueError("always")


def call_that_raises(x):
    y = square(x) + fails(x)
    return y * 2


def test_calls():
    agree(twice_helped, (0.5, 2), (7.0, 3))
    agree(calls, (X, 1))
    agree(call_that_raises, (1.0,))
    agree(jitted, (X, 2.0))


def set_if_positive(x):
    if x > 0:
        y = x
    return y


def test_variables_of_a_callee_start_unset():
    def summed(x):
        s = 0.0
        for i in range(2):
            s += set_if_positive(x[i])
        return s

    agree(summed, (vec(1, 2),))
    with pytest.raises(UnboundLocalError):
        compiled(summed)(vec(1, -1))


def test_inlined_locations():
    fn = parse(calls)
    places = {(s.loc.file, s.loc.line) for s in statements(fn.body)}
    assert (callees.__file__, square.__code__.co_firstlineno + 1) in places
    assert (__file__, scale.__code__.co_firstlineno + 2) in places
    assert {file for file, _ in places} == {__file__, callees.__file__}


def test_methods_and_wraps():
    class Box:
        @staticmethod
        def inner(x):
            # fmt: off
            """Text
at the margin."""
            # fmt: on
            return x + 1.0

    agree(Box.inner, (1.0,))
