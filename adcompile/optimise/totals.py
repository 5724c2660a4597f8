"""What a loop adds to one element of a shadow is summed in a variable first (plain dialect).

The adjoint of a broadcast is a sum, ``bias_adj[j] += out_adj`` in a loop that j does not depend on:
a read and a write of memory per iteration, which also keep the loop from running on several lanes.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

from adcompile.ir import nodes as ir
from adcompile.ir.walk import blocks, map_blocks, statements, stmt_defs, subexpressions
from adcompile.optimise.arrays_used import Arrays
from adcompile.optimise.vectorise import PLUS

_MOST = 12  # sums of one loop, which are to stay in registers


def keep_totals(fn: ir.Function, primal: Container[ir.Var]) -> ir.Function:
    """``fn`` with such sums taken out of as many loops as they may leave.  Those of arrays in
    ``primal`` are the user's, and keep their order."""
    return replace(fn, body=_Totals(fn, primal).block(fn.body))


class _Totals:
    def __init__(self, fn: ir.Function, primal: Container[ir.Var]) -> None:
        self.primal, self.arrays = primal, Arrays(fn.body)

    def block(self, block: ir.Block) -> ir.Block:
        out: list[ir.Stmt] = []
        for stmt in block:
            places = self.places(stmt) if isinstance(stmt, ir.For) else {}
            for place, total in places.items():
                out.append(ir.Assign(total, ir.Const(0.0), loc=stmt.loc))
                stmt = _summed(stmt, place, total)
            out.append(map_blocks(self.block, stmt) if blocks(stmt) else stmt)
            for place, total in places.items():  # without iterations there need not be a place
                add = ir.Accumulate(place.array, place.index, total, "+", stmt.loc)
                out.append(ir.If(ir.Compare("!=", total, ir.Const(0.0)), (add,), (), loc=stmt.loc))
        return tuple(out)

    def places(self, loop: ir.For) -> dict[ir.Load, ir.Var]:
        """The elements, with a variable for the sum of each."""
        assigned = {v for s in statements((loop,)) for v in stmt_defs(s)}
        found: dict[ir.Load, ir.Var] = {}
        for array, uses in self.arrays.written_in(loop, assigned):
            if array in self.primal or uses is None:
                continue
            if not all(isinstance(use, ir.Accumulate) for use in uses):
                continue
            for index in dict.fromkeys(use.index for use in uses):
                fixed = tuple(i for i in index if not isinstance(i, ir.Slice))
                if len(fixed) == len(index) and not any(_moves(i, assigned) for i in fixed):
                    found[ir.Load(array, fixed)] = ir.Var(f"{array.name}_part")
        return found if len(found) <= _MOST else {}


def _moves(entry: ir.Expr, assigned: Container[ir.Var]) -> bool:
    parts = list(subexpressions(entry))
    return any(isinstance(p, ir.Load | ir.Apply) or p in assigned for p in parts)


def _summed(stmt: ir.Stmt, place: ir.Load, total: ir.Var) -> ir.Stmt:
    def block(stmts: ir.Block) -> ir.Block:
        return tuple(one(s) for s in stmts)

    def one(s: ir.Stmt) -> ir.Stmt:
        match s:
            case ir.Accumulate(array, index, value, op) if (
                array is place.array and index == place.index
            ):
                part = value if op == "+" else ir.Unary("-", value)
                return ir.Assign(total, ir.Apply(PLUS, (total, part)), loc=s.loc)
            case _:
                return map_blocks(block, s) if blocks(s) else s

    return one(stmt)
