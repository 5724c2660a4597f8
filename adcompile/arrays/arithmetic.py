"""Arithmetic on pulls, as the user's operators have it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numba.core import types as nt

from adcompile.arrays.pull import Pull, of_scalar
from adcompile.ir import nodes as ir

if TYPE_CHECKING:
    from adcompile.arrays.machine import Machine


def number(value: float) -> Pull:
    """A literal, which takes the precision of what it meets."""
    kind = nt.boolean if isinstance(value, bool) else nt.int64
    return of_scalar(ir.Const(value), nt.float64 if isinstance(value, float) else kind, True)


def _operator(spelled: str) -> Callable[[Machine, Pull, Pull], Pull]:
    def made(m: Machine, a: Pull, b: Pull) -> Pull:
        return m.elementwise(spelled, lambda p: ir.Binary(spelled, p[0], p[1]), [a, b])

    return made


def _comparison(spelled: str) -> Callable[[Machine, Pull, Pull], Pull]:
    def made(m: Machine, a: Pull, b: Pull) -> Pull:
        return m.elementwise(spelled, lambda p: ir.Compare(spelled, p[0], p[1]), [a, b])

    return made


plus, minus, times, over, power = (_operator(spelled) for spelled in ("+", "-", "*", "/", "**"))
less, equal, unequal = (_comparison(spelled) for spelled in ("<", "==", "!="))


def apply(m: Machine, name: str, *operands: Pull) -> Pull:
    """A function of numbers on arrays: ``np.exp`` and the like."""
    return m.elementwise(name, lambda p: ir.Apply(name, tuple(p)), list(operands))


def select(m: Machine, condition: Pull, a: Pull, b: Pull) -> Pull:
    """``np.where``."""
    kind = m.result(np.where, (condition, a, b))

    def fitting(atom: ir.Expr) -> ir.Expr:
        if (
            isinstance(kind, nt.Float | nt.Complex)
            and isinstance(atom, ir.Const)
            and type(atom.value) is int
        ):
            return ir.Const(float(atom.value))
        return atom

    return m.combine(
        np.where, lambda p: ir.Select(p[0], fitting(p[1]), fitting(p[2])), (condition, a, b), kind
    )


def absolute(m: Machine, a: Pull) -> Pull:
    return apply(m, "abs", a)


def conj(m: Machine, a: Pull) -> Pull:
    return apply(m, "np.conjugate", a) if isinstance(a.dtype, nt.Complex) else a


def square(m: Machine, a: Pull) -> Pull:
    """The squares of absolute values."""
    if isinstance(a.dtype, nt.Complex):
        kind = m.result(np.abs, (a,))
        return m.combine(np.abs, lambda p: ir.Apply("rt.abs2", (p[0],)), (a,), kind)
    return m.combine(np.square, lambda p: ir.Binary("*", p[0], p[0]), (a,))


def is_nan(m: Machine, a: Pull) -> Pull:
    return m.combine(np.isnan, lambda p: ir.Compare("!=", p[0], p[0]), (a,), nt.boolean)


def cast(m: Machine, a: Pull, kind: nt.Type) -> Pull:
    """``a.astype(kind)``."""
    if a.dtype is kind:
        return a
    name = "np.bool_" if isinstance(kind, nt.Boolean) else f"np.{kind}"
    return m.combine(np.asarray, lambda p: ir.Apply(name, (p[0],)), (a,), kind)
