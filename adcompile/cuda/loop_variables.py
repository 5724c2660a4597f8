"""Names of a generated function, each loop with a variable of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from numba.core import types as nt

from adcompile.analysis.exposed import exposed
from adcompile.cuda.kinds import Types, by_name
from adcompile.cuda.views import inline_views
from adcompile.emit.names import appearance, assign_names
from adcompile.emit.nest import nest
from adcompile.ir import nodes as ir
from adcompile.ir.walk import blocks, map_blocks, rename_block, statements, stmt_defs


def named_apart(
    fn: ir.Function, types: Types, ranks: Mapping[ir.Var, int]
) -> tuple[ir.Function, Types, dict[ir.Var, str]]:
    """``fn`` without copies that only names need, each loop with a variable of its own, no views in
    loops; with types and names."""
    printed = dict.fromkeys(appearance(fn), "float64")  # adjoints of numbers
    printed.update((var, str(kind)) for var, kind in types.items())
    fn, names = assign_names(nest(fn), set(), printed)
    fn = with_own_variables(fn)
    types = by_name(fn, types, names)
    loops = [s for s in statements(fn.body) if isinstance(s, ir.For)]
    types.update((loop.var, nt.int64) for loop in loops)
    ranks = {**ranks, **{v: k.ndim for v, k in types.items() if isinstance(k, nt.Array)}}
    return inline_views(fn, ranks), types, names


def with_own_variables(fn: ir.Function) -> ir.Function:
    """Each loop has a variable of its own again, unless that is read after the loop."""
    loose = set(exposed(tuple(_without_variables(fn.body)), fn.params))

    def block(stmts: ir.Block) -> ir.Block:
        out: list[ir.Stmt] = []
        for stmt in stmts:
            if blocks(stmt):
                stmt = map_blocks(block, stmt)
            if isinstance(stmt, ir.For) and stmt.var not in loose:
                own = ir.Var(stmt.var.name, stmt.var.temp)
                inner = {v for s in statements(stmt.body) for v in stmt_defs(s)}
                if stmt.var not in inner:
                    stmt = replace(stmt, var=own, body=rename_block(stmt.body, {stmt.var: own}))
            out.append(stmt)
        return tuple(out)

    return replace(fn, body=block(fn.body))


def _without_variables(block: ir.Block) -> list[ir.Stmt]:
    """What the loops' variables are read by outside of their loops: with each loop as an if in
    which its variable has been assigned."""
    out: list[ir.Stmt] = []
    for stmt in block:
        if isinstance(stmt, ir.For):
            set_here = ir.Assign(stmt.var, stmt.start)
            body = (set_here, *_without_variables(stmt.body))
            out.append(ir.If(ir.Const(True), body, ()))
        elif blocks(stmt):
            out.append(map_blocks(lambda b: tuple(_without_variables(b)), stmt))
        else:
            out.append(stmt)
    return out
