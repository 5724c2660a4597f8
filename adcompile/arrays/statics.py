"""Arguments that array functions must know while compiling, given by a variable: ``axis = 1`` and
then ``np.sum(x, axis=axis)``."""

from __future__ import annotations

from dataclasses import replace

from adcompile.arrays.signatures import EXTENTS, SEQUENCES, SIGNATURES, WIDTHS
from adcompile.ir import nodes as ir
from adcompile.ir.walk import map_blocks, map_expr, statements


def known_arguments(fn: ir.Function) -> ir.Function:
    """``fn`` (ssa) with the values of such variables where they are known."""
    values: dict[ir.Var, ir.Expr] = {}
    for stmt in statements(fn.body):
        if isinstance(stmt, ir.Assign) and not stmt.inplace and _is_known(stmt.value, values):
            values[stmt.target] = _known(stmt.value, values)
    if not values:
        return fn

    def one(expr: ir.Expr) -> ir.Expr:
        if not isinstance(expr, ir.Apply) or not expr.fn.startswith("arr."):
            return expr
        signature = SIGNATURES.get(expr.fn.removeprefix("arr."))
        if signature is None:  # a conversion
            return expr
        args = [
            arg if name in varying or not _is_known(arg, values) else _known(arg, values)
            for name, arg in zip(signature.parameters.parameters, expr.args, strict=True)
            for varying in ((*signature.operands, *SEQUENCES, *EXTENTS, *WIDTHS),)
        ]
        return ir.Apply(expr.fn, tuple(args))

    def block(stmts: ir.Block) -> ir.Block:
        return tuple(map_blocks(block, _with(s)) for s in stmts)

    def _with(stmt: ir.Stmt) -> ir.Stmt:
        if isinstance(stmt, ir.Assign):
            return replace(stmt, value=map_expr(one, stmt.value))
        return stmt

    return replace(fn, body=block(fn.body))


def _is_known(expr: ir.Expr, values: dict[ir.Var, ir.Expr]) -> bool:
    match expr:
        case ir.Const(value):
            return not isinstance(value, float)
        case ir.Var():
            return expr in values
        case ir.Unary("-", x):
            return _is_known(x, values)
        case ir.Binary("+" | "-", a, b):
            return _is_known(a, values) and _is_known(b, values)
        case ir.MakeTuple(items):
            return all(_is_known(item, values) for item in items)
        case ir.Attribute(ir.Var(), "ndim"):
            return True
        case _:
            return False


def _known(expr: ir.Expr, values: dict[ir.Var, ir.Expr]) -> ir.Expr:
    match expr:
        case ir.Var():
            return values[expr]
        case ir.Unary(op, x):
            return ir.Unary(op, _known(x, values))
        case ir.Binary(op, a, b):
            return ir.Binary(op, _known(a, values), _known(b, values))
        case ir.MakeTuple(items, maker):
            return ir.MakeTuple(tuple(_known(item, values) for item in items), maker)
        case _:
            return expr
