"""Emission: ssa -> plain -> names -> text, checked by running the text."""

from __future__ import annotations

import ast
import math
import random
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from adcompile.emit.destruct import destruct, parallel_copies
from adcompile.emit.names import assign_names, runtime_names
from adcompile.emit.nest import nest
from adcompile.emit.source import print_expression, print_function
from adcompile.errors import NOWHERE, Loc, UnsupportedError, VerifierError
from adcompile.ir.nodes import (
    Accumulate,
    Alloc,
    Apply,
    Assign,
    AssignMany,
    Binary,
    Block,
    Break,
    Carried,
    Comment,
    Compare,
    Const,
    Do,
    Expr,
    For,
    Function,
    If,
    Join,
    Load,
    Logic,
    MakeTuple,
    Raise,
    Return,
    Select,
    Slice,
    Stmt,
    Store,
    TupleGet,
    Unary,
    Var,
    View,
    While,
)
from adcompile.ir.verify import verify
from adcompile.ir.walk import statements, stmt_reads

ZERO, ONE, TWO = Const(0), Const(1), Const(2)


def add(a: Expr, b: Expr) -> Expr:
    return Binary("+", a, b)


def text_of(fn: Function, nested: bool = True) -> str:
    verify(fn, "ssa")
    plain = destruct(fn)
    verify(plain, "plain")
    if nested:
        plain = nest(plain)
        verify(plain, "plain")
    named, names = assign_names(plain, set())
    return print_function(named, names)[0]


def plain_text(fn: Function) -> str:
    verify(fn, "plain")
    named, names = assign_names(fn, set())
    return print_function(named, names)[0]


def load(text: str, name: str = "f") -> Callable[..., Any]:
    space: dict[str, Any] = {"np": np, "math": math}
    exec(compile(text, "<generated>", "exec"), space)
    made: Callable[..., Any] = space[name]
    return made


# ---------------------------------------------------------------- phi elimination by hand


def test_swap_in_a_loop() -> None:
    n, a, b, a0, b0, a1, b1 = (Var(s) for s in ("n", "a", "b", "a", "b", "a", "b"))
    carried = (Carried(a, a0, b, a1), Carried(b, b0, a, b1))
    body: Block = (
        Assign(a0, ONE),
        Assign(b0, TWO),
        For(Var("i"), ZERO, n, ONE, (), None, carried),
        Return((a1, b1)),
    )
    text = text_of(Function("f", (n,), body))
    assert "    a, b = b, a\n" in text.replace("        ", "    ")
    f = load(text)
    assert [f(k) for k in range(3)] == [(1, 2), (2, 1), (1, 2)]


def test_lost_copy() -> None:
    """The value before the last increment is read after the loop."""
    n, x0, x, x_next, x_out, y = (Var(s) for s in ("n", "x", "x", "x", "x", "y"))
    last, last0, last_out = Var("last"), Var("last"), Var("last")
    body: Block = (
        Assign(x0, ONE),
        Assign(last0, ZERO),
        For(
            Var("i"),
            ZERO,
            n,
            ONE,
            (Assign(x_next, add(x, ONE)),),
            None,
            (Carried(x, x0, x_next, x_out), Carried(last, last0, x, last_out)),
        ),
        Assign(y, add(last_out, Binary("*", Const(100), x_out))),
        Return((y,)),
    )
    f = load(text_of(Function("f", (n,), body)))
    assert [f(k) for k in range(4)] == [100, 201, 302, 403]


def test_chain_and_cycle_are_copied_at_once() -> None:
    a, b, c, d, e, f = (Var(s) for s in "abcdef")
    made = parallel_copies([(a, b), (b, a), (c, b), (d, e), (e, f)], NOWHERE)
    space: dict[Var, int] = {var: k for k, var in enumerate((a, b, c, d, e, f))}
    for stmt in made:
        match stmt:
            case Assign(target, Var() as source):
                space[target] = space[source]
            case AssignMany(targets, values):
                space.update(zip(targets, [space[v] for v in values if isinstance(v, Var)]))
            case _:
                raise AssertionError(stmt)
    assert [space[var] for var in (a, b, c, d, e, f)] == [1, 0, 1, 4, 5, 5]


