"""Short loops over matrix products become what they repeat (plain dialect, as parsed).

``for i in range(3): out = out + np.einsum(...)``: outside of loops products are library calls, sums
of them one call (arrays/contractions.py), and an array that is bound anew is just another array.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from adcompile.ir import nodes as ir
from adcompile.ir.walk import (
    blocks,
    map_blocks,
    map_expr,
    map_index,
    map_stmt_exprs,
    rename_block,
    statements,
    stmt_exprs,
    subexpressions,
    substitute,
)

_MOST_TRIPS, _MOST_STATEMENTS = 16, 200
_PRODUCTS = frozenset(f"arr.{name}" for name in ("einsum", "matmul", "dot", "tensordot", "matvec"))


def unroll_products(fn: ir.Function) -> ir.Function:
    """``fn`` without the loops that run a small fixed number of times over matrix products, as far
    as no other loop is around them."""
    return replace(fn, body=_block(fn.body))


def _block(block: ir.Block) -> ir.Block:
    out: list[ir.Stmt] = []
    for stmt in block:
        match stmt:
            case ir.For():
                out.extend(_loop(stmt))
            case ir.If():
                out.append(map_blocks(_block, stmt))
            case _:
                out.append(stmt)
    return tuple(out)


def _loop(loop: ir.For) -> ir.Block:
    """The iterations one after the other, or the loop as it is."""
    trips = _trips(loop)
    if trips is None or not 0 < len(trips) <= _MOST_TRIPS:
        return (loop,)
    body = _block(loop.body)
    size = sum(1 for _ in statements(body))
    if size * len(trips) > _MOST_STATEMENTS or not any(_is_product(s) for s in _straight(body)):
        return (loop,)
    return tuple(s for k in trips for s in _iteration(loop, body, k))


def _trips(loop: ir.For) -> range | None:
    match loop:
        case ir.For(_, ir.Const(int() as start), ir.Const(int() as stop), step, exit=None):
            match step:
                case ir.Const(int() as by) if by:
                    return range(start, stop, by)
                case ir.Unary("-", ir.Const(int() as by)) if by:
                    return range(start, stop, -by)
                case _:
                    return None
        case _:
            return None


def _straight(block: ir.Block) -> Iterator[ir.Stmt]:
    """The statements that no loop repeats."""
    for stmt in block:
        yield stmt
        if isinstance(stmt, ir.If):
            for inner in blocks(stmt):
                yield from _straight(inner)


def _is_product(stmt: ir.Stmt) -> bool:
    parts = (e for top in stmt_exprs(stmt) for e in subexpressions(top))
    return any(isinstance(e, ir.Apply) and e.fn in _PRODUCTS for e in parts)


def _iteration(loop: ir.For, body: ir.Block, k: int) -> Iterator[ir.Stmt]:
    """One iteration.  The number stands in subscripts only: elsewhere a literal and a variable need
    not have the same type."""
    yield ir.Assign(loop.var, ir.Const(k), loc=loop.loc)

    def entry(expr: ir.Expr) -> ir.Expr:
        return map_expr(_sum, substitute(expr, {loop.var: ir.Const(k)}))

    def subscripts(expr: ir.Expr) -> ir.Expr:
        match expr:
            case ir.Subscript(base, index):
                return ir.Subscript(base, map_index(entry, index))
            case _:
                return expr

    def block(stmts: ir.Block) -> ir.Block:
        return tuple(statement(s) for s in stmts)

    def statement(stmt: ir.Stmt) -> ir.Stmt:
        stmt = map_stmt_exprs(lambda expr: map_expr(subscripts, expr), stmt)
        return map_blocks(block, stmt)

    loops = [s.var for s in statements(body) if isinstance(s, ir.For)]
    yield from rename_block(block(body), {var: ir.Var(var.name, var.temp) for var in loops})


def _sum(expr: ir.Expr) -> ir.Expr:
    """Sums of integers as one, and without 0."""
    match expr:
        case ir.Binary("+", ir.Const(int() as a), ir.Const(int() as b)):
            return ir.Const(a + b)
        case ir.Binary("-", ir.Const(int() as a), ir.Const(int() as b)):
            return ir.Const(a - b)
        case ir.Binary("*", ir.Const(int() as a), ir.Const(int() as b)):
            return ir.Const(a * b)
        case ir.Binary("+", ir.Const(0), other) | ir.Binary("+" | "-", other, ir.Const(0)):
            return other
        case _:
            return expr
