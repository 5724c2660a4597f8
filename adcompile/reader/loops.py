"""Headers of for loops."""

from __future__ import annotations

import ast

from adcompile.ir import nodes as ir
from adcompile.reader.scope import Scope
from adcompile.reader.values import Values


def range_bounds(stmt: ast.For, values: Values, scope: Scope) -> tuple[ir.Expr, ir.Expr, ir.Expr]:
    """start, stop and step of ``for name in range(...)``."""
    if not isinstance(stmt.target, ast.Name):
        scope.refuse(stmt.target, "this loop target", "Loop with one name over range(n).")
    call = stmt.iter
    if not (isinstance(call, ast.Call) and values.resolve(call.func) is range):
        if not (isinstance(call, ast.Call) and _is_prange(values.resolve(call.func))):
            scope.refuse(stmt.iter, "a loop over something else than range", "Use range(len(x)).")
    assert isinstance(call, ast.Call)
    if call.keywords or not 1 <= len(call.args) <= 3:
        scope.refuse(call, "these arguments of range")
    bounds = [values.whole(arg) for arg in call.args]
    if len(bounds) == 1:
        bounds = [ir.Const(0), *bounds]
    if len(bounds) == 2:
        bounds.append(ir.Const(1))
    start, stop, step = bounds
    return start, stop, step


def _is_prange(thing: object) -> bool:
    import numba

    return thing is numba.prange
