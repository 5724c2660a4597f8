"""The values that variables of loops have, as far as these are written."""

from __future__ import annotations

from adcompile.ir import nodes as ir


def from_zero(loop: ir.For) -> bool:
    """Whether its variable is never negative."""
    match loop:
        case ir.For(_, ir.Const(int() as start), _, ir.Const(int() as step)) if step > 0:
            return start >= 0
        case ir.For(_, _, ir.Const(-1) | ir.Unary("-", ir.Const(1)), ir.Const(-1)):
            return True
        case _:
            return False


def values_of(loop: ir.For) -> range | None:
    """Those of the variable of a loop with bounds that are written."""
    match number_in(loop.start), number_in(loop.stop), number_in(loop.step):
        case int() as start, int() as stop, int() as step if step:
            return range(start, stop, step)
        case _:
            return None


def steps_of(loop: ir.For) -> tuple[ir.Expr, ir.Expr, ir.Expr] | None:
    """(start, stop, step) of the loop whose iterations ``loop`` numbers, in either direction."""
    match loop:
        case ir.For(_, ir.Const(0), ir.Apply("rt.trip_count", (a, b, step)), ir.Const(1)):
            return a, b, step
        case ir.For(_, ir.Binary("-", ir.Apply("rt.trip_count", (a, b, step)), ir.Const(1))):
            down = number_in(loop.stop) == number_in(loop.step) == -1
            return (a, b, step) if down else None
        case _:
            return None


def number_in(expr: ir.Expr) -> int | None:
    match expr:
        case ir.Const(int() as value):
            return value
        case ir.Unary("-", ir.Const(int() as value)):
            return -value
        case ir.Apply("rt.trip_count", (start, stop, step)):
            over = values_of(ir.For(ir.Var("k"), start, stop, step, ()))
            return None if over is None else len(over)
        case ir.Binary("+" | "-" as op, a, b):
            left, right = number_in(a), number_in(b)
            if left is None or right is None:
                return None
            return left + right if op == "+" else left - right
        case _:
            return None
