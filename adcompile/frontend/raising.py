"""``raise`` and ``assert``."""

from __future__ import annotations

import ast
import builtins

from adcompile.frontend.iteration import Iteration
from adcompile.ir import nodes as ir


class Raising(Iteration):
    def asserted(self, test: ast.expr, message: ast.expr | None, node: ast.stmt) -> None:
        cond = self.condition(test)
        if isinstance(cond, ir.Const) and cond.value:
            return
        with self.block() as fail:
            args = () if message is None else (self.raised_argument(message),)
            key = self.exception(AssertionError, node)
            self.emit(ir.Raise(key, args, self.loc(node)))
        self.emit(ir.If(ir.Unary("not", cond), tuple(fail), (), loc=self.loc(node)))

    def raise_(self, node: ast.Raise) -> None:
        match node.exc:
            case None:
                self.refuse(node, "a bare raise", "Name the exception.")
            case ast.Call(func=func, args=args, keywords=keywords):
                if keywords:
                    self.refuse(node, "keyword arguments of an exception")
            case func:
                args = []
        outside = self.static(func)
        if outside is None:
            self.refuse(node, "the exception is not known while parsing", "Name its class.")
        key = self.exception(outside.value, node)
        values = tuple(self.raised_argument(arg) for arg in args)
        self.emit(ir.Raise(key, values, self.loc(node)))

    def raised_argument(self, node: ast.expr) -> ir.Expr:
        text = _text(node)
        return self.tree(node) if text is None else ir.Const(text)

    def exception(self, cls: object, node: ast.AST) -> str:
        """Record the class; its name is its key."""
        if not (isinstance(cls, type) and issubclass(cls, BaseException)):
            self.refuse(node, "only exception classes can be raised")
        if "<locals>" in cls.__qualname__ or "." in cls.__qualname__:
            self.refuse(
                node,
                f"the exception {cls.__name__} is defined inside a function or class",
                "Define it at the top of its module, where generated code can import it.",
            )
        key, known = cls.__name__, self.session.exceptions
        if known.setdefault(key, cls) is not cls or getattr(builtins, key, cls) is not cls:
            self.refuse(node, f"two exceptions are named {key}", "Rename one.")
        return key


def _text(node: ast.expr) -> str | None:
    """A text that is put together when an exception is raised, with what is not known yet as it is
    written: Numba cannot print numbers.  None for other expressions."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(parts):
            return "".join(_text(part) or "" for part in parts)
        case ast.FormattedValue(value):
            return "{" + ast.unparse(value) + "}"
        case ast.BinOp(left, ast.Mod(), _):
            return _text(left)
        case ast.BinOp(left, ast.Add(), right):
            a, b = _text(left), _text(right)
            if a is None and b is None:
                return None
            return (a or ast.unparse(left)) + (b or ast.unparse(right))
        case ast.Call(ast.Attribute(base, "format"), _):
            return _text(base)
        case ast.Call(ast.Name("str" | "repr"), [value]):
            return "{" + ast.unparse(value) + "}"
        case _:
            return None
