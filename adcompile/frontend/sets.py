"""Sets of numbers that are only asked what they contain: ``seen = set(a)``, ``i in seen``.

A set is not made: it is copies of the arrays that its elements come from, and which of them the
number must be in.
"""

from __future__ import annotations

import ast
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from adcompile.frontend.slices import Slices
from adcompile.ir import nodes as ir

_METHODS = {"intersection": "and", "union": "or", "difference": "and not"}
_OPERATORS = {ast.BitAnd: "and", ast.BitOr: "or", ast.Sub: "and not"}


@dataclass(frozen=True)
class Both:
    """``op``: and, or, and not."""

    op: str
    a: Members
    b: Members


Members: TypeAlias = ir.Var | Both


class Sets(Slices):
    @cached_property
    def sets(self) -> dict[str, Members]:
        """Names of sets."""
        return {}

    @abstractmethod
    def atom(self, node: ast.expr) -> ir.Expr:
        """A variable or a literal for the value of an expression (expressions.py)."""

    def set_made(self, node: ast.expr) -> Members | None:
        """The set that an expression is, if it is one."""
        match node:
            case ast.Name(id=name):
                return self.sets.get(name)
            case ast.Call(func, [arg], []) if self.is_set(func):
                return self.kept_members(arg)
            case ast.Call(ast.Attribute(left, name), [right], []) if name in _METHODS:
                return self.both(_METHODS[name], left, right)
            case ast.BinOp(left, op, right) if type(op) in _OPERATORS:
                return self.both(_OPERATORS[type(op)], left, right)
            case _:
                return None

    def both(self, op: str, left: ast.expr, right: ast.expr) -> Both | None:
        a = self.set_made(left)
        b = None if a is None else self.set_made(right)
        return None if a is None or b is None else Both(op, a, b)

    def is_set(self, func: ast.expr) -> bool:
        outside = self.static(func)
        return outside is not None and outside.value is set

    def kept_members(self, node: ast.expr) -> ir.Var:
        """A copy of an array, which may be written to later."""
        kept = ir.Var("members", temp=True)
        source = self.atom(node)
        session = self.session
        others = session.lists | session.arity.keys() | session.dicts.keys()
        if not isinstance(source, ir.Var) or source in others:
            self.refuse(node, "a set of something else than an array", "Write x in (a, b).")
        self.emit(ir.Copy(kept, source, self.loc(node)))
        return kept

    def names_set(self, node: ast.expr) -> bool:
        match node:
            case ast.Name(id=name):
                return name in self.sets
            case ast.Call(ast.Attribute(base, name)) if name in _METHODS:
                return self.names_set(base)
            case ast.Call(func):
                return self.is_set(func)
            case ast.BinOp(left, op):
                return type(op) in _OPERATORS and self.names_set(left)
            case _:
                return False

    def name_set(self, name: str, value: ast.expr, node: ast.stmt) -> None:
        """``name = set(a)``, where nothing else is ever given that name."""
        found = self.set_made(value)
        if found is None:
            self.refuse(value, "a set like this", "Make it as set(a), of an array.")
        if self.source.stores[name] > 1 or name in self.source.parameters:
            self.refuse(node, f"{name!r} is a set here, and set elsewhere", "Use two names.")
        self.sets[name] = found

    def refuse_set(self, name: str, node: ast.AST) -> None:
        if name in self.sets:
            self.refuse(node, f"the set {name!r} as a value", "Ask if it has a number: x in s.")

    def contains(self, found: Members, ask: Callable[[ir.Var], ir.Expr]) -> ir.Expr:
        """Whether a number is in a set, ``ask`` whether it is in an array."""
        if isinstance(found, ir.Var):
            return ask(found)
        a, b = self.contains(found.a, ask), self.contains(found.b, ask)
        if found.op == "and not":
            return ir.Logic("and", a, ir.Unary("not", b))
        return ir.Logic(found.op, a, b)
