"""The rows of a tape that an inner loop reads are one slice, taken before it (plain dialect).

A subscript like ``tape[i * n + j, 0]`` in a loop over ``j`` may be negative for all that the
compiler knows, if ``i`` counts down: the loop would run on one lane.  Where it calls elementary
functions that costs several times as much as the slice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from numba.core import types as nt

from adcompile.analysis.accesses import accesses
from adcompile.ir import nodes as ir
from adcompile.ir.walk import (
    blocks,
    map_blocks,
    map_expr,
    map_stmt_exprs,
    reads,
    statements,
    stmt_defs,
    stmt_exprs,
    subexpressions,
)

Types = dict[ir.Var, nt.Type]


def slice_tapes(fn: ir.Function, types: Types, given: Iterable[ir.Var]) -> ir.Function:
    """``fn`` with slices of the tapes ``given`` that it only reads, element by element.  (In arrays
    of the user's the first row could be counted from the end.)"""
    tapes = set(given)
    for stmt in statements(fn.body):
        tapes -= {var for var, index in accesses(stmt) if index is None}
        tapes -= set(stmt_defs(stmt))
        if isinstance(stmt, ir.Store | ir.Accumulate):
            tapes.discard(stmt.array)
    return replace(fn, body=_block(fn.body, tapes, types)) if tapes else fn


def _block(block: ir.Block, tapes: set[ir.Var], types: Types) -> ir.Block:
    out: list[ir.Stmt] = []
    for stmt in block:
        if isinstance(stmt, ir.For) and not any(blocks(s) for s in stmt.body):
            out.extend(_sliced(stmt, tapes, types))
        elif blocks(stmt):
            out.append(map_blocks(lambda b: _block(b, tapes, types), stmt))
        else:
            out.append(stmt)
    return tuple(out)


def _sliced(loop: ir.For, tapes: set[ir.Var], types: Types) -> list[ir.Stmt]:
    extent = _extent(loop)
    inside = list(statements(loop.body))
    calls = any(
        isinstance(e, ir.Apply) and e.fn.startswith("vm.")
        for s in inside
        for x in stmt_exprs(s)
        for e in subexpressions(x)
    )
    if extent is None or not calls:
        return [loop]
    changing = {loop.var, *(v for s in inside for v in stmt_defs(s))}
    slices: dict[tuple[ir.Var, ir.Expr], ir.Var] = {}

    def moved(expr: ir.Expr) -> ir.Expr:
        match expr:
            case ir.Load(array, (ir.Binary("+", ir.Binary("*") as first, var), *rest)):
                if array not in tapes or var is not loop.var or changing & set(reads(first)):
                    return expr
                if any(isinstance(e, ir.Load) for e in subexpressions(first)):
                    return expr
                part = slices.setdefault((array, first), ir.Var(f"{array.name}_rows"))
                return ir.Load(part, (var, *rest))
        return expr

    body = tuple(map_stmt_exprs(lambda e: map_expr(moved, e), s) for s in loop.body)
    made: list[ir.Stmt] = []
    for (array, first), part in slices.items():
        if array in types:
            types[part] = types[array]
        rows = ir.Slice(first, ir.Binary("+", first, extent), None)
        made.append(ir.View(part, array, (rows,), loop.loc))
    return [*made, replace(loop, body=body)]


def _extent(loop: ir.For) -> ir.Expr | None:
    """How many numbers from zero on the variable takes, up or down."""
    match loop:
        case ir.For(start=ir.Const(0), step=ir.Const(1)):
            return loop.stop
        case ir.For(start=ir.Binary("-", count, ir.Const(1)), stop=ir.Const(-1), step=ir.Const(-1)):
            return count
        case _:
            return None
