"""IR expressions and statements as Python ``ast`` nodes."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Mapping
from types import EllipsisType
from typing import assert_never

from adcompile.ir.nodes import (
    Apply,
    Attribute,
    Binary,
    Compare,
    Const,
    Dim,
    Expr,
    Index,
    Load,
    Logic,
    MakeTuple,
    Select,
    Slice,
    Subscript,
    TupleGet,
    Unary,
    Var,
)

UNARY: Mapping[str, type[ast.unaryop]] = {
    "-": ast.USub,
    "+": ast.UAdd,
    "~": ast.Invert,
    "not": ast.Not,
}
BINARY: Mapping[str, type[ast.operator]] = {
    "+": ast.Add,
    "-": ast.Sub,
    "*": ast.Mult,
    "/": ast.Div,
    "//": ast.FloorDiv,
    "%": ast.Mod,
    "**": ast.Pow,
    "&": ast.BitAnd,
    "|": ast.BitOr,
    "^": ast.BitXor,
    "<<": ast.LShift,
    ">>": ast.RShift,
}
COMPARE: Mapping[str, type[ast.cmpop]] = {
    "==": ast.Eq,
    "!=": ast.NotEq,
    "<": ast.Lt,
    "<=": ast.LtE,
    ">": ast.Gt,
    ">=": ast.GtE,
}
LOGIC: Mapping[str, type[ast.boolop]] = {"and": ast.And, "or": ast.Or}

_RUNTIME = "rt."
PRINTED = {"complex2": "complex"}  # with two arguments
_METHOD = "gen."
_LIST = "list."
PREFIX = "fn."  # functions of the user's


class Syntax:
    """Makes ``ast`` nodes, given the variables' names."""

    def __init__(self, names: Mapping[Var, str]) -> None:
        self.names = names

    def var(self, var: Var) -> ast.expr:
        return ast.Name(self.names[var], ast.Load())

    def target(self, var: Var) -> ast.expr:
        return ast.Name(self.names[var], ast.Store())

    def expr(self, expr: Expr) -> ast.expr:
        match expr:
            case Var():
                return self.var(expr)
            case Const(value):
                return constant(value)
            case Unary(op, x):
                return ast.UnaryOp(UNARY[op](), self.expr(x))
            case Binary(op, a, b):
                return ast.BinOp(self.expr(a), BINARY[op](), self.expr(b))
            case Compare(op, a, b):
                return ast.Compare(self.expr(a), [COMPARE[op]()], [self.expr(b)])
            case Logic(op, a, b):
                return ast.BoolOp(LOGIC[op](), [self.expr(a), self.expr(b)])
            case Select(cond, a, b):
                return ast.IfExp(self.expr(cond), self.expr(a), self.expr(b))
            case Apply("np.real" | "np.imag" as fn, (x,)):
                return ast.Attribute(self.expr(x), fn.removeprefix("np."), ast.Load())
            case Apply(fn, args):
                return self.call(fn, args)
            case Subscript(base, index):
                return self.subscript(self.expr(base), index, ast.Load())
            case Load(array, places):
                return self.subscript(self.var(array), places, ast.Load())
            case Dim(array, axis):
                shape = ast.Attribute(self.var(array), "shape", ast.Load())
                return ast.Subscript(shape, constant(axis), ast.Load())
            case Attribute(base, "len"):
                return ast.Call(name_of("len"), [self.expr(base)], [])
            case Attribute(base, name):
                return ast.Attribute(self.expr(base), name, ast.Load())
            case MakeTuple(items, maker):
                made = self.tuple_of(items)
                if not maker:
                    return made
                return ast.Call(name_of(maker), [self.expr(item) for item in items], [])
            case TupleGet(base, item):
                return ast.Subscript(self.expr(base), constant(item), ast.Load())
            case _:
                assert_never(expr)

    def tuple_of(self, items: Iterable[Expr]) -> ast.expr:
        return ast.Tuple([self.expr(item) for item in items], ast.Load())

    def subscript(
        self, base: ast.expr, index: tuple[Index, ...], ctx: ast.expr_context
    ) -> ast.expr:
        """``base[index]``; with an empty index, base itself."""
        if not index:
            return base
        entries = [self.index(entry) for entry in index]
        where = entries[0] if len(entries) == 1 else ast.Tuple(entries, ast.Load())
        return ast.Subscript(base, where, ctx)

    def index(self, entry: Index) -> ast.expr:
        def bound(expr: Expr | None) -> ast.expr | None:
            return None if expr is None else self.expr(expr)

        if isinstance(entry, Slice):
            return ast.Slice(bound(entry.start), bound(entry.stop), bound(entry.step))
        return self.expr(entry)

    def call(
        self, fn: str, args: Iterable[Expr], keywords: Iterable[tuple[str, Expr]] = ()
    ) -> ast.expr:
        """A call by dotted name.  Runtime functions are known to the module by their bare names;
        a method of a Generator has it as its first argument."""
        if fn == "list.make":
            return ast.List([self.expr(arg) for arg in args], ast.Load())
        if fn.startswith((_METHOD, _LIST)):
            owner, *args = args
            method = ast.Attribute(self.expr(owner), fn.partition(".")[2], ast.Load())
            return ast.Call(method, [self.argument(arg) for arg in args], [])
        return ast.Call(
            name_of(PRINTED.get(fn, fn).removeprefix(_RUNTIME).removeprefix(PREFIX)),
            [self.argument(arg) for arg in args],
            [ast.keyword(key, self.argument(arg, key == "dtype")) for key, arg in keywords],
        )

    def argument(self, arg: Expr, is_dtype: bool = False) -> ast.expr:
        """Types travel as strings and are printed as names."""
        match arg:
            case Const(str() as text) if is_dtype or text.startswith("np."):
                return name_of(text)
            case _:
                return self.expr(arg)


def name_of(dotted: str) -> ast.expr:
    """``a.b.c``"""
    first, *rest = dotted.split(".")
    made: ast.expr = ast.Name(first, ast.Load())
    for part in rest:
        made = ast.Attribute(made, part, ast.Load())
    return made


def constant(value: int | float | complex | bool | str | EllipsisType | None) -> ast.expr:
    """A literal that reads back as exactly this value.  Python has no negative literals."""
    if isinstance(value, bool | str | EllipsisType) or value is None:
        return ast.Constant(value)
    if isinstance(value, float):
        if math.isnan(value):
            return name_of("math.nan")
        if math.copysign(1.0, value) < 0.0:
            return ast.UnaryOp(ast.USub(), constant(-float(value)))
        return name_of("math.inf") if math.isinf(value) else ast.Constant(float(value))
    if isinstance(value, complex):
        return _complex(value)
    if value < 0:
        return ast.UnaryOp(ast.USub(), constant(-int(value)))
    return ast.Constant(int(value))


def _complex(value: complex) -> ast.expr:
    """``2j`` and ``-2j`` (whose real parts are 0.0 and -0.0), or a call of complex."""
    negative = math.copysign(1.0, value.imag) < 0.0
    if is_imaginary(value):
        literal = ast.Constant(complex(0.0, abs(value.imag)))
        return ast.UnaryOp(ast.USub(), literal) if negative else literal
    return ast.Call(name_of("complex"), [constant(value.real), constant(value.imag)], [])


def is_imaginary(value: complex) -> bool:
    """Whether a literal stands for it."""
    alike = math.copysign(1.0, value.real) == math.copysign(1.0, value.imag)
    return value.real == 0.0 and alike and math.isfinite(value.imag)
