"""State shared while one function is read, with what is inlined into it."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.reader.reading import Source


@dataclass
class Program:
    """What belongs to the whole program."""

    constants: dict[int, tuple[ir.Var, np.ndarray[Any, Any]]] = field(default_factory=dict)
    exceptions: dict[str, type[BaseException]] = field(default_factory=dict)
    stack: list[Callable[..., Any]] = field(default_factory=list)

    def captured(self, name: str, value: np.ndarray[Any, Any]) -> ir.Var:
        if id(value) not in self.constants:
            taken = {var.name for var, _ in self.constants.values()}
            wish = f"{name}_captured"
            while wish in taken:
                wish += "_"
            self.constants[id(value)] = (ir.Var(wish), value)
        return self.constants[id(value)][0]


@dataclass
class Scope:
    """One function body being read: the root, or an inlined callee."""

    source: Source
    program: Program
    out: list[ir.Stmt] = field(default_factory=list)
    variables: dict[str, ir.Var] = field(default_factory=dict)
    local_names: frozenset[str] = frozenset()
    exits: list[ir.Var] = field(default_factory=list)  # innermost last; [0] is the function's
    result: ir.Var = field(default_factory=lambda: ir.Var("result", temp=True))
    returns_value: bool | None = None

    def var(self, name: str) -> ir.Var:
        if name not in self.variables:
            self.variables[name] = ir.Var(name)
        return self.variables[name]

    def emit(self, stmt: ir.Stmt) -> None:
        self.out.append(stmt)

    def temp(self, value: ir.Expr, node: ast.AST, name: str = "t") -> ir.Var:
        var = ir.Var(name, temp=True)
        self.emit(ir.Assign(var, value, loc=self.source.loc(node)))
        return var

    def refuse(self, node: ast.AST, message: str, advice: str = "") -> NoReturn:
        raise UnsupportedError(message, self.source.loc(node), advice)
