"""Expressions.  Possibly active values come out in three-address form; subscripts, bounds, shapes
and conditions stay whole."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from adcompile.ir import nodes as ir
from adcompile.reader.names import ALLOCATIONS, BUILTINS, constant, dotted
from adcompile.reader.scope import Scope

_BINARY = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%",
    ast.Pow: "**", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<",
    ast.RShift: ">>",
}  # fmt: skip
_UNARY = {ast.USub: "-", ast.UAdd: "+", ast.Invert: "~", ast.Not: "not"}
_COMPARE = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_ATTRIBUTES = ("shape", "size", "ndim", "dtype")

Inline = Callable[[Scope, ast.Call, Callable[..., Any]], ir.Expr]


def binary_operator(op: ast.operator, scope: Scope, node: ast.AST) -> str:
    """The IR's spelling of an operator."""
    if type(op) not in _BINARY:
        scope.refuse(node, "the operator @", "Write the product as a loop.")
    return _BINARY[type(op)]


class Values:
    """Reads expressions in a scope.  ``inline`` reads calls of user functions."""

    def __init__(self, scope: Scope, inline: Inline) -> None:
        self.scope, self.inline = scope, inline

    # ------------------------------------------------------------ three-address form

    def atom(self, node: ast.expr, name: str = "t") -> ir.Expr:
        """A variable or constant with the value of ``node``."""
        value = self.value(node)
        if isinstance(value, ir.Var | ir.Const):
            return value
        if isinstance(value, ir.Unary) and isinstance(value.x, ir.Const):
            return value
        return self.scope.temp(value, node, name)

    def array(self, node: ast.expr) -> ir.Var:
        value = self.atom(node)
        if not isinstance(value, ir.Var):
            self.scope.refuse(node, "a literal where an array is meant")
        return value

    def value(self, node: ast.expr) -> ir.Expr:
        """One operation whose operands are atoms, or an atom, or a tuple of atoms."""
        scope = self.scope
        match node:
            case ast.Constant():
                return self.literal(node)
            case ast.Name():
                return self.name(node)
            case ast.BinOp(left, op, right):
                a = self.settled(left, right)
                return ir.Binary(binary_operator(op, scope, node), a, self.atom(right))
            case ast.UnaryOp(ast.Not(), _) | ast.Compare() | ast.BoolOp():
                return self.whole(node)
            case ast.UnaryOp(op, operand):
                x = self.atom(operand)
                if isinstance(op, ast.USub) and isinstance(x, ir.Const):
                    if isinstance(x.value, int | float) and not isinstance(x.value, bool):
                        return ir.Const(-x.value)
                return ir.Unary(_UNARY[type(op)], x)
            case ast.IfExp():
                return self.conditional(node)
            case ast.Tuple(elts) | ast.List(elts) if isinstance(node, ast.Tuple):
                return ir.MakeTuple(tuple(self.atom(e) for e in elts))
            case ast.Subscript(base, index):
                return self.subscript(base, index, node)
            case ast.Attribute():
                return self.attribute(node)
            case ast.Call():
                return self.call(node)
            case _:
                kind = type(node).__name__
                scope.refuse(node, f"{kind} is not supported", "Use numbers, arrays and tuples.")

    def settled(self, node: ast.expr, later: ast.expr) -> ir.Expr:
        """An operand that an effect in a later operand cannot change."""
        return self.atom(node)

    def literal(self, node: ast.Constant) -> ir.Expr:
        if node.value is None or isinstance(node.value, bool | int | float | str):
            return ir.Const(node.value)
        self.scope.refuse(node, f"a literal of type {type(node.value).__name__}")

    def name(self, node: ast.Name) -> ir.Expr:
        scope = self.scope
        if node.id in scope.local_names:
            return scope.var(node.id)
        if not scope.source.has(node.id):
            scope.refuse(node, f"the name {node.id!r} is not defined")
        return self.globally(scope.source.lookup(node.id), node, node.id)

    def globally(self, thing: Any, node: ast.expr, name: str) -> ir.Expr:
        found = constant(thing)
        if found is not None:
            return found
        if isinstance(thing, np.ndarray):
            return self.scope.program.captured(name, thing)
        if isinstance(thing, tuple):
            items = [self.globally(item, node, f"{name}_{k}") for k, item in enumerate(thing)]
            return ir.MakeTuple(tuple(items))
        self.scope.refuse(
            node,
            f"the global {name!r} of type {type(thing).__name__}",
            "Globals may be numbers, arrays, tuples of those, and functions.",
        )

    def resolve(self, node: ast.expr) -> Any:
        """The object that a dotted global name stands for, or ``...`` if it is no such name."""
        match node:
            case ast.Name(name) if name not in self.scope.local_names:
                return self.scope.source.lookup(name) if self.scope.source.has(name) else ...
            case ast.Attribute(base, name):
                thing = self.resolve(base)
                return ... if thing is ... else getattr(thing, name, ...)
            case _:
                return ...

    def attribute(self, node: ast.Attribute) -> ir.Expr:
        thing = self.resolve(node)
        if thing is not ...:
            return self.globally(thing, node, node.attr)
        if node.attr not in _ATTRIBUTES:
            self.scope.refuse(
                node, f"the attribute {node.attr!r}", f"Of arrays: {', '.join(_ATTRIBUTES)}."
            )
        return ir.Attribute(self.array(node.value), node.attr)

    def conditional(self, node: ast.IfExp) -> ir.Expr:
        scope = self.scope
        cond = self.whole(node.test)
        result = ir.Var("t", temp=True)
        sides: list[ir.Block] = []
        for branch in (node.body, node.orelse):
            saved, scope.out = scope.out, []
            value = self.value(branch)
            scope.emit(ir.Assign(result, value, loc=scope.source.loc(branch)))
            sides.append(tuple(scope.out))
            scope.out = saved
        scope.emit(ir.If(cond, sides[0], sides[1], loc=scope.source.loc(node)))
        return result

    def subscript(self, base: ast.expr, index: ast.expr, node: ast.AST) -> ir.Expr:
        if isinstance(base, ast.Attribute) and base.attr == "shape" and self.resolve(base) is ...:
            array = self.array(base.value)
            return ir.Subscript(ir.Attribute(array, "shape"), self.index(index))
        array = self.array(base)
        return ir.Subscript(array, self.index(index))

    # ------------------------------------------------------------ whole trees

    def index(self, node: ast.expr) -> tuple[ir.Index, ...]:
        """What stands between the brackets."""
        parts = node.elts if isinstance(node, ast.Tuple) else [node]
        return tuple(self.index_part(part) for part in parts)

    def index_part(self, node: ast.expr) -> ir.Index:
        match node:
            case ast.Slice(lower, upper, step):
                parts = [None if e is None else self.whole(e) for e in (lower, upper, step)]
                return ir.Slice(parts[0], parts[1], parts[2])
            case ast.Constant() if (
                node.value is None or node.value is ...
            ):
                self.scope.refuse(node, "None and ... in subscripts", "Name every axis.")
            case _:
                return self.whole(node)

    def whole(self, node: ast.expr) -> ir.Expr:
        """A tree, for integers and conditions.  What cannot stay inside becomes a temporary."""
        scope = self.scope
        match node:
            case ast.BoolOp(op, values):
                return self.logic("and" if isinstance(op, ast.And) else "or", values, node)
            case ast.Compare(left, ops, comparators):
                return self.compare(left, ops, comparators, node)
            case ast.UnaryOp(op, operand):
                x = self.whole(operand)
                if isinstance(op, ast.USub) and isinstance(x, ir.Const):
                    if isinstance(x.value, int | float) and not isinstance(x.value, bool):
                        return ir.Const(-x.value)
                return ir.Unary(_UNARY[type(op)], x)
            case ast.BinOp(left, op, right):
                if self.must_lift(node):
                    return self.atom(node)
                a = self.whole(left)
                return ir.Binary(binary_operator(op, scope, node), a, self.whole(right))
            case ast.Subscript(base, index) if self.resolve(base) is ...:
                if isinstance(base, ast.Name):
                    return ir.Subscript(self.array(base), self.index(index))
                if isinstance(base, ast.Subscript):
                    return ir.Subscript(self.whole(base), self.index(index))
                return self.subscript(base, index, node)
            case ast.Call(func, args) if self.is_pure(node):
                name = dotted(self.resolve(func))
                if name == "len":
                    return self.call(node)
                return self.fold(str(name), tuple(self.whole(a) for a in args))
            case _:
                return self.value(node)

    def is_pure(self, node: ast.Call) -> bool:
        name = dotted(self.resolve(node.func))
        if name is None or node.keywords or name in ALLOCATIONS or name == "np.copy":
            return False
        return name == "len" or name in BUILTINS or name.startswith(("math.", "np."))

    def must_lift(self, node: ast.BinOp) -> bool:
        """Division needs a test for zero before it, unless the divisor is a literal."""
        if not isinstance(node.op, ast.FloorDiv | ast.Mod):
            return False
        right = node.right
        if isinstance(right, ast.UnaryOp):
            right = right.operand
        return not (isinstance(right, ast.Constant) and right.value)

    def needs_statements(self, node: ast.expr) -> bool:
        """Would reading ``node`` as a tree put statements before it?"""
        for part in ast.walk(node):
            if isinstance(part, ast.IfExp):
                return True
            if isinstance(part, ast.Call) and not self.is_pure(part):
                return True
            if isinstance(part, ast.BinOp) and self.must_lift(part):
                return True
            if isinstance(part, ast.Compare) and len(part.ops) > 1:
                if any(not isinstance(e, ast.Name | ast.Constant) for e in part.comparators[:-1]):
                    return True
        return False

    def logic(self, op: str, values: list[ast.expr], node: ast.expr) -> ir.Expr:
        scope = self.scope
        first = self.whole(values[0])
        for value in values[1:]:
            if not self.needs_statements(value):
                first = ir.Logic(op, first, self.whole(value))
                continue
            result = ir.Var("t", temp=True)
            loc = scope.source.loc(node)
            scope.emit(ir.Assign(result, first, loc=loc))
            saved, scope.out = scope.out, []
            scope.emit(ir.Assign(result, self.whole(value), loc=loc))
            block, scope.out = tuple(scope.out), saved
            then, orelse = (block, ()) if op == "and" else ((), block)
            scope.emit(ir.If(result, then, orelse, loc=loc))
            first = result
        return first

    def compare(
        self, left: ast.expr, ops: list[ast.cmpop], rest: list[ast.expr], node: ast.expr
    ) -> ir.Expr:
        for op in ops:
            if type(op) not in _COMPARE:
                self.scope.refuse(node, "is, in and their negations", "Compare with == or <.")
        a = self.whole(left)
        result: ir.Expr | None = None
        for k, (op, right) in enumerate(zip(ops, rest, strict=True)):
            b = self.whole(right)
            if k < len(ops) - 1 and not isinstance(b, ir.Var | ir.Const):
                b = self.scope.temp(b, right)
            test = ir.Compare(_COMPARE[type(op)], a, b)
            result = test if result is None else ir.Logic("and", result, test)
            a = b
        assert result is not None
        return result

    # ------------------------------------------------------------ calls

    def call(self, node: ast.Call) -> ir.Expr:
        scope = self.scope
        if any(isinstance(a, ast.Starred) for a in node.args) or any(
            k.arg is None for k in node.keywords
        ):
            scope.refuse(node, "* and ** in calls", "Write the arguments out.")
        thing = self.resolve(node.func)
        if thing is ...:
            return self.method(node)
        if getattr(thing, "__adcompile__", False):
            scope.refuse(node, "the derivative of a derivative", "Derivatives nest once only.")
        name = dotted(thing)
        if name is None:
            if inspect.isfunction(getattr(thing, "py_func", thing)):
                return self.inline(scope, node, thing)
            shown = ast.unparse(node.func)
            scope.refuse(node, f"the function {shown} is not known", "See the list in the README.")
        if name in ALLOCATIONS:
            return self.allocate(name, node)
        if node.keywords:
            scope.refuse(node, f"keyword arguments of {name}", "Pass them by position.")
        if name == "np.copy":
            return self.copy(node, node.args[0])
        if name == "len":
            base = self.atom(node.args[0])
            if isinstance(base, ir.MakeTuple):
                return ir.Const(len(base.items))
            return ir.Attribute(base, "len")
        if name == "pow" and len(node.args) == 2:
            return ir.Binary("**", self.atom(node.args[0]), self.atom(node.args[1]))
        if name in ("range", "print", "divmod", "pow", "sum"):
            scope.refuse(node, f"{name}() here", "It is not supported in differentiated code.")
        return self.fold(name, tuple(self.atom(a) for a in node.args), node)

    def fold(self, name: str, args: tuple[ir.Expr, ...], node: ast.expr | None = None) -> ir.Expr:
        """min and max of several are nested."""
        if name in ("min", "max") and len(args) > 2:
            first: ir.Expr = ir.Apply(name, args[:2])
            for arg in args[2:]:
                if node is not None:
                    first = self.scope.temp(first, node)
                first = ir.Apply(name, (first, arg))
            return first
        return ir.Apply(name, args)

    def method(self, node: ast.Call) -> ir.Expr:
        if isinstance(node.func, ast.Attribute) and node.func.attr == "copy" and not node.args:
            return self.copy(node, node.func.value)
        shown = ast.unparse(node.func)
        self.scope.refuse(node, f"the call of {shown}", "Of methods only .copy() is supported.")

    def copy(self, node: ast.AST, source: ast.expr) -> ir.Expr:
        target = ir.Var("t", temp=True)
        self.scope.emit(ir.Copy(target, self.array(source), self.scope.source.loc(node)))
        return target

    def allocate(self, name: str, node: ast.Call) -> ir.Expr:
        target = ir.Var("t", temp=True)
        args: list[ir.Expr] = []
        like = name.endswith("_like")
        fill_at = 1 if name.startswith("np.full") else -1
        for k, arg in enumerate(node.args):
            if k == 0:
                args.append(self.array(arg) if like else self.shape(arg))
            elif k == fill_at:
                args.append(self.atom(arg))
            else:
                args.append(self.dtype(arg))
        keywords: list[tuple[str, ir.Expr]] = []
        for keyword in node.keywords:
            key = str(keyword.arg)
            if key == "dtype":
                keywords.append((key, self.dtype(keyword.value)))
            elif key == "fill_value":
                keywords.append((key, self.atom(keyword.value)))
            elif key == "shape":
                keywords.append((key, self.shape(keyword.value)))
            else:
                self.scope.refuse(node, f"the argument {key} of {name}")
        loc = self.scope.source.loc(node)
        self.scope.emit(ir.Alloc(target, name, tuple(args), tuple(keywords), loc))
        return target

    def shape(self, node: ast.expr) -> ir.Expr:
        if isinstance(node, ast.Tuple):
            return ir.MakeTuple(tuple(self.whole(e) for e in node.elts))
        return self.whole(node)

    def dtype(self, node: ast.expr) -> ir.Expr:
        if isinstance(node, ast.Attribute) and node.attr == "dtype":
            if self.resolve(node) is ...:
                return ir.Attribute(self.array(node.value), "dtype")
        thing = self.resolve(node)
        if isinstance(node, ast.Constant):
            thing = node.value
        try:
            return ir.Const(f"np.{np.dtype(thing).name.replace('bool', 'bool_')}")
        except TypeError:
            self.scope.refuse(node, "this dtype", "Use np.float64, np.float32 or an integer type.")
