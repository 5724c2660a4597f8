"""Conditions of literals: ``x.ndim == 1`` once ranks are known."""

from __future__ import annotations

import operator
from collections.abc import Callable

from adcompile.ir import nodes as ir

_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def is_decidable(expr: ir.Expr) -> bool:
    """Whether a condition is made of literals and ranks."""
    match expr:
        case ir.Const() | ir.Attribute(ir.Var(), "ndim"):
            return True
        case ir.Compare(_, a, b) | ir.Logic(_, a, b):
            return is_decidable(a) and is_decidable(b)
        case ir.Unary("not", x):
            return is_decidable(x)
        case _:
            return False


def literal(expr: ir.Expr) -> bool | None:
    """The truth of a condition of literals."""
    match expr:
        case ir.Const(value) if isinstance(value, bool | int):
            return bool(value)
        case ir.Compare(op, ir.Const(value=int() as a), ir.Const(value=int() as b)):
            return _COMPARE[op](a, b)
        case ir.Unary("not", x):
            inner = literal(x)
            return None if inner is None else not inner
        case ir.Logic(op, a, b):
            first, second = literal(a), literal(b)
            stop = op == "or"
            if first is stop or (first is not None and second is None):
                return first if first is stop else None
            return second if first is not None else None
        case _:
            return None
