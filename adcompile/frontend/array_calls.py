"""Calls of array functions: their arguments in order, and those that write to an array."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np

from adcompile.arrays.signatures import SEQUENCES, SIGNATURES, Signature
from adcompile.frontend.functions import dtype_name
from adcompile.frontend.lists import Lists
from adcompile.frontend.ranks import rank_of
from adcompile.frontend.written_out import WRITTEN_OUT
from adcompile.ir import nodes as ir

_MANY = inspect.Parameter.VAR_POSITIONAL
_NO_OPERANDS = ir.MakeTuple(())
WRITERS = (
    (np.copyto, "copyto"),
    (np.putmask, "putmask"),
    (np.fill_diagonal, "fill_diagonal"),
)


class ArrayCalls(Lists):
    def only_positional(self, node: ast.Call, count: int | None = None) -> None:
        """Refuse keywords, stars, and another number of arguments."""
        written = ast.unparse(node.func)
        for keyword in node.keywords:
            shown = f"{keyword.arg}=" if keyword.arg else "**"
            self.refuse(node, f"the argument {shown} of {written} is not supported")
        if count is not None and len(node.args) != count:
            self.refuse(node, f"{written} with {len(node.args)} arguments is not supported")

    def clip(self, node: ast.Call, given: Sequence[ast.expr], whole: bool) -> ir.Expr:
        """Numba has np.clip for arrays only, and not with all of its arguments."""
        names = {"a": "a", "a_min": "min", "a_max": "max", "min": "min", "max": "max"}
        parts = dict(zip(("a", "min", "max"), given))
        for keyword in node.keywords:
            name = names.get(keyword.arg or "")
            if name is None or name in parts:
                self.refuse(node, f"the argument {keyword.arg}= of np.clip is not supported")
            parts[name] = keyword.value
        if len(given) > 3 or "a" not in parts:
            self.refuse(node, f"np.clip with {len(given)} arguments")
        nodes = list(parts.values())
        args = dict(zip(parts, self.trees(nodes) if whole else self.atoms(nodes)))
        done = args["a"]
        for name, bound in (("np.maximum", args.get("min")), ("np.minimum", args.get("max"))):
            if bound is not None and bound != ir.Const(None):
                done = ir.Apply(name, (done, bound))
                done = done if whole else self.temp(done, node)
        return done

    def ufunc_method(self, node: ast.Call, method: str, name: str) -> ir.Expr:
        """``np.add.reduce`` and the like: over the first axis unless told otherwise."""
        if method == "at":
            self.only_positional(node, 3)
            array = self.atom(node.args[0])
            if not isinstance(array, ir.Var) or self.static(node.args[0]) is not None:
                self.refuse(node, f"{ast.unparse(node.func)} of something that is no local array")
            places: ir.Expr
            if isinstance(node.args[1], ast.List):
                items = self.sequence(node.args[1])
                made = ir.Apply("arr.array", (items, ir.Const(None)))
                places = self.temp(made, node)
            else:
                places = self.sequence(node.args[1])
            given = (array, self.atom(node.args[2]), places, ir.Const(name))
            new = self.temp(ir.Apply("arr.add_at", given), node)
            self.emit(ir.Store(array, (ir.Const(...),), new, self.loc(node)))
            return ir.Const(None)
        if method == "outer":
            self.only_positional(node, 2)
            a, b = self.atoms(node.args)
            return ir.Apply("arr.ufunc_outer", (a, b, ir.Const(name)))
        if len(node.args) < 2 and all(k.arg != "axis" for k in node.keywords):
            first = ast.keyword("axis", ast.copy_location(ast.Constant(0), node))
            node = ast.copy_location(ast.Call(node.func, node.args, [*node.keywords, first]), node)
        return self.array_call(node, name, node.args)

    def written(self, node: ast.Call, name: str, args: Sequence[ast.expr]) -> ir.Expr:
        """A call that writes to its first argument."""
        array = self.atom(args[0]) if args else ir.Const(None)
        if not isinstance(array, ir.Var) or self.static(args[0]) is not None:
            self.refuse(node, f"{ast.unparse(node.func)} of something that is not a local array")
        everything: tuple[ir.Index, ...] = (ir.Const(...),)
        loc = self.loc(node)
        if name == "sort" and array in self.session.lists:
            call = ast.copy_location(ast.Call(node.func, [*args], node.keywords), node)
            return self.inline(call, WRITTEN_OUT["sort"])
        if name == "sort":
            value = self.array_call(node, "sort", args)
            self.emit(ir.Store(array, everything, value, loc))
            return ir.Const(None)
        self.only_positional(node)
        more = self.atoms(args[1:])
        match name, more:
            case "fill" | "copyto", (value,):
                self.emit(ir.Store(array, everything, value, loc))
            case "putmask", (mask, value):
                new = self.temp(ir.Apply("arr.where", (mask, value, array)), node)
                self.emit(ir.Store(array, everything, new, loc))
            case "fill_diagonal", (value,):
                places = self.temp(ir.Apply("arr.diagonal_places", (array,)), node)
                self.emit(ir.Store(array, (places, places), value, loc))
            case _:
                self.refuse(node, f"{ast.unparse(node.func)} with {len(args)} arguments")
        return ir.Const(None)

    def array_call(self, node: ast.Call, name: str, args: Sequence[ast.expr]) -> ir.Expr:
        """A function of whole arrays, its arguments in the order of its parameters."""
        if name in ("split", "array_split") and (made := self.split(node, name, args)) is not None:
            return made
        signature = SIGNATURES[name]
        given = {k.arg: k.value for k in node.keywords if k.arg is not None}
        try:
            bound = signature.parameters.bind(*args, **given)
        except TypeError as error:
            self.refuse(node, f"np.{name}: {error}")
        names = {id(arg): parameter for parameter, arg in bound.arguments.items()}
        if "operands" in bound.arguments:  # all that follow
            packed = ast.Tuple(list(bound.arguments["operands"]), ast.Load())
            names[id(packed)] = "operands"
            args = [*args[: len(args) - len(packed.elts)], packed]
        values: dict[str, ir.Expr] = {}
        for arg in (*args, *given.values()):  # evaluated in the order written
            values[names[id(arg)]] = self.array_argument(names[id(arg)], arg, signature)
        parts = [
            values.get(parameter, _NO_OPERANDS if spec.kind is _MANY else _constant(spec.default))
            for parameter, spec in signature.parameters.parameters.items()
        ]
        if self.session.trying and f"fails_{name}" in SIGNATURES:
            self.raise_if_fails(name, tuple(parts), node)
        return self.temp(ir.Apply(f"arr.{name}", tuple(parts)), node)

    def split(self, node: ast.Call, name: str, args: Sequence[ast.expr]) -> ir.Expr | None:
        """Into a list, where the number of parts or the places are known at run time only."""
        if len(args) != 2 or node.keywords or isinstance(args[1], ast.Tuple | ast.List):
            return None
        given = self.tree(args[1])
        rank = rank_of(given, self.session.ranks, self.session.kinds)
        if isinstance(given, ir.Const) or rank not in (0, 1):
            return None
        sections = ast.copy_location(ast.Name("<sections>", ast.Load()), node)
        self.vars[sections.id] = ir.Var("sections", temp=True)
        self.emit(ir.Assign(self.vars[sections.id], given, loc=self.loc(node)))
        inputs: list[ast.expr] = [args[0], sections]
        if rank == 0:
            inputs.append(ast.copy_location(ast.Constant(name == "split"), node))
        call = ast.copy_location(ast.Call(node.func, inputs, []), node)
        return self.inline(call, WRITTEN_OUT["split_at" if rank else "split_in"])

    def raise_if_fails(self, name: str, parts: tuple[ir.Expr, ...], node: ast.Call) -> None:
        """In a try statement: the function is called twice, first to see whether it raises."""
        fails = self.temp(ir.Apply(f"arr.fails_{name}", parts), node)
        with self.block() as fail:
            key = self.exception(np.linalg.LinAlgError, node)
            self.emit(ir.Raise(key, (ir.Const(f"np.linalg.{name} failed"),), self.loc(node)))
        self.emit(ir.If(fails, tuple(fail), (), loc=self.loc(node)))

    def array_argument(self, parameter: str, arg: ast.expr, signature: Signature) -> ir.Expr:
        if parameter in SEQUENCES:
            return self.sequence(arg)
        if parameter in signature.operands:
            if isinstance(arg, ast.List | ast.Tuple):
                items = self.sequence(arg)
                return self.temp(ir.Apply("arr.array", (items, ir.Const(None))), arg)
            return self.atom(arg)
        if parameter == "dtype" and not (isinstance(arg, ast.Constant) and arg.value is None):
            return self.dtype(arg)
        if isinstance(arg, ast.Tuple | ast.List):
            return self.sequence(arg)
        return self.tree(arg)

    def dtype_owner(self, node: ast.expr) -> ir.Expr | None:
        """x of ``x.dtype``, of ``x.dtype.type`` and of a name for either."""
        match node:
            case ast.Attribute(base, "dtype") if self.static(node) is None:
                return self.atom(base)
            case ast.Attribute(inner, "type"):
                return self.dtype_owner(inner)
            case ast.Name(id=own) if self.is_local(node):
                return self.session.dtypes.get(self.vars[own])
            case _:
                return None

    def dtype(self, node: ast.expr) -> ir.Expr:
        match node:
            case ast.Attribute() | ast.Name() if (like := self.dtype_owner(node)) is not None:
                return ir.Attribute(like, "dtype")
            case ast.Constant(value):
                name = dtype_name(value)
            case _:
                outside = self.static(node)
                name = None if outside is None else dtype_name(outside.value)
        if name is None:
            self.refuse(node, "this dtype is not supported", "Write np.float64, or x.dtype.")
        return ir.Const(name)


def _constant(default: Any) -> ir.Expr:
    if isinstance(default, tuple):
        return ir.MakeTuple(tuple(ir.Const(part) for part in default))
    return ir.Const(default)
