"""Calls of functions for which the user has given rules, or said that they have no derivative."""

from __future__ import annotations

import ast
import inspect
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from types import FunctionType

from adcompile.clones import Callee
from adcompile.custom import (
    REGISTERED,
    CustomJvp,
    CustomVjp,
    Nondifferentiable,
    Registered,
    UserFunction,
)
from adcompile.frontend.draws import Draws
from adcompile.frontend.session import Static
from adcompile.frontend.source import plain_function
from adcompile.ir import nodes as ir

Given = Mapping[str, Static | ir.Expr]


def registered(func: object) -> Registered | None:
    """The row of a function of the user's."""
    inner = plain_function(func)
    return None if inner is None else REGISTERED.get(inner)


class Customs(Draws):
    @abstractmethod
    def given(self, node: ast.Call, func: FunctionType) -> Given:
        """The arguments of a call by parameter, evaluated in the order written (calls.py)."""

    @abstractmethod
    def inlined(self, node: ast.AST, func: FunctionType, values: Given) -> ir.Expr:
        """The result of the statements of ``func`` on these values (calls.py)."""

    def called(self, callee: Callee) -> str:
        self.session.callees[callee.name] = callee
        return callee.name

    def ordered(self, node: ast.AST, func: FunctionType, values: Given) -> list[ir.Expr]:
        """The arguments in the order of the parameters, as atoms."""
        atoms: list[ir.Expr] = []
        for name in inspect.signature(func).parameters:
            value = values[name]
            if isinstance(value, Static):
                if callable(value.value):
                    self.refuse(node, f"a function as the argument {name!r} of {func.__name__}")
                value = self.constant(value.value, ast.Name(name, ast.Load()))
            atoms.append(value)
        return atoms

    # ------------------------------------------------------------ which rule

    def custom(self, node: ast.Call, func: object, into: ir.Var | None) -> ir.Expr | None:
        """The result of a call of such a function; None if it is none."""
        if isinstance(func, Nondifferentiable):
            atoms = self.ordered(node, func.py_func, self.given(node, func.py_func))
            return self.kept_call(node, func, atoms, into)
        if isinstance(func, CustomVjp | CustomJvp):
            return self.with_rule(node, func, self.given(node, func.py_func), into)
        return None

    def whole(self, node: ast.AST, func: UserFunction, params: Sequence[ir.Var]) -> ir.Expr:
        """Such a function itself, as what is to be differentiated."""
        if isinstance(func, CustomVjp | CustomJvp):
            names = inspect.signature(func.py_func).parameters
            self.session.stack.pop()
            return self.with_rule(node, func, dict(zip(names, params, strict=True)), None)
        self.refuse(node, f"{func.py_func.__name__} is declared to have no derivative")

    def with_rule(
        self, node: ast.AST, func: CustomVjp | CustomJvp, values: Given, into: ir.Var | None
    ) -> ir.Expr:
        if func in self.session.customs:  # in its own rule
            return self.inlined(node, func.py_func, values)
        atoms = self.ordered(node, func.py_func, values)
        self.session.customs.append(func)
        try:
            target = into or ir.Var("t", temp=True)
            if isinstance(func, CustomVjp):
                self.reverse_rule(node, func, atoms, target)
            else:
                self.forward_rule(node, func, atoms, target)
        finally:
            self.session.customs.pop()
        self.session.computed.add(target)
        return target

    def kept_call(
        self, node: ast.AST, func: Nondifferentiable, atoms: list[ir.Expr], into: ir.Var | None
    ) -> ir.Expr:
        target = into or ir.Var("t", temp=True)
        name = self.called(func.callee)
        if isinstance(node, ast.Call) and node in self.effects:
            self.emit(ir.Call((), name, tuple(atoms), self.loc(node)))
            return ir.Const(None)
        self.emit(ir.Call((target,), name, tuple(atoms), self.loc(node)))
        self.session.computed.add(target)
        return target

    # ------------------------------------------------------------ the rules

    def reverse_rule(
        self, node: ast.AST, func: CustomVjp, atoms: list[ir.Expr], target: ir.Var
    ) -> None:
        if func.fwd is None:
            self.refuse(node, f"{func.py_func.__name__} has no rule", "Call its defvjp(fwd, bwd).")
        out, residuals = self.rule(node, func.fwd, atoms)
        wanted = tuple(a for k, a in enumerate(atoms) if k not in func.nondiff)
        first = tuple(a for k, a in enumerate(atoms) if k in func.nondiff)
        name = self.called(func.bwd)
        loc = self.loc(node)
        self.emit(ir.Custom((target,), (out,), wanted, name, (*first, residuals), True, loc))

    def forward_rule(
        self, node: ast.AST, func: CustomJvp, atoms: list[ir.Expr], target: ir.Var
    ) -> None:
        if func.jvp is None:
            self.refuse(node, f"{func.py_func.__name__} has no rule", "Call its defjvp(rule).")
        primals: list[ir.Expr] = []
        tangents: list[ir.Expr] = []
        for k, atom in enumerate(atoms):
            if k in func.nondiff:
                continue
            zero: ir.Expr = ir.Const(0.0)
            if isinstance(atom, ir.Var):
                zero = self.temp(ir.Apply("rt.zero_tangent", (atom,)), node)
                atom = self.temp(ir.Apply("rt.stop_gradient", (atom,)), node)
            primals.append(atom)
            tangents.append(zero)
        first = [a for k, a in enumerate(atoms) if k in func.nondiff]
        both = [ir.MakeTuple(tuple(primals)), ir.MakeTuple(tuple(tangents))]
        out, tangent = self.rule(node, func.jvp, [*first, *both])
        loc = self.loc(node)
        self.emit(ir.Custom((target,), (out,), (tangent,), "", (*primals, *atoms), True, loc))

    def rule(
        self, node: ast.AST, func: FunctionType, atoms: Sequence[ir.Expr]
    ) -> tuple[ir.Expr, ir.Expr]:
        """The two items that a rule returns."""
        names = list(inspect.signature(func).parameters)
        if len(names) != len(atoms):
            self.refuse(node, f"{func.__name__} takes {len(names)} arguments, not {len(atoms)}")
        result = self.inlined(node, func, dict(zip(names, atoms, strict=True)))
        if isinstance(result, ir.MakeTuple) and len(result.items) == 2:
            first, second = result.items
            return first, second
        if not isinstance(result, ir.Var):
            self.refuse(node, f"{func.__name__} must return two values")
        one, two = (self.temp(ir.TupleGet(result, k), node) for k in range(2))
        return one, two