def test_zero_trips_and_unset_variable() -> None:
    """``last`` is unset before the loop; nobody reads it after, so no copy may fail."""
    n, i, last, made, out = Var("n"), Var("i"), Var("last"), Var("last"), Var("after")
    loop = For(i, ZERO, n, ONE, (Assign(made, i),), None, (Carried(last, None, made, out),))
    f = load(text_of(Function("f", (n,), (loop, Return((n,))))))
    assert f(0) == 0


def exit_loop(kind: int) -> Function:
    x, n, i, s0, s, s1, s2, out = (Var(v) for v in ("x", "n", "i", "s", "s", "s", "s", "s"))
    e0, e1, e2 = (Var("exit", True) for _ in range(3))
    loop = For(
        i,
        ZERO,
        n,
        ONE,
        (
            Assign(e0, ZERO),
            If(
                Compare("<", Load(x, (i,)), ZERO),
                (Assign(e1, Const(kind)),),
                (Assign(s1, add(s, Load(x, (i,)))),),
                (Join(e2, e1, e0), Join(s2, s, s1)),
            ),
        ),
        e2,
        (Carried(s, s0, s2, out),),
    )
    return Function("f", (x, n), (Assign(s0, Const(0.0)), loop, Return((out,))))


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_exit_becomes_break(kind: int) -> None:
    text = text_of(exit_loop(kind))
    assert "exit" not in text
    assert ("break" in text) == (kind >= 2)
    x = np.array([1.0, 2.0, -1.0, 4.0])
    assert load(text)(x, 4) == (3.0 if kind >= 2 else 7.0)


def test_break_reads_as_the_user_wrote() -> None:
    assert text_of(exit_loop(2)) == (
        "def f(x, n):\n"
        "    s = 0.0\n"
        "    for i in range(n):\n"
        "        if x[i] < 0:\n"
        "            break\n"
        "        s = s + x[i]\n"
        "    return s\n"
    )


def test_exit_that_is_read_stays_a_variable() -> None:
    n, i, e0, e1, e2, e, e_out = Var("n"), Var("i"), *(Var("exit", True) for _ in range(5))
    loop = For(
        i,
        ZERO,
        n,
        ONE,
        (If(Compare("==", i, Const(3)), (Assign(e1, Const(3)),), (), (Join(e2, e1, e),)),),
        e2,
        (Carried(e, e0, e2, e_out),),
    )
    text = text_of(Function("f", (n,), (Assign(e0, ZERO), loop, Return((e_out,)))))
    assert "if exit >= 2:\n            break" in text
    assert [load(text)(k) for k in (3, 4, 9)] == [0, 3, 3]


def test_stale_exit_is_not_a_break() -> None:
    """Never reset: entered again, the loop leaves after one iteration, so no plain break."""
    n, e, s, i, j = Var("n"), Var("exit", True), Var("s"), Var("i"), Var("j")
    inner = For(
        j,
        ZERO,
        n,
        ONE,
        (Assign(s, add(s, ONE)), If(Compare("==", j, ONE), (Assign(e, TWO),), ())),
        e,
    )
    fn = Function(
        "f",
        (n,),
        (Assign(e, ZERO), Assign(s, ZERO), For(i, ZERO, TWO, ONE, (inner,)), Return((s,))),
    )
    assert load(plain_text(fn))(5) == 3


def test_loop_variable_shares_its_name_with_the_users_copy() -> None:
    n, i, user, head, start, out = (Var(s) for s in ("n", "i", "i", "i", "i", "i"))
    loop = For(i, ZERO, n, ONE, (Assign(user, i),), None, (Carried(head, start, user, out),))
    body = (Assign(start, Const(-7)), loop, Return((out,)))
    text = text_of(Function("f", (n,), body))
    assert "i_2" not in text and "i = i" not in text
    assert [load(text)(k) for k in (0, 3)] == [-7, 2]


