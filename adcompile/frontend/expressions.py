"""Expressions.  Two forms: ``atom`` names every operation (values that may be differentiated),
``tree`` leaves a pure expression whole (subscripts, bounds, conditions, shapes).

What needs statements inside a tree (an inlined call, a conditional expression, a division that
may fail) is named in front of it.  ``lifts`` says in advance where, so that Python's order of
evaluation and the laziness of and/or are kept.
"""

from __future__ import annotations

import ast
from abc import abstractmethod
from collections.abc import Sequence
from typing import NoReturn

from adcompile.frontend.frame import Frame
from adcompile.frontend.operators import BINARY, COMPARE, UNARY, UNSUPPORTED, is_boolean
from adcompile.ir import nodes as ir

_ATTRIBUTES = ("shape", "size", "ndim", "T", "dtype")


class Expressions(Frame):
    @abstractmethod
    def call(self, node: ast.Call, whole: bool, into: ir.Var | None = None) -> ir.Expr:
        """A call in an expression: of atoms, or ``whole`` in a tree (calls.py)."""

    @abstractmethod
    def call_lifts(self, node: ast.Call) -> bool:
        """Whether a call needs statements."""

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
            with self.block() as then:
                self.assign(target, node.body, at)
            with self.block() as orelse:
                self.assign(target, node.orelse, at)
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
            case ast.Subscript():
                return self.subscript(node)
            case ast.Tuple(elts):
                return ir.MakeTuple(self.atoms(elts))
            case ast.Call():
                return self.call(node, whole=False, into=into)
            case _:
                self.refuse_node(node)

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
                if isinstance(value, complex | bytes) or value is Ellipsis:
                    self.refuse(node, f"a constant of type {type(value).__name__}")
                return self.constant(value, node)
            case ast.Name(name):
                return self.var(name)
            case ast.BinOp(left, op, right):
                if self.may_fail(node):
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
            case ast.Attribute(base, name):
                if name not in _ATTRIBUTES:
                    self.refuse(node, f"the attribute {name!r} is not supported")
                return ir.Attribute(self.atom(base), name)
            case ast.Subscript():
                return self.subscript(node, whole=True)
            case ast.Tuple(elts):
                return ir.MakeTuple(self.trees(elts))
            case ast.Call():
                return self.call(node, whole=True)
            case ast.IfExp():
                return self.atom(node)
            case _:
                self.refuse_node(node)

    # ------------------------------------------------------------ lifting

    def lifts(self, node: ast.expr) -> bool:
        """Whether ``tree(node)`` may need statements in front of it."""
        match node:
            case ast.IfExp():
                return True
            case ast.BinOp() if self.may_fail(node):
                return True
            case ast.Compare(_, ops, comparators) if len(ops) > 1:
                if any(not isinstance(c, ast.Name | ast.Constant) for c in comparators[:-1]):
                    return True
            case ast.Call() if self.call_lifts(node):
                return True
            case ast.Attribute() | ast.Subscript() if self.static(node) is not None:
                return False
            case ast.Attribute(value) if not isinstance(value, ast.Name):
                return True
            case ast.Subscript(value) if self.base_lifts(value):
                return True
            case _:
                pass
        return any(
            self.lifts(part) for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)
        ) or any(
            self.lifts(inner)
            for part in ast.iter_child_nodes(node)
            if isinstance(part, ast.keyword | ast.Slice)
            for inner in ast.iter_child_nodes(part)
            if isinstance(inner, ast.expr)
        )

    def base_lifts(self, base: ast.expr) -> bool:
        """Whether the base of a subscript in a tree needs a name."""
        match base:
            case ast.Name():
                outside = self.static(base)
                return outside is not None and isinstance(outside.value, tuple)
            case ast.Attribute(value=ast.Name(), attr="shape"):
                return False
            case ast.Subscript(value, index):
                parts = index.elts if isinstance(index, ast.Tuple) else [index]
                return any(isinstance(p, ast.Slice) for p in parts) or self.base_lifts(value)
            case _:
                return True

    def may_fail(self, node: ast.BinOp) -> bool:
        """Integer division needs a test for zero, unless the divisor is a literal."""
        if not isinstance(node.op, ast.FloorDiv | ast.Mod):
            return False
        match node.right:
            case ast.Constant(value=int() | float() as value):
                return not value
            case ast.UnaryOp(ast.USub(), ast.Constant(value=int() | float() as value)):
                return not value
            case _:
                outside = self.static(node.right)
                known = isinstance(outside.value, int | float) if outside is not None else False
                return not (known and outside is not None and outside.value)

    # ------------------------------------------------------------ operators

    def binary(self, node: ast.AST, op: ast.operator, a: ir.Expr, b: ir.Expr) -> ir.Expr:
        if type(op) not in BINARY:
            self.refuse(node, "matrix products are not supported yet", "Write them as loops.")
        for operand in (a, b):
            if isinstance(operand, ir.Const) and isinstance(operand.value, str):
                self.refuse(node, "arithmetic on strings")
        spelled = BINARY[type(op)]
        if spelled in ("//", "%") and isinstance(b, ir.Const) and not b.value:
            zero = ir.Var("t", temp=True)  # a variable, so that the test for zero finds it
            self.emit(ir.Assign(zero, b, loc=self.loc(node)))
            b = zero
        return ir.Binary(spelled, a, b)

    def compare(self, node: ast.Compare) -> ir.Expr:
        """Comparisons, chained ones with each operand evaluated once."""
        nodes = [node.left, *node.comparators]
        for op in node.ops:
            if isinstance(op, ast.Is | ast.IsNot):
                return self.is_none(node)
            if type(op) not in COMPARE:
                self.refuse(node, "'in' is not supported", "Compare with each item.")
        names = [COMPARE[type(op)] for op in node.ops]
        if len(names) == 1:
            a, b = self.trees(nodes)
            return ir.Compare(names[0], a, b)
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

    def is_none(self, node: ast.Compare) -> ir.Expr:
        """``x is None`` where that is known while parsing."""
        match node:
            case ast.Compare(left, [op], [ast.Constant(value=None)]):
                x = self.tree(left)
                absent: bool | None = None
                if isinstance(x, ir.Const):
                    absent = x.value is None
                elif isinstance(x, ir.Var) and self.loops == 0:
                    if x in self.initial:
                        absent = self.initial[x].value is None
                    elif x in self.session.computed and not self.may_be_none(left):
                        absent = False
                if absent is not None:
                    return ir.Const(absent == isinstance(op, ast.Is))
            case _:
                pass
        self.refuse(
            node,
            "'is' is supported only as a test for None of what a call leaves out",
            "Compare with ==, or write two functions.",
        )

    def may_be_none(self, node: ast.expr) -> bool:
        """Whether the function assigns None to this name."""
        if not isinstance(node, ast.Name):
            return True
        assigned = node.id in self.source.assigned
        return assigned and any(
            isinstance(part, ast.Constant) and part.value is None
            for part in ast.walk(self.source.node)
        )

    # ------------------------------------------------------------ and, or

    def condition(self, node: ast.expr) -> ir.Expr:
        """A tree whose truth is all that counts."""
        if not isinstance(node, ast.BoolOp):
            return self.tree(node)
        values = self.decided(node)
        if len(values) == 1:
            return self.condition(values[0])
        node = ast.copy_location(ast.BoolOp(node.op, values), node)
        return self.lazy(node, True) if self.lifts(node) else self.logic(node)

    def decided(self, node: ast.BoolOp) -> list[ast.expr]:
        """The operands of and/or without those that are literals and decide nothing."""
        values: list[ast.expr] = []
        stop = isinstance(node.op, ast.Or)
        for value in node.values:
            found = self.literal(value)
            if found is not None:
                if bool(found.value) is stop:
                    values.append(value)
                    return values
            else:
                values.append(value)
        return values or node.values[-1:]

    def literal(self, node: ast.expr) -> ir.Const | None:
        """The value of a condition that is known while parsing."""
        match node:
            case ast.Name() | ast.Attribute() | ast.Constant():
                outside = self.static(node)
                known = outside is not None and isinstance(outside.value, bool | int | None)
                found = self.tree(node) if known else None
            case ast.Compare(_, [ast.Is() | ast.IsNot()]):
                found = self.is_none(node)
            case ast.UnaryOp(ast.Not(), operand):
                inner = self.literal(operand)
                found = None if inner is None else ir.Const(not inner.value)
            case _:
                found = None
        return found if isinstance(found, ir.Const) else None

    def logic(self, node: ast.BoolOp) -> ir.Expr:
        """and/or as one pure expression."""
        op = "and" if isinstance(node.op, ast.And) else "or"
        done = self.condition(node.values[0])
        for value in node.values[1:]:
            done = ir.Logic(op, done, self.condition(value))
        return done

    def lazy(self, node: ast.BoolOp, truth: bool) -> ir.Expr:
        """and/or as If statements.  ``truth``: the result may be any value with the right truth,
        and is made a boolean, as variables have one type."""
        target = ir.Var("t", temp=True)
        self.lazy_into(target, node, node.values, truth)
        return target

    def lazy_into(
        self, target: ir.Var, node: ast.BoolOp, values: list[ast.expr], truth: bool
    ) -> None:
        if truth:
            first = self.condition(values[0])
            if isinstance(first, ir.Const):
                first = ir.Const(bool(first.value))
            elif not is_boolean(values[0]):
                first = ir.Apply("bool", (first,))
            self.emit(ir.Assign(target, first, loc=self.loc(node)))
        else:
            self.assign(target, values[0], node)
        if len(values) == 1:
            return
        with self.block() as rest:
            self.lazy_into(target, node, values[1:], truth)
        loc, body = self.loc(node), tuple(rest)
        if isinstance(node.op, ast.And):
            self.emit(ir.If(target, body, (), loc=loc))
        else:
            self.emit(ir.If(target, (), body, loc=loc))

    # ------------------------------------------------------------ subscripts

    def subscript(self, node: ast.Subscript, whole: bool = False) -> ir.Expr:
        base = node.value
        match base, node.slice:
            case ast.Attribute(value=ast.Name(), attr="shape"), _ if self.static(base) is None:
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
        keep = whole and isinstance(base, ast.Subscript) and not self.base_lifts(base)
        keep = keep and not any(self.lifts(part) for part in self.index_nodes(node))
        found = self.tree(base) if keep else self.atom(base)
        if isinstance(found, ir.Const):
            self.refuse(node, "subscript of something that is neither an array nor a tuple")
        return ir.Subscript(found, self.index(node))

    def index_nodes(self, node: ast.Subscript) -> list[ast.expr]:
        """The expressions in an index, those of slices included, in order."""
        nodes: list[ast.expr] = []
        for part in node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]:
            if isinstance(part, ast.Slice):
                nodes += [x for x in (part.lower, part.upper, part.step) if x is not None]
            else:
                nodes.append(part)
        return nodes

    def index(self, node: ast.Subscript, named: bool = False) -> tuple[ir.Index, ...]:
        """The index of a subscript; ``named``: as atoms, to be used twice."""
        nodes = self.index_nodes(node)
        for part in nodes:
            outside = self.static(part)
            absent = outside is not None and outside.value is None
            if absent or (isinstance(part, ast.Constant) and part.value in (None, Ellipsis)):
                self.refuse(
                    part, "None and ... in a subscript are not supported", "Write the axes out."
                )
            if isinstance(part, ast.Constant | ast.List) and not _integer(part):
                self.refuse(part, "this subscript is not supported", "Use integers and slices.")
        values = iter(self.atoms(nodes) if named else self.trees(nodes))
        out: list[ir.Index] = []
        for part in node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]:
            if isinstance(part, ast.Slice):
                ends = (part.lower, part.upper, part.step)
                start, stop, step = (None if end is None else next(values) for end in ends)
                out.append(ir.Slice(start, stop, step))
            else:
                out.append(next(values))
        return tuple(out)

    # ------------------------------------------------------------ refusals

    def refuse_node(self, node: ast.AST) -> NoReturn:
        what, advice = UNSUPPORTED.get(type(node), (type(node).__name__, ""))
        self.refuse(node, f"{what} is not supported", advice)


def _plain(node: ast.expr) -> bool:
    return isinstance(node, ast.Name | ast.Constant)


def _integer(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int)

