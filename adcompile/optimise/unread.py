"""Drop assignments to variables that nothing reads (plain dialect, flow-insensitive)."""

from __future__ import annotations

from dataclasses import replace

from adcompile.ir import nodes as ir
from adcompile.ir.walk import blocks, map_blocks, statements, stmt_reads


def drop_unread(fn: ir.Function) -> ir.Function:
    """``fn`` without pure assignments whose target is read nowhere but in its own updates."""
    body = fn.body
    while True:
        read: set[ir.Var] = set()
        for stmt in statements(body):
            own = stmt.target if isinstance(stmt, ir.Assign) else None
            read.update(v for v in stmt_reads(stmt) if v is not own)
            if isinstance(stmt, ir.For | ir.While) and stmt.exit is not None:
                read.add(stmt.exit)
        smaller = _block(body, read)
        if smaller == body:
            return replace(fn, body=body)
        body = smaller


def _block(block: ir.Block, read: set[ir.Var]) -> ir.Block:
    out: list[ir.Stmt] = []
    for stmt in block:
        match stmt:
            case ir.Assign(target) | ir.View(target) if target not in read:
                continue
            case _:
                pass
        had = blocks(stmt)
        stmt = map_blocks(lambda inner: _block(inner, read), stmt)
        empty = had and not any(s for b in blocks(stmt) for s in b if not isinstance(s, ir.Comment))
        if empty and isinstance(stmt, ir.If | ir.For):
            continue
        out.append(stmt)
    return tuple(out)
