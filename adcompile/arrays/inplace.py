"""In-place operators.

Numba runs ``y[1:] *= y[:-1]`` element by element; what is computed has memory of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from numba.core import types as nt

from adcompile.ir import nodes as ir

if TYPE_CHECKING:
    from adcompile.arrays.machine import Machine


def factor(
    m: Machine, array: ir.Var, index: tuple[ir.Index, ...], value: ir.Expr
) -> ir.Expr | None:
    """``e`` if ``value`` is what ``array[index] *= e`` stores, of any operator."""
    if isinstance(value, ir.Var) and value in m.lazy:
        made = m.lazy[value][1]
        value = made.value if isinstance(made, ir.Assign) else value
    match value:
        case ir.Binary(_, ir.Var() as old, e):
            if old is array or m.slices.get(old) == (array, index):
                return e
        case _:
            pass
    return None


def is_view(m: Machine, expr: ir.Expr) -> bool:
    """Whether these are elements in memory."""
    if not isinstance(expr, ir.Var) or expr in m.computed:
        return False
    return isinstance(m.types.get(expr), nt.Array)
