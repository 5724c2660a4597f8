"""The local derivative of one assignment: which operands, times what."""

from __future__ import annotations

from dataclasses import dataclass

from adcompile.analysis.activity import Activity, Types, is_complex
from adcompile.errors import MissingRuleError, UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.rules.registry import complex_partials_ir, partials_ir, rule_for, strong_zeros
from adcompile.rules.simplify import contribution, neg, real_part


@dataclass(frozen=True)
class Contribution:
    """``operand_adj += target_adj * factor``; factor None is 1, and Const(-1) is -1.

    guarded: where the target's adjoint is exactly zero the contribution is zero, whatever the
    factor (strong zero).  doubly: also where the factor is exactly zero, whatever the adjoint.

    With complex numbers both are products without conjugation (JAX's convention); a real operand
    of a complex target receives the real part (``real_operand``), and so does the tangent of a
    real target of a complex operand (``real_target``).  conjugates: the target is the conjugate of
    the operand, and the conjugate takes the place of the product.
    """

    operand: ir.Var | ir.Load
    factor: ir.Expr | None
    guarded: bool = False
    real_operand: bool = False
    real_target: bool = False
    conjugates: bool = False
    doubly: bool = False

    def adjoint(self, incoming: ir.Expr) -> ir.Expr:
        """What the operand's adjoint receives."""
        if self.real_target and self.factor == ir.Const(-1j):  # the operand's imaginary part
            return ir.Apply("complex2", (ir.Const(0.0), neg(incoming)))
        product = self._product(incoming)
        return real_part(product) if self.real_operand else product

    def tangent(self, operand: ir.Expr) -> ir.Expr:
        """What the target's tangent receives from that of the operand."""
        product = self._product(operand)
        return real_part(product) if self.real_target else product

    def _product(self, value: ir.Expr) -> ir.Expr:
        if self.conjugates:
            return ir.Apply("np.conjugate", (value,))
        if self.factor is None:
            return value
        return contribution(value, self.factor, self.guarded, self.doubly)


def contributions(stmt: ir.Assign, activity: Activity, types: Types) -> tuple[Contribution, ...]:
    """The contributions of ``stmt`` to its active operands, in order."""
    target_is_complex = is_complex(types.get(stmt.target))
    guards = id(stmt) in activity.guards

    def kind_is_complex(e: ir.Expr) -> bool:
        if isinstance(e, ir.Const):
            return isinstance(e.value, complex)
        var = e.array if isinstance(e, ir.Load) else e
        return isinstance(var, ir.Var) and is_complex(types.get(var))

    def made(
        operand: ir.Expr, factor: ir.Expr | None, guarded: bool = False, conjugates: bool = False
    ) -> Contribution:
        assert isinstance(operand, ir.Var | ir.Load)
        own = kind_is_complex(operand)
        real_operand, real_target = target_is_complex and not own, own and not target_is_complex
        doubly = guards and factor is not None and not isinstance(factor, ir.Const)
        flags = real_operand, real_target, conjugates and own
        return Contribution(operand, factor, guarded or doubly, *flags, doubly)

    def is_active(e: ir.Expr) -> bool:
        if isinstance(e, ir.Load):
            return e.array in activity
        return isinstance(e, ir.Var) and e in activity

    value = stmt.value
    name: str
    args: tuple[ir.Expr, ...]
    match value:
        case ir.Var() | ir.Load():
            return (made(value, None),) if is_active(value) else ()
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
                    select = ir.Select(cond, ir.Const(one), ir.Const(other))
                    out.append(made(operand, select))
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
    complexes = tuple(kind_is_complex(a) for a in args)
    if target_is_complex or any(complexes):
        if rule.on_complex is None:
            raise UnsupportedError(f"{name} of complex numbers has no derivative rule", stmt.loc)
        factors = complex_partials_ir(rule, stmt.target, args, wanted, complexes)
    else:
        factors = partials_ir(rule, stmt.target, args, wanted)
    strong = strong_zeros(rule, args)
    result: list[Contribution] = []
    for operand, factor, guard in zip(args, factors, strong, strict=True):
        if factor is not None:
            one = factor == ir.Const(1)
            result.append(made(operand, None if one else factor, guard, rule.conjugates))
    return tuple(result)
