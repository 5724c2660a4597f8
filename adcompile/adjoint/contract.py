"""May the reverse sweep fuse products into sums?

An adjoint is ours to round, and a fused multiply-add is the more accurate one.  But the sweep also
recomputes values of the primal, and those must lead to the same decisions: a recomputed condition,
``sqrt`` or quotient at the edge of its domain, or kink might come out otherwise than in the forward
sweep.  So products are fused only where the sweep is made of sums and products alone.
"""

from __future__ import annotations

from adcompile.ir import nodes as ir
from adcompile.ir.walk import statements


def may_contract(adjoint: ir.Function) -> bool:
    """Whether all values that ``adjoint`` (plain dialect) computes are sums and products."""
    return all(_is_safe(stmt) for stmt in statements(adjoint.body))


def _is_safe(stmt: ir.Stmt) -> bool:
    match stmt:
        case ir.Assign(_, value) | ir.Store(value=value) | ir.Accumulate(value=value):
            return _is_polynomial(value)
        case ir.If(cond):
            return isinstance(cond, ir.Var) or (
                isinstance(cond, ir.Unary) and isinstance(cond.x, ir.Var)
            )
        case ir.Return(values) | ir.AssignMany(_, values):
            return all(map(_is_polynomial, values))
        case ir.While():
            return False
        case _:  # ranges and shapes are integers; the rest moves values
            return True


def _is_polynomial(expr: ir.Expr) -> bool:
    match expr:
        case ir.Var() | ir.Const() | ir.Load() | ir.Dim():  # subscripts are integers
            return True
        case ir.Unary("-" | "+" | "not", x):
            return _is_polynomial(x)
        case ir.Binary("+" | "-" | "*", a, b):
            return _is_polynomial(a) and _is_polynomial(b)
        case ir.Binary("/", a, ir.Const()):
            return _is_polynomial(a)
        case ir.Apply("np.real" | "np.imag" | "np.conjugate" | "complex", (x,)):
            return _is_polynomial(x)
        case ir.MakeTuple(items):
            return all(map(_is_polynomial, items))
        case _:
            return False
