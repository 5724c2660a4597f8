"""``x ** 2`` as ``x * x``: the same bits, and Numba compiles no function for it.

Numba multiplies by repeated squaring, in a function that it compiles anew in most callers; what is
written here for two, three and four are its multiplications, in its order.
"""

from __future__ import annotations

from dataclasses import replace

from numba.core import types as nt

from adcompile.ir import nodes as ir
from adcompile.ir.walk import map_blocks, map_expr, map_stmt_exprs

Types = dict[ir.Var, nt.Type]


def multiply_powers(fn: ir.Function, types: Types) -> ir.Function:
    """``fn`` (plain) with products for small powers of variables."""

    def product(expr: ir.Expr) -> ir.Expr:
        match expr:
            case ir.Binary("**", ir.Var() as x, ir.Const(int() as n)) if (
                type(n) is int and 2 <= n <= 4 and types.get(x) == nt.float64
            ):
                square = ir.Binary("*", x, x)
                if n == 2:
                    return square
                return ir.Binary("*", x if n == 3 else square, square)
            case _:
                return expr

    def block(body: ir.Block) -> ir.Block:
        return tuple(
            map_blocks(block, map_stmt_exprs(lambda e: map_expr(product, e), stmt)) for stmt in body
        )

    return replace(fn, body=block(fn.body))
