"""``while`` loops that count, as ``for`` loops that may be left (plain dialect, integers known).

    n = 0                                   n = 0
    while n < most and u > 0.1:             for trip in range(most):
        u = math.sin(u)              ->         if not (n < most and u > 0.1): break
        n += 1                                  u = math.sin(u)
                                                n += 1

A kernel's tape needs its length before the loop begins.  The bound is proved: each iteration that
does not leave the loop moves the counter by at least one, nothing moves it back, and what it is
compared with stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from numba.core import types as nt

from adcompile.ir import nodes as ir
from adcompile.ir.walk import (
    blocks,
    map_blocks,
    reads,
    statements,
    stmt_defs,
    stmt_exprs,
    subexpressions,
)

_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_LEFT = (ir.BREAK, ir.RETURN)


def has_while(fn: ir.Function) -> bool:
    return any(isinstance(s, ir.While) for s in statements(fn.body))


def bound_whiles(fn: ir.Function, types: Mapping[ir.Var, nt.Type]) -> ir.Function:
    """``fn`` with the loops whose bound is known as for loops."""
    exits = {  # of loops with an else clause
        e.a
        for s in statements(fn.body)
        for top in stmt_exprs(s)
        for e in subexpressions(top)
        if isinstance(e, ir.Compare) and e.b == ir.Const(ir.BREAK)
    }

    def block(stmts: ir.Block) -> ir.Block:
        out: list[ir.Stmt] = []
        for stmt in stmts:
            if blocks(stmt):
                stmt = map_blocks(block, stmt)
            if isinstance(stmt, ir.While) and stmt.exit not in exits:
                stmt = _counted(stmt, out, types)
            out.append(stmt)
        return tuple(out)

    return replace(fn, body=block(fn.body))


def _counted(loop: ir.While, before: list[ir.Stmt], types: Mapping[ir.Var, nt.Type]) -> ir.Stmt:
    changed = {v for s in statements(loop.body) for v in stmt_defs(s)}
    inside = _tested_inside(loop)
    for test in (*_conjuncts(loop.cond), *inside):
        for op, counter, limit in _sides(test):
            kinds = [types.get(v) for v in (counter, *_numbers(limit))]
            if not all(isinstance(kind, nt.Integer) and kind.signed for kind in kinds):
                continue
            if changed & set(reads(limit)) or not _stays(limit):
                continue
            up = op in ("<", "<=")
            step = _Steps(counter, loop.exit, up)
            if not step.progresses(loop.body) or step.broken:
                continue
            start = _start(counter, before)
            trips = _difference(limit, start) if up else _difference(start, limit)
            if op in ("<=", ">="):
                trips = _folded("+", trips, ir.Const(1))
            if inside:
                trips = _folded("+", trips, ir.Const(1))
                return _for(replace(loop, cond=ir.Const(True)), trips)
            return _for(loop, trips)
    return loop


def _for(loop: ir.While, trips: ir.Expr) -> ir.For:
    exit_, body = loop.exit or ir.Var("exit", temp=True), loop.body
    if loop.cond != ir.Const(True):
        first = ir.Assign(exit_, ir.Const(ir.STAY), loc=loop.loc)
        leave = (ir.Assign(exit_, ir.Const(ir.BREAK), loc=loop.loc),)
        body = (first, ir.If(ir.Unary("not", loop.cond), leave, body, loc=loop.loc))
    var = ir.Var("trip", temp=True)
    return ir.For(var, ir.Const(0), trips, ir.Const(1), body, exit_, loc=loop.loc)


def _tested_inside(loop: ir.While) -> list[ir.Expr]:
    """Of ``while True`` whose body begins with a test that takes statements: what holds if it does
    not leave."""
    if loop.cond != ir.Const(True):
        return []
    for k, stmt in enumerate(loop.body):
        match stmt:
            case ir.If(ir.Unary("not", ir.Var() as passed), then, _):
                assigned = [s for s in then if isinstance(s, ir.Assign)]
                if any(s.target is loop.exit and s.value == ir.Const(ir.BREAK) for s in assigned):
                    return _implied(loop.body[:k], passed)
            case _:
                pass
    return []


def _implied(block: ir.Block, passed: ir.Var) -> list[ir.Expr]:
    """Comparisons that hold if ``passed`` is true behind ``block``."""
    found: list[ir.Expr] = []
    for stmt in block:
        match stmt:
            case ir.Assign(target, value) if target is passed:
                found = list(_conjuncts(value))
            case ir.If(cond, then, ()) if cond is passed:
                found += _implied(then, passed)
            case _:
                if any(passed in stmt_defs(s) for s in statements((stmt,))):
                    found = []
    return found


def _conjuncts(cond: ir.Expr) -> Iterator[ir.Expr]:
    match cond:
        case ir.Logic("and", a, b):
            yield from _conjuncts(a)
            yield from _conjuncts(b)
        case _:
            yield cond


def _sides(test: ir.Expr) -> Iterator[tuple[str, ir.Var, ir.Expr]]:
    match test:
        case ir.Compare(op, a, b) if op in _FLIPPED:
            if isinstance(a, ir.Var):
                yield op, a, b
            if isinstance(b, ir.Var):
                yield _FLIPPED[op], b, a
        case _:
            pass


def _numbers(limit: ir.Expr) -> Iterator[ir.Var]:
    """The variables in it that are numbers; arrays give their sizes alone."""
    match limit:
        case ir.Var():
            yield limit
        case ir.Binary(_, a, b):
            yield from _numbers(a)
            yield from _numbers(b)
        case _:
            pass


def _stays(limit: ir.Expr) -> bool:
    """Whether it is an integer made of variables and extents alone."""
    match limit:
        case ir.Const(value):
            return isinstance(value, int)
        case ir.Var():
            return True
        case ir.Binary("+" | "-" | "*", a, b):
            return _stays(a) and _stays(b)
        case ir.Binary("//" | "%", a, ir.Const(int() as by)) if by > 0:
            return _stays(a)
        case ir.Dim(_) | ir.Attribute(ir.Var(), "size"):
            return True
        case ir.Subscript(ir.Attribute(ir.Var(), "shape"), (ir.Const(int()),)):
            return True
        case _:
            return False


@dataclass
class _Steps:
    """What a loop's body does to its counter.  ``broken``: it may be moved back, or set."""

    counter: ir.Var
    exit: ir.Var | None
    up: bool
    broken: bool = False

    def progresses(self, block: ir.Block) -> bool:
        """Whether each way through ``block`` moves the counter or leaves the loop."""
        found = False
        for stmt in block:
            match stmt:
                case ir.Assign(target, value) if target is self.counter:
                    found = True
                    self.broken |= not self.is_step(value)
                case ir.Assign(target, ir.Const(value)) if target is self.exit:
                    found |= value in _LEFT
                case ir.If(_, then, orelse):
                    both = [self.progresses(then), self.progresses(orelse)]
                    found |= all(both)
                case ir.For(body=body) | ir.While(body=body):
                    self.progresses(body)
                    self.broken |= self.counter in stmt_defs(stmt)
                case _:
                    self.broken |= self.counter in stmt_defs(stmt)
        return found

    def is_step(self, value: ir.Expr) -> bool:
        match value:
            case ir.Binary("+" | "-" as op, ir.Var() as v, ir.Const(int() as by)):
                pass
            case ir.Binary("+" as op, ir.Const(int() as by), ir.Var() as v):
                pass
            case _:
                return False
        moved = by if op == "+" else -by
        return v is self.counter and (moved >= 1 if self.up else moved <= -1)


def _start(counter: ir.Var, before: list[ir.Stmt]) -> ir.Expr:
    """What the counter begins with, if that is set in the statements in front of the loop."""
    changed: set[ir.Var] = set()
    for stmt in reversed(before):
        match stmt:
            case ir.Assign(target, value) if target is counter:
                used = set(reads(value))
                same = not changed & {counter, *used} and counter not in used and _stays(value)
                return value if same else counter
            case _:
                inner = (stmt, *(s for b in blocks(stmt) for s in statements(b)))
                changed |= {v for s in inner for v in stmt_defs(s)}
    return counter


def _difference(a: ir.Expr, b: ir.Expr) -> ir.Expr:
    return a if b == ir.Const(0) else _folded("-", a, b)


def _folded(op: str, a: ir.Expr, b: ir.Expr) -> ir.Expr:
    match a, b:
        case ir.Const(int() as x), ir.Const(int() as y):
            return ir.Const(x + y if op == "+" else x - y)
        case _:
            return ir.Binary(op, a, b)
