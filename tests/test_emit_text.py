"""The printed text: precedence, numbers, comments, the line map, long lines."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest

from adcompile.emit.names import assign_names
from adcompile.emit.source import print_expression, print_function
from adcompile.errors import Loc
from adcompile.ir.nodes import (
    Accumulate,
    Alloc,
    Apply,
    Assign,
    AssignMany,
    Binary,
    Block,
    Comment,
    Compare,
    Const,
    Do,
    Expr,
    For,
    Function,
    If,
    Load,
    Logic,
    MakeTuple,
    Return,
    Select,
    Slice,
    Store,
    TupleGet,
    Unary,
    Var,
    View,
    While,
)
from tests.emitted import ONE, TWO, ZERO, add, load, plain_text


def random_expr(rng: random.Random, depth: int, vars_: list[Var]) -> Expr:
    if depth == 0 or rng.random() < 0.1:
        floats = [0.0, -0.0, 1.5, -2.0, 1e-300, -1e22, 0.1 + 0.2, math.inf, -math.inf]
        leaf: list[Expr] = [Const(x) for x in floats]
        leaf += [Const(3), Const(-3), Const(True), Const(None), Const("word"), *vars_, *vars_]
        return rng.choice(leaf)

    def sub() -> Expr:
        return random_expr(rng, depth - 1, vars_)

    match rng.randrange(9):
        case 0 | 1 | 2:
            ops = "+ - * / // % ** & | ^ << >>".split()
            return Binary(rng.choice(ops), sub(), sub())
        case 3 | 4:
            return Unary(rng.choice(["-", "+", "~", "not"]), sub())
        case 5:
            return Compare(rng.choice("== != < <= > >=".split()), sub(), sub())
        case 6:
            return Logic(rng.choice(["and", "or"]), sub(), sub())
        case 7:
            return Select(sub(), sub(), sub())
        case _:
            made: list[Expr] = [
                Apply("math.atan2", (sub(), sub())),
                Apply("float", (sub(),)),
                Load(vars_[0], (sub(), sub())),
                TupleGet(MakeTuple((sub(), sub())), 1),
                MakeTuple((sub(),)),
            ]
            return rng.choice(made)


def test_random_expressions_read_back_as_they_were() -> None:
    """print_function compares the tree it printed with the tree that the text parses to."""
    rng = random.Random(1)
    a, b = Var("a"), Var("b")
    names = {a: "a", b: "b"}
    for _ in range(400):
        expr = random_expr(rng, rng.randrange(1, 7), [a, b])
        index = (Slice(Unary("-", expr), None, add(a, expr)), expr)
        body: Block = (
            Assign(a, expr),
            AssignMany((a, b), (expr, b)),
            Store(a, (expr, b), expr),
            If(expr, (View(b, a, index),), (If(b, (Assign(b, expr),), ()),)),
            While(expr, (Do("g", (expr, expr)),)),
            Return((expr,)),
        )
        text, _ = print_function(Function("f", (a, b), body), names)
        compile(text, "<generated>", "exec", dont_inherit=True)


@pytest.mark.parametrize(
    "value", [0.1, -0.1, 5e-324, 1.7976931348623157e308, -0.0, math.inf, -math.inf, math.nan, 1e16]
)
def test_floats_round_trip(value: float) -> None:
    got = load(plain_text(Function("f", (), (Return((Const(value),)),))))()
    assert repr(got) == repr(value)


def test_numpy_scalars_print_as_python_numbers() -> None:
    assert print_expression(Const(float(np.float64(0.5))), {}) == "0.5"
    assert print_expression(Const(np.float64(-0.5)), {}) == "-0.5"


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (Binary("**", Const(-2.0), TWO), "(-2.0) ** 2"),
        (Unary("-", Binary("**", Const(2.0), TWO)), "-2.0 ** 2"),
        (Binary("-", ONE, Binary("-", ONE, TWO)), "1 - (1 - 2)"),
        (Binary("*", Binary("*", ONE, TWO), ONE), "1 * 2 * 1"),
        (Binary("*", ONE, Binary("*", TWO, ONE)), "1 * (2 * 1)"),
        (Select(ONE, Const(0.0), TWO), "0.0 if 1 else 2"),
        (Apply("rt.digamma", (ONE,)), "digamma(1)"),
        (Apply("np.dtype", (Const("np.float64"),)), "np.dtype(np.float64)"),
    ],
)
def test_printed_expressions(expr: Expr, text: str) -> None:
    assert print_expression(expr, {}) == text


def test_statements_comments_and_line_map() -> None:
    x, y, z, i = Var("x"), Var("y"), Var("y_adj", True), Var("i")
    here, there = Loc("user.py", 7), Loc("user.py", 8)
    dtype = (("dtype", Const("np.float64")),)
    body: Block = (
        Comment('sizes aren\'t "quoted"\nin two lines'),
        Alloc(y, "np.zeros", (MakeTuple((TWO, TWO)),), dtype, loc=here),
        Assign(z, Const(0.0)),
        For(
            i,
            TWO,
            Const(-1),
            Const(-1),
            (Comment("only a comment"),),
            loc=there,
        ),
        Accumulate(y, (ZERO, ONE), x, "-", loc=there),
        Assign(z, add(z, x)),
        Return((MakeTuple((y, z)),)),
    )
    fn = Function("f", (x,), body, doc='Ends in a "quote"')
    named, names = assign_names(fn, set())
    text, lines = print_function(named, names, "njit(cache=True)")
    assert text == (
        "@njit(cache=True)\n"
        "def f(x):\n"
        '    """Ends in a "quote\\""""\n'
        '    # sizes aren\'t "quoted"\n'
        "    # in two lines\n"
        "    y = np.zeros((2, 2), dtype=np.float64)\n"
        "    y_adj = 0.0\n"
        "    for i in range(2, -1, -1):\n"
        "        # only a comment\n"
        "        pass\n"
        "    y[0, 1] -= x\n"
        "    y_adj += x\n"
        "    return y, y_adj\n"
    )
    assert lines == {6: here, 8: there, 11: there}


def test_loc_comments(tmp_path: Any) -> None:
    file = tmp_path / "user.py"
    file.write_text("def f(x):\n    y = x + 1\n    return y\n")
    x, y = Var("x"), Var("y")
    body: Block = (
        Assign(y, add(x, ONE), loc=Loc(str(file), 2)),
        Return((y,), loc=Loc(str(file), 3)),
    )
    named, names = assign_names(Function("f", (x,), body), set())
    text, lines = print_function(named, names, None, True)
    assert "    # 2: y = x + 1\n    y = x + 1\n    # 3: return y\n" in text
    assert {line: loc.line for line, loc in lines.items()} == {2: 2, 3: 2, 4: 3, 5: 3}


def test_long_lines_wrap() -> None:
    x = Var("a_rather_long_name")
    expr: Expr = x
    for _ in range(12):
        expr = Binary("*", Apply("math.sin", (expr,)), add(x, expr) if expr is x else x)
    body = (Assign(Var("y"), expr), Return((Apply("max", (x,) * 20),)))
    text = plain_text(Function("f", (x,), body))
    assert max(map(len, text.splitlines())) <= 101
