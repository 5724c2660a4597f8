"""The reverse of a call that has a rule of the user's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adcompile.adjoint.shadows import Out
from adcompile.ir import nodes as ir
from adcompile.ir.walk import rename_expr

if TYPE_CHECKING:
    from adcompile.adjoint.reverse import ReverseBuilder

_ZERO = ir.Const(0.0)


def reverse_custom(builder: ReverseBuilder, stmt: ir.Custom, out: Out) -> None:
    """A call of the reverse rule, or, for tangents, what the results receive."""
    seeds: list[ir.Expr] = []
    for target in stmt.targets:
        if builder.is_array(target):
            seeds.append(builder.shadow_of(target) if target in builder.activity else target)
        else:
            seeds.append(builder.adj.pop(target, _ZERO))
    if stmt.rule:
        _call(builder, stmt, seeds, out)
        return
    for seed, target, arg in zip(seeds, stmt.targets, stmt.args, strict=True):
        if not isinstance(arg, ir.Var) or arg not in builder.activity:
            continue
        if builder.is_array(target):
            out.append(ir.Do("rt.move_adjoint", (builder.shadow_of(arg), seed), stmt.loc))
        elif seed != _ZERO:
            builder.add(arg, seed, out)


def _call(builder: ReverseBuilder, stmt: ir.Custom, seeds: list[ir.Expr], out: Out) -> None:
    then = {} if builder.stack is None else builder.stack.pop(stmt, out)
    if all(seed == _ZERO for seed in seeds):
        return
    residuals = tuple(rename_expr(one, then) for one in stmt.residuals)
    cotangent = seeds[0] if stmt.single else ir.MakeTuple(tuple(seeds))
    found = ir.Var("cotangents")
    out.append(ir.Call((found,), stmt.rule, (*residuals, cotangent), stmt.loc))
    for k, arg in enumerate(stmt.args):
        if isinstance(arg, ir.Var) and arg in builder.activity:
            part = ir.TupleGet(found, k)
            if builder.is_array(arg):
                pair = (builder.shadow_of(arg), part)
                out.append(ir.Do("rt.add_cotangent", pair, stmt.loc))
            else:
                builder.add(arg, part, out)
