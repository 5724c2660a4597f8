"""Calls: functions of numbers stay calls, allocations become statements, and the user's own
functions are inlined."""

from __future__ import annotations

import ast
import builtins
import cmath
import operator
from collections.abc import Sequence
from types import FunctionType
from typing import Any

import numpy as np
from numba import literally
from numba.core.registry import cpu_target
from numba.np.ufunc.gufunc import GUFunc

from adcompile.arrays.signatures import (
    array_builtin,
    array_function,
    array_method,
    ufunc_method,
)
from adcompile.clones import Callee
from adcompile.custom import Registered
from adcompile.frontend.arguments import Arguments
from adcompile.frontend.array_calls import WRITERS
from adcompile.frontend.customs import registered
from adcompile.frontend.frame import LocalFunction, TypeOf
from adcompile.frontend.functions import (
    ADVICE,
    ALLOCATORS,
    allocator_name,
    is_range,
    primitive_name,
    shown_name,
)
from adcompile.frontend.outlining import outlined
from adcompile.frontend.programs import program_of
from adcompile.frontend.session import Pack
from adcompile.frontend.source import is_dispatcher, plain_function
from adcompile.ir import nodes as ir
from adcompile.rules.draws import generator_draw, legacy_draw

OPERATORS: dict[object, ast.operator] = {
    operator.add: ast.Add(),
    operator.sub: ast.Sub(),
    operator.mul: ast.Mult(),
    operator.truediv: ast.Div(),
    operator.pow: ast.Pow(),
}


def has_overload(func: FunctionType) -> bool:
    """Whether Numba has an implementation of its own for a Python function, which is not that
    function itself, as with ``register_jitable``."""
    context: Any = cpu_target.typing_context
    context.refresh()
    try:
        kind = context.resolve_value_type(func)
    except Exception:  # Numba's own family of errors for what it cannot type
        return False
    makers = [getattr(t, "_overload_func", None) for t in getattr(kind, "templates", ())]
    cells = [cell for made in makers for cell in getattr(made, "__closure__", None) or ()]
    return not any(cell.cell_contents is func for cell in cells)


