"""``if`` statements one after the other with the same condition become one (plain dialect): what a
thread computes under ``if i < n`` on the way forward is then there on the way back."""

from __future__ import annotations

from dataclasses import replace

from adcompile.ir import nodes as ir
from adcompile.ir.walk import blocks, map_blocks, reads, statements, stmt_defs, subexpressions


def merge_guards(fn: ir.Function) -> ir.Function:
    """In all blocks."""
    return replace(fn, body=_block(fn.body))


def _block(block: ir.Block) -> ir.Block:
    out: list[ir.Stmt] = []
    comments: list[ir.Stmt] = []  # since the last statement
    for stmt in block:
        if isinstance(stmt, ir.Comment):
            comments.append(stmt)
            continue
        before = out[-1] if out else None
        if isinstance(stmt, ir.If) and isinstance(before, ir.If) and _same(before, stmt):
            notes = tuple(comments)
            both = replace(before, then=(*before.then, *notes, *stmt.then))
            out[-1] = replace(both, orelse=(*before.orelse, *stmt.orelse))
        else:
            out += [*comments, stmt]
        comments = []
    out += comments
    return tuple(map_blocks(_block, s) if blocks(s) else s for s in out)


def _same(first: ir.If, second: ir.If) -> bool:
    """The same condition, which the first one leaves as it is."""
    if first.cond != second.cond:
        return False
    if any(isinstance(e, ir.Load | ir.Apply) for e in subexpressions(first.cond)):
        return False
    changed = {v for s in statements((first,)) for v in stmt_defs(s)}
    return not any(v in changed for v in reads(first.cond))
