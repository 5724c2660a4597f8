"""Integer division by zero keeps the user's exception.

Generated code is compiled with ``error_model="numpy"``, under which ``n // 0`` returns a number.
Where the user's model is Python's, a test before each integer division raises instead.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from numba.core import types as nt

from adcompile.ir import nodes as ir

Types = dict[ir.Var, nt.Type]


def guard_divisions(fn: ir.Function, types: Types, func: Any) -> ir.Function:
    """``fn`` (ssa, resolved) with a test before each integer // and % by a non-literal."""
    if getattr(func, "targetoptions", {}).get("error_model") == "numpy":
        return fn
    return replace(fn, body=_block(fn.body, types))


def _block(block: ir.Block, types: Types) -> ir.Block:
    out: list[ir.Stmt] = []
    for stmt in block:
        match stmt:
            case ir.If():
                then, orelse = _block(stmt.then, types), _block(stmt.orelse, types)
                stmt = replace(stmt, then=then, orelse=orelse)
            case ir.For() | ir.While():
                stmt = replace(stmt, body=_block(stmt.body, types))
            case ir.Assign(target, ir.Binary("//" | "%", _, ir.Var() as divisor)):
                if isinstance(types.get(target), nt.Integer | nt.Boolean):
                    zero = ir.Compare("==", divisor, ir.Const(0))
                    message = ir.Const("integer division by zero")
                    fail = ir.Raise("ZeroDivisionError", (message,), stmt.loc)
                    out.append(ir.If(zero, (fail,), (), loc=stmt.loc))
            case _:
                pass
        out.append(stmt)
    return tuple(out)
