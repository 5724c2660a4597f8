"""What a kernel only writes is not written again when its adjoint replays it (plain dialect)."""

from __future__ import annotations

from dataclasses import replace

from adcompile.ir import nodes as ir
from adcompile.ir.walk import (
    blocks,
    children,
    index_parts,
    map_blocks,
    statements,
    stmt_exprs,
    stmt_reads,
)


def drop_unread_writes(fn: ir.Function, arrays: tuple[ir.Var, ...]) -> ir.Function:
    """``fn`` without writes to those of ``arrays`` that it never reads, and without the copies that
    keep the caller's as they are."""
    unread = {a for a in arrays if not any(_is_read(s, a) for s in statements(fn.body))}
    return replace(fn, body=_block(fn.body, unread))


def _is_read(stmt: ir.Stmt, array: ir.Var) -> bool:
    match stmt:
        case ir.Copy(target, source) if target is array and source is array:
            return False
        case ir.Store(target, index, value) | ir.Accumulate(target, index, value):
            if target is array:
                return any(_mentions(e, array) for e in (*index_parts(index), value))
        case ir.If() | ir.For() | ir.While() | ir.Assign():
            return any(_mentions(e, array) for e in stmt_exprs(stmt))
        case _:
            pass
    return array in stmt_reads(stmt)


def _mentions(expr: ir.Expr, array: ir.Var) -> bool:
    """Otherwise than in a question for its extents or whether it overlaps another."""
    match expr:
        case ir.Dim() | ir.Apply("rt.overlap"):
            return False
        case ir.Var():
            return expr is array
        case _:
            return any(_mentions(child, array) for child in children(expr))


def _block(block: ir.Block, unread: set[ir.Var]) -> ir.Block:
    out: list[ir.Stmt] = []
    for stmt in block:
        match stmt:
            case ir.Store(array) | ir.Accumulate(array) | ir.Copy(array) if array in unread:
                continue
            case _:
                out.append(map_blocks(lambda b: _block(b, unread), stmt) if blocks(stmt) else stmt)
    return tuple(out)