class Calls(Arguments):
    # ------------------------------------------------------------ which call

    def call(self, node: ast.Call, whole: bool, into: ir.Var | None = None) -> ir.Expr:
        outside = self.static(node.func)
        if any(isinstance(arg, ast.Starred) for arg in node.args):
            plain = ast.Call(node.func, self.unstarred(node.args), node.keywords)
            node = ast.copy_location(plain, node)
        if outside is None:
            func_name = node.func.id if isinstance(node.func, ast.Name) else ""
            if self.session.lenient and self.vars.get(func_name) in self.session.unknown:
                return self.temp(ir.Apply("float", (ir.Const(0.0),)), node)
            if (like := self.dtype_owner(node.func)) is not None:
                return self.cast(node, like)
            return self.method(node, into)
        func = outside.value
        if isinstance(func, LocalFunction):
            return self.inline(node, func)
        if isinstance(func, TypeOf):
            return self.cast(node, func.like)
        if hasattr(func, "__adcompile__"):
            self.refuse(
                node,
                "derivatives of derivatives are not supported",
                "Call the original function here.",
            )
        if (own := self.custom(node, func, into)) is not None:
            return own
        primitive, allocator = primitive_name(func), allocator_name(func)
        if allocator is not None:
            return self.allocate(node, allocator, into)
        if (row := registered(func)) is not None:
            primitive = self.called(row.callee)
            return self.primitive(node, func, primitive, whole)
        if (drawn := legacy_draw(func)) is not None:
            return self.draw(node, drawn, None, into)
        if (array_name := array_function(func)) is not None:
            return self.array_call(node, array_name, node.args)
        if len(node.args) == 1 and not isinstance(node.args[0], ast.Tuple | ast.List):
            if (done := self.of_tuple(node, func)) is not None:
                return done
            if (array_name := array_builtin(func)) is not None:
                return self.array_call(node, array_name, node.args)
        if (reduction := ufunc_method(func)) is not None:
            return self.ufunc_method(node, *reduction)
        if (writer := next((name for f, name in WRITERS if f is func), None)) is not None:
            return self.written(node, writer, node.args)
        if primitive is not None:
            return self.primitive(node, func, primitive, whole)
        if func is np.shape:
            self.only_positional(node, 1)
            return ir.Attribute(self.atom(node.args[0]), "shape")
        if func is builtins.len:
            self.only_positional(node, 1)
            return self.rank_known(node) or self.length(node.args[0])
        if func is builtins.isinstance and len(node.args) == 2:
            return self.instance_of(node)
        if func is literally:
            self.only_positional(node, 1)
            return self.atom(node.args[0])
        if any(func is one for one in OPERATORS):
            self.only_positional(node, 2)
            a, b = self.trees(node.args) if whole else self.atoms(node.args)
            op = next(op for one, op in OPERATORS.items() if one is func)
            return self.binary(node, op, a, b)
        if func is builtins.pow or func is builtins.divmod:
            self.only_positional(node, 2)
            a, b = self.trees(node.args) if whole else self.atoms(node.args)
            if func is builtins.pow:
                return ir.Binary("**", a, b)
            quotient = self.temp(self.binary(node, ast.FloorDiv(), a, b), node)
            return ir.MakeTuple((quotient, self.temp(self.binary(node, ast.Mod(), a, b), node)))
        if func is cmath.polar:
            self.only_positional(node, 1)
            z = self.atom(node.args[0])
            parts = (ir.Apply("abs", (z,)), ir.Apply("cmath.phase", (z,)))
            return ir.MakeTuple(tuple(self.temp(part, node) for part in parts))
        if func is builtins.print and node in self.effects:
            if any(isinstance(arg, ast.Starred | ast.JoinedStr) for arg in node.args):
                self.refuse(node, "an f-string in print", 'Write print("n is", n).')
            self.only_positional(node)
            self.emit(ir.Call((), "print", self.atoms(node.args), self.loc(node)))
            return ir.Const(None)
        if (program := program_of(func)) is not None:
            return self.inline(node, program)
        if func is np.copy:
            self.only_positional(node, 1)
            return self.copy(node, node.args[0], into)
        if is_range(func):
            self.refuse(node, "range() outside a for statement", "Write a loop over it.")
        if isinstance(func, type) and issubclass(func, tuple) and hasattr(func, "_fields"):
            return self.make_named(node, func)
        if (made := self.list_call(node, func)) is not None:
            return made
        if func is builtins.dict:
            return self.dict_call(node)
        inner = plain_function(func)
        if isinstance(func, GUFunc):
            self.refuse(
                node,
                f"{ast.unparse(node.func)} is made by guvectorize, which is not supported",
                "Call the function inside it in a loop.",
            )
        if isinstance(func, FunctionType) and has_overload(func):
            self.refuse(
                node,
                f"{func.__name__} has an @overload, which is what Numba runs in its place",
                "Call the function that the overload returns.",
            )
        if inner is None or inner.__module__.partition(".")[0] in ("numpy", "math", "scipy"):
            name = shown_name(func, ast.unparse(node.func))
            if isinstance(getattr(func, "__self__", None), np.random.Generator):
                self.refuse(node, f"{name}: a captured Generator", "Pass it as an argument.")
            self.refuse(
                node,
                f"calls of {name} are not supported",
                ADVICE.get(name, "Write it with scalar arithmetic and loops."),
            )
        if is_dispatcher(func):
            self.session.dispatchers.append(func)
            if (stays := self.outlined(func)) is not None:
                row, slope = stays
                self.called(slope)
                return self.primitive(node, func, self.called(row.callee), whole)
            return self.converted(node, inner, func)
        return self.inline(node, inner)

    def outlined(self, func: object) -> tuple[Registered, Callee] | None:
        """What stands for a function that stays a call, unless it is being read itself."""
        inner = plain_function(func)
        if inner is None or any(inner.__code__ == key for key in self.session.stack):
            return None
        return None if self.session.lenient else outlined(func)

    def call_lifts(self, node: ast.Call) -> bool:
        outside = self.static(node.func)
        if outside is None:
            return True
        if outside.value is builtins.len:
            return not all(isinstance(arg, ast.Name) for arg in node.args)
        func = outside.value
        plain = primitive_name(func) is not None or registered(func) is not None
        return func is not builtins.pow and not plain

    # ------------------------------------------------------------ numbers

    def primitive(self, node: ast.Call, func: object, name: str, whole: bool) -> ir.Expr:
        if name == "np.clip":
            return self.clip(node, node.args, whole)
        if name == "np.round":
            node = self.named_decimals(node)
        self.only_positional(node, func.nin if isinstance(func, np.ufunc) else None)
        nodes: Sequence[ast.expr] = node.args
        if name in ("min", "max"):
            if written := (len(nodes) == 1 and isinstance(nodes[0], ast.Tuple | ast.List)):
                nodes = self.unstarred(nodes[0].elts)
            if len(nodes) < (1 if written else 2):
                self.refuse(node, f"{name} of a sequence is not supported", "Write it as a loop.")
        args = self.trees(nodes) if whole else self.atoms(nodes)
        if name in ("min", "max"):
            if len(args) == 1:
                return args[0]
            done = args[0]
            for arg in args[1:-1]:
                done = ir.Apply(name, (done, arg))
                done = done if whole else self.temp(done, node)
            return ir.Apply(name, (done, args[-1]))
        if name == "complex" and len(args) != 1:
            return ir.Apply("complex2", args) if args else ir.Const(0j)
        return ir.Apply(name, args)

    def named_decimals(self, node: ast.Call) -> ast.Call:
        """``np.round(x, decimals=2)`` as ``np.round(x, 2)``."""
        match node.keywords:
            case [ast.keyword("decimals", places)]:
                plain = ast.Call(node.func, [*node.args, places], [])
                return ast.copy_location(plain, node)
            case _:
                return node

    def length(self, node: ast.expr) -> ir.Expr:
        outside = self.static(node)
        if outside is not None and isinstance(outside.value, tuple):
            return ir.Const(len(outside.value))
        if outside is not None and isinstance(outside.value, Pack):
            return ir.Const(len(outside.value.items))
        return ir.Attribute(self.atom(node), "len")

    # ------------------------------------------------------------ arrays

    def method_call(self, node: ast.expr, owner: ast.expr, function: Any) -> ir.Expr:
        args = list(node.args) if isinstance(node, ast.Call) else []
        keywords = list(node.keywords) if isinstance(node, ast.Call) else []
        inner = plain_function(function)
        if inner is None:
            self.refuse(node, "this method is not a Python function", "Call a function instead.")
        whole = ast.Call(ast.Name(inner.__name__, ast.Load()), [owner, *args], keywords)
        return self.inline(ast.fix_missing_locations(ast.copy_location(whole, node)), inner)

    def method(self, node: ast.Call, into: ir.Var | None) -> ir.Expr:
        args: list[ast.expr]
        if isinstance(node.func, ast.Attribute) and isinstance(
            node.func.value, ast.Name | ast.Attribute
        ):
            owner = self.atom(node.func.value)
            if (found := self.method_of(owner, node.func.attr)[1]) is not None:
                return self.method_call(node, node.func.value, found)
        match node.func:
            case ast.Call(ast.Name("type"), [like]):
                return self.cast(node, self.atom(like))
            case ast.Attribute(base, "copy"):
                self.only_positional(node, 0)
                return self.copy(node, base, into)
            case ast.Attribute(base, name) if array_method(name) is not None:
                args = list(node.args)
                if name in ("reshape", "transpose") and len(args) > 1:
                    args = [ast.copy_location(ast.Tuple(args, ast.Load()), node)]
                return self.array_call(node, name, [base, *args])
            case ast.Attribute(base, "clip"):
                return self.clip(node, [base, *node.args], False)
            case ast.Attribute(base, "round"):
                node = self.named_decimals(node)
                self.only_positional(node)
                return ir.Apply("np.round", self.atoms([base, *node.args]))
            case ast.Attribute(base, "conj" | "conjugate"):
                self.only_positional(node, 0)
                return ir.Apply("np.conjugate", (self.atom(base),))
            case ast.Attribute(base, "fill" | "sort" as name):
                return self.written(node, name, [base, *node.args])
            case ast.Attribute(base, "astype"):
                self.only_positional(node, 1)
                kind = self.dtype(node.args[0])
                return self.temp(ir.Apply("arr.array", (self.atom(base), kind)), node)
            case ast.Attribute(base, name) if generator_draw(name) is not None:
                return self.draw(node, name, base, into)
            case ast.Attribute(base, name):
                if (made := self.list_method(node, base, name)) is not None:
                    return made
                self.refuse(node, f"calls of the method .{name}() are not supported")
            case _:
                self.refuse(
                    node,
                    f"{ast.unparse(node.func)!r} is called but not known while parsing",
                    "Only functions of the module or closure can be called.",
                )

    def cast(self, node: ast.Call, like: ir.Expr) -> ir.Expr:
        """``type(x)(value)``"""
        self.only_positional(node, 1)
        value = self.atom(node.args[0])
        return self.temp(ir.Apply("arr.cast_like", (like, value)), node)

    def copy(self, node: ast.Call, source: ast.expr, into: ir.Var | None) -> ir.Expr:
        array = self.atom(source)
        if not isinstance(array, ir.Var):
            self.refuse(node, "only arrays can be copied")
        target = into or ir.Var("t", temp=True)
        self.emit(ir.Copy(target, array, self.loc(node)))
        return target

    def allocate(self, node: ast.Call, name: str, into: ir.Var | None) -> ir.Expr:
        params = ALLOCATORS[name]
        if len(node.args) > len(params):
            self.refuse(node, f"{name} with {len(node.args)} positional arguments")
        given = dict(zip(params, node.args))
        for keyword in node.keywords:
            order_c = isinstance(keyword.value, ast.Constant) and keyword.value.value == "C"
            if keyword.arg in params and keyword.arg not in given:
                given[keyword.arg] = keyword.value
            elif not (keyword.arg == "order" and order_c):
                self.refuse(node, f"the argument {keyword.arg}= of {name} is not supported")
        positional = [p for p in params if p != "dtype"]
        for param in positional:
            if param not in given:
                self.refuse(node, f"{name} without the argument {param!r}")
        args: list[ir.Expr] = []
        for param in positional:
            args.append(self.tree(given[param]) if param == "shape" else self.atom(given[param]))
        keywords: tuple[tuple[str, ir.Expr], ...] = ()
        if "dtype" in given:
            keywords = (("dtype", self.dtype(given["dtype"])),)
        target = into or ir.Var("t", temp=True)
        self.emit(ir.Alloc(target, name, tuple(args), keywords, self.loc(node)))
        return target
