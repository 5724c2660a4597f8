"""Temporaries go back into expressions."""

from __future__ import annotations

from adcompile.emit.nest import nest
from adcompile.ir.nodes import (
    Accumulate,
    Apply,
    Assign,
    Binary,
    Block,
    Compare,
    Const,
    Expr,
    For,
    Function,
    If,
    Load,
    Return,
    Stmt,
    Store,
    Var,
    While,
)
from adcompile.ir.walk import statements
from tests.emitted import ONE, ZERO, add, plain_text


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
