"""What lowering one function instance keeps: where statements go, and what names mean."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import CodeType, ModuleType
from typing import Any, NoReturn

import numpy as np

from adcompile.errors import Loc, UnsupportedError
from adcompile.frontend.exits import Scope, diverges
from adcompile.frontend.source import Source
from adcompile.ir import nodes as ir
from adcompile.ir.walk import stmt_defs


@dataclass
class Session:
    """What one call of ``parse`` collects, inlined callees included."""

    constants: dict[int, tuple[ir.Var, object]] = field(default_factory=dict)
    exceptions: dict[str, type[BaseException]] = field(default_factory=dict)
    dispatchers: list[Any] = field(default_factory=list)
    stack: list[CodeType] = field(default_factory=list)
    callees: dict[str, Any] = field(default_factory=dict)
    customs: list[Any] = field(default_factory=list)  # whose rules are being read
    computed: set[ir.Var] = field(default_factory=set)  # results of operations: never None


@dataclass(frozen=True)
class Static:
    """A value known while parsing: a module, a function, a number."""

    value: object


class Frame:
    """One function, or one inlined instance of it."""

    def __init__(self, session: Session, source: Source) -> None:
        self.session, self.source = session, source
        self.vars: dict[str, ir.Var] = {}
        self.known: dict[str, Static] = {}  # parameters of an inlined call: literals, functions
        self.initial: dict[ir.Var, Static] = {}  # the same, of parameters not yet assigned again
        self.bound: set[ir.Var] = set()  # parameters of an inlined call that got a value
        self.loops = 0
        self.out: list[ir.Stmt] = []
        self.scope = self.function_scope = Scope()
        self.result: ir.Var = ir.Var("result", temp=True)

    # ------------------------------------------------------------ errors and statements

    def loc(self, node: ast.AST) -> Loc:
        return self.source.loc(node)

    def refuse(self, node: ast.AST, message: str, advice: str = "") -> NoReturn:
        raise UnsupportedError(message, self.loc(node), advice)

    def emit(self, stmt: ir.Stmt) -> None:
        """Append a statement, unless control cannot get there."""
        if self.initial:
            for var in stmt_defs(stmt):
                self.initial.pop(var, None)
        if not diverges(self.out):
            self.out.append(stmt)

    @contextmanager
    def block(self) -> Iterator[list[ir.Stmt]]:
        """Statements emitted inside go into the list that this yields."""
        outer, self.out = self.out, []
        try:
            yield self.out
        finally:
            self.out = outer

    def temp(self, value: ir.Expr, node: ast.AST) -> ir.Expr:
        """A name for a value, which needs none if it is an atom."""
        if isinstance(value, ir.Var | ir.Const):
            return value
        var = ir.Var("t", temp=True)
        self.emit(ir.Assign(var, value, loc=self.loc(node)))
        self.session.computed.add(var)
        return var

    # ------------------------------------------------------------ names

    def var(self, name: str) -> ir.Var:
        if name not in self.vars:
            self.vars[name] = ir.Var(name)
        return self.vars[name]

    def static(self, node: ast.expr) -> Static | None:
        """What a dotted name that starts outside the function means; None if it is local."""
        match node:
            case ast.Name(id=name):
                if name in self.source.local_names:
                    return self.known.get(name)
                try:
                    return Static(self.source.lookup(name))
                except KeyError:
                    self.refuse(node, f"the name {name!r} is not defined")
            case ast.Attribute(value=inner, attr=attr):
                base = self.static(inner)
                if base is None or isinstance(base.value, np.ndarray | np.dtype):
                    return None
                if not hasattr(base.value, attr):
                    self.refuse(node, f"{ast.unparse(inner)} has no attribute {attr!r}")
                return Static(getattr(base.value, attr))
            case ast.Subscript(value=inner, slice=ast.Constant(value=int() as item)):
                base = self.static(inner)
                if base is not None and isinstance(base.value, tuple):
                    if not -len(base.value) <= item < len(base.value):
                        self.refuse(node, f"the tuple {ast.unparse(inner)} has no item {item}")
                    return Static(base.value[item])
                return None
            case _:
                return None

    def constant(self, value: object, node: ast.expr) -> ir.Expr:
        """A value from outside as IR.  Numbers are written in; arrays are captured."""
        if isinstance(value, np.float64 | np.int64 | np.bool_ | np.complex128):
            value = value.item()
        match value:
            case bool() | float() | complex() | str() | None:
                return ir.Const(value)
            case int() if type(value) is int:
                if not -(2**63) <= value < 2**63:
                    self.refuse(node, f"the integer {value} does not fit in 64 bits")
                return ir.Const(value)
            case np.number() if isinstance(plain := value.item(), int | float | complex):
                return ir.Apply(f"np.{type(value).__name__}", (ir.Const(plain),))
            case np.ndarray():
                return self.captured(value, node)
            case tuple() if type(value) is tuple:
                return ir.MakeTuple(tuple(self.constant(item, node) for item in value))
            case ModuleType():
                self.refuse(node, f"the module {value.__name__} is used as a value")
            case _:
                self.refuse(
                    node,
                    f"{ast.unparse(node)!r} is a {type(value).__name__}, which is not supported",
                    "Numbers, booleans, strings, tuples of them and NumPy arrays can be captured.",
                )

    def captured(self, array: np.ndarray[Any, Any], node: ast.expr) -> ir.Var:
        """The variable that stands for an array of the module or closure: one per object."""
        known = self.session.constants
        if id(array) not in known:
            taken = {var.name for var, _ in known.values()}
            wish = node.attr if isinstance(node, ast.Attribute) else "array"
            wish = name = node.id if isinstance(node, ast.Name) else wish
            number = 2
            while name in taken:
                name, number = f"{wish}_{number}", number + 1
            known[id(array)] = ir.Var(name), array
        return known[id(array)][0]
