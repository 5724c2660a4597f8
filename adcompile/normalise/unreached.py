"""Branches that nothing reaches (ssa, typed): ``if flag and 0 == 1``.

Numba leaves out what it can tell is never run, so its variables have no types.  What is left here
of such a statement is the other branch, or for a loop nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from numba.core import types as nt

from adcompile.ir import nodes as ir
from adcompile.ir.walk import map_blocks

Types = Mapping[ir.Var, nt.Type]


def drop_unreached(fn: ir.Function, types: Types) -> ir.Function:
    """``fn`` without the branches and loops none of whose values has a type."""

    def block(body: ir.Block) -> ir.Block:
        return tuple(made for stmt in body for made in reached(stmt))

    def reached(stmt: ir.Stmt) -> Iterator[ir.Stmt]:
        left: ir.Block | None = None
        pairs: list[tuple[ir.Var, ir.Var | None]] = []
        match stmt:
            case ir.If(_, then, orelse, joins) if _is_dead(then, types):
                left, pairs = orelse, [(join.out, join.orelse) for join in joins]
            case ir.If(_, then, orelse, joins) if _is_dead(orelse, types):
                left, pairs = then, [(join.out, join.then) for join in joins]
            case ir.While(_, body, None, carried) if _is_dead(body, types):
                left, pairs = (), [(one.out, one.init) for one in carried]
            case _:
                pass
        if left is None or any(value is None for _, value in pairs):
            yield map_blocks(block, stmt)
            return
        yield from block(left)
        for out, value in pairs:
            assert value is not None
            yield ir.Assign(out, value, loc=stmt.loc)

    return replace(fn, body=block(fn.body))


def _is_dead(body: ir.Block, types: Types) -> bool:
    targets = [stmt.target for stmt in body if isinstance(stmt, ir.Assign)]
    return bool(targets) and not any(target in types for target in targets)
