"""Work space that a loop makes anew in each iteration is made once (plain dialect).

The contents of a new ``np.empty`` mean nothing, so those of the iteration before do no harm.  This
concerns tapes that live for one iteration, and the user's own work space.
"""

from __future__ import annotations

from dataclasses import replace

from adcompile.analysis.accesses import accesses
from adcompile.ir import nodes as ir
from adcompile.ir.walk import (
    blocks,
    map_blocks,
    reads,
    statements,
    stmt_defs,
    stmt_reads,
    subexpressions,
)


def make_once(fn: ir.Function) -> ir.Function:
    return replace(fn, body=_block(fn.body, fn))


def _block(block: ir.Block, fn: ir.Function) -> ir.Block:
    out: list[ir.Stmt] = []
    for stmt in block:
        if blocks(stmt):
            stmt = map_blocks(lambda b: _block(b, fn), stmt)
        if isinstance(stmt, ir.For | ir.While):
            space = _work_space(stmt, fn)
            out.extend(space)
            stmt = replace(stmt, body=tuple(s for s in stmt.body if not _is_in(s, space)))
        out.append(stmt)
    return tuple(out)


def _is_in(stmt: ir.Stmt, some: list[ir.Alloc]) -> bool:
    return any(stmt is one for one in some)


def _work_space(loop: ir.For | ir.While, fn: ir.Function) -> list[ir.Alloc]:
    """The arrays of a fixed shape that are made in the loop and stay in it."""
    made = [s for s in loop.body if isinstance(s, ir.Alloc) and s.fn == "np.empty"]
    if not made:
        return []
    inside = list(statements((loop,)))
    defined = {v for s in inside for v in stmt_defs(s)}
    everywhere = [v for s in statements(fn.body) for v in (*stmt_reads(s), *stmt_defs(s))]
    within = [v for s in inside for v in (*stmt_reads(s), *stmt_defs(s))]
    return [
        stmt
        for stmt in made
        if not any(v in defined for arg in stmt.args for v in reads(arg))
        and all(map(_is_size, stmt.args))
        and everywhere.count(stmt.target) == within.count(stmt.target)
        and all(_by_element(s, stmt.target) for s in inside if s is not stmt)
    ]


def _is_size(expr: ir.Expr) -> bool:
    """A shape that never changes and is never negative: where the loop does not run, nothing may
    fail."""
    match expr:
        case ir.Const(value=int() as n):
            return n >= 0
        case ir.Const() | ir.Dim():
            return True
        case ir.MakeTuple(items):
            return all(map(_is_size, items))
        case ir.Apply("rt.trips" | "rt.trip_count", args):
            return not any(isinstance(e, ir.Load) for a in args for e in subexpressions(a))
        case _:
            return False


def _by_element(stmt: ir.Stmt, array: ir.Var) -> bool:
    """Only elements of the array, and its shape, are named, or it grows."""
    match stmt:
        case ir.Assign(target, ir.Apply("rt.grow", (old,))) if target is array and old is array:
            return True
        case _:
            whole = any(var is array and index is None for var, index in accesses(stmt))
            return not whole and array not in stmt_defs(stmt)