def test_raise_branch() -> None:
    x, y, y2 = Var("x"), Var("y"), Var("y")
    check = If(
        Compare("<", x, ZERO),
        (Raise("ValueError", (Const("negative"),)),),
        (Assign(y, Apply("math.sqrt", (x,))),),
        (Join(y2, None, y),),
    )
    f = load(text_of(Function("f", (x,), (check, Return((y2,))))))
    assert f(4.0) == 2.0
    with pytest.raises(ValueError, match="negative"):
        f(-1.0)


# ---------------------------------------------------------------- names


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


# ---------------------------------------------------------------- nesting


def test_nesting() -> None:
    x, k, t1, t2, y = Var("x"), Var("k"), Var("t", True), Var("t", True), Var("y")
    body: Block = (
        Assign(t1, Binary("*", k, Load(x, (ZERO,)))),
        Assign(t2, add(t1, ONE)),
        Assign(y, Apply("math.tanh", (t2,))),
        Return((y,)),
    )
    fn = Function("f", (x, k), body)
    assert "y = math.tanh(k * x[0] + 1)" in plain_text(nest(fn))
    assert "t1 = k * x[0]" in plain_text(nest(fn, frozenset((t1,))))


def stays(between: tuple[Stmt, ...], x: Var, k: Var, value: Expr) -> bool:
    t = Var("t", True)
    fn = Function("f", (x, k), (Assign(t, value), *between, Return((t,))))
    nested = nest(fn)
    return any(isinstance(s, Assign) and s.target is t for s in statements(nested.body))


def test_nesting_stops_at_stores_and_assignments() -> None:
    x, k = Var("x"), Var("k")
    loaded, scalar = Load(x, (ZERO,)), add(k, ONE)
    store = (Store(x, (ZERO,), Const(0.0)),)
    assert stays(store, x, k, loaded)
    assert stays((Accumulate(x, (ZERO,), Const(0.0)),), x, k, loaded)
    assert stays((If(k, store, ()),), x, k, loaded)
    assert stays(store, x, k, Apply("np.sum", (x,)))
    assert not stays(store, x, k, scalar)
    assert stays((Assign(k, ZERO),), x, k, scalar)
    assert stays((If(k, (Assign(k, ZERO),), ()),), x, k, scalar)
    assert not stays((), x, k, loaded)


def test_nothing_moves_into_a_loop() -> None:
    k, t, u, i = Var("k"), Var("t", True), Var("u"), Var("i")
    start = (Assign(u, ZERO), Assign(t, add(k, ONE)))
    bodies: tuple[Stmt, ...] = (
        For(i, ZERO, k, ONE, (Assign(u, add(u, t)),)),
        While(Compare("<", u, t), (Assign(u, add(u, ONE)),)),
    )
    for loop in bodies:
        fn = Function("f", (k,), (*start, loop, Return((u,))))
        assert "t1 = k + 1" in plain_text(nest(fn))


def test_long_expressions_are_not_built() -> None:
    x = Var("x")
    made: list[Stmt] = []
    last: Var = x
    for _ in range(40):
        t = Var("t", True)
        made.append(Assign(t, Binary("*", Apply("math.sin", (last,)), Const(0.5))))
        last = t
    text = plain_text(nest(Function("f", (x,), (*made, Return((last,))))))
    assert max(map(len, text.splitlines())) < 100
    assert len(text.splitlines()) < 20


# ---------------------------------------------------------------- text


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


# ---------------------------------------------------------------- whole random programs


