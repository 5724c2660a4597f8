"""Headers of reverse loops."""

from __future__ import annotations

from adcompile.analysis.affine import step_of
from adcompile.ir import nodes as ir
from adcompile.storage.rows import trip_count

_ONE = ir.Const(1)


def reverse_header(loop: ir.For | ir.While, trips: ir.Var | None, body: ir.Block) -> ir.For:
    """The loop that visits the iterations of ``loop`` last to first.

    ``trips`` holds how many there were where that was counted: ``while``, and loops that can be
    left early.
    """
    if isinstance(loop, ir.While):
        assert trips is not None
        return _down(ir.Var(f"k_{loop.loc.line}"), trips, body, loop)
    step = step_of(loop)
    if trips is None and step == 1:
        first, last = _minus_one(loop.stop), _minus_one(loop.start)
        return ir.For(loop.var, first, last, ir.Const(-1), body, loc=loop.loc)
    if trips is None:
        trips_expr: ir.Expr = trip_count(loop)
    else:
        trips_expr = trips
    number = ir.Var(f"k_{loop.loc.line}")
    if step == 1 and loop.start == ir.Const(0):
        return _down(loop.var, trips_expr, body, loop)
    moved: ir.Expr = number if step == 1 else ir.Binary("*", number, loop.step)
    place = ir.Assign(loop.var, ir.Binary("+", loop.start, moved), loc=loop.loc)
    return _down(number, trips_expr, (place, *body), loop)


def _down(var: ir.Var, trips: ir.Expr, body: ir.Block, loop: ir.For | ir.While) -> ir.For:
    return ir.For(var, ir.Binary("-", trips, _ONE), ir.Const(-1), ir.Const(-1), body, loc=loop.loc)


def _minus_one(expr: ir.Expr) -> ir.Expr:
    match expr:
        case ir.Const(value=int() as n):
            return ir.Const(n - 1)
        case ir.Unary("-", ir.Const(value=int() as n)):
            return ir.Const(-n - 1)
        case _:
            return ir.Binary("-", expr, _ONE)
