"""Exceptions apart from the loop that may raise them (plain dialect), so that it can have threads.

    for i in range(n):                     for i in range(n):
        size = min(i + k, n) - i               size = min(i + k, n) - i
        if size != m:                          if size != m:
            raise ValueError("...")    ->          raise ValueError("...")
        y[i] = f(x[i:i + k])               for i in range(n):
                                               size = min(i + k, n) - i
                                               y[i] = f(x[i:i + k])

What an exception depends on must be numbers, extents of arrays among them, and no elements: those
may be what the loop writes.
"""

from __future__ import annotations

from dataclasses import replace

from adcompile.analysis.exposed import exposed
from adcompile.ir import nodes as ir
from adcompile.ir.walk import (
    blocks,
    map_blocks,
    statements,
    stmt_defs,
    stmt_exprs,
    stmt_reads,
    subexpressions,
)


def checks_apart(loop: ir.For) -> tuple[ir.For, ir.For] | None:
    """The loop that raises and the one that does not, or None."""
    if any(isinstance(s, ir.For | ir.While) and s.exit is not None for s in statements(loop.body)):
        return None  # whether a loop inside is left early decides what it raises
    needed: set[ir.Var] = set()
    while True:
        before = set(needed)
        body = _checks(loop.body, needed)
        if needed == before:  # what one iteration of an inner loop hands to the next is in it
            break
    if not all(map(_is_of_numbers, statements(body))):
        return None
    made = {v for s in statements(body) for v in stmt_defs(s)}
    if not made.isdisjoint(exposed(loop.body)):  # handed from one iteration to the next, perhaps
        return None
    first = replace(loop, body=body, order="sequential")
    return first, replace(loop, body=_silent(loop.body))


def _checks(block: ir.Block, needed: set[ir.Var]) -> ir.Block:
    """What decides whether ``block`` raises; ``needed`` learns the variables that it reads."""
    kept: list[ir.Stmt] = []
    for stmt in reversed(block):
        if blocks(stmt):
            inner = map_blocks(lambda part: _checks(part, needed), stmt)
            wanted = any(blocks(inner))
            stmt = inner
        else:
            wanted = isinstance(stmt, ir.Raise) or not needed.isdisjoint(stmt_defs(stmt))
        if wanted:
            needed.update(stmt_reads(stmt))
            kept.append(stmt)
    return tuple(reversed(kept))


def _is_of_numbers(stmt: ir.Stmt) -> bool:
    if not isinstance(stmt, ir.Assign | ir.AssignMany | ir.If | ir.For | ir.While | ir.Raise):
        return False
    return not any(
        isinstance(e, ir.Load | ir.Subscript)
        for top in stmt_exprs(stmt)
        for e in subexpressions(top)
    )


def _silent(block: ir.Block) -> ir.Block:
    """``block`` without exceptions, none of which is raised."""
    kept: list[ir.Stmt] = []
    for stmt in block:
        if isinstance(stmt, ir.Raise):
            continue
        if any(isinstance(s, ir.Raise) for s in statements((stmt,))):
            stmt = map_blocks(_silent, stmt)
            if not any(blocks(stmt)):
                continue
        kept.append(stmt)
    return tuple(kept)
