"""Integer arithmetic that a loop repeats comes before it (ssa): sizes and bounds above all.

A trip count that is known before the outermost loop gives tapes their size at once.
"""

from __future__ import annotations

from dataclasses import replace

from numba.core import types as nt

from adcompile.ir import nodes as ir
from adcompile.ir.walk import blocks, map_blocks, reads, statements, stmt_defs

Types = dict[ir.Var, nt.Type]


def hoist_sizes(fn: ir.Function, types: Types) -> ir.Function:
    """``fn`` with sums, differences and products of fixed integers taken out of loops."""
    return replace(fn, body=_block(fn.body, types))


def _block(block: ir.Block, types: Types) -> ir.Block:
    out: list[ir.Stmt] = []
    for stmt in block:
        if blocks(stmt):
            stmt = map_blocks(lambda b: _block(b, types), stmt)
        if isinstance(stmt, ir.For | ir.While):
            inside = {v for s in statements((stmt,)) for v in stmt_defs(s)}
            inside -= {c.out for c in stmt.carried}
            fixed: list[ir.Stmt] = []
            for one in stmt.body:
                if _is_fixed(one, types, inside):
                    fixed.append(one)
                    inside.difference_update(stmt_defs(one))
            out += fixed
            stmt = replace(stmt, body=tuple(s for s in stmt.body if s not in fixed))
        out.append(stmt)
    return tuple(out)


def _is_fixed(stmt: ir.Stmt, types: Types, inside: set[ir.Var]) -> bool:
    match stmt:
        case ir.Assign(target, value) if target.temp and isinstance(types.get(target), nt.Integer):
            return _is_simple(value) and inside.isdisjoint(reads(value))
        case _:
            return False


def _is_simple(expr: ir.Expr) -> bool:
    match expr:
        case ir.Const() | ir.Var() | ir.Dim():
            return True
        case ir.Unary("-" | "+", x):
            return _is_simple(x)
        case ir.Binary("+" | "-" | "*", a, b):
            return _is_simple(a) and _is_simple(b)
        case _:
            return False
