"""Rows of tapes: one per iteration, numbered by loop variables where sizes are known at first."""

from __future__ import annotations

from numba.core import types as nt

from adcompile.analysis.affine import step_of
from adcompile.analysis.scope import Loop, Path, Scopes
from adcompile.ir import nodes as ir
from adcompile.ir.walk import reads

DTYPES = {
    nt.float64: "np.float64",
    nt.float32: "np.float32",
    nt.complex128: "np.complex128",
    nt.complex64: "np.complex64",
    nt.boolean: "np.bool_",
}


def number_rows(path: Path, scopes: Scopes, early: bool = False) -> tuple[ir.Expr, ir.Expr] | None:
    """The number of the current iteration of these loops, each in the one before, and how many
    there are; None if that is not known before the first, or if a loop with others in it may end
    long before its range does, unless there is to be a row for all (``early``)."""
    row: ir.Expr = ir.Const(0)
    rows: ir.Expr = ir.Const(1)
    for k, one in enumerate(path):
        if not isinstance(one, ir.For) or not fixed_outside(one, path[0], scopes):
            return None
        if one.exit is not None and not early and (k < len(path) - 1 or is_long(one)):
            return None
        trips, here = trip_count(one), iteration_number(one)
        rows = ir.Binary("*", rows, trips) if k else trips
        row = ir.Binary("+", ir.Binary("*", row, trips), here) if k else here
    return row, rows


def is_long(loop: ir.For) -> bool:
    """Whether the range is written as one that no run is meant to finish."""
    match loop.stop:
        case ir.Const(int() as stop):
            return stop > 10**6
        case _:
            return False


def fixed_outside(loop: ir.For, root: Loop, scopes: Scopes) -> bool:
    bounds = (loop.start, loop.stop, loop.step)
    return all(scopes.outside(v, root) for b in bounds for v in reads(b))


def trip_count(loop: ir.For) -> ir.Expr:
    """``len(range(start, stop, step))``."""
    if step_of(loop) == 1 and loop.start == ir.Const(0):
        match loop.stop:
            case ir.Dim():
                return loop.stop
            case ir.Const(int() as stop):
                return ir.Const(max(stop, 0))
            case _:
                return ir.Apply("rt.trips", (loop.stop,))
    if step_of(loop) == 1:
        return ir.Apply("rt.trips", (ir.Binary("-", loop.stop, loop.start),))
    return ir.Apply("rt.trip_count", (loop.start, loop.stop, loop.step))


def iteration_number(loop: ir.For) -> ir.Expr:
    """How many iterations came before the one with this value of the loop variable."""
    offset: ir.Expr = loop.var
    if loop.start != ir.Const(0):
        offset = ir.Binary("-", loop.var, loop.start)
    if step_of(loop) == 1:
        return offset
    return ir.Binary("//", offset, loop.step)
