"""Functions of numbers on arrays: broadcasting, and the dtype that NumPy gives."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numba.core import types as nt
from numba.np.numpy_support import as_dtype, from_dtype

from adcompile.arrays.emitter import Emitter, Index
from adcompile.arrays.pull import Pull, broadcast, of_scalar
from adcompile.clones import clone
from adcompile.custom import BY_NAME
from adcompile.errors import Loc, UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.options import Options
from adcompile.rules.registry import rule_for
from adcompile.types.infer import infer_function

if TYPE_CHECKING:
    from adcompile.arrays.machine import Machine

Build = Callable[[Sequence[ir.Expr]], ir.Expr]

LITERALS: dict[type, nt.Type] = {
    bool: nt.boolean,
    int: nt.int64,
    float: nt.float64,
    complex: nt.complex128,
}
_OPERATORS: dict[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "<<": operator.lshift,
    ">>": operator.rshift,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_UNARY: dict[str, Callable[..., Any]] = {
    "-": operator.neg,
    "+": operator.pos,
    "~": operator.invert,
    "not": operator.not_,
}


# Functions of math that scipy.special has for arrays.
_OF_FLOATS = ("math.lgamma", "math.gamma", "math.erf", "math.erfc")


def is_special(name: str) -> bool:
    """A function of numbers that Numba cannot type on arrays."""
    if name in BY_NAME:
        return True
    return name in (*_OF_FLOATS, "abs") or (name.startswith("rt.") and rule_for(name) is not None)


@dataclass(frozen=True)
class OfUser:
    """A scalar function of the user's, applied element by element."""

    name: str
    elementwise: bool

    def __call__(self, *args: Any) -> Any:
        raise AssertionError("its type is Numba's")

    def refuse_arrays(self, loc: Loc) -> NoReturn:
        raise UnsupportedError(
            f"{self.name.removeprefix('fn.')} has a rule for numbers, and is applied to an array",
            loc,
            "Say that it may be: register_rule(..., elementwise=True).",
        )


@lru_cache(maxsize=1024)
def type_of_user_function(name: str, kinds: tuple[nt.Type, ...]) -> nt.Type:
    """What a registered function returns for numbers of these types."""
    copy = clone(BY_NAME[name].callee.target, Options(), {})
    return infer_function(getattr(copy, "py_func", copy), kinds)


def _as_float(*args: Any) -> Any:
    """The dtype of a function of floats."""
    total = np.exp(args[0])
    for arg in args[1:]:
        total = total + arg
    return total


def function_named(name: str) -> Callable[..., Any] | None:
    """The NumPy function of arrays that a call of ``name`` means."""
    if name == "abs":
        return np.abs
    if name == "rt.stop_gradient":
        return np.positive
    if name in BY_NAME:
        return OfUser(name, BY_NAME[name].elementwise)
    if is_special(name):
        return _as_float
    if name.startswith("np."):
        found = getattr(np, name.removeprefix("np."), None)
        return found if callable(found) else None
    return None


def operator_named(spelled: str, operands: int) -> Callable[..., Any]:
    return _UNARY[spelled] if operands == 1 else _OPERATORS[spelled]


def literal(value: ir.Const, loc: Loc) -> Pull:
    """A number that takes the precision of what it meets."""
    kind = LITERALS.get(type(value.value))
    if kind is None:
        raise UnsupportedError(f"{value.value!r} in an array expression", loc)
    return of_scalar(value, kind, weak=True)


def result_dtype(f: Callable[..., Any], operands: Sequence[Pull], loc: Loc) -> nt.Type:
    """The dtype of ``f`` on arrays and scalars of these kinds, as NumPy has it.

    Numbers that are not literals count with their own precision, as in Numba.
    """
    if isinstance(f, OfUser):
        return type_of_user_function(f.name, tuple(p.dtype for p in operands))
    floats = any(isinstance(p.dtype, nt.Float | nt.Complex) for p in operands)

    def is_weak(p: Pull) -> bool:  # an integer variable leaves the precision of floats alone
        return p.rank == 0 and (p.weak or (floats and isinstance(p.dtype, nt.Integer)))

    kinds = tuple((str(as_dtype(p.dtype)), is_weak(p)) for p in operands)
    try:
        return _result_dtype(f, kinds)
    except TypeError:
        name = getattr(f, "__name__", "this function")
        shown = ", ".join(str(p.dtype) for p in operands)
        raise UnsupportedError(f"{name} of elements of type {shown}", loc) from None


@lru_cache(maxsize=4096)
def _result_dtype(f: Callable[..., Any], kinds: tuple[tuple[str, bool], ...]) -> nt.Type:
    samples = [_sample(np.dtype(name), weak) for name, weak in kinds]
    with np.errstate(all="ignore"):
        return from_dtype(np.asarray(f(*samples)).dtype)


def _sample(dtype: np.dtype[Any], weak: bool) -> Any:
    ones = np.ones(1, dtype)
    return ones[0].item() if weak else ones


def mapped(
    dims: tuple[ir.Expr, ...],
    dtype: nt.Type,
    build: Build,
    operands: Sequence[Pull],
    cheap: bool = False,
) -> Pull:
    """The pull of ``build`` on the elements of ``operands``, which agree with ``dims``."""
    parts = [p if p.rank == 0 else broadcast(p, dims) for p in operands]

    def at(out: Emitter, index: Index) -> ir.Expr:
        atoms = []
        for part in parts:
            atom = part.at(out, index if part.rank else ())
            atoms.append(converted(out, atom, part.dtype, dtype))
        value = out.named(build(atoms), dtype)
        if isinstance(dtype, nt.Integer) and dtype.bitwidth < 64:  # Numba computes in 64 bits
            value = out.named(ir.Apply(f"np.{dtype}", (value,)), dtype)
        return value

    reads = frozenset[ir.Var]().union(*(p.reads for p in parts))
    shifted = frozenset[ir.Var]().union(*(p.shifted for p in parts))
    return Pull(dims, dtype, at, cheap, reads=reads, shifted=shifted)


def converted(out: Emitter, atom: ir.Expr, have: nt.Type, want: nt.Type) -> ir.Expr:
    """A single-precision operation has operands of single precision."""
    if want not in (nt.float32, nt.complex64) or isinstance(have, nt.Boolean):
        return atom
    kind = nt.complex64 if isinstance(have, nt.Complex) else nt.float32
    return atom if have is kind else out.named(ir.Apply(f"np.{kind}", (atom,)), kind)


def cast(out: Emitter, atom: ir.Expr, have: nt.Type, want: nt.Type) -> ir.Expr:
    """``atom`` as a number of type ``want``."""
    if have is want:
        return atom
    if isinstance(atom, ir.Const) and isinstance(want, nt.Float) and want is nt.float64:
        if isinstance(atom.value, bool | int | float):
            return ir.Const(float(atom.value))
    name = "np.bool_" if isinstance(want, nt.Boolean) else f"np.{want}"
    return out.named(ir.Apply(name, (atom,)), want)


# ---------------------------------------------------------------- complex numbers


def component(m: Machine, fn: str, a: Pull) -> Pull:
    """The real or imaginary parts, of which NumPy makes a view."""
    if fn == "np.real" and not isinstance(a.dtype, nt.Complex):
        return a
    found = m.elementwise(fn, lambda p: ir.Apply(fn, (p[0],)), (a,))
    return replace(found, cheap=a.cheap, part=a.part or a.place is not None)
