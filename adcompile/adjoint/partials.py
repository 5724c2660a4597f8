"""The local derivative of one assignment: which operands, times what."""

from __future__ import annotations

from dataclasses import dataclass

from adcompile.analysis.activity import Activity
from adcompile.errors import MissingRuleError, UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.rules.registry import partials_ir, rule_for, strong_zeros


@dataclass(frozen=True)
class Contribution:
    """``operand_adj += target_adj * factor``; factor None is 1, and Const(-1) is -1.

    guarded: where the target's adjoint is exactly zero the contribution is zero, whatever the
    factor (strong zero).
    """

    operand: ir.Var | ir.Load
    factor: ir.Expr | None
    guarded: bool = False


def contributions(stmt: ir.Assign, activity: Activity) -> tuple[Contribution, ...]:
    """The contributions of ``stmt`` to its active operands, in order."""

    def is_active(e: ir.Expr) -> bool:
        if isinstance(e, ir.Load):
            return e.array in activity
        return isinstance(e, ir.Var) and e in activity

    value = stmt.value
    name: str
    args: tuple[ir.Expr, ...]
    match value:
        case ir.Var() | ir.Load():
            return (Contribution(value, None),) if is_active(value) else ()
        case ir.Unary("+", x):
            name, args = "pos", (x,)
        case ir.Unary("-", x):
            name, args = "neg", (x,)
        case ir.Binary(op, a, b):
            name, args = op, (a, b)
        case ir.Apply(fn, operands):
            name, args = fn, operands
        case ir.Select(cond, a, b):
            out: list[Contribution] = []
            for operand, one, other in ((a, 1.0, 0.0), (b, 0.0, 1.0)):
                if is_active(operand):
                    assert isinstance(operand, ir.Var | ir.Load)
                    select = ir.Select(cond, ir.Const(one), ir.Const(other))
                    out.append(Contribution(operand, select))
            return tuple(out)
        case _:
            return ()
    wanted = tuple(is_active(a) for a in args)
    if not any(wanted):
        return ()
    rule = rule_for(name)
    if rule is None:
        raise MissingRuleError(
            f"no derivative rule for {name}",
            stmt.loc,
            "Write it with functions that have one; the table is in adcompile.rules.",
        )
    if rule.nondiff:
        return ()
    if rule.arity != len(args):
        raise UnsupportedError(f"{name} with {len(args)} arguments", stmt.loc)
    factors = partials_ir(rule, stmt.target, args, wanted)
    strong = strong_zeros(rule, args)
    result: list[Contribution] = []
    for operand, factor, guard in zip(args, factors, strong, strict=True):
        if factor is not None:
            assert isinstance(operand, ir.Var | ir.Load)
            one = factor == ir.Const(1) or factor == ir.Const(1.0)
            result.append(Contribution(operand, None if one else factor, guard))
    return tuple(result)
