"""Products of matrices are made in tiles where runtime/tiles.py is quicker (plain dialect)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from numba.core import types as nt

from adcompile.ir import nodes as ir
from adcompile.ir.walk import blocks, map_blocks


def multiply_in_tiles(fn: ir.Function, types: Mapping[ir.Var, nt.Type]) -> ir.Function:
    def is_matrix(e: ir.Expr) -> bool:
        kind = types.get(e) if isinstance(e, ir.Var) else None
        return isinstance(kind, nt.Array) and kind.ndim == 2

    def change(block: ir.Block) -> ir.Block:
        out: list[ir.Stmt] = []
        for stmt in block:
            match stmt:
                case ir.Alloc(_, "np.dot", (a, b), ()) if is_matrix(a) and is_matrix(b):
                    stmt = replace(stmt, fn="rt.dot_22")
                case _:
                    pass
            out.append(map_blocks(change, stmt) if blocks(stmt) else stmt)
        return tuple(out)

    return replace(fn, body=change(fn.body))
