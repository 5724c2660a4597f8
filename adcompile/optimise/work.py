"""How much there is to do in a loop, as an expression that can be asked before it begins."""

from __future__ import annotations

from adcompile.ir import nodes as ir
from adcompile.ir.walk import blocks, reads, statements, stmt_defs, stmt_exprs, subexpressions

_FUNCTION = 10  # operations
_WHOLE = 100  # a statement about arrays, or a loop that ends when it ends
_UNKNOWN = 8  # iterations
_COUNTED = (ir.Var, ir.Const, ir.Dim, ir.Binary, ir.Unary)


def operations(loop: ir.For) -> ir.Expr:
    """About how many: those of one iteration times the number of iterations."""
    assigned = {loop.var} | {v for s in statements(loop.body) for v in stmt_defs(s)}
    return _product(_iterations(loop, set()), _block(loop.body, assigned))


def _block(block: ir.Block, assigned: set[ir.Var]) -> ir.Expr:
    total: ir.Expr = ir.Const(0)
    for stmt in block:
        found: ir.Expr
        match stmt:
            case ir.For():
                found = _product(_iterations(stmt, assigned), _block(stmt.body, assigned))
            case ir.While():
                found = ir.Const(_WHOLE)
            case ir.Fill() | ir.CopyInto() | ir.Copy() | ir.Alloc() | ir.Call() | ir.Do():
                found = ir.Const(_WHOLE)
            case _:
                every = [e for top in stmt_exprs(stmt) for e in subexpressions(top)]
                found = ir.Const(1 + _FUNCTION * sum(isinstance(e, ir.Apply) for e in every))
                for part in blocks(stmt):  # of a branch: all of them, to be on the safe side
                    found = _sum(found, _block(part, assigned))
        total = _sum(total, found)
    return total


def _iterations(loop: ir.For, assigned: set[ir.Var]) -> ir.Expr:
    """``assigned``: what is not known yet."""
    if loop.step != ir.Const(1):
        return ir.Const(_UNKNOWN)
    for bound in (loop.start, loop.stop):
        if not assigned.isdisjoint(reads(bound)):
            return ir.Const(_UNKNOWN)
        if not all(isinstance(e, _COUNTED) for e in subexpressions(bound)):
            return ir.Const(_UNKNOWN)
    match loop.start, loop.stop:
        case ir.Const(int(first)), ir.Const(int(last)):
            return ir.Const(max(0, last - first))
        case ir.Const(0), last:
            return last
        case first, last:
            return ir.Binary("-", last, first)


def _sum(a: ir.Expr, b: ir.Expr) -> ir.Expr:
    match a, b:
        case ir.Const(int(one)), ir.Const(int(other)):
            return ir.Const(one + other)
        case (ir.Const(0), other) | (other, ir.Const(0)):
            return other
        case ir.Binary("+", first, ir.Const(int(one))), ir.Const(int(other)):
            return ir.Binary("+", first, ir.Const(one + other))
        case ir.Const(), _:
            return _sum(b, a)
        case _:
            return ir.Binary("+", a, b)


def _product(a: ir.Expr, b: ir.Expr) -> ir.Expr:
    match a, b:
        case ir.Const(int(one)), ir.Const(int(other)):
            return ir.Const(one * other)
        case _:
            return ir.Binary("*", a, b)
