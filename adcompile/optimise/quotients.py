"""Quotients by constants in adjoints become products (plain dialect).

A division takes several times as long as a product.  The reciprocal of a constant is computed here,
which adds half a unit in the last place to an adjoint; the user's own divisions stay.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from dataclasses import replace

from adcompile.ir import nodes as ir
from adcompile.ir.walk import blocks, map_blocks, map_expr, statements, stmt_defs

_SMALLEST, _LARGEST = 2.0**-1000, 2.0**1000


def multiply_by_reciprocals(fn: ir.Function, adjoints: Set[ir.Var]) -> ir.Function:
    """``adjoints``: the variables of ``fn`` that hold scalar adjoints."""
    return replace(fn, body=_block(fn.body, adjoints, constants_of(fn)))


def constants_of(fn: ir.Function) -> dict[ir.Var, float]:
    """Variables that always hold the same number: a literal or the root of one."""
    found: dict[ir.Var, float] = {}
    for stmt in fn.body:
        match stmt:
            case ir.Assign(target, ir.Const(float() as value)):
                found[target] = value
            case ir.Assign(target, ir.Apply("np.sqrt" | "math.sqrt", (ir.Const(value),))):
                if isinstance(value, int | float) and value > 0:
                    found[target] = math.sqrt(value)
            case _:
                pass
    defined: dict[ir.Var, int] = {}
    for stmt in statements(fn.body):
        for var in stmt_defs(stmt):
            defined[var] = defined.get(var, 0) + 1
    return {v: c for v, c in found.items() if defined[v] == 1 and v not in fn.params}


def reciprocal(divisor: ir.Const | ir.Var, constants: Mapping[ir.Var, float]) -> float | None:
    """That of a literal or of one of ``constants``, if it is a normal number."""
    number = divisor.value if isinstance(divisor, ir.Const) else constants.get(divisor)
    if not isinstance(number, float) or not _SMALLEST < abs(number) < _LARGEST:
        return None
    return 1.0 / number


def _block(block: ir.Block, adjoints: Set[ir.Var], constants: Mapping[ir.Var, float]) -> ir.Block:
    def change(expr: ir.Expr) -> ir.Expr:
        match expr:
            case ir.Binary("/", a, ir.Const() | ir.Var() as divisor):
                known = reciprocal(divisor, constants)
                return expr if known is None else ir.Binary("*", a, ir.Const(known))
            case _:
                return expr

    out: list[ir.Stmt] = []
    for stmt in block:
        match stmt:
            case ir.Assign(target, value) if target in adjoints:
                stmt = replace(stmt, value=map_expr(change, value))
            case _ if blocks(stmt):
                stmt = map_blocks(lambda b: _block(b, adjoints, constants), stmt)
            case _:
                pass
        out.append(stmt)
    return tuple(out)
