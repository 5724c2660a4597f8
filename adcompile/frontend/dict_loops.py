"""Loops over dicts, whose keys are known: written out key by key, the key as a literal.

The order of the keys is not known, as dicts with the same keys have one type: so a loop over one
that the function has or makes does nothing but add.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Sequence

import numpy as np

from adcompile.frontend.exits import flow
from adcompile.frontend.unrolling import Unrolling
from adcompile.ir import nodes as ir

_PURE = frozenset(("sum", "mean", "max", "min", "std", "var", "dot", "copy", "ravel", "reshape"))
_BUILTINS = (abs, float, int, len, max, min, round)


class DictLoops(Unrolling):
    def over_dict(self, node: ast.For) -> Sequence[ast.stmt] | None:
        """The statements of ``for k in d``, or over its ``keys()``, ``values()`` or ``items()``;
        None for all other loops."""
        base, what = self.asked_of(node.iter)
        keys = None if base is None else self.keys_of_dict(base)
        if base is None or keys is None:
            return None
        if flow(node.body).kinds & {ir.BREAK, ir.CONTINUE}:
            self.refuse(
                node, "break or continue in a loop over a dict", "Write an if around what follows."
            )
        if self.static(base) is None and not self.only_adds(node):
            self.refuse(
                node,
                "a loop over a dict that does more than add",
                "The order of its keys is not known here: write its items out.",
            )
        key, value = self.targets(node, what)
        self.check_names(node, base, key)
        found: list[ast.stmt] = []
        for one in keys:
            literal = ast.copy_location(ast.Constant(one), node)
            if value is not None:
                item = ast.copy_location(ast.Subscript(base, literal, ast.Load()), node.iter)
                found.append(ast.copy_location(ast.Assign([value], item), node))
            for stmt in node.body:
                found.append(_Replaced(key, literal).visit(copy.deepcopy(stmt)))
        return [*found, *node.orelse]

    def only_adds(self, node: ast.For) -> bool:
        """Whether the result does not depend on which key comes first."""
        sums: set[str] = set()
        todo: list[ast.stmt] = list(node.body)
        read: list[ast.expr] = []
        while todo:
            match todo.pop():
                case ast.AugAssign(ast.Name(name), ast.Add() | ast.Sub(), value):
                    sums.add(name)
                    read.append(value)
                case ast.If(test, body, orelse):
                    read.append(test)
                    todo += [*body, *orelse]
                case ast.Pass() | ast.Expr(ast.Constant()):
                    pass
                case _:
                    return False
        parts = [part for expr in read for part in ast.walk(expr)]
        if any(isinstance(part, ast.Name) and part.id in sums for part in parts):
            return False
        return all(self.is_pure(part) for part in parts)

    def is_pure(self, part: ast.AST) -> bool:
        """Not a call of what may write or draw, nor an assignment."""
        match part:
            case ast.NamedExpr() | ast.Lambda():
                return False
            case ast.Call(func):
                outside = self.static(func)
                if outside is None:
                    return isinstance(func, ast.Attribute) and func.attr in _PURE
                module = str(getattr(outside.value, "__module__", "")).partition(".")
                if isinstance(outside.value, np.ufunc) or outside.value in _BUILTINS:
                    return True
                return (module[0] in ("numpy", "math") and module[2] != "random") or (
                    module[2] in ("nn.losses", "nn.activations")
                )
            case _:
                return True

    def targets(self, node: ast.For, what: str) -> tuple[str, ast.expr | None]:
        """The name for keys, or "", and what values are assigned to."""
        match what, node.target:
            case "values", value:
                return "", value
            case "items", ast.Tuple([ast.Name(key), value]):
                return key, value
            case "keys", ast.Name(key):
                return key, None
            case _:
                self.refuse(
                    node.target,
                    "these targets of a loop over a dict",
                    "Write for key, value in d.items().",
                )

    def check_names(self, node: ast.For, base: ast.expr, key: str) -> None:
        """The body may change neither which dict it is nor the key."""
        fixed = {part.id for part in ast.walk(base) if isinstance(part, ast.Name)} | {key}
        for part in (inner for stmt in node.body for inner in ast.walk(stmt)):
            name = part.arg if isinstance(part, ast.arg) else getattr(part, "id", "")
            if name and name in fixed and not isinstance(getattr(part, "ctx", None), ast.Load):
                self.refuse(
                    node, f"a loop over a dict that gives {name!r} another meaning", "Rename it."
                )


class _Replaced(ast.NodeTransformer):
    """A name as the literal that it stands for."""

    def __init__(self, name: str, literal: ast.Constant) -> None:
        self.name, self.literal = name, literal

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return (
            ast.copy_location(ast.Constant(self.literal.value), node)
            if (node.id == self.name)
            else node
        )
