"""Constructors of arithmetic that fold only what is exact.

Allowed: a factor or divisor of one, signs moved outwards, constants computed.  Not allowed:
``0 * x -> 0`` (wrong for inf and nan) and ``x + 0 -> x`` (wrong for -0.0).  A derivative that is
zero for every x is None in the rule table, and never reaches these functions.

The results are meant for expressions of float type: ``1 * n`` becomes ``n`` whatever n is.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable

from adcompile.ir.nodes import Apply, Binary, Compare, Const, Expr, Logic, Select, Unary

Number = int | float
_COMPARE: dict[str, Callable[[Number, Number], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def number(e: Expr) -> Number | None:
    """The value of a numeric literal (bool is not one)."""
    if isinstance(e, Const) and type(e.value) in (int, float):
        assert isinstance(e.value, (int, float))
        return e.value
    return None


def _fold(f: Callable[[Number, Number], object], a: Expr, b: Expr) -> Const | None:
    """Both constant: the value, unless Python refuses it or it is not a plain int64 or float."""
    x, y = number(a), number(b)
    if x is None or y is None:
        return None
    try:
        value = f(x, y)
    except (ArithmeticError, ValueError):
        return None
    if type(value) is float and not math.isnan(value):
        return Const(value)
    if type(value) is int and -(2**63) <= value < 2**63:
        return Const(value)
    return None


def _negated(e: Expr) -> Expr | None:
    """The operand of a minus sign."""
    return e.x if isinstance(e, Unary) and e.op == "-" else None


def neg(x: Expr) -> Expr:
    value = number(x)
    if value is not None and value != -(2**63):
        return Const(-value)
    inner = _negated(x)
    return Unary("-", x) if inner is None else inner


def add(a: Expr, b: Expr) -> Expr:
    folded = _fold(operator.add, a, b)
    if folded is not None:
        return folded
    minus = _negated(b)
    return Binary("+", a, b) if minus is None else sub(a, minus)


def sub(a: Expr, b: Expr) -> Expr:
    folded = _fold(operator.sub, a, b)
    if folded is not None:
        return folded
    plus = _negated(b)
    return Binary("-", a, b) if plus is None else add(a, plus)


def mul(a: Expr, b: Expr) -> Expr:
    folded = _fold(operator.mul, a, b)
    if folded is not None:
        return folded
    for factor, other in ((a, b), (b, a)):
        if number(factor) == 1:
            return other
        if number(factor) == -1:
            return neg(other)
    minus = _negated(a)
    if minus is not None:
        return neg(mul(minus, b))
    minus = _negated(b)
    if minus is not None:
        return neg(mul(a, minus))
    if isinstance(b, Binary) and b.op == "*" and (minus := _negated(b.a)) is not None:
        return neg(mul(a, mul(minus, b.b)))
    # a * (1 / b) is a / b with one rounding fewer.
    if isinstance(b, Binary) and b.op == "/" and number(b.a) == 1:
        return div(a, b.b)
    return Binary("*", a, b)


def div(a: Expr, b: Expr) -> Expr:
    folded = _fold(operator.truediv, a, b)
    if folded is not None:
        return folded
    if number(b) == 1:
        return a
    if number(b) == -1:
        return neg(a)
    minus = _negated(a)
    if minus is not None:
        return neg(div(minus, b))
    minus = _negated(b)
    if minus is not None:
        return neg(div(a, minus))
    return Binary("/", a, b)


def power(a: Expr, b: Expr) -> Expr:
    """x**0 is 1 and x**1 is x for every x, nan included."""
    folded = _fold(operator.pow, a, b)
    if folded is not None:
        return folded
    if number(b) == 0:
        return Const(1.0)
    if number(b) == 1:
        return a
    return Binary("**", a, b)


def compare(op: str, a: Expr, b: Expr) -> Expr:
    x, y = number(a), number(b)
    if x is not None and y is not None:
        return Const(_COMPARE[op](x, y))
    return Compare(op, a, b)


def select(cond: Expr, a: Expr, b: Expr) -> Expr:
    if isinstance(cond, Const) and isinstance(cond.value, bool):
        return a if cond.value else b
    return Select(cond, a, b)


def contribution(adj: Expr, partial: Expr, strong_zero: bool = False, doubly: bool = False) -> Expr:
    """What an operand's adjoint receives: ``adj * partial``.

    A branch of a partial that is the literal 0.0 lets nothing through, be ``adj`` inf or nan.
    With ``strong_zero`` nothing times an infinite partial is nothing; ``doubly``: nor is an
    infinite ``adj`` times nothing.  ``adj`` may be repeated, so it should be a name.
    """
    if strong_zero:
        nothing: Expr = Compare("==", adj, Const(0.0))
        if doubly:
            nothing = Logic("or", nothing, Compare("==", partial, Const(0.0)))
        return Select(nothing, Const(0.0), contribution(adj, partial))
    if isinstance(partial, Select):
        a, b = (_through(adj, branch) for branch in (partial.a, partial.b))
        return Select(partial.cond, a, b)
    return mul(adj, partial)


def _through(adj: Expr, branch: Expr) -> Expr:
    return Const(0.0) if number(branch) == 0 else contribution(adj, branch)


# ---------------------------------------------------------------- complex numbers


def real_part(e: Expr) -> Expr:
    """What a real operand receives of a complex product."""
    match e:
        case Const(complex() as value):
            return Const(value.real)
        case Const():
            return e
        case Unary("-", x):
            return neg(real_part(x))
        case Select(cond, a, b):
            return Select(cond, real_part(a), real_part(b))
        case Binary("*", a, Const(complex() as value)) if value in (1j, -1j):
            part = Apply("np.imag", (a,))
            return neg(part) if value == 1j else part
        case _:
            return Apply("np.real", (e,))


def as_complex(e: Expr, kind: object) -> Expr:
    """``e``, which may be real, as a number of this complex type."""
    if str(kind) == "complex64":
        return Apply("np.complex64", (e,))
    return e if isinstance(e, Const) else Apply("complex", (e,))
