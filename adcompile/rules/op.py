"""The operations that a rule may use, for users known as ``adcompile.op``.  Each works on floats,
which tests the row without the compiler, and on ``Sym``, an IR expression that the row's operators
extend.  ``where`` and ``eq`` stand for ``if`` and ``==``.

On floats they are NumPy's functions: poles give inf and nan, and float32 stays float32.  They work
on arrays too, element by element: so the tape engine uses the rows.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from adcompile.ir.nodes import Apply, Binary, Const, Expr
from adcompile.rules import simplify
from adcompile.runtime import likelihood, special

Value: TypeAlias = Any  # a float, a bool, or a Sym


@dataclass(frozen=True, eq=False)
class Sym:
    """An IR expression under Python's operators.  Equality is ``op.eq``."""

    expr: Expr

    def __neg__(self) -> Sym:
        return Sym(simplify.neg(self.expr))

    def __add__(self, other: Value) -> Sym:
        return Sym(simplify.add(self.expr, lift(other)))

    def __radd__(self, other: Value) -> Sym:
        return Sym(simplify.add(lift(other), self.expr))

    def __sub__(self, other: Value) -> Sym:
        return Sym(simplify.sub(self.expr, lift(other)))

    def __rsub__(self, other: Value) -> Sym:
        return Sym(simplify.sub(lift(other), self.expr))

    def __mul__(self, other: Value) -> Sym:
        return Sym(simplify.mul(self.expr, lift(other)))

    def __rmul__(self, other: Value) -> Sym:
        return Sym(simplify.mul(lift(other), self.expr))

    def __truediv__(self, other: Value) -> Sym:
        return Sym(simplify.div(self.expr, lift(other)))

    def __rtruediv__(self, other: Value) -> Sym:
        return Sym(simplify.div(lift(other), self.expr))

    def __floordiv__(self, other: Value) -> Sym:
        return Sym(Binary("//", self.expr, lift(other)))

    def __pow__(self, other: Value) -> Sym:
        return Sym(simplify.power(self.expr, lift(other)))

    def __rpow__(self, other: Value) -> Sym:
        return Sym(simplify.power(lift(other), self.expr))

    def __lt__(self, other: Value) -> Sym:
        return Sym(simplify.compare("<", self.expr, lift(other)))

    def __le__(self, other: Value) -> Sym:
        return Sym(simplify.compare("<=", self.expr, lift(other)))

    def __gt__(self, other: Value) -> Sym:
        return Sym(simplify.compare(">", self.expr, lift(other)))

    def __ge__(self, other: Value) -> Sym:
        return Sym(simplify.compare(">=", self.expr, lift(other)))

    def __bool__(self) -> bool:
        raise TypeError("a rule branches with op.where, not with if")


def lift(x: Value) -> Expr:
    """The IR expression of a Sym or of a number that a rule wrote."""
    if isinstance(x, Sym):
        return x.expr
    if isinstance(x, np.float64 | np.int64 | np.complex128):
        x = x.item()
    if isinstance(x, (bool, int, float, complex)):
        return Const(x)
    raise TypeError(f"not a value of a rule: {x!r}")


def _apply(fn: str, on_floats: Any, *args: Value) -> Value:
    if any(isinstance(a, Sym) for a in args):
        return Sym(Apply(fn, tuple(lift(a) for a in args)))
    return on_floats(*args)


def apply_named(fn: str, on_floats: Any, *args: Value) -> Value:
    """A function that generated code calls by this name."""
    return _apply(fn, on_floats, *args)


def _by_element(f: Callable[..., Any], kind: type = float) -> Callable[..., Any]:
    """``f``, a function of numbers, on arrays too."""
    vectorised = np.vectorize(f, otypes=[kind])
    return lambda *args: (vectorised if any(map(np.ndim, args)) else f)(*args)


def where(cond: Value, a: Value, b: Value) -> Value:
    if isinstance(cond, Sym):
        return Sym(simplify.select(cond.expr, lift(a), lift(b)))
    if isinstance(cond, np.ndarray):
        return np.where(cond, a, b)
    return a if cond else b


def eq(a: Value, b: Value) -> Value:
    if isinstance(a, Sym) or isinstance(b, Sym):
        return Sym(simplify.compare("==", lift(a), lift(b)))
    return a == b


def sin(x: Value) -> Value:
    return _apply("math.sin", np.sin, x)


def cos(x: Value) -> Value:
    return _apply("math.cos", np.cos, x)


def sinh(x: Value) -> Value:
    return _apply("math.sinh", np.sinh, x)


def cosh(x: Value) -> Value:
    return _apply("math.cosh", np.cosh, x)


def cosine_and_sine(x: Value) -> Value:
    """cos x + i sin x, for real x."""
    return _apply("cmath.rect", _by_element(cmath.rect, complex), 1.0, x)


def as_complex(x: Value) -> Value:
    return _apply("complex", np.complex128, x)


def conj(x: Value) -> Value:
    return _apply("np.conjugate", np.conjugate, x)


def exp(x: Value) -> Value:
    return _apply("math.exp", np.exp, x)


def tan(x: Value) -> Value:
    return _apply("math.tan", np.tan, x)


def tanh(x: Value) -> Value:
    return _apply("math.tanh", np.tanh, x)


def atan(x: Value) -> Value:
    return _apply("math.atan", np.arctan, x)


def log1p(x: Value) -> Value:
    return _apply("math.log1p", np.log1p, x)


def expm1(x: Value) -> Value:
    return _apply("math.expm1", np.expm1, x)


def erf(x: Value) -> Value:
    return _apply("math.erf", _by_element(math.erf), x)


def exp2(x: Value) -> Value:
    return _apply("np.exp2", np.exp2, x)


def log(x: Value) -> Value:
    return _apply("math.log", np.log, x)


def sqrt(x: Value) -> Value:
    return _apply("math.sqrt", np.sqrt, x)


def fabs(x: Value) -> Value:
    return _apply("math.fabs", np.fabs, x)


def sign(x: Value) -> Value:
    """-1, 0 or 1; nan for nan."""
    return _apply("np.sign", np.sign, x)


def rint(x: Value) -> Value:
    return _apply("np.rint", np.rint, x)


def copysign(x: Value, y: Value) -> Value:
    return _apply("math.copysign", np.copysign, x, y)


def ldexp(x: Value, n: Value) -> Value:
    return _apply("math.ldexp", np.ldexp, x, n)


def digamma(x: Value) -> Value:
    return _apply("rt.digamma", _by_element(special.digamma), x)


def trigamma(x: Value) -> Value:
    return _apply("rt.trigamma", _by_element(special.trigamma), x)


def expit(x: Any) -> Any:
    return _apply("rt.expit", _by_element(likelihood.expit), x)


def i0e(x: Value) -> Value:
    return _apply("rt.i0e", _by_element(likelihood.i0e), x)


def i1e(x: Value) -> Value:
    return _apply("rt.i1e", _by_element(likelihood.i1e), x)
