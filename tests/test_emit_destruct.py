"""Out of ssa: joins, carried variables and exits, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from adcompile.emit.destruct import parallel_copies
from adcompile.errors import NOWHERE
from adcompile.ir.nodes import (
    Apply,
    Assign,
    AssignMany,
    Binary,
    Block,
    Carried,
    Compare,
    Const,
    For,
    Function,
    If,
    Join,
    Load,
    Raise,
    Return,
    Var,
)
from tests.emitted import ONE, TWO, ZERO, add, load, plain_text, text_of


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
