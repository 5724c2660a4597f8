"""break, continue and return, structured.

A block is lowered as a list of items: the user's statements, and the tests that adcompile puts
after loops.  ``flow`` says how control can leave such a list; statements.py then moves what
follows an always-leaving branch into the other branch, or guards it with the exit variable.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from adcompile.errors import Loc
from adcompile.frontend.session import Static
from adcompile.ir import nodes as ir


@dataclass(frozen=True)
class Branch:
    """An ``if`` on a condition that is IR already."""

    cond: ir.Expr
    then: Sequence[Item]
    orelse: Sequence[Item]
    loc: Loc


@dataclass(frozen=True)
class Test:
    """The test of a ``while`` that needs statements, at the top of the body.  ``done`` tells an
    ``else`` clause that the test ended the loop."""

    cond: ast.expr
    done: ir.Var | None


@dataclass(frozen=True)
class Leave:
    """Set the exit variable: BREAK, CONTINUE or RETURN."""

    kind: int
    loc: Loc


Bound: TypeAlias = "Static | ir.Expr | tuple[Bound, ...]"


@dataclass(frozen=True)
class Bind:
    """The next turn of a loop that is written out: its target names this item."""

    loop: ast.For
    item: Bound


Item: TypeAlias = ast.stmt | Branch | Test | Leave | Bind


@dataclass
class Scope:
    """What a break, continue or return leaves: one iteration of a loop, or the function.

    ``guarded``: some statement is guarded by the exit variable."""

    exit: ir.Var = field(default_factory=lambda: ir.Var("exit", temp=True))
    guarded: bool = False


@dataclass(frozen=True)
class Flow:
    """``falls``: control may reach the end.  ``kinds``: the exits that may be taken instead."""

    falls: bool
    kinds: frozenset[int] = frozenset()


def flow(items: Sequence[Item]) -> Flow:
    """How control leaves a list of items."""
    kinds: frozenset[int] = frozenset()
    for item in items:
        one = _flow(item)
        kinds |= one.kinds
        if not one.falls:
            return Flow(False, kinds)
    return Flow(True, kinds)


def _flow(item: Item) -> Flow:
    match item:
        case ast.Return():
            return Flow(False, frozenset({ir.RETURN}))
        case ast.Break():
            return Flow(False, frozenset({ir.BREAK}))
        case ast.Continue():
            return Flow(False, frozenset({ir.CONTINUE}))
        case ast.Raise():
            return Flow(False)
        case Leave(kind):
            return Flow(False, frozenset({kind}))
        case ast.If(body=then, orelse=orelse) | Branch(then=then, orelse=orelse):
            a, b = flow(then), flow(orelse)
            return Flow(a.falls or b.falls, a.kinds | b.kinds)
        case Test():
            return Flow(True, frozenset({ir.BREAK}))
        case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=last):
            parts = [flow([*body, *orelse]), *(flow(h.body) for h in handlers)]
            kinds = frozenset(kind for part in (*parts, flow(body)) for kind in part.kinds)
            falls = any(part.falls for part in parts) and flow(last).falls
            return Flow(falls, kinds | flow(last).kinds)
        case ast.For(body=body, orelse=orelse) | ast.While(body=body, orelse=orelse):
            inside = flow(body)
            after = Flow(False) if endless(item) else flow(orelse)
            kinds = (inside.kinds & {ir.RETURN}) | after.kinds
            return Flow(after.falls or ir.BREAK in inside.kinds, kinds)
        case _:
            return Flow(True)


def endless(item: Item) -> bool:
    """``while True``: only a break ends it."""
    match item:
        case ast.While(test=ast.Constant(value=value)):
            return bool(value)
        case _:
            return False


def drop_exits(block: ir.Block, exit_: ir.Var, kinds: frozenset[int]) -> ir.Block:
    """Without the assignments of these kinds to an exit variable that nobody reads for them."""
    out: list[ir.Stmt] = []
    for stmt in block:
        match stmt:
            case ir.Assign(target, ir.Const(value)) if target is exit_ and value in kinds:
                continue
            case ir.If():
                then = drop_exits(stmt.then, exit_, kinds)
                orelse = drop_exits(stmt.orelse, exit_, kinds)
                if then or orelse:
                    out.append(replace(stmt, then=then, orelse=orelse))
            case _:
                out.append(stmt)
    return tuple(out)


def diverges(block: Sequence[ir.Stmt]) -> bool:
    """The block ends by raising."""
    if not block:
        return False
    match block[-1]:
        case ir.Raise():
            return True
        case ir.If(_, then, orelse):
            return diverges(then) and diverges(orelse)
        case _:
            return False
