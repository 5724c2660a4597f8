"""The verifier names what is wrong."""

from __future__ import annotations

import pytest

from adcompile.errors import VerifierError
from adcompile.ir.nodes import (
    Assign,
    AssignMany,
    Binary,
    Break,
    Compare,
    Do,
    For,
    Function,
    If,
    Join,
    Load,
    Raise,
    Return,
    Stmt,
    Var,
    While,
)
from adcompile.ir.verify import verify
from adcompile.ir.walk import stmt_reads
from tests.emitted import ONE, ZERO


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
