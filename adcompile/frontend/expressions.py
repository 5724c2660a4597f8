"""Expressions.  Two forms: ``atom`` names every operation (values that may be differentiated),
``tree`` leaves a pure expression whole (subscripts, bounds, conditions, shapes).

What needs statements inside a tree (an inlined call, a conditional expression, a division that
may fail) is named in front of it; lifting.py says in advance where.
"""

from __future__ import annotations

import ast
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, NoReturn

from adcompile.frontend.functions import literal_int
from adcompile.frontend.operators import (
    BINARY,
    COMPARE,
    UNARY,
    UNSUPPORTED,
    folded,
    is_boolean,
)
from adcompile.frontend.ranks import rank_of
from adcompile.frontend.session import Pack, Static
from adcompile.frontend.sets import Sets
from adcompile.ir import nodes as ir

Container = ast.List | ast.ListComp | ast.GeneratorExp | ast.Dict


class Expressions(Sets):
    in_subscript = False

    @abstractmethod
    def call(self, node: ast.Call, whole: bool, into: ir.Var | None = None) -> ir.Expr:
        """A call in an expression: of atoms, or ``whole`` in a tree (calls.py)."""

    @abstractmethod
    def method_call(self, node: ast.expr, owner: ast.expr, function: Any) -> ir.Expr:
        """A method or property of an object, inlined (calls.py)."""

    @abstractmethod
    def container(self, node: Container) -> ir.Expr:
        """A list or dict that is written out, or made by a loop (lists.py)."""

    @abstractmethod
    def condition(self, node: ast.expr) -> ir.Expr:
        """A tree whose truth is all that counts (conditions.py)."""

    @abstractmethod
    def logic(self, node: ast.BoolOp) -> ir.Expr:
        """and/or as one pure expression."""

    @abstractmethod
    def lazy(self, node: ast.BoolOp, truth: bool) -> ir.Expr:
        """and/or as If statements."""

    @abstractmethod
    def is_none(self, node: ast.Compare) -> ir.Expr:
        """``x is None`` where that is known while parsing."""

    @abstractmethod
    def membership(self, node: ast.Compare) -> ir.Expr:
        """``x in items`` (conditions.py)."""

    # ------------------------------------------------------------ entry points

    def atom(self, node: ast.expr) -> ir.Expr:
        """A Var or Const."""
        return self.temp(self.value(node), node)

    def assign(self, target: ir.Var, node: ast.expr, at: ast.AST) -> None:
        """``target = node``, one operation at a time."""
        if isinstance(node, ast.IfExp):
            cond = self.condition(node.test)
            if isinstance(cond, ir.Const):
                return self.assign(target, node.body if cond.value else node.orelse, at)
            flagged = target in self.session.flags
            with self.block() as then:
                self.assign(target, node.body, at)
            with self.block() as orelse:
                late = not flagged and target not in self.session.flags
                self.assign(target, node.orelse, at)
            if late and (flag := self.session.flags.get(target)) is not None:  # it may be None
                then.append(ir.Assign(flag, ir.Const(True), loc=self.loc(node)))
            self.emit(ir.If(cond, tuple(then), tuple(orelse), loc=self.loc(node)))
            return None
        value = self.value(node, target)
        if value is not target or isinstance(node, ast.Name):
            self.emit(ir.Assign(target, value, loc=self.loc(at)))
        return None

    def value(self, node: ast.expr, into: ir.Var | None = None) -> ir.Expr:
        """One operation on atoms.  An allocation goes into ``into`` where that is given."""
        outside = self.static(node)
        if outside is not None:
            return self.constant(outside.value, node)
        match node:
            case ast.Name() | ast.Constant() | ast.Attribute() | ast.Compare():
                return self.tree(node)
            case ast.BinOp(left, op, right):
                a, b = self.atoms((left, right))
                return self.binary(node, op, a, b)
            case ast.UnaryOp(op, operand):
                if isinstance(op, ast.Not) or isinstance(operand, ast.Constant):
                    return self.tree(node)
                return ir.Unary(UNARY[type(op)], self.atom(operand))
            case ast.BoolOp():
                return self.condition(node) if is_boolean(node) else self.lazy(node, False)
            case ast.IfExp():
                target = ir.Var("t", temp=True)
                self.assign(target, node, node)
                return target
            case ast.NamedExpr(ast.Name(id=name), inner):
                self.assign(self.var(name), inner, node)
                return self.var(name)
            case ast.Subscript():
                return self.subscript(node)
            case ast.Tuple(elts):
                return ir.MakeTuple(self.atoms(self.unstarred(elts)))
            case ast.List() if self.in_subscript:
                return self.tree(node)
            case ast.List() | ast.ListComp() | ast.GeneratorExp() | ast.Dict():
                return self.container(node)
            case ast.Call():
                return self.call(node, whole=False, into=into)
            case _:
                self.refuse_node(node)

    def sequence(self, node: ast.expr) -> ir.Expr:
        """A list or tuple of arrays, numbers, or lists of them, as a tuple of atoms."""
        if isinstance(node, ast.List | ast.Tuple):
            return ir.MakeTuple(tuple(self.sequence(item) for item in self.unstarred(node.elts)))
        return self.atom(node)

    def atoms(self, nodes: Sequence[ast.expr]) -> tuple[ir.Expr, ...]:
        return tuple(self.atom(node) for node in nodes)

    def trees(self, nodes: Sequence[ast.expr]) -> tuple[ir.Expr, ...]:
        """Operands in order: those in front of one that needs statements are named."""
        last = max((k for k, node in enumerate(nodes) if self.lifts(node)), default=0)
        return tuple(
            self.atom(node) if k < last else self.tree(node) for k, node in enumerate(nodes)
        )

    def tree(self, node: ast.expr) -> ir.Expr:
        """A whole pure expression."""
        outside = self.static(node)
        if outside is not None:
            return self.constant(outside.value, node)
        match node:
            case ast.Constant(value):
                if isinstance(value, bytes):
                    self.refuse(node, "a constant of type bytes")
                if value is Ellipsis:
                    return ir.Const(...)
                return self.constant(value, node)
            case ast.Name(name):
                self.refuse_set(name, node)
                var = self.var(name)
                return self.kept(var, node) if self.source.rebinds else var
            case ast.BinOp(left, op, right):
                if self.may_fail(node) or isinstance(op, ast.MatMult):
                    return self.atom(node)
                a, b = self.trees((left, right))
                return self.binary(node, op, a, b)
            case ast.UnaryOp(ast.Not(), operand):
                cond = self.condition(operand)
                if isinstance(cond, ir.Const):
                    return ir.Const(not cond.value)
                return ir.Unary("not", cond)
            case ast.UnaryOp(op, operand):
                x = self.tree(operand)
                if isinstance(op, ast.USub) and isinstance(x, ir.Const):
                    if isinstance(x.value, int | float) and not isinstance(x.value, bool):
                        return ir.Const(-x.value)
                return ir.Unary(UNARY[type(op)], x)
            case ast.BoolOp():
                return self.lazy(node, False) if self.lifts(node) else self.logic(node)
            case ast.Compare():
                return self.compare(node)
            case ast.Attribute(ast.Name(), "value") if (x := self.tree(node.value)) in (
                self.session.members
            ):
                return x
            case ast.Attribute() if (rank := self.rank_known(node)) is not None:
                return rank
            case ast.Attribute(base, name):
                if name == "mT":
                    return self.temp(ir.Apply("arr.matrix_transpose", (self.atom(base),)), node)
                owner = self.atom(base)
                if name == "flat" and owner not in self.session.kinds:
                    return self.temp(ir.Apply("arr.ravel", (owner, ir.Const("C"))), node)
                what, function = self.method_of(owner, name)
                if what == "property":
                    return self.method_call(node, base, function)
                return ir.Attribute(owner, name)
            case ast.Subscript():
                return self.subscript(node, whole=True)
            case ast.Tuple(elts):
                return ir.MakeTuple(self.trees(self.unstarred(elts)))
            case ast.List() if self.in_subscript:
                items = self.sequence(node)
                return self.temp(ir.Apply("arr.array", (items, ir.Const(None))), node)
            case ast.List() | ast.ListComp() | ast.GeneratorExp() | ast.Dict():
                return self.atom(node)
            case ast.Call():
                return self.call(node, whole=True)
            case ast.IfExp() | ast.NamedExpr():
                return self.atom(node)
            case _:
                self.refuse_node(node)

    # ------------------------------------------------------------ operators

    def binary(self, node: ast.AST, op: ast.operator, a: ir.Expr, b: ir.Expr) -> ir.Expr:
        if isinstance(op, ast.MatMult):
            return ir.Apply("arr.matmul", (a, b))
        for operand in (a, b):
            if isinstance(operand, ir.Const) and isinstance(operand.value, str):
                self.refuse(node, "arithmetic on strings")
        spelled = BINARY[type(op)]
        if (known := folded(spelled, a, b)) is not None:
            return known
        if spelled in ("/", "//", "%") and self.catches_zero():
            self.check_divisor(node, a, b)
        if spelled in ("//", "%") and isinstance(b, ir.Const) and not b.value:
            zero = ir.Var("t", temp=True)  # a variable, so that the test for zero finds it
            self.emit(ir.Assign(zero, b, loc=self.loc(node)))
            b = zero
        return ir.Binary(spelled, a, b)

    def check_divisor(self, node: ast.AST, a: ir.Expr, b: ir.Expr) -> None:
        """In a try statement: division of numbers by zero raises."""
        if isinstance(b, ir.Const) and b.value:
            return
        ranks = [rank_of(x, self.session.ranks, self.session.kinds) for x in (a, b)]
        if any(ranks):
            return  # division of arrays raises nothing
        if None in ranks:
            self.refuse(
                node,
                "whether this division in a try statement raises is not known while parsing",
                "Test the divisor with if, before the try statement.",
            )
        with self.block() as fail:
            key = self.exception(ZeroDivisionError, node)
            self.emit(ir.Raise(key, (ir.Const("division by zero"),), self.loc(node)))
        self.emit(ir.If(ir.Compare("==", b, ir.Const(0)), tuple(fail), (), loc=self.loc(node)))

    @abstractmethod
    def exception(self, cls: object, node: ast.AST) -> str:
        """Record an exception class; its key (raising.py)."""

    def compare(self, node: ast.Compare) -> ir.Expr:
        """Comparisons, chained ones with each operand evaluated once."""
        nodes = [node.left, *node.comparators]
        for op in node.ops:
            if isinstance(op, ast.Is | ast.IsNot):
                return self.is_none(node)
            if type(op) not in COMPARE:
                return self.membership(node)
        names = [COMPARE[type(op)] for op in node.ops]
        if len(names) == 1:
            a, b = self.trees(nodes)
            known = folded(names[0], a, b)
            return ir.Compare(names[0], a, b) if known is None else known
        first = self.atom(nodes[0]) if self.lifts(nodes[1]) else self.tree(nodes[0])
        middle = self.atom(nodes[1])
        done: ir.Expr = ir.Compare(names[0], first, middle)
        for k in range(1, len(names)):
            if any(self.lifts(n) for n in nodes[k + 1 :]) or not all(
                _plain(n) for n in nodes[k + 1 : -1]
            ):
                return self.chain_on(node, done, middle, nodes[k + 1 :], names[k:])
            right = self.tree(nodes[k + 1])
            done = ir.Logic("and", done, ir.Compare(names[k], middle, right))
            middle = right
        return done

    def chain_on(
        self, node: ast.Compare, done: ir.Expr, left: ir.Expr, nodes: list[ast.expr], ops: list[str]
    ) -> ir.Expr:
        """The rest of a chain whose operands need statements: evaluated only if ``done``."""
        flag = ir.Var("t", temp=True)
        self.emit(ir.Assign(flag, done, loc=self.loc(node)))
        with self.block() as then:
            right = self.tree(nodes[0]) if len(nodes) == 1 else self.atom(nodes[0])
            test = ir.Compare(ops[0], left, right)
            if len(nodes) == 1:
                self.emit(ir.Assign(flag, test, loc=self.loc(node)))
            else:
                rest = self.chain_on(node, test, right, nodes[1:], ops[1:])
                self.emit(ir.Assign(flag, rest, loc=self.loc(node)))
        self.emit(ir.If(flag, tuple(then), (), loc=self.loc(node)))
        return flag

    # ------------------------------------------------------------ subscripts

    def subscript(self, node: ast.Subscript, whole: bool = False) -> ir.Expr:
        base = node.value
        outside, place = self.static(base), literal_int(node.slice)
        if outside is not None and isinstance(outside.value, Pack) and place is not None:
            item = outside.value.items[place]
            assert not isinstance(item, Static)
            return item
        match base, node.slice:
            case ast.Attribute(value=ast.Name(), attr="shape"), ast.Slice():
                return ir.Subscript(self.atom(base), self.index(node))
            case ast.Attribute(value=ast.Name(), attr="shape"), _ if outside is None:
                shape = self.tree(base)
                axis = self.tree(node.slice)
                assert isinstance(shape, ir.Attribute)
                match shape.base, axis:
                    case ir.Var() as array, ir.Const(value=int() as k) if k >= 0:
                        return ir.Dim(array, k)
                    case _:
                        return ir.Subscript(shape, (axis,))
            case _:
                pass
        if isinstance(node.slice, ast.Constant) and isinstance(key := node.slice.value, str):
            keys = self.keys_known(self.vars[base.id]) if self.is_local(base) else None
            if keys is not None and key not in keys:
                self.refuse(node, f"the dict has no key {key!r}", f"It has {', '.join(keys)}.")
        keep = whole and isinstance(base, ast.Subscript) and not self.base_lifts(base)
        keep = keep and not any(self.lifts(part) for part in self.index_nodes(node))
        found = self.tree(base) if keep else self.atom(base)
        if isinstance(found, ir.Const):
            self.refuse(node, "subscript of something that is neither an array nor a tuple")
        return ir.Subscript(found, self.index(node))

    def index(self, node: ast.Subscript, named: bool = False) -> tuple[ir.Index, ...]:
        """The index of a subscript; ``named``: as atoms, to be used twice."""
        nodes = self.index_nodes(node)
        if isinstance(node.slice, ast.Tuple) and not node.slice.elts:
            self.refuse(node, "an empty subscript", "Name the elements.")
        for part in nodes:
            outside = self.static(part)
            if outside is not None and outside.value is None:
                continue
            if isinstance(part, ast.Constant | ast.List) and not _in_subscripts(part):
                self.refuse(part, "this subscript is not supported", "Use integers and slices.")
        self.in_subscript, before = True, self.in_subscript
        named = named or any(map(self.makes_array, nodes))
        values = iter(self.atoms(nodes) if named else self.trees(nodes))
        self.in_subscript = before
        out: list[ir.Index] = []
        for part in self.index_parts(node):
            if isinstance(part, ast.Slice):
                ends = (part.lower, part.upper, part.step)
                start, stop, step = (None if end is None else next(values) for end in ends)
                out.append(ir.Slice(start, stop, step))
            else:
                out.append(next(values))
        return tuple(out)

    def makes_array(self, node: ast.expr) -> bool:
        """Whether a subscript may be an array: it is computed from slices or comparisons, a mask
        most likely, or has a subscript that is no number."""
        for part in ast.walk(node):
            if isinstance(part, ast.Slice | ast.Compare | ast.Invert):
                return True
            if isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Name):
                if self.static(part.slice) is None and self.session.unknown.isdisjoint(
                    (index := self.var(part.slice.id),)
                ):
                    if self.session.ranks.get(index) != 0:
                        return True
        return False

    # ------------------------------------------------------------ refusals

    def refuse_node(self, node: ast.AST) -> NoReturn:
        what, advice = UNSUPPORTED.get(type(node), (type(node).__name__, ""))
        self.refuse(node, f"{what} is not supported", advice)


def _plain(node: ast.expr) -> bool:
    return isinstance(node, ast.Name | ast.Constant)


def _in_subscripts(node: ast.expr) -> bool:
    if isinstance(node, ast.List):
        return True
    return isinstance(node, ast.Constant) and (
        isinstance(node.value, int | str) or node.value in (None, Ellipsis)
    )
