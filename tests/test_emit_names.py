"""Names in generated code."""

from __future__ import annotations

import ast
import math

import numpy as np
import pytest

from adcompile import jvp, value_and_grad, vjp
from adcompile.emit.names import assign_names, runtime_names
from adcompile.emit.source import print_function
from adcompile.errors import UnsupportedError
from adcompile.ir.nodes import (
    Apply,
    Assign,
    Block,
    Const,
    Do,
    Function,
    Return,
    Var,
)
from tests.emitted import ONE, add, load, plain_text


def test_interfering_names_are_numbered_by_appearance() -> None:
    x, y1, y2, taken, t1, t2 = Var("x"), Var("y"), Var("y"), Var("y_2"), Var("t", True), Var("t")
    body: Block = (
        Assign(y1, add(x, ONE)),
        Assign(y2, add(y1, ONE)),
        Assign(taken, add(y2, y1)),
        Assign(t1, add(y1, y2)),
        Assign(t2, add(t1, taken)),
        Return((y1, y2, taken, t1, t2)),
    )
    text = plain_text(Function("f", (x,), body))
    assert "y = x + 1" in text and "y_3 = y + 1" in text and "t1 = y + y_3" in text
    assert load(text)(1) == (2, 3, 5, 5, 10)


def test_names_avoid_globals_keywords_and_parameters() -> None:
    y, inner, fn, word, module, taken = (
        Var(s) for s in ("y", "y", "abs", "lambda", "np", "digamma")
    )
    body: Block = (
        Assign(inner, Apply("abs", (y,))),
        Assign(fn, add(inner, y)),
        Assign(word, fn),
        Assign(module, word),
        Assign(taken, module),
        Do("rt.digamma", (taken,)),
        Return((taken, y)),
    )
    source = Function("f", (y,), body)
    named, names = assign_names(source, {"digamma"})
    text, _ = print_function(named, names)
    tree = ast.parse(text)
    stored = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    assert stored == {"y_2", "abs_2", "lambda_2", "np_2", "digamma_2"}
    assert runtime_names(source) == {"digamma"}
    assert "    digamma(digamma_2)" in text


def test_parameter_may_not_hide_a_called_function() -> None:
    x = Var("abs")
    with pytest.raises(UnsupportedError, match="hides a function"):
        assign_names(Function("f", (x,), (Return((Apply("abs", (x,)),)),)), set())


def test_a_dead_parameter_lends_its_name() -> None:
    y, inner = Var("y"), Var("y")
    fn = Function("f", (y,), (Assign(inner, add(y, ONE)), Return((inner,))))
    assert plain_text(fn) == "def f(y):\n    y = y + 1\n    return y\n"


def test_kinds_keep_names_apart() -> None:
    x, a, b = Var("x"), Var("a"), Var("a")
    fn = Function("f", (x,), (Assign(a, x), Assign(b, add(a, Const(0.5))), Return((b,))))
    _, names = assign_names(fn, set(), {a: "int64", b: "float64"})
    assert (names[a], names[b]) == ("a", "a_2")
    _, names = assign_names(fn, set())
    assert (names[a], names[b]) == ("a", "a")


@pytest.mark.compiled
def test_names_of_entries_are_not_those_of_users() -> None:
    def f(x, value, cotangent, _, residuals, zeros):
        total = 0.0
        for i in range(x.size):
            total += x[i] ** 2
        return total * value * math.sin(cotangent) * _ * residuals * zeros

    def g(x, x_tan):
        value = np.sin(x)
        zeros = np.cos(x_tan)
        cotangent = value * zeros
        return np.sum(cotangent**2 * value)

    x = np.array([0.3, -1.2, 0.7])
    rest = (0.7, 0.4, 1.3, 0.9, 1.1)
    every = tuple(range(6))
    plain = f(x, *rest)
    expected = [2 * x * plain / np.sum(x**2), plain / 0.7, plain / math.tan(0.4)]
    expected += [plain / 1.3, plain / 0.9, plain / 1.1]
    for optimise in (True, False):
        value, grads = value_and_grad(f, argnums=every, optimise=optimise)(x, *rest)
        assert value == pytest.approx(plain, rel=1e-14)
        _, pullback = vjp(f, x, *rest)
        for found in (grads, pullback(1.0)):
            for a, b in zip(found, expected, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-13)
        value, grads = value_and_grad(g, argnums=(0, 1), optimise=optimise)(x, 2.0 * x)
        out, tangent = jvp(g, (x, 2.0 * x), (x, x))
        assert value == pytest.approx(g(x, 2.0 * x), rel=1e-14) == out
        assert tangent == pytest.approx(np.sum(x * (grads[0] + grads[1])), rel=1e-12)
