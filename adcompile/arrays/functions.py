"""The array functions: each makes a pull, or adds to the open nest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numba.core import types as nt
from numba.np.numpy_support import from_dtype

from adcompile.arrays import calculus, library, making, reductions, shapes
from adcompile.arrays.pull import Pull
from adcompile.arrays.signatures import EXTENTS, SEQUENCES, SIGNATURES
from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir

if TYPE_CHECKING:
    from adcompile.arrays.machine import Machine

PREFIX = "arr."
Several = tuple[Pull, ...]  # results of a function that returns a tuple


def call(m: Machine, apply: ir.Apply, target: ir.Var | None) -> Pull | Several | None:
    """The result of a call, or None if ``target`` has it already."""
    name = apply.fn.removeprefix(PREFIX)
    signature = SIGNATURES[name]
    given: dict[str, Any] = {}
    for parameter, arg in zip(signature.parameters.parameters, apply.args, strict=True):
        if arg == ir.Const(None) and parameter not in SEQUENCES:
            given[parameter] = None
        elif parameter in signature.operands:
            given[parameter] = m.tree(arg)
        elif parameter in SEQUENCES:
            given[parameter] = sequence(m, arg)
        elif parameter in EXTENTS:
            given[parameter] = extents(m, arg)
        else:
            given[parameter] = static(m, name, parameter, arg)
    if name in _OF_REALS and any(_is_complex(value) for value in given.values()):
        raise UnsupportedError(f"np.{name} of complex numbers", m.out.loc)
    if name in reductions.REDUCTIONS:
        return reductions.REDUCTIONS[name](m, target, **given)
    operands = given.pop("operands", None)
    return TABLE[name](m, *given.values(), *(() if operands is None else (operands,)))


# Functions that compare, and those whose results or derivatives are known for real numbers only.
_OF_REALS = frozenset(
    ("max", "min", "argmax", "argmin", "median", "sort", "argsort", "searchsorted", "interp")
    + ("linspace", "logsumexp", "slogdet", "cholesky", "eigh", "qr", "svd", "pinv")
)


def _is_complex(value: object) -> bool:
    return isinstance(value, Pull) and isinstance(value.dtype, nt.Complex)


def sequence(m: Machine, arg: ir.Expr) -> Any:
    """A list of operands, perhaps of lists; an array stands for itself."""
    if isinstance(arg, ir.MakeTuple):
        return [sequence(m, item) for item in arg.items]
    return m.tree(arg)


def extents(m: Machine, arg: ir.Expr) -> tuple[ir.Expr, ...]:
    parts = arg.items if isinstance(arg, ir.MakeTuple) else (arg,)
    return tuple(m.size(m.plain(part)) for part in parts)


def static(m: Machine, function: str, parameter: str, arg: ir.Expr) -> Any:
    """A number, None or tuple that is known while compiling."""
    match arg:
        case ir.Const(value):
            return value
        case ir.Unary("-", ir.Const(int() as value)):
            return -value
        case ir.MakeTuple(items):
            return tuple(static(m, function, parameter, item) for item in items)
        case _:
            raise UnsupportedError(
                f"the argument {parameter}= of np.{function} must be a literal", m.out.loc
            )


def where(m: Machine, condition: Pull, x: Pull, y: Pull) -> Pull:
    def build(p: Sequence[ir.Expr]) -> ir.Expr:
        return ir.Select(p[0], *(_as_float(e, floats) for e in p[1:]))

    kind = m.result(np.where, (condition, x, y))
    floats = isinstance(kind, nt.Float | nt.Complex)
    return m.combine(np.where, build, (condition, x, y), kind)


def _as_float(atom: ir.Expr, wanted: bool) -> ir.Expr:
    if wanted and isinstance(atom, ir.Const) and isinstance(atom.value, int):
        return ir.Const(float(atom.value))
    return atom


def matmul(m: Machine, a: Pull, b: Pull) -> Pull:
    """Sums of products over the last axis of ``a`` and the last but one of ``b``."""
    if not a.rank or not b.rank:
        raise UnsupportedError("a matrix product with a number", m.out.loc, "Write a * b.")
    if a.rank > 2 or b.rank > 2:
        raise UnsupportedError("products of stacks of matrices", m.out.loc, "Loop over the stack.")
    inner = m.same(a.dims[-1], b.dims[0])
    dims = (*a.dims[:-1], *b.dims[1:])
    if dims and library.is_possible(m, (a, b)):
        return library.call(m, "np.dot", (a, b), dims, m.result(np.multiply, (a, b)))
    a, b = m.kept(a), m.kept(b)
    rows = a.rank - 1
    kind = m.result(np.multiply, (a, b))

    def element(index: tuple[ir.Expr, ...], k: ir.Expr, out: Any) -> ir.Expr:
        left = a.at(out, (*index[:rows], k))
        right = b.at(out, (k, *index[rows:]))
        return ir.Binary("*", left, right)

    return reductions.inner_sum(dims, inner, kind, element, a.reads | b.reads)


def dot(m: Machine, a: Pull, b: Pull) -> Pull:
    if not a.rank or not b.rank:
        return m.combine(np.multiply, lambda p: ir.Binary("*", p[0], p[1]), (a, b))
    return matmul(m, a, b)


def vdot(m: Machine, a: Pull, b: Pull) -> Pull:
    """The first operand conjugated."""
    if isinstance(a.dtype, nt.Complex):
        a = m.combine(np.conjugate, lambda p: ir.Apply("np.conjugate", (p[0],)), (a,))
    return dot(m, shapes.ravel(m, a), shapes.ravel(m, b))


def inner(m: Machine, a: Pull, b: Pull) -> Pull:
    """Sums of products over the last axis of both."""
    return dot(m, a, shapes.transpose(m, b) if b.rank == 2 else b)


def identity(m: Machine, n: Pull) -> Pull:
    return making.eye(m, n)


def asarray(m: Machine, items: Any, dtype: str | None) -> Pull:
    """The array itself, if it is one of that type."""
    if isinstance(items, Pull) and items.rank:
        same = dtype is None or from_dtype(np.dtype(dtype.removeprefix("np."))) is items.dtype
        return items if same else array(m, items, dtype)
    return array(m, items, dtype)


def ascontiguousarray(m: Machine, items: Any, dtype: str | None) -> Pull:
    found = asarray(m, items, dtype)
    kind = m.types.get(found.array) if found.array is not None else None
    if isinstance(kind, nt.Array) and kind.layout == "C":
        return found
    return replace(found, place=None, array=None, maybe_view=found.place is not None)


def array(m: Machine, items: Any, dtype: str | None) -> Pull:
    made = making.array(m, items)
    if dtype is None:
        return made
    name = dtype.removeprefix("np.").removesuffix("_")
    kind = from_dtype(np.dtype(name))
    return m.combine(np.asarray, lambda p: ir.Apply(dtype, (p[0],)), (made,), kind)


TABLE: dict[str, Callable[..., Pull | Several]] = {
    "where": where,
    "matmul": matmul,
    "dot": dot,
    "vdot": vdot,
    "inner": inner,
    "einsum": calculus.einsum,
    "outer": shapes.outer,
    "kron": shapes.kron,
    "cross": shapes.cross,
    "trace": calculus.trace,
    "norm": calculus.norm,
    "convolve": calculus.convolve,
    "interp": calculus.interp,
    "searchsorted": calculus.searchsorted,
    "sort": calculus.sort,
    "argsort": calculus.argsort,
    "median": calculus.median,
    "cumsum": calculus.cumsum,
    "cumprod": calculus.cumprod,
    "diff": calculus.diff,
    "trapezoid": calculus.trapezoid,
    "reshape": shapes.reshape,
    "ravel": shapes.ravel,
    "flatten": shapes.flatten,
    "transpose": shapes.transpose,
    "swapaxes": shapes.swapaxes,
    "moveaxis": shapes.moveaxis,
    "expand_dims": shapes.expand_dims,
    "squeeze": shapes.squeeze,
    "broadcast_to": shapes.broadcast_to,
    "flip": shapes.flip,
    "roll": shapes.roll,
    "repeat": shapes.repeat,
    "tile": shapes.tile,
    "take": shapes.take,
    "diag": shapes.diag,
    "diagonal": shapes.diagonal,
    "tril": shapes.triangle(True),
    "triu": shapes.triangle(False),
    "atleast_1d": shapes.atleast_1d,
    "atleast_2d": shapes.atleast_2d,
    "concatenate": making.concatenate,
    "stack": making.stack,
    "hstack": making.hstack,
    "vstack": making.vstack,
    "column_stack": making.column_stack,
    "append": making.append,
    "array": array,
    "asarray": asarray,
    "ascontiguousarray": ascontiguousarray,
    "arange": making.arange,
    "linspace": making.linspace,
    "eye": making.eye,
    "identity": identity,
    **library.TABLE,
}
