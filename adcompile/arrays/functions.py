"""The array functions: each makes a pull, or adds to the open nest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from adcompile.arrays import reductions
from adcompile.arrays.pull import Pull
from adcompile.arrays.signatures import SIGNATURES
from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir

if TYPE_CHECKING:
    from adcompile.arrays.machine import Machine

PREFIX = "arr."


def call(m: Machine, apply: ir.Apply, target: ir.Var | None) -> Pull | None:
    """The result of a call, or None if ``target`` has it already."""
    name = apply.fn.removeprefix(PREFIX)
    signature = SIGNATURES[name]
    given: dict[str, Any] = {}
    for parameter, arg in zip(signature.parameters.parameters, apply.args, strict=True):
        if parameter in signature.operands:
            given[parameter] = m.tree(arg)
        else:
            given[parameter] = static(m, name, parameter, arg)
    if name in reductions.REDUCTIONS:
        return reductions.REDUCTIONS[name](m, target, **given)
    return _TABLE[name](m, **given)


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
    floats = str(kind).startswith("float")
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
    a, b = m.kept(a), m.kept(b)
    inner = m.same(a.dims[-1], b.dims[0])
    dims = (*a.dims[:-1], *b.dims[1:])
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


_TABLE: dict[str, Callable[..., Pull]] = {
    "where": where,
    "matmul": matmul,
    "dot": dot,
    "vdot": dot,
}
