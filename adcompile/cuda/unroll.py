"""Loops of a few iterations written out (plain dialect): what they add to one element can then be
summed in a variable, and what they compute stays in registers."""

from __future__ import annotations

from dataclasses import replace

from adcompile.ir import nodes as ir
from adcompile.ir.walk import blocks, map_blocks, map_stmt_exprs, statements, stmt_defs, substitute

_TRIPS, _STATEMENTS = 4, 96  # at most


def unroll_short(fn: ir.Function) -> ir.Function:
    """Those inside other loops."""
    return replace(fn, body=_block(fn.body, inside=False))


def _block(block: ir.Block, inside: bool) -> ir.Block:
    out: list[ir.Stmt] = []
    for stmt in block:
        within = inside or isinstance(stmt, ir.For | ir.While)
        if blocks(stmt):
            stmt = map_blocks(lambda b, within=within: _block(b, within), stmt)  # type: ignore[misc]
        values = _values(stmt) if inside else None
        if values is None or not isinstance(stmt, ir.For):
            out.append(stmt)
            continue
        for k, value in enumerate(values):
            body = _with(stmt.body, stmt.var, value)
            out.extend(s for s in body if k == 0 or not isinstance(s, ir.Comment))
    return tuple(out)


def _values(stmt: ir.Stmt) -> list[int] | None:
    """Of the loop's variable, if there are few."""
    match stmt:
        case ir.For(_, ir.Const(int() as start), ir.Const(int() as stop), step):
            pass
        case _:
            return None
    match step:
        case ir.Const(int() as by) | ir.Unary("-", ir.Const(int() as by)) if by:
            by = -by if isinstance(step, ir.Unary) else by
        case _:
            return None
    values = list(range(start, stop, by))
    inner = list(statements(stmt.body))
    if len(values) > _TRIPS or len(values) * len(inner) > _STATEMENTS or stmt.exit is not None:
        return None
    if any(isinstance(s, ir.Break | ir.Alloc | ir.Copy | ir.View) for s in inner):
        return None
    return None if any(stmt.var in stmt_defs(s) for s in inner) else values


def _with(block: ir.Block, var: ir.Var, value: int) -> ir.Block:
    known = {var: ir.Const(value)}

    def one(stmt: ir.Stmt) -> ir.Stmt:
        stmt = map_stmt_exprs(lambda e: substitute(e, known), stmt)
        if blocks(stmt):
            stmt = map_blocks(lambda b: tuple(one(s) for s in b), stmt)
        return stmt

    return tuple(one(s) for s in block)
