"""Conditions: and, or, and tests for None."""

from __future__ import annotations

import ast
from enum import Enum

from adcompile.frontend.expressions import Expressions
from adcompile.frontend.operators import folded, is_boolean
from adcompile.ir import nodes as ir


class Conditions(Expressions):
    def is_none(self, node: ast.Compare) -> ir.Expr:
        """``x is None`` where that is known while parsing."""
        match node:
            case ast.Compare(left, [op], [ast.Constant(value=None)]):
                is_, absent = isinstance(op, ast.Is), self.absent(left)
            case ast.Compare(ast.Constant(value=None), [op], [right]):
                is_, absent = isinstance(op, ast.Is), self.absent(right)
            case ast.Compare(left, [ast.Is() | ast.IsNot() as op], [ast.Constant(value=bool())]):
                return self.is_boolean(left, op, node.comparators[0])
            case ast.Compare(left, [op], [right]) if self.is_member(left) or self.is_member(right):
                same = "==" if isinstance(op, ast.Is) else "!="
                return ir.Compare(same, self.tree(left), self.tree(right))
            case _:
                absent = None
        if absent is None:
            self.refuse(
                node,
                "'is' is supported only as a test for None",
                "Compare with ==, or write two functions.",
            )
        if isinstance(absent, ir.Const):
            return ir.Const(absent.value is is_)
        if isinstance(absent, ir.Unary):  # "not", in front of a flag
            return absent if is_ else absent.x
        return absent if is_ else ir.Unary("not", absent)

    def is_member(self, node: ast.expr) -> bool:
        """Whether a member of an Enum stands there."""
        outside = self.static(node)
        return outside is not None and isinstance(outside.value, Enum)

    def is_boolean(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> ir.Expr:
        """``x is True``: x is a boolean, and that one."""
        x, wanted = self.tree(left), self.tree(right)
        if isinstance(x, ir.Const):
            same = isinstance(x.value, bool) and x == wanted
            return ir.Const(same is isinstance(op, ast.Is))
        if x in self.session.numbers:
            return ir.Const(isinstance(op, ast.IsNot))
        return ir.Compare("==" if isinstance(op, ast.Is) else "!=", x, wanted)

    def absent(self, node: ast.expr) -> ir.Expr | None:
        """Whether a name is None; None where that cannot be known."""
        local = isinstance(node, ast.Name) and self.static(node) is None
        x = self.var(node.id) if local and isinstance(node, ast.Name) else self.tree(node)
        if isinstance(x, ir.Const):
            return ir.Const(x.value is None)
        if not isinstance(x, ir.Var):
            return ir.Const(False)
        if (flag := self.session.flags.get(x)) is not None:
            return ir.Unary("not", flag)
        if x in self.initial and self.loops == 0:
            return ir.Const(self.initial[x].value is None)
        if x in self.initial:
            self.flag(x)
        if x in self.session.unknown:
            return ir.Compare("==", x, ir.Const(None)) if self.session.lenient else None
        return ir.Const(False)

    # ------------------------------------------------------------ in

    def membership(self, node: ast.Compare) -> ir.Expr:
        """``x in (1, 2)``: the comparisons with the items of a tuple."""
        match node:
            case ast.Compare(left, [op], [items]):
                x = self.atom(left)
                found: list[ir.Expr] | None = None
                outside = self.static(items)
                if self.names_set(items) and (members := self.set_made(items)) is not None:
                    inside = self.contains(members, lambda array: self.in_array(array, x, node))
                    return ir.Unary("not", inside) if isinstance(op, ast.NotIn) else inside
                if isinstance(items, ast.Tuple | ast.List | ast.Set):
                    found = list(self.atoms(items.elts))
                elif outside is not None and isinstance(outside.value, tuple | frozenset):
                    found = [self.constant(item, items) for item in outside.value]
                elif outside is None and isinstance(whole := self.atom(items), ir.Var):
                    if (keys := self.keys_known(whole)) is not None:
                        if isinstance(x, ir.Const):
                            return ir.Const((x.value in keys) is isinstance(op, ast.In))
                        self.refuse(node, "'in' of a dict takes a literal key")
                    count = self.session.arity.get(whole, 0)
                    found = [self.temp(ir.TupleGet(whole, k), items) for k in range(count)]
                    if whole not in self.session.arity:  # an array
                        any_of = self.in_array(whole, x, node)
                        return ir.Unary("not", any_of) if isinstance(op, ast.NotIn) else any_of
                if found:
                    return self.among(x, found, isinstance(op, ast.NotIn))
            case _:
                pass
        self.refuse(node, "'in' is supported only for tuples", "Compare with each item.")

    def refuse_dict(self, whole: ir.Expr, node: ast.AST, what: str) -> None:
        """Python gives the keys, where what stands for a dict is a tuple of its values."""
        if self.keys_known(whole) is not None:
            self.refuse(node, f"{what} a dict is not supported", "Write its items: p['w'], p['b'].")

    def in_array(self, array: ir.Var, x: ir.Expr, node: ast.AST) -> ir.Expr:
        # [...] is there for arrays only, not for texts and lists.
        every = self.temp(ir.Subscript(array, (ir.Const(...),)), node)
        return self.any_of(node, self.temp(ir.Compare("==", every, x), node))

    def any_of(self, node: ast.AST, mask: ir.Expr) -> ir.Expr:
        axis, keepdims, where = ir.Const(None), ir.Const(False), ir.Const(None)
        return self.temp(ir.Apply("arr.any", (mask, axis, keepdims, where)), node)

    def among(self, x: ir.Expr, items: list[ir.Expr], negated: bool) -> ir.Expr:
        done: ir.Expr | None = None
        for item in items:
            known = folded("==", x, item)
            if known == ir.Const(True):
                return ir.Const(not negated)
            if known is None:
                one = ir.Compare("==", x, item)
                done = one if done is None else ir.Logic("or", done, one)
        if done is None:
            return ir.Const(negated)
        return ir.Unary("not", done) if negated else done

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
            case ast.Attribute() | ast.Call() if (rank := self.rank_known(node)) is not None:
                found: ir.Expr | None = rank
            case ast.Name() | ast.Attribute() | ast.Constant():
                outside = self.static(node)
                known = outside is not None and isinstance(outside.value, bool | int | None)
                found = self.tree(node) if known else None
            case ast.Compare(_, [ast.Is() | ast.IsNot()]):
                found = self.is_none(node)
            case ast.Compare(left, [_], [right]):
                sides = (self.literal(left), self.literal(right))
                found = self.tree(node) if None not in sides else None
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
            if isinstance(done, ir.Const):
                if bool(done.value) is (op == "or"):
                    return done
                done = self.condition(value)
            else:
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
