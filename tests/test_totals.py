"""Adjoints of broadcasts are summed in variables; nests run forward and in reverse at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from adcompile.backends.cpu import Argnums
from adcompile.backends.values import type_of_value
from adcompile.ir import nodes as ir
from adcompile.ir.walk import statements
from adcompile.optimise.totals import keep_totals
from adcompile.options import Options
from adcompile.pipeline import derive
from adcompile.testing import plain_value_and_grad
from tests.test_arrays import compare

rng = np.random.default_rng(3)
X, T, B = rng.normal(size=(4, 5)), rng.normal(size=(2, 4, 5)), rng.normal(size=5)
ZERO, ONE = ir.Const(0), ir.Const(1)


def rows(x: Any, b: Any) -> Any:
    return np.sum(np.tanh(x + b[:4, None]) ** 2)


def columns(x: Any, b: Any) -> Any:
    return np.sum(np.sin(x * b))


def one_element(x: Any, b: Any) -> Any:
    return np.sum(np.cos(x * b[2])) + np.sum(x[1] * b[-1])


def first_and_last(x: Any, b: Any) -> Any:
    total = 0.0
    n = b.size
    for i in range(x.shape[0]):
        total += np.sin(x[i, 0] * b[0] * b[n - 1] * b[-1])
    return total


def same_element_twice(x: Any, b: Any) -> Any:
    total = 0.0
    k = 1
    for i in range(x.shape[0]):
        total += np.exp(0.1 * x[i, 1] * b[k] * b[1])
    return total


def under_a_condition(x: Any, b: Any) -> Any:
    total = 0.0
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            if x[i, j] > 0.0:
                total += x[i, j] * b[3] ** 2
            else:
                total -= x[i, j] * b[i]
    return total


def three_axes(t: Any, x: Any, b: Any) -> Any:
    y = np.tanh(t * x + b)
    return np.sum(y * y) + np.sum(y[:, :, 0])


def sums_of_lines(t: Any, b: Any) -> Any:
    total = 0.0
    for i in range(t.shape[0]):
        scale = b[i] ** 2
        for j in range(t.shape[1]):
            shift = scale * b[j] + 1.0
            for k in range(t.shape[2]):
                total += np.sin(t[i, j, k] * shift) * scale
    return total


def result_after_the_lines(t: Any, b: Any) -> Any:
    total = 0.0
    for i in range(t.shape[0]):
        part = 0.0
        for j in range(t.shape[1]):
            part += np.sin(t[i, j, 0] * b[j])
        total += part**2
    return total


def local_array(t: Any, b: Any) -> Any:
    total = 0.0
    for i in range(t.shape[0]):
        line = np.zeros(t.shape[2])
        for j in range(t.shape[2]):
            line[j] = t[i, 0, j] * b[j]
        for j in range(t.shape[2]):
            total += np.cos(line[j] * b[i])
    return total


def own_parts(t: Any, b: Any) -> Any:
    y = np.zeros((t.shape[0], t.shape[1]))
    total = 0.0
    for i in range(t.shape[0]):
        for j in range(t.shape[1]):
            y[i, j] = t[i, j, 0] * b[j]
            for k in range(t.shape[2]):
                total += np.sin(y[i, j] * t[i, j, k])
    return total


PROGRAMS = [
    (rows, (X, B)),
    (columns, (X, B)),
    (one_element, (X, B)),
    (first_and_last, (X, B)),
    (same_element_twice, (X, B)),
    (under_a_condition, (X[:, :3], B)),
    (three_axes, (T, X, B)),
    (sums_of_lines, (T, B)),
    (result_after_the_lines, (T, B)),
    (local_array, (T, B)),
    (own_parts, (T, B)),
]
NO_LINES = [f for f, _ in PROGRAMS if f not in (rows, one_element)]  # those need some


@pytest.mark.parametrize("optimise", [True, False])
@pytest.mark.parametrize("f, args", PROGRAMS, ids=[f.__name__ for f, _ in PROGRAMS])
def test_derivatives(f: Any, args: tuple[Any, ...], optimise: bool) -> None:
    compare(f, args, optimise)
    if f in NO_LINES:
        nothing = (args[0][:0], *args[1:])
        value, grads = plain_value_and_grad(f, tuple(range(len(args))), optimise)(*nothing)
        assert value == f(*nothing)
        assert not any(g.any() for g in grads)


def fused(f: Any, args: tuple[Any, ...]) -> str:
    wanted = Argnums(tuple(range(len(args))), False, "grad")
    options = Options(cache=False)
    text: str = derive(f, tuple(map(type_of_value, args)), wanted, False, options).generated.text
    return text.partition(f"def {f.__name__}_fused")[2].partition("\n\n\n")[0]


def test_one_nest_for_value_and_gradient() -> None:
    text = fused(sums_of_lines, (T, B))
    assert [line.split()[1] for line in text.splitlines() if line.strip().startswith("for ")] == [
        "i",
        "j",
        "k",
    ]
    assert "tape" not in text
    text = fused(result_after_the_lines, (T, B))  # the square is known after the lines only
    assert text.count("for i in") == 1 and "tape" not in text


# ---------------------------------------------------------------- the pass itself


def loop(var: ir.Var, body: ir.Block) -> ir.For:
    return ir.For(var, ZERO, ir.Const(3), ONE, body)


def kept(*body: ir.Stmt, primal: tuple[ir.Var, ...] = ()) -> ir.Block:
    return keep_totals(ir.Function("f", (), (*body, ir.Return(()))), set(primal)).body


def accumulates(block: ir.Block) -> int:
    """In loops."""
    loops = [s for s in block if isinstance(s, ir.For)]
    inside = [s for one in loops for s in statements(one.body)]
    return sum(isinstance(s, ir.Accumulate) for s in inside)


I, J, P, A, V = (ir.Var(name) for name in ("i", "j", "p", "a_adj", "v"))


def test_what_is_summed_in_a_variable() -> None:
    add = ir.Accumulate(A, (J,), V)
    assert accumulates(kept(loop(I, (add,)))) == 0
    assert accumulates(kept(loop(I, (loop(P, (add,)),)))) == 0
    assert accumulates(kept(loop(I, (ir.If(V, (add,), ()),)))) == 0
    apart = (ir.Accumulate(A, (ZERO, J), V), ir.Accumulate(A, (ONE, J), V))
    assert accumulates(kept(loop(I, apart))) == 0
    perhaps_the_same = (add, ir.Accumulate(A, (ZERO,), V), ir.Accumulate(A, (ir.Const(-1),), V))
    assert accumulates(kept(loop(I, perhaps_the_same))) == 0


def test_what_is_not() -> None:
    add = ir.Accumulate(A, (J,), V)
    other = ir.Var("b_adj")
    read = ir.Assign(P, ir.Load(A, (ZERO,)))
    computed = ir.Accumulate(A, (ir.Load(P, (ZERO,)),), V)
    for body in (
        (ir.Accumulate(A, (I,), V),),
        (add, read),
        (add, ir.Store(A, (J,), ZERO)),
        (ir.View(other, A, ()), add, ir.Accumulate(other, (J,), V)),
        (add, ir.Do("rt.set_zero", (A,))),
        (computed,),
        (ir.Assign(J, ONE), add),
    ):
        before = accumulates((loop(I, body),))
        assert accumulates(kept(loop(I, body))) == before, body
    assert accumulates(kept(loop(I, (add,)), primal=(A,))) == 1
