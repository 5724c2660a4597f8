"""Which variables of a plain function may not share a name.

Chaitin's rule: where a variable is assigned, it interferes with all that is live afterwards; a
copy ``a = b`` makes no interference between a and b.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import assert_never

from adcompile.ir.nodes import (
    Accumulate,
    Alloc,
    Assign,
    AssignMany,
    Block,
    Break,
    Call,
    Comment,
    Copy,
    CopyInto,
    Custom,
    Do,
    Fill,
    For,
    Function,
    If,
    Raise,
    Return,
    Stmt,
    Store,
    Unset,
    Var,
    View,
    While,
)
from adcompile.ir.walk import stmt_defs, stmt_reads

Live = frozenset[Var]
NONE: Live = frozenset()


def copies(stmt: Stmt) -> tuple[tuple[Var, Var], ...]:
    """The (target, source) pairs by which a statement gives a value a second name."""
    match stmt:
        case Assign(target, Var() as source) | View(target, source, ()):
            return ((target, source),)
        case AssignMany(targets, values):
            pairs = zip(targets, values, strict=True)
            return tuple((target, value) for target, value in pairs if isinstance(value, Var))
        case _:
            return ()


class Interference:
    """``family`` maps each variable to its family; only within one is interference recorded."""

    def __init__(self, fn: Function, family: Mapping[Var, str]) -> None:
        self.family = family
        self.members: dict[str, set[Var]] = {}
        for var, name in family.items():
            self.members.setdefault(name, set()).add(var)
        self.others: dict[Var, set[Var]] = {var: set() for var in family}
        live = self._block(fn.body, NONE, NONE)
        for param in fn.params:
            self._define(param, live | frozenset(fn.params))

    def between(self, some: Iterable[Var], others: Iterable[Var]) -> bool:
        """Whether any of these interferes with any of those."""
        rest = set(others)
        return any(not self.others[var].isdisjoint(rest) for var in some)

    def _define(self, var: Var, live: Live, same: Var | None = None) -> None:
        for other in self.members[self.family[var]] & live:
            if other is not var and other is not same:
                self.others[var].add(other)
                self.others[other].add(var)

    def _block(self, block: Block, live: Live, leave: Live) -> Live:
        """What is live before a block, given what is live after it and after its loop."""
        for stmt in reversed(block):
            live = self._stmt(stmt, live, leave)
        return live

    def _stmt(self, stmt: Stmt, live: Live, leave: Live) -> Live:
        match stmt:
            case If(_, then, orelse):
                inside = self._block(then, live, leave) | self._block(orelse, live, leave)
                return inside | frozenset(stmt_reads(stmt))
            case For() | While():
                return self._loop(stmt, live)
            case Raise():
                return frozenset(stmt_reads(stmt))
            case Break():
                return leave
            case Assign() | AssignMany() | Alloc() | Call() | Custom() | Copy() | View():
                return self._assignment(stmt, live)
            case Store() | Accumulate() | Fill() | CopyInto() | Do():
                return live | frozenset(stmt_reads(stmt))
            case Unset() | Comment() | Return():
                return live | frozenset(stmt_reads(stmt))
            case _:
                assert_never(stmt)

    def _assignment(self, stmt: Stmt, live: Live) -> Live:
        targets = frozenset(stmt_defs(stmt))
        same = dict(copies(stmt))
        for target in stmt_defs(stmt):
            source = same.get(target)
            self._define(target, live | targets, None if source in targets else source)
        return (live - targets) | frozenset(stmt_reads(stmt))

    def _loop(self, stmt: For | While, after: Live) -> Live:
        check = NONE if stmt.exit is None else frozenset((stmt.exit,))
        head = after | (frozenset(stmt_reads(stmt)) if isinstance(stmt, While) else NONE)
        while True:
            inside = self._block(stmt.body, head | after | check, after)
            if isinstance(stmt, For):
                self._define(stmt.var, inside)
                inside -= {stmt.var}
            if inside <= head:
                break
            head |= inside
        return head | (frozenset(stmt_reads(stmt)) if isinstance(stmt, For) else NONE)
