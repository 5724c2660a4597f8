"""Rows of the rule table on complex numbers, against differences of the functions themselves."""

from __future__ import annotations

import cmath
import math
import operator
from collections.abc import Callable
from itertools import pairwise, product
from typing import Any

import numba
import numpy as np
import pytest

from adcompile.ir.nodes import Apply, Binary, Compare, Const, Expr, Select, Unary, Var
from adcompile.rules.registry import RULES, Rule, complex_partials_ir
from adcompile.rules.simplify import real_part
from adcompile.runtime import arrays

OPERATORS: dict[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
    "neg": operator.neg,
    "pos": operator.pos,
    "complex2": complex,
    "rt.abs2": arrays.abs2.py_func,
}
ROWS = [r for r in RULES.values() if r.on_complex is not None and not r.nondiff]
POINTS = (1.3 + 0.4j, -0.7 + 1.2j, -0.6 - 0.8j, 0.9 - 1.7j, -2.2 + 0.3j, -2.5 - 0.6j, 0.1 + 0.2j)
REALS = (0.8, -1.7, 2.6)
NARROW = ("np.fabs", "np.complex64")  # for real numbers only; rounds
MAKES_COMPLEX = ("complex2", "cmath.rect")  # out of real numbers


def function(fn: str) -> Callable[..., Any]:
    if fn in OPERATORS:
        return OPERATORS[fn]
    module, _, name = fn.rpartition(".")
    found: Callable[..., Any] = getattr({"np": np, "math": math, "cmath": cmath}[module], name)
    return found


def spelled(rule: Rule) -> list[str]:
    """The spellings that take complex numbers."""
    return [fn for fn in rule.fns if takes_complex(fn)]


def takes_complex(fn: str) -> bool:
    return fn in OPERATORS or (fn.startswith(("np.", "cmath.")) and fn not in NARROW)


def given(rule: Rule, fn: str) -> list[tuple[Any, ...]]:
    """Arguments: complex ones, and mixed with real ones."""
    if fn in MAKES_COMPLEX:
        return list(product(REALS, REALS[::-1]))
    if rule.arity == 1:
        beyond = REALS if fn.startswith("cmath.") and fn != "cmath.phase" else ()
        return [(z,) for z in (*POINTS, *beyond)]
    pairs = list(zip(POINTS, POINTS[2:] + POINTS[:2], strict=True))
    pairs += [(x, z) for x, z in zip(REALS, POINTS)]
    return [*pairs, *((z, x) for z, x in zip(POINTS, REALS))]


def text(e: Expr) -> str:
    match e:
        case Var(name):
            return name
        case Const(value):
            return f"({value!r})"
        case Unary(o, x):
            return f"({o}{text(x)})"
        case Binary(o, a, b) | Compare(o, a, b):
            return f"({text(a)} {o} {text(b)})"
        case Select(cond, a, b):
            return f"({text(a)} if {text(cond)} else {text(b)})"
        case Apply(fn, args):
            return f"{fn}({', '.join(map(text, args))})"
    raise AssertionError(e)


def partials(rule: Rule, ans: Any, args: tuple[Any, ...]) -> list[Any]:
    """The row as generated code has it."""
    names = [Var(f"x{k}") for k in range(len(args))]
    flags = tuple(isinstance(a, complex) for a in args)
    found = complex_partials_ir(rule, Var("ans"), tuple(names), (True,) * len(args), flags)
    space = {"np": np, "cmath": cmath, "ans": ans} | {v.name: a for v, a in zip(names, args)}
    return [None if e is None else eval(text(e), space) for e in found]


def difference(f: Callable[..., Any], args: tuple[Any, ...], k: int, d: Any) -> Any:
    """The derivative of ``f`` along ``d`` in argument ``k``."""

    def at(h: float) -> Any:
        moved = [*args]
        moved[k] = args[k] + h * d
        return f(*moved)

    slopes = [(at(h) - at(-h)) / (2 * h) for h in (1e-3, 5e-4, 2.5e-4)]
    once = [(4 * b - a) / 3 for a, b in pairwise(slopes)]
    return (16 * once[1] - once[0]) / 15


@pytest.mark.parametrize("rule", ROWS, ids=lambda r: r.name)
def test_partials_on_complex_numbers(rule: Rule) -> None:
    checked = 0
    for fn in spelled(rule):
        f = function(fn)
        for args in given(rule, fn):
            ans = f(*args)
            for k, slope in enumerate(partials(rule, ans, args)):
                for d in (1.0, 1j, 0.6 - 0.8j) if isinstance(args[k], complex) else (1.0,):
                    expected = difference(f, args, k, d)
                    product = np.conjugate(d) if rule.conjugates else slope * d
                    if not np.iscomplexobj(ans):
                        product = np.real(product)
                    assert product == pytest.approx(expected, rel=1e-8, abs=1e-9), (fn, args, k, d)
                    checked += 1
    assert checked


@pytest.mark.parametrize("rule", ROWS, ids=lambda r: r.name)
def test_numba_has_the_spellings(rule: Rule) -> None:
    for fn in spelled(rule):
        if fn in OPERATORS or fn in ("np.float_power", "np.pow"):
            continue
        args = given(rule, fn)[0]
        names = ", ".join(f"x{k}" for k in range(len(args)))
        space: dict[str, Any] = {"np": np, "cmath": cmath}
        exec(f"def f({names}):\n    return {fn}({names})\n", space)
        value = numba.njit(space["f"])(*args)
        assert value == pytest.approx(function(fn)(*args), rel=1e-12), fn


def test_pinned() -> None:
    """abs at 0 has derivative 0, and the angle of z that of the imaginary part of log z."""
    assert partials(RULES["abs"], 0.0, (0j,)) == [0.0]
    assert partials(RULES["abs"], 5.0, (3 + 4j,)) == pytest.approx([0.6 - 0.8j])
    assert partials(RULES["angle"], 0.0, (2j,)) == [-0.5]
    assert partials(RULES["**"], 0j, (0j, 2.0)) == [0j, 0.0]
    assert partials(RULES["imag"], 0.0, (1j,)) == [-1j]


def test_real_parts() -> None:
    adj = Var("adj")
    for c in (1j, -1j, 0.3 - 0.4j, -2.0):
        product = Binary("*", adj, Const(c))
        for value in (product, Unary("-", product), Select(Const(True), product, Const(0.0))):
            space = {"adj": 1.7 - 0.2j, "np": np}
            assert eval(text(real_part(value)), space) == eval(text(value), space).real
