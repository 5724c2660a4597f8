"""What whole-array statements have become is numbers, element by element."""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

from numba.core import types as nt

from adcompile.arrays import functions
from adcompile.arrays.emitter import Types
from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.ir.walk import (
    children,
    map_blocks,
    rename_block,
    statements,
    stmt_exprs,
    subexpressions,
)


def check_expanded(fn: ir.Function, types: Types) -> None:
    """What is left must be numbers: an array where the rest of the pipeline expects a number would
    get a wrong derivative."""

    def refuse(stmt: ir.Stmt) -> NoReturn:
        raise UnsupportedError(
            "this use of a whole array", stmt.loc, "Give its parts names, or write it as a loop."
        )

    def is_array(expr: object) -> bool:
        return isinstance(expr, ir.Var) and isinstance(types.get(expr), nt.Array)

    for stmt in statements(fn.body):
        for top in stmt_exprs(stmt):
            for expr in subexpressions(top):
                match expr:
                    case ir.Subscript() | ir.Attribute():
                        refuse(stmt)
                    case ir.Apply(name, args):
                        if name.startswith(functions.PREFIX) or any(map(is_array, args)):
                            refuse(stmt)
                    case ir.Unary() | ir.Binary() | ir.Compare() | ir.Logic() | ir.Select():
                        if any(map(is_array, children(expr))):
                            refuse(stmt)
                    case ir.Load(_, index) if any(map(is_array, index)):
                        refuse(stmt)
                    case _:
                        pass
        if isinstance(stmt, ir.Store | ir.Accumulate | ir.Fill | ir.CopyInto | ir.View):
            if any(map(is_array, stmt.index)):
                refuse(stmt)
            if isinstance(stmt, ir.Store | ir.Accumulate | ir.Fill) and is_array(stmt.value):
                refuse(stmt)


def without_second_names(fn: ir.Function) -> ir.Function:
    """``fn`` (ssa) without ``y = x`` for arrays, which the parameters of inlined calls are."""
    first: dict[ir.Var, ir.Var] = {}
    for stmt in statements(fn.body):
        match stmt:
            case ir.View(target, base, ()):
                first[target] = first.get(base, base)
            case _:
                pass

    def block(stmts: ir.Block) -> ir.Block:
        kept = (s for s in stmts if not (isinstance(s, ir.View) and s.target in first))
        return tuple(map_blocks(block, s) for s in kept)

    return replace(fn, body=rename_block(block(fn.body), first)) if first else fn
