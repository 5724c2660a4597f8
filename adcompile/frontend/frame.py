"""What lowering one function instance keeps: where statements go, and what names mean."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from types import ModuleType
from typing import Any, NoReturn, TypeGuard

import numpy as np
from numba.core import types as nt

from adcompile.containers import dict_keys
from adcompile.errors import Loc, UnsupportedError
from adcompile.frontend.exits import Scope, diverges
from adcompile.frontend.functions import literal_int
from adcompile.frontend.session import Pack, Session, Static
from adcompile.frontend.source import Source
from adcompile.ir import nodes as ir
from adcompile.ir.walk import stmt_defs
from adcompile.makers import (
    Maker,
    class_named,
    dict_class,
    fields_of,
    keys_of,
    maker_name,
    method_of,
)


@dataclass(eq=False)
class LocalFunction:
    """A function or lambda inside the one that is read: free names are those of ``frame``."""

    source: Source
    frame: Frame

    def __call__(self) -> None:
        """It counts as callable."""


@dataclass(eq=False)
class TypeOf:
    """``type(x)``, which converts numbers."""

    like: ir.Var

    def __call__(self) -> None:
        """It counts as callable."""


class Restart(Exception):
    """A name may be None that was taken to have a value: to be read again knowing that."""

    def __init__(self, name: tuple[object, str]) -> None:
        self.name = name
        super().__init__(name)


RESULT = "<result>"


class Frame:
    """One function, or one inlined instance of it.  ``outer``: that in which it is defined."""

    def __init__(self, session: Session, source: Source, outer: Frame | None = None) -> None:
        self.session, self.source, self.outer = session, source, outer
        self.vars: dict[str, ir.Var] = {}
        self.known: dict[str, Static] = {}  # parameters of an inlined call: literals, functions
        self.initial: dict[ir.Var, Static] = {}  # the same, of parameters not yet assigned again
        self.bound: set[ir.Var] = set()  # parameters of an inlined call that got a value
        self.loops = 0
        self.out: list[ir.Stmt] = []
        self.bindings: frozenset[ir.Var] = frozenset()  # parameters that are being bound
        self.scope = self.function_scope = Scope()
        self.depth = self.root_depth = 0  # of branches and loops
        self.functions: set[str] = set()  # local names of functions
        self.slices: dict[str, ast.Slice] = {}  # names of slices, their ends kept
        self.result: ir.Var = ir.Var("result", temp=True)
        self.own(self.result, RESULT)

    # ------------------------------------------------------------ errors and statements

    def loc(self, node: ast.AST) -> Loc:
        return self.source.loc(node)

    def refuse(self, node: ast.AST, message: str, advice: str = "") -> NoReturn:
        raise UnsupportedError(message, self.loc(node), advice)

    def emit(self, stmt: ir.Stmt) -> None:
        """Append a statement, unless control cannot get there."""
        if self.initial:
            self.forget_initial(stmt)
        if diverges(self.out):
            return
        flags = self.session.flags
        match stmt:
            case ir.Assign(target, ir.Const(None)):
                absent = ir.Assign(self.flag(target), ir.Const(False), loc=stmt.loc)
                self.out += [absent, ir.Unset((target,))]
                return
            case ir.Assign(target, ir.Var() as source) if source in flags:
                self.out.append(stmt)
                self.out.append(ir.Assign(self.flag(target), flags[source], loc=stmt.loc))
            case ir.AssignMany(targets, values) if any(v in flags for v in (*targets, *values)):
                given = tuple(
                    flags.get(v, ir.Const(True)) if isinstance(v, ir.Var) else ir.Const(True)
                    for v in values
                )
                self.out.append(stmt)
                self.out.append(ir.AssignMany(tuple(map(self.flag, targets)), given, stmt.loc))
            case _:
                self.out.append(stmt)
                for var in stmt_defs(stmt) if flags else ():
                    if var in flags:
                        self.out.append(ir.Assign(flags[var], ir.Const(True), loc=stmt.loc))
        self.note_arity(stmt)

    def forget_initial(self, stmt: ir.Stmt) -> None:
        for var in stmt_defs(stmt):
            known = self.initial.pop(var, None)
            if known is not None and known.value is None and self.depth > self.root_depth:
                raise Restart(self.session.owners[var])

    def flag(self, var: ir.Var) -> ir.Var:
        """The boolean that says whether ``var`` has a value or is None."""
        flags = self.session.flags
        if var not in flags:
            if var in self.session.owners:
                raise Restart(self.session.owners[var])
            flags[var] = ir.Var(f"has_{var.name}", temp=True)
        return flags[var]

    def own(self, var: ir.Var, name: str) -> None:
        """``var`` is the user's ``name`` in this function."""
        key = self.source.key, name
        self.session.owners[var] = key
        if key in self.session.nullable:
            shown = "result" if name == RESULT else name
            self.session.flags[var] = ir.Var(f"has_{shown}", temp=True)

    def note_dict(self, stmt: ir.Assign) -> None:
        """Which variables hold dicts made here, and which of those have two names."""
        known, shared = self.session.dicts, self.session.shared
        match stmt.value:
            case ir.MakeTuple(_, maker) if maker and keys_of(class_named(maker)) is not None:
                known[stmt.target] = keys_of(class_named(maker)) or ()
            case ir.Var() as source if source in known:
                known[stmt.target] = known[source]
                if not source.temp:
                    self.share(stmt, source)
            case _:
                known.pop(stmt.target, None)
        if isinstance(stmt.value, ir.MakeTuple):  # a dict in a dict
            shared.update(i for i in stmt.value.items if isinstance(i, ir.Var) and i in known)

    def share(self, stmt: ir.Assign, source: ir.Var) -> None:
        """``target = source`` gives a dict a second name.  That of a parameter ends with the call,
        unless it is given on."""
        shared, passed = self.session.shared, self.session.passed
        shared.add(stmt.target)
        if stmt.target in self.bindings:
            passed[stmt.target] = source
            return
        while True:
            shared.add(source)
            if source in self.session.stored and self.loops:
                raise UnsupportedError(
                    f"the dict {source.name!r} is changed in a loop and has two names",
                    stmt.loc,
                    "Make a new dict: d = {...}.",
                )
            if source not in passed:
                return
            source = passed[source]

    def note_kind(self, stmt: ir.Assign) -> None:
        """Which variables hold NamedTuples that the caller has given, or parts of them."""
        known = self.session.kinds
        match stmt.value:
            case ir.Var() as source:
                kind = known.get(source)
                if source in self.session.records:
                    self.session.records[stmt.target] = self.session.records[source]
            case ir.Attribute(ir.Var() as source, name) if source in known:
                fields = fields_of(getattr(known[source], "instance_class", tuple))
                kind = tuple(known[source])[fields.index(name)] if name in fields else None
            case ir.Subscript(ir.Var() as source, (ir.Const(str() as key),)) if source in known:
                keys = keys_of(getattr(known[source], "instance_class", tuple)) or ()
                kind = tuple(known[source])[keys.index(key)] if key in keys else None
            case ir.TupleGet(ir.Var() as source, k) if source in known and k < len(known[source]):
                kind = tuple(known[source])[k]
            case _:
                kind = None
        if isinstance(kind, nt.BaseTuple):
            known[stmt.target] = kind
        else:
            known.pop(stmt.target, None)

    def is_local(self, node: ast.expr) -> TypeGuard[ast.Name]:
        return isinstance(node, ast.Name) and node.id in self.vars

    def keys_known(self, base: ir.Expr) -> tuple[str, ...] | None:
        """The keys of a dict that was given or made here; None for anything else."""
        if not isinstance(base, ir.Var):
            return None
        kind = self.session.kinds.get(base)
        if isinstance(kind, nt.BaseNamedTuple):
            return keys_of(kind.instance_class)
        return self.session.dicts.get(base)

    def method_of(self, base: ir.Expr, name: str) -> tuple[str, Any]:
        """A method or property of an object that the caller has given."""
        kind = self.session.kinds.get(base) if isinstance(base, ir.Var) else None
        if not isinstance(kind, nt.BaseNamedTuple) or name in fields_of(kind.instance_class):
            return "", None
        return method_of(kind.instance_class, name)

    def note_arity(self, stmt: ir.Stmt) -> None:
        if isinstance(stmt, ir.Assign):
            self.note_dict(stmt)
            self.note_kind(stmt)
        known = self.session.arity
        self.session.note_values(stmt)
        match stmt:
            case ir.Assign(target, ir.MakeTuple(items)):
                known[target] = len(items)
            case ir.Assign(target, ir.Var() as source) if source in known:
                known[target] = known[source]
            case _:
                for var in stmt_defs(stmt):
                    known.pop(var, None)
                    if not isinstance(stmt, ir.Assign):
                        self.session.dicts.pop(var, None)
                        self.session.kinds.pop(var, None)

    @contextmanager
    def block(self) -> Iterator[list[ir.Stmt]]:
        """Statements emitted inside go into the list that this yields."""
        outer, self.out = self.out, []
        self.depth += 1
        try:
            yield self.out
        finally:
            self.out = outer
            self.depth -= 1

    def temp(self, value: ir.Expr, node: ast.AST) -> ir.Expr:
        """A name for a value, which needs none if it is an atom."""
        if isinstance(value, ir.Var | ir.Const):
            return value
        var = ir.Var("t", temp=True)
        self.emit(ir.Assign(var, value, loc=self.loc(node)))
        self.session.computed.add(var)
        return var

    def kept(self, value: ir.Expr, node: ast.AST) -> ir.Expr:
        """The value as it is now, whatever becomes of the user's name."""
        if not isinstance(value, ir.Var) or value.temp:
            return value
        kept = ir.Var(value.name, temp=True)
        self.emit(ir.Assign(kept, value, loc=self.loc(node)))
        return kept

    # ------------------------------------------------------------ names

    def var(self, name: str) -> ir.Var:
        free = name not in self.source.local_names and not name.startswith("<")
        if self.outer is not None and free:
            return self.outer.var(name)
        if name not in self.vars:
            self.vars[name] = ir.Var(name)
            self.own(self.vars[name], name)
        return self.vars[name]

    def static(self, node: ast.expr) -> Static | None:
        """What a dotted name that starts outside the function means; None if it is local."""
        match node:
            case ast.Name(id=name):
                if name in self.source.local_names or name.startswith("<"):
                    return self.known.get(name)
                if self.outer is not None:
                    return self.outer.static(node)
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
            case ast.Subscript(value=inner, slice=ast.Constant(value=str() as key)):
                base = self.static(inner)
                if base is not None and isinstance(base.value, dict) and key in base.value:
                    return Static(base.value[key])
                return None
            case ast.Call(func=func, args=[arg], keywords=[]):
                return self.static_call(func, arg)
            case ast.Subscript(value=inner, slice=place) if (k := literal_int(place)) is not None:
                base = self.static(inner)
                whole = base.value if base is not None else None
                items = whole.items if isinstance(whole, Pack) else whole
                if not isinstance(items, tuple):
                    return None
                if not -len(items) <= k < len(items):
                    self.refuse(node, f"the tuple {ast.unparse(inner)} has no item {k}")
                item = Static(items[k]) if items is whole else items[k]
                return item if isinstance(item, Static) else None
            case _:
                return None

    def static_call(self, func: ast.expr, arg: ast.expr) -> Static | None:
        """``np.finfo(np.float64)``, ``np.iinfo`` and ``type(x)``."""
        if isinstance(func, ast.Name) and func.id == "type" and isinstance(arg, ast.Name):
            outside = self.static(func)
            if outside is not None and outside.value is type and self.static(arg) is None:
                return Static(TypeOf(self.var(arg.id)))
        if not isinstance(func, ast.Attribute | ast.Name) or getattr(
            func, "attr", getattr(func, "id", "")
        ) not in ("finfo", "iinfo"):
            return None
        outside, kind = self.static(func), self.static(arg)
        if outside is None or kind is None or not isinstance(kind.value, type):
            return None
        if outside.value is np.finfo and issubclass(kind.value, float | np.floating):
            return Static(np.finfo(kind.value))
        if outside.value is np.iinfo and issubclass(kind.value, int | np.integer):
            return Static(np.iinfo(kind.value))
        return None

    def constant(self, value: object, node: ast.expr) -> ir.Expr:
        """A value from outside as IR.  Numbers are written in; arrays are captured."""
        if isinstance(value, np.float64 | np.int64 | np.bool_ | np.complex128):
            value = value.item()
        match value:
            case bool() | float() | complex() | str() | None:
                return ir.Const(value)
            case int() if type(value) is int:
                if not -(2**63) <= value < 2**64:  # Numba: int64, or uint64
                    self.refuse(node, f"the integer {value} does not fit in 64 bits")
                return ir.Const(value)
            case np.number() if isinstance(plain := value.item(), int | float | complex):
                return ir.Apply(f"np.{type(value).__name__}", (ir.Const(plain),))
            case np.ndarray():
                return self.captured(value, node)
            case Enum():
                return self.constant(value.value, node)
            case tuple() if type(value) is tuple:
                return ir.MakeTuple(tuple(self.constant(item, node) for item in value))
            case tuple() if hasattr(value, "_fields"):
                items = tuple(self.constant(item, node) for item in value)
                return self.named_tuple(type(value), items)
            case dict() if all(isinstance(key, str) for key in value):
                return self.dict_of({k: self.constant(v, node) for k, v in value.items()})
            case Pack():
                self.refuse(
                    node,
                    f"{ast.unparse(node)}, which has functions among its items, as a value",
                    "Loop over it, take an item by its number, or hand it on with *.",
                )
            case ModuleType():
                self.refuse(node, f"the module {value.__name__} is used as a value")
            case _:
                self.refuse(
                    node,
                    f"{ast.unparse(node)!r} is a {type(value).__name__}, which is not supported",
                    "Numbers, booleans, strings, tuples of them and NumPy arrays can be captured.",
                )

    def named_tuple(self, cls: Maker, items: tuple[ir.Expr, ...]) -> ir.Expr:
        name = maker_name(cls)
        self.session.makers[name] = None
        return ir.MakeTuple(items, name)

    def dict_of(self, items: dict[str, ir.Expr]) -> ir.Expr:
        """A dict with literal keys, which is a NamedTuple."""
        keys = dict_keys(items)
        return self.named_tuple(dict_class(keys), tuple(items[key] for key in keys))

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
            self.session.ranks[known[id(array)][0]] = array.ndim
        return known[id(array)][0]
