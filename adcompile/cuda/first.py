"""Shadows that a kernel assigns where it would add to zeros (plain dialect): what is left of them
becomes zero apart, so that most of their memory is touched once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from adcompile.ir import nodes as ir
from adcompile.ir.walk import statements, stmt_defs, stmt_reads, subexpressions
from adcompile.optimise.arrays_used import Arrays


def assign_first(
    fn: ir.Function, shadows: Iterable[ir.Var]
) -> tuple[ir.Function, frozenset[ir.Var]]:
    """``fn``, and those of the vectors ``shadows``, which its caller provides, that it makes whole
    whatever they hold."""
    body, done = list(fn.body), set[ir.Var]()
    for shadow in shadows:
        uses = [k for k, stmt in enumerate(body) if _mentions(stmt, shadow)]
        if not uses:
            continue
        loop = body[uses[0]]
        if isinstance(loop, ir.For) and (made := _assigned(loop, shadow, body)) is not None:
            rest = ir.Do("rt.zero_from", (shadow, loop.stop), loop.loc)
            body[uses[0] : uses[0] + 1] = [rest, made]
            done.add(shadow)
    return replace(fn, body=tuple(body)), frozenset(done)


def _assigned(loop: ir.For, shadow: ir.Var, body: list[ir.Stmt]) -> ir.For | None:
    """The loop with an assignment; None unless each iteration begins by adding to its element."""
    if loop.start != ir.Const(0) or loop.step != ir.Const(1) or loop.exit is not None:
        return None
    if any(isinstance(e, ir.Load) for e in subexpressions(loop.stop)):
        return None
    inner = list(statements(loop.body))
    assigned = {v for s in inner for v in stmt_defs(s)}
    if any(isinstance(s, ir.Break) for s in loop.body) or loop.var in assigned:
        return None
    for array, uses in Arrays(tuple(body)).written_in(loop, assigned):
        if array is shadow and (uses is None or any(u.index != (loop.var,) for u in uses)):
            return None
    for k, stmt in enumerate(loop.body):
        match stmt:
            case ir.Accumulate(array, (place,), value, op, loc) if array is shadow:
                if place is not loop.var or shadow in _read(value):
                    return None
                value = value if op == "+" else ir.Unary("-", value)
                store = ir.Store(shadow, (place,), value, loc)
                return replace(loop, body=(*loop.body[:k], store, *loop.body[k + 1 :]))
            case _ if _mentions(stmt, shadow):
                return None
            case _:
                pass
    return None


def _read(expr: ir.Expr) -> set[ir.Expr]:
    return {e for e in subexpressions(expr) if isinstance(e, ir.Var)}


def _mentions(stmt: ir.Stmt, shadow: ir.Var) -> bool:
    return any(v is shadow for s in statements((stmt,)) for v in (*stmt_reads(s), *stmt_defs(s)))
