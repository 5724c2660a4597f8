"""Draws of random numbers: calls that stay where they are, each run once."""

from __future__ import annotations

import ast
import functools

from adcompile.frontend.conditions import Conditions
from adcompile.ir import nodes as ir
from adcompile.rules.draws import DRAWS


class Draws(Conditions):
    @functools.cached_property
    def effects(self) -> set[ast.Call]:
        """Calls whose results nobody asks for."""
        return set()

    def draw(
        self, node: ast.Call, name: str, owner: ast.expr | None, into: ir.Var | None
    ) -> ir.Expr:
        """``np.random.name(...)``, or the method ``name`` of the Generator ``owner``."""
        shown = f"np.random.{name}" if owner is None else f"{ast.unparse(owner)}.{name}"
        front = () if owner is None else (self.atom(owner),)
        args = list(node.args)
        given = {k.arg: k.value for k in node.keywords if k.arg is not None}
        if name in ("rand", "randn"):  # the size is written item by item
            name = "random" if name == "rand" else "standard_normal"
            sizes = ast.copy_location(ast.Tuple(args, ast.Load()), node)
            args = [sizes] if len(args) > 1 else args
        draw = DRAWS[name]
        for keyword in node.keywords:
            if keyword.arg not in draw.parameters.parameters:
                self.refuse(node, f"the argument {keyword.arg}= of {shown} is not supported")
        if any(isinstance(arg, ast.Starred) for arg in args):
            self.refuse(node, "* in a call is not supported", "Write the arguments out.")
        try:
            bound = draw.parameters.bind(*args, **given)
        except TypeError as error:
            self.refuse(node, f"{shown}: {error}")
        names = {id(arg): parameter for parameter, arg in bound.arguments.items()}
        values: dict[str, ir.Expr] = {}
        for arg in (*args, *given.values()):  # evaluated in the order written
            values[names[id(arg)]] = self.size(arg) if names[id(arg)] == "size" else self.atom(arg)
        if name in ("randint", "integers") and values.get("high", ir.Const(None)) == ir.Const(None):
            values["low"], values["high"] = ir.Const(0), values["low"]
        if name == "seed" and values["seed"] == ir.Const(None):
            self.refuse(node, "np.random.seed(None)", "Pass an integer.")
        items = [
            values.get(parameter, ir.Const(spec.default))
            for parameter, spec in draw.parameters.parameters.items()
        ]
        if list(draw.parameters.parameters)[-1] == "size" and items[-1] == ir.Const(None):
            del items[-1]
        prefix = "np.random" if owner is None else "gen"
        call = (f"{prefix}.{name}", (*front, *items), self.loc(node))
        if name in ("seed", "shuffle"):
            self.emit(ir.Call((), *call))
            return ir.Const(None)
        target = into or ir.Var("t", temp=True)
        self.emit(ir.Call((target,), *call))
        self.session.computed.add(target)
        return target

    def size(self, node: ast.expr) -> ir.Expr:
        if isinstance(node, ast.Tuple):
            return ir.MakeTuple(self.atoms(node.elts))
        return self.tree(node) if isinstance(node, ast.Attribute) else self.atom(node)