class Programs:
    """Random ssa programs over integers, with few names, so that they collide."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def fresh(self) -> Var:
        return self.rng.choice([Var("x"), Var("y"), Var("z"), Var("t", True)])

    def expr(self, scope: list[Var]) -> Expr:
        rng = self.rng
        match rng.randrange(5):
            case 0:
                return rng.choice(scope)
            case 1:
                return Const(rng.randrange(-3, 4))
            case _:
                pair = Binary(rng.choice("+-*"), rng.choice(scope), rng.choice(scope))
                return Binary("%", add(pair, Const(rng.randrange(5))), Const(97))

    def cond(self, scope: list[Var]) -> Expr:
        left = Binary("%", self.rng.choice(scope), Const(4))
        return Compare(self.rng.choice(["<", "==", ">="]), left, Const(self.rng.randrange(4)))

    def block(self, scope: list[Var], depth: int) -> list[Stmt]:
        """Statements; their definitions are added to ``scope``."""
        made: list[Stmt] = []
        for _ in range(self.rng.randrange(1, 5)):
            kind = self.rng.randrange(6) if depth else 0
            if kind == 4:
                made.append(self.branch(scope, depth))
            elif kind == 5:
                made.append(self.loop(scope, depth))
            else:
                value, target = self.expr(scope), self.fresh()
                made.append(Assign(target, value))
                scope.append(target)
        return made

    def branch(self, scope: list[Var], depth: int) -> Stmt:
        cond = self.cond(scope)
        inside = (list(scope), list(scope))
        then = self.block(inside[0], depth - 1)
        orelse = self.block(inside[1], depth - 1) if self.rng.random() < 0.7 else []
        joins = tuple(
            Join(self.fresh(), self.rng.choice(inside[0]), self.rng.choice(inside[1]))
            for _ in range(self.rng.randrange(4))
        )
        scope.extend(join.out for join in joins)
        return If(cond, tuple(then), tuple(orelse), joins)

    def loop(self, scope: list[Var], depth: int) -> Stmt:
        rng = self.rng
        heads = [self.fresh() for _ in range(rng.randrange(1, 5))]
        inits = [rng.choice(scope) for _ in heads]
        count = Var("i")
        inside = [*scope, *heads, count]
        body = self.block(inside, depth - 1)
        exit_ = None
        if rng.random() < 0.5:
            zero, out, exit_ = (Var("exit", True) for _ in range(3))
            stop = Assign(out, Const(rng.choice([1, 2, 3])))
            choice = If(self.cond(inside), (stop,), (), (Join(exit_, out, zero),))
            body = [Assign(zero, ZERO), *body, choice]
        # Heads among the nexts make swaps, rotations and chains.
        nexts = [rng.choice(rng.choice([heads, inside])) for _ in heads]
        outs = [self.fresh() for _ in heads]
        carried = tuple(Carried(*one) for one in zip(heads, inits, nexts, outs))
        scope.extend(outs)
        return For(count, ZERO, Const(rng.randrange(5)), ONE, tuple(body), exit_, carried)

    def function(self) -> Function:
        params = (Var("x"), Var("y"))
        scope = list(params)
        body = self.block(scope, 3)
        values = tuple(self.rng.choice(scope) for _ in range(4))
        return Function("f", params, (*body, Return(values)))


def evaluate(expr: Expr, space: dict[Var, int]) -> int:
    match expr:
        case Var():
            return space[expr]
        case Const(int() as value):
            return value
        case Binary(op, a, b) | Compare(op, a, b):
            return int(eval(f"a {op} b", {"a": evaluate(a, space), "b": evaluate(b, space)}))
        case _:
            raise AssertionError(expr)


def interpret(block: Block, space: dict[Var, int]) -> tuple[int, ...]:
    """Runs ssa as it is defined: joins and carried variables take their values at once."""
    for stmt in block:
        match stmt:
            case Assign(target, value):
                space[target] = evaluate(value, space)
            case If(cond, then, orelse, joins):
                taken = bool(evaluate(cond, space))
                interpret(then if taken else orelse, space)
                for join in joins:
                    source = join.then if taken else join.orelse
                    assert source is not None
                    space[join.out] = space[source]
            case For(var, _, stop, _, body, exit_, carried):
                for one in carried:
                    assert one.init is not None
                    space[one.head] = space[one.init]
                for k in range(evaluate(stop, space)):
                    space[var] = k
                    interpret(body, space)
                    heads = [space[one.next] for one in carried]
                    space.update(zip([one.head for one in carried], heads))
                    if exit_ is not None and space[exit_] >= 2:
                        break
                space.update({one.out: space[one.head] for one in carried})
            case Return(values):
                return tuple(evaluate(value, space) for value in values)
            case _:
                raise AssertionError(stmt)
    return ()


@pytest.mark.parametrize("nested", [False, True])
def test_random_programs_run_as_interpreted(nested: bool) -> None:
    for seed in range(300):
        fn = Programs(seed).function()
        text = text_of(fn, nested)
        f = load(text)
        for args in ((1, 2), (-5, 11)):
            space = dict(zip(fn.params, args))
            assert f(*args) == interpret(fn.body, space), f"seed {seed}\n{text}"


def test_same_input_same_text() -> None:
    def all_text() -> str:
        return "".join(text_of(Programs(seed).function()) for seed in range(40))

    first = all_text()
    ballast = [Var("ballast") for _ in range(1000)]
    assert all_text() == first and ballast


def test_same_text_in_another_process() -> None:
    program = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "from test_emit import Programs, text_of\n"
        "junk = [object() for _ in range(int(sys.argv[1]))]\n"
        "print(''.join(text_of(Programs(s).function()) for s in range(30)))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program, count], capture_output=True, text=True, check=True
        ).stdout
        for count in ("3", "5000")
    }
    assert len(outputs) == 1 and "def f" in outputs.pop()


# ---------------------------------------------------------------- verifier


def broken(*body: Stmt, params: tuple[Var, ...] = ()) -> Function:
    return Function("f", params, body)


def test_verifier_names_what_is_wrong() -> None:
    x, y, i, n = Var("x"), Var("y"), Var("i"), Var("n")
    set_x, end = Assign(x, ONE), Return((x,))
    cases: list[tuple[str, str, Function]] = [
        ("ssa", "second time", broken(set_x, set_x, end)),
        ("ssa", "reads x", broken(end)),
        ("ssa", "another scope", broken(If(ONE, (set_x,), ()), end)),
        ("ssa", "another scope", broken(For(i, ZERO, ONE, ONE, (set_x,)), end)),
        ("ssa", "joins nothing", broken(If(ONE, (), (), (Join(x, None, None),)), end)),
        ("ssa", "else-branch", broken(If(ONE, (set_x,), (), (Join(y, x, x),)), Return((y,)))),
        ("ssa", "exit variable", broken(set_x, While(x, (), y), end)),
        ("ssa", "plain dialect", broken(AssignMany((x, y), (ONE, ONE)), end)),
        ("ssa", "wanted one", broken(set_x)),
        ("ssa", "wanted one", broken(set_x, If(x, (end,), ()), end)),
        ("ssa", "follows a Raise", broken(set_x, If(x, (Raise("E", ()), set_x), ()), end)),
        ("ssa", "operator", broken(Assign(x, Binary("@", ONE, ONE)), end)),
        ("ssa", "Load without", broken(Assign(x, Load(n, ())), end, params=(n,))),
        ("plain", "reads x", broken(end)),
        ("plain", "its own variable", broken(For(x, ZERO, ONE, ONE, (set_x,)), end)),
        ("plain", "outside a loop", broken(set_x, Break(), end)),
        ("plain", "ssa dialect", broken(If(ONE, (set_x,), (), (Join(y, x, None),)), end)),
    ]
    for dialect, message, fn in cases:
        with pytest.raises(VerifierError, match=message):
            verify(fn, "ssa" if dialect == "ssa" else "plain")


def test_verifier_accepts_reads_of_earlier_iterations() -> None:
    n, i, y = Var("n"), Var("i"), Var("y")
    inner = (If(Compare(">", i, ZERO), (Do("g", (y,)),), ()), Assign(y, i))
    verify(broken(For(i, ZERO, n, ONE, inner), Return((n,)), params=(n,)), "plain")
    assert list(stmt_reads(inner[1])) == [i]
