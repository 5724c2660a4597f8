"""Conditional expressions of large functions as calls (plain dialect, last of all).

    x_adj += 0.0 if y_adj == 0.0 or 0.5 / r == 0.0 else y_adj * (0.5 / r)
        ->  x_adj += strong_product(y_adj, 0.5 / r)
    x_adj += y_adj if x > 0.0 else 0.0   ->   x_adj += choose(x > 0.0, y_adj, 0.0)

Each conditional expression is four blocks and a variable for Numba, whose single assignment goes
through all statements once per such variable: 458 of them took 37 of 41 seconds.  Few of them cost
little, and read better.
"""

from __future__ import annotations

from dataclasses import replace

from adcompile.ir import nodes as ir
from adcompile.ir.walk import (
    map_blocks,
    map_children,
    map_stmt_exprs,
    statements,
    stmt_exprs,
    subexpressions,
)
from adcompile.rules.simplify import contribution, number

_FEWEST = 32
_OTHERS = ("rt.", "fn.", "gen.")  # may be dear, and raise
_DEAR = (*_OTHERS, "vm.", "math.")


def choose_by_calls(fn: ir.Function) -> ir.Function:
    """``fn`` with calls for its conditional expressions of numbers, if there are many."""
    parts = (p for stmt in statements(fn.body) for e in stmt_exprs(stmt) for p in subexpressions(e))
    if sum(isinstance(part, ir.Select) for part in parts) < _FEWEST:
        return fn
    return replace(fn, body=_block(fn.body))


def _block(body: ir.Block) -> ir.Block:
    return tuple(map_blocks(_block, map_stmt_exprs(_called, stmt)) for stmt in body)


def _called(expr: ir.Expr) -> ir.Expr:
    """From the outside inwards: a strong product holds its factor twice."""
    match expr:
        case ir.Select(cond, ir.Const(0.0), product) if pair := _factors(cond, product):
            return ir.Apply("rt.strong_product", tuple(map(_called, pair)))
        case ir.Select(cond, a, b) if _is_number(a, b) and _is_eager(a) and _is_eager(b):
            return ir.Apply("rt.choose", tuple(map(_called, (cond, a, b))))
        case _:
            return map_children(_called, expr)


def _factors(cond: ir.Expr, product: ir.Expr) -> tuple[ir.Expr, ir.Expr] | None:
    """a and b, if ``product`` is theirs and ``cond`` is ``a == 0.0 or b == 0.0``."""
    match cond:
        case ir.Logic("or", ir.Compare("==", a, ir.Const(0.0)), ir.Compare("==", b, ir.Const(0.0))):
            return (a, b) if product == contribution(a, b) and _is_eager(b, _OTHERS) else None
        case _:
            return None


def _is_number(a: ir.Expr, b: ir.Expr) -> bool:
    """Not an array: one of the two is a literal, and the other is of its kind."""
    return isinstance(number(a), float) or isinstance(number(b), float)


def _is_eager(expr: ir.Expr, lazy: tuple[str, ...] = _DEAR) -> bool:
    """Whether it can be computed where it is not wanted."""
    for part in subexpressions(expr):
        match part:
            case ir.Load():
                return False
            case ir.Apply(name) if name.startswith(lazy):
                return False
            case _:
                pass
    return True
