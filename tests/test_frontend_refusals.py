"""Refusals of the front end name the line and say why."""

from __future__ import annotations

import linecache
import math
import re

import numpy as np
import pytest

from adcompile.errors import UnsupportedError
from adcompile.frontend import arguments
from adcompile.frontend.lifting import Lifting
from adcompile.frontend.parse import parse
from tests.callees import square

K = 3
TABLE = np.array([1.0, 2.0, 4.0])
PAIR = (2.0, 5)


class Grad:
    __adcompile__ = True

    def __call__(self, x):
        return x


grad_object = Grad()


def refusals():
    """Functions whose refused line ends in ``# !``, with a part of the message."""

    def with_(x):
        with open("f"):  # !
            return x

    yield with_, "'with'"

    def try_(x):
        try:
            return x
        except ValueError:  # !
            return 0.0

    yield try_, "another class than Exception"

    def comprehension(x):
        return {v: v for v in x}  # !

    yield comprehension, "comprehension"

    def generator(x):
        yield x  # !

    yield generator, "yield"

    def global_(x):
        global K  # !
        K = x

    yield global_, "'global'"

    def dict_(x):
        d = {1: x}  # !
        return d[1]

    yield dict_, "dict"

    def star(x):
        a, *b = x  # !  # noqa: RUF059
        return a

    yield star, "starred"

    def star_call(x):
        return square(*x)  # !

    yield star_call, "how many items"

    def undefined(x):
        return x + not_there  # !  # noqa: F821

    yield undefined, "not_there"

    def undefined_member(x):
        return math.sinn(x)  # !

    yield undefined_member, "sinn"

    def is_(x):
        if x is None:  # !
            return 1.0
        return x

    yield is_, "'is'"

    def of_gradient(x):
        return grad_object(x)  # !

    yield of_gradient, "derivatives of derivatives"

    def captured_write(x):
        TABLE[0] = x  # !
        return x

    yield captured_write, "read-only"

    def too_many(x):
        return square(x, x)  # !

    yield too_many, "too many"

    def missing():
        return square()  # !

    yield missing, "without 'x'"

    def wrong_keyword(x):
        return square(y=x)  # !

    yield wrong_keyword, "y="

    def out(x):
        return np.add(x, x, out=x)  # !

    yield out, "out="

    def string(x):
        return "a" + x  # !

    yield string, "strings"

    def local_exception(x):
        class Inner(Exception):  # !
            pass

        raise Inner

    yield local_exception, "class"

    def effectless(x):
        x + 1  # !
        return x

    yield effectless, "without effect"

    def attribute_target(x):
        x.flags = 1  # !
        return x

    yield attribute_target, "attribute"

    def argument_call(f, x):
        return f(x)  # !

    yield argument_call, "'f'"

    def keywords(**x):  # !
        return x

    yield keywords, "parameters"


@pytest.mark.parametrize("func, part", [pytest.param(f, p, id=f.__name__) for f, p in refusals()])
def test_refusal(func, part):
    with pytest.raises(UnsupportedError) as caught:
        parse(func)
    message = str(caught.value)
    assert part in message
    lines = linecache.getlines(__file__)
    where = re.search(rf"at {re.escape(__file__)}:(\d+)", message)
    assert where and "# !" in lines[int(where[1]) - 1]
    assert caught.value.loc.line == int(where[1])
    start = func.__code__.co_firstlineno
    assert start <= int(where[1]) <= start + 6


def test_refusal_without_source():
    space = {}
    exec("def f(x):\n    return x\n", space)
    with pytest.raises(UnsupportedError, match="source"):
        parse(space["f"])
    with pytest.raises(UnsupportedError, match="derivatives of derivatives"):
        parse(grad_object)
    with pytest.raises(UnsupportedError, match="not a Python function"):
        parse(math.sin)


def test_columns():
    def f(x):
        ä = x + x.tolist()
        return ä

    with pytest.raises(UnsupportedError) as caught:
        parse(f)
    loc = caught.value.loc
    assert linecache.getlines(__file__)[loc.line - 1][loc.column :].strip() == "x.tolist()"


def test_a_condition_is_never_computed_before_the_loop_alone(monkeypatch):
    """Where what ``lifts`` foresees is not what the condition takes."""

    def f(x, places):
        k = 0
        while k in places:
            k += 1
        return x[k]

    parse(f)
    monkeypatch.setattr(Lifting, "lifts", lambda self, node: False)
    with pytest.raises(UnsupportedError, match="a condition that takes statements"):
        parse(f)


def leaves(x, n):
    return math.sin(x) if n < 1 else leaves(x, n - 1) + 0.5 * leaves(x * x, n - 1)


def test_recursion_is_followed_as_far_as_the_program_stays_small(monkeypatch):
    def f(x):
        return leaves(x, 3)

    parse(f)
    monkeypatch.setattr(arguments, "LARGEST", 40)
    with pytest.raises(UnsupportedError, match="leaves calls itself too often"):
        parse(f)
