"""Which elements of arrays a statement names."""

from __future__ import annotations

from collections.abc import Iterator

from adcompile.ir import nodes as ir
from adcompile.ir.walk import stmt_exprs, stmt_reads, subexpressions


def accesses(stmt: ir.Stmt) -> Iterator[tuple[ir.Var, tuple[ir.Index, ...] | None]]:
    """The variables that a statement itself reads or writes through, with the subscripts; None
    where it uses one otherwise: numbers, and arrays as a whole.  Asking for a shape is no use."""
    if isinstance(stmt, ir.Store | ir.Accumulate):
        yield stmt.array, stmt.index
    loaded: list[ir.Var] = []
    for top in stmt_exprs(stmt):
        for expr in subexpressions(top):
            if isinstance(expr, ir.Load):
                yield expr.array, expr.index
                loaded.append(expr.array)
            elif isinstance(expr, ir.Dim):
                loaded.append(expr.array)
    if isinstance(stmt, ir.Store | ir.Accumulate):
        loaded.append(stmt.array)
    for var in stmt_reads(stmt):
        if var in loaded:
            loaded.remove(var)
        else:
            yield var, None
