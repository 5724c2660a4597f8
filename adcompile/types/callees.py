"""Types of calls of the user's own functions, by compiling copies of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numba.core import config
from numba.core import types as nt

from adcompile.analysis.activity import is_float
from adcompile.clones import Callee, clone
from adcompile.errors import Loc, UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.options import Options
from adcompile.types.infer import InferenceFailed, infer_function

_config: Any = config
Types = dict[ir.Var, nt.Type]


def refuse_writes(
    callee: Callee, args: Sequence[ir.Expr], types: Types, options: Options, loc: Loc
) -> None:
    """A function that writes into an array argument would do so behind the derivative's back."""
    kinds = [_readonly(_kind(arg, types)) for arg in args]
    if not _config.DISABLE_JIT and any(isinstance(kind, nt.Array) for kind in kinds):
        _inferred(callee, kinds, options, loc)


def result_of_rule(callee: Callee, stmt: ir.Custom, types: Types, options: Options) -> None:
    """The reverse rule must take the residuals and the cotangent, and return what is promised."""
    if _config.DISABLE_JIT:  # much of NumPy has no types then
        return
    seeds = [_as_c(types[target]) for target in stmt.targets]
    cotangent = seeds[0] if stmt.single else nt.Tuple(seeds)
    kinds = [_kind(one, types) for one in stmt.residuals] + [cotangent]
    name, loc = callee.func.__name__, stmt.loc
    found = _inferred(callee, [_readonly(kind) for kind in kinds], options, loc)
    if not isinstance(found, nt.BaseTuple) or len(found) != len(stmt.args):
        raise UnsupportedError(
            f"{name} returns {found}, not a tuple of {len(stmt.args)} cotangents",
            loc,
            "Return one cotangent per argument: (x_ct,) for a single one.",
        )
    for k, (kind, arg) in enumerate(zip(found, stmt.args, strict=True)):
        want = _kind(arg, types)
        if not is_float(want):
            continue
        rank = want.ndim if isinstance(want, nt.Array) else 0
        given = kind.ndim if isinstance(kind, nt.Array) else 0
        plain = kind.dtype if isinstance(kind, nt.Array) else kind
        if rank != given or not isinstance(plain, nt.Float | nt.Integer):
            raise UnsupportedError(
                f"{name} returns {kind} as the cotangent of argument {k}, which has type {want}",
                loc,
                "A cotangent has the shape of its argument.",
            )


def _inferred(callee: Callee, kinds: list[nt.Type], options: Options, loc: Loc) -> nt.Type:
    copy: Any = clone(callee.target, options, {})
    try:
        return infer_function(copy.py_func, tuple(kinds))
    except InferenceFailed as failed:
        if "readonly" in failed.message:
            raise UnsupportedError(
                f"{callee.func.__name__} writes into an array that it is given",
                loc,
                "Let it work on a copy: x = x.copy().",
            ) from None
        raise UnsupportedError(
            f"Numba cannot type {callee.func.__name__} here: {failed.message}", loc
        ) from None


def _kind(expr: ir.Expr, types: Types) -> nt.Type:
    match expr:
        case ir.Var():
            return types[expr]
        case ir.MakeTuple(items):
            return nt.Tuple([_kind(item, types) for item in items])
        case ir.Const(None):
            return nt.none
        case ir.Const(value):
            by_type = {bool: nt.boolean, int: nt.int64, float: nt.float64}
            return by_type.get(type(value), nt.unicode_type)
        case _:
            raise AssertionError(expr)


def _as_c(kind: nt.Type) -> nt.Type:
    return nt.Array(kind.dtype, kind.ndim, "C") if isinstance(kind, nt.Array) else kind


def _readonly(kind: nt.Type) -> nt.Type:
    if isinstance(kind, nt.Array):
        return nt.Array(kind.dtype, kind.ndim, kind.layout, readonly=True)
    if isinstance(kind, nt.BaseTuple):
        return nt.Tuple([_readonly(part) for part in kind])
    return kind
