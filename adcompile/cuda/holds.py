"""What is known to hold where a loop begins (plain dialect): conditions around it and checks before
it, ranges of the loops around it, and numbers that are powers of two.

    if threads_x > 8:
        raise ValueError
    for step in range(10):
        s = 1 << step
        if s < threads_x:
            for t in range(threads_x):      threads_x <= 8, s >= 1, s < threads_x
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from adcompile.ir import nodes as ir
from adcompile.ir.walk import blocks, statements, stmt_defs, subexpressions

Holding = tuple[ir.Expr, ...]
_BITS = 63


def loops_with(
    block: ir.Block, wanted: Callable[[ir.For], bool], holds: Holding = ()
) -> Iterator[tuple[ir.For, Holding]]:
    """The loops that are ``wanted``, also those in others, with what holds when they begin and as
    long as they run; ``holds``: before the block."""
    for stmt in block:
        changed = {v for s in statements((stmt,)) for v in stmt_defs(s)}
        match stmt:
            case ir.For():
                inside = _unchanged(holds, changed)
                if wanted(stmt):
                    yield stmt, inside
                yield from loops_with(stmt.body, wanted, (*inside, *_range(stmt, changed)))
            case ir.If(cond, then, orelse):
                yield from loops_with(then, wanted, (*holds, *_lasting(cond)))
                otherwise = _lasting(ir.Unary("not", cond))
                yield from loops_with(orelse, wanted, (*holds, *otherwise))
            case _:
                inside = _unchanged(holds, changed)
                for inner in blocks(stmt):
                    yield from loops_with(inner, wanted, inside)
        holds = (*_unchanged(holds, changed), *_after(stmt, holds))


def on_entry(block: ir.Block) -> Holding:
    """What checks at the beginning of a function leave."""
    holds: Holding = ()
    for stmt in block:
        match stmt:
            case ir.If(_, (ir.Raise(),), ()):
                holds = (*holds, *_after(stmt, holds))
            case _:
                return holds
    return holds


def _after(stmt: ir.Stmt, holds: Holding) -> Holding:
    """What a statement makes known."""
    match stmt:
        case ir.If(cond, (ir.Raise(),), ()):
            return _lasting(ir.Unary("not", cond))
        case ir.Assign(target, ir.Binary("<<", ir.Const(int() as first), ir.Var() as by)):
            most = _most(by, holds)
            if first >= 1 and most is not None and first << most < 1 << _BITS:
                return (ir.Compare(">=", target, ir.Const(first)),)
            return ()
        case _:
            return ()


def _most(var: ir.Var, holds: Holding) -> int | None:
    """The largest value of a variable that is not negative, if that is known."""
    most: int | None = None
    least = False
    for one in holds:
        match one:
            case ir.Compare("<=", a, ir.Const(int() as value)) if a is var:
                most = value
            case ir.Compare(">=", a, ir.Const(int() as value)) if a is var:
                least = least or value >= 0
            case _:
                pass
    return most if least and most is not None and most < _BITS else None


def _range(loop: ir.For, changed: set[ir.Var]) -> Holding:
    """Of the variable of a loop in it, unless something else changes it there."""
    if loop.var in {v for s in statements(loop.body) for v in stmt_defs(s)}:
        return ()
    start, stop = loop.start, loop.stop
    match loop.step:
        case ir.Const(1):
            low, high = start, _one_off(stop, "-")
        case ir.Const(-1) | ir.Unary("-", ir.Const(1)):
            low, high = _one_off(stop, "+"), start
        case _:
            return ()
    found = (ir.Compare(">=", loop.var, low), ir.Compare("<=", loop.var, high))
    return _unchanged(tuple(c for c in found if _lasting(c)), changed - {loop.var})


def _one_off(value: ir.Expr, op: str) -> ir.Expr:
    match value:
        case ir.Const(int() as number):
            return ir.Const(number + (1 if op == "+" else -1))
        case ir.Unary("-", ir.Const(int() as number)):
            return ir.Const(-number + (1 if op == "+" else -1))
        case _:
            return ir.Binary(op, value, ir.Const(1))


def _lasting(cond: ir.Expr) -> Holding:
    """A condition, if it is one of variables and not of elements."""
    parts = subexpressions(cond)
    return () if any(isinstance(p, ir.Load | ir.Apply) for p in parts) else (cond,)


def _unchanged(holds: Holding, changed: set[ir.Var]) -> Holding:
    return tuple(c for c in holds if not any(p in changed for p in subexpressions(c)))
