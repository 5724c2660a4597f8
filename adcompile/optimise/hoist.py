"""Integer arithmetic that a loop repeats comes before it (ssa): sizes and bounds above all.

A trip count that is known before the outermost loop gives tapes their size at once.
"""

from __future__ import annotations

from dataclasses import replace

from numba.core import types as nt

from adcompile.ir import nodes as ir
from adcompile.ir.walk import blocks, map_blocks, reads, statements, stmt_defs

Types = dict[ir.Var, nt.Type]


def hoist_sizes(fn: ir.Function, types: Types, kernels: bool = False) -> ir.Function:
    """``fn`` with sums, differences and products of fixed integers taken out of loops.
    ``kernels``: the user's own variables too, and out of branches in loops, such as the
    ``if i < n`` of a thread: such arithmetic cannot fail."""
    return replace(fn, body=_Hoisting(types, kernels).block(fn.body, False))


class _Hoisting:
    def __init__(self, types: Types, kernels: bool) -> None:
        self.types, self.kernels = types, kernels

    def block(self, block: ir.Block, in_loop: bool) -> ir.Block:
        out: list[ir.Stmt] = []
        for stmt in block:
            within = in_loop or isinstance(stmt, ir.For | ir.While)
            if blocks(stmt):
                stmt = map_blocks(lambda b, within=within: self.block(b, within), stmt)  # type: ignore[misc]
            if isinstance(stmt, ir.For | ir.While) or (
                self.kernels and in_loop and isinstance(stmt, ir.If)
            ):
                fixed, stmt = self.taken_out(stmt)
                out += fixed
            out.append(stmt)
        return tuple(out)

    def taken_out(self, stmt: ir.For | ir.While | ir.If) -> tuple[list[ir.Stmt], ir.Stmt]:
        inside = {v for s in statements((stmt,)) for v in stmt_defs(s)}
        if not isinstance(stmt, ir.If):
            inside -= {c.out for c in stmt.carried}
        fixed: list[ir.Stmt] = []
        for one in (s for block in blocks(stmt) for s in block):
            if self.is_fixed(one, inside):
                fixed.append(one)
                inside.difference_update(stmt_defs(one))
        if not fixed:
            return [], stmt
        return fixed, map_blocks(lambda b: tuple(s for s in b if s not in fixed), stmt)

    def is_fixed(self, stmt: ir.Stmt, inside: set[ir.Var]) -> bool:
        match stmt:
            case ir.Assign(target, value) if target.temp or self.kernels:
                if not isinstance(self.types.get(target), nt.Integer):
                    return False
                if self.kernels and isinstance(value, ir.Const):  # better seen than passed
                    return False
                return _is_simple(value, self.kernels) and inside.isdisjoint(reads(value))
            case _:
                return False


def _is_simple(expr: ir.Expr, kernels: bool) -> bool:
    match expr:
        case ir.Const() | ir.Var() | ir.Dim():
            return True
        case ir.Unary("-" | "+", x):
            return _is_simple(x, kernels)
        case ir.Binary("+" | "-" | "*", a, b):
            return _is_simple(a, kernels) and _is_simple(b, kernels)
        case ir.Binary("//" | "%", a, ir.Const(int() as by)) if by > 0 and kernels:
            return _is_simple(a, kernels)
        case _:
            return False
