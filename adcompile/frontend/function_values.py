"""Names of functions inside a function: lambdas, functions defined there, and others."""

from __future__ import annotations

import ast

from adcompile.frontend.array_calls import ArrayCalls
from adcompile.frontend.customs import Customs
from adcompile.frontend.frame import LocalFunction, TypeOf
from adcompile.frontend.functions import dtype_name
from adcompile.frontend.session import Static
from adcompile.frontend.source import as_def
from adcompile.ir import nodes as ir


class FunctionValues(ArrayCalls, Customs):
    def static(self, node: ast.expr) -> Static | None:
        if isinstance(node, ast.Lambda):
            return Static(LocalFunction(self.source.inner(as_def(node)), self))
        return super().static(node)

    def define(self, node: ast.FunctionDef) -> None:
        """A function inside the function."""
        if node.decorator_list:
            self.refuse(node, "a decorated function inside the function", "Define it outside.")
        self.name_function(node.name, Static(LocalFunction(self.source.inner(node), self)), node)

    def names_function(self, value: ast.expr) -> Static | None:
        """The function that an expression stands for, if it does."""
        match value:
            case ast.Call(ast.Name("type") as func, [like]) if not isinstance(like, ast.Name):
                known = self.static(func)
                if known is not None and known.value is type:
                    whole = self.atom(like)
                    if isinstance(whole, ir.Var):
                        return Static(TypeOf(whole))
            case _:
                pass
        found = self.static(value)
        if found is None or not callable(found.value):
            return None
        if isinstance(found.value, type) and dtype_name(found.value) is None:
            return None
        return found

    def name_function(self, name: str, found: Static, node: ast.stmt) -> None:
        times = [
            part
            for part in ast.walk(self.source.node)
            if (isinstance(part, ast.Name) and part.id == name and isinstance(part.ctx, ast.Store))
            or (isinstance(part, ast.FunctionDef) and part.name == name)
        ]
        if self.depth > self.root_depth and len(times) > 1:
            self.refuse(
                node,
                f"{name!r} is one function here and another elsewhere",
                "Call the functions in the branches.",
            )
        self.known[name] = found
        self.functions.add(name)

    def unname_function(self, name: str, node: ast.stmt) -> None:
        """The name is assigned something else."""
        if name in self.functions:
            if self.depth > self.root_depth:
                self.refuse(node, f"{name!r} is a function, and something else here", "Rename it.")
            self.functions.discard(name)
            del self.known[name]
